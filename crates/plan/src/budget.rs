//! The electrical path of a lane and the question whether it closes.
//!
//! [`MarginCheck`] is the seam: the planner's media choice only asks it for the margin of a path. Here the
//! answer is insertion loss at Nyquist against what the SerDes recovers; an engine that computes channel
//! operating margin can answer instead.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::protocol::LaneTechnology;
use lanewright_model::figure::Band;
use lanewright_model::system::PartId;
use lanewright_model::units::{Decibels, Metres, Quantity};

use crate::loss::{Per, loss_at};
use crate::plan::{LossBudget, LossItem};

/// A piece of a path between two SerDes bumps.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Loss that is known at the lane's Nyquist frequency: a host's package and trace.
    Known {
        /// What it is.
        name: String,
        /// Loss at Nyquist.
        loss: Band<Decibels>,
        /// Whether it rests on a weak grade.
        weak: bool,
        /// Whether it is a host's package and board, and not some other piece without a part.
        host: bool,
    },
    /// Equal connectors or vias.
    Lumped {
        /// Part with loss points per piece.
        part: PartId,
        /// How many.
        count: u32,
    },
    /// A length of board trace or cable stock.
    Line {
        /// Part with loss points per metre.
        part: PartId,
        /// How long.
        length: Metres,
    },
}

/// An electrical path of one lane.
#[derive(Clone, Debug)]
pub struct ElectricalPath<'a> {
    /// Lane technology.
    pub technology: &'a LaneTechnology,
    /// Pieces from one bump to the other.
    pub pieces: Vec<Piece>,
    /// Loss that may be, bump to bump.
    pub budget: Band<Decibels>,
    /// Part of the budget that a design keeps in hand.
    pub reserve: Band<Decibels>,
}

/// Answers whether a path closes.
pub trait MarginCheck {
    /// The path's loss, piece by piece, and its margin in dB.
    fn check(&self, path: &ElectricalPath<'_>) -> LossBudget;
}

/// Insertion loss at Nyquist against the budget.
#[derive(Clone, Copy, Debug)]
pub struct LossCheck<'a> {
    /// Where parts have their loss points.
    pub catalogue: &'a Catalogue,
}

impl MarginCheck for LossCheck<'_> {
    fn check(&self, path: &ElectricalPath<'_>) -> LossBudget {
        let items: Vec<LossItem> = path.pieces.iter().map(|piece| self.item(piece, path.technology)).collect();
        let sum = |pick: fn(&Band<Decibels>) -> Decibels| items.iter().map(|i| pick(&i.loss).get()).sum::<f64>();
        let (low, likely, high) = (sum(|b| b.low), sum(|b| b.likely), sum(|b| b.high));
        let weak: f64 = items.iter().filter(|i| i.weak).map(|i| i.loss.likely.get()).sum();
        LossBudget {
            nyquist: path.technology.nyquist(),
            budget: path.budget,
            margin: Band {
                low: path.budget.low.get() - high,
                likely: path.budget.likely.get() - likely,
                high: path.budget.high.get() - low,
            },
            reserve: path.reserve,
            path: path.pieces.clone(),
            weak_share: if likely > 0.0 { weak / likely } else { 0.0 },
            items,
        }
    }
}

impl LossCheck<'_> {
    fn item(&self, piece: &Piece, technology: &LaneTechnology) -> LossItem {
        let (part, per, factor) = match piece {
            Piece::Known { name, loss, weak, .. } => {
                return LossItem { name: name.clone(), loss: *loss, weak: *weak };
            }
            Piece::Lumped { part, count } => (self.catalogue.part(*part), Per::Piece, f64::from(*count)),
            Piece::Line { part, length } => (self.catalogue.part(*part), Per::Metre, length.get()),
        };
        let mut name = match piece {
            Piece::Line { length, .. } => format!("{}, {}", part.name, metres(*length)),
            Piece::Lumped { count: 2.., .. } => format!("{factor} x {}", part.name),
            _ => part.name.clone(),
        };
        match loss_at(&part.loss, technology.nyquist(), per) {
            Some(at) => {
                if let Some(from) = at.carried_from {
                    name.push_str(&format!(" (carried over from {:.1} GHz)", from.get()));
                }
                LossItem { name, loss: at.band.map(|x| Decibels(x * factor)), weak: at.weak }
            }
            None => {
                name.push_str(" (loss unknown, not counted)");
                LossItem { name, loss: Band::exact(Decibels(0.0)), weak: true }
            }
        }
    }
}

