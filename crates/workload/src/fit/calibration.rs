//! What was fitted, where it was fitted from, and how a device without measurements gets a model.
//!
//! One [`Fitted`] per device, operator and variant (a variant is what else changes the kernel: number format, source of
//! the kernel, version of the library). A device without an entry takes that of a *donor* of the nearest generation: the
//! physics is evaluated with its own peaks, the donor's surface corrects it, and the band is widened by the error
//! that the same transfer shows between devices that were both measured ([`Trial`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spread::{Band, Errors, Spread};
use super::surface::Surface;
use crate::accelerator::lineage::kin;
use crate::estimate::Estimate;

/// Where a fit comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// File of measurements, name without folder.
    pub file: String,
    /// Rows fitted (all of the variant; the errors below are of a fit on the part that was not held out).
    pub rows: usize,
    /// Seed of the hold-out.
    pub seed: u64,
    /// Share of rows held out when errors and spread were measured.
    pub hold_out: f64,
}

/// A fitted kernel model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// Catalogue id, `nvidia/h100-sxm`.
    pub device: String,
    /// Number format, kernel source, version: as the operator spells its variants.
    pub variant: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Constants of the physics, by the operator's names (seconds, shares, bytes).
    pub constants: BTreeMap<String, f64>,
    /// Corrections, by the operator's names.
    pub surfaces: BTreeMap<String, Surface>,
    /// What single configurations take beyond their neighbours, natural logarithm in thousandths; the operator says what a
    /// name and a place in its list stand for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offsets: BTreeMap<String, Vec<i32>>,
    /// Band, measured on held-out rows.
    pub spread: Spread,
    /// Errors on held-out rows.
    pub errors: Errors,
}

impl Fitted {
    /// A constant by name, or what to take without it.
    pub fn constant(&self, name: &str, otherwise: f64) -> f64 {
        self.constants.get(name).copied().unwrap_or(otherwise)
    }
}

/// A transfer tried between two measured devices: the donor's surface on the target's physics, against the target's rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Catalogue id of the device that gave its fit.
    pub donor: String,
    /// Catalogue id of the device that was predicted as if it had no measurements.
    pub target: String,
    /// Variant of the target.
    pub variant: String,
    /// Errors on all rows of the target.
    pub errors: Errors,
    /// Quantiles of the residuals: what the band of such a transfer must cover.
    pub band: Band,
}

impl Trial {
    /// From predictions and what was measured on the target; none without rows.
    pub fn of(donor: &str, target: &str, variant: &str, pairs: &[(Estimate, f64)]) -> Option<Self> {
        let residuals: Vec<f64> = pairs.iter().map(|(estimate, measured)| (measured / estimate.likely).ln()).collect();
        Some(Self {
            donor: donor.into(),
            target: target.into(),
            variant: variant.into(),
            errors: Errors::of(pairs),
            band: Band::of(&residuals)?,
        })
    }
}

/// All fits of one operator: one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorFits {
    /// Operator, `gemm`.
    pub operator: String,
    /// Fits, by device and variant.
    pub fits: Vec<Fitted>,
    /// Transfers tried.
    pub trials: Vec<Trial>,
}

impl OperatorFits {
    /// Reads a file; the error names the line.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The file's text: one line per fit, so that changes can be read.
    pub fn write(&self) -> String {
        // Plain data with text keys cannot fail to become JSON.
        let line = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
        let fits: Vec<String> = self.fits.iter().map(|fit| line(serde_json::to_string(fit))).collect();
        let trials: Vec<String> = self.trials.iter().map(|trial| line(serde_json::to_string(trial))).collect();
        format!(
            "{{\"operator\":{},\"fits\":[\n{}\n],\"trials\":[\n{}\n]}}\n",
            line(serde_json::to_string(&self.operator)),
            fits.join(",\n"),
            trials.join(",\n")
        )
    }

    /// The fit of a device and variant.
    pub fn find(&self, device: &str, variant: &str) -> Option<&Fitted> {
        self.fits.iter().find(|fit| fit.device == device && fit.variant == variant)
    }

