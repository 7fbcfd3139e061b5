//! Host boards between package and connector (`Include PCB`; 92.10.7.1 and 162.11): C_0, line, C_1.

use crate::com::parameters::Board;
use crate::com::two_port::{Point, line, propagation};

/// Which kind of path a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// The victim.
    Through,
    /// A far-end aggressor.
    FarEnd,
    /// A near-end aggressor.
    NearEnd,
}

/// The boards before and after a channel of this kind, ports 1 towards the transmitter.
///
/// A near-end aggressor's transmitter stands on the receiver's board: the script gives its transmitter the length
/// z_bp (RX) and its receiver z_bp (NEXT), and so does this.
pub fn boards(frequency_hz: &[f64], board: &Board, kind: PathKind, reference_ohm: f64) -> (Vec<Point>, Vec<Point>) {
    let (tx_mm, rx_mm) = match kind {
        PathKind::Through => (board.tx_mm, board.rx_mm),
        PathKind::FarEnd => (board.fext_mm, board.rx_mm),
        PathKind::NearEnd => (board.rx_mm, board.next_mm),
    };
    let per_mm = propagation(frequency_hz, &board.loss);
    let side = |near_f: f64, far_f: f64, mm: f64| -> Vec<Point> {
        frequency_hz
            .iter()
            .zip(&per_mm)
            .map(|(&hz, &gamma)| {
                Point::shunt(hz, near_f, reference_ohm)
                    .then(&line(gamma, mm, board.impedance_ohm, reference_ohm))
                    .then(&Point::shunt(hz, far_f, reference_ohm))
            })
            .collect()
    };
    let before = if board.at.tx {
        side(board.near_f.tx, board.far_f.tx, tx_mm)
    } else {
        vec![Point::THROUGH; frequency_hz.len()]
    };
    let after = if board.at.rx {
        side(board.near_f.rx, board.far_f.rx, rx_mm).iter().map(Point::reversed).collect()
    } else {
        vec![Point::THROUGH; frequency_hz.len()]
    };
    (before, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::com::parameters::{BothEnds, LineLoss};

    fn board(at: BothEnds<bool>) -> Board {
        Board {
            loss: LineLoss { gamma0: 0.0, a1: 3.8206e-4, a2: 9.5909e-5, tau: 5.79e-3 },
            impedance_ohm: 100.0,
            near_f: BothEnds { tx: 2.9e-14, rx: 2.9e-14 },
            far_f: BothEnds { tx: 1.9e-14, rx: 1.9e-14 },
            tx_mm: 110.3,
            fext_mm: 90.0,
            next_mm: 50.0,
            rx_mm: 110.3,
            at,
        }
    }

    #[test]
    fn the_receivers_board_is_the_transmitters_turned_round() {
        let (before, after) = boards(&[10e9], &board(BothEnds { tx: true, rx: true }), PathKind::Through, 50.0);
        assert!((before[0].s11 - after[0].s22).norm() < 1e-15);
        assert!((before[0].s21 - after[0].s12).norm() < 1e-15);
    }

    #[test]
    fn a_near_end_aggressor_starts_at_the_receivers_board() {
        let both = board(BothEnds { tx: true, rx: true });
        let (near, _) = boards(&[10e9], &both, PathKind::NearEnd, 50.0);
        let (through, _) = boards(&[10e9], &both, PathKind::Through, 50.0);
        assert!((near[0].s21 - through[0].s21).norm() < 1e-15, "z_bp (RX) equals z_bp (TX) here");
    }

    #[test]
    fn a_board_that_is_not_there_is_a_through() {
        let (before, after) = boards(&[10e9], &board(BothEnds { tx: false, rx: true }), PathKind::Through, 50.0);
        assert_eq!(before[0], Point::THROUGH);
        assert!(after[0].s21.norm() < 1.0);
    }
}