impl LossBudget {
    /// Whether the likely margin leaves what the technology wants kept in hand.
    pub fn closes(&self) -> bool {
        self.margin.likely - self.reserve.likely.get() >= -1e-9
    }

    /// Probability that the path does not close after all, 0 to 1: its bands are read as 5 % to 95 % of independent
    /// normal deviations about the likely values (an assumption; the bad ends of all pieces rarely coincide). A path
    /// without pieces always closes.
    pub fn miss(&self) -> f64 {
        let deviation = |band: &Band<Decibels>| (band.high.get() - band.low.get()) / (2.0 * NORMAL_95);
        let variance: f64 =
            self.items.iter().map(|item| &item.loss).chain([&self.budget]).map(|band| deviation(band).powi(2)).sum();
        match (self.items.is_empty(), variance > 0.0) {
            (true, _) => 0.0,
            (false, true) => normal_below(-self.margin.likely / variance.sqrt()),
            (false, false) => f64::from(u8::from(self.margin.likely < 0.0)),
        }
    }

    /// Likely loss of the whole path, in dB.
    pub fn loss(&self) -> f64 {
        self.budget.likely.get() - self.margin.likely
    }

    /// What is missing, in dB; zero or less when the path closes.
    pub fn shortfall(&self) -> f64 {
        self.reserve.likely.get() - self.margin.likely
    }
}

/// The 95 % point of the standard normal distribution.
const NORMAL_95: f64 = 1.644_853_626_951_472_6;

/// Standard normal distribution function (Abramowitz and Stegun 26.2.17, error below 7.5e-8).
fn normal_below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly =
        t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly;
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// A length as people write it: `3 m`, `0.35 m`, `12 mm`.
pub fn metres(length: Metres) -> String {
    let m = length.get();
    if m > 0.0 && m < 0.1 {
        return format!("{} mm", trim(m * 1e3, 1));
    }
    if m >= 1000.0 {
        return format!("{} km", trim(m / 1e3, 2));
    }
    format!("{} m", trim(m, 2))
}

/// A number with at most so many decimals and no trailing zeros.
pub fn trim(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table values of the normal distribution: 5 %, 50 %, 97.72 %.
    #[test]
    fn normal_distribution() {
        for (z, below) in [(-NORMAL_95, 0.05), (0.0, 0.5), (2.0, 0.977_249_868), (-6.0, 9.866e-10)] {
            assert!((normal_below(z) - below).abs() < 1e-7, "{z}");
        }
    }

    #[test]
    fn a_path_misses_half_the_time_at_no_margin_and_hardly_ever_far_above() {
        let band = |low, likely, high| Band { low: Decibels(low), likely: Decibels(likely), high: Decibels(high) };
        let path = |likely: f64| LossBudget {
            items: vec![LossItem { name: "x".into(), loss: band(likely - 1.0, likely, likely + 1.0), weak: false }],
            budget: band(28.0, 30.0, 32.0),
            margin: Band { low: 27.0 - likely, likely: 30.0 - likely, high: 33.0 - likely },
            ..LossBudget::default()
        };
        assert!((path(30.0).miss() - 0.5).abs() < 1e-6);
        assert!(path(20.0).miss() < 1e-6 && path(29.0).miss() < path(29.5).miss());
        assert_eq!(LossBudget::default().miss(), 0.0);
    }
}
