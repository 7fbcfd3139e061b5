//! Search for the best algorithm, by any cost: a closed form, or a run of an engine.

use super::{Algorithm, Collective};

/// One way to do the operation, and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The way.
    pub collective: Collective,
    /// Its cost, in the unit of the cost function (seconds).
    pub cost: f64,
}

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Algorithms; those that do not do the operation are passed over.
    pub algorithms: Vec<Algorithm>,
    /// Numbers of chunks.
    pub chunks: Vec<u32>,
    /// Numbers of channels.
    pub channels: Vec<u32>,
}

impl Default for Choices {
    /// Every algorithm, 1 to 64 chunks in powers of four, one channel.
    fn default() -> Self {
        Self { algorithms: Algorithm::ALL.to_vec(), chunks: vec![1, 4, 16, 64], channels: vec![1] }
    }
}

/// All ways that can be made and have a finite cost, best first; equals in the order tried.
pub fn ranked(
    template: &Collective,
    choices: &Choices,
    mut cost: impl FnMut(&Collective) -> Option<f64>,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for algorithm in template.operation.algorithms() {
        if !choices.algorithms.contains(algorithm) {
            continue;
        }
        for chunks in &choices.chunks {
            for channels in &choices.channels {
                let collective =
                    Collective { algorithm: *algorithm, chunks: *chunks, channels: *channels, ..template.clone() };
                if collective.check().is_err() {
                    continue;
                }
                if let Some(cost) = cost(&collective).filter(|cost| cost.is_finite()) {
                    found.push(Candidate { collective, cost });
                }
            }
        }
    }
    found.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    found
}
