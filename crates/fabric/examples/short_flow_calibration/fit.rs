//! The search for constants.

use lanewright_fabric::flow::short::circumstances::Circumstances;
use lanewright_fabric::flow::short::model::{Constants, added};

/// A scenario that was run by the packet engine, and what the fluid run says of it.
pub struct Case {
    /// Seed of the messages' draws.
    pub seed: u64,
    /// Task, circumstances and true time in ps, message by message.
    pub messages: Vec<(u32, Circumstances, f64)>,
}

/// Median, 99th percentile, greatest and mean.
fn summary(mut times: Vec<f64>) -> [f64; 4] {
    times.sort_unstable_by(f64::total_cmp);
    let rank = |share: f64| times[((share * times.len() as f64).ceil() as usize).clamp(1, times.len()) - 1];
    [rank(0.5), rank(0.99), rank(1.0), times.iter().sum::<f64>() / times.len() as f64]
}

impl Case {
    /// Logarithms of predicted over true figures.
    fn errors(&self, constants: &Constants) -> [f64; 4] {
        let time = |(task, here, _): &(u32, Circumstances, f64)| {
            here.fluid + added(constants, here, self.seed, *task).max(-0.98 * here.busy)
        };
        let truth = summary(self.messages.iter().map(|message| message.2).collect());
        let predicted = summary(self.messages.iter().map(time).collect());
        std::array::from_fn(|at| (predicted[at] / truth[at]).ln())
    }
}

/// Mean of the errors' sizes, each figure alike; below a hundredth their squares count, above their sizes, so that no case
/// decides alone.
pub fn loss(cases: &[Case], constants: &Constants) -> f64 {
    let sizes = |case: &Case| case.errors(constants).iter().map(|error| (error * error + 1e-4).sqrt()).sum::<f64>();
    cases.iter().map(sizes).sum::<f64>() / cases.len().max(1) as f64 / 4.0
}

/// Best constants near some: one after the other, with shrinking factors.
pub fn search(cases: &[Case], start: Constants) -> Constants {
    let mut best = (loss(cases, &start), start);
    let mut step = 1.5f64;
    while step > 1.03 {
        let before = best.0;
        for at in 0..start.values().len() {
            for factor in [step, 1.0 / step] {
                let mut values = best.1.values();
                values[at] *= factor;
                let tried = Constants::of(values);
                let found = loss(cases, &tried);
                if found < best.0 {
                    best = (found, tried);
                }
            }
        }
        if best.0 > before - 2e-5 {
            step = step.sqrt();
        }
    }
    // Four digits are more than the runs can tell.
    let digits = best.1.values().map(|value| format!("{value:.3e}").parse().unwrap_or(value));
    Constants::of(digits)
}
