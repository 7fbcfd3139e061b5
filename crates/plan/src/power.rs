//! Power: of the equipment, of the site, by rack, by domain, by family.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{RackId, System};
use lanewright_model::units::{Metres, Quantity};

use crate::amount::Amount;
use crate::classes::Classified;
use crate::ends::Ends;
use crate::inventory::Pieces;
use crate::media::part_worth;
use crate::plan::{Power, RackPower};
use crate::rates::Rates;

/// Power of a system. The power of a cable, or of its two modules, is drawn half at each end's rack. Inner
/// parts and links of an assembly that has a power figure are not counted again.
///
/// `system`: equipment in watts; `site` is equipment times PUE.
pub fn power(ends: &Ends<'_>, classified: &Classified, pieces: &[Pieces], rates: &Rates) -> Power {
    let system = ends.system;
    let mut by_kind: BTreeMap<Kind, Amount> = BTreeMap::new();
    let mut by_class = vec![Amount::ZERO; classified.classes.len()];
    let mut equipment = Amount::ZERO;
    for piece in pieces.iter().filter(|p| !p.within.power) {
        let part = system.catalogue.part(piece.part);
        let drawn = unit_power(system, piece.part.index(), piece.length).times(piece.count);
        *by_kind.entry(part.kind).or_default() += drawn;
        equipment += drawn;
        if let Some(class) = piece.class {
            by_class[class as usize] += drawn;
        }
    }
    let (racks, unplaced) = by_rack(ends, classified, &by_class);
    let mut links_by_domain = vec![Amount::ZERO; system.domains.len()];
    for (class, drawn) in classified.classes.iter().zip(&by_class) {
        links_by_domain[class.domain.index()] += *drawn;
    }
    Power {
        equipment: equipment.total(),
        site: equipment.product(rates.pue).total(),
        racks: racks
            .into_iter()
            .zip(&system.racks)
            .enumerate()
            .map(|(index, (drawn, rack))| RackPower {
                rack: RackId(index as u32),
                name: rack.name.clone(),
                power: drawn.total(),
                feed_w: rack.feed.map(|w| w.get()),
            })
            .collect(),
        links_by_domain: links_by_domain.into_iter().map(Amount::total).collect(),
        by_kind: by_kind.into_iter().filter(|(_, a)| a.high > 0.0).map(|(k, a)| (k, a.total())).collect(),
        unplaced: unplaced.total(),
    }
}

/// Power of one piece, in watts; nothing where the catalogue has no figure (a finding says so).
fn unit_power(system: &System, part: usize, length: Option<Metres>) -> Amount {
    part_worth(&system.catalogue.parts[part], length, 0.0).power.unwrap_or_default()
}

/// Power by rack, and of what stands in none.
fn by_rack(ends: &Ends<'_>, classified: &Classified, by_class: &[Amount]) -> (Vec<Amount>, Amount) {
    let system = ends.system;
    let mut racks = vec![Amount::ZERO; system.racks.len()];
    let mut unplaced = Amount::ZERO;
    let unit: Vec<Amount> = (0..system.catalogue.parts.len()).map(|p| unit_power(system, p, None)).collect();
    for (index, device) in system.devices.iter().enumerate() {
        if ends.device_within(index as u32).power {
            continue;
        }
        let drawn = unit[system.sets[device.set.index()].part.index()];
        match device.rack.and_then(|r| racks.get_mut(r.index())) {
            Some(rack) => *rack += drawn,
            None => unplaced += drawn,
        }
    }
    // A link's half of its class's power at each end.
    let half: Vec<Amount> = classified
        .classes
        .iter()
        .zip(by_class)
        .map(|(class, drawn)| drawn.times(0.5 / f64::from(class.links.max(1))))
        .collect();
    for (link, class) in system.links.iter().zip(&classified.class_of_link) {
        let Some(drawn) = half.get(*class as usize).filter(|a| a.high > 0.0) else { continue };
        for port in [link.a, link.b] {
            let rack = ends.end(port).map(|end| ends.place(end.device).rack);
            match rack.and_then(|r| racks.get_mut(r as usize)) {
                Some(rack) => *rack += *drawn,
                None => unplaced += *drawn,
            }
        }
    }
    (racks, unplaced)
}
