//! `lanewright workload kernels`: how long single kernels take on a device.

use std::path::PathBuf;

use clap::Args;
use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::batch::{self, Answer};
use lanewright_workload::kernel::table::Table;
use lanewright_workload::kernel::{Calibration, Kernels, gemm};
use serde_json::json;

use crate::disk;
use crate::number::figures;
use crate::report::workload::roofline::{self, Roofline};
use crate::terminal::table;
use crate::verbs::{CatalogueArgs, Exit, Outcome, json_text};

/// Most bytes of a file of rows, unpacked.
const LIMIT_BYTES: usize = 512 << 20;

/// Options of `workload kernels`.
#[derive(Args, Debug)]
#[command(
    after_help = "A file of rows has the columns of the operator, in any order; others are passed through, and a measured `latency` is
ignored. Added are predicted_latency_ms, predicted_low_ms and predicted_high_ms (which hold 80 % of measurements) and
calibrated_on. Columns:
  gemm                 gemm_dtype m n k
  context_attention    batch_size isl num_heads num_key_value_heads head_dim attn_dtype kv_cache_dtype step
  generation_attention the same; the context is isl + step
  moe                  kernel_source moe_dtype num_tokens hidden_size inter_size topk num_experts moe_tp_size moe_ep_size distribution
  nccl                 op_name nccl_dtype num_gpus message_size (elements) nccl_version
  custom_allreduce     fw kernel_source allreduce_dtype num_gpus message_size (elements)

A device without measured kernels takes those of the nearest one: its own roofline, the other's overhead beyond it, and a
wider band. `lanewright workload calibrate` measures what such a transfer misses.

Examples:
  lanewright workload kernels --device h200-sxm --op gemm --batch ROWS.csv.gz -o OUT.csv
  lanewright workload kernels --device h100 --op gemm --format fp8 --m 64 --n 8192 --k 7168
  lanewright workload kernels --device mi300x --op gemm --n 28672 --k 8192 -o roofline.html"
)]
pub struct KernelsArgs {
    /// Accelerator: a part of the catalogue, or a spelling in use (h200-sxm, gb200, mi300x, tpu-v6e)
    #[arg(long, value_name = "NAME")]
    pub device: String,
    /// Operator: gemm, context_attention, generation_attention, moe, nccl, custom_allreduce
    #[arg(long, value_name = "NAME", default_value = "gemm")]
    pub op: String,
    /// File of rows: CSV, may be packed with gzip
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// Format of a single product
    #[arg(long, value_name = "FORMAT", default_value = "bf16", conflicts_with = "batch")]
    pub format: String,
    /// Rows of the activations; without it, 1 to 16384
    #[arg(long, conflicts_with = "batch", value_parser = clap::value_parser!(u32).range(1..))]
    pub m: Option<u32>,
    /// Columns of the result
    #[arg(long, conflicts_with = "batch", value_parser = clap::value_parser!(u32).range(1..))]
    pub n: Option<u32>,
    /// Depth
    #[arg(long, conflicts_with = "batch", value_parser = clap::value_parser!(u32).range(1..))]
    pub k: Option<u32>,
    /// Write here: .csv for a file of rows, .html for a roofline of products
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Runs `workload kernels`.
pub fn run(args: &KernelsArgs, colour: bool) -> Outcome {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut problems);
    if problems.has_errors() {
        return Outcome::bad_input(crate::problems::draw(&problems, &texts, colour));
    }
    match answered(args, &catalogue) {
        Ok(outcome) => outcome,
        Err(why) => Outcome::bad_input(format!("error: {why}\n")),
    }
}

fn answered(args: &KernelsArgs, catalogue: &Catalogue) -> Result<Outcome, String> {
    let device = Accelerator::find(catalogue, &args.device)?;
    if !batch::NAMES.contains(&args.op.as_str()) {
        return Err(format!("no operator is called `{}`; known are {}", args.op, batch::NAMES.join(", ")));
    }
    match &args.batch {
        Some(path) => rows(args, &device, path),
        None if args.op != gemm::NAME => {
            Err(format!("give a file of rows with --batch; single shapes are answered for gemm, not for {}", args.op))
        }
        None => products(args, &device),
    }
}

/// Milliseconds as files hold them: six digits that count.
fn ms(seconds: f64) -> String {
    format!("{:.5e}", seconds * 1e3).parse::<f64>().map(|value| value.to_string()).unwrap_or_default()
}

fn rows(args: &KernelsArgs, device: &Accelerator, path: &std::path::Path) -> Result<Outcome, String> {
    let name = path.display().to_string();
    let text = disk::read_packed(path, LIMIT_BYTES).map_err(|why| format!("{name}: {why}"))?;
    let table = Table::read(&name, &text)?;
    let answers = batch::predict(&args.op, &table, device, Calibration::built_in())?;
    let out = if args.json { rows_json(args, device, &answers) } else { rows_csv(&table, &answers)? };
    match &args.output {
        Some(path) => {
            disk::write(path, out.as_bytes())?;
            Ok(Outcome {
                out: String::new(),
                err: format!("wrote {} ({} rows on {})\n", path.display(), answers.len(), device.name),
                exit: Exit::Clean,
            })
        }
        None => Ok(Outcome::clean(out)),
    }
}

