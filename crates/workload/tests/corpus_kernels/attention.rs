//! Attention refitted with a hold-out.

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::fit::calibration::Fitted;
use lanewright_workload::fit::split::held_out;
use lanewright_workload::fit::spread::Errors;
use lanewright_workload::kernel::context_attention::ContextAttention;
use lanewright_workload::kernel::generation_attention::{GenerationAttention, Sharing};
use lanewright_workload::kernel::table::Table;

use super::{HOLD_OUT, device, resolved, show, table};

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
