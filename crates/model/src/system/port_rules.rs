//! Rules of ports: one link each, a protocol that they speak, enough lanes.

use std::collections::HashSet;

use super::checked::{PortId, System};
use crate::problem::{Problem, Problems};

/// Reports ports used twice, protocols that a port does not speak, lanes that do not add up, and routed links
/// between devices that stand in no rack. Each kind is reported once for each pair of tables.
pub fn check(system: &System, problems: &mut Problems) {
    ports_used_twice(system, problems);
    let catalogue = &system.catalogue;
    for set in &system.link_sets {
        let mut seen: HashSet<(u32, u32, u32, bool)> = HashSet::new();
        let mut unrouted = false;
        for link in &system.links[set.links.start as usize..set.links.end as usize] {
            for (port, protocol, second) in [(link.a, set.protocol, false), (link.b, set.to_protocol, true)] {
                let device = system.device_of(port);
                let layout = system.sets[device.set.index()].layout;
                let shape = system.shape(port);
                if !seen.insert((layout.0, shape.group, shape.lanes, second)) {
                    continue;
                }
                let part = catalogue.part(system.layouts[layout.0 as usize].part);
                let group = &part.port[shape.group as usize];
                let wanted = catalogue.protocol(protocol);
                if !catalogue.speaks(&group.protocols, protocol) {
                    let names: Vec<&str> = group.protocols.iter().map(|p| p.value.as_str()).collect();
                    problems.push(
                        Problem::error(
                            "protocol",
                            format!("port `{}` of `{}` does not speak `{}`", group.id.value, part.id.value, wanted.id),
                            set.protocol_span,
                            format!("link `{}`", set.name),
                        )
                        .help(format!("it speaks {}", names.join(", "))),
                    );
                } else if shape.lanes < wanted.lanes {
                    problems.push(
                        Problem::error(
                            "lanes",
                            format!(
                                "`{}` needs {} lanes, but port `{}` of `{}` has {}",
                                wanted.id, wanted.lanes, group.id.value, part.id.value, shape.lanes
                            ),
                            set.protocol_span,
                            format!("link `{}`", set.name),
                        )
                        .help("choose a protocol of fewer lanes, or change the device's `split`"),
                    );
                } else if shape.lanes > wanted.lanes {
                    problems.push(
                        Problem::warning(
                            "lanes",
                            format!(
                                "`{}` uses {} of the {} lanes of port `{}` of `{}`",
                                wanted.id, wanted.lanes, shape.lanes, group.id.value, part.id.value
                            ),
                            set.protocol_span,
                            format!("link `{}`", set.name),
                        )
                        .help("`split` makes several ports of one, so that the other lanes can be used"),
                    );
                }
            }
            if set.length.is_none() && !unrouted {
                for port in [link.a, link.b] {
                    if system.device_of(port).rack.is_none() && !unrouted {
                        unrouted = true;
                        problems.push(
                            Problem::error(
                                "length",
                                format!(
                                    "the length of link `{}` cannot be routed: `{}` stands in no rack",
                                    set.name,
                                    system.device_name(system.port_device[port.0 as usize])
                                ),
                                set.span,
                                "needs `length_m`",
                            )
                            .help("give `length_m` in metres, or place the device with `rack` and `position_u`"),
                        );
                    }
                }
            }
        }
    }
}

fn ports_used_twice(system: &System, problems: &mut Problems) {
    let mut used_by = vec![u32::MAX; system.port_count as usize];
    let mut reported: HashSet<(u32, u32)> = HashSet::new();
    for (number, set) in system.link_sets.iter().enumerate() {
        let number = number as u32;
        for link in &system.links[set.links.start as usize..set.links.end as usize] {
            for port in [link.a, link.b] {
                let before = std::mem::replace(&mut used_by[port.0 as usize], number);
                if before != u32::MAX && reported.insert((before, number)) {
                    let first = &system.link_sets[before as usize];
                    problems.push(
                        Problem::error(
                            "port-used-twice",
                            format!("port `{}` carries two links", port_name(system, port)),
                            set.span,
                            format!("link `{}` uses it", set.name),
                        )
                        .and(first.span, format!("link `{}` uses it too", first.name))
                        .help("slice the selectors so that each port is named once: `[0-31]` here, `[32-63]` there"),
                    );
                }
            }
        }
    }
}

fn port_name(system: &System, port: PortId) -> String {
    system.port_name(port)
}
