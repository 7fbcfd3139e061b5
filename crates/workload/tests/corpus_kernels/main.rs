//! Kernels refitted to measured rows with a hold-out, and judged on what was held out.
//!
//! Needs `LANEWRIGHT_CORPUS`: the folder that holds `workload/kernels/` (measured by the makers of aiconfigurator,
//! Apache-2.0).

mod attention;
mod chunked;
mod collective;
mod products;

use std::io::Read as _;
use std::path::PathBuf;

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::fit::law::HoldOut;
use lanewright_workload::fit::split::held_out;
use lanewright_workload::fit::spread::Errors;
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

/// The rows of a table that the hold-out took, as a table.
fn held(table: &Table) -> Table {
    let quoted = |cells: Vec<&str>| cells.join(",");
    let mut text = table.header().join(",");
    for row in 0..table.len() {
        if held_out(HOLD_OUT.seed, HOLD_OUT.share, table.cells_without(row, "latency")) {
            text.push('\n');
            text += &quoted(table.cells(row).collect());
        }
    }
    Table::read(table.file(), &text).expect("columns")
}

/// Peaks as the makers publish them (dense, one direction of the links); processors are those of the shipped dies.
fn device(name: &str) -> Accelerator {
    let (id, bf16, fp8, bandwidth, processors, scale_up) = match name {
        "a100_sxm" => ("nvidia/a100-sxm", 312e12, None, 2.04e12, 108, 300e9),
        "h100_sxm" => ("nvidia/h100-sxm", 989e12, Some(1979e12), 3.35e12, 132, 450e9),
        "h200_sxm" => ("nvidia/h200-sxm", 989e12, Some(1979e12), 4.8e12, 132, 450e9),
        "b200_sxm" => ("nvidia/b200", 2250e12, Some(4500e12), 8.0e12, 148, 900e9),
        "gb200" => ("nvidia/gb200-gpu", 2500e12, Some(5000e12), 8.0e12, 148, 900e9),
        other => panic!("no such device {other}"),
    };
    Accelerator {
        id: id.to_owned(),
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

/// Prints errors.
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

/// Prints errors, and holds their limits.
fn judge(what: &str, pairs: &[(Estimate, f64)], (median, p90): (f64, f64)) {
    let errors = Errors::of(pairs);
    show(what, &errors);
    assert!(errors.rows > 0 && errors.median <= median && errors.p90 <= p90, "{what}: {errors:?}");
}
