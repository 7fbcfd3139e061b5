//! Every way to spread a model over devices that divides and fits, with a ladder of batch sizes.

use super::{Modes, Question, Reasons, pool};
use crate::accelerator::Accelerator;
use crate::layout::Layout;
use crate::layout::memory::Memory;
use crate::models::precision::Precision;
use crate::models::transformer::{FeedForward, Transformer};
use crate::predict::deployment::Mode;
use crate::predict::steady::{Engines, TOKEN_BUDGET};
use crate::step::load::{StepCost, StepLoad};

/// A point to be predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Which of the question's formats.
    pub format: usize,
    /// Pools and layouts.
    pub mode: Mode,
    /// Requests in flight over all workers.
    pub concurrency: f64,
    /// Sequences of one attention group.
    pub batch: u32,
    /// Devices in use.
    pub devices: u32,
    /// Memory of a device that writes answers.
    pub memory: Memory,
}

/// What there is to predict, and what was left out before.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Points.
    pub candidates: Vec<Candidate>,
    /// Counts so far.
    pub reasons: Reasons,
}

/// A layout that divides and fits.
#[derive(Clone, Copy, Debug)]
struct Fitting {
    layout: Layout,
    memory: Memory,
    /// Seconds of one prompt alone.
    prompt_s: f64,
}

/// Splits of devices between two pools of given layouts at most: beyond, they are spread evenly.
const SPLITS: u32 = 12;

/// Stages may differ by so much: the longest over a mean one (61 layers make two stages of 31 and 30).
const UNEVEN: f64 = 1.1;

/// Why a layout is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Divides,
    Domain,
}

/// Sizes that groups come in: powers of two, and three times those.
fn sizes(most: u32) -> impl Iterator<Item = u32> + Clone {
    (1..=most).filter(|size| {
        let odd = size >> size.trailing_zeros();
        odd == 1 || odd == 3
    })
}

/// All layouts of up to so many devices, those that do not divide too.
pub(super) fn layouts(model: &Transformer, devices: u32) -> Vec<Layout> {
    let mut found = Vec::new();
    for pipeline in sizes(devices) {
        for data in sizes(devices / pipeline) {
            for tensor in sizes(devices / pipeline / data) {
                let stage = tensor * data;
                let ways = if model.has_experts() { stage } else { 1 };
                for expert in (1..=ways).filter(|expert| stage % expert == 0) {
                    found.push(Layout { tensor, data, expert, pipeline });
                }
            }
        }
    }
    found
}

/// Whether a layout divides a model and stays in a domain.
pub(super) fn refused(model: &Transformer, layout: &Layout, domain: u32) -> Option<Refused> {
    if layout.stage_devices() > domain {
        return Some(Refused::Domain);
    }
    let even = unevenness(model, layout) <= UNEVEN
        && model.blocks.iter().all(|block| match block.feed_forward {
            FeedForward::Dense { inner, .. } => inner % layout.tensor == 0,
            FeedForward::Experts { experts, inner, .. } => {
                experts % layout.expert.max(1) == 0 && inner % layout.expert_tensor() == 0
            }
            FeedForward::None => true,
        });
    // Groups of attention of a dense model are replicas by another name.
    let replicas = !model.has_experts() && layout.data > 1;
    (!even || replicas || layout.check(model).is_err()).then_some(Refused::Divides)
}

/// Layers of the longest stage over those of a mean one.
fn unevenness(model: &Transformer, layout: &Layout) -> f64 {
    let (layers, stages) = (model.layers(), layout.pipeline.max(1));
    f64::from(layers.div_ceil(stages)) * f64::from(stages) / f64::from(layers.max(1))
}

/// Memory of a device of the longest stage under a layout.
pub(super) fn memory(question: &Question<'_>, layout: &Layout, precision: &Precision, device: &Accelerator) -> Memory {
    let tokens = question.input + question.output;
    let mean = Memory::of(question.model, layout, precision, device.memory_bytes, tokens, f64::from(TOKEN_BUDGET));
    let longest = unevenness(question.model, layout);
    Memory {
        weights: mean.weights * longest,
        cache: mean.cache - mean.weights * (longest - 1.0),
        cache_per_token: mean.cache_per_token * longest,
        ..mean
    }
}

/// Batch sizes: about four to a factor of two at first, two later.
fn batches(most: u32) -> Vec<u32> {
    let steps = sizes(most).filter(|batch| *batch <= 1 << 20);
    steps.collect()
}

/// All points of a question.
pub(super) fn of(
    question: &Question<'_>,
    precisions: &[Precision],
    device: &Accelerator,
    engines: &Engines,
) -> Counted {
    let mut counted = Counted::default();
    let batches = batches(question.most_batch);
    for (format, precision) in precisions.iter().enumerate() {
        let fitting = fitting(question, precision, device, engines, &mut counted.reasons);
        if question.modes != Modes::Disaggregated {
            for one in &fitting {
                let workers = question.devices / one.layout.devices();
                let make = |batch| Mode::Aggregated(pool(one.layout, workers, Some(batch)));
                let devices = workers * one.layout.devices();
                counted.add(question, format, one, (workers, devices), &batches, make);
            }
        }
        if question.modes != Modes::Aggregated {
            for prefill in prompt_front(&fitting) {
                for decode in &fitting {
                    counted.apart(question, format, (&prefill, decode), &batches);
                }
            }
        }
    }
    counted
}

