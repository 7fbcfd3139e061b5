//! Length of a cable from where its two ends stand.
//!
//! Geometry. A rack's place is the middle of its footprint: across the row at `(column + 1/2)` widths of the
//! widest frame in that row, along the room at `row` times the row pitch. A device's height is the middle of
//! its units. A cable leaves a device on its front or rear face and first runs to the cable channel at the
//! rack's side: a quarter of the width, the mean over ports spread over the face.
//!
//! - Same rack: channel to channel is the difference in height; from front to rear it also goes round the
//!   rack's depth.
//! - Other rack, overhead or under the floor: half the depth from the face to the rack's middle, up to the
//!   tray (or down to the raised floor's depth), along the row, across rows (trays run at right angles), and
//!   the same at the far end.
//! - Other rack, direct: the straight line between the two faces; different faces add the depth.
//!
//! The routed length is then stretched by the site's slack share and slack.

use lanewright_model::catalogue::part::Side;
use lanewright_model::system::tables::Routing;
use lanewright_model::system::{Rack, Site, System};
use lanewright_model::units::Quantity;

/// Where a device stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Its rack; `u32::MAX` for none.
    pub rack: u32,
    /// Height of its middle above the lowest unit's lower edge, in metres.
    pub height: f32,
}

impl Place {
    /// A device that stands in no rack.
    pub const NOWHERE: Self = Self { rack: u32::MAX, height: 0.0 };
}

#[derive(Clone, Copy, Debug)]
struct Spot {
    row: u32,
    across: f64,
    along: f64,
    to_channel: f64,
    depth: f64,
    top: f64,
}

/// Routed lengths at one site.
#[derive(Clone, Debug)]
pub struct Router {
    spots: Vec<Spot>,
    routing: Routing,
    tray: f64,
    slack_share: f64,
    slack: f64,
}

impl Router {
    /// A router over the racks of a system.
    pub fn new(system: &System) -> Self {
        Self::over(&system.racks, &system.site)
    }

    /// A router over racks at a site.
    pub fn over(racks: &[Rack], site: &Site) -> Self {
        let mut widest: std::collections::HashMap<u32, f64> = std::collections::HashMap::new();
        for rack in racks {
            let width = widest.entry(rack.row).or_default();
            *width = width.max(rack.width.get());
        }
        let spots = racks
            .iter()
            .map(|rack| Spot {
                row: rack.row,
                across: (f64::from(rack.column) + 0.5) * widest.get(&rack.row).copied().unwrap_or_default(),
                along: f64::from(rack.row) * site.row_pitch.get(),
                to_channel: rack.width.get() / 4.0,
                depth: rack.depth.get(),
                top: f64::from(rack.units) * rack.unit.get(),
            })
            .collect();
        Self {
            spots,
            routing: site.routing,
            tray: site.tray.get(),
            slack_share: site.slack_share.get(),
            slack: site.slack.get(),
        }
    }

