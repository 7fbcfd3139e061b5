//! The host's share of a path, and what its SerDes recovers.

use lanewright_model::figure::Band;
use lanewright_model::units::{Decibels, Quantity};

use super::question::End;
use crate::budget::Piece;

/// Share of the budget that a port without a `host_loss` figure is assumed to use before the plug
/// (low, likely, high): 6.875 dB of the 35 dB of 802.3ck's copper link is a fifth.
const ASSUMED_CABLED: Band<f64> = Band { low: 0.10, likely: 0.18, high: 0.25 };
/// The same for soldered ports, whose board is a segment of its own: package and ball only.
const ASSUMED_SOLDERED: Band<f64> = Band { low: 0.04, likely: 0.08, high: 0.15 };

impl End<'_> {
    /// Loss from the SerDes bump to the plug or ball.
    pub fn host_piece(&self, name: &str) -> Piece {
        match &self.group.host_loss {
            Some(figure) => {
                Piece::Known { name: name.to_owned(), loss: figure.band, weak: figure.grade.is_weak(), host: true }
            }
            None => {
                let share = if self.cage().is_some() { ASSUMED_CABLED } else { ASSUMED_SOLDERED };
                let budget = self.technology.loss_budget.band.likely.get();
                Piece::Known {
                    name: format!("{name} (assumed)"),
                    loss: share.map(|s| Decibels(s * budget)),
                    weak: true,
                    host: true,
                }
            }
        }
    }

    /// Loss bump to bump that its receiver recovers: its own figure, else the technology's.
    pub fn budget(&self) -> Band<Decibels> {
        self.group.loss_budget.as_ref().unwrap_or(&self.technology.loss_budget).band
    }

    /// What the technology wants kept in hand.
    pub fn reserve(&self) -> Band<Decibels> {
        self.technology.design_margin.as_ref().map_or(Band::exact(Decibels(0.0)), |f| f.band)
    }
}

/// The smaller of two budgets, end by end of the band.
pub(super) fn tighter(a: Band<Decibels>, b: Band<Decibels>) -> Band<Decibels> {
    let min = |x: Decibels, y: Decibels| if x.get() <= y.get() { x } else { y };
    Band { low: min(a.low, b.low), likely: min(a.likely, b.likely), high: min(a.high, b.high) }
}