/// What is added to every row.
const ADDED: [&str; 4] = ["predicted_latency_ms", "predicted_low_ms", "predicted_high_ms", "calibrated_on"];

fn rows_csv(table: &Table, answers: &[Answer]) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // A file that was answered before is answered anew: columns of ours do not stand there twice.
    let kept: Vec<usize> =
        (0..table.header().len()).filter(|at| !ADDED.contains(&table.header()[*at].as_str())).collect();
    let broken = |error: csv::Error| format!("{}: {error}", table.file());
    let header = kept.iter().map(|at| table.header()[*at].as_str()).chain(ADDED);
    writer.write_record(header).map_err(broken)?;
    for (row, answer) in answers.iter().enumerate() {
        let cells: Vec<&str> = table.cells(row).collect();
        let Estimate { low, likely, high } = answer.time;
        let added = [ms(likely), ms(low), ms(high), answer.calibrated_on.to_string()];
        let all = kept.iter().filter_map(|at| cells.get(*at).copied()).chain(added.iter().map(String::as_str));
        writer.write_record(all).map_err(broken)?;
    }
    let bytes = writer.into_inner().map_err(|error| format!("{}: {error}", table.file()))?;
    String::from_utf8(bytes).map_err(|_| format!("{}: it is not text", table.file()))
}

fn rows_json(args: &KernelsArgs, device: &Accelerator, answers: &[Answer]) -> String {
    let rows: Vec<serde_json::Value> = answers
        .iter()
        .map(|answer| json!({ "time_s": answer.time, "calibrated_on": answer.calibrated_on.as_ref() }))
        .collect();
    json_text(json!({ "device": device, "op": args.op, "rows": rows }))
}

/// Single products: a table of them, JSON, or a roofline.
fn products(args: &KernelsArgs, device: &Accelerator) -> Result<Outcome, String> {
    let (Some(n), Some(k)) = (args.n, args.k) else {
        return Err("give --batch FILE, or a product with --n and --k (and --m)".into());
    };
    let format = Format::from_name(&args.format).ok_or_else(|| {
        format!("no format is called `{}`; known are {}", args.format, Format::ALL.map(Format::name).join(", "))
    })?;
    let kernels = Kernels::for_device(device, Calibration::built_in());
    let kernel = kernels.gemm_kernel(format);
    let sizes: Vec<u32> = args.m.map_or_else(|| (0..=14).map(|power| 1 << power).collect(), |m| vec![m]);
    let roofline = Roofline::new(device, format, kernel, (f64::from(n), f64::from(k)), &sizes);
    if let Some(path) = &args.output {
        if path.extension().is_none_or(|extension| extension != "html") {
            return Err(format!("{}: a roofline is written as .html; rows of --batch as .csv", path.display()));
        }
        disk::write(path, roofline::html(&roofline).as_bytes())?;
    }
    if args.json {
        let points: Vec<serde_json::Value> = roofline
            .points
            .iter()
            .map(|point| {
                json!({
                    "m": point.m,
                    "n": n,
                    "k": k,
                    "time_s": point.time,
                    "operations": point.operations,
                    "bytes": point.bytes,
                    "compute_s_at_peak": point.compute,
                    "memory_s_at_peak": point.memory,
                    "floor_s": kernel.floor(),
                    "bound": point.bound,
                    "share_of_roofline": point.share,
                })
            })
            .collect();
        let calibrated_on = kernel.calibrated_on();
        let all = json!({ "device": device, "op": args.op, "format": format, "calibrated_on": calibrated_on, "points": points });
        return Ok(Outcome::clean(json_text(all)));
    }
    let us = |seconds: f64| figures(seconds * 1e6, 4);
    let lines = roofline
        .points
        .iter()
        .map(|point| {
            vec![
                point.m.to_string(),
                us(point.time.likely),
                format!("{}-{}", us(point.time.low), us(point.time.high)),
                us(point.compute),
                us(point.memory),
                point.bound.to_string(),
                format!("{:.0}", point.share * 100.0),
            ]
        })
        .collect();
    let title = format!("{} on {}: m x {k} times {k} x {n}, us", format.name(), device.name);
    let head = [">M", ">TIME", ">80 % BAND", ">COMPUTE AT PEAK", ">MEMORY AT PEAK", "BOUND", ">% OF ROOFLINE"];
    let mut out = table(&title, &head, lines);
    out += &format!("  floor of a launch {} us; calibrated on: {}\n", us(kernel.floor()), kernel.calibrated_on());
    if device.weak {
        out += "  peaks of this device rest on general knowledge or estimates\n";
    }
    let err = args.output.as_ref().map_or_else(String::new, |path| format!("wrote {}\n", path.display()));
    Ok(Outcome { out, err, exit: Exit::Clean })
}
