//! `lanewright workload tiers`: caches kept in DDR, CXL memory or flash, against computing them again.

use clap::Args;
use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::kernel::Calibration;
use lanewright_workload::layout::Layout;
use lanewright_workload::layout::memory::Memory;
use lanewright_workload::predict::predictor::Predictor;
use lanewright_workload::predict::row::checkpoint;
use lanewright_workload::predict::steady::TOKEN_BUDGET;
use lanewright_workload::tier::Tier;
use lanewright_workload::tier::offload::{Offload, Replica, Traffic};
use serde_json::json;

use super::search::{BackendArg, band, formats, layout, model};
use crate::number::{count, figures};
use crate::terminal::table;
use crate::verbs::link::com::bad_input;
use crate::verbs::{CatalogueArgs, Exit, Outcome, json_text};
use crate::{disk, problems};

/// Words for tiers, the part of the catalogue that they mean, and how many of them a node has unless it is said: two
/// sockets of eight modules, four controllers, eight drives.
const WORDS: [(&str, &str, u32); 3] =
    [("ddr", "ddr5/rdimm-64g-5600", 16), ("cxl", "astera/leo-p", 4), ("nvme", "generic/ssd-pcie5-e1s", 8)];

/// Module that prices the memory behind bare controllers, and whose latency they add to.
const MODULE: &str = "ddr5/rdimm-64g-5600";

/// Options of `workload tiers`.
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "A tier is hbm, ddr, cxl, nvme or a part of the catalogue, with :COUNT parts in the node; ddr is 16 modules of 64 GB,
cxl four Leo controllers with 2 TB each, nvme eight PCIe 5 drives. A hit loads its prefix from the tier over the links
between host and devices; without one it is computed again. Latency of CXL adds to that of the host's own memory.

Examples:
  lanewright workload tiers --model llama-3.1-70b --device h100-sxm --tp 8 --input 8192 --hit-ratio 0.6
  lanewright workload tiers --model llama-3.1-8b --device h100-sxm --input 32768 --prefix 30000 --output 256 \\
                            --tier hbm,ddr:32,astera/leo-p:8,nvme --json
  lanewright workload tiers --model deepseek-v3 --device h200-sxm --tp 8 --format fp8 --input 65536 --tier ddr,cxl

Exit code 0; 2 when an argument is wrong or the model does not fit."
)]
pub struct TiersArgs {
    /// Model: a built-in name, or a config.json from disk
    #[arg(long, value_name = "NAME")]
    pub model: String,
    /// Device of the catalogue
    #[arg(long, value_name = "NAME")]
    pub device: String,
    /// Devices that share every matrix
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub tp: u32,
    /// Replicas that share the node's tiers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub replicas: u32,
    /// Format of the checkpoint
    #[arg(long, value_name = "FORMAT", default_value = "fp8")]
    pub format: String,
    /// Engine
    #[arg(long, value_enum, default_value_t = BackendArg::Vllm)]
    pub backend: BackendArg,
    /// Tokens of a prompt
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    pub input: u32,
    /// Tokens of it that a hit finds; by default three quarters
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub prefix: Option<u32>,
    /// Tokens of an answer
    #[arg(long = "output", value_name = "TOKENS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub answer: u32,
    /// Share of requests whose prefix lies in the tier
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub hit_ratio: f64,
    /// Sequences that decode at once, at most
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub batch: u32,
    /// Tiers to compare
    #[arg(long, value_name = "TIER[:COUNT],..", value_delimiter = ',', default_value = "hbm,ddr,cxl,nvme")]
    pub tier: Vec<String>,
    /// Bandwidth between host and device, each direction; 55 is PCIe 5.0 x16 as copies reach it (an estimate)
    #[arg(long, value_name = "GB/s", default_value_t = 55.0)]
    pub host_gbytes_per_s: f64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// A tier by name: the device's own memory, or parts.
enum Named {
    Own,
    Below(Tier),
}

struct Line {
    name: String,
    tier: Option<(Tier, Offload)>,
}

/// Runs `workload tiers`.
pub fn run(args: &TiersArgs, colour: bool) -> Outcome {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut problems);
    if problems.has_errors() {
        return Outcome::bad_input(problems::draw(&problems, &texts, colour));
    }
    match answer(args, &catalogue) {
        Ok(out) => Outcome { out, err: String::new(), exit: Exit::Clean },
        Err(why) => bad_input(&format!("{why}\n"), args.json),
    }
}

