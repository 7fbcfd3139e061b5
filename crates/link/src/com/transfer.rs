//! A channel between its dies: boards, packages, terminations and filters, as one transfer function (93A-15 to 93A-19).

use crate::com::board::{PathKind, boards};
use crate::com::channel::DifferentialChannel;
use crate::com::filters;
use crate::com::package::{End, package};
use crate::com::parameters::{ComParameters, PackageCase};
use crate::com::two_port::Point;
use num_complex::Complex64;

/// Two-port of the channel with its boards and both packages, from die to die.
pub fn die_to_die(
    channel: &DifferentialChannel,
    kind: PathKind,
    parameters: &ComParameters,
    case: &PackageCase,
) -> Vec<Point> {
    let f = &channel.frequency_hz;
    let ends = &parameters.ends;
    let r0 = ends.reference_ohm;
    let mut whole: Vec<Point> = (0..f.len())
        .map(|k| Point { s11: channel.s11[k], s12: channel.s12[k], s21: channel.s21[k], s22: channel.s22[k] })
        .collect();
    if let Some(board) = &ends.board {
        let (before, after) = boards(f, board, kind, r0);
        for ((w, b), a) in whole.iter_mut().zip(&before).zip(&after) {
            *w = b.then(w).then(a);
        }
    }
    // kappa1 and kappa2 act on the channel with its boards, before the packages.
    for w in &mut whole {
        w.s11 *= ends.reflection.tx;
        w.s22 *= ends.reflection.rx;
    }
    let tx_mm = match kind {
        PathKind::Through => &case.tx_mm,
        PathKind::FarEnd => &case.fext_mm,
        PathKind::NearEnd => &case.next_mm,
    };
    let tx = package(
        f,
        &End {
            die: &ends.die.tx,
            bump_f: ends.bump_f.tx,
            via_f: ends.via_f.tx,
            ball_f: ends.ball_f.tx,
            line: &ends.package.tx,
            length_mm: tx_mm,
            reference_ohm: r0,
        },
    );
    let rx = package(
        f,
        &End {
            die: &ends.die.rx,
            bump_f: ends.bump_f.rx,
            via_f: ends.via_f.rx,
            ball_f: ends.ball_f.rx,
            line: &ends.package.rx,
            length_mm: &case.rx_mm,
            reference_ohm: r0,
        },
    );
    for ((w, t), r) in whole.iter_mut().zip(&tx).zip(&rx) {
        *w = t.then(w).then(&r.reversed());
    }
    whole
}

/// Voltage transfer function of a path between its terminations, with the transmitter's transition, the case's fixed
/// equaliser and the receiver's filter. The receiver's filter is always there: the script's switch for its plots
/// (`Display frequency domain`) would take it away, which the annex does not mean.
pub fn transfer(
    channel: &DifferentialChannel,
    kind: PathKind,
    parameters: &ComParameters,
    case: &PackageCase,
) -> Vec<Complex64> {
    let ends = &parameters.ends;
    let reflection = |ohm: f64| (ohm - ends.reference_ohm) / (ohm + ends.reference_ohm);
    // With a board at the receiver alone the transmitter is taken as matched, as the script has it.
    let matched = ends.board.as_ref().is_some_and(|b| b.at.rx && !b.at.tx);
    let source = if matched { 0.0 } else { reflection(ends.termination_ohm.tx) };
    let load = reflection(ends.termination_ohm.rx);
    let baud = parameters.signal.baud_hz;
    die_to_die(channel, kind, parameters, case)
        .iter()
        .zip(&channel.frequency_hz)
        .map(|(s, &hz)| {
            let both = source * load;
            let voltage = s.s21 * (1.0 - source) * (1.0 + load)
                / (1.0 - s.s11 * source - s.s22 * load - s.s21 * s.s12 * both + s.s11 * s.s22 * both);
            let mut h = voltage * filters::receiver(hz, &parameters.receive_filter, baud);
            if let Some(t) = parameters.signal.transition_s {
                h *= filters::transition(hz, t);
            }
            h * filters::preset(hz, &case.tx_preset, baud)
        })
        .collect()
}