fn fitting(
    question: &Question<'_>,
    precision: &Precision,
    device: &Accelerator,
    engines: &Engines,
    reasons: &mut Reasons,
) -> Vec<Fitting> {
    let model = question.model;
    let mut prompt = StepLoad::default();
    prompt.add_piece(question.input.round() as u64, 0, true);
    let mut found = Vec::new();
    for layout in layouts(model, question.devices) {
        reasons.layouts += 1;
        match refused(model, &layout, question.domain) {
            Some(Refused::Divides) => reasons.not_divisible += 1,
            Some(Refused::Domain) => reasons.beyond_domain += 1,
            None => {
                let memory = memory(question, &layout, precision, device);
                if memory.check(question.input + question.output).is_err() {
                    reasons.not_fitting += 1;
                    continue;
                }
                let prompt_s = if question.modes == Modes::Aggregated {
                    0.0
                } else {
                    engines.engine(model, &layout, precision).seconds(&prompt)
                };
                found.push(Fitting { layout, memory, prompt_s });
            }
        }
    }
    found
}

/// Layouts worth taking prompts with: none of the others takes a prompt in less time with less of devices' time.
fn prompt_front(fitting: &[Fitting]) -> Vec<Fitting> {
    let work = |one: &Fitting| one.prompt_s * f64::from(one.layout.devices()) / f64::from(one.layout.data);
    let better = |one: &Fitting, other: &Fitting| {
        let size = (one.layout.devices(), other.layout.devices());
        one.prompt_s <= other.prompt_s && work(one) <= work(other) && size.0 <= size.1
    };
    let mut front: Vec<Fitting> = Vec::new();
    for one in fitting {
        if !front.iter().any(|kept| better(kept, one)) {
            front.retain(|kept| !better(one, kept));
            front.push(*one);
        }
    }
    front
}

impl Counted {
    fn add(
        &mut self,
        question: &Question<'_>,
        format: usize,
        one: &Fitting,
        (workers, devices): (u32, u32),
        batches: &[u32],
        make: impl Fn(u32) -> Mode,
    ) {
        self.reasons.deployments += 1;
        let tokens = question.input + question.output;
        // Every stage has a batch of its own, and holds a part of the cache of all of them.
        let stages = f64::from(one.layout.pipeline.max(1));
        let groups = f64::from(one.layout.data) * stages * f64::from(workers);
        for batch in batches {
            self.reasons.points += 1;
            if one.memory.cache_tokens() < f64::from(*batch) * stages * tokens {
                self.reasons.cache_full += 1;
                continue;
            }
            self.candidates.push(Candidate {
                format,
                mode: make(*batch),
                concurrency: f64::from(*batch) * groups,
                batch: *batch,
                devices,
                memory: one.memory,
            });
        }
    }

    /// All splits of the devices between two layouts that leave no room for one more worker.
    fn apart(
        &mut self,
        question: &Question<'_>,
        format: usize,
        (prefill, decode): (&Fitting, &Fitting),
        batches: &[u32],
    ) {
        let (front, back) = (prefill.layout.devices(), decode.layout.devices());
        let most = question.devices.saturating_sub(front) / back;
        let step = most.div_ceil(SPLITS).max(1);
        for workers in (1..=most).filter(|workers| (most - workers) % step == 0) {
            let fronts = (question.devices - workers * back) / front;
            // With fewer answers' workers than the same front end leaves room for, devices idle.
            if (question.devices - fronts * front) / back > workers {
                continue;
            }
            let make = |batch| Mode::Disaggregated {
                prefill: pool(prefill.layout, fronts, None),
                decode: pool(decode.layout, workers, Some(batch)),
            };
            let devices = workers * back + fronts * front;
            self.add(question, format, decode, (workers, devices), batches, make);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_in_powers_of_two_and_three_times_those() {
        assert_eq!(sizes(16).collect::<Vec<_>>(), [1, 2, 3, 4, 6, 8, 12, 16]);
    }

    #[test]
    fn layouts_of_eight_devices_never_take_more_and_come_once() {
        let model = crate::models::find("deepseek-ai/DeepSeek-V3").expect("built in");
        let found = layouts(&model, 8);
        assert!(found.iter().all(|layout| layout.devices() <= 8 && layout.stage_devices() % layout.expert == 0));
        let once: std::collections::HashSet<_> = found.iter().collect();
        assert_eq!(once.len(), found.len());
        assert!(found.contains(&Layout { tensor: 2, data: 4, expert: 8, pipeline: 1 }));
    }

    #[test]
    fn what_does_not_divide_is_refused() {
        let llama = crate::models::find("meta-llama/Llama-3.1-70B").expect("built in");
        let plain = Layout::SINGLE;
        // 64 heads do not divide by 3; of 80 layers, 48 stages would have one or two, 3 stages 26 or 27; a domain of 8
        // holds no group of 16.
        assert_eq!(refused(&llama, &Layout { tensor: 3, ..plain }, 8), Some(Refused::Divides));
        assert_eq!(refused(&llama, &Layout { pipeline: 48, ..plain }, 8), Some(Refused::Divides));
        assert_eq!(refused(&llama, &Layout { pipeline: 3, ..plain }, 8), None);
        assert_eq!(refused(&llama, &Layout { tensor: 16, ..plain }, 8), Some(Refused::Domain));
        assert_eq!(refused(&llama, &Layout { tensor: 4, pipeline: 2, ..plain }, 8), None);
    }
}
