//! From flags and files to a deployment: models and devices looked up, memory checked, the step cost made.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use lanewright_model::catalogue::Catalogue;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::communication::{self, Software};
use lanewright_workload::kernel::{Calibration, Kernels};
use lanewright_workload::layout::Layout;
use lanewright_workload::models;
use lanewright_workload::models::precision::Precision;
use lanewright_workload::models::transformer::Transformer;
use lanewright_workload::serve::cluster::{self, EngineOptions, Instance};
use lanewright_workload::serve::metrics::Running;
use lanewright_workload::serve::roofline::{Efficiency, Roofline, Spread};
use lanewright_workload::serve::route::Routing;
use lanewright_workload::serve::settings::{Host, Policy, Preemption, Settings, Speculation};
use lanewright_workload::serve::simulate::{Deployment, Load, Pool, Role, Transfer};
use lanewright_workload::step::engine::Engine;
use lanewright_workload::step::load::StepCost;

use super::{PolicyArg, RoutingArg, ServeArgs, StepsArg};
use crate::disk;

/// Most bytes of a configuration.
const CONFIG_BYTES: usize = 16 << 20;

/// Bytes of a device's memory that neither weights nor cache may use: runtime, graphs, activations of a full step. An
/// estimate: other engines reserve 3.5 GB with their collectives' buffers, vLLM on one device less than half of it.
const RESERVE_BYTES: f64 = 1.5e9;

/// Bytes that a device has per byte of its nominal size: makers count memory in powers of two (80 GB are 81,559 MiB, 24 GB
/// are 24,564 MiB as drivers report them).
const BINARY: f64 = 1.0737 * 0.9955;

/// Devices whose kernels were measured; all others are carried over or rooflines.
const MEASURED: &[&str] = &["nvidia/a100-sxm", "nvidia/h100-sxm", "nvidia/h200-sxm", "nvidia/b200"];

/// Flags of the engine.
#[derive(Args, Debug)]
pub struct EngineArgs {
    /// Whose scheduler
    #[arg(long, value_enum, default_value_t = PolicyArg::Vllm)]
    pub policy: PolicyArg,
    /// Tokens of one step at most; by default 2048, of TensorRT-LLM and SGLang 8192
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
    pub token_budget: Option<u32>,
    /// Sequences at once at most, per rank; by default 128
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub max_sequences: Option<u32>,
    /// Tokens of a cache block; by default 16
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub block_tokens: Option<u32>,
    /// Tokens that the cache of a rank holds, instead of what memory leaves
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u64).range(1..))]
    pub cache_tokens: Option<u64>,
    /// Share of the memory that the engine may use; by default 0.9
    #[arg(long, value_name = "SHARE")]
    pub memory_share: Option<f64>,
    /// Share of the cache that stays free when a sequence is let in
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub watermark: f64,
    /// Whether a step is planned while the one before it runs; by default as the engine does, late ones do
    #[arg(long, value_name = "true|false")]
    pub ahead: Option<bool>,
    /// Replicas
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub replicas: u32,
    /// Which replica gets a request
    #[arg(long, value_enum, default_value_t = RoutingArg::LeastLoaded)]
    pub routing: RoutingArg,
    /// Replicas that only compute prompts; their caches go to those that decode
    #[arg(long, value_name = "N", requires = "decode_replicas", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub prefill_replicas: Option<u32>,
    /// Replicas that only decode
    #[arg(long, value_name = "N", requires = "prefill_replicas", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub decode_replicas: Option<u32>,
    /// Bandwidth between the two kinds, for one request's cache
    #[arg(long, value_name = "GB/s", default_value_t = 50.0)]
    pub kv_gbytes_per_s: f64,
    /// Latency of a transfer between the two kinds
    #[arg(long, value_name = "US", default_value_t = 100.0)]
    pub kv_latency_us: f64,
    /// Bandwidth to the tier that takes the caches of preempted sequences; without it they are computed again
    #[arg(long, value_name = "GB/s")]
    pub offload_gbytes_per_s: Option<f64>,
    /// Tokens that a draft proposes per step (speculative decoding)
    #[arg(long, value_name = "N", requires = "acceptance", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub draft_tokens: Option<u32>,
    /// Chance that a proposed token is accepted
    #[arg(long, value_name = "CHANCE", requires = "draft_tokens")]
    pub acceptance: Option<f64>,
    /// Time of a proposed token, as a share of a decoding step
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub draft_share: f64,
    /// Milliseconds from the client's call to the scheduler (a published prior for a Python front end is 15.6)
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    pub entry_ms: f64,
    /// Milliseconds from a token's step to the client (the same source: 0.8)
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    pub exit_ms: f64,
    /// Which model of a step is asked
    #[arg(long, value_enum, default_value_t = StepsArg::Auto)]
    pub steps: StepsArg,
}

