//! From tables to a checked pipeline: the chip, its engines, its sources, and the limits of what is simulated.

use std::collections::BTreeMap;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Kind, Part};
use lanewright_model::problem::{Problem, Problems, nearest};
use lanewright_model::text::{Placed, Span};

use super::checked::{Engine, Pipeline, Source};
use super::image::Image;
use super::soc::{self, estimate};
use super::tables::{CameraTable, EngineTable, Hold, Layout, Order, Phase, PipelineFile, SensorTable, Shutter};
use super::throughput::{PER_EQUIVALENT, product, vision_share};
use super::{stages, watch};
use crate::estimate::Estimate;

/// Most single cameras and sensors, engines and streams: far more than a chip has.
pub const MOST: usize = 512;

/// Most simulated time, s.
const LONGEST: f64 = 3600.0;

/// Most frames, jobs and pictures of a run; more only take longer.
const EVENTS: f64 = 2e7;

/// Puts a pipeline together. Every error becomes a problem; `None` when there was one.
pub fn pipeline(file: &PipelineFile, catalogue: &Catalogue, problems: &mut Problems) -> Option<Pipeline> {
    let before = problems.errors();
    let about = file.pipeline.as_ref();
    let seconds = about.map_or(20.0, |table| table.seconds);
    let warm_up = about.map_or(1.0, |table| table.warm_up_s);
    let table = &file.soc;
    let part = table.part.as_ref().and_then(|name| find(catalogue, name, &[Kind::Soc, Kind::Accelerator], problems));
    let soc = match soc::soc(table, part) {
        Ok(soc) => Some(soc),
        Err(why) => {
            problems.push(Problem::error("soc", why, table.span, "this chip"));
            None
        }
    };
    if !(seconds > 0.0 && seconds <= LONGEST && (0.0..=LONGEST).contains(&warm_up)) {
        let why = format!("`seconds` is above 0 and `warm_up_s` at least 0, both at most {LONGEST}");
        problems.push(Problem::error("number-range", why, table.span, "of the pipeline with this chip"));
    }
    let mut notes = Vec::new();
    // Stages may be called as the engines that they run on.
    let (mut ids, mut of_engines) = (Names::default(), Names::default());
    let engines: Vec<Engine> = file
        .engine
        .iter()
        .filter_map(|table| engine(table, part, file, &mut of_engines, &mut notes, problems))
        .collect();
    let mut sources = Vec::new();
    for table in &file.camera {
        ids.add(&table.id, "camera", problems);
        sources.extend(camera(table, catalogue, problems));
    }
    for table in &file.sensor {
        ids.add(&table.id, "sensor", problems);
        sources.extend(sensor(table, catalogue, problems));
    }
    let soc = soc.filter(|_| problems.errors() == before)?;
    if sources.is_empty() && file.llm.is_empty() {
        problems.push(
            Problem::whole("pipeline", "the file has no [[camera]], [[sensor]] or [[llm]]: nothing happens")
                .help("`lanewright workload pipeline --list` names complete examples"),
        );
    }
    let instances: Vec<usize> =
        sources.iter().enumerate().flat_map(|(at, source)| std::iter::repeat_n(at, source.count)).collect();
    let mut made = Pipeline {
        name: about.and_then(|table| table.name.clone()).unwrap_or_else(|| "pipeline".into()),
        description: about.and_then(|table| table.description.clone()).unwrap_or_default(),
        assumptions: about.map(|table| table.assumptions.clone()).unwrap_or_default(),
        seconds,
        warm_up,
        soc,
        engines,
        sources,
        instances,
        stages: Vec::new(),
        streams: Vec::new(),
        llms: Vec::new(),
        displays: Vec::new(),
        chains: Vec::new(),
        notes,
    };
    stages::add(file, &mut made, &mut ids, problems);
    if problems.errors() == before {
        watch::add(file, &mut made, &mut ids, problems);
    }
    if problems.errors() == before {
        within_limits(&made, problems);
    }
    if made.soc.weak {
        made.notes
            .push(format!("{}: bandwidth, arithmetic or watts of the catalogue rest on estimates", made.soc.name));
    }
    (problems.errors() == before).then_some(made)
}

