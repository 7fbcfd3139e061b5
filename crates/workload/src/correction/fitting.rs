//! The whole fit of corrections: held-out rows first, then bands, then all rows.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::band::{Bands, HeldOut, percentile};
use super::circumstances::Circumstances;
use super::process::{Process, Said};

/// Quantities that are corrected: time per token, time to the first token.
pub const QUANTITIES: usize = 2;

/// A measured run beside what kernels alone predict.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Circumstances.
    pub circumstances: Circumstances,
    /// `ln(measured / predicted)` per quantity; NaN where not measured.
    pub logarithm: [f64; QUANTITIES],
    /// Rows with the same key are one measurement told twice, and are held out together.
    pub key: u64,
    /// Family of the model, to hold out whole ones.
    pub family: u32,
    /// Device, to hold out whole ones.
    pub device: u32,
}

/// Corrections with their bands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// Rows that were fitted.
    pub rows: usize,
    /// Where they came from.
    pub source: String,
    /// Seed of the folds.
    pub seed: u64,
    /// The process over circumstances.
    pub process: Process,
    /// One set of bands per quantity.
    pub bands: Vec<Bands>,
    /// How far below the middle of its band a prediction lies, per quantity, in squares of the local scale: what is least
    /// wrong in relative terms is below the median where errors are wide (that of a log-normal quantity lies a variance
    /// below). Learnt from held-out rows.
    pub lean: Vec<f64>,
}

/// Factors of all samples from fits that have not seen them.
#[derive(Clone, Debug, PartialEq)]
pub struct Unseen {
    /// Without the fifth of the samples that each is among.
    pub rows: Vec<[f64; QUANTITIES]>,
    /// Without any model of its family.
    pub families: Vec<[f64; QUANTITIES]>,
    /// Without any run on its device.
    pub devices: Vec<[f64; QUANTITIES]>,
}

/// A corrected quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrected {
    /// Factor over what kernels alone predict.
    pub factor: f64,
    /// Factor from the prediction down to the tenth percentile.
    pub below: f64,
    /// Factor from the prediction up to the ninetieth percentile.
    pub above: f64,
}

/// Folds of the cross-validation.
const FOLDS: u64 = 5;

/// Smallest local scale that is believed, natural logarithm.
const SCALE_FLOOR: f64 = 0.02;

/// What is built in: fitted by `lanewright workload calibrate`.
const BUILT_IN: &str = include_str!("../../calibration/engines.json");

impl Correction {
    /// The built-in correction; none where it cannot be read, which a test excludes.
    pub fn built_in() -> Option<&'static Self> {
        static READ: LazyLock<Option<Correction>> = LazyLock::new(|| Correction::read(BUILT_IN).ok());
        READ.as_ref()
    }

    /// Reads a file; the error names the line.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The file's text.
    pub fn write(&self) -> String {
        // Plain data with text keys cannot fail to become JSON.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Fits samples. Bands come from three kinds of held-out errors: rows in folds, whole families, whole devices.
    pub fn fit(samples: &[Sample], seed: u64, source: &str) -> Self {
        Self::fit_in_folds(samples, seed, source).0
    }

    /// The same, with the factors that each sample gets from fits that have not seen it.
    pub fn fit_in_folds(samples: &[Sample], seed: u64, source: &str) -> (Self, Unseen) {
        let rows: Vec<Circumstances> = samples.iter().map(|sample| sample.circumstances).collect();
        let values = columns(samples.iter());
        let mut process = Process::fit(&rows, &[&values[0], &values[1]]);
        let fold_of = |sample: &Sample| mix(sample.key ^ seed) % FOLDS;
        let mut folds: Vec<Without> =
            (0..FOLDS).map(|fold| Without::fit(samples, |sample| fold_of(sample) == fold)).collect();
        let mut errors = [vec![f64::NAN; samples.len()], vec![f64::NAN; samples.len()]];
        for without in &folds {
            for at in &without.out {
                let said: Said<QUANTITIES> = without.process.say(&rows[*at]);
                for (quantity, errors) in errors.iter_mut().enumerate() {
                    errors[*at] = samples[*at].logarithm[quantity] - said.logarithm[quantity];
                }
            }
        }
        process.learn_scales(&rows, &[&errors[0], &errors[1]]);
        // Scales, too, come from other rows than those they stand for.
        let by_row: Vec<(usize, Said<QUANTITIES>)> =
            folds.iter_mut().flat_map(|without| without.say(samples, &errors)).collect();
        let lean: Vec<f64> = (0..QUANTITIES)
            .map(|quantity| {
                let pairs = by_row.iter().filter_map(|(at, said)| {
                    let error = said.logarithm[quantity] - samples[*at].logarithm[quantity];
                    error.is_finite().then_some((error, lean_scale(said.scale[quantity])))
                });
                let pairs: Vec<(f64, f64)> = pairs.collect();
                let cost = |lean: f64| -> f64 {
                    pairs.iter().map(|(error, scale)| ((error - lean * scale * scale).exp() - 1.0).abs()).sum()
                };
                (0..=12).map(|step| 0.25 * f64::from(step)).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(0.0)
            })
            .collect();
        let leant = |said: &Said<QUANTITIES>, quantity: usize| {
            said.logarithm[quantity] - lean[quantity] * lean_scale(said.scale[quantity]).powi(2)
        };
        let without_each = |of: fn(&Sample) -> u32| -> Vec<(usize, Said<QUANTITIES>)> {
            let group = |group: u32| Without::fit(samples, |sample| of(sample) == group).say(samples, &errors);
            groups(samples, of).into_iter().flat_map(group).collect()
        };
        let by_family = without_each(|sample| sample.family);
        let by_device = without_each(|sample| sample.device);
        let factors = |said: &[(usize, Said<QUANTITIES>)]| {
            let mut factors = vec![[f64::NAN; QUANTITIES]; samples.len()];
            for (at, said) in said {
                factors[*at] = std::array::from_fn(|quantity| leant(said, quantity).clamp(-4.0, 4.0).exp());
            }
            factors
        };
        let unseen = Unseen { rows: factors(&by_row), families: factors(&by_family), devices: factors(&by_device) };
        let all: Vec<(usize, Said<QUANTITIES>)> = [by_row, by_family, by_device].concat();
        let bands = (0..QUANTITIES)
            .map(|quantity| {
                let errors: Vec<HeldOut> = all
                    .iter()
                    .map(|(at, said)| HeldOut {
                        error: samples[*at].logarithm[quantity] - leant(said, quantity),
                        scale: said.scale[quantity],
                        nearest: said.nearest,
                    })
                    .collect();
                Bands::learn(&errors, SCALE_FLOOR)
            })
            .collect();
        (Self { rows: samples.len(), source: source.into(), seed, process, bands, lean }, unseen)
    }

    /// Corrects a run.
    pub fn correct(&self, run: &Circumstances) -> [Corrected; QUANTITIES] {
        let said: Said<QUANTITIES> = self.process.say(run);
        std::array::from_fn(|quantity| {
            let (below, above) = match self.bands.get(quantity) {
                Some(bands) => bands.factors(said.scale[quantity], said.nearest),
                None => (2.0, 2.0),
            };
            let lean = self.lean.get(quantity).copied().unwrap_or(0.0) * lean_scale(said.scale[quantity]).powi(2);
            Corrected { factor: (said.logarithm[quantity] - lean).clamp(-4.0, 4.0).exp(), below, above }
        })
    }
}