/// One pool, with its cost.
struct Made {
    role: Role,
    cells: u32,
    ranks: u32,
    settings: Settings,
    cost: Box<dyn StepCost>,
}

/// A deployment that can be simulated.
pub struct Plan {
    pools: Vec<Made>,
    routing: Routing,
    transfer: Option<Transfer>,
    load: Load,
    seed: u64,
    title: String,
    devices: u32,
    power_w: f64,
    format: Format,
    /// What the time of a step rests on.
    pub calibrated_on: String,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// What is to be deployed, from flags or one instance of a file.
struct Wish {
    model: Transformer,
    device: Accelerator,
    tensor: u32,
    ranks: u32,
    format: Format,
    cache: Format,
    memory_share: f64,
    options: EngineOptions,
    link: Option<f64>,
    link_latency_s: f64,
}

fn model(name: &str) -> Result<(Transformer, Option<String>), String> {
    let path = Path::new(name);
    if path.extension().is_some_and(|extension| extension == "json") {
        let text = disk::read_at_most(path, CONFIG_BYTES).map_err(|why| format!("cannot read {name}: {why}"))?;
        let read = models::config::parse(&text, name).map_err(|error| error.in_file(name))?;
        return Ok((read.model, None));
    }
    match models::find(name) {
        Ok(model) => Ok((model, None)),
        Err(unknown) => match models::guess(name) {
            Ok(model) => {
                Ok((model, Some(format!("no model `{name}` is built in: its shape is guessed from its size"))))
            }
            Err(_) => Err(unknown.to_string()),
        },
    }
}

fn read(path: &Path) -> Result<String, String> {
    disk::read_packed(path, CONFIG_BYTES).map_err(|why| format!("cannot read {}: {why}", path.display()))
}

fn format(args: &ServeArgs, options: &EngineOptions) -> Result<Format, String> {
    let name = args.format.as_deref().or(options.format.as_deref()).unwrap_or("bf16");
    let name = if name == "auto" { "bf16" } else { name };
    Format::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        format!("no number format is called `{name}`; known are {}", known.join(", "))
    })
}

fn cache_format(options: &EngineOptions) -> Result<Format, String> {
    match options.cache_format.as_deref() {
        None | Some("auto") => Ok(Format::Bf16),
        Some(name) => Format::from_name(name)
            .or_else(|| name.starts_with("fp8").then_some(Format::Fp8))
            .ok_or_else(|| format!("kv_cache_dtype `{name}` is not known; auto, bfloat16 or fp8 are")),
    }
}

