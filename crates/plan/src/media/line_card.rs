//! Chips on line cards in front of a cage: retimers, gearboxes and PHYs with or without MACsec, given in the file as
//! segments of a cabled or optical link.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::Segment;

use super::question::{Judge, Question};
use super::worth::Draft;
use crate::amount::Amount;

/// Whether a segment is a chip that a link passes.
pub(crate) fn is_chip(catalogue: &Catalogue, segment: &Segment) -> bool {
    matches!(catalogue.part(segment.part).kind, Kind::Retimer | Kind::Gearbox | Kind::Phy)
}

/// Adds the chips of the file to a candidate: their parts, power, price, failures and latency. The host's loss is
/// left whole, though a chip beside the cage would leave the cage less of it: that errs on the side of loss.
pub(super) fn pass_chips(question: &Question<'_>, judge: &Judge<'_>, draft: &mut Draft) {
    let catalogue = judge.catalogue;
    let lanes = f64::from(question.a.protocol.lanes.max(question.b.protocol.lanes));
    for segment in question.segments.iter().filter(|segment| is_chip(catalogue, segment)) {
        let part = catalogue.part(segment.part);
        let spec = part.retimer.as_ref();
        let count = f64::from(segment.count);
        // A chip wider than the link is shared with its neighbours; a narrower one is used several times.
        let share = lanes / f64::from(spec.map_or(1, |s| s.lanes).max(1));
        draft.parts.push((segment.part, count * share * question.links_per_cable, None));
        let latency = part.figures.latency.as_ref().map_or(Amount::ZERO, Amount::of).times(count);
        if spec.is_some_and(|s| s.macsec) {
            draft.macsec += latency;
        } else {
            draft.retimer_latency += latency;
        }
        draft.retimers += segment.count;
        draft.name.push_str(&match segment.count {
            1 => format!(", through {}", part.name),
            more => format!(", through {more} x {}", part.name),
        });
    }
}
