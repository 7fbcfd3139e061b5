//! One step of a worker as a job for a fabric: seconds of computing between collectives, and what is sent.
//!
//! Ranks of a tensor group stand side by side, then the groups of a stage, then the stages. What the fabric takes is left to
//! it: no time of a link is in the job. Layers run as the operators are listed; where two kinds of layers take turns, each
//! kind runs in one piece, which changes the order but neither sums nor sizes.

use lanewright_model::job::{Collective, Family, Job, JobError, Program, Task, Work};

use super::account::reached;
use super::engine::Engine;
use super::load::StepLoad;
use super::operator::{Item, Operator};
use crate::kernel::element_wise::ElementWise;
use crate::layout::Layout;

/// Families of a step's groups, by index.
const TENSOR: u32 = 0;
const STAGE: u32 = 1;

/// Bytes of an element on its way back from the experts.
const BACK_BYTES: f64 = 2.0;

/// The job of one step of one worker; all groups of attention carry the same load.
pub fn job(engine: &Engine, layout: &Layout, load: &StepLoad, name: &str) -> Result<Job, JobError> {
    let per_stage = layout.stage_devices().max(1);
    let stages = layout.pipeline.max(1);
    let items = engine.items();
    // What stands around the layers is listed after them; the token table comes first in time.
    let around = items.iter().position(|item| is_table(&item.operator)).unwrap_or(items.len());
    let logits = items[around..]
        .iter()
        .rposition(|item| matches!(item.operator, Operator::Sum { .. }))
        .map_or((around + 1).min(items.len()), |at| around + at + 1);
    let layers: Vec<&[Item]> = items[..around].chunk_by(|a, b| a.count == b.count).collect();
    let total: u32 = layers.iter().map(|layer| layer[0].count.max(1.0) as u32).sum();
    let mut programs = Vec::new();
    for stage in 0..stages {
        let (first, end) = (share(total, stage, stages), share(total, stage + 1, stages));
        let mut writer = Writer { engine, load, tasks: Vec::new(), computing: 0.0, label: String::new() };
        if stage == 0 {
            writer.computing += engine.host_seconds(load);
            writer.items("token table", around, &items[around..logits]);
        } else {
            writer.put(Work::Receive { offset: -i64::from(per_stage), bytes: writer.between(), tag: u64::from(stage) });
        }
        let (mut at, mut layer) = (0, 0);
        for kind in &layers {
            for _ in 0..kind[0].count.max(1.0) as u32 {
                if (first..end).contains(&layer) {
                    writer.items(&format!("layer {layer}"), at, kind);
                }
                layer += 1;
            }
            at += kind.len();
        }
        if stage + 1 == stages {
            writer.items("logits", logits, &items[logits..]);
        } else {
            let work = Work::Send { offset: i64::from(per_stage), bytes: writer.between(), tag: u64::from(stage) + 1 };
            writer.put(work);
        }
        writer.compute();
        programs.push(Program { first: stage * per_stage, ranks: per_stage, tasks: writer.tasks });
    }
    let families = vec![Family { size: layout.tensor.max(1), stride: 1 }, Family { size: per_stage, stride: 1 }];
    let job = Job { name: name.into(), ranks: per_stage.saturating_mul(stages), families, programs };
    job.check()?;
    Ok(job)
}

fn share(total: u32, stage: u32, stages: u32) -> u32 {
    (u64::from(total) * u64::from(stage) / u64::from(stages.max(1))) as u32
}

fn is_table(operator: &Operator) -> bool {
    matches!(operator, Operator::Stream { kernel: ElementWise::Embedding, .. })
}

struct Writer<'a> {
    engine: &'a Engine,
    load: &'a StepLoad,
    tasks: Vec<Task>,
    /// Seconds since the last task.
    computing: f64,
    label: String,
}