/// Makes the deployment.
pub fn plan(args: &ServeArgs, catalogue: &Catalogue, closed: Option<u32>) -> Result<Plan, String> {
    let recorded = match &args.engine {
        Some(path) => cluster::parse_engine(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))?,
        None => EngineOptions::default(),
    };
    let mut notes = Vec::new();
    let mut pools = Vec::new();
    let (mut link_gbytes, mut devices) = (args.engine_flags.kv_gbytes_per_s, 0);
    let (title, power_w, format, calibrated_on, transfer_bytes);
    if let Some(path) = &args.config {
        let cluster = cluster::parse(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
        notes.extend(cluster.notes.iter().cloned());
        if let Some(link) = cluster.link {
            link_gbytes = link * 1e-9;
        }
        let mut last = None;
        for role in [Role::Both, Role::Prefill, Role::Decode] {
            let of_role: Vec<&Instance> = cluster.instances.iter().filter(|instance| instance.role == role).collect();
            let Some(first) = of_role.first() else { continue };
            let like = |other: &&&Instance| {
                other.model == first.model && other.hardware == first.hardware && other.tensor == first.tensor
            };
            if of_role.iter().filter(like).count() != of_role.len() {
                return Err(format!(
                    "{}: instances of one role differ in model, hardware or tp_size\n  help: simulate them apart, one \
                     configuration each",
                    path.display()
                ));
            }
            let mut wish = wish_of(args, catalogue, first, &recorded, &mut notes)
                .map_err(|why| format!("{}: {why}", path.display()))?;
            wish.link = cluster.link;
            wish.link_latency_s = cluster.link_latency_s;
            let grouped = of_role.iter().filter(|instance| instance.group.is_some()).count() as u32;
            // Only shared experts make ranks step together.
            let in_step = wish.model.has_experts() && grouped > 1;
            let groups = {
                let mut names: Vec<&str> = of_role.iter().filter_map(|instance| instance.group.as_deref()).collect();
                names.sort_unstable();
                names.dedup();
                names.len() as u32
            };
            let count = of_role.len() as u32;
            let (cells, ranks) = if in_step && grouped == count && count.is_multiple_of(groups.max(1)) {
                (groups, count / groups.max(1))
            } else {
                (count, 1)
            };
            wish.ranks = ranks;
            devices += count * wish.tensor;
            let (made, told) = pool(args, &wish, role, cells, &mut notes)?;
            pools.push(made);
            last = Some((wish, told, count));
        }
        let (wish, told, count) = last.ok_or("the configuration has no instance")?;
        title = in_words(&wish, count);
        (power_w, format, calibrated_on) = (wish.device.power_w, wish.format, told);
        transfer_bytes = wish.model.cache_bytes_per_token(wish.cache);
    } else {
        let name = args.model.clone().or_else(|| recorded.model.clone());
        let name = name.ok_or("say which model: --model NAME, or --config FILE")?;
        let device = args.device.as_deref().ok_or("say on which device: --device NAME, or --config FILE")?;
        let (model, told) = model(&name)?;
        notes.extend(told);
        let wish = Wish {
            device: Accelerator::find(catalogue, device)?,
            tensor: args.tp.or(recorded.tensor).unwrap_or(1),
            ranks: if model.has_experts() { args.dp.or(recorded.data).unwrap_or(1) } else { 1 },
            format: self::format(args, &recorded)?,
            cache: cache_format(&recorded)?,
            memory_share: args.engine_flags.memory_share.or(recorded.memory_share).unwrap_or(0.9),
            options: recorded.clone(),
            link: None,
            link_latency_s: 0.0,
            model,
        };
        let flags = &args.engine_flags;
        // Ranks of a dense model share nothing: they are replicas.
        let apart = if wish.model.has_experts() { 1 } else { args.dp.or(recorded.data).unwrap_or(1) };
        let roles = match (flags.prefill_replicas, flags.decode_replicas) {
            (Some(prefill), Some(decode)) => vec![(Role::Prefill, prefill), (Role::Decode, decode)],
            _ => vec![(Role::Both, flags.replicas.saturating_mul(apart))],
        };
        let mut told = String::new();
        let mut count = 0;
        for (role, cells) in roles {
            let (made, words) = pool(args, &wish, role, cells, &mut notes)?;
            pools.push(made);
            told = words;
            count += cells;
        }
        devices = count * wish.tensor * wish.ranks;
        title = in_words(&wish, count);
        (power_w, format, calibrated_on) = (wish.device.power_w, wish.format, told);
        transfer_bytes = wish.model.cache_bytes_per_token(wish.cache);
    }
    if args.busy_watts.is_none() || args.idle_watts.is_none() {
        notes.push("watts of devices are shares of their limit, an estimate: see --busy-watts and --idle-watts".into());
    }
    let apart = pools.iter().any(|pool| pool.role == Role::Prefill);
    let transfer = apart.then_some(Transfer {
        bytes_per_token: transfer_bytes,
        bytes_per_s: link_gbytes * 1e9,
        latency_s: args.engine_flags.kv_latency_us * 1e-6,
    });
    Ok(Plan {
        pools,
        routing: args.engine_flags.routing.into(),
        transfer,
        load: closed.map_or(Load::Open, |concurrency| Load::Closed { concurrency }),
        seed: args.source.seed,
        title,
        devices,
        power_w,
        format,
        calibrated_on,
        notes,
    })
}

