//! Attention kernels refitted to measured rows with a hold-out, and judged on what was held out.
//!
//! Needs `LANEWRIGHT_CORPUS`: the folder that holds `workload/kernels/*_attention.csv.gz` (measured by the makers of
//! aiconfigurator, Apache-2.0).

use std::io::Read as _;
use std::path::PathBuf;

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::fit::calibration::{Fitted, Resolved};
use lanewright_workload::fit::law::HoldOut;
use lanewright_workload::fit::split::held_out;
use lanewright_workload::fit::spread::Errors;
use lanewright_workload::kernel::context_attention::ContextAttention;
use lanewright_workload::kernel::generation_attention::{GenerationAttention, Sharing};
use lanewright_workload::kernel::table::Table;

const HOLD_OUT: HoldOut = HoldOut { seed: 1, share: 0.3 };

fn table(file: &str) -> Table {
    let folder = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS: the folder with measured data");
    let path = PathBuf::from(folder).join("workload/kernels").join(file);
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("gzip of text");
    Table::read(file, &text).expect("columns")
}

/// Peaks as the makers publish them (dense, one direction of the links); processors are those of the shipped dies.
fn device(name: &str) -> Accelerator {
    let (bf16, fp8, bandwidth, processors, scale_up) = match name {
        "a100_sxm" => (312e12, None, 2.039e12, 108, 300e9),
        "h100_sxm" => (989e12, Some(1979e12), 3.35e12, 132, 450e9),
        "b200_sxm" => (2250e12, Some(4500e12), 7.7e12, 148, 900e9),
        other => panic!("no such device {other}"),
    };
    Accelerator {
        id: format!("nvidia/{}", name.replace('_', "-")),
        name: name.to_owned(),
        fp32: None,
        bf16: Some(bf16),
        fp8,
        int8: None,
        fp4: None,
        equivalent: None,
        memory_bytes: 80e9,
        bandwidth,
        scale_up,
        processors: Some(processors),
        power_w: 700.0,
        price_usd: None,
        weak: false,
    }
}

fn resolved(fit: &Fitted) -> Resolved<'_> {
    Resolved { fit, spread: fit.spread.clone(), measured: true }
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Held,
    All,
}

/// Predictions of context attention on `device`'s rows with `fits`, against what was measured.
fn context_pairs(table: &Table, device: &Accelerator, fits: &[Fitted], part: Part) -> Vec<(Estimate, f64)> {
    let mut pairs = Vec::new();
    for row in 0..table.len() {
        if part == Part::Held && !held_out(HOLD_OUT.seed, HOLD_OUT.share, table.cells_without(row, "latency")) {
            continue;
        }
        let (shape, query) = ContextAttention::query(table, row).expect("a row");
        let Some(fit) = fits.iter().find(|fit| fit.variant == shape.variant()) else { continue };
        let model = ContextAttention::new(&resolved(fit), device, &shape).expect("a rate");
        pairs.push((model.estimate(&query), table.milliseconds(row, "latency").expect("a time")));
    }
    pairs
}

fn generation_pairs(table: &Table, device: &Accelerator, fits: &[Fitted], part: Part) -> Vec<(Estimate, f64)> {
    let mut pairs = Vec::new();
    for row in 0..table.len() {
        if part == Part::Held && !held_out(HOLD_OUT.seed, HOLD_OUT.share, table.cells_without(row, "latency")) {
            continue;
        }
        let (shape, query) = GenerationAttention::query(table, row).expect("a row");
        if table.file().starts_with("a100") && Sharing::of(&shape) != Sharing::Single {
            continue;
        }
        let variant = GenerationAttention::variant(&shape);
        let Some(fit) = fits.iter().find(|fit| fit.variant == variant) else { continue };
        let model = GenerationAttention::new(&resolved(fit), device, &shape).expect("a rate");
        pairs.push((model.estimate(&query), table.milliseconds(row, "latency").expect("a time")));
    }
    pairs
}

fn show(what: &str, errors: &Errors) {
    println!(
        "{what}: {} rows, median {:.1} %, p90 {:.1} %, mean {:.1} %, lean {:+.1} %, inside {:.0} %",
        errors.rows,
        errors.median * 100.0,
        errors.p90 * 100.0,
        errors.mean * 100.0,
        errors.lean * 100.0,
        errors.inside * 100.0
    );
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn held_out_context_attention_is_met() {
    for name in ["a100_sxm", "h100_sxm", "b200_sxm"] {
        let (table, device) = (table(&format!("{name}_context_attention.csv.gz")), device(name));
        let fits = ContextAttention::fit(&device, &table, HOLD_OUT, false).expect("a fit");
        for fit in &fits {
            show(&format!("context {name} {} {:?}", fit.variant, fit.constants), &fit.errors);
        }
        let errors = Errors::of(&context_pairs(&table, &device, &fits, Part::Held));
        show(&format!("context {name}"), &errors);
        assert!(errors.median <= 0.10 && errors.p90 <= 0.25, "{name}: {errors:?}");
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn held_out_generation_attention_is_met() {
    for name in ["a100_sxm", "h100_sxm", "b200_sxm"] {
        let (table, device) = (table(&format!("{name}_generation_attention.csv.gz")), device(name));
        let fits = GenerationAttention::fit(&device, &table, HOLD_OUT, false).expect("a fit");
        for fit in &fits {
            show(&format!("generation {name} {} {:?}", fit.variant, fit.constants), &fit.errors);
        }
        let errors = Errors::of(&generation_pairs(&table, &device, &fits, Part::Held));
        show(&format!("generation {name}"), &errors);
        assert!(errors.median <= 0.10 && errors.p90 <= 0.25, "{name}: {errors:?}");
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn attention_of_a_device_from_another_is_near() {
    for (donor, target) in
        [("a100_sxm", "h100_sxm"), ("h100_sxm", "b200_sxm"), ("h100_sxm", "a100_sxm"), ("b200_sxm", "h100_sxm")]
    {
        let (from, to) = (device(donor), device(target));
        let fits = ContextAttention::fit(&from, &table(&format!("{donor}_context_attention.csv.gz")), HOLD_OUT, true)
            .expect("a fit");
        let rows = table(&format!("{target}_context_attention.csv.gz"));
        let errors = Errors::of(&context_pairs(&rows, &to, &fits, Part::All));
        show(&format!("context {target} from {donor}"), &errors);
        let fits =
            GenerationAttention::fit(&from, &table(&format!("{donor}_generation_attention.csv.gz")), HOLD_OUT, true)
                .expect("a fit");
        let rows = table(&format!("{target}_generation_attention.csv.gz"));
        let errors = Errors::of(&generation_pairs(&rows, &to, &fits, Part::All));
        show(&format!("generation {target} from {donor}"), &errors);
    }
}
