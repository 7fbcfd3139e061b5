//! Measured runs against predictions: samples for the correction, and errors by group on rows that no fit has seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use super::deployment::{Deployment, Mode};
use super::predictor::{UNSTATED, circumstances, family};
use super::row;
use super::steady::{self, Engines};
use crate::accelerator::Accelerator;
use crate::correction::fitting::{Correction, Errors, QUANTITIES, Sample, mix};
use crate::kernel::table::Table;

/// A measured run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What ran.
    pub deployment: Deployment,
    /// On which device.
    pub device: Accelerator,
    /// Measured seconds per token and to the first token; NaN where not measured.
    pub measured: [f64; QUANTITIES],
    /// What kernels alone say.
    pub kernels: [f64; QUANTITIES],
}

/// Errors of a group of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// What groups: `device`, `model`, `engine`, `mode`, `all`.
    pub by: &'static str,
    /// Which group.
    pub name: String,
    /// Of the time per token.
    pub tpot: Errors,
    /// Of the time to the first token.
    pub ttft: Errors,
}

/// Reads a table of measured runs: columns of a deployment, `silicon_tpot_ms`, `silicon_ttft_ms`.
pub fn runs(
    table: &Table,
    find: impl Fn(&str) -> Result<Accelerator, String>,
    engines: impl Fn(&Accelerator, &str, &str) -> Arc<Engines> + Sync,
) -> Result<Vec<Run>, String> {
    let mut read = Vec::with_capacity(table.len());
    for at in 0..table.len() {
        let mut deployment = row::deployment(table, at)?;
        let device = find(&deployment.device).map_err(|why| table.wrong(at, "system", &why))?;
        deployment.device.clone_from(&device.id);
        let measured = |column: &str| -> Result<f64, String> {
            match table.optional(at, column) {
                None => Ok(f64::NAN),
                Some(_) => table.milliseconds(at, column),
            }
        };
        read.push((deployment, device, [measured("silicon_tpot_ms")?, measured("silicon_ttft_ms")?]));
    }
    Ok(read
        .into_par_iter()
        .map(|(deployment, device, measured)| {
            let engines = engines(&device, &deployment.backend, &deployment.version);
            let steady = steady::of(&deployment, &device, &engines);
            Run { deployment, device, measured, kernels: [steady.tpot, steady.ttft] }
        })
        .collect())
}

/// A run as a sample of the correction.
pub fn sample(run: &Run) -> Sample {
    let words = &run.deployment;
    let mode = match words.mode {
        Mode::Aggregated(_) => "a",
        Mode::Disaggregated { .. } => "d",
    };
    let family = family(&words.model);
    // What one benchmark would be told by, whoever tells it: layouts are left out, since they are told in many ways.
    let told = format!(
        "{family}|{}|{}|{}|{mode}|{:.0}|{:.0}|{:.0}",
        run.device.id, words.backend, words.precision_word, words.input, words.output, words.concurrency
    );
    Sample {
        circumstances: circumstances(words, &run.device),
        logarithm: std::array::from_fn(|quantity| (run.measured[quantity] / run.kernels[quantity]).ln()),
        key: name(&told),
        family: name(&family) as u32,
        device: name(&run.device.id) as u32,
    }
}

/// Which runs a fit must not see: all rows of a measurement fall on one side.
pub fn held_out(sample: &Sample, seed: u64, share: f64) -> bool {
    (mix(sample.key ^ mix(seed)) >> 11) as f64 <= share * (1_u64 << 53) as f64
}

/// Errors of a correction on runs, for all of them and by group.
pub fn judge(runs: &[&Run], correction: &Correction) -> Vec<Group> {
    grouped(runs.iter().map(|run| {
        let corrected = correction.correct(&circumstances(&run.deployment, &run.device));
        let judged = std::array::from_fn(|quantity| {
            let (measured, by) = (run.measured[quantity], corrected[quantity]);
            let predicted = run.kernels[quantity] * by.factor;
            (predicted / measured - 1.0, measured >= predicted / by.below && measured <= predicted * by.above)
        });
        (*run, judged)
    }))
}

/// Errors of factors that were fitted without the runs they stand for; bands are not judged.
pub fn judge_factors(runs: &[Run], factors: &[[f64; QUANTITIES]]) -> Vec<Group> {
    grouped(runs.iter().zip(factors).map(|(run, factors)| {
        let judged = std::array::from_fn(|quantity| {
            (run.kernels[quantity] * factors[quantity] / run.measured[quantity] - 1.0, false)
        });
        (run, judged)
    }))
}

/// Runs of one model, device, engine and mode that are faster per token than steps of one token can be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Faster {
    /// Model, device, engine, mode.
    pub name: [String; 4],
    /// Runs of the group.
    pub rows: usize,
    /// How many of them took less than [`UNSTATED`] of what kernels alone need.
    pub faster: usize,
    /// Median of measured over kernels among those.
    pub ratio: f64,
}

/// Groups of which at least a tenth, and two runs, use something that their columns do not state.
pub fn unstated(runs: &[Run]) -> Vec<Faster> {
    let mut groups: BTreeMap<[String; 4], Vec<f64>> = BTreeMap::new();
    for run in runs {
        let mode = run.deployment.mode.name();
        let name =
            [run.deployment.model.name.clone(), run.device.id.clone(), run.deployment.backend.clone(), mode.to_owned()];
        let ratio = run.measured[0] / run.kernels[0];
        if ratio.is_finite() {
            groups.entry(name).or_default().push(ratio);
        }
    }
    let mut found = Vec::new();
    for (name, ratios) in groups {
        let mut below: Vec<f64> = ratios.iter().copied().filter(|ratio| *ratio < UNSTATED).collect();
        below.sort_by(f64::total_cmp);
        if below.len() >= 2 && 10 * below.len() >= ratios.len() {
            let ratio = below[below.len() / 2];
            found.push(Faster { name, rows: ratios.len(), faster: below.len(), ratio });
        }
    }
    found
}

/// What runs are grouped by.
const BY: [&str; 5] = ["all", "device", "model", "engine", "mode"];

/// Relative error and whether the band held, per quantity.
type Judged = [(f64, bool); QUANTITIES];

fn grouped<'r>(judged: impl Iterator<Item = (&'r Run, Judged)>) -> Vec<Group> {
    /// By kind and name of the group.
    type Groups = BTreeMap<(usize, String), [Vec<(f64, bool)>; QUANTITIES]>;
    let mut groups = Groups::new();
    for (run, judged) in judged {
        let mode = run.deployment.mode.name();
        let names = [
            "all".to_owned(),
            run.device.id.clone(),
            run.deployment.model.name.clone(),
            run.deployment.backend.clone(),
            mode.to_owned(),
        ];
        for (at, name) in names.into_iter().enumerate() {
            let errors = groups.entry((at, name)).or_default();
            for (errors, judged) in errors.iter_mut().zip(judged) {
                if judged.0.is_finite() {
                    errors.push(judged);
                }
            }
        }
    }
    groups
        .into_iter()
        .map(|((by, name), [tpot, ttft])| Group { by: BY[by], name, tpot: Errors::of(tpot), ttft: Errors::of(ttft) })
        .collect()
}

/// FNV-1a, 64 bits.
fn name(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