fn wish_of(
    args: &ServeArgs,
    catalogue: &Catalogue,
    instance: &Instance,
    recorded: &EngineOptions,
    notes: &mut Vec<String>,
) -> Result<Wish, String> {
    if instance.pipeline > 1 {
        return Err("stages of layers (pp_size) are not simulated\n  help: give pp_size 1, or tp_size instead".into());
    }
    let (model, told) = model(args.model.as_deref().unwrap_or(&instance.model))?;
    notes.extend(told);
    let mut device = Accelerator::find(catalogue, &instance.hardware)?;
    if let Some(bandwidth) = instance.bandwidth {
        device.bandwidth = bandwidth;
    }
    if let Some(memory) = instance.memory_bytes {
        device.memory_bytes = memory;
    }
    let own = &instance.engine;
    let options = EngineOptions {
        max_sequences: own.max_sequences.or(recorded.max_sequences),
        token_budget: own.token_budget.or(recorded.token_budget),
        block_tokens: own.block_tokens.or(recorded.block_tokens),
        prefix_cache: own.prefix_cache.or(recorded.prefix_cache),
        format: own.format.clone().or_else(|| recorded.format.clone()),
        cache_format: own.cache_format.clone().or_else(|| recorded.cache_format.clone()),
        ..recorded.clone()
    };
    Ok(Wish {
        format: format(args, &options)?,
        cache: cache_format(&options)?,
        memory_share: args.engine_flags.memory_share.unwrap_or(instance.memory_share),
        tensor: args.tp.unwrap_or(instance.tensor),
        ranks: 1,
        link: None,
        link_latency_s: 0.0,
        model,
        device,
        options,
    })
}

fn in_words(wish: &Wish, count: u32) -> String {
    let spread = match (wish.tensor, wish.ranks) {
        (1, 1) => String::new(),
        (tensor, 1) => format!(", TP {tensor}"),
        (1, ranks) => format!(", DP {ranks} with shared experts"),
        (tensor, ranks) => format!(", TP {tensor}, DP {ranks} with shared experts"),
    };
    let plural = if count == 1 { "replica" } else { "replicas" };
    format!("{} in {} on {}{spread}, {count} {plural}", wish.model.name, wish.format.name(), wish.device.name)
}

/// Bytes of weights on one device.
fn weights(wish: &Wish, precision: &Precision, tensor: u32) -> f64 {
    let bytes = wish.model.weight_bytes(precision);
    let shared = f64::from(tensor * wish.ranks);
    bytes.experts / shared + (bytes.total() - bytes.experts) / f64::from(tensor)
}

