//! What the kernels say of a deployment in its steady state, before anything is learnt from measured engines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::deployment::{Deployment, Doubt, Mode, Pool};
use crate::accelerator::Accelerator;
use crate::format::Format;
use crate::kernel::Kernels;
use crate::kernel::moe::{MoeCurve, MoeShape};
use crate::layout::Layout;
use crate::layout::memory::Memory;
use crate::models::precision::Precision;
use crate::models::transformer::{Attention, Transformer};
use crate::serve::settings::Policy;
use crate::serve::steady::{ClosedLoop, closed_loop};
use crate::step::engine::Engine;
use crate::step::load::{StepCost, StepLoad};
use crate::step::operators::ROUTING;

/// Tokens of one step at most (engines are benchmarked with 8,192 or more; vLLM's own default on large devices is 8,192).
pub const TOKEN_BUDGET: u32 = 8192;

/// Sequences of one attention group at once at most.
pub const SEQUENCES: u32 = 2048;

/// Requests per place in flight of common benchmarks (ten prompts per unit of concurrency).
pub const ROUNDS: f64 = 10.0;

/// What a client sees of an engine beside its steps.
struct Client {
    /// Seconds of a request outside of the engine before its first token: API and tokeniser.
    entry_s: f64,
    /// Steps from the first token to its delivery. Engines that are tuned for throughput deliver tokens several at a time
    /// (their stream interval), so the first one waits for others.
    interval: f64,
}

/// Fitted to measured runs as [`crate::kernel::launch`] is; settings of 10 and more are common in published benchmarks.
fn client(backend: &str) -> Client {
    let (entry_s, interval) = match policy(backend) {
        Policy::Trtllm => (35e-3, 10.0),
        Policy::Sglang => (25e-3, 20.0),
        Policy::Vllm | Policy::Static => (12e-3, 5.0),
    };
    Client { entry_s, interval }
}

/// Use of front-end workers where they are not counted (an estimate; measured times to the first token agree with more).
const PROMPT_USE: f64 = 0.85;

/// Mean wait of a benchmark's first burst before a disaggregated front end, in prompts of those before it (half of them
/// were it served evenly; measured times to the first token agree with twice that).
const BURST: f64 = 1.0;

/// Requests in flight per sequence of an attention group where workers are not counted, at low and at high concurrency (an
/// estimate, a little above the medians of the rows that count them: 4 of 77 rows, 20 of 34).
const UNCOUNTED: (f64, f64) = (5.0, 24.0);

/// Mean length of a request over the stated one: public benchmarks draw lengths from 0.8 to 1 of it (general knowledge).
const DRAWN: f64 = 0.9;

/// Tokens that an engine holds over this estimate (an estimate too), so that a request more or less of room does not make a queue.
const SLACK: f64 = 1.12;

/// Share of the memory that benchmarks let an engine take, and (TensorRT-LLM) share of what weights leave that its cache
/// takes (0.9 is the default of both; the first is raised for benchmarks, an estimate).
const TUNED_SHARE: f64 = 0.93;
const CACHE_SHARE: f64 = 0.9;

/// Sequences of one attention group above which a decode worker of unknown size is grown (an estimate).
const GROWN_BATCH: f64 = 128.0;

/// Devices of the largest scale-up domain that decode workers are built from (an estimate: a rack of 72 less its spares).
const DOMAIN: f64 = 64.0;

/// Concurrency from which decode workers run attention in groups (an estimate: counted rows change over near there).
const GROUPS_FROM: f64 = 400.0;

/// Times in seconds, rates per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Steady {
    /// To the first token.
    pub ttft: f64,
    /// Between the tokens of one answer.
    pub tpot: f64,
    /// Sequences that decode in one attention group.
    pub batch: f64,
    /// Devices that the deployment uses, as far as it says.
    pub devices: f64,
    /// Whether weights and one sequence fit the memory.
    pub fits: bool,
    /// Share of the room for prompts that prompts take (of a front end: of its workers' time); 1 and more: they hold
    /// answers back.
    pub prompt_use: f64,
}

/// Engines that were built before, by what they are built from: experts' times take long to tabulate.
#[derive(Debug)]
pub struct Engines {
    kernels: Arc<Kernels>,
    known: Mutex<HashMap<(String, Layout, Precision), Arc<Engine>>>,
    /// Times of experts, which many layouts share.
    curves: Mutex<HashMap<(Format, [u32; 7]), MoeCurve>>,
}

