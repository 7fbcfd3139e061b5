//! A step as a job for a fabric: computing times, collectives and messages of every rank, in the order of the schedule.
//!
//! Ranks are numbered as Megatron does: those that share matrices side by side, then those that share a sequence, then
//! those with other data, then pipeline stages. What the fabric takes is left to it: no time of a link is in the job.

use lanewright_model::job::{Collective, Family, Job, JobError, Program, Task, Work};

use super::device::Work as Piece;
use super::fault::Fault;
use super::layer::{Between, Layer, Pass, Recompute, Transfer};
use super::network::Operation;
use super::recipe::{Recipe, Sharding};
use super::schedule::{Kind, Slot, Timeline};

/// Most tasks of a job's programs together.
pub const TASK_LIMIT: usize = 2_000_000;

/// Families of a step's groups, by index.
const TENSOR: u32 = 0;
const CONTEXT: u32 = 1;
const EXPERT: u32 = 2;
const DATA: u32 = 3;
const EXPERT_DATA: u32 = 4;

/// The job of one step.
pub fn job(recipe: &Recipe, timeline: &Timeline, name: &str) -> Result<Job, Fault> {
    let many = |what: &str| {
        Fault::new(
            format!("a job of {what} is too long to be written down"),
            "use fewer micro-batches (--batch) or stages",
        )
    };
    if timeline.slots.is_empty() {
        return Err(many("more passes than are scheduled one by one"));
    }
    let per_layer: usize = recipe.layers.iter().map(|layer| 2 + layer.transfers.len()).max().unwrap_or(1);
    if timeline.slots.len().saturating_mul(per_layer) > TASK_LIMIT {
        return Err(many(&format!("{} passes", timeline.slots.len())));
    }
    let number = |n: u64| u32::try_from(n).map_err(|_| many(&format!("{n} ranks")));
    let tensor = number(recipe.groups[Between::Tensor as usize].ranks())?;
    let context = number(recipe.groups[Between::Context as usize].ranks())?;
    let expert = number(recipe.groups[Between::Expert as usize].ranks())?;
    let ranks = number(recipe.devices)?;
    let per_stage = ranks / recipe.stages.max(1) as u32;
    let families = vec![
        Family { size: tensor, stride: 1 },
        Family { size: context, stride: tensor },
        Family { size: expert, stride: 1 },
        Family { size: number(recipe.data_group.ranks())?, stride: tensor },
        Family { size: number(recipe.expert_data_group.ranks())?, stride: if expert > 1 { expert } else { tensor } },
    ];
    let mut programs = Vec::with_capacity(recipe.stages);
    for stage in 0..recipe.stages {
        let mut writer = Writer { recipe, stage, per_stage: i64::from(per_stage), tasks: Vec::new(), last: None };
        writer.stage(timeline);
        programs.push(Program { first: stage as u32 * per_stage, ranks: per_stage, tasks: writer.tasks });
    }
    let job = Job { name: name.into(), ranks, families, programs };
    job.check().map_err(|error: JobError| {
        Fault::new(format!("the job does not hold together: {error}"), "report this with the command that led to it")
    })?;
    Ok(job)
}

struct Writer<'a> {
    recipe: &'a Recipe,
    stage: usize,
    per_stage: i64,
    tasks: Vec<Task>,
    /// The task that the next computation waits for.
    last: Option<u32>,
}