    /// The first of `candidates` (device, variant) that was fitted: the first of them is what was asked for, the others
    /// stand in for it, best first. A stand-in's band is widened by what such transfers were measured to miss.
    pub fn resolve<'a, 'b>(&'a self, candidates: impl IntoIterator<Item = (&'b str, &'b str)>) -> Option<Resolved<'a>> {
        let mut candidates = candidates.into_iter().peekable();
        let asked = candidates.peek().copied()?;
        let fit = candidates.find_map(|(device, variant)| self.find(device, variant))?;
        let measured = (fit.device.as_str(), fit.variant.as_str()) == asked;
        let spread = match measured {
            true => fit.spread.clone(),
            false => fit.spread.widened(self.transfer_band(fit, asked.0)),
        };
        Some(Resolved { fit, spread, measured })
    }

    /// What a transfer adds to the band: the mean (of logarithms) of the trials with this donor and variant, or of this
    /// variant, or of all; a factor of 1.5 each way where none could be tried (an estimate: trials stay within it). Within
    /// a family of devices a quarter of that, on a logarithmic scale: only memory differs there, and the four measured
    /// transfers between kin (collectives of H100 and H200) miss by less (an estimate for other operators).
    pub fn transfer_band(&self, fit: &Fitted, target: &str) -> Band {
        let mean = |trials: Vec<&Trial>| {
            let share = 1.0 / trials.len().max(1) as f64;
            let log = |of: fn(&Trial) -> f64| (trials.iter().map(|trial| of(trial).ln()).sum::<f64>() * share).exp();
            (!trials.is_empty()).then(|| Band { below: log(|t| t.band.below), above: log(|t| t.band.above) })
        };
        let of = |keep: &dyn Fn(&Trial) -> bool| mean(self.trials.iter().filter(|trial| keep(trial)).collect());
        let band = of(&|trial| trial.donor == fit.device && trial.variant == fit.variant)
            .or_else(|| of(&|trial| trial.variant == fit.variant))
            .or_else(|| of(&|_| true))
            .unwrap_or(Band { below: 1.5, above: 1.5 });
        let share = if kin(target, &fit.device) { 0.25 } else { 1.0 };
        Band { below: band.below.powf(share), above: band.above.powf(share) }
    }
}

/// A fit chosen for a device.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// The fit: the device's own, or a donor's.
    pub fit: &'a Fitted,
    /// Its band, widened where it is a donor's.
    pub spread: Spread,
    /// Whether it was fitted on this device and variant.
    pub measured: bool,
}

impl<'a> Resolved<'a> {
    /// A fit with its own band.
    pub fn plain(fit: &'a Fitted) -> Self {
        Self { fit, spread: fit.spread.clone(), measured: true }
    }

    /// What outputs say under `calibrated_on`: the device and variant, marked where they are stand-ins.
    pub fn words(&self) -> String {
        let fit = self.fit;
        let mark = if self.measured { "" } else { "transferred from " };
        format!("{mark}{} {} ({} rows)", fit.device, fit.variant, fit.origin.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::surface::Axis;
    use super::*;

    fn fits() -> OperatorFits {
        let fit = |device: &str, variant: &str| Fitted {
            device: device.into(),
            variant: variant.into(),
            origin: Origin { file: "rows.csv.gz".into(), rows: 100, seed: 1, hold_out: 0.3 },
            constants: BTreeMap::from([("floor".into(), 2e-6)]),
            surfaces: BTreeMap::from([("time".into(), Surface::flat(&[Axis::spanning(0.0, 3.0, 1.0)]).expect("axis"))]),
            offsets: BTreeMap::new(),
            spread: Spread { all: Band { below: 1.1, above: 1.2 }, regions: vec![] },
            errors: Errors::default(),
        };
        let trial = Trial {
            donor: "a".into(),
            target: "b".into(),
            variant: "bf16".into(),
            errors: Errors::default(),
            band: Band { below: 1.3, above: 1.4 },
        };
        OperatorFits {
            operator: "gemm".into(),
            fits: vec![fit("a", "bf16"), fit("b", "bf16"), fit("b", "fp8")],
            trials: vec![trial],
        }
    }

    #[test]
    fn files_give_back_what_was_written() {
        let fits = fits();
        assert_eq!(OperatorFits::read(&fits.write()), Ok(fits));
        assert!(OperatorFits::read("{\n\"operator\": 3}").is_err_and(|error| error.contains("line 2")));
    }

    #[test]
    fn own_fit_first_then_donors_with_a_wider_band() {
        let fits = fits();
        let own = fits.resolve([("b", "bf16"), ("a", "bf16")]).expect("fitted");
        assert!(own.measured && own.spread.all.above == 1.2);
        let lent = fits.resolve([("c", "bf16"), ("a", "bf16")]).expect("fitted");
        assert!(!lent.measured && lent.spread.all.above > 1.4, "{:?}", lent.spread);
        assert!(lent.words().starts_with("transferred from a"));
        assert!(fits.resolve([("c", "bf16"), ("c", "fp8")]).is_none());
    }
}