impl Engines {
    /// None yet, from the kernels of one device.
    pub fn new(kernels: Arc<Kernels>) -> Self {
        Self { kernels, known: Mutex::new(HashMap::new()), curves: Mutex::new(HashMap::new()) }
    }

    /// The kernels beneath.
    pub fn kernels(&self) -> &Arc<Kernels> {
        &self.kernels
    }

    /// The engine of a model on a layout.
    pub fn engine(&self, model: &Transformer, layout: &Layout, precision: &Precision) -> Arc<Engine> {
        let key = (model.name.clone(), *layout, *precision);
        if let Some(known) = self.known.lock().ok().and_then(|known| known.get(&key).cloned()) {
            return known;
        }
        let curve = |format, shape: &MoeShape| self.curve(format, shape);
        let built = Arc::new(Engine::with_curves(model, layout, precision, &self.kernels, curve));
        if let Ok(mut known) = self.known.lock() {
            known.insert(key, Arc::clone(&built));
        }
        built
    }

    fn curve(&self, format: Format, shape: &MoeShape) -> MoeCurve {
        let tabulate = || self.kernels.moe_kernel(format, shape.gated).curve(shape);
        let MoeShape { hidden, inner, active, experts, tensor, ranks, gated, routing } = *shape;
        if routing != ROUTING {
            return tabulate();
        }
        let key = (format, [hidden, inner, active, experts, tensor, ranks, u32::from(gated)]);
        if let Some(known) = self.curves.lock().ok().and_then(|curves| curves.get(&key).cloned()) {
            return known;
        }
        let curve = tabulate();
        if let Ok(mut curves) = self.curves.lock() {
            curves.insert(key, curve.clone());
        }
        curve
    }
}

/// An engine with what decides how many sequences it holds.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Step costs.
    pub engine: Arc<Engine>,
    /// Memory of one device.
    pub memory: Memory,
    /// Batches that it has in flight: one per attention group and stage, so that every stage has one to work on. (Bubbles
    /// between steps of different length are left out: rates over stages are high ends.)
    pub groups: f64,
    /// Its devices.
    pub devices: f64,
}

impl Worker {
    /// A worker of a pool.
    pub fn new(deployment: &Deployment, pool: &Pool, device: &Accelerator, engines: &Engines) -> Self {
        let tokens = deployment.input + deployment.output;
        let layout = pool.layout;
        let Deployment { model, precision, .. } = deployment;
        Self {
            engine: engines.engine(model, &layout, precision),
            memory: Memory::of(model, &layout, precision, device.memory_bytes, tokens, f64::from(TOKEN_BUDGET)),
            groups: f64::from(layout.data) * f64::from(layout.pipeline.max(1)),
            devices: f64::from(layout.devices()),
        }
    }
}

/// What outputs say of pipeline stages.
pub const STAGES_WORDS: &str = "stages (PP) have a batch each and are taken as evenly busy: their rates are high ends";

/// The scheduler of an engine by name.
pub fn policy(backend: &str) -> Policy {
    match backend {
        "trtllm" => Policy::Trtllm,
        "sglang" => Policy::Sglang,
        _ => Policy::Vllm,
    }
}

/// The steady state of a deployment.
pub fn of(deployment: &Deployment, device: &Accelerator, engines: &Engines) -> Steady {
    match deployment.mode {
        Mode::Aggregated(pool) => aggregated(deployment, &Worker::new(deployment, &pool, device, engines), &pool),
        Mode::Disaggregated { prefill, decode } => disaggregated(deployment, (&prefill, &decode), device, engines),
    }
}

