//! Watts: engines at work and at rest, memory traffic by the bit, and what stands.

use serde::Serialize;

use super::checked::Pipeline;
use super::concrete::Concrete;
use super::simulate::Run;

/// Mean power of a run by where it goes, W.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Power {
    /// The chip with its memory.
    pub watts: f64,
    /// Parts of it.
    pub parts: Vec<(String, f64)>,
    /// How it was found.
    pub basis: &'static str,
}

/// Mean memory traffic, bytes per second.
pub fn traffic(values: &Concrete, run: &Run) -> f64 {
    run.bytes / run.seconds + values.steady.min(values.bandwidth)
}

/// Power of a run.
pub fn power(of: &Pipeline, values: &Concrete, run: &Run) -> Power {
    let memory = traffic(values, run) * 8.0 * values.joules_per_bit;
    let share = |at: usize| (run.busy[at] / (run.seconds * of.engines[at].count as f64)).clamp(0.0, 1.0);
    if values.active_w.iter().any(Option::is_some) || values.base_w.is_some() {
        let mut parts = Vec::new();
        for (at, engine) in of.engines.iter().enumerate() {
            let active = values.active_w[at].unwrap_or(0.0);
            let rest = values.idle_w[at].min(active.max(values.idle_w[at]));
            let each = rest + (active - rest).max(0.0) * share(at);
            parts.push((engine.id.clone(), each * engine.count as f64));
        }
        parts.push(("memory".into(), memory));
        parts.push(("standing".into(), values.base_w.unwrap_or(0.0)));
        let watts = parts.iter().map(|part| part.1).sum();
        return Power { watts, parts, basis: "watts of the file's engines, memory traffic by the bit" };
    }
    let Some((whole, standing)) = values.power_w else {
        return Power {
            watts: memory,
            parts: vec![("memory".into(), memory)],
            basis: "memory traffic alone: nothing else is known",
        };
    };
    // Of the figure of the whole chip a part stands; the rest follows the mean use of the engines that do arithmetic.
    let heavy: Vec<f64> = (0..of.engines.len()).filter(|at| of.engines[*at].operations.is_some()).map(share).collect();
    let use_of = if heavy.is_empty() { 0.5 } else { heavy.iter().sum::<f64>() / heavy.len() as f64 };
    let (rest, moving) = (whole * standing, whole * (1.0 - standing) * use_of);
    Power {
        watts: rest + moving + memory,
        parts: vec![("standing".into(), rest), ("engines".into(), moving), ("memory".into(), memory)],
        basis: "the chip's figure in the catalogue, a standing share of it, and memory traffic by the bit: an estimate",
    }
}
