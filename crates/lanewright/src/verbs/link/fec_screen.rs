//! The answer of `link fec` on one screen.

use std::fmt::Write as _;

use lanewright_link::fec::assess::{Assessment, Question};
use lanewright_link::fec::codeword::Muxing;
use lanewright_link::fec::inverse::Target;
use lanewright_link::fec::process::ErrorProcess;
use lanewright_link::fec::scheme::{Code, Unit};
use lanewright_link::fec::slicer::Signalling;

use crate::number::{Measure, plain};

/// A ratio: three digits and a power of ten.
pub fn ratio(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{value:.2e}") }
}

/// A time in s from picoseconds to powers of years.
pub fn duration(seconds: f64) -> String {
    const YEAR: f64 = 365.25 * 86_400.0;
    if !seconds.is_finite() {
        return "never".into();
    }
    let steps = [(YEAR, "years"), (86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "s")];
    match steps.iter().find(|(size, _)| seconds >= *size) {
        Some((size, unit)) if *unit == "years" && seconds / size >= 1e6 => format!("{:.1e} years", seconds / size),
        Some((size, unit)) => format!("{} {unit}", plain((seconds / size * 100.0).round() / 100.0)),
        None => Measure::Nanoseconds.show(seconds * 1e9),
    }
}

/// How often, from the time between.
fn every(seconds: f64) -> String {
    if seconds.is_finite() { format!("one every {}", duration(seconds)) } else { "never".into() }
}

/// Draws it.
pub fn draw(question: &Question, found: &Assessment) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "  {name:<26} {value}");
    };
    let (scheme, errors, units) = (&question.scheme, &found.errors, &found.units);
    let flits = scheme.unit != Unit::Frame;
    line("scheme", format!("{}: {}", scheme.name, scheme.title));
    line("lane", lane(question));
    line("errors", process(question));
    line("", String::new());

    line("BER at the detector", ratio(errors.detector_ber));
    if errors.pre_fec_ber != errors.detector_ber {
        line(
            if scheme.code == Code::Inner { "BER behind the inner code" } else { "BER at the decoder" },
            ratio(errors.pre_fec_ber),
        );
    }
    if let Some(symbols) = errors.symbol_error_ratio {
        line(if scheme.code == Code::Flit { "bytes wrong" } else { "symbols wrong" }, ratio(symbols));
    }
    if let (Some(words), Some(log10)) = (errors.codeword_error_ratio, errors.log10_codeword_error_ratio) {
        let shown = if words == 0.0 && log10.is_finite() { format!("1e{log10:.0}") } else { ratio(words) };
        line(if scheme.code == Code::Flit { "flits not correctable" } else { "words not correctable" }, shown);
    }
    line("BER after correction", ratio(errors.post_fec_ber));
    let (what, verb) = if flits { ("flits", "replayed") } else { ("frames", "lost") };
    line(
        &format!("{what} {verb} ({} B)", plain(units.bytes)),
        format!(
            "{}, {} at {} {what}/s",
            ratio(units.loss_ratio),
            every(units.seconds_between),
            ratio(units.per_second)
        ),
    );
    line(
        &format!("wrong {what} taken for right"),
        format!("{} (estimate)", every(units.seconds_to_false_acceptance)),
    );

    if let Some(replay) = &found.replay {
        line(
            "replay",
            format!(
                "{} of throughput at full load; adds {} on average, {} at p99; {} of flits delayed",
                Measure::Availability.show(replay.efficiency),
                Measure::Nanoseconds.show(replay.mean_ns),
                Measure::Nanoseconds.show(replay.p99_ns),
                ratio(replay.delayed),
            ),
        );
        line(
            "",
            format!(
                "{} flits in a round trip of {} ns{}",
                plain(replay.in_flight),
                plain(question.replay.round_trip_ns),
                if replay.buffer_limited { "; the buffer is smaller and limits throughput" } else { "" }
            ),
        );
    }

    line("", String::new());
    let latency = &found.latency;
    let [low, _, high] = latency.decode_ns;
    if high > 0.0 {
        line(
            "added latency",
            format!(
                "{} to fill words + {} to decode (estimate) = {}",
                Measure::Nanoseconds.show(latency.fill_ns),
                Measure::Nanoseconds.range(low, high),
                Measure::Nanoseconds.range(latency.total_ns()[0], latency.total_ns()[2])
            ),
        );
    }
    line(
        "rate",
        format!(
            "{} Gb/s of {}, {} Gb/s on the line (+{:.2} %)",
            plain(question.rate_gbps),
            if flits { "flit payload" } else { "frames" },
            plain(found.line_gbps),
            100.0 * (scheme.expansion() - 1.0)
        ),
    );
    line("target", target(question, found));
    if let Some(advice) = &found.precoding {
        let pays = match advice.break_even {
            Some(a) => format!("pays above a = {a:.2}"),
            None => "never pays at this error ratio".into(),
        };
        line(
            "precoding",
            format!(
                "{}: {} without, {} with; it {pays} (here a = {:.2})",
                if advice.use_it { "use it" } else { "leave it off" },
                ratio(advice.without),
                ratio(advice.with),
                advice.propagation
            ),
        );
    }
    if !found.interleaves.is_empty() {
        let each: Vec<String> =
            found.interleaves.iter().map(|(ways, share)| format!("{ways}: {}", ratio(*share))).collect();
        line("words lost by interleave", each.join(", "));
    }
    for caveat in &errors.caveats {
        line("note", (*caveat).into());
    }
    // Blank lines keep no trailing spaces.
    out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn lane(question: &Question) -> String {
    let scheme = &question.scheme;
    let layout = &scheme.layout;
    let mut words = vec![
        if scheme.signalling == Signalling::Nrz { "NRZ" } else { "PAM4" }.to_string(),
        format!("precoding {}", if scheme.precoding { "on" } else { "off" }),
    ];
    if scheme.reed_solomon().is_some() {
        words.push(match (scheme.code, layout.interleave) {
            (Code::Inner, words) => format!("{words} outer words share an inner word"),
            (_, 1) => "no interleave".into(),
            (_, ways) => format!("{ways} words interleaved"),
        });
    }
    words.push(if layout.lanes == 1 { "one lane".into() } else { format!("{} lanes", layout.lanes) });
    if let Muxing::Bit { streams } = layout.muxing {
        words.push(format!("bits of {streams} streams in turn"));
    }
    words.join(", ")
}