fn within_limits(made: &Pipeline, problems: &mut Problems) {
    let servers: usize = made.engines.iter().map(|engine| engine.count).sum();
    for (count, what) in
        [(made.instances.len(), "cameras and sensors"), (servers, "engines"), (made.streams.len(), "streams of frames")]
    {
        if count > MOST {
            problems.push(Problem::whole("pipeline", format!("{count} {what}; at most {MOST} are simulated")));
        }
    }
    let frames: f64 = made.instances.iter().map(|source| 1.0 / made.sources[*source].period).sum();
    let jobs: f64 = made.streams.iter().map(|stream| f64::from(made.stages[stream.stage].pieces) / stream.period).sum();
    let pictures: f64 = made.displays.iter().map(|display| 1.0 / display.period).sum();
    let ticks: f64 =
        made.streams.iter().filter_map(|stream| made.stages[stream.stage].clock).map(|clock| 1.0 / clock).sum();
    let tokens: f64 = made
        .llms
        .iter()
        .map(|llm| {
            let pieces = if llm.hold == Hold::Layer { f64::from(llm.layers) } else { 1.0 };
            let fastest = made.soc.bandwidth.high * llm.efficiency.high / llm.weight_bytes.max(1.0);
            fastest.min(1e9) * pieces + llm.period.map_or(0.0, |period| 1.0 / period)
        })
        .sum();
    let events = (frames + jobs + pictures + ticks + tokens) * (made.seconds + made.warm_up);
    if events > EVENTS {
        let why = format!("about {events:.1e} frames, jobs, tokens and pictures; at most {EVENTS:.0e} are simulated");
        problems.push(Problem::whole("pipeline", why).help("give fewer `seconds`, or lower rates"));
    }
}

/// Names that are taken, with where they stand.
#[derive(Default)]
pub struct Names(BTreeMap<String, Span>);

impl Names {
    /// Takes a name; reports one that is taken.
    pub fn add(&mut self, id: &Placed<String>, what: &str, problems: &mut Problems) {
        if id.value.is_empty() || id.value.chars().any(char::is_control) {
            problems.push(Problem::error(
                "name",
                format!("this {what} needs a name of visible characters"),
                id.span,
                "here",
            ));
        }
        if let Some(first) = self.0.insert(id.value.clone(), id.span) {
            problems.push(
                Problem::error("duplicate-name", format!("`{}` names two things", id.value), id.span, "again")
                    .and(first, "first here"),
            );
        }
    }
}

/// Reports a name that is not among those known.
pub fn unknown<'a>(name: &Placed<String>, what: &str, known: impl Iterator<Item = &'a str>, problems: &mut Problems) {
    let known: Vec<&str> = known.collect();
    let label = nearest(&name.value, known.iter().copied())
        .map_or_else(|| "not known".to_string(), |near| format!("did you mean `{near}`?"));
    let help = if known.is_empty() { "there is none".to_string() } else { format!("one of: {}", known.join(", ")) };
    problems.push(
        Problem::error("unknown-name", format!("no {what} is called `{}`", name.value), name.span, label).help(help),
    );
}

/// A number that must be above 0 and at most so large; else reported.
pub fn positive(value: &Placed<f64>, most: f64, what: &str, problems: &mut Problems) -> Option<f64> {
    if value.value > 0.0 && value.value <= most {
        return Some(value.value);
    }
    let why = format!("{what} must be above 0 and at most {most}");
    problems.push(Problem::error("number-range", why, value.span, "out of range"));
    None
}

fn find<'c>(
    catalogue: &'c Catalogue,
    name: &Placed<String>,
    kinds: &[Kind],
    problems: &mut Problems,
) -> Option<&'c Part> {
    let mut fit = catalogue.parts.iter().filter(|part| kinds.contains(&part.kind));
    if let Some(part) = fit.clone().find(|part| part.id.value == name.value) {
        return Some(part);
    }
    let words = kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" or ");
    unknown(name, &format!("{words} of the catalogue"), fit.by_ref().map(|part| part.id.value.as_str()), problems);
    None
}

