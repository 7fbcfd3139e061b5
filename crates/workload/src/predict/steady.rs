//! What the kernels say of a deployment in its steady state, before anything is learnt from measured engines.

use std::sync::Arc;

use serde::Serialize;

use super::deployment::{Deployment, Doubt, Mode, Pool};
use crate::accelerator::Accelerator;
use crate::kernel::Kernels;
use crate::layout::memory::Memory;
use crate::models::transformer::Attention;
use crate::serve::settings::Policy;
use crate::serve::steady::{ClosedLoop, closed_loop};
use crate::step::engine::Engine;
use crate::step::load::{StepCost, StepLoad};

/// Tokens of one step at most (engines are benchmarked with 8,192 or more; vLLM's own default on large devices is 8,192).
pub const TOKEN_BUDGET: u32 = 8192;

/// Sequences of one attention group at once at most.
pub const SEQUENCES: u32 = 2048;

/// Requests per place in flight of common benchmarks (ten prompts per unit of concurrency).
pub const ROUNDS: f64 = 10.0;

/// Seconds of a request outside of the engine before its first token: API and tokeniser (an estimate; reference: BLIS's
/// fit has 15.6 ms for a loaded server).
const ENTRY_S: f64 = 8e-3;

/// Sequences of one attention group of a decode worker that owners of a system aim at where workers are not counted: the
/// median of `concurrency / batch` in counted rows is 5 at low and 24 at high concurrency.
const UNCOUNTED: (f64, f64) = (5.0, 24.0);

/// Concurrency from which decode workers run attention in groups.
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
}

/// An engine with what decides how many sequences it holds.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Step costs.
    pub engine: Engine,
    /// Memory of one device.
    pub memory: Memory,
    /// Its layout's groups.
    pub groups: f64,
    /// Its devices.
    pub devices: f64,
}

impl Worker {
    /// A worker of a pool.
    pub fn new(deployment: &Deployment, pool: &Pool, device: &Accelerator, kernels: &Arc<Kernels>) -> Self {
        let tokens = deployment.input + deployment.output;
        let layout = pool.layout;
        let Deployment { model, precision, .. } = deployment;
        Self {
            engine: Engine::new(model, &layout, precision, Arc::clone(kernels)),
            memory: Memory::of(model, &layout, precision, device.memory_bytes, tokens, f64::from(TOKEN_BUDGET)),
            groups: f64::from(layout.data),
            devices: f64::from(layout.devices()),
        }
    }
}

/// The scheduler of an engine by name.
pub fn policy(backend: &str) -> Policy {
    match backend {
        "trtllm" => Policy::Trtllm,
        "sglang" => Policy::Sglang,
        _ => Policy::Vllm,
    }
}

/// The steady state of a deployment.
pub fn of(deployment: &Deployment, device: &Accelerator, kernels: &Arc<Kernels>) -> Steady {
    match deployment.mode {
        Mode::Aggregated(pool) => aggregated(deployment, &Worker::new(deployment, &pool, device, kernels), &pool),
        Mode::Disaggregated { prefill, decode } => disaggregated(deployment, (&prefill, &decode), device, kernels),
    }
}

fn aggregated(deployment: &Deployment, worker: &Worker, pool: &Pool) -> Steady {
    let groups = worker.groups * pool.workers.unwrap_or(1.0);
    let own = (deployment.concurrency / groups).max(1.0);
    let held = worker.memory.cache_tokens();
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
    let found = closed_loop(&worker.engine, &loop_);
    Steady {
        ttft: found.ttft_s + ENTRY_S,
        tpot: found.tpot_s,
        batch: found.decoding,
        devices: worker.devices * pool.workers.unwrap_or(1.0),
        fits: worker.memory.check(deployment.input + deployment.output).is_ok(),
    }
}

fn disaggregated(
    deployment: &Deployment,
    (prefill, decode): (&Pool, &Pool),
    device: &Accelerator,
    kernels: &Arc<Kernels>,
) -> Steady {
    let mut decode = *decode;
    let latent = deployment.model.blocks.iter().any(|block| matches!(block.attention, Attention::Latent { .. }));
    let uncounted = deployment.doubts.contains(&Doubt::Workers);
    if uncounted && latent && deployment.concurrency >= GROUPS_FROM && decode.layout.data == 1 {
        decode.layout.data = decode.layout.tensor;
        decode.layout.tensor = 1;
    }
    let worker = Worker::new(deployment, &decode, device, kernels);
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
    let front = Worker::new(deployment, prefill, device, kernels);
    let mut prompt = StepLoad::default();
    prompt.add_piece(deployment.input.round() as u64, 0, true);
    let alone = front.engine.seconds(&prompt);
    // Prompts come at the rate at which answers end; workers of the front end take them in turn, as many as keep up.
    let rate = deployment.concurrency / (tpot * deployment.output);
    let servers = prefill.workers.map_or((rate * alone / 0.7).ceil(), |workers| workers * front.groups).max(1.0);
    let busy = (rate * alone / servers).min(0.95);
    let wait = 0.5 * alone * busy / (1.0 - busy);
    let first = 0.5 * alone * (deployment.concurrency / servers).max(1.0) / ROUNDS;
    let mut tokens = deployment.input;
    if tokens.is_nan() {
        tokens = 0.0;
    }
    let moved = tokens * front.memory.cache_per_token / device.scale_up.max(25e9);
    Steady {
        ttft: alone + wait + first + moved + tpot + ENTRY_S,
        tpot,
        batch,
        devices: worker.devices * decode.workers.unwrap_or(1.0) + front.devices * prefill.workers.unwrap_or(1.0),
        fits: worker.memory.check(deployment.input + deployment.output).is_ok(),
    }
}