fn pool(
    args: &ServeArgs,
    wish: &Wish,
    role: Role,
    cells: u32,
    notes: &mut Vec<String>,
) -> Result<(Made, String), String> {
    let flags = &args.engine_flags;
    let policy = Policy::from(flags.policy);
    if !(wish.memory_share > 0.0 && wish.memory_share <= 1.0) {
        return Err(format!("--memory-share is {}: a share above 0, up to 1", wish.memory_share));
    }
    let expert = if wish.model.has_experts() { wish.ranks } else { 1 };
    let layout = Layout { tensor: wish.tensor, data: wish.ranks, expert: expert.max(1), pipeline: 1 };
    layout.check(&wish.model)?;
    let precision = Precision::customary(wish.format, &wish.model).with_cache(wish.cache);
    let block_tokens = flags.block_tokens.or(wish.options.block_tokens).unwrap_or(16);
    // Heads are repeated where there are fewer than devices.
    let heads = wish.model.blocks.iter().filter_map(|block| match block.attention {
        models::transformer::Attention::Grouped { kv_heads, .. } => Some(kv_heads),
        _ => None,
    });
    let split = heads.min().map_or(1, |heads| wish.tensor.min(heads.max(1)));
    let per_token = wish.model.cache_bytes_per_token(wish.cache) / f64::from(split);
    let memory = wish.device.memory_bytes * BINARY;
    let usable = memory * wish.memory_share - RESERVE_BYTES;
    let held = weights(wish, &precision, wish.tensor);
    let left = usable - held;
    let blocks = match flags.cache_tokens {
        Some(tokens) => Some((tokens / u64::from(block_tokens)).max(1)),
        None => wish.options.blocks,
    };
    if left <= 0.0 || (blocks.is_none() && per_token > 0.0 && left < per_token * f64::from(block_tokens)) {
        return Err(does_not_fit(wish, &precision, usable, held));
    }
    let blocks = blocks
        .or_else(|| (per_token > 0.0).then(|| (left / (per_token * f64::from(block_tokens))).floor().min(1e12) as u64));
    let speculation = flags.draft_tokens.zip(flags.acceptance).map(|(draft_tokens, acceptance)| Speculation {
        draft_tokens,
        acceptance,
        draft_share: flags.draft_share,
    });
    let budget = match policy {
        Policy::Vllm => 2048,
        Policy::Trtllm | Policy::Sglang | Policy::Static => 8192,
    };
    let preemption = match flags.offload_gbytes_per_s {
        Some(rate) if rate > 0.0 && rate.is_finite() => {
            Preemption::Offload { tokens_per_s: rate * 1e9 / per_token.max(1.0) }
        }
        Some(_) => return Err("--offload-gbytes-per-s is a rate of more than 0".into()),
        None => Preemption::Recompute,
    };
    let settings = Settings {
        policy,
        token_budget: flags.token_budget.or(wish.options.token_budget).unwrap_or(budget),
        max_sequences: flags.max_sequences.or(wish.options.max_sequences).unwrap_or(128),
        block_tokens,
        blocks,
        watermark: flags.watermark,
        preemption,
        speculation,
        host: Host { entry_s: flags.entry_ms * 1e-3, exit_s: flags.exit_ms * 1e-3, ..Host::default() },
        prefix_cache: args.source.prefixes > 0 || wish.options.prefix_cache == Some(true),
        ahead: flags.ahead.or(wish.options.ahead).unwrap_or(policy != Policy::Static),
    };
    settings.check()?;
    let (cost, told) = cost(args, wish, (&layout, &precision), policy, notes)?;
    Ok((Made { role, cells, ranks: wish.ranks, settings, cost }, told))
}

fn does_not_fit(wish: &Wish, precision: &Precision, usable: f64, held: f64) -> String {
    let gb = |bytes: f64| format!("{:.1} GB", bytes * 1e-9);
    let fits = [2, 4, 8, 16, 32, 64].into_iter().find(|tensor| {
        let layout = Layout { tensor: *tensor, data: wish.ranks, expert: 1, pipeline: 1 };
        *tensor > wish.tensor && layout.check(&wish.model).is_ok() && weights(wish, precision, *tensor) < 0.9 * usable
    });
    let smaller = [Format::Fp8, Format::Int4Weight].into_iter().find(|format| {
        let precision = Precision::customary(*format, &wish.model);
        format.weight_bytes() < wish.format.weight_bytes() && weights(wish, &precision, wish.tensor) < 0.9 * usable
    });
    let mut ways = Vec::new();
    ways.extend(fits.map(|tensor| format!("--tp {tensor} ({} a device)", gb(weights(wish, precision, tensor)))));
    ways.extend(smaller.map(|format| format!("--format {}", format.name())));
    let help = if ways.is_empty() { "take a device with more memory".to_string() } else { ways.join(", or ") };
    format!(
        "{} in {} does not fit: {} of weights on a device, where {} of {} leaves {} after {} kept free; {} too much\n  \
         help: {help}",
        wish.model.name,
        wish.format.name(),
        gb(held),
        wish.device.name,
        gb(wish.device.memory_bytes * BINARY),
        gb(usable.max(0.0)),
        gb(wish.device.memory_bytes * BINARY - usable),
        gb((held - usable).max(0.0))
    )
}

