//! Tables of `link fec --table`: limits of schemes, and what is left over bit error ratios.

use std::fmt::Write as _;

use lanewright_link::fec::chain::chain;
use lanewright_link::fec::codeword::{Layout, wrong_symbols};
use lanewright_link::fec::frames::unit_loss;
use lanewright_link::fec::inverse::{Target, allowed};
use lanewright_link::fec::process::{ErrorProcess, Refusal};
use lanewright_link::fec::scheme::{Code, KP4, Scheme};
use lanewright_link::fec::slicer::Signalling;
use serde_json::json;

use super::fec_screen::ratio;
use crate::terminal::table;

/// A scheme with its errors and the payload rate of its port.
pub type Subject = (Scheme, ErrorProcess, f64);

/// One scheme at one bit error ratio.
pub struct Point {
    scheme: &'static str,
    ber: f64,
    symbols: Option<f64>,
    words: Option<f64>,
    after: f64,
    loss: f64,
    seconds_between: f64,
}

/// Bit error ratios of the sweep.
const RATIOS: [f64; 16] =
    [1e-2, 4.85e-3, 2e-3, 1e-3, 4.85e-4, 3.2e-4, 2.4e-4, 2e-4, 1e-4, 5e-5, 2.1e-5, 1e-5, 1e-6, 1e-8, 1e-12, 1e-15];

/// All schemes over all ratios.
pub fn sweep(subjects: &[Subject], frame_bytes: f64) -> Result<Vec<Point>, Refusal> {
    let mut points = Vec::new();
    for (scheme, process, rate) in subjects {
        for ber in RATIOS {
            let Ok(process) = process.at_ber(ber, scheme.signalling) else { continue };
            let errors = chain(&process, scheme)?;
            let units = unit_loss(&errors, scheme, frame_bytes, *rate)?;
            points.push(Point {
                scheme: scheme.name,
                ber,
                symbols: errors.symbol_error_ratio,
                words: errors.codeword_error_ratio,
                after: errors.post_fec_ber,
                loss: units.loss_ratio,
                seconds_between: units.seconds_between,
            });
        }
    }
    Ok(points)
}

/// The sweep as CSV; empty where there is no value.
pub fn csv(points: &[Point]) -> String {
    let mut out = String::from(
        "scheme,detector_ber,symbol_error_ratio,codeword_error_ratio,post_fec_ber,unit_loss_ratio,seconds_between_losses\n",
    );
    let number = |value: Option<f64>| value.filter(|v| v.is_finite()).map_or(String::new(), |v| format!("{v:e}"));
    for point in points {
        let _ = writeln!(
            out,
            "{},{:e},{},{},{:e},{:e},{}",
            point.scheme,
            point.ber,
            number(point.symbols),
            number(point.words),
            point.after,
            point.loss,
            number(Some(point.seconds_between)),
        );
    }
    out
}

/// The most bit errors that a scheme takes for each usual target.
pub struct Limit {
    scheme: &'static str,
    title: &'static str,
    /// For 1e-15, 1e-13 and 1e-12 behind correction; none where no number of errors says it.
    after: [Option<f64>; 3],
    /// For a frame loss (flits: retries) of 6.2e-11.
    loss: Option<f64>,
}

/// Limits of all schemes.
pub fn limits(subjects: &[Subject], frame_bytes: f64) -> Result<Vec<Limit>, Refusal> {
    subjects
        .iter()
        .map(|(scheme, process, _)| {
            let find = |target| allowed(process, scheme, target).ok().map(|limit| limit.detector_ber);
            Ok(Limit {
                scheme: scheme.name,
                title: scheme.title,
                // Behind CRC and replay hardly anything is left whatever comes.
                after: [1e-15, 1e-13, 1e-12]
                    .map(|ratio| if scheme.code == Code::Flit { None } else { find(Target::PostFecBer(ratio)) }),
                loss: find(Target::UnitLoss { ratio: 6.2e-11, bytes: frame_bytes }),
            })
        })
        .collect()
}

