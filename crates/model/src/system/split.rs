//! Splits: breakout of a cage into several ports, bifurcation of a wide port.

use std::collections::HashMap;

use super::selector::Selector;
use super::tables::SplitTable;
use crate::catalogue::part::Part;
use crate::problem::{Problem, Problems, nearest};

/// Lanes of each piece of the ports that are split, by group and number of the port. Reports groups and ports that do
/// not exist, ports split twice, and pieces with more lanes than the port.
pub fn resolve(part: &Part, split: &SplitTable, problems: &mut Problems) -> HashMap<(usize, u32), Vec<u32>> {
    let mut pieces = HashMap::new();
    for entry in &split.groups {
        let selector = match Selector::parse(&entry.group) {
            Ok(selector) => selector,
            Err(error) => {
                problems.push(Problem::error("selector", error.message, entry.group.span, "here").help(error.help));
                continue;
            }
        };
        for path in &selector.paths {
            let step = &path[0];
            let Some(number) = part.port.iter().position(|g| g.id.value == step.name).filter(|_| path.len() == 1)
            else {
                let near = nearest(&step.name, part.port.iter().map(|g| g.id.as_str()));
                problems.push(Problem::error(
                    "unknown-port",
                    format!("`{}` has no port group `{}` to split", part.id.value, entry.group.value),
                    entry.group.span,
                    near.map_or_else(|| "not there".into(), |near| format!("did you mean `{near}`?")),
                ));
                continue;
            };
            let group = &part.port[number];
            let lanes = &entry.lanes;
            if lanes.iter().map(|l| u64::from(*l)).sum::<u64>() > u64::from(group.lanes) {
                problems.push(
                    Problem::error(
                        "lanes",
                        format!("the split of `{}` needs more lanes than its {}", group.id.value, group.lanes),
                        lanes.span,
                        "too many lanes",
                    )
                    .help("the lanes of all pieces together cannot exceed those of the port"),
                );
                continue;
            }
            let ports = match step.index.numbers(group.count.min(4096)) {
                Ok(ports) => ports,
                Err(wrong) => {
                    problems.push(Problem::error(
                        "unknown-port",
                        format!(
                            "`{}` has {} ports `{}`, numbered from 0; {wrong} is not one of them",
                            part.id.value, group.count, step.name
                        ),
                        entry.group.span,
                        "not there",
                    ));
                    continue;
                }
            };
            for port in ports {
                if pieces.insert((number, port), lanes.value.clone()).is_some() {
                    problems.push(Problem::error(
                        "split",
                        format!("port {port} of `{}` is split twice", step.name),
                        entry.group.span,
                        "again here",
                    ));
                    break;
                }
            }
        }
    }
    pieces
}