fn aggregated(deployment: &Deployment, worker: &Worker, pool: &Pool) -> Steady {
    let groups = worker.groups * pool.workers.unwrap_or(1.0);
    let own = (deployment.concurrency / groups).max(1.0);
    let stages = f64::from(pool.layout.pipeline.max(1));
    let held = held_tokens(&worker.memory, policy(&deployment.backend)) / stages;
    let loop_ = ClosedLoop {
        concurrency: own.ceil().min(1e6) as u32,
        input: deployment.input.round() as u32,
        output: deployment.output.round() as u32,
        policy: policy(&deployment.backend),
        token_budget: TOKEN_BUDGET,
        max_sequences: SEQUENCES,
        cache_tokens: (held.is_finite() && held > 0.0).then(|| held.round() as u64),
        varied: true,
        rounds: ROUNDS,
        ..ClosedLoop::default()
    };
    let client = client(&deployment.backend);
    let found = closed_loop(&*worker.engine, &loop_);
    Steady {
        ttft: found.ttft_s + client.entry_s + client.interval * found.tpot_s,
        tpot: found.tpot_s,
        batch: found.decoding,
        devices: worker.devices * pool.workers.unwrap_or(1.0),
        fits: worker.memory.check(deployment.input + deployment.output).is_ok(),
        prompt_use: found.prompt_use,
    }
}

/// Tokens that the cache of one attention group holds when an engine is tuned for a benchmark, as whole requests count.
fn held_tokens(memory: &Memory, policy: Policy) -> f64 {
    let filled = memory.weights + memory.activations + memory.reserved;
    let room = if policy == Policy::Trtllm {
        (memory.device - filled) * CACHE_SHARE
    } else {
        memory.device * TUNED_SHARE - filled
    };
    if memory.cache_per_token <= 0.0 || room <= 0.0 {
        // Weights that do not fit as described: some other layout holds them, and its cache is not known.
        return f64::INFINITY;
    }
    room / memory.cache_per_token / DRAWN * SLACK
}

/// A pool whose described devices cannot hold the weights was described in short: groups of attention are added until it
/// can, and until its batch is of ordinary size.
fn grown(deployment: &Deployment, pool: &Pool, device: &Accelerator, concurrency: f64) -> Pool {
    let mut pool = *pool;
    let weights = |pool: &Pool| {
        let Deployment { model, precision, .. } = deployment;
        Memory::of(model, &pool.layout, precision, device.memory_bytes, 1.0, 1.0).weights
    };
    if weights(&pool) < device.memory_bytes * TUNED_SHARE || pool.layout.data > 1 {
        return pool;
    }
    while f64::from(pool.layout.stage_devices()) * 2.0 <= DOMAIN
        && (weights(&pool) > 0.8 * device.memory_bytes || concurrency / f64::from(pool.layout.data) > GROWN_BATCH)
    {
        pool.layout.data *= 2;
        if deployment.model.has_experts() {
            pool.layout.expert = pool.layout.stage_devices();
        }
    }
    pool
}

