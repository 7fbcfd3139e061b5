//! Collectives refitted with a hold-out.

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::fit::calibration::Fitted;
use lanewright_workload::fit::split::held_out;
use lanewright_workload::fit::spread::Errors;
use lanewright_workload::kernel::collective::{CollectiveModel, CollectiveRow, engine_row, library_row};
use lanewright_workload::kernel::table::Table;

use super::{HOLD_OUT, device, resolved, show, table};

type Pairs = Vec<(Estimate, f64)>;

fn pairs(
    tables: &[Table],
    device: &Accelerator,
    fits: &[Fitted],
    all: bool,
    of_row: fn(&Table, usize) -> Result<CollectiveRow, String>,
) -> Pairs {
    let mut pairs = Vec::new();
    for table in tables {
        for at in 0..table.len() {
            if !all && !held_out(HOLD_OUT.seed, HOLD_OUT.share, table.cells_without(at, "latency")) {
                continue;
            }
            let row = of_row(table, at).expect("a row");
            let fit = CollectiveModel::choose(fits, &fits[0].device, &row.variant, row.version.as_deref());
            let fit = fit.expect("a fit of every kernel");
            let model =
                CollectiveModel::new(&resolved(fit), device, row.collective, row.version.as_deref()).expect("a rate");
            let estimate = model.estimate(row.ranks, row.bytes, row.integer);
            let seconds = table.milliseconds(at, "latency").expect("a time");
            if std::env::var("WORST").is_ok() && (estimate.likely / seconds).ln().abs() > 0.25 {
                println!("  {row:?} {:.1} {:.1}", estimate.likely * 1e6, seconds * 1e6);
            }
            pairs.push((estimate, seconds));
        }
    }
    pairs
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn held_out_library_collectives_are_met() {
    for (name, files) in [
        ("a100_sxm", vec!["a100_sxm_nccl.csv.gz"]),
        ("h100_sxm", vec!["h100_sxm_nccl.csv.gz"]),
        ("h200_sxm", vec!["h200_sxm_nccl.csv.gz"]),
        ("b200_sxm", vec!["b200_sxm_nccl.csv.gz"]),
        ("gb200", vec!["gb200_nccl_2.23.csv.gz", "gb200_nccl_2.29.2.csv.gz"]),
    ] {
        let tables: Vec<Table> = files.into_iter().map(table).collect();
        let device = device(name);
        let fits = CollectiveModel::fit_library(&device, &tables, HOLD_OUT, false).expect("a fit");
        for fit in &fits {
            show(&format!("nccl {name} {} {:?}", fit.variant, fit.constants), &fit.errors);
        }
        let errors = Errors::of(&pairs(&tables, &device, &fits, false, library_row));
        show(&format!("nccl {name}"), &errors);
        assert!(errors.median <= 0.10 && errors.p90 <= 0.25, "{name}: {errors:?}");
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn held_out_engine_all_reduces_are_met() {
    for name in ["a100_sxm", "h100_sxm", "h200_sxm", "b200_sxm"] {
        let tables = [table(&format!("{name}_custom_allreduce.csv.gz"))];
        let device = device(name);
        let fits = CollectiveModel::fit_engine(&device, &tables, HOLD_OUT, false).expect("a fit");
        for fit in &fits {
            show(&format!("custom {name} {} {:?}", fit.variant, fit.constants), &fit.errors);
        }
        let errors = Errors::of(&pairs(&tables, &device, &fits, false, engine_row));
        show(&format!("custom {name}"), &errors);
        assert!(errors.median <= 0.10 && errors.p90 <= 0.35, "{name}: {errors:?}");
    }
}
