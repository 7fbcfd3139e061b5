//! Impedance against time at both ends of the channel, as time-domain reflectometry shows it.

use lanewright_link::com::channel::DifferentialChannel;
use lanewright_link::eye::reflection::{REFERENCE_OHM, delay_s, impedances};

use crate::report::chart::{Axis, Chart, WIDTH, key};

/// Draws it, or nothing where the data give no time response.
pub fn draw(channel: &DifferentialChannel, out: &mut String) {
    let traces: Vec<Vec<(f64, f64)>> = impedances(channel)
        .iter()
        .map(|trace| {
            let points = trace.values.iter().enumerate().map(|(k, ohm)| (trace.time_s(k) * 1e9, *ohm));
            points.filter(|(_, ohm)| ohm.is_finite()).collect()
        })
        .collect();
    let [near, far] = traces.as_slice() else { return };
    let end = (2.3e9 * delay_s(channel)).clamp(0.2, 20.0);
    let shown = |points: &[(f64, f64)]| {
        points.iter().filter(|p| p.0 >= -0.03 * end && p.0 <= end).map(|p| p.1).collect::<Vec<_>>()
    };
    let all = [shown(near), shown(far)].concat();
    let (low, high) = (all.iter().copied().fold(95.0, f64::min), all.iter().copied().fold(105.0, f64::max));
    put!(out, "<figure class=\"panel\"><figcaption>Impedance against time</figcaption>");
    let mut chart = Chart::open(
        out,
        (WIDTH, 250.0),
        (Axis::linear(-0.03 * end, end), "ns, there and back"),
        (Axis::linear(low.max(20.0) - 1.0, high.min(300.0) + 1.0), "ohm"),
        "Impedance against time at both ends",
    );
    chart.level("zero", REFERENCE_OHM);
    chart.curve("p6", far);
    chart.curve("p0", near);
    chart.close();
    key(out, &[("p0", "transmitter's end".into()), ("p6", "receiver's end".into())]);
    put!(out, "</figure>");
}
