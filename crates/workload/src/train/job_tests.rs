//! Jobs of steps: nothing is lost on the way.

use lanewright_model::job::{Collective, Work};

use super::job::job;
use super::layer::{Overlap, Recompute};
use super::plan::Plan;
use super::recipe::Sharding;
use super::schedule::Order;
use super::step::predict;
use crate::accelerator::tests::plain;
use crate::format::Format;
use crate::kernel::Calibration;
use crate::models::names;

fn plan(order: Order, chunks: u64) -> Plan {
    Plan {
        devices: 64,
        tensor: 4,
        pipeline: 4,
        context: 2,
        data: 2,
        expert: 1,
        batch: 16,
        micro_batch: 1,
        sequence: 4096,
        chunks,
        order,
        recompute: Recompute::None,
        sharding: Sharding::Optimizer,
        sequence_parallel: true,
        overlap: Overlap::None,
        data_overlap: true,
        format: Format::Bf16,
        domain: 8,
        network: 50e9,
    }
}

#[test]
fn a_job_holds_every_pass_and_every_byte() {
    let model = names::find("meta-llama/Llama-3.1-8B").expect("built in");
    for (order, chunks) in
        [(Order::OneForwardOneBackward, 1), (Order::OneForwardOneBackward, 2), (Order::ZeroBubble, 1)]
    {
        let recipe = plan(order, chunks)
            .recipe(&model, &plain("x/y", 989e12, 3.35e12), Calibration::built_in())
            .expect("it divides");
        let step = predict(&recipe);
        let job = job(&recipe, &step.timeline, "step").expect("it holds together");
        assert_eq!((job.ranks, job.programs.len()), (64, 4));
        // Every stage computes as long as the schedule says, but for exposed transfers.
        for (stage, program) in job.programs.iter().enumerate() {
            let computed: f64 = program
                .tasks
                .iter()
                .filter(|task| task.name != "optimizer")
                .map(|task| if let Work::Compute { seconds } = task.work { seconds } else { 0.0 })
                .sum();
            let busy = step.timeline.busy[stage] * recipe.stretch;
            assert!(computed <= busy * (1.0 + 1e-9) && computed > 0.6 * busy, "stage {stage}: {computed} of {busy}");
            let reduced: u64 = program
                .tasks
                .iter()
                .map(|task| match task.work {
                    Work::Collective { collective: Collective::ReduceScatter, family: 3, bytes } => bytes,
                    _ => 0,
                })
                .sum();
            let weights = step.memory[stage].weights / recipe.storage.weight * recipe.storage.gradient_sent;
            assert!((reduced as f64 / weights - 1.0).abs() < 1e-6);
        }
        let sends = |program: &lanewright_model::job::Program| {
            program.tasks.iter().filter(|task| matches!(task.work, Work::Send { .. })).count() as u64
        };
        // Eight micro-batches, there and back, over all borders of chunks.
        let all: u64 = job.programs.iter().map(sends).sum();
        assert_eq!(all, 8 * 2 * (4 * chunks - 1));
    }
}