fn cost(
    args: &ServeArgs,
    wish: &Wish,
    (layout, precision): (&Layout, &Precision),
    policy: Policy,
    notes: &mut Vec<String>,
) -> Result<(Box<dyn StepCost>, String), String> {
    let measured = MEASURED.contains(&wish.device.id.as_str());
    let kernels = match args.engine_flags.steps {
        StepsArg::Auto => measured,
        StepsArg::Kernels => true,
        StepsArg::Roofline => false,
    };
    if kernels {
        let software = Software { engine: communication::Engine::from_name(policy.name()), ..Software::default() };
        let kernels = Arc::new(Kernels::with_software(&wish.device, Calibration::built_in(), &software));
        let engine = Engine::new(&wish.model, layout, precision, &kernels);
        let from = if measured { "" } else { ", carried over from the nearest of them" };
        return Ok((Box::new(engine), format!("kernels measured on A100, H100 and B200{from}")));
    }
    let link = wish.link.unwrap_or(wish.device.scale_up);
    if link <= 0.0 && wish.tensor * wish.ranks > 1 {
        notes.push("no bandwidth between devices is known: their collectives cost nothing here".into());
    }
    let latency = if wish.link_latency_s > 0.0 { wish.link_latency_s } else { 10e-6 };
    let shared = if wish.model.has_experts() { wish.ranks } else { 1 };
    let spread = Spread {
        tensor: wish.tensor,
        expert: shared,
        link: if wish.tensor * wish.ranks > 1 { link } else { 0.0 },
        link_latency_s: latency,
    };
    let (efficiency, told) = Efficiency::of(&wish.device.id);
    let roofline = Roofline::new(&wish.model, &wish.device, wish.format, spread, efficiency)
        .ok_or_else(|| format!("the rate of {} for {} is not known", wish.device.name, wish.format.name()))?;
    Ok((Box::new(roofline), told.to_string()))
}

impl Plan {
    /// What the simulation takes.
    pub fn deployment(&self) -> Deployment<'_> {
        let pools = self.pools.iter().map(|made| Pool {
            role: made.role,
            cells: made.cells,
            ranks: made.ranks,
            settings: made.settings,
            cost: &*made.cost,
        });
        Deployment {
            pools: pools.collect(),
            routing: self.routing,
            transfer: self.transfer,
            load: self.load,
            seed: self.seed,
            step_by_step: false,
        }
    }

    /// Model, devices, replicas.
    pub fn title(&self) -> String {
        self.title.clone()
    }

    /// What devices draw and cost.
    pub fn running(&self, args: &ServeArgs) -> Running {
        Running {
            devices: f64::from(self.devices),
            busy_w: args.busy_watts.unwrap_or(0.85 * self.power_w),
            idle_w: args.idle_watts.unwrap_or(0.15 * self.power_w),
            usd_per_hour: args.usd_per_hour,
        }
    }

    /// Settings: what, and how it is set.
    pub fn in_words(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        for made in &self.pools {
            let settings = &made.settings;
            let role = match made.role {
                Role::Both => "",
                Role::Prefill => "prefill: ",
                Role::Decode => "decode: ",
            };
            let mut row = |name: &str, value: String| rows.push((format!("{role}{name}"), value));
            let ranks = if made.ranks > 1 { format!(" of {} ranks in step", made.ranks) } else { String::new() };
            row("replicas", format!("{}{ranks}", made.cells));
            row("scheduler", settings.policy.name().into());
            row("tokens of a step", settings.token_budget.to_string());
            row("sequences at once", settings.max_sequences.to_string());
            if let Some(blocks) = settings.blocks {
                let tokens = blocks * u64::from(settings.block_tokens);
                row("cache of a rank", format!("{tokens} tokens in blocks of {}", settings.block_tokens));
            }
            row("planned ahead", if settings.ahead { "yes" } else { "no" }.into());
            if let Some(s) = &settings.speculation {
                let gain = s.tokens_per_step();
                row("speculation", format!("{} tokens, {} accepted: {gain:.2} a step", s.draft_tokens, s.acceptance));
            }
        }
        rows.push(("routing".into(), self.routing.name().into()));
        rows.push(("weights".into(), self.format.name().into()));
        rows.push(("seed".into(), self.seed.to_string()));
        rows
    }
}