/// Words that KP4 cannot correct on one lane with bursts, begun clean as published tables have them: start of a burst
/// per symbol, a, without and with precoding.
fn bursts() -> Result<Vec<(f64, f64, f64, f64)>, Refusal> {
    let mut rows = Vec::new();
    for start in [1e-4, 2e-4, 4e-4] {
        for propagation in [0.0, 0.25, 0.5, 0.75] {
            let process = ErrorProcess::OneTap { start, propagation };
            let words = |precoding| -> Result<f64, Refusal> {
                let chain = process.chain(Signalling::Pam4, precoding)?.begun_clean();
                Ok(wrong_symbols(&chain, &KP4, &Layout::PLAIN)?.over())
            };
            rows.push((start, propagation, words(false)?, words(true)?));
        }
    }
    Ok(rows)
}

/// Draws the tables; that of bursts with them when all schemes are asked for.
pub fn draw(points: &[Point], limits: &[Limit], frame_bytes: f64, all: bool) -> Result<String, Refusal> {
    let cell = |value: Option<f64>| value.map_or_else(|| "-".into(), ratio);
    let rows = limits
        .iter()
        .map(|limit| {
            let [a, b, c] = limit.after.map(cell);
            vec![limit.scheme.into(), a, b, c, cell(limit.loss), limit.title.into()]
        })
        .collect();
    let mut out = table(
        "BIT ERROR RATIO AT THE DETECTOR ALLOWED FOR (after correction; frames lost or flits replayed)",
        &["SCHEME", ">1e-15", ">1e-13", ">1e-12", ">LOSS 6.2e-11", "CODE"],
        rows,
    );
    let rows = points
        .iter()
        .map(|point| {
            vec![
                point.scheme.into(),
                ratio(point.ber),
                cell(point.symbols),
                cell(point.words),
                ratio(point.after),
                ratio(point.loss),
                super::fec_screen::duration(point.seconds_between),
            ]
        })
        .collect();
    out.push_str(&table(
        &format!("OVER BIT ERROR RATIOS (frames of {frame_bytes} bytes)"),
        &["SCHEME", ">BER", ">SYMBOLS WRONG", ">WORDS LOST", ">BER AFTER", ">FRAMES LOST", ">ONE EVERY"],
        rows,
    ));
    if all {
        let rows = bursts()?
            .into_iter()
            .map(|(start, a, off, on)| {
                let best = if on < off { "on" } else { "off" };
                vec![ratio(start), format!("{a}"), ratio(off), ratio(on), best.into()]
            })
            .collect();
        out.push_str(&table(
            "KP4 WORDS LOST TO BURSTS (one word on one lane, PAM4; words begin clean)",
            &[">STARTS/SYMBOL", ">a", ">PRECODING OFF", ">PRECODING ON", "BETTER"],
            rows,
        ));
    }
    Ok(out)
}

/// The tables as JSON.
pub fn json(points: &[Point], limits: &[Limit]) -> serde_json::Value {
    let finite = |value: f64| value.is_finite().then_some(value);
    json!({
        "limits": limits.iter().map(|limit| json!({
            "scheme": limit.scheme,
            "post_fec_ber_1e-15": limit.after[0],
            "post_fec_ber_1e-13": limit.after[1],
            "post_fec_ber_1e-12": limit.after[2],
            "loss_ratio_6.2e-11": limit.loss,
        })).collect::<Vec<_>>(),
        "sweep": points.iter().map(|point| json!({
            "scheme": point.scheme,
            "detector_ber": point.ber,
            "symbol_error_ratio": point.symbols,
            "codeword_error_ratio": point.words,
            "post_fec_ber": point.after,
            "loss_ratio": point.loss,
            "seconds_between": finite(point.seconds_between),
        })).collect::<Vec<_>>(),
    })
}
