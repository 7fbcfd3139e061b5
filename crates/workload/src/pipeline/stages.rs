//! From tables to stages and language models: who works on whose frames, and what a job takes.

use std::collections::BTreeMap;

use lanewright_model::problem::{Problem, Problems};
use lanewright_model::text::Placed;

use super::checked::{Feed, Pipeline, Stage, Stream, Work};
use super::image::Image;
use super::plan::{MOST, Names, engine_of, positive, unknown};
use super::tables::{Late, Layout, PipelineFile, StageTable};
use super::{llms, network};
use crate::format::Format;

/// Longest job, s: more is a slip of units.
const LONGEST_JOB_S: f64 = 600.0;

/// Adds stages and language models to what has engines and sources.
pub fn add(file: &PipelineFile, made: &mut Pipeline, ids: &mut Names, problems: &mut Problems) {
    for table in &file.stage {
        ids.add(&table.id, "stage", problems);
    }
    for table in in_order(file, made, problems) {
        // A stage that cannot be made leaves those behind it without input; its own problem is enough.
        if let Some((stage, streams)) = stage(table, made, problems) {
            made.stages.push(stage);
            made.streams.extend(streams);
        } else {
            return;
        }
    }
    lines(file, made, problems);
    for table in &file.llm {
        ids.add(&table.id, "llm", problems);
        if let Some(llm) = llms::llm(table, made, problems) {
            made.llms.push(llm);
        }
    }
}

/// Stages so that each comes after those that it works on; reports unknown names and circles.
fn in_order<'f>(file: &'f PipelineFile, made: &Pipeline, problems: &mut Problems) -> Vec<&'f Placed<StageTable>> {
    let names: BTreeMap<&str, usize> =
        file.stage.iter().enumerate().map(|(at, stage)| (stage.id.value.as_str(), at)).collect();
    let sources: Vec<&str> = made.sources.iter().map(|source| source.id.as_str()).collect();
    let mut before = vec![Vec::new(); file.stage.len()];
    for (at, stage) in file.stage.iter().enumerate() {
        if stage.from.is_empty() {
            let why = format!("stage `{}` works on nothing: it has no `from`", stage.id.value);
            problems.push(
                Problem::error("missing-key", why, stage.span, "this stage")
                    .help("add `from = [\"a camera or stage\"]`"),
            );
        }
        for name in &stage.from {
            match names.get(name.value.as_str()) {
                Some(other) => before[at].push(*other),
                None if sources.contains(&name.value.as_str()) => {}
                None => {
                    let known = sources.iter().copied().chain(names.keys().copied());
                    unknown(name, "camera, sensor or stage", known, problems);
                }
            }
        }
    }
    let mut order = Vec::with_capacity(file.stage.len());
    let mut placed = vec![false; file.stage.len()];
    loop {
        let next: Vec<usize> =
            (0..placed.len()).filter(|at| !placed[*at] && before[*at].iter().all(|other| placed[*other])).collect();
        if next.is_empty() {
            break;
        }
        for at in next {
            placed[at] = true;
            order.push(&file.stage[at]);
        }
    }
    if let Some(at) = placed.iter().position(|placed| !placed) {
        let why = format!("stage `{}` waits for itself by way of its `from`", file.stage[at].id.value);
        problems.push(Problem::error("circle", why, file.stage[at].id.span, "in a circle"));
        order.clear();
    }
    order
}

/// What a stream's input looks like: image, bytes, period.
fn input(feed: Feed, made: &Pipeline) -> (Option<Image>, f64, f64) {
    match feed {
        Feed::Instance(at) => {
            let source = &made.sources[made.instances[at]];
            (source.image, source.image.map_or(source.bytes, |image| image.bytes()), source.period)
        }
        Feed::Stream(at) => {
            let stream = &made.streams[at];
            (stream.image, stream.out_bytes, stream.period)
        }
    }
}

fn feeds(table: &StageTable, made: &Pipeline) -> Vec<Feed> {
    let mut feeds = Vec::new();
    for name in &table.from {
        if let Some(source) = made.sources.iter().position(|source| source.id == name.value) {
            let all = made.instances.iter().enumerate().filter(|(_, of)| **of == source);
            feeds.extend(all.map(|(at, _)| Feed::Instance(at)));
        } else if let Some(stage) = made.stages.iter().find(|stage| stage.id == name.value) {
            feeds.extend(stage.streams.clone().map(Feed::Stream));
        }
    }
    feeds
}