    /// Length in metres of a cable between two devices, leaving them on these sides; `None` when one of
    /// them stands in no rack.
    pub fn length(&self, a: Place, a_side: Side, b: Place, b_side: Side) -> Option<f64> {
        let (from, to) = (self.spots.get(a.rack as usize)?, self.spots.get(b.rack as usize)?);
        let other_face = (a_side == Side::Rear) != (b_side == Side::Rear);
        let (low, high) = (f64::from(a.height), f64::from(b.height));
        let exits = from.to_channel + to.to_channel;
        let routed = if a.rack == b.rack {
            exits + (low - high).abs() + if other_face { from.depth } else { 0.0 }
        } else {
            let across = if from.row == to.row {
                (from.across - to.across).abs()
            } else {
                (from.across - to.across).abs() + (from.along - to.along).abs()
            };
            let half_depths = (from.depth + to.depth) / 2.0;
            match self.routing {
                // A tray lower than a rack's top is one that runs just above it.
                Routing::Overhead => {
                    let tray = self.tray.max(from.top).max(to.top);
                    exits + half_depths + (tray - low) + across + (tray - high)
                }
                Routing::Underfloor => exits + half_depths + low + self.tray + across + high + self.tray,
                Routing::Direct => {
                    let (dx, dy) = (from.across - to.across, from.along - to.along);
                    let straight = (dx * dx + dy * dy + (low - high).powi(2)).sqrt();
                    straight + if other_face { half_depths } else { 0.0 }
                }
            }
        };
        Some(routed * (1.0 + self.slack_share) + self.slack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanewright_model::system::PartId;
    use lanewright_model::text::{FileId, Span};
    use lanewright_model::units::{Metres, Ratio};

    /// Two racks in row 0 and one in row 1, 0.6 m wide and 1 m deep, without slack.
    fn router(routing: Routing) -> Router {
        let rack = |row, column| Rack {
            name: String::new(),
            frame: PartId(0),
            row,
            column,
            units: 40,
            unit: Metres(0.05),
            width: Metres(0.6),
            depth: Metres(1.0),
            feed: None,
            span: Span { file: FileId(0), start: 0, end: 0 },
        };
        let site = Site {
            routing,
            tray: Metres(2.5),
            row_pitch: Metres(3.0),
            slack_share: Ratio(0.0),
            slack: Metres(0.0),
            ..Site::default()
        };
        Router::over(&[rack(0, 0), rack(0, 3), rack(1, 0)], &site)
    }

    fn at(rack: u32, height: f32) -> Place {
        Place { rack, height }
    }

    #[track_caller]
    fn check(routing: Routing, a: (Place, Side), b: (Place, Side), expected: f64) {
        let found = router(routing).length(a.0, a.1, b.0, b.1).expect("both stand in racks");
        assert!((found - expected).abs() < 1e-6, "{found} m, not {expected} m");
        let back = router(routing).length(b.0, b.1, a.0, a.1).expect("both stand in racks");
        assert!((found - back).abs() < 1e-9, "a cable is as long from either end");
    }

    #[test]
    fn within_a_rack_a_cable_runs_along_the_side_channel() {
        let (low, high) = ((at(0, 0.5), Side::Front), (at(0, 1.5), Side::Front));
        check(Routing::Overhead, low, high, 0.15 + 1.0 + 0.15);
        check(Routing::Overhead, low, (at(0, 1.5), Side::Rear), 0.15 + 1.0 + 0.15 + 1.0);
    }

    #[test]
    fn along_a_row_it_goes_up_over_and_down() {
        let (a, b) = ((at(0, 0.5), Side::Front), (at(1, 1.5), Side::Rear));
        check(Routing::Overhead, a, b, 0.3 + 1.0 + 2.0 + 1.8 + 1.0);
        check(Routing::Underfloor, a, b, 0.3 + 1.0 + 3.0 + 1.8 + 4.0);
        check(Routing::Direct, a, b, (1.8_f64 * 1.8 + 1.0).sqrt() + 1.0);
    }

    #[test]
    fn between_rows_it_follows_trays_at_right_angles() {
        let (a, b) = ((at(1, 2.0), Side::Front), (at(2, 2.0), Side::Front));
        check(Routing::Overhead, a, b, 0.3 + 1.0 + 0.5 + 1.8 + 3.0 + 0.5);
    }

    #[test]
    fn slack_stretches_and_adds() {
        let mut loose = router(Routing::Overhead);
        (loose.slack_share, loose.slack) = (0.1, 0.5);
        let place = (at(0, 0.5), at(0, 1.5));
        let found = loose.length(place.0, Side::Front, place.1, Side::Front).expect("both stand in racks");
        assert!((found - (1.3 * 1.1 + 0.5)).abs() < 1e-6);
        assert_eq!(loose.length(Place::NOWHERE, Side::Front, place.1, Side::Front), None);
    }
}
