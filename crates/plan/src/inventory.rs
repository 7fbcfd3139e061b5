//! How many pieces of every part there are, and which of them an assembly's own figures already contain.
//!
//! Every roll-up over parts (materials, power, cost, failures) reads this one list, so they agree.

use std::collections::HashMap;

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{PartId, System};
use lanewright_model::units::Metres;

use crate::ends::Ends;
use crate::plan::{LinkClass, Within};

/// Pieces of one part under the same conditions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pieces {
    /// Part.
    pub part: PartId,
    /// Sold length, for cables and fibres.
    pub length: Option<Metres>,
    /// Figures of an enclosing assembly that contain theirs.
    pub within: Within,
    /// How many.
    pub count: f64,
    /// Class of links that they serve; `None` for devices and frames.
    pub class: Option<u32>,
}

/// All pieces: devices by part, frames, and the parts of every class's choice.
pub fn inventory(ends: &Ends<'_>, classes: &[LinkClass]) -> Vec<Pieces> {
    let system = ends.system;
    let mut devices: HashMap<(PartId, Within), f64> = HashMap::new();
    for (index, device) in system.devices.iter().enumerate() {
        let part = system.sets[device.set.index()].part;
        *devices.entry((part, ends.device_within(index as u32))).or_default() += 1.0;
    }
    for rack in &system.racks {
        *devices.entry((rack.frame, Within::default())).or_default() += 1.0;
    }
    let mut pieces: Vec<Pieces> = devices
        .into_iter()
        .map(|((part, within), count)| Pieces { part, length: None, within, count, class: None })
        .collect();
    pieces.sort_by_key(|p| (p.part, p.within.power, p.within.price, p.within.fit));
    for (index, class) in classes.iter().enumerate() {
        let Some(choice) = &class.choice else { continue };
        for &(part, per_cable) in &choice.parts {
            let exact = per_cable * f64::from(class.cables);
            let by_the_metre = system.catalogue.part(part).kind == Kind::Twinax;
            pieces.push(Pieces {
                part,
                length: sold_length(system, part, choice.length),
                within: class.within,
                // A chip or module shared by several links is bought whole.
                count: if by_the_metre { exact } else { (exact - 1e-6).ceil().max(0.0) },
                class: Some(index as u32),
            });
        }
    }
    pieces
}

/// Cables and fibres have a sold length; modules and retimers have none.
fn sold_length(system: &System, part: PartId, length: Metres) -> Option<Metres> {
    let part = system.catalogue.part(part);
    (part.cable.is_some() || part.fibre.is_some()).then_some(length)
}