fn process(question: &Question) -> String {
    match &question.process {
        ErrorProcess::Random { .. } => "random".into(),
        ErrorProcess::OneTap { start, propagation } => {
            format!("bursts: one begins in {} symbols and goes on with a = {propagation}", ratio(*start))
        }
        ErrorProcess::Feedback { start, taps } => {
            let taps: Vec<String> = taps.iter().map(|tap| plain(*tap)).collect();
            format!("bursts: one begins in {} symbols, feedback taps {}", ratio(*start), taps.join(", "))
        }
        ErrorProcess::TwoState { to_bad, to_good, good, bad } => format!(
            "bad times begin at {} and end at {} per symbol; {} of symbols wrong, {} in bad times",
            ratio(*to_bad),
            ratio(*to_good),
            ratio(*good),
            ratio(*bad)
        ),
    }
}

fn target(question: &Question, found: &Assessment) -> String {
    let what = match (question.target, question.scheme.unit) {
        (Target::UnitLoss { .. }, Unit::Frame) => "frame loss",
        (Target::UnitLoss { .. }, Unit::Flit(_)) => "flits replayed",
        (Target::PostFecBer(_), _) => "BER after correction",
        (Target::CodewordErrorRatio(_), _) => "words not correctable",
    };
    let met = if found.met(&question.target) { "met" } else { "MISSED" };
    let far = match &found.margin {
        Some(margin) => format!(
            "; BER at the detector may be {}: {:+.2} decades, {:+.2} dB of noise",
            ratio(margin.allowed.detector_ber),
            margin.decades,
            margin.snr_db
        ),
        None => String::new(),
    };
    format!("{what} of {}: {met}{far}", ratio(question.target.ratio()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        for (seconds, shown) in [
            (f64::INFINITY, "never"),
            (27.08, "27.08 s"),
            (90.0, "1.5 minutes"),
            (7_200.0, "2 hours"),
            (3.155_76e7, "1 years"),
            (3.155_76e20, "1.0e13 years"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
        assert_eq!(ratio(0.0), "0");
        assert_eq!(ratio(5.4448e-11), "5.44e-11");
    }
}
