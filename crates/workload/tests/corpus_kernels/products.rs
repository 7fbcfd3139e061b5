//! Dense and grouped products refitted with a hold-out, and the built-in calibration against a refit.

use std::path::Path;

use lanewright_model::catalogue::{Catalogue, Layer};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::fit::calibration::OperatorFits;
use lanewright_workload::kernel::{Calibration, Measured, OPERATORS, gemm, moe};

use super::{HOLD_OUT, show, table};

fn catalogue() -> Catalogue {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue");
    let mut layer = Layer::new();
    for entry in std::fs::read_dir(folder).expect("the catalogue").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(entry.path()).expect("a text");
            layer.push((entry.file_name().to_string_lossy().into_owned(), text.into()));
        }
    }
    Catalogue::load(&[layer], &mut Texts::new(), &mut Problems::new())
}

fn refit(operator: &str) -> OperatorFits {
    let catalogue = catalogue();
    let measured: Vec<Measured> = ["a100_sxm", "b200_sxm", "h100_sxm"]
        .iter()
        .map(|name| Measured {
            device: Accelerator::find(&catalogue, name).expect("in the catalogue"),
            table: table(&format!("{name}_{operator}.csv.gz")),
        })
        .collect();
    let (_, calibrate) = OPERATORS.iter().find(|(name, _)| *name == operator).expect("an operator");
    calibrate(&measured, HOLD_OUT).expect("a fit")
}

/// The built-in file is what these rows give, byte for byte; else the fresh one lies where the message says.
fn as_built_in(fits: &OperatorFits) {
    let fresh = fits.write();
    let built_in = Calibration::built_in().operator(&fits.operator).map(OperatorFits::write);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.json", fits.operator));
    std::fs::write(&path, &fresh).expect("a temporary file");
    assert!(built_in.as_deref() == Some(fresh.as_str()), "the built-in fit is another than {}", path.display());
}

fn shown(fits: &OperatorFits) {
    for fit in &fits.fits {
        show(&format!("{} {} {}", fits.operator, fit.device, fit.variant), &fit.errors);
    }
    for trial in &fits.trials {
        show(&format!("{} {} from {} {}", fits.operator, trial.target, trial.donor, trial.variant), &trial.errors);
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn held_out_products_are_met() {
    let fits = refit(gemm::NAME);
    shown(&fits);
    assert_eq!(fits.fits.len(), 10);
    for fit in &fits.fits {
        let errors = &fit.errors;
        assert!(errors.median <= 0.10 && errors.p90 <= 0.25, "{} {}: {errors:?}", fit.device, fit.variant);
        assert!((0.74..=0.86).contains(&errors.inside), "{} {}: {errors:?}", fit.device, fit.variant);
    }
    as_built_in(&fits);
}

/// Fits whose ninetieth percentile the rows themselves do not allow: of the 16-bit experts of H100, 11 % were measured two
/// to ten times slower than their neighbours in tokens and layout, and no model tried (a forest of trees on all columns
/// among them: 37 %) tells them apart on rows that it did not see.
const ODD: [(&str, &str); 1] = [("nvidia/h100-sxm", "moe_torch_flow_cutlass/bf16")];

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn held_out_experts_are_met() {
    let fits = refit(moe::NAME);
    shown(&fits);
    assert_eq!(fits.fits.len(), 17);
    for fit in &fits.fits {
        let errors = &fit.errors;
        let odd = ODD.contains(&(fit.device.as_str(), fit.variant.as_str()));
        let limit = if odd { 0.35 } else { 0.25 };
        assert!(errors.median <= 0.10 && errors.p90 <= limit, "{} {}: {errors:?}", fit.device, fit.variant);
    }
    as_built_in(&fits);
}
