//! What a prediction consists of: steps by part and by operator, memory of a device, watts, what it was calibrated on.

use std::collections::BTreeSet;

use serde::Serialize;

use super::deployment::{Deployment, Mode, Pool};
use super::predictor::{Prediction, Predictor};
use super::steady::{TOKEN_BUDGET, Worker};
use crate::accelerator::Accelerator;
use crate::correction::fitting::Correction;
use crate::energy::bill::{Bill, Tariff};
use crate::energy::power::{self, Activity};
use crate::estimate::Estimate;
use crate::layout::Layout;
use crate::layout::memory::Memory;
use crate::step::account::{Account, Bound, decode_load, mean_load, prompt_load};
use crate::step::engine::Engine;
use crate::step::load::StepLoad;
use crate::step::operator::{Item, Operator, Part};

/// One step of a worker, as kernels alone say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What it carries.
    pub load: StepLoad,
    /// Seconds.
    pub seconds: f64,
    /// Seconds by part, the host last; none is left out.
    pub parts: Vec<(&'static str, f64)>,
    /// Seconds by what is waited for, without the host.
    pub bounds: Vec<(Bound, f64)>,
    /// Its operators.
    pub operators: Vec<Account>,
}

impl Step {
    /// Of a load.
    pub fn of(engine: &Engine, load: &StepLoad) -> Self {
        let breakdown = engine.breakdown(load);
        let operators = engine.accounts(load);
        let named = Part::ALL.iter().map(|part| (part.name(), breakdown.parts[*part as usize]));
        let parts = named.chain([("host", breakdown.host)]).collect();
        let waits = |bound: Bound| operators.iter().filter(|o| o.bound == bound).map(|o| o.seconds).sum();
        let bounds = Bound::ALL.iter().map(|bound| (*bound, waits(*bound))).collect();
        Self { load: *load, seconds: breakdown.total(), parts, bounds, operators }
    }

    /// Seconds that all operators would take at the memory's peak, and at the arithmetic peaks.
    pub fn at_peaks(&self) -> (f64, f64) {
        self.operators.iter().fold((0.0, 0.0), |sum, o| (sum.0 + o.at_peak_bandwidth, sum.1 + o.at_peak_rate))
    }
}

/// One pool of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolAnatomy {
    /// `serving`, `prefill` or `decode`.
    pub role: &'static str,
    /// Layout of a worker.
    pub layout: Layout,
    /// Workers.
    pub workers: f64,
    /// Devices of all of them.
    pub devices: f64,
    /// Memory of one device.
    pub memory: Memory,
    /// Cache bytes that the load takes on one device.
    pub cache_used: f64,
    /// Sequences that decode at once in one attention group.
    pub batch: f64,
    /// A step that only decodes; none where none does.
    pub decode: Option<Step>,
    /// A prompt alone; none where none comes.
    pub prompt: Option<Step>,
    /// Mean use of a device.
    pub activity: Activity,
    /// Watts of one device.
    pub device_w: Estimate,
}

/// A prediction taken apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Anatomy {
    /// The prediction.
    pub prediction: Prediction,
    /// Devices of all pools.
    pub devices: f64,
    /// Time between the tokens of one answer as a reader of the stream sees it: the gaps' mean is [`Prediction::tpot`].
    pub itl: Estimate,
    /// Output tokens per second and device.
    pub tokens_per_s_device: Estimate,
    /// Tokens per second of one user, the first token left out.
    pub tokens_per_s_user: Estimate,
    /// Pools.
    pub pools: Vec<PoolAnatomy>,
    /// Energy and money.
    pub bill: Bill,
    /// What it was calibrated on, one line each.
    pub calibrated_on: Vec<String>,
}

