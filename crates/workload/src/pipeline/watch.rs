//! From tables to displays and chains: what is looked at.

use lanewright_model::problem::{Problem, Problems};
use lanewright_model::text::Placed;

use super::checked::{Chain, Display, Pipeline, Sink};
use super::image::bits;
use super::plan::{Names, positive, unknown};
use super::tables::{ChainTable, DisplayTable, Layout, PipelineFile, Rule};
use crate::estimate::Estimate;

/// Most latency of a camera monitor system in place of mirrors, s: UN R46, Annex 12, and ISO 16505. General knowledge;
/// the numbers stand in documents that are not free.
pub const CMS_LATENCY_S: f64 = 0.2;

/// Most time in which a monitor of such a system forms its image, s. As above.
pub const CMS_IMAGE_FORMATION_S: f64 = 0.055;

/// Least frame rate of such a system, Hz (15 in low light and slow manoeuvres). As above.
pub const CMS_RATE_HZ: f64 = 30.0;

/// Adds displays and chains to what has stages.
pub fn add(file: &PipelineFile, made: &mut Pipeline, ids: &mut Names, problems: &mut Problems) {
    for table in &file.display {
        ids.add(&table.id, "display", problems);
        made.displays.extend(display(table, made, problems));
    }
    for table in &file.chain {
        made.chains.extend(chain(table, made, problems));
    }
    // Without chains: from every source to every stage that nothing follows, and to every display.
    if file.chain.is_empty() && !problems.has_errors() {
        for source in 0..made.sources.len() {
            for sink in sinks(made) {
                if made.way(source, sink).is_some() {
                    let id = format!("{} to {}", made.sources[source].id, name(made, sink));
                    made.chains.push(Chain { id, source, sink, limit: None, age: None, rule: None, lost_frames: 1 });
                }
            }
        }
    }
}

/// Displays, and stages that nothing works on.
fn sinks(made: &Pipeline) -> Vec<Sink> {
    let fed = |at: usize| made.streams.iter().any(|stream| stream.feeds.contains(&super::checked::Feed::Stream(at)));
    let shown = |at: usize| made.displays.iter().any(|display| display.stream == at);
    let ends =
        made.stages.iter().enumerate().filter(|(_, stage)| !stage.streams.clone().any(|at| fed(at) || shown(at)));
    ends.map(|(at, _)| Sink::Stage(at)).chain((0..made.displays.len()).map(Sink::Display)).collect()
}

/// Name of a sink.
pub fn name(made: &Pipeline, sink: Sink) -> &str {
    match sink {
        Sink::Stage(at) => &made.stages[at].id,
        Sink::Display(at) => &made.displays[at].id,
    }
}

fn display(table: &Placed<DisplayTable>, made: &Pipeline, problems: &mut Problems) -> Option<Display> {
    let before = problems.errors();
    let Some(stage) = made.stages.iter().find(|stage| stage.id == table.from.value) else {
        unknown(&table.from, "stage", made.stages.iter().map(|stage| stage.id.as_str()), problems);
        return None;
    };
    if stage.streams.len() != 1 {
        let why = format!("stage `{}` has {} outputs; a display shows one", stage.id, stage.streams.len());
        problems.push(
            Problem::error("display", why, table.from.span, "here")
                .help("join them with a stage that has `fuse = true`"),
        );
    }
    let fps = positive(&table.fps, 10_000.0, "`fps`", problems)?;
    let period = 1.0 / fps;
    let scan = table.scan_ms.as_ref().map_or(0.96 * period, |own| own.value * 1e-3);
    let panel = table.panel_ms.times(1e-3);
    if !(0.0..=period * 1.001).contains(&scan) || panel.high > 1.0 || !(0.0..=1e5).contains(&table.drift_ppm) {
        let why = "the scan-out fits into a picture, `panel_ms` is at most 1000 and `drift_ppm` at most 100000";
        problems.push(Problem::error("number-range", why, table.span, "this display"));
    }
    let stream = stage.streams.start;
    let image = made.streams[stream].image;
    let pixels = match (&table.width, &table.height) {
        (Some(width), Some(height)) => f64::from(width.value) * f64::from(height.value),
        _ => image.map_or(0.0, |image| image.pixels()),
    };
    (problems.errors() == before).then(|| Display {
        id: table.id.value.clone(),
        stream,
        period,
        scan,
        panel,
        drift: table.drift_ppm * 1e-6,
        bytes: pixels * bits(image.map_or(Layout::Rgba, |image| image.layout), 12) / 8.0,
        power_w: table.power_w.map_or(Estimate::exact(0.0), |own| own.0),
    })
}

fn chain(table: &Placed<ChainTable>, made: &Pipeline, problems: &mut Problems) -> Option<Chain> {
    let source = made.sources.iter().position(|source| source.id == table.from.value);
    if source.is_none() {
        unknown(&table.from, "camera or sensor", made.sources.iter().map(|source| source.id.as_str()), problems);
    }
    let stage = made.stages.iter().position(|stage| stage.id == table.to.value).map(Sink::Stage);
    let sink = stage.or_else(|| made.displays.iter().position(|d| d.id == table.to.value).map(Sink::Display));
    if sink.is_none() {
        let known = made.stages.iter().map(|s| s.id.as_str()).chain(made.displays.iter().map(|d| d.id.as_str()));
        unknown(&table.to, "stage or display", known, problems);
    }
    let (source, sink) = (source?, sink?);
    if made.way(source, sink).is_none() {
        let why = format!("nothing leads from `{}` to `{}`", table.from.value, table.to.value);
        problems.push(Problem::error("no-way", why, table.to.span, "not reached").and(table.from.span, "from here"));
        return None;
    }
    let limit = match &table.limit_ms {
        Some(own) => Some(positive(own, 1e7, "`limit_ms`", problems)? * 1e-3),
        None => (table.rule == Some(Rule::Cms)).then_some(CMS_LATENCY_S),
    };
    let age = match &table.age_ms {
        Some(own) => Some(positive(own, 1e7, "`age_ms`", problems)? * 1e-3),
        None => None,
    };
    if table.rule == Some(Rule::Cms) && (matches!(sink, Sink::Stage(_)) || made.sources[source].image.is_none()) {
        let why = "the rule of camera monitor systems is for chains from a camera to a display";
        problems.push(Problem::error("rule", why, table.span, "this chain"));
        return None;
    }
    if table.lost_frames > 100 {
        problems.push(Problem::error("number-range", "`lost_frames` is at most 100", table.span, "this chain"));
        return None;
    }
    let unnamed = || format!("{} to {}", table.from.value, table.to.value);
    let id = table.id.as_ref().map_or_else(unnamed, |id| id.value.clone());
    Some(Chain { id, source, sink, limit, age, rule: table.rule, lost_frames: table.lost_frames })
}
