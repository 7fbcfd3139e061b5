//! A pipeline whose names are sound: indices instead of names, SI units, bands kept.

use serde::Serialize;

use super::image::Image;
use super::network::Layer;
use super::tables::{EngineKind, Hold, Late, Order, Rule};
use crate::estimate::Estimate;

/// A pipeline that can be simulated.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence or two.
    pub description: String,
    /// What had to be assumed, by its author.
    pub assumptions: Vec<String>,
    /// Simulated time, s.
    pub seconds: f64,
    /// Time before anything is counted, s.
    pub warm_up: f64,
    /// The chip.
    pub soc: Soc,
    /// Its engines.
    pub engines: Vec<Engine>,
    /// Tables of cameras and sensors.
    pub sources: Vec<Source>,
    /// Single cameras and sensors: index of their table, in order.
    pub instances: Vec<usize>,
    /// Stages in an order in which none works on what comes later.
    pub stages: Vec<Stage>,
    /// Every stage for each of its inputs, or once for all: streams, in the order of stages.
    pub streams: Vec<Stream>,
    /// Language models.
    pub llms: Vec<Llm>,
    /// Displays.
    pub displays: Vec<Display>,
    /// What is measured.
    pub chains: Vec<Chain>,
    /// What its figures rest on, found while it was put together.
    pub notes: Vec<String>,
}

/// The chip.
#[derive(Clone, Debug, Serialize)]
pub struct Soc {
    /// Part of the catalogue.
    pub part: Option<String>,
    /// Name for people.
    pub name: String,
    /// Peak of the memory, bytes per second.
    pub bandwidth: Estimate,
    /// Share of the peak that mixed traffic gets.
    pub efficiency: Estimate,
    /// Energy of memory traffic, J per bit.
    pub joules_per_bit: Estimate,
    /// Power that is no engine's and no memory traffic's, W.
    pub base_w: Option<Estimate>,
    /// Power of the whole chip in use by the catalogue, W.
    pub power_w: Option<Estimate>,
    /// Whether its figures rest on weak grades.
    pub weak: bool,
}

/// Engines that are alike.
#[derive(Clone, Debug, Serialize)]
pub struct Engine {
    /// Name.
    pub id: String,
    /// What it is made for.
    pub kind: EngineKind,
    /// How many.
    pub count: usize,
    /// Whether jobs stop at once for more urgent ones.
    pub preemptive: bool,
    /// Which job is next.
    pub order: Order,
    /// Pixels per second of each.
    pub pixels: Option<Estimate>,
    /// Operations per second of each that networks get.
    pub operations: Option<Estimate>,
    /// Memory of its own, bytes.
    pub own_memory: f64,
    /// Most memory traffic of each, bytes per second.
    pub bandwidth: f64,
    /// Whether memory serves it first.
    pub realtime: bool,
    /// Power at work, W each.
    pub active_w: Option<Estimate>,
    /// Power at rest, W each.
    pub idle_w: Estimate,
}

/// Cameras or sensors that are alike.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// Name.
    pub id: String,
    /// How many.
    pub count: usize,
    /// Time between frames, s.
    pub period: f64,
    /// Time that a row is exposed, s (sensors: 0).
    pub exposure: f64,
    /// First row to last, s (sensors: 0).
    pub readout: f64,
    /// From sensor to memory, s.
    pub delay: f64,
    /// Starts within a frame, share of the period; none where drawn by chance.
    pub phases: Option<Vec<f64>>,
    /// How far clocks may be off, share.
    pub drift: f64,
    /// Its image; none for sensors.
    pub image: Option<Image>,
    /// Bytes of a frame or scan in memory.
    pub bytes: f64,
    /// Bytes that each frame writes to memory on arrival.
    pub arrival_bytes: f64,
}

/// What a job takes by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A time, s.
    Time(Estimate),
    /// Operations at the engine's rate for networks.
    Operations(Estimate),
    /// Pixels at the engine's rate.
    Pixels(f64),
    /// A network, layer by layer.
    Network {
        /// Its layers.
        layers: Vec<Layer>,
        /// Runs of it in a job.
        runs: f64,
    },
}