impl Writer<'_> {
    fn put(&mut self, name: String, work: Work, after: Vec<u32>) -> u32 {
        self.tasks.push(Task { name, work, after });
        self.tasks.len() as u32 - 1
    }

    /// A task that follows the last one.
    fn next(&mut self, name: String, work: Work) -> u32 {
        let after = self.last.into_iter().collect();
        let at = self.put(name, work, after);
        self.last = Some(at);
        at
    }

    fn stage(&mut self, timeline: &Timeline) {
        let mut slots: Vec<&Slot> = timeline.slots.iter().filter(|slot| slot.stage as usize == self.stage).collect();
        slots.sort_by(|a, b| a.start.total_cmp(&b.start));
        let chunks = self.recipe.chunks as u32;
        // The last pass of every chunk that makes gradients.
        let last_of: Vec<Option<usize>> =
            (0..chunks).map(|chunk| slots.iter().rposition(|s| s.chunk == chunk && s.kind != Kind::Forward)).collect();
        let apart = slots.iter().any(|slot| slot.kind == Kind::Weights);
        let mut open = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            self.slot(slot, apart);
            if last_of[slot.chunk as usize] == Some(at) && self.recipe.training {
                open.extend(self.gradients(slot.chunk as usize));
            }
        }
        if self.recipe.training {
            self.optimizer(open);
        }
    }

    /// Stage and tag of the pass whose message a pass waits for, or that waits for its message.
    fn neighbour(&self, slot: &Slot, forward: bool) -> Option<(i64, u64)> {
        let (stages, chunks) = (self.recipe.stages, self.recipe.chunks);
        let (s, c) = (self.stage, slot.chunk as usize);
        let (other, chunk) = if forward {
            if s + 1 < stages { (s + 1, c) } else { (0, c + 1) }
        } else if s > 0 {
            (s - 1, c)
        } else {
            (stages - 1, c.checked_sub(1)?)
        };
        if chunk >= chunks || other == s {
            return None;
        }
        // A message is named by the chunk nearer to the loss, the direction and the micro-batch.
        let nearer = if forward { chunk } else { c };
        let tag = (u64::from(slot.micro_batch) * chunks as u64 + nearer as u64) * 2;
        Some(((other as i64 - s as i64) * self.per_stage, tag))
    }

    fn slot(&mut self, slot: &Slot, apart: bool) {
        let label = |what: &str| format!("{what} {}.{}", slot.micro_batch, slot.chunk);
        let bytes = self.recipe.send_bytes.max(1.0) as u64;
        let content: Vec<(usize, u32)> =
            self.recipe.content[self.stage * self.recipe.chunks + slot.chunk as usize].clone();
        // Forward: from the chunk before to the chunk behind; backward the other way.
        let (from, to, way) = match slot.kind {
            Kind::Forward => (self.neighbour(slot, false), self.neighbour(slot, true), 0),
            Kind::Backward => (self.neighbour(slot, true), self.neighbour(slot, false), 1),
            Kind::Weights => (None, None, 1),
        };
        if let Some((offset, tag)) = from {
            let receive = self.put(label("receive"), Work::Receive { offset, bytes, tag: tag + way }, Vec::new());
            let after = self.last.into_iter().chain([receive]).collect();
            self.last = Some(self.put(label("ready"), Work::Compute { seconds: 0.0 }, after));
        }
        let layers: Vec<usize> = content.iter().flat_map(|(at, n)| std::iter::repeat_n(*at, *n as usize)).collect();
        let order: Box<dyn Iterator<Item = usize>> = match slot.kind {
            Kind::Forward => Box::new(layers.into_iter()),
            _ => Box::new(layers.into_iter().rev()),
        };
        for at in order {
            self.layer(&label("layer"), at, slot.kind, apart);
        }
        if let (Some((offset, tag)), Some(last)) = (to, self.last) {
            self.put(label("send"), Work::Send { offset, bytes, tag: tag + way }, vec![last]);
        }
    }

    fn layer(&mut self, label: &str, at: usize, kind: Kind, apart: bool) {
        let recipe = self.recipe;
        let layer = &recipe.layers[at];
        let passes: &[Pass] = match kind {
            Kind::Forward => &[Pass::Forward],
            Kind::Backward => &[Pass::Again, Pass::Backward],
            Kind::Weights => &[],
        };
        self.next(label.to_string(), Work::Compute { seconds: seconds(recipe, layer, kind, apart) });
        let transfers = layer.transfers.iter().filter(|transfer| passes.contains(&transfer.pass));
        let work: Vec<Work> = transfers.filter_map(|transfer| self.transfer(transfer)).collect();
        for work in work {
            self.next(label.to_string(), work);
        }
    }

    fn transfer(&self, transfer: &Transfer) -> Option<Work> {
        let family = match transfer.between {
            Between::Tensor => TENSOR,
            Between::Context => CONTEXT,
            Between::Expert => EXPERT,
            Between::Data => DATA,
        };
        if self.recipe.groups[transfer.between as usize].ranks() < 2 || transfer.bytes < 1.0 {
            return None;
        }
        Some(Work::Collective { collective: collective(transfer.operation)?, family, bytes: transfer.bytes as u64 })
    }

    /// Gradients of a chunk, sent while passes go on (or after them).
    fn gradients(&mut self, chunk: usize) -> Vec<u32> {
        let recipe = self.recipe;
        let operation = match recipe.sharding {
            Sharding::None => Collective::AllReduce,
            Sharding::Optimizer => Collective::ReduceScatter,
            // After every micro-batch, within the layers.
            Sharding::Gradients | Sharding::Weights => return Vec::new(),
        };
        let work = self.weights(Some(chunk), operation, recipe.storage.gradient_sent);
        let mut open = Vec::new();
        for work in work {
            let after: Vec<u32> = self.last.into_iter().chain(open.last().copied()).collect();
            let at = self.put(format!("gradients {chunk}"), work, after);
            if !recipe.data_overlap {
                self.last = Some(at);
            }
            open.push(at);
        }
        open
    }

    /// Collectives over the weights of a chunk, or of the stage.
    fn weights(&self, chunk: Option<usize>, collective: Collective, width: f64) -> Vec<Work> {
        let recipe = self.recipe;
        let own = self.stage * recipe.chunks;
        let chunks = chunk.map_or(own..own + recipe.chunks, |chunk| own + chunk..own + chunk + 1);
        let mut sums = [0.0; 2];
        for (at, n) in recipe.content[chunks].iter().flatten() {
            if let Some(layer) = recipe.layers.get(*at) {
                sums[0] += f64::from(*n) * layer.shared_weights;
                sums[1] += f64::from(*n) * layer.expert_weights;
            }
        }
        [(sums[0], DATA, recipe.data_group), (sums[1], EXPERT_DATA, recipe.expert_data_group)]
            .into_iter()
            .filter(|(elements, _, group)| *elements >= 1.0 && group.ranks() > 1)
            .map(|(elements, family, _)| Work::Collective { collective, family, bytes: (elements * width) as u64 })
            .collect()
    }

    fn optimizer(&mut self, open: Vec<u32>) {
        let recipe = self.recipe;
        let shard = if recipe.sharding >= Sharding::Optimizer { recipe.data_group.ranks().max(1) as f64 } else { 1.0 };
        let own = self.stage * recipe.chunks..(self.stage + 1) * recipe.chunks;
        let elements: f64 = recipe.content[own]
            .iter()
            .flatten()
            .filter_map(|(at, n)| recipe.layers.get(*at).map(|l| f64::from(*n) * (l.shared_weights + l.expert_weights)))
            .sum::<f64>()
            / shard;
        let work =
            Piece::element_wise(recipe.storage.optimizer_flops * elements, recipe.storage.optimizer_traffic * elements);
        let seconds = recipe.device.seconds(&work);
        let after = self.last.into_iter().chain(open).collect();
        self.last = Some(self.put("optimizer".into(), Work::Compute { seconds }, after));
        if matches!(recipe.sharding, Sharding::Optimizer | Sharding::Gradients) {
            for work in self.weights(None, Collective::AllGather, recipe.storage.weight) {
                self.next("weights".into(), work);
            }
        }
    }
}

fn collective(operation: Operation) -> Option<Collective> {
    Some(match operation {
        Operation::AllReduce => Collective::AllReduce,
        Operation::ReduceScatter => Collective::ReduceScatter,
        Operation::AllGather => Collective::AllGather,
        Operation::AllToAll => Collective::AllToAll,
        Operation::SendReceive => return None,
    })
}

/// Computing seconds of a layer in a pass, with the share of what no operator shows.
fn seconds(recipe: &Recipe, layer: &Layer, kind: Kind, apart: bool) -> f64 {
    let again = if layer.input_bytes > 0.0 { recipe.recompute } else { Recompute::None };
    let of = |work: &Piece| recipe.device.seconds(work);
    let sum: f64 = layer
        .operators
        .iter()
        .map(|operator| match kind {
            Kind::Forward => of(&operator.forward),
            Kind::Weights => of(&operator.weight_gradient),
            Kind::Backward => {
                of(&operator.input_gradient)
                    + if apart { 0.0 } else { of(&operator.weight_gradient) }
                    + if operator.again(again) { of(&operator.forward) } else { 0.0 }
            }
        })
        .sum();
    let backward = kind == Kind::Forward || recipe.training;
    if backward { sum * recipe.stretch } else { 0.0 }
}
