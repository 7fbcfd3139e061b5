//! A pipeline with one value for every figure: the likely ones, or a draw from the bands.

use std::f64::consts::PI;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::checked::{Pipeline, Work};
use crate::estimate::Estimate;

/// Values of one run.
#[derive(Clone, Debug)]
pub struct Concrete {
    /// Bytes per second that the memory carries in all.
    pub bandwidth: f64,
    /// Peak of the memory, bytes per second.
    pub peak: f64,
    /// Bytes per second of what sensors write, displays read and row-by-row stages move, whatever else happens.
    pub steady: f64,
    /// Seconds of a job of each stream when it has the memory to itself.
    pub alone: Vec<f64>,
    /// Bytes of a job of each stream.
    pub bytes: Vec<f64>,
    /// Language models: seconds and bytes of a prompt; bytes of weights; most bytes per second.
    pub llms: Vec<Model>,
    /// Response of each display's panel, s.
    pub panels: Vec<f64>,
    /// Watts of every engine at work.
    pub active_w: Vec<Option<f64>>,
    /// Watts of every engine at rest.
    pub idle_w: Vec<f64>,
    /// J per bit of memory traffic.
    pub joules_per_bit: f64,
    /// Standing watts.
    pub base_w: Option<f64>,
    /// Watts of the chip by its catalogue figure, and the share of them that stands.
    pub power_w: Option<(f64, f64)>,
}

/// A language model's values.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Seconds of a prompt by itself.
    pub prompt: f64,
    /// Bytes of a prompt.
    pub prompt_bytes: f64,
    /// Most bytes per second that decoding moves.
    pub rate: f64,
}

/// Where values come from.
pub enum Pick<'r> {
    /// Likely values.
    Likely,
    /// Low ends of what makes things slow, high ends of what makes them fast, or the other way round.
    Slowest,
    /// By chance.
    Draw(&'r mut ChaCha8Rng),
}

impl Pick<'_> {
    /// A value of a figure of which more is slower (`slow`) or faster.
    fn take(&mut self, of: Estimate, slow: bool) -> f64 {
        match self {
            Self::Likely => of.likely,
            Self::Slowest => {
                if slow {
                    of.high
                } else {
                    of.low
                }
            }
            Self::Draw(random) => {
                let z = normal(random).clamp(-2.0, 2.0) / 1.281_551_565_544_6;
                let value =
                    if z > 0.0 { of.likely + z * (of.high - of.likely) } else { of.likely + z * (of.likely - of.low) };
                value.max(0.25 * of.low)
            }
        }
    }
}

/// A number of the normal distribution.
pub fn normal(random: &mut ChaCha8Rng) -> f64 {
    let u = uniform(random).max(f64::MIN_POSITIVE);
    (-2.0 * u.ln()).sqrt() * (2.0 * PI * uniform(random)).cos()
}

/// A number from 0 up to 1.
pub fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A source of chance for a purpose of a run.
pub fn chance(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose);
    random
}

/// Values for a run.
pub fn values(of: &Pipeline, pick: &mut Pick<'_>) -> Concrete {
    let peak = pick.take(of.soc.bandwidth, false).max(1.0);
    let bandwidth = peak * pick.take(of.soc.efficiency, false).clamp(0.01, 1.0);
    let pixels: Vec<f64> =
        of.engines.iter().map(|e| e.pixels.map_or(0.0, |rate| pick.take(rate, false)).max(1.0)).collect();
    let operations: Vec<f64> =
        of.engines.iter().map(|e| e.operations.map_or(0.0, |rate| pick.take(rate, false)).max(1.0)).collect();
    // One figure of a stage is one figure of all its streams.
    let mut of_stage: Vec<Option<f64>> = vec![None; of.stages.len()];
    let mut alone = Vec::with_capacity(of.streams.len());
    for stream in &of.streams {
        let engine = of.stages[stream.stage].engine;
        let cap = of.engines[engine].bandwidth.min(bandwidth);
        let mut one = |estimate: Estimate| *of_stage[stream.stage].get_or_insert_with(|| pick.take(estimate, true));
        let time = match &stream.work {
            Work::Time(time) => one(*time),
            Work::Operations(count) => one(*count) / operations[engine],
            Work::Pixels(count) => count / pixels[engine],
            Work::Network { layers, runs } => {
                // A layer takes its arithmetic or its bytes, whichever is longer.
                runs * layers
                    .iter()
                    .map(|layer| (layer.operations / operations[engine]).max(layer.bytes / cap))
                    .sum::<f64>()
            }
        };
        alone.push(time.max(stream.bytes / cap).max(1e-9));
    }
    let llms = of
        .llms
        .iter()
        .map(|llm| {
            let rate = (pick.take(llm.efficiency, false) * peak).min(of.engines[llm.engine].bandwidth).max(1.0);
            let arithmetic = 2.0 * llm.weights * f64::from(llm.prompt) / operations[llm.engine];
            let prompt_bytes = llm.weight_bytes + f64::from(llm.prompt) * llm.kv_bytes;
            // Without a known rate of arithmetic a prompt takes as long as its bytes.
            let known = of.engines[llm.engine].operations.is_some();
            let prompt = (prompt_bytes / rate).max(if known { arithmetic } else { 0.0 });
            Model { prompt, prompt_bytes, rate }
        })
        .collect();
    let written: f64 = of.instances.iter().map(|at| of.sources[*at].arrival_bytes / of.sources[*at].period).sum();
    let read: f64 = of.displays.iter().map(|display| display.bytes / display.period).sum();
    let by_line = of.streams.iter().filter(|stream| of.stages[stream.stage].paced.is_some());
    let moved: f64 = by_line.map(|stream| stream.bytes / stream.period).sum();
    Concrete {
        bandwidth,
        peak,
        steady: written + read + moved,
        alone,
        bytes: of.streams.iter().map(|stream| stream.bytes).collect(),
        llms,
        panels: of.displays.iter().map(|display| pick.take(display.panel, true)).collect(),
        active_w: of.engines.iter().map(|e| e.active_w.map(|w| pick.take(w, true))).collect(),
        idle_w: of.engines.iter().map(|e| pick.take(e.idle_w, true)).collect(),
        joules_per_bit: pick.take(of.soc.joules_per_bit, true),
        base_w: of.soc.base_w.map(|w| pick.take(w, true)),
        power_w: of
            .soc
            .power_w
            .map(|w| (pick.take(w, true), pick.take(super::soc::STANDING_SHARE, true).clamp(0.0, 1.0))),
    }
}
