//! The order of tables in a file does not matter.

use proptest::prelude::*;

use crate::fixture::{BASE, sound};

/// The tables of a text, each with its heading.
fn tables(text: &str) -> Vec<String> {
    let mut tables: Vec<String> = Vec::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        if line.starts_with('[') {
            tables.push(String::new());
        }
        let last = tables.last_mut().expect("a text starts with a heading");
        last.push_str(line);
        last.push('\n');
    }
    tables
}

const LINKS: &str = r#"
[[link]]
id = "front"
from = "server[*].nic[0]"
to = "switch.port[0-3]"
protocol = "ethernet/400gbase-r4"
[[link]]
id = "back10"
from = "server[0-1].nic[1]"
to = "switch.port[10-11]"
protocol = "ethernet/400gbase-r4"
[[link]]
id = "back2"
from = "server[2-3].nic[1]"
to = "switch.port[12-13]"
protocol = "ethernet/400gbase-r4"
[[domain]]
id = "front"
[limits]
rack_power_kw_max = 3
"#;

proptest! {
    #[test]
    fn shuffled_tables_give_the_same_system(order in Just(tables(&format!("{BASE}{LINKS}"))).prop_shuffle()) {
        let original = sound(&format!("{BASE}{LINKS}"));
        let shuffled = sound(&order.concat());
        prop_assert_eq!(&original.links, &shuffled.links);
        let names = |s: &lanewright_model::system::System| -> Vec<String> {
            s.link_sets.iter().map(|l| l.name.clone())
                .chain(s.sets.iter().map(|d| d.name.clone()))
                .chain(s.racks.iter().map(|r| r.name.clone()))
                .chain(s.domains.iter().map(|d| d.name.clone()))
                .collect()
        };
        prop_assert_eq!(names(&original), names(&shuffled));
    }
}