fn stage(table: &Placed<StageTable>, made: &Pipeline, problems: &mut Problems) -> Option<(Stage, Vec<Stream>)> {
    let before = problems.errors();
    let engine = engine_of(&table.engine, made, problems);
    let clock = table.hz.as_ref().and_then(|hz| positive(hz, 1e5, "`hz`", problems)).map(|hz| 1.0 / hz);
    let feeds = feeds(table, made);
    let mut refuse = |why: &str| {
        problems.push(Problem::error(
            "number-range",
            format!("stage `{}`: {why}", table.id.value),
            table.span,
            "this stage",
        ));
    };
    let sound = table.every >= 1
        && (1..=10_000).contains(&table.pieces)
        && (1..=1_000).contains(&table.depth)
        && (1..=1_000).contains(&table.images);
    if !sound {
        refuse("`every` is at least 1, `pieces` 1 to 10000, `depth` and `images` 1 to 1000");
    }
    let shares = (0.0..=1.0).contains(&table.jitter)
        && (0.0..=1e3).contains(&table.reads)
        && (0.0..=1e3).contains(&table.writes)
        && (0.0..=1e6).contains(&table.extra_mb)
        && (0.0..=1e6).contains(&table.weights_mb);
    if !shares {
        refuse("`jitter` is 0 to 1; `reads`, `writes`, `extra_mb` and `weights_mb` are at least 0");
    }
    let size = [&table.width, &table.height].into_iter().flatten().all(|side| (1..=65_536).contains(&side.value));
    if table.width.is_some() != table.height.is_some() || !size {
        refuse("`width` and `height` come together, 1 to 65536 pixels each");
    }
    if feeds.len() > MOST {
        refuse("it has more inputs than are simulated");
    }
    if clock.is_some() && table.every != 1 {
        refuse("`hz` and `every` exclude each other");
    }
    let engine = engine.filter(|_| problems.errors() == before && !feeds.is_empty())?;
    let groups: Vec<Vec<Feed>> =
        if table.fuse { vec![feeds] } else { feeds.into_iter().map(|feed| vec![feed]).collect() };
    let mut streams = Vec::with_capacity(groups.len());
    for feeds in groups {
        streams.push(stream(table, engine, feeds, clock, made, problems)?);
    }
    let period = streams.iter().map(|stream| stream.period).fold(f64::INFINITY, f64::min);
    let paced = paced(table, input(streams.first()?.feeds[0], made).2, problems);
    let deadline = match &table.deadline_ms {
        Some(own) => positive(own, 1e6, "`deadline_ms`", problems)? * 1e-3,
        None => period,
    };
    let first = made.streams.len();
    let stage = Stage {
        id: table.id.value.clone(),
        engine,
        fused: table.fuse,
        clock,
        every: table.every,
        jitter: table.jitter,
        paced,
        priority: table.priority,
        deadline,
        late: table.late.unwrap_or(Late::DropOldest),
        depth: table.depth as usize,
        pieces: table.pieces,
        streams: first..first + streams.len(),
    };
    let stage_at = made.stages.len();
    streams.iter_mut().for_each(|stream| stream.stage = stage_at);
    (problems.errors() == before).then_some((stage, streams))
}

fn stream(
    table: &Placed<StageTable>,
    engine: usize,
    feeds: Vec<Feed>,
    clock: Option<f64>,
    made: &Pipeline,
    problems: &mut Problems,
) -> Option<Stream> {
    let inputs: Vec<(Option<Image>, f64, f64)> = feeds.iter().map(|feed| input(*feed, made)).collect();
    let first = inputs.first()?;
    // A fused stage waits for the slowest of its inputs.
    let pace = inputs.iter().map(|input| input.2).fold(0.0, f64::max) * f64::from(table.every);
    let period = clock.map_or(pace, |clock| clock.max(inputs.iter().map(|i| i.2).fold(f64::INFINITY, f64::min)));
    let layout = table.format.unwrap_or(Layout::Yuv420);
    let image = match (&table.width, &table.height, first.0) {
        (Some(width), Some(height), of) => {
            Some(Image { width: width.value, height: height.value, layout, raw_bits: of.map_or(12, |of| of.raw_bits) })
        }
        (_, _, Some(of)) => Some(Image { layout, ..of }),
        _ => None,
    };
    let out_bytes = image.map_or(first.1, |image| image.bytes());
    let pixels: f64 = inputs.iter().filter_map(|input| input.0).map(|image| image.pixels()).sum();
    let in_bytes: f64 = inputs.iter().map(|input| input.1).sum();
    let many = f64::from(table.images) * feeds.len() as f64;
    let (work, weights, inside) = work(table, engine, first.2, pixels, many, made, problems)?;
    let bytes = table.reads * in_bytes + table.writes * out_bytes + table.extra_mb * 1e6 + weights + inside;
    Some(Stream { stage: 0, feeds, work, bytes, image, out_bytes, period })
}

