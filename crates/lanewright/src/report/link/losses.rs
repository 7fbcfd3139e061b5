//! What the channel's files say: insertion and return loss, crosstalk, and the ratio of both.

use lanewright_link::com::channel::{ChannelSet, DifferentialChannel};

use crate::number;
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::escape::Escaped;

fn db(value: f64) -> f64 {
    20.0 * value.max(1e-12).log10()
}

fn at(channel: &DifferentialChannel, hz: f64, trace: impl Fn(usize) -> f64) -> Option<f64> {
    let above = channel.frequency_hz.partition_point(|f| *f < hz);
    (above < channel.frequency_hz.len()).then(|| trace(above))
}

/// Losses of the victim, and its crosstalk where there is any.
pub fn draw(channels: &ChannelSet, nyquist_hz: f64, out: &mut String) {
    let victim = &channels.victim;
    let ghz: Vec<f64> = victim.frequency_hz.iter().map(|hz| hz / 1e9).collect();
    let top = ghz.last().copied().unwrap_or(1.0).min(2.2 * nyquist_hz / 1e9);
    let shown = ghz.iter().take_while(|f| **f <= top).count().max(2).min(ghz.len());
    let trace =
        |values: &dyn Fn(usize) -> f64| -> Vec<(f64, f64)> { (0..shown).map(|k| (ghz[k], values(k))).collect() };
    let through = trace(&|k| db(victim.s21[k].norm()));
    let near = trace(&|k| db(victim.s11[k].norm()));
    let far = trace(&|k| db(victim.s22[k].norm()));
    let lowest = through.iter().chain(&near).map(|p| p.1).fold(0.0, f64::min).max(-90.0);
    let axes = || (Axis::linear(0.0, top), "GHz");
    let loss = at(victim, nyquist_hz, |k| -db(victim.s21[k].norm()));
    put!(out, "<figure class=\"panel\"><figcaption>Insertion and return loss</figcaption>");
    let words = loss.map_or_else(
        || "the file ends below Nyquist".to_string(),
        |db| format!("{} dB at Nyquist", number::decimals(db, 1)),
    );
    let mut chart = Chart::open(
        out,
        (WIDTH, 250.0),
        axes(),
        (Axis::linear((lowest / 10.0).floor() * 10.0, 0.0), "dB"),
        &format!("Insertion loss of {words}"),
    );
    chart.curve("p6", &near);
    chart.curve("p7", &far);
    chart.curve("p0 thick", &through);
    chart.upright("instant", nyquist_hz / 1e9);
    chart.note(nyquist_hz / 1e9, 0, &format!("Nyquist {} GHz", number::figures(nyquist_hz / 1e9, 6)));
    chart.close();
    key(
        out,
        &[
            ("p0", format!("SDD21: {words}")),
            ("p6", "SDD11, transmitter's side".into()),
            ("p7", "SDD22, receiver's side".into()),
        ],
    );
    put!(out, "</figure>");
    let aggressors: Vec<(&DifferentialChannel, &str)> =
        channels.fext.iter().map(|c| (c, "p1")).chain(channels.next.iter().map(|c| (c, "p4"))).collect();
    if aggressors.is_empty() {
        return;
    }
    // Powers of all aggressors together, where they share the victim's frequencies.
    let power = |k: usize| {
        let of = aggressors.iter().filter(|(c, _)| c.s21.len() == victim.s21.len());
        of.map(|(c, _)| c.s21[k].norm_sqr()).sum::<f64>()
    };
    put!(out, "<figure class=\"panel\"><figcaption>Crosstalk</figcaption>");
    let ratio = trace(&|k| db(victim.s21[k].norm() / power(k).sqrt().max(1e-12)));
    let sum = trace(&|k| db(power(k).sqrt()));
    let most = ratio.iter().filter(|p| p.0 > 0.02 * top).map(|p| p.1).fold(10.0, f64::max).min(80.0);
    let mut chart = Chart::open(
        out,
        (WIDTH, 250.0),
        axes(),
        (Axis::linear(-90.0, (most / 10.0).ceil() * 10.0), "dB"),
        "Crosstalk of every aggressor, their power sum, and the insertion loss to crosstalk ratio",
    );
    for (channel, class) in &aggressors {
        let points: Vec<(f64, f64)> = channel
            .frequency_hz
            .iter()
            .zip(&channel.s21)
            .map(|(hz, s)| (hz / 1e9, db(s.norm())))
            .take_while(|p| p.0 <= top)
            .collect();
        chart.curve(&format!("{class} thin"), &points);
    }
    chart.curve("p6 thick", &sum);
    chart.curve("p2 thick", &ratio);
    chart.upright("instant", nyquist_hz / 1e9);
    chart.close();
    let at_nyquist = at(victim, nyquist_hz, |k| db(victim.s21[k].norm() / power(k).sqrt().max(1e-12)));
    let words = at_nyquist.map_or_else(String::new, |v| format!(": {} dB at Nyquist", number::decimals(v, 1)));
    let mut entries =
        vec![("p2", format!("insertion loss to crosstalk ratio{words}")), ("p6", "power sum".to_string())];
    if !channels.fext.is_empty() {
        entries.push(("p1", format!("far end: {}", names(&channels.fext))));
    }
    if !channels.next.is_empty() {
        entries.push(("p4", format!("near end: {}", names(&channels.next))));
    }
    key(out, &entries);
    put!(out, "</figure>");
}

fn names(channels: &[DifferentialChannel]) -> String {
    let mut list: Vec<String> = channels.iter().take(3).map(|c| Escaped(&c.name).to_string()).collect();
    if channels.len() > 3 {
        list.push(format!("{} more", channels.len() - 3));
    }
    list.join(", ")
}
