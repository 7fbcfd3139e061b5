//! A small catalogue and the one function that most tests go through.

use std::collections::HashMap;
use std::sync::Arc;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::{Problems, Severity};
use lanewright_model::system::{Files, System, load_system};
use lanewright_model::text::Texts;

/// A catalogue of a few made-up parts.
pub const CATALOGUE: &str = r#"
[[source]]
id = "made-up"
title = "Made up for tests"

[[technology]]
id = "ethernet/100g-lane"
family = "ethernet"
name = "100G lanes"
lane_gbps = 100
symbol_gbd = 53.125
modulation = "pam4"
loss_budget = { value = 35, min = 33, max = 37, unit = "dB", grade = "estimate", source = "made-up" }
member = [{ id = "ethernet/400gbase-r4", lanes = 4 }, { id = "ethernet/800gbase-r8", lanes = 8 }]

[[technology]]
id = "ethernet/50g-lane"
family = "ethernet"
name = "50G lanes"
lane_gbps = 50
symbol_gbd = 26.5625
modulation = "pam4"
loss_budget = { value = 30, min = 28, max = 32, unit = "dB", grade = "estimate", source = "made-up" }
member = [{ id = "ethernet/400gbase-r8", lanes = 8 }]

[[part]]
id = "test/rack"
kind = "rack"
name = "Rack"
frame = { units = 20, unit_mm = 44.45, width_mm = 600, depth_mm = 1200 }

[[part]]
id = "test/server"
kind = "endpoint"
name = "Server"
size_u = 2
  [[part.port]]
  id = "nic"
  count = 2
  lanes = 4
  protocols = ["ethernet/*"]
  cage = "osfp"
  side = "rear"

[[part]]
id = "test/switch"
kind = "switch"
name = "Switch"
size_u = 1
  [[part.port]]
  id = "port"
  count = 16
  lanes = 8
  protocols = ["ethernet/*"]
  cage = "osfp"
  side = "front"

[[part]]
id = "test/gpu"
kind = "accelerator"
name = "GPU"
  [[part.port]]
  id = "link"
  count = 6
  lanes = 4
  protocols = ["ethernet/400gbase-r4"]
"#;

/// A system of two servers and a switch, to which tests add tables.
pub const BASE: &str = r#"
[system]
name = "Test"

[[rack]]
id = "r"
frame = "test/rack"
count = 2

[[device]]
id = "server"
part = "test/server"
rack = "r[*]"
per_rack = 2
position_u = { start = 1, step = 2 }

[[device]]
id = "switch"
part = "test/switch"
rack = "r[0]"
position_u = 10
split = { port = "2x4" }
"#;

/// Other files, by name.
pub struct Texted(pub HashMap<&'static str, String>);

impl Files for Texted {
    fn read(&mut self, path: &str, _: &str) -> Result<(String, String), String> {
        self.0.get(path).map(|text| (path.to_string(), text.clone())).ok_or_else(|| "no such file".into())
    }
}

/// Loads a system over the test catalogue; problems as `line:column code: message | help`, errors marked `!`.
pub fn load_with(text: &str, files: &[(&'static str, &str)]) -> (Option<System>, Vec<String>) {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let layer = vec![("catalogue.toml".to_string(), Arc::from(CATALOGUE))];
    let catalogue = Arc::new(Catalogue::load(&[layer], &mut texts, &mut problems));
    assert!(problems.is_empty(), "the test catalogue is sound: {problems:?}");
    let file = texts.add("main.toml", text);
    let mut files = Texted(files.iter().map(|(name, text)| (*name, (*text).to_string())).collect());
    let system = load_system(file, &mut texts, &catalogue, &mut files, &mut problems);
    problems.sort();
    let lines = problems
        .iter()
        .map(|p| {
            let mark = if p.severity == Severity::Error { "!" } else { "?" };
            let place = p.labels.first().map_or_else(|| "-".to_string(), |(span, _)| texts.place(*span));
            let under = p.labels.first().map_or("", |(span, _)| texts.snippet(*span));
            let under: String = under.chars().take(40).collect();
            let label = p.labels.first().map_or("", |l| l.1.as_str());
            let help = p.help.as_deref().map_or_else(String::new, |h| format!(" | {h}"));
            format!("{mark} {place} `{under}` {}: {} | {label}{help}", p.code, p.message)
        })
        .collect();
    (system, lines)
}

/// Loads a system that needs no other files.
pub fn load(text: &str) -> (Option<System>, Vec<String>) {
    load_with(text, &[])
}

/// Loads a system that must be sound.
pub fn sound(text: &str) -> System {
    let (system, problems) = load(text);
    assert!(problems.iter().all(|p| p.starts_with('?')), "{problems:#?}");
    system.expect("no errors, so a system")
}