/// What a job takes, and the bytes of weights and of what lies between layers that it moves.
fn work(
    table: &Placed<StageTable>,
    engine: usize,
    frame: f64,
    pixels: f64,
    many: f64,
    made: &Pipeline,
    problems: &mut Problems,
) -> Option<(Work, f64, f64)> {
    let given = [table.time_ms.is_some(), table.net.is_some(), table.gflop.is_some()];
    let engine = &made.engines[engine];
    let mut refuse = |code: &'static str, why: String, help: &str| {
        problems.push(
            Problem::error(code, format!("stage `{}`: {why}", table.id.value), table.span, "this stage").help(help),
        );
        None
    };
    if given.iter().filter(|given| **given).count() > 1 {
        return refuse("conflict", "its work is given more than once".into(), "keep one of time_ms, net and gflop");
    }
    let weights = table.weights_mb * 1e6;
    if let Some(time) = &table.time_ms {
        if time.value.0.high > LONGEST_JOB_S * 1e3 {
            return refuse("number-range", "`time_ms` is longer than 600 s".into(), "it is in milliseconds");
        }
        return Some((Work::Time(time.times(1e-3)), weights, 0.0));
    }
    if table.net.is_some() || table.gflop.is_some() {
        if engine.operations.is_none() {
            let why = format!("engine `{}` has no known rate for networks", engine.id);
            return refuse("no-rate", why, "give the engine `tops`, or a chip with int8 or etops in the catalogue");
        }
        if let Some(gflop) = &table.gflop {
            if gflop.value.0.high > 1e7 {
                return refuse("number-range", "`gflop` is more than 10^7".into(), "it counts operations of one job");
            }
            return Some((Work::Operations(gflop.times(1e9 * f64::from(table.images))), weights, 0.0));
        }
        let name = table.net.as_ref()?;
        let found = network::find(&name.value, &table.input, Format::Int8, engine.own_memory);
        let found = match found {
            Ok(found) => found,
            Err(network::Unknown::Name(known)) => {
                unknown(name, "network", known.iter().map(String::as_str), problems);
                return None;
            }
            Err(network::Unknown::Input(why)) => {
                return refuse("network-input", why, "write `input = [width, height]`");
            }
        };
        // Every input is an image of its own; a network of several cameras takes as many at once as it was made for.
        let runs = if found.images > 1 { (many / f64::from(found.images)).ceil().max(1.0) } else { many };
        let bytes = found.bytes * runs;
        return Some((Work::Network { layers: found.layers, runs }, 0.0, bytes));
    }
    match engine.pixels {
        Some(_) if pixels > 0.0 => Some((Work::Pixels(pixels), weights, 0.0)),
        // Who keeps the pace of frames is at work all the time, unless its rate is known.
        _ if table.frames.is_some() || table.line_ms.is_some() => {
            Some((Work::Time(crate::estimate::Estimate::exact(frame * f64::from(table.every))), weights, 0.0))
        }
        _ => refuse(
            "no-work",
            format!("nothing says how long a job takes on engine `{}`", engine.id),
            "give time_ms, net, gflop, frames or line_ms, or give the engine `mpix_s`",
        ),
    }
}

/// How far behind its input a stage is that keeps the pace of frames, s.
fn paced(table: &Placed<StageTable>, frame: f64, problems: &mut Problems) -> Option<f64> {
    let (line, frames) = (table.line_ms.as_ref(), table.frames.as_ref());
    let paced = line.map(|own| own.value * 1e-3).or_else(|| frames.map(|own| own.value * frame))?;
    let within = line.is_none_or(|own| (0.0..=1000.0).contains(&own.value))
        && frames.is_none_or(|own| own.value > 0.0 && own.value <= 100.0);
    let alone = !table.fuse && table.hz.is_none() && table.time_ms.is_none() && !(line.is_some() && frames.is_some());
    if within && alone {
        return Some(paced);
    }
    let why = format!(
        "stage `{}`: `line_ms` (0 to 1000) or `frames` (above 0, at most 100) stand without each other, `fuse`, `hz` and `time_ms`",
        table.id.value
    );
    problems.push(Problem::error("line", why, table.span, "this stage"));
    None
}

/// Engines of stages that keep the pace of frames do nothing else: pixels come when the sensors send them.
fn lines(file: &PipelineFile, made: &Pipeline, problems: &mut Problems) {
    for (at, engine) in made.engines.iter().enumerate() {
        let mut on = made.stages.iter().filter(|stage| stage.engine == at);
        let by_line = on.clone().filter(|stage| stage.paced.is_some()).count();
        let others = on.any(|stage| stage.paced.is_none());
        let table = file.engine.iter().find(|table| table.id.value == engine.id);
        if let Some(table) = table.filter(|_| by_line > 0 && others) {
            let why = format!(
                "engine `{}` has stages that keep the pace of frames (`line_ms`, `frames`) and others",
                engine.id
            );
            problems.push(
                Problem::error("line", why, table.id.span, "this engine").help("give each kind engines of its own"),
            );
        }
    }
}