fn named(text: &str, catalogue: &Catalogue) -> Result<(String, Named), String> {
    let (name, wanted) = match text.split_once(':') {
        Some((name, number)) => {
            let number: u32 = number.parse().ok().filter(|number| (1..=4096).contains(number)).ok_or_else(|| {
                format!("`{text}` asks for `{number}` parts; expected a whole number from 1 to 4096, such as ddr:16")
            })?;
            (name, Some(number))
        }
        None => (text, None),
    };
    if name == "hbm" {
        return Ok((name.into(), Named::Own));
    }
    let (part, usual) =
        WORDS.iter().find(|(word, ..)| *word == name).map_or((name, 1), |(_, part, usual)| (*part, *usual));
    let find = |id: &str| catalogue.find_part(id).map(|id| catalogue.part(id));
    let part = find(part).ok_or_else(|| {
        format!("`{name}` is no tier: expected hbm, ddr, cxl, nvme or a part of the catalogue (lanewright parts)")
    })?;
    // Parts that speak CXL state what they add to the host's own memory; bare controllers carry no modules.
    let speaks = part.port.iter().flat_map(|group| &group.protocols).any(|protocol| protocol.value.starts_with("cxl/"));
    let module = find(MODULE).filter(|_| speaks);
    let module = module.map(|module| Tier::from_part(module, 1, Estimate::default(), None)).transpose()?;
    let bare = part.id.value.starts_with("astera/leo") || part.id.value.ends_with("-controller");
    let local = module.as_ref().map_or_else(Estimate::default, |module| module.latency);
    let priced = module.as_ref().filter(|_| bare).and_then(Tier::usd_per_gb);
    let tier = Tier::from_part(part, wanted.unwrap_or(usual), local, priced)?;
    Ok((name.into(), Named::Below(tier)))
}

fn answer(args: &TiersArgs, catalogue: &Catalogue) -> Result<String, String> {
    let device = Accelerator::find(catalogue, &args.device)?;
    let (model, mut notes) = model(&args.model)?;
    let format = formats(std::slice::from_ref(&args.format))?[0];
    let expert = if model.has_experts() { args.tp } else { 1 };
    let spread = Layout { tensor: args.tp, data: 1, expert, pipeline: 1 };
    spread.check(&model)?;
    let precision = checkpoint(&model, format, format);
    let tokens = f64::from(args.input) + f64::from(args.answer);
    let memory = Memory::of(&model, &spread, &precision, device.memory_bytes, tokens, f64::from(TOKEN_BUDGET));
    let mut predictor = Predictor::new(Calibration::built_in(), None);
    let engine = predictor.engines(&device, args.backend.name(), "").engine(&model, &spread, &precision);
    let replica = Replica {
        cost: &*engine,
        layout: spread,
        memory,
        host_link: args.host_gbytes_per_s * 1e9,
        sharing: f64::from(args.replicas),
    };
    let traffic = Traffic {
        input: args.input,
        prefix: args.prefix.unwrap_or(args.input / 4 * 3).max(1),
        output: args.answer,
        hit_ratio: args.hit_ratio,
        batch: args.batch,
    };
    let mut lines = Vec::new();
    for text in &args.tier {
        let (name, named) = named(text.trim(), catalogue)?;
        let tier = match named {
            Named::Own => None,
            Named::Below(tier) => {
                let found = replica.offload(&tier, &traffic)?;
                Some((tier, found))
            }
        };
        lines.push(Line { name, tier });
    }
    memory.check(tokens)?;
    if lines.iter().filter_map(|line| line.tier.as_ref()).any(|(tier, _)| tier.weak) {
        notes.push("figures of these parts rest in part on estimates; see `lanewright parts NAME`".into());
    }
    for line in &lines {
        if let Some((tier, _)) = &line.tier {
            notes.push(format!("{}: {} x {}, {} W", line.name, tier.count, tier.part, figures(tier.power_w, 3)));
        }
    }
    notes.push(
        "times of prompts and rates are those of kernels alone, bands of engines around them estimates; the share of \
         links' rates that copies reach is an estimate of 60 to 95 %"
            .into(),
    );
    if args.json {
        return Ok(as_json(args, &replica, &traffic, &lines, &notes));
    }
    let mut out = format!(
        "{} in {} on {} x {} ({}), prompts of {} tokens with a prefix of {}, answers of {}, {:.0} % hits\n\n",
        model.name,
        format.name(),
        args.tp,
        device.name,
        layout(&spread),
        count(args.input.into()),
        count(traffic.prefix.into()),
        count(args.answer.into()),
        args.hit_ratio * 100.0
    );
    out.push_str(&text(&replica, &traffic, &lines));
    for note in notes {
        out.push_str(&format!("note: {note}\n"));
    }
    Ok(out)
}

