//! The pulse response before and after equalisation, with what decision feedback takes off.

use super::view::CaseView;
use crate::report::chart::{Axis, Chart, WIDTH, key};

/// Both pulses on one time axis in unit intervals from the sampling instant.
pub fn draw(case: &CaseView<'_>, out: &mut String) {
    let pulse = &case.input.pulse;
    let per_ui = pulse.samples_per_ui as f64;
    let cursor = pulse.cursor as f64;
    let taps = pulse.feedback_v.iter().rposition(|v| *v != 0.0).map_or(0, |last| last + 1);
    let (from, to) = (-6.0, (taps as f64 + 5.0).clamp(14.0, 48.0));
    let time = |samples: &[f64]| -> Vec<(f64, f64)> {
        let each = samples.iter().enumerate().map(|(i, v)| ((i as f64 - cursor) / per_ui, v * 1e3));
        each.filter(|(ui, _)| *ui >= from && *ui <= to).collect()
    };
    let (before, after) = (time(case.raw_pulse), time(&pulse.samples));
    let values = || before.iter().chain(&after).map(|p| p.1);
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let room = 0.06 * (high - low);
    let main = pulse.at(0.0) * 1e3;
    let mut chart = Chart::open(
        out,
        (WIDTH, 270.0),
        (Axis::linear(from, to), "UI from the sampling instant"),
        (Axis::linear(low - room, high + room), "mV"),
        &format!("Pulse response; cursor {main:.2} mV"),
    );
    chart.level("zero", 0.0);
    chart.curve("p6", &before);
    chart.curve("p0 thick", &after);
    chart.upright("instant", 0.0);
    let mut bars = String::new();
    for (n, taken) in pulse.feedback_v.iter().enumerate().filter(|(_, v)| **v != 0.0) {
        let ui = (n + 1) as f64;
        let value = pulse.before_feedback(ui);
        put!(
            bars,
            "<path class=\"taken\" d=\"M{:.1} {:.1}V{:.1}\"><title>tap {}: {:.3} mV of {:.3} mV</title></path>",
            chart.at_x(ui),
            chart.at_y(value * 1e3),
            chart.at_y((value - taken) * 1e3),
            n + 1,
            taken * 1e3,
            value * 1e3
        );
    }
    chart.raw(&bars);
    for n in -5..=to as i64 {
        let value = pulse.at(n as f64) * 1e3;
        let words = if n == 0 { format!("cursor {value:.3} mV") } else { format!("{n:+} UI: {value:.3} mV is left") };
        chart.dot(if n == 0 { "cursor" } else { "rest" }, (n as f64, value), if n == 0 { 3.6 } else { 1.8 }, &words);
    }
    chart.close();
    let mut entries = vec![
        ("p6", "before equalisation".to_string()),
        ("p0", "behind Tx FFE, CTLE and receive taps".to_string()),
        ("instant", format!("cursor {main:.2} mV")),
        ("rest", "what is left of other symbols".to_string()),
    ];
    if taps > 0 {
        entries.push((
            "taken",
            format!("taken off by decision feedback, {taps} {}", if taps == 1 { "tap" } else { "taps" }),
        ));
    }
    key(out, &entries);
}