fn engine(
    table: &Placed<EngineTable>,
    part: Option<&Part>,
    file: &PipelineFile,
    ids: &mut Names,
    notes: &mut Vec<String>,
    problems: &mut Problems,
) -> Option<Engine> {
    ids.add(&table.id, "engine", problems);
    let mut refuse = |why: &str| {
        problems.push(Problem::error(
            "number-range",
            format!("engine `{}`: {why}", table.id.value),
            table.span,
            "this engine",
        ));
    };
    if table.count == 0 || table.count as usize > MOST {
        refuse(&format!("`count` is 1 to {MOST}"));
        return None;
    }
    if !(table.sram_mb > 0.0 && table.sram_mb <= 1e5) {
        refuse("`sram_mb` is above 0 and at most 100000");
        return None;
    }
    if !(table.share > 0.0 && table.share <= 1.0) {
        refuse("`share` is above 0 and at most 1");
        return None;
    }
    if table.efficiency.as_ref().is_some_and(|own| own.value.0.low <= 0.0 || own.value.0.high > 1.0) {
        refuse("`efficiency` is above 0 and at most 1");
        return None;
    }
    let positive_band =
        |own: &Option<Placed<super::forms::Range>>| own.as_ref().is_some_and(|own| own.value.0.low <= 0.0);
    if positive_band(&table.mpix_s) || positive_band(&table.tops) || table.dram_gb_s.is_some_and(|own| own <= 0.0) {
        refuse("`mpix_s`, `tops` and `dram_gb_s` are above 0");
        return None;
    }
    let figures = part.map(|part| &part.figures);
    let dense = table
        .tops
        .as_ref()
        .map(|own| own.times(1e12))
        .or_else(|| figures.and_then(|f| f.int8.as_ref()).map(|f| estimate(f, |v| v.0 * 1e12 * table.share)));
    let equivalent = figures.and_then(|f| f.etops.as_ref()).map(|f| estimate(f, |v| v.0 * 1e12 * table.share));
    let operations = match (dense, equivalent) {
        (Some(dense), _) => {
            let share = table.efficiency.as_ref().map_or_else(vision_share, |own| own.value.0);
            Some(product(dense, share))
        }
        (None, Some(equivalent)) => {
            let factor = file.soc.per_etops.as_ref().map_or(PER_EQUIVALENT, |own| own.value.0);
            let compute = matches!(table.kind, super::tables::EngineKind::Nn);
            if compute && file.soc.per_etops.is_none() {
                notes.push(format!(
                    "engine {}: the maker's equivalent TOPS are taken as {:.2} ({:.2} to {:.2}) sustained operations each, an estimate",
                    table.id.value, factor.likely, factor.low, factor.high
                ));
            }
            compute.then(|| product(equivalent, factor))
        }
        (None, None) => None,
    };
    Some(Engine {
        id: table.id.value.clone(),
        kind: table.kind,
        count: table.count as usize,
        preemptive: table.preemptive,
        order: table.order.unwrap_or(Order::Priority),
        pixels: table.mpix_s.as_ref().map(|own| own.times(1e6)),
        operations: operations.filter(|rate| rate.low > 0.0),
        own_memory: table.sram_mb * 1e6,
        bandwidth: table.dram_gb_s.map_or(f64::INFINITY, |own| own * 1e9),
        realtime: table.realtime,
        active_w: table.active_w.map(|own| own.0),
        idle_w: table.idle_w.map_or(Estimate::exact(0.0), |own| own.0),
    })
}

fn camera(table: &Placed<CameraTable>, catalogue: &Catalogue, problems: &mut Problems) -> Option<Source> {
    let before = problems.errors();
    let part = table.part.as_ref().and_then(|name| find(catalogue, name, &[Kind::Camera], problems));
    let (width, height) = match (&table.width, &table.height, part.and_then(|part| part.figures.image_size.as_ref())) {
        (Some(width), Some(height), _) => (width.value, height.value),
        (None, None, Some(size)) => usual_size(size.band.likely.0),
        _ => {
            let why = format!("camera `{}` needs `width` and `height`, or a `part` with an image size", table.id.value);
            problems.push(Problem::error("missing-key", why, table.span, "this camera"));
            return None;
        }
    };
    if !(1..=65_536).contains(&width) || !(1..=65_536).contains(&height) || !(1..=32).contains(&table.bits) {
        let why = "images have 1 to 65536 pixels a side, of 1 to 32 bits";
        problems.push(Problem::error("number-range", why, table.span, "this camera"));
    }
    let fps = match (&table.fps, part.and_then(|part| part.figures.frame_rate.as_ref())) {
        (Some(fps), _) => positive(fps, 10_000.0, "`fps`", problems),
        (None, Some(rate)) if rate.band.likely.0 > 0.0 => Some(rate.band.likely.0),
        _ => {
            let why = format!("camera `{}` needs `fps`, or a `part` with a frame rate", table.id.value);
            problems.push(Problem::error("missing-key", why, table.span, "this camera"));
            None
        }
    }?;
    let period = 1.0 / fps;
    let usual = if table.shutter == Some(Shutter::Global) { 0.5 } else { 0.96 };
    let readout = table.readout_ms.as_ref().map_or(usual * period, |own| own.value * 1e-3);
    let exposure = table.exposure_ms * 1e-3;
    let delay = table.link_ms * 1e-3;
    // Rows are read out within a frame, give or take rounding of what people write.
    let fits =
        readout >= 0.0 && readout <= period * 1.001 && (0.0..=1.0).contains(&exposure) && (0.0..=1.0).contains(&delay);
    let shares = (0.0..=1.0).contains(&table.blanking) && (0.0..=1e5).contains(&table.drift_ppm);
    if !fits || !shares || !(1..=MOST as u32).contains(&table.count) {
        let why = format!(
            "camera `{}`: the read-out fits into a frame ({:.2} ms), exposure and link take at most 1000 ms, `blanking` is 0 to 1, `drift_ppm` 0 to 100000, `count` 1 to {MOST}",
            table.id.value,
            period * 1e3
        );
        problems.push(Problem::error("number-range", why, table.span, "this camera"));
    }
    let image = Image { width, height, layout: Layout::Raw, raw_bits: table.bits };
    (problems.errors() == before).then(|| Source {
        id: table.id.value.clone(),
        count: table.count as usize,
        period,
        exposure,
        readout,
        delay,
        phases: phases(table.phase, table.count),
        drift: table.drift_ppm * 1e-6,
        image: Some(image),
        bytes: image.bytes() * (1.0 + table.blanking),
        arrival_bytes: if table.raw_to_memory { image.bytes() } else { 0.0 },
    })
}