fn disaggregated(
    deployment: &Deployment,
    (prefill, decode): (&Pool, &Pool),
    device: &Accelerator,
    engines: &Engines,
) -> Steady {
    let mut decode = grown(deployment, decode, device, deployment.concurrency / decode.workers.unwrap_or(1.0));
    let prefill = &grown(deployment, prefill, device, 1.0);
    let latent = deployment.model.blocks.iter().any(|block| matches!(block.attention, Attention::Latent { .. }));
    let uncounted = deployment.doubts.contains(&Doubt::Workers);
    if uncounted && latent && deployment.concurrency >= GROUPS_FROM && decode.layout.data == 1 {
        decode.layout.data = decode.layout.tensor;
        decode.layout.tensor = 1;
    }
    let worker = Worker::new(deployment, &decode, device, engines);
    let batch = match (decode.batch, decode.workers) {
        (Some(batch), _) => batch,
        (None, Some(workers)) => deployment.concurrency / workers / worker.groups,
        (None, None) if deployment.concurrency < GROUPS_FROM => deployment.concurrency / UNCOUNTED.0,
        (None, None) => deployment.concurrency / worker.groups.max(UNCOUNTED.1),
    };
    let batch = batch.max(1.0);
    let context = deployment.input + 0.5 * deployment.output;
    let decodes = StepLoad {
        decodes: batch.round().clamp(1.0, 1e6) as u32,
        decode_context: (batch * context) as u64,
        ..StepLoad::default()
    };
    let tpot = worker.engine.seconds(&decodes);
    let front = Worker::new(deployment, prefill, device, engines);
    let mut prompt = StepLoad::default();
    prompt.add_piece(deployment.input.round() as u64, 0, true);
    let alone = front.engine.seconds(&prompt);
    // Prompts come at the rate at which answers end; workers of the front end take them in turn, as many as keep up.
    let rate = deployment.concurrency / (tpot * deployment.output);
    let servers = prefill.workers.map_or((rate * alone / PROMPT_USE).ceil(), |workers| workers * front.groups).max(1.0);
    let prompt_use = rate * alone / servers;
    let busy = prompt_use.min(0.95);
    let wait = 0.5 * alone * busy / (1.0 - busy);
    let first = BURST * alone * (deployment.concurrency / servers).max(1.0) / ROUNDS;
    let moved = deployment.input * front.memory.cache_per_token / device.scale_up.max(25e9);
    let client = client(&deployment.backend);
    Steady {
        ttft: alone + wait + first + moved + tpot + client.entry_s + client.interval * tpot,
        tpot,
        batch,
        devices: worker.devices * decode.workers.unwrap_or(1.0) + front.devices * prefill.workers.unwrap_or(1.0),
        fits: worker.memory.check(deployment.input + deployment.output).is_ok(),
        prompt_use,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::accelerator::tests::plain;
    use crate::kernel::Calibration;
    use crate::models;

    fn steady(layout: Layout, workers: Option<f64>, concurrency: f64, (input, output): (f64, f64)) -> Steady {
        let device = Accelerator { memory_bytes: 80e9, ..plain("nvidia/h100-sxm", 989e12, 3.35e12) };
        let engines = Engines::new(Arc::new(Kernels::for_device(&device, Calibration::built_in())));
        let deployment = Deployment {
            model: models::find("meta-llama/Llama-3.1-8B").expect("built in"),
            precision: Precision::uniform(Format::Bf16),
            precision_word: "bf16".into(),
            device: device.id.clone(),
            backend: "vllm".into(),
            version: String::new(),
            mode: Mode::Aggregated(Pool { layout, workers, batch: None }),
            input,
            output,
            concurrency,
            concurrency_known: true,
            doubts: Vec::new(),
        };
        of(&deployment, &device, &engines)
    }

    const LENGTHS: (f64, f64) = (1024.0, 256.0);

    /// Two stages with a batch each are two workers of twice the memory that pass tokens on: a token takes as long as with
    /// one stage, but for a send and fewer bytes to share.
    #[test]
    fn every_stage_has_a_batch() {
        let one = steady(Layout::SINGLE, None, 32.0, LENGTHS);
        let two = steady(Layout { pipeline: 2, ..Layout::SINGLE }, None, 64.0, LENGTHS);
        assert!((two.tpot / one.tpot - 1.0).abs() < 0.03, "{two:?} {one:?}");
        assert!((two.batch - one.batch).abs() < 0.05 * one.batch && two.devices == 2.0);
    }

    #[test]
    fn workers_share_what_is_in_flight() {
        let one = steady(Layout::SINGLE, None, 32.0, LENGTHS);
        let four = steady(Layout::SINGLE, Some(4.0), 128.0, LENGTHS);
        assert_eq!((one.ttft, one.tpot), (four.ttft, four.tpot));
        assert_eq!(four.devices, 4.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn more_in_flight_is_never_faster_and_gives_no_less(
            power in 0_u32..8, input in 64.0_f64..4096.0, output in 16.0_f64..1024.0, tensor in 0_u32..4
        ) {
            let layout = Layout { tensor: 1 << tensor, ..Layout::SINGLE };
            let at = |concurrency: f64| steady(layout, None, concurrency, (input.round(), output.round()));
            let (few, many) = (at(f64::from(1_u32 << power)), at(f64::from(2_u32 << power)));
            prop_assert!(few.tpot > 0.0 && many.ttft.is_finite() && few.ttft > few.tpot);
            prop_assert!(many.tpot >= 0.98 * few.tpot, "{few:?} {many:?}");
            // Requests a second, by Little's law.
            let rate = |one: &Steady, in_flight: f64| in_flight / (one.ttft + one.tpot * (output.round() - 1.0));
            let (slow, fast) = (rate(&few, f64::from(1_u32 << power)), rate(&many, f64::from(2_u32 << power)));
            prop_assert!(fast >= 0.95 * slow, "{slow} {fast} {few:?} {many:?}");
        }
    }
}