const HEADS: [&str; 11] = [
    "TIER",
    ">GB",
    ">GB/s",
    ">USD/GB",
    ">PREFIXES",
    ">SEQUENCES",
    ">LOAD ms",
    ">COMPUTE ms",
    ">EVEN AT tokens",
    ">TTFT ms",
    ">TOKENS/S",
];

fn text(replica: &Replica<'_>, traffic: &Traffic, lines: &[Line]) -> String {
    let whole = f64::from(traffic.input) + f64::from(traffic.output);
    let devices = f64::from(replica.layout.devices());
    let of = |bytes: f64| figures(bytes * 1e-9, 4);
    let number = |value: f64| if value.is_finite() { count(value.max(0.0) as u64) } else { "any".into() };
    let without = lines.iter().find_map(|line| line.tier.as_ref()).map(|(_, found)| *found);
    let rows = lines
        .iter()
        .map(|line| match &line.tier {
            None => vec![
                line.name.clone(),
                of(replica.memory.cache.max(0.0) * devices),
                String::new(),
                String::new(),
                number(replica.held(f64::from(traffic.prefix)).floor()),
                number(replica.held(whole).floor()),
                String::new(),
                without.map_or_else(String::new, |found| band(found.recompute, 1e3)),
                String::new(),
                without.map_or_else(String::new, |found| band(found.ttft_without, 1e3)),
                without.map_or_else(String::new, |found| band(found.rate_without, 1.0)),
            ],
            Some((tier, found)) => vec![
                line.name.clone(),
                of(tier.capacity),
                band(tier.bandwidth, 1e-9),
                tier.usd_per_gb().map_or_else(|| "-".into(), |usd| band(usd, 1.0)),
                number(found.prefixes),
                number((tier.capacity / replica.sharing / replica.bytes(whole)).floor()),
                band(found.load, 1e3),
                band(found.recompute, 1e3),
                found.break_even[1].map_or_else(|| "never".into(), |tokens| count(tokens.into())),
                band(found.ttft_with, 1e3),
                format!("{}{}", band(found.rate_with, 1.0), if found.bound_by_tier { " tier-bound" } else { "" }),
            ],
        })
        .collect();
    let title = "TIERS (prefixes and sequences are those held; TTFT of an idle engine; tokens/s of a full replica)";
    table(title, &HEADS, rows)
}

fn as_json(args: &TiersArgs, replica: &Replica<'_>, traffic: &Traffic, lines: &[Line], notes: &[String]) -> String {
    let whole = f64::from(traffic.input) + f64::from(traffic.output);
    let tiers: Vec<_> = lines
        .iter()
        .map(|line| match &line.tier {
            None => json!({
                "name": line.name,
                "capacity_bytes": replica.memory.cache.max(0.0) * f64::from(replica.layout.devices()),
                "prefixes": replica.held(f64::from(traffic.prefix)).floor(),
                "sequences": replica.held(whole).floor(),
            }),
            Some((tier, found)) => json!({
                "name": line.name,
                "part": tier.part,
                "count": tier.count,
                "capacity_bytes": tier.capacity,
                "bandwidth_bytes_per_s": tier.bandwidth,
                "latency_s": tier.latency,
                "usd_per_gb": tier.usd_per_gb(),
                "power_w": tier.power_w,
                "rests_on_estimates": tier.weak,
                "prefixes": found.prefixes,
                "sequences": (tier.capacity / replica.sharing / replica.bytes(whole)).floor(),
                "prefix_bytes": found.prefix_bytes,
                "load_s": found.load,
                "recompute_s": found.recompute,
                "break_even_tokens": { "low": found.break_even[0], "likely": found.break_even[1], "high": found.break_even[2] },
                "ttft_without_s": found.ttft_without,
                "ttft_with_s": found.ttft_with,
                "tokens_per_s_without": found.rate_without,
                "tokens_per_s_with": found.rate_with,
                "bound_by_tier": found.bound_by_tier,
            }),
        })
        .collect();
    json_text(json!({
        "model": args.model,
        "device": args.device,
        "traffic": traffic,
        "memory_bytes": replica.memory,
        "tiers": tiers,
        "notes": notes,
    }))
}
