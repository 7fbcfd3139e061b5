//! A small system through loader, planner and review, with every text that a user may give twisted afterwards.

use std::sync::Arc;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::system::{Files, System, load_system};
use lanewright_model::text::Texts;
use lanewright_twin::review::{Review, review_with_lanes};

/// Twelve servers in six racks, two leaves and a spine in a seventh; the spine is too far for one kind of cable.
const SYSTEM: &str = r#"
[system]
name = "Six racks"
description = "Twelve servers on two leaves and a spine."
sources = ["a paper"]
assumptions = ["rack positions are assumed"]

[limits]
rack_power_kw_max = 7
availability_min = 0.5
com_db_min = 3

[[rack]]
id = "r"
frame = "eia/rack-42u"
count = 6

[[rack]]
id = "net"
frame = "eia/rack-42u"
column = 6

[[device]]
id = "server"
part = "local/server"
rack = "r[*]"
per_rack = 2
position_u = { start = 3, step = 10 }

[[device]]
id = "leaf"
part = "local/switch"
rack = "net"
count = 2
position_u = { start = 20, step = 3 }

[[device]]
id = "spine"
part = "local/switch"
rack = "net"
position_u = 30

[[link]]
id = "hosts"
from = "server[*].gpu[*].port"
to = "leaf[*].port[0-47]"
pattern = "rail"
groups = 1
protocol = "ethernet/400gbase-r4"
domain = "back-end"

[[link]]
id = "uplinks"
from = "leaf[*].port[60-79]"
to = "spine.port[0-39]"
protocol = "ethernet/400gbase-r4"
medium = "dac"
length_m = 60.0
domain = "back-end"

[[part]]
id = "local/server"
kind = "assembly"
name = "Server with eight accelerators"
size_u = 8
  [[part.device]]
  id = "gpu"
  part = "local/gpu"
  count = 8
  [[part.export]]
  id = "out"
  ports = "gpu[*].port"
  side = "rear"

[[part]]
id = "local/gpu"
kind = "accelerator"
name = "Accelerator"
figures.power = { value = 500, min = 450, max = 600, unit = "W", grade = "estimate", source = "estimate", note = "peak" }
figures.price = { value = 20, min = 15, max = 30, unit = "kUSD", grade = "estimate", source = "estimate" }
  [[part.port]]
  id = "port"
  lanes = 4
  protocols = ["ethernet/*"]
  cage = "qsfp112"
  side = "rear"

[[part]]
id = "local/switch"
kind = "switch"
name = "Switch of 128 ports"
size_u = 2
figures.power = { value = 2.1, min = 1.8, max = 2.6, unit = "kW", grade = "estimate", source = "estimate" }
figures.latency = { value = 700, min = 600, max = 900, unit = "ns", grade = "estimate", source = "estimate" }
figures.fit = { value = 4000, min = 2000, max = 9000, unit = "FIT", grade = "estimate", source = "estimate" }
  [[part.port]]
  id = "port"
  count = 128
  lanes = 4
  protocols = ["ethernet/*"]
  cage = "qsfp112"
  side = "rear"
"#;

struct NoFiles;

impl Files for NoFiles {
    fn read(&mut self, path: &str, _: &str) -> Result<(String, String), String> {
        Err(format!("{path}: the fixture has one file"))
    }
}

/// The system and its review; every text a user may give goes through `twist`.
pub fn review(twist: &dyn Fn(&str) -> String) -> (System, Review) {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = Catalogue::load(&[lanewright_twin::bundled::catalogue_layer()], &mut texts, &mut problems);
    let file = texts.add("six-racks.toml", SYSTEM);
    let system = load_system(file, &mut texts, &Arc::new(catalogue), &mut NoFiles, &mut problems);
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let mut system = system.unwrap_or_else(|| panic!("the fixture does not load: {said:?}"));
    let mut review = review_with_lanes(&system, &texts, &problems, ("six-racks.toml", "0.1.0", 0xC0FFEE), &[]);
    twist_system(&mut system, twist);
    twist_review(&mut review, twist);
    (system, review)
}

fn each<'a>(texts: impl IntoIterator<Item = &'a mut String>, twist: &dyn Fn(&str) -> String) {
    for text in texts {
        *text = twist(text);
    }
}

fn twist_system(system: &mut System, twist: &dyn Fn(&str) -> String) {
    each([&mut system.name], twist);
    each(&mut system.description, twist);
    each(system.sources.iter_mut().chain(&mut system.assumptions), twist);
    each(system.racks.iter_mut().map(|rack| &mut rack.name), twist);
    each(system.sets.iter_mut().map(|set| &mut set.name), twist);
    each(system.link_sets.iter_mut().map(|set| &mut set.name), twist);
    each(system.domains.iter_mut().map(|domain| &mut domain.name), twist);
    let catalogue = Arc::make_mut(&mut system.catalogue);
    each(catalogue.protocols.iter_mut().map(|protocol| &mut protocol.id), twist);
    for source in &mut catalogue.sources {
        each([&mut source.title], twist);
        each(source.address.iter_mut().chain(&mut source.date), twist);
    }
    for part in &mut catalogue.parts {
        each([&mut part.id.value, &mut part.name], twist);
        each(part.port.iter_mut().map(|group| &mut group.id.value), twist);
        if let Some(power) = &mut part.figures.power {
            each(power.note.iter_mut().chain([&mut power.source]), twist);
        }
    }
}

fn twist_review(review: &mut Review, twist: &dyn Fn(&str) -> String) {
    each([&mut review.system.name, &mut review.system.file], twist);
    each(&mut review.system.description, twist);
    each(review.system.sources.iter_mut().chain(&mut review.system.assumptions), twist);
    for limit in &mut review.limits {
        each([&mut limit.name, &mut limit.subject], twist);
    }
    for finding in &mut review.findings {
        each([&mut finding.message], twist);
        each(finding.place.iter_mut().chain(&mut finding.help), twist);
    }
    let plan = &mut review.plan;
    for class in &mut plan.classes {
        each([&mut class.reason], twist);
        for option in class.choice.iter_mut().chain(&mut class.alternatives) {
            each([&mut option.name], twist);
            each(option.loss.items.iter_mut().map(|item| &mut item.name), twist);
        }
        for rejected in &mut class.rejected {
            each([&mut rejected.name, &mut rejected.reason], twist);
        }
    }
    for line in &mut plan.bom {
        each([&mut line.id, &mut line.name], twist);
    }
    each(plan.power.racks.iter_mut().map(|rack| &mut rack.name), twist);
    for path in &mut plan.latency {
        each([&mut path.domain, &mut path.from, &mut path.to], twist);
        each(path.items.iter_mut().map(|item| &mut item.name), twist);
    }
    for lane in &mut review.curves {
        let line = &mut lane.line;
        each([&mut line.set, &mut line.technology, &mut line.choice, &mut line.receiver, &mut line.why], twist);
        each(line.pieces.iter_mut().map(|piece| &mut piece.name), twist);
        each(line.fec.iter_mut().chain(&mut line.serdes).chain(&mut line.measured), twist);
    }
    let reliability = &mut plan.reliability;
    for part in &mut reliability.parts {
        each([&mut part.id, &mut part.effect], twist);
    }
    each(reliability.wearout.iter_mut().map(|part| &mut part.id), twist);
    each(reliability.availability.iter_mut().map(|line| &mut line.domain), twist);
    each(plan.cost.unpriced.iter_mut().chain(&mut reliability.unrated).map(|(id, _)| id), twist);
    each(plan.domains.iter_mut().map(|domain| &mut domain.name), twist);
}
