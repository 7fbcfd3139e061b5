//! What kernels cost in a step beside what they cost one by one: launches that overlap, launches that do not, and the host.
//!
//! The constants are fitted to measured serving runs (the same as the corrections, 30 % of them held out with seed 1; eight
//! here, six in `predict::steady` for what clients see), by least absolute error of what kernels alone say. They carry over
//! to models and devices that no run measures, which corrections do less well.

use super::communication::Engine;
use crate::accelerator::Accelerator;
use crate::accelerator::lineage;

/// How an engine launches kernels on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Launch {
    /// Seconds at the ends of a kernel in which the next one already starts.
    pub overlap_s: f64,
    /// Seconds of the host per layer of a step that is not replayed from a graph. It launches while the device computes, so
    /// that the longer of the two counts.
    pub layer_s: f64,
    /// Seconds of the host per step that no device hides.
    pub step_s: f64,
    /// The same per sequence of a step.
    pub sequence_s: f64,
}

/// Seconds that the next kernel starts early on Blackwell, where engines let kernels start before their predecessor has
/// ended (programmatic dependent launch). On Hopper the fit finds none.
const OVERLAP_S: f64 = 1.6e-6;

/// Seconds of the host per sequence (fitted).
const SEQUENCE_S: f64 = 8e-6;

/// Seconds of the host per step where no engine is named (an estimate: BLIS's fit of vLLM has 126 us a step, 32 us a layer
/// and 4 us a request, of which graphs and the next step's launch hide a part).
const UNNAMED_STEP_S: f64 = 450e-6;

impl Launch {
    /// Under an engine, where one is named.
    pub fn of(device: &Accelerator, engine: Option<Engine>) -> Self {
        let overlap_s = if lineage::starts_early(&device.id) { OVERLAP_S } else { 0.0 };
        // Fitted, but for an engine without a name.
        let (layer_s, step_s) = match engine {
            Some(Engine::TrtLlm) => (0.2e-3, 0.6e-3),
            Some(Engine::Vllm) => (0.2e-3, 1.4e-3),
            Some(Engine::Sglang) => (0.8e-3, 1.25e-3),
            None => (0.0, UNNAMED_STEP_S),
        };
        Self { overlap_s, layer_s, step_s, sequence_s: SEQUENCE_S }
    }

    /// Seconds of a kernel among others that takes so many alone: short ones hide behind their neighbours.
    pub fn among_others(&self, alone: f64) -> f64 {
        if alone > 0.0 { alone * alone / (alone + self.overlap_s) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::tests::plain;

    #[test]
    fn long_kernels_lose_the_overlap_and_short_ones_most_of_their_time() {
        let launch = Launch::of(&plain("nvidia/b200", 2250e12, 8e12), Some(Engine::Vllm));
        assert!((launch.among_others(1e-3) - (1e-3 - OVERLAP_S)).abs() < 1e-8);
        assert!(launch.among_others(1e-6) < 0.5e-6);
        assert!(launch.among_others(0.0) == 0.0);
        let hopper = Launch::of(&plain("nvidia/h100-sxm", 989e12, 3.35e12), None);
        assert!((hopper.among_others(3e-6) - 3e-6).abs() < 1e-18);
    }
}
