//! Predictions with bands: kernels first, then what measured engines taught.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::deployment::{Deployment, Doubt, Mode};
use super::steady::{self, Engines, Steady};
use crate::accelerator::{Accelerator, lineage};
use crate::correction::circumstances::{Circumstances, NUMBERS, Words};
use crate::correction::fitting::{Corrected, Correction};
use crate::estimate::Estimate;
use crate::kernel::communication::{Engine, Software};
use crate::kernel::{Calibration, Kernels};
use crate::models::transformer::{Attention, FeedForward, Transformer};

/// A prediction for one deployment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Seconds to the first token, under load.
    pub ttft: Estimate,
    /// Seconds between the tokens of one answer.
    pub tpot: Estimate,
    /// What kernels alone say.
    pub kernels: Steady,
    /// Output tokens per second of all answers together.
    pub tokens_per_s: Estimate,
    /// Whether measured runs of this kind were faster per token than steps of one token can be: they use something that
    /// their description leaves out, drafts (speculative decoding, multi-token prediction) most likely. The band is as wide as
    /// such runs differ.
    pub unstated: bool,
}

/// Widening of the band, each way, for every doubt about the description (an estimate; corrections learn what doubtful
/// rows have in common, this covers what they do not).
const DOUBTFUL: f64 = 1.1;

/// Share of the time that kernels alone need below which measured runs must have done something else than stated (a choice:
/// a factor of two is more than kernels were found wrong where nothing is left open).
pub const UNSTATED: f64 = 0.5;

/// What outputs say of such runs.
pub const UNSTATED_WORDS: &str = "measured runs of this kind take less than half of what steps of one token take: drafts \
                                  (speculative decoding) most likely, or another load than stated";

/// Answers questions about deployments; kernels are resolved once per device and engine.
pub struct Predictor<'c> {
    calibration: &'c Calibration,
    correction: Option<&'c Correction>,
    engines: HashMap<(String, String, String), Arc<Engines>>,
}

impl<'c> Predictor<'c> {
    /// From fits of kernels and, where there is one, the correction by measured engines.
    pub fn new(calibration: &'c Calibration, correction: Option<&'c Correction>) -> Self {
        Self { calibration, correction, engines: HashMap::new() }
    }

    /// The engines of a device under a scheduler and version.
    pub fn engines(&mut self, device: &Accelerator, backend: &str, version: &str) -> Arc<Engines> {
        let key = (device.id.clone(), backend.to_owned(), version.to_owned());
        if let Some(known) = self.engines.get(&key) {
            return Arc::clone(known);
        }
        let software = Software {
            engine: Engine::from_name(backend),
            engine_version: Some(version).filter(|version| !version.is_empty()),
            library_version: None,
        };
        let kernels = Arc::new(Kernels::with_software(device, self.calibration, &software));
        let engines = Arc::new(Engines::new(kernels));
        self.engines.insert(key, Arc::clone(&engines));
        engines
    }

    /// What kernels alone say of a deployment.
    pub fn steady(&mut self, deployment: &Deployment, device: &Accelerator) -> Steady {
        let engines = self.engines(device, &deployment.backend, &deployment.version);
        steady::of(deployment, device, &engines)
    }

    /// The prediction for a deployment on a device.
    pub fn predict(&mut self, deployment: &Deployment, device: &Accelerator) -> Prediction {
        let kernels = self.steady(deployment, device);
        let [tpot, ttft] = match self.correction {
            Some(correction) => correction.correct(&circumstances(deployment, device)),
            None => [Corrected { factor: 1.0, below: 1.6, above: 2.0 }; 2],
        };
        let doubt = DOUBTFUL.powi(deployment.doubts.len() as i32);
        let band =
            |seconds: f64, by: Corrected| Estimate::spread(seconds * by.factor, by.below * doubt, by.above * doubt);
        let unstated = tpot.factor < UNSTATED;
        let (tpot, ttft) = (band(kernels.tpot, tpot), band(kernels.ttft, ttft));
        let rate = |tpot: f64, ttft: f64| {
            deployment.concurrency * deployment.output / (ttft + tpot * (deployment.output - 1.0))
        };
        let tokens_per_s = Estimate {
            low: rate(tpot.high, ttft.likely),
            likely: rate(tpot.likely, ttft.likely),
            high: rate(tpot.low, ttft.likely),
        };
        Prediction { ttft, tpot, kernels, tokens_per_s, unstated }
    }
}

/// The family of a model: one name for all models of one shape.
pub fn family(model: &Transformer) -> String {
    let layers: u32 = model.blocks.iter().map(|block| block.layers).sum();
    let last = model.blocks.last();
    let kind = match last.map(|block| block.attention) {
        Some(Attention::Grouped { .. }) => "grouped",
        Some(Attention::Latent { .. }) => "latent",
        Some(Attention::Compressed { .. }) => "compressed",
        Some(Attention::Linear { .. }) => "linear",
        Some(Attention::None) | None => "none",
    };
    let experts = match last.map(|block| block.feed_forward) {
        Some(FeedForward::Experts { experts, .. }) => experts,
        _ => 0,
    };
    format!("{kind}-{layers}x{}-{experts}", model.hidden)
}

/// Under what circumstances a deployment runs, for the correction.
pub fn circumstances(deployment: &Deployment, device: &Accelerator) -> Circumstances {
    let (mode, pool) = match deployment.mode {
        Mode::Aggregated(pool) if deployment.doubts.contains(&Doubt::WholeSystem) => ("whole", pool),
        Mode::Aggregated(pool) => ("aggregated", pool),
        Mode::Disaggregated { decode, .. } => ("disaggregated", decode),
    };
    let layout = pool.layout;
    let family = family(&deployment.model);
    // The family's first and last words: attention, experts.
    let dense = family.ends_with("-0");
    let kind = format!("{} {}", family.split('-').next().unwrap_or_default(), if dense { "dense" } else { "experts" });
    let words = Words {
        kind: &kind,
        family: &family,
        generation: lineage::generation(&device.id),
        device: &device.id,
        backend: &deployment.backend,
        version: &deployment.version,
        precision: &deployment.precision_word,
        mode,
    };
    let groups = f64::from(layout.data) * f64::from(layout.pipeline.max(1));
    let numbers: [f64; NUMBERS] = [
        deployment.concurrency,
        deployment.input,
        deployment.output,
        f64::from(layout.stage_devices()),
        f64::from(layout.expert),
        deployment.concurrency / groups / pool.workers.unwrap_or(1.0),
    ];
    Circumstances::new(&words, numbers)
}