/// Width and height of sensors sold with so many megapixels; others are taken as 16 by 9.
fn usual_size(megapixels: f64) -> (u32, u32) {
    let usual = [
        (1280, 960),
        (1920, 1080),
        (1920, 1280),
        (1920, 1536),
        (2560, 1440),
        (2592, 1944),
        (3840, 2160),
        (4096, 3072),
        (7680, 4320),
    ];
    let off = |(w, h): &(u32, u32)| (f64::from(*w) * f64::from(*h) * 1e-6 / megapixels).ln().abs();
    usual.into_iter().filter(|size| off(size) < 0.1).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or_else(|| {
        let height = (megapixels * 1e6 * 9.0 / 16.0).sqrt().clamp(1.0, 65_536.0);
        ((height * 16.0 / 9.0).clamp(1.0, 65_536.0) as u32, height as u32)
    })
}

fn sensor(table: &Placed<SensorTable>, catalogue: &Catalogue, problems: &mut Problems) -> Option<Source> {
    let before = problems.errors();
    let part = table.part.as_ref().and_then(|name| find(catalogue, name, &[Kind::Sensor, Kind::Endpoint], problems));
    let hz = match (&table.hz, part.and_then(|part| part.figures.frame_rate.as_ref())) {
        (Some(hz), _) => positive(hz, 100_000.0, "`hz`", problems),
        (None, Some(rate)) if rate.band.likely.0 > 0.0 => Some(rate.band.likely.0),
        _ => {
            let why = format!("sensor `{}` needs `hz`, or a `part` with a rate", table.id.value);
            problems.push(Problem::error("missing-key", why, table.span, "this sensor"));
            None
        }
    }?;
    let shares = (0.0..=10_000.0).contains(&table.delay_ms) && (0.0..=1e5).contains(&table.drift_ppm);
    if !shares || !(0.0..=1e7).contains(&table.kbytes) || !(1..=MOST as u32).contains(&table.count) {
        let why = format!("`delay_ms` is 0 to 10000, `drift_ppm` 0 to 100000, `kbytes` 0 to 1e7, `count` 1 to {MOST}");
        problems.push(Problem::error("number-range", why, table.span, "this sensor"));
    }
    (problems.errors() == before).then(|| Source {
        id: table.id.value.clone(),
        count: table.count as usize,
        period: 1.0 / hz,
        exposure: 0.0,
        readout: 0.0,
        delay: table.delay_ms * 1e-3,
        phases: phases(table.phase, table.count),
        drift: table.drift_ppm * 1e-6,
        image: None,
        bytes: table.kbytes * 1e3,
        arrival_bytes: table.kbytes * 1e3,
    })
}

fn phases(phase: Option<Phase>, count: u32) -> Option<Vec<f64>> {
    match phase.unwrap_or(Phase::Random) {
        Phase::Together => Some(vec![0.0; count as usize]),
        Phase::Even => Some((0..count).map(|at| f64::from(at) / f64::from(count)).collect()),
        Phase::Random => None,
    }
}

/// The engine of a name; reports an unknown one.
pub fn engine_of(name: &Placed<String>, made: &Pipeline, problems: &mut Problems) -> Option<usize> {
    let found = made.engines.iter().position(|engine| engine.id == name.value);
    if found.is_none() {
        unknown(name, "engine", made.engines.iter().map(|engine| engine.id.as_str()), problems);
    }
    found
}
