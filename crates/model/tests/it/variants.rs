//! `extends`, `include` and `remove`.

use crate::fixture::{BASE, load_with};

const LINK: &str = r#"
[[link]]
id = "front"
from = "server[*].nic[0]"
to = "switch.port[0-3]"
protocol = "ethernet/400gbase-r4"
"#;

#[test]
fn a_variant_changes_keys_and_adds_tables() {
    let base = format!("{BASE}{LINK}[limits]\npower_kw_max = 5\nrack_power_kw_max = 7\n");
    let variant = r#"
extends = "base.toml"
remove = ["link.front"]
[system]
name = "Variant"
[limits]
power_kw_max = 9
[[device]]
id = "server"
per_rack = 3
[[device]]
id = "extra"
part = "test/switch"
rack = "r[1]"
"#;
    let (system, problems) = load_with(variant, &[("base.toml", &base)]);
    let system = system.unwrap_or_else(|| panic!("{problems:#?}"));
    assert_eq!(system.name, "Variant");
    assert_eq!(system.devices.len(), 6 + 2);
    assert!(system.links.is_empty());
    let limits = system.limits.expect("kept");
    assert_eq!((limits.power_kw_max.expect("set").value, limits.rack_power_kw_max.expect("kept").value), (9.0, 7.0));
}

#[test]
fn includes_add_tables_and_clashes_are_errors() {
    let (system, problems) = load_with(&format!("include = [\"links.toml\"]\n{BASE}"), &[("links.toml", LINK)]);
    assert_eq!(system.unwrap_or_else(|| panic!("{problems:#?}")).links.len(), 4);
    let (_, problems) = load_with(
        &format!("include = [\"links.toml\", \"gone.toml\"]\n{BASE}{LINK}"),
        &[("links.toml", &format!("[system]\nname = \"y\"\n{LINK}"))],
    );
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn removing_what_is_not_there_is_an_error() {
    let (_, problems) = load_with(
        "extends = \"base.toml\"\nremove = [\"link.frnt\", \"x\"]",
        &[("base.toml", &format!("{BASE}{LINK}"))],
    );
    assert_eq!(problems.iter().filter(|p| p.contains("to remove")).count(), 2, "{problems:#?}");
}