/// Work on frames.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// Name.
    pub id: String,
    /// Its engine.
    pub engine: usize,
    /// Whether it works on all inputs at once.
    pub fused: bool,
    /// Period of its own clock, s.
    pub clock: Option<f64>,
    /// Every n-th frame.
    pub every: u32,
    /// Variation of single jobs.
    pub jitter: f64,
    /// Behind its input, s, where it keeps the pace of frames: row by row, or so many frames later.
    pub paced: Option<f64>,
    /// The higher, the sooner.
    pub priority: u32,
    /// Time that a job should take from arrival to end, s.
    pub deadline: f64,
    /// What becomes of late frames.
    pub late: Late,
    /// Frames that may wait.
    pub depth: usize,
    /// Parts of a job.
    pub pieces: u32,
    /// Streams that it has.
    #[serde(skip)]
    pub streams: std::ops::Range<usize>,
}

/// Where a stream's data come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Feed {
    /// A single camera or sensor.
    Instance(usize),
    /// A stream of another stage.
    Stream(usize),
}

/// A stage at work on one input, or on all.
#[derive(Clone, Debug, Serialize)]
pub struct Stream {
    /// The stage.
    pub stage: usize,
    /// What it works on.
    pub feeds: Vec<Feed>,
    /// What a job takes.
    pub work: Work,
    /// Memory traffic of a job, bytes.
    pub bytes: f64,
    /// Its output.
    pub image: Option<Image>,
    /// Bytes of its output in memory.
    pub out_bytes: f64,
    /// Time between its jobs, s.
    pub period: f64,
}

/// A language model on the chip.
#[derive(Clone, Debug, Serialize)]
pub struct Llm {
    /// Name.
    pub id: String,
    /// Model and format, in words.
    pub what: String,
    /// Its engine.
    pub engine: usize,
    /// Bytes of weights read for a token.
    pub weight_bytes: f64,
    /// Weights that a token passes through.
    pub weights: f64,
    /// Layers.
    pub layers: u32,
    /// Bytes of cache per token.
    pub kv_bytes: f64,
    /// Tokens of a prompt.
    pub prompt: u32,
    /// Tokens of an answer.
    pub output: u32,
    /// Time between requests, s; none where one follows the other.
    pub period: Option<f64>,
    /// Share of the memory's peak that decoding gets alone.
    pub efficiency: Estimate,
    /// How long it keeps its engine.
    pub hold: Hold,
    /// The higher, the sooner.
    pub priority: u32,
}

/// A display.
#[derive(Clone, Debug, Serialize)]
pub struct Display {
    /// Name.
    pub id: String,
    /// The stream that it shows.
    pub stream: usize,
    /// Time between pictures, s.
    pub period: f64,
    /// First row to last, s.
    pub scan: f64,
    /// Response of the panel, s.
    pub panel: Estimate,
    /// How far its clock may be off, share.
    pub drift: f64,
    /// Bytes read for a picture.
    pub bytes: f64,
    /// Power of the panel, W.
    pub power_w: Estimate,
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sink {
    /// At the end of a stage.
    Stage(usize),
    /// At the light of a display.
    Display(usize),
}

/// What is measured from light to sink.
#[derive(Clone, Debug, Serialize)]
pub struct Chain {
    /// Name.
    pub id: String,
    /// Table of cameras or sensors.
    pub source: usize,
    /// Where it ends.
    pub sink: Sink,
    /// Most latency, s.
    pub limit: Option<f64>,
    /// Most age, s.
    pub age: Option<f64>,
    /// Rule that it is held to.
    pub rule: Option<Rule>,
    /// Frames lost in a row that the worst case must stand.
    pub lost_frames: u32,
}

impl Pipeline {
    /// Streams on the way from a source to a sink, first to last: of several ways the one with the most stages.
    pub fn way(&self, source: usize, sink: Sink) -> Option<Vec<usize>> {
        let ends = match sink {
            Sink::Stage(stage) => self.stages[stage].streams.clone().collect::<Vec<_>>(),
            Sink::Display(display) => vec![self.displays[display].stream],
        };
        // Streams come after what feeds them, so that one pass finds the longest way to each.
        let mut ways: Vec<Option<Vec<usize>>> = Vec::with_capacity(self.streams.len());
        for (at, stream) in self.streams.iter().enumerate() {
            let mut best: Option<Vec<usize>> = None;
            for feed in &stream.feeds {
                let way = match *feed {
                    Feed::Instance(instance) => (self.instances[instance] == source).then(Vec::new),
                    Feed::Stream(before) => ways.get(before).cloned().flatten(),
                };
                if let Some(way) = way
                    && best.as_ref().is_none_or(|best| way.len() > best.len())
                {
                    best = Some(way);
                }
            }
            ways.push(best.map(|mut way| {
                way.push(at);
                way
            }));
        }
        ends.into_iter().filter_map(|end| ways[end].clone()).max_by_key(Vec::len)
    }
}