/// A local scale as far as predictions lean by it.
fn lean_scale(scale: f64) -> f64 {
    scale.clamp(0.0, 0.8)
}

/// Errors of a set of predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Errors {
    /// Rows.
    pub rows: usize,
    /// Mean of `|predicted / measured - 1|`.
    pub mean: f64,
    /// Median of the same.
    pub median: f64,
    /// Ninetieth percentile of the same.
    pub p90: f64,
    /// Share of measurements inside their band.
    pub inside: f64,
}

impl Errors {
    /// From pairs of relative error and whether the measurement was inside the band.
    pub fn of(errors: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let (mut sizes, mut inside) = (Vec::new(), 0_usize);
        for (error, within) in errors {
            sizes.push(error.abs());
            inside += usize::from(within);
        }
        if sizes.is_empty() {
            return Self::default();
        }
        sizes.sort_by(f64::total_cmp);
        let rows = sizes.len();
        Self {
            rows,
            mean: sizes.iter().sum::<f64>() / rows as f64,
            median: percentile(&sizes, 0.5).unwrap_or_default(),
            p90: percentile(&sizes, 0.9).unwrap_or_default(),
            inside: inside as f64 / rows as f64,
        }
    }
}

/// A fit without some samples.
struct Without {
    process: Process,
    /// Which ones, by place.
    out: Vec<usize>,
    kept: Vec<usize>,
}

impl Without {
    fn fit(samples: &[Sample], out: impl Fn(&Sample) -> bool) -> Self {
        let (out, kept): (Vec<usize>, Vec<usize>) = (0..samples.len()).partition(|at| out(&samples[*at]));
        let rows: Vec<Circumstances> = kept.iter().map(|at| samples[*at].circumstances).collect();
        let values = columns(kept.iter().map(|at| &samples[*at]));
        Self { process: Process::fit(&rows, &[&values[0], &values[1]]), out, kept }
    }

    /// What it says of those left out, with scales from the held-out errors of the others.
    fn say(&mut self, samples: &[Sample], errors: &[Vec<f64>; QUANTITIES]) -> Vec<(usize, Said<QUANTITIES>)> {
        let rows: Vec<Circumstances> = self.kept.iter().map(|at| samples[*at].circumstances).collect();
        let errors: [Vec<f64>; QUANTITIES] =
            std::array::from_fn(|quantity| self.kept.iter().map(|at| errors[quantity][*at]).collect());
        self.process.learn_scales(&rows, &[&errors[0], &errors[1]]);
        self.out.iter().map(|at| (*at, self.process.say(&samples[*at].circumstances))).collect()
    }
}

fn columns<'s>(samples: impl Iterator<Item = &'s Sample>) -> [Vec<f64>; QUANTITIES] {
    let mut columns: [Vec<f64>; QUANTITIES] = std::array::from_fn(|_| Vec::new());
    for sample in samples {
        for (column, logarithm) in columns.iter_mut().zip(sample.logarithm) {
            column.push(logarithm);
        }
    }
    columns
}

fn groups(samples: &[Sample], of: impl Fn(&Sample) -> u32) -> Vec<u32> {
    let mut groups: Vec<u32> = samples.iter().map(of).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// SplitMix64's finaliser: neighbouring keys fall into unrelated folds.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