/// Takes the prediction for a deployment apart. The layouts must have passed [`Layout::check`].
pub fn of(
    predictor: &mut Predictor<'_>,
    correction: Option<&Correction>,
    deployment: &Deployment,
    device: &Accelerator,
    tariff: &Tariff,
) -> Anatomy {
    let prediction = predictor.predict(deployment, device);
    let engines = predictor.engines(device, &deployment.backend, &deployment.version);
    let tpot = prediction.tpot;
    let mut pools = Vec::new();
    let (input, output) = (deployment.input, deployment.output);
    let mut lines = BTreeSet::new();
    let mut take = |role: &'static str, pool: &Pool, decodes: bool, prompts: bool| {
        let worker = Worker::new(deployment, pool, device, &engines);
        let workers = pool.workers.unwrap_or(1.0);
        // Answers of one token end with their prompt.
        let decodes = decodes && output > 1.0;
        // What decodes at once, by Little's law on corrected times.
        let resident = deployment.concurrency / workers / worker.groups;
        let batch = if decodes {
            let stay = tpot.likely * (output - 1.0).max(0.0);
            let share = stay / (stay + prediction.ttft.likely);
            prediction.kernels.batch.min(resident).min(if prompts { resident * share.max(0.0) } else { f64::INFINITY })
        } else {
            0.0
        };
        let decode = decodes.then(|| Step::of(&worker.engine, &decode_load(batch.max(1.0), input, output)));
        let prompt = prompts.then(|| Step::of(&worker.engine, &prompt_load(input)));
        let activity = if decodes {
            let prompts_beside = if prompts { input } else { 0.0 };
            let mut load = mean_load(batch.max(1.0), prompts_beside, output);
            load.decode_context = decode_load(batch.max(1.0), input, output).decode_context;
            let (memory, arithmetic) = Step::of(&worker.engine, &load).at_peaks();
            Activity::over(memory, arithmetic, tpot.likely)
        } else {
            let rate = prediction.tokens_per_s.likely / output.max(1.0) / (workers * worker.groups).max(1.0);
            let (memory, arithmetic) = prompt.as_ref().map_or((0.0, 0.0), Step::at_peaks);
            Activity::over(memory * rate, arithmetic * rate, 1.0)
        };
        let cached = if decodes { (batch.max(1.0) * (input + 0.5 * output)).max(input) } else { input };
        calibrated_on(&worker.engine, &mut lines);
        pools.push(PoolAnatomy {
            role,
            layout: pool.layout,
            workers,
            devices: worker.devices * workers,
            memory: Memory::of(
                &deployment.model,
                &pool.layout,
                &deployment.precision,
                device.memory_bytes,
                input + output,
                f64::from(TOKEN_BUDGET),
            ),
            cache_used: cached * f64::from(pool.layout.pipeline.max(1)) * worker.memory.cache_per_token,
            batch,
            decode,
            prompt,
            activity,
            device_w: power::watts(device.power_w, activity),
        });
    };
    match &deployment.mode {
        Mode::Aggregated(pool) => take("serving", pool, true, true),
        Mode::Disaggregated { prefill, decode } => {
            take("prefill", prefill, false, true);
            take("decode", decode, true, false);
        }
    }
    let devices: f64 = pools.iter().map(|pool| pool.devices).sum();
    let watts = pools.iter().fold(Estimate::default(), |sum, pool| sum.plus(pool.device_w.times(pool.devices)));
    let bill = Bill::of(devices, watts, prediction.tokens_per_s, tariff);
    let mut calibrated_on: Vec<String> = lines.into_iter().collect();
    calibrated_on.push(match correction {
        Some(correction) => {
            format!("engines: {} measured deployments of {}", correction.rows, correction.source)
        }
        None => "engines: none measured; kernels alone, with a wide band".into(),
    });
    calibrated_on.push("launches, host, delivery of tokens: fourteen constants fitted to measured deployments".into());
    calibrated_on.push(
        "watts: one parameter fitted to four measured deployments (H100 and B200), each foretold by the others within 13 %"
            .into(),
    );
    Anatomy {
        devices,
        itl: tpot,
        tokens_per_s_device: prediction.tokens_per_s.times(1.0 / devices.max(1.0)),
        tokens_per_s_user: Estimate { low: 1.0 / tpot.high, likely: 1.0 / tpot.likely, high: 1.0 / tpot.low },
        pools,
        bill,
        calibrated_on,
        prediction,
    }
}

/// What the kernels of an engine were fitted to.
fn calibrated_on(engine: &Engine, lines: &mut BTreeSet<String>) {
    let kernels = engine.kernels();
    for Item { operator, .. } in engine.items() {
        let line = match operator {
            Operator::Product { format, .. } => {
                format!("products, {}: {}", format.name(), kernels.gemm_kernel(*format).calibrated_on())
            }
            Operator::Experts { format, shape, .. } => {
                format!("experts, {}: {}", format.name(), kernels.moe_kernel(*format, shape.gated).calibrated_on())
            }
            Operator::Context(shape) => {
                format!("attention of prompts: {}", kernels.attention.calibrated_on(shape).0)
            }
            Operator::Generation(shape) => {
                format!("attention of answers: {}", kernels.attention.calibrated_on(shape).1)
            }
            Operator::LatentContext(shape) => {
                format!("attention of prompts: {}", kernels.attention.calibrated_on(&shape.expanded()).0)
            }
            Operator::LatentGeneration(shape) => {
                format!("attention of answers: {}", kernels.attention.calibrated_on(&shape.compressed()).1)
            }
            Operator::Sum { .. } | Operator::Exchange { .. } => {
                format!("communication: {}", kernels.communication.sources().join(", "))
            }
            Operator::Linear(_) | Operator::Index { .. } | Operator::PerHead { .. } => {
                "linear attention, indexers, products per head: estimates, nothing was measured".into()
            }
            Operator::Stream { .. } => "norms and other streams: estimates after measured ones of older engines".into(),
        };
        lines.insert(line);
    }
}
