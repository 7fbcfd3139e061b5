//! Bill of materials.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{PartId, System};
use lanewright_model::units::{Metres, Quantity};

use crate::amount::Amount;
use crate::inventory::Pieces;
use crate::media::part_worth;
use crate::plan::BomLine;

/// Lines of the bill: one for every part, sold length and side of an assembly's price, by kind then name.
/// Boards' materials and connectors are no pieces of their own and do not appear.
pub fn bom(system: &System, pieces: &[Pieces]) -> Vec<BomLine> {
    let mut lines: BTreeMap<(PartId, u64, bool), f64> = BTreeMap::new();
    for piece in pieces.iter().filter(|p| p.count > 0.0) {
        let millimetres = piece.length.map_or(u64::MAX, |l| (l.get() * 1e3).round() as u64);
        *lines.entry((piece.part, millimetres, piece.within.price)).or_default() += piece.count;
    }
    let mut bill: Vec<BomLine> = lines
        .into_iter()
        .map(|((id, millimetres, inside_assembly), count)| {
            let part = system.catalogue.part(id);
            let length = (millimetres != u64::MAX).then_some(Metres(millimetres as f64 / 1e3));
            let price = part_worth(part, length, 0.0).price;
            BomLine {
                part: id,
                id: part.id.value.clone(),
                name: part.name.clone(),
                kind: part.kind,
                length,
                count,
                unit_price: price.map(Amount::band),
                price: price.unwrap_or_default().times(count).total(),
                inside_assembly,
            }
        })
        .collect();
    bill.sort_by(|x, y| {
        (x.kind, &x.name, x.inside_assembly)
            .cmp(&(y.kind, &y.name, y.inside_assembly))
            .then(x.length.map_or(-1.0, |l| l.0).total_cmp(&y.length.map_or(-1.0, |l| l.0)))
            .then_with(|| x.id.cmp(&y.id))
    });
    bill
}

/// Whether a part without a figure of its own is the sum of its inner parts.
pub(crate) fn is_sum_of_parts(system: &System, id: PartId) -> bool {
    let part = system.catalogue.part(id);
    part.kind == Kind::Assembly && !part.device.is_empty()
}