impl Writer<'_> {
    /// A task that follows what was computed, which follows the last task.
    fn put(&mut self, work: Work) {
        self.compute();
        self.task(work);
    }

    fn compute(&mut self) {
        if self.computing > 0.0 {
            let seconds = std::mem::take(&mut self.computing);
            self.task(Work::Compute { seconds });
        }
    }

    fn task(&mut self, work: Work) {
        let after = (self.tasks.len() as u32).checked_sub(1).into_iter().collect();
        let name = match work {
            Work::Compute { .. } => "compute",
            Work::Collective { collective: Collective::AllToAll, .. } => "all-to-all",
            Work::Collective { .. } => "all-reduce",
            Work::Send { .. } => "send",
            Work::Receive { .. } => "receive",
        };
        self.tasks.push(Task { name: format!("{} {name}", self.label).trim_start().to_string(), work, after });
    }

    fn collective(&mut self, collective: Collective, family: u32, bytes: f64) {
        let bytes = bytes.clamp(1.0, 1e18) as u64;
        self.put(Work::Collective { collective, family, bytes });
    }

    /// Bytes from stage to stage: every token's activations in 16 bits.
    fn between(&self) -> u64 {
        (self.load.tokens() as f64 * self.engine.width() * 2.0).clamp(1.0, 1e18) as u64
    }

    /// Items that stand at a place of the engine's list, once each.
    fn items(&mut self, label: &str, place: usize, items: &[Item]) {
        let tokens = self.load.tokens() as f64;
        label.clone_into(&mut self.label);
        let exchange = items.iter().find_map(|item| match item.operator {
            Operator::Exchange { ranks, elements, bytes, active } => {
                Some((tokens * reached(ranks, active) * elements, (bytes - BACK_BYTES).max(0.0)))
            }
            _ => None,
        });
        for (at, item) in items.iter().enumerate() {
            match item.operator {
                Operator::Sum { elements, .. } => {
                    self.collective(Collective::AllReduce, TENSOR, tokens * elements * 2.0)
                }
                Operator::Exchange { .. } => {
                    let elements = exchange.map_or(0.0, |(elements, _)| elements);
                    self.collective(Collective::AllToAll, STAGE, elements * BACK_BYTES);
                }
                _ => {
                    if let (Operator::Experts { .. }, Some((elements, bytes))) = (item.operator, exchange) {
                        self.collective(Collective::AllToAll, STAGE, elements * bytes);
                    }
                    self.computing += self.engine.operator_seconds(place + at, self.load);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::accelerator::tests::plain;
    use crate::format::Format;
    use crate::kernel::{Calibration, Kernels};
    use crate::models;
    use crate::models::precision::Precision;
    use crate::step::account::decode_load;
    use crate::step::operator::Part;

    fn made(name: &str, layout: Layout) -> (Engine, Job, StepLoad) {
        let model = models::find(name).expect("built in");
        let device = plain("nvidia/h100-sxm", 989e12, 3.35e12);
        let kernels = Arc::new(Kernels::for_device(&device, Calibration::built_in()));
        let engine = Engine::new(&model, &layout, &Precision::uniform(Format::Fp8), &kernels);
        let load = decode_load(64.0, 1024.0, 1024.0);
        let job = job(&engine, &layout, &load, name).expect("it holds together");
        (engine, job, load)
    }

    fn computing(job: &Job) -> f64 {
        let seconds = |task: &Task| if let Work::Compute { seconds } = task.work { seconds } else { 0.0 };
        job.programs.iter().flat_map(|program| &program.tasks).map(seconds).sum()
    }

    /// Llama-3.1-70B: two sums in each of 80 layers and one after the token table, of 64 tokens of 8192 elements.
    #[test]
    fn sums_of_a_dense_model() {
        let (engine, job, load) = made("meta-llama/Llama-3.1-70B", Layout { tensor: 8, ..Layout::SINGLE });
        assert_eq!((job.ranks, job.programs.len()), (8, 1));
        let sums: Vec<u64> = job.programs[0]
            .tasks
            .iter()
            .filter_map(|task| match task.work {
                Work::Collective { collective: Collective::AllReduce, family: TENSOR, bytes } => Some(bytes),
                _ => None,
            })
            .collect();
        assert_eq!(sums, vec![64 * 8192 * 2; 161]);
        let breakdown = engine.breakdown(&load);
        let alone = breakdown.total() - breakdown.parts[Part::Communication as usize];
        assert!((computing(&job) / alone - 1.0).abs() < 1e-9);
    }

    /// DeepSeek-V3 on 16 devices: tokens go to experts and back in 58 of 61 layers; two stages send once.
    #[test]
    fn experts_and_stages() {
        let layout = Layout { tensor: 1, data: 8, expert: 8, pipeline: 2 };
        let (engine, job, load) = made("deepseek-ai/DeepSeek-V3", layout);
        assert_eq!((job.ranks, job.programs.len()), (16, 2));
        let tasks = || job.programs.iter().flat_map(|program| &program.tasks);
        let exchanges = tasks().filter(|task| matches!(task.work, Work::Collective { family: STAGE, .. })).count();
        assert_eq!(exchanges, 2 * 58);
        assert!(matches!(job.programs[1].tasks[0].work, Work::Receive { offset: -8, bytes: 917_504, .. }));
        let sent = tasks().filter(|task| matches!(task.work, Work::Send { bytes: 917_504, .. })).count();
        assert_eq!(sent, 1);
        let breakdown = engine.breakdown(&load);
        let alone = breakdown.total() - breakdown.parts[Part::Communication as usize];
        assert!((computing(&job) / alone - 1.0).abs() < 1e-9);
    }
}
