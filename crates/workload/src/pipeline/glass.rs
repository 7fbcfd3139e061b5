//! From light to light: the budget of a camera monitor system, part by part, at best, likely and at worst.
//!
//! Light is taken from the middle of the exposure of the first row, which waits for the whole read-out: the convention of
//! published budgets. At worst it came at the beginning of the exposure, met every wait, and frames were lost on the way.

use serde::Serialize;

use super::bound::{Bounds, gap};
use super::checked::{Pipeline, Sink};
use super::concrete::{Concrete, Pick, values};
use super::tables::Rule;
use super::watch::{CMS_IMAGE_FORMATION_S, CMS_LATENCY_S, CMS_RATE_HZ};
use crate::estimate::Estimate;

/// One part of the way. Low is at best, high at worst; seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// What takes the time.
    pub what: String,
    /// How long.
    pub seconds: Estimate,
}

/// The budget of a chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// The chain.
    pub chain: String,
    /// In order of the way.
    pub parts: Vec<Part>,
    /// Their sums; the worst is infinite where a stage has more to do than it can.
    pub total: Estimate,
    /// At worst without lost frames.
    pub worst_without_losses: f64,
    /// Limits that it is held to, whether each holds at worst, and how it stands.
    pub checks: Vec<Check>,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What is limited.
    pub what: String,
    /// Whether it holds at worst.
    pub holds: bool,
    /// Whether it holds at the likely values.
    pub holds_likely: bool,
    /// In words.
    pub words: String,
}

/// The budget of a chain; none where nothing leads from its source to its sink.
pub fn budget(of: &Pipeline, chain: usize, bounds: &Bounds, likely: &Concrete) -> Option<Budget> {
    let chain = &of.chains[chain];
    let way = of.way(chain.source, chain.sink)?;
    let source = &of.sources[chain.source];
    let slowest = values(of, &mut Pick::Slowest);
    let mut parts = Vec::new();
    let mut part = |what: String, low: f64, likely: f64, high: f64| {
        if high > 0.0 {
            parts.push(Part { what, seconds: Estimate { low, likely, high } });
        }
    };
    let half = source.exposure / 2.0;
    part("exposure".into(), half, half, source.exposure);
    part("read-out".into(), 0.0, source.readout, source.readout);
    let name = if source.image.is_some() { "link" } else { "sensor" };
    part(name.into(), source.delay, source.delay, source.delay);
    for at in way {
        let (stream, alone) = (&of.streams[at], likely.alone[at]);
        let stage = &of.stages[stream.stage];
        if let Some(paced) = stage.paced {
            part(stage.id.clone(), paced, paced, paced);
            continue;
        }
        if stream.feeds.len() > 1 || stage.clock.is_some() {
            // On the way from this source, or, where several ways join, the longest wait of them.
            let waits =
                stream.feeds.iter().map(|feed| gap(of, bounds, *feed).unwrap_or(f64::INFINITY)).fold(0.0, f64::max);
            let mean = if stage.clock.is_some() { 0.5 } else { 0.25 };
            let likely = if waits.is_finite() { mean * stream.period.min(waits) } else { mean * stream.period };
            part(format!("{}: wait for its inputs", stage.id), 0.0, likely, waits);
        }
        // At best nothing else wants the engine or the memory; of a band, its fast end.
        let fast = alone * fast_share(of, at);
        let slow = (bounds.work[at] * slowest.alone[at] / alone).max(alone);
        part(stage.id.clone(), fast, alone, slow);
        let waits = bounds.response[at].map_or(f64::INFINITY, |response| (response - bounds.work[at]).max(0.0));
        part(format!("{}: wait for the engine", stage.id), 0.0, 0.0, waits);
    }
    let mut formation = None;
    if let Sink::Display(at) = chain.sink {
        let display = &of.displays[at];
        let period = display.period;
        part("display: wait for a picture".into(), 0.0, period / 2.0, period * (1.0 + display.drift));
        part("display: scan-out".into(), 0.0, display.scan / 2.0, display.scan);
        part("display: panel".into(), display.panel.low, display.panel.likely, display.panel.high);
        formation = Some((display.scan + display.panel.high, display.scan + display.panel.likely, 1.0 / period));
    }
    let lost = f64::from(chain.lost_frames) * source.period;
    if lost > 0.0 {
        let plural = if chain.lost_frames == 1 { "" } else { "s" };
        parts.push(Part {
            what: format!("{} frame{plural} lost", chain.lost_frames),
            seconds: Estimate { low: 0.0, likely: 0.0, high: lost },
        });
    }
    let total = parts.iter().fold(Estimate::default(), |sum, part| sum.plus(part.seconds));
    let mut checks = Vec::new();
    if let Some(limit) = chain.limit.or((chain.rule == Some(Rule::Cms)).then_some(CMS_LATENCY_S)) {
        checks.push(limited("latency", total.high, total.likely, limit));
    }
    if chain.rule == Some(Rule::Cms)
        && let Some((worst, likely, rate)) = formation
    {
        checks.push(limited("image formation", worst, likely, CMS_IMAGE_FORMATION_S));
        let slowest = (1.0 / source.period).min(rate);
        checks.push(Check {
            what: "frame rate".into(),
            holds: slowest >= CMS_RATE_HZ * 0.999,
            holds_likely: slowest >= CMS_RATE_HZ * 0.999,
            words: format!("{slowest:.1} Hz, at least {CMS_RATE_HZ:.0} Hz"),
        });
    }
    Some(Budget { chain: chain.id.clone(), worst_without_losses: total.high - lost, parts, total, checks })
}

fn fast_share(of: &Pipeline, stream: usize) -> f64 {
    match &of.streams[stream].work {
        super::checked::Work::Time(time) | super::checked::Work::Operations(time) if time.likely > 0.0 => {
            time.low / time.likely
        }
        _ => 1.0,
    }
}

fn limited(what: &str, worst: f64, likely: f64, limit: f64) -> Check {
    let ms = |seconds: f64| if seconds.is_finite() { format!("{:.1} ms", seconds * 1e3) } else { "no bound".into() };
    Check {
        what: what.into(),
        holds: worst <= limit,
        holds_likely: likely <= limit,
        words: format!("{} at worst, {} likely, at most {}", ms(worst), ms(likely), ms(limit)),
    }
}
