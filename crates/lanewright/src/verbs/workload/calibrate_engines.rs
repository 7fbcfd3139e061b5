//! The part of `workload calibrate` that learns what measured engines do beyond their kernels.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lanewright_model::catalogue::Catalogue;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::correction::fitting::{Correction, Errors, QUANTITIES, Sample};
use lanewright_workload::fit::law::HoldOut;
use lanewright_workload::kernel::Calibration;
use lanewright_workload::kernel::table::Table;
use lanewright_workload::predict::judgement::{
    Faster, Group, Run, held_out, judge, judge_factors, runs, sample, unstated,
};
use lanewright_workload::predict::predictor::Predictor;

use crate::disk;
use crate::terminal::table;

/// Name of this part among operators, and of its calibration file.
pub const NAME: &str = "engines";

/// Most bytes of a file of measured runs, unpacked.
const LIMIT_BYTES: usize = 256 << 20;

/// What was fitted and how far off it is.
pub struct Engines {
    /// Fitted on all rows.
    pub correction: Correction,
    /// Errors on rows held out from a fit on the others, by group.
    pub groups: Vec<Group>,
    /// Errors on all rows, each predicted by a fit without its fifth of the rows.
    pub folds: Vec<Group>,
    /// The same where fits lack every model of a row's family, every run on its device, and where kernels alone speak.
    pub strangers: [Vec<Group>; 3],
    /// Every row's predicted milliseconds, to the first token and per token, by the fit without its fifth: a table.
    pub unseen: String,
    /// Groups with runs that use something their columns do not state.
    pub unstated: Vec<Faster>,
    /// Rows fitted and held out when errors were measured.
    pub split: (usize, usize),
}

/// Fits the file of measured runs in a folder (`end_to_end*.csv[.gz]`); none without such a file.
pub fn fit(
    folder: &Path,
    catalogue: &Catalogue,
    kernels: &Calibration,
    hold_out: HoldOut,
) -> Result<Option<Engines>, String> {
    let Some(path) = file(folder)? else { return Ok(None) };
    let text = disk::read_packed(&path, LIMIT_BYTES).map_err(|why| format!("{}: {why}", path.display()))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let table = Table::read(&name, &text)?;
    let predictor = Mutex::new(Predictor::new(kernels, None));
    let mut known: HashMap<String, Accelerator> = HashMap::new();
    for at in 0..table.len() {
        let device = table.text(at, "system")?;
        if !known.contains_key(device) {
            let found = Accelerator::find(catalogue, device).map_err(|why| table.wrong(at, "system", &why))?;
            known.insert(device.to_owned(), found);
        }
    }
    let of_device = |name: &str| known.get(name).cloned().ok_or_else(|| format!("{name} is not known"));
    let resolved = |device: &Accelerator, backend: &str, version: &str| match predictor.lock() {
        Ok(mut predictor) => predictor.engines(device, backend, version),
        Err(_) => Predictor::new(kernels, None).engines(device, backend, version),
    };
    let all = runs(&table, of_device, resolved)?;
    let samples: Vec<Sample> = all.iter().map(sample).collect();
    let out: Vec<bool> = samples.iter().map(|one| held_out(one, hold_out.seed, hold_out.share)).collect();
    let kept: Vec<Sample> = samples.iter().zip(&out).filter(|(_, out)| !**out).map(|(one, _)| one.clone()).collect();
    let trial = Correction::fit(&kept, hold_out.seed, &name);
    let judged: Vec<&Run> = all.iter().zip(&out).filter(|(_, out)| **out).map(|(run, _)| run).collect();
    let groups = judge(&judged, &trial);
    let (correction, unseen) = Correction::fit_in_folds(&samples, hold_out.seed, &name);
    let folds = judge_factors(&all, &unseen.rows);
    let alone = vec![[1.0; QUANTITIES]; all.len()];
    let strangers = [&unseen.families, &unseen.devices, &alone].map(|factors| judge_factors(&all, factors));
    let faster = unstated(&all);
    let mut list = String::from("row,predicted_ttft_ms,predicted_tpot_ms\n");
    for (at, (run, factors)) in all.iter().zip(&unseen.rows).enumerate() {
        let [tpot, ttft] = [0, 1].map(|quantity| run.kernels[quantity] * factors[quantity] * 1e3);
        list += &format!("{},{ttft:.4},{tpot:.4}\n", at + 1);
    }
    let split = (kept.len(), judged.len());
    Ok(Some(Engines { correction, groups, folds, strangers, unseen: list, unstated: faster, split }))
}

fn file(folder: &Path) -> Result<Option<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("cannot read the folder {}: {error}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with("end_to_end") && (name.ends_with(".csv") || name.ends_with(".csv.gz"))
        })
        .collect();
    found.sort();
    Ok(found.into_iter().next())
}

/// The table of errors.
pub fn tables(engines: &Engines, hold_out: HoldOut) -> String {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let cells =
        |errors: &Errors| [percent(errors.mean), percent(errors.median), percent(errors.p90), percent(errors.inside)];
    let row = |group: &Group| {
        let first = [group.by.to_owned(), group.name.clone(), group.tpot.rows.to_string()];
        first.into_iter().chain(cells(&group.tpot)).chain(cells(&group.ttft)).collect()
    };
    let head = [
        "BY",
        "WHICH",
        ">ROWS",
        ">TPOT MEAN",
        ">MEDIAN",
        ">P90",
        ">IN BAND",
        ">TTFT MEAN",
        ">MEDIAN",
        ">P90",
        ">IN BAND",
    ];
    let held_out = table(
        &format!(
            "ENGINES: {} ROWS HELD OUT OF {} ({:.0} %, seed {}; rows of one measurement together; |predicted / measured - 1|, %)",
            engines.split.1,
            engines.split.0 + engines.split.1,
            hold_out.share * 100.0,
            hold_out.seed
        ),
        &head,
        engines.groups.iter().map(row).collect(),
    );
    let unseen = |group: &Group| -> Vec<String> {
        let first = [group.by.to_owned(), group.name.clone(), group.tpot.rows.to_string()];
        let (tpot, ttft) = (cells(&group.tpot), cells(&group.ttft));
        first.into_iter().chain(tpot.into_iter().take(3)).chain(ttft.into_iter().take(3)).collect()
    };
    let folds = table(
        "ENGINES: ALL ROWS, EACH BY A FIT WITHOUT ITS FIFTH (rows of one measurement together)",
        &["BY", "WHICH", ">ROWS", ">TPOT MEAN", ">MEDIAN", ">P90", ">TTFT MEAN", ">MEDIAN", ">P90"],
        engines.folds.iter().map(unseen).collect(),
    );
    let without = [("model", "its family"), ("device", "its device"), ("mode", "every run")];
    let strangers = engines.strangers.iter().zip(without).flat_map(|(groups, (by, without))| {
        let named = groups.iter().filter(move |group| group.by == "all" || group.by == by);
        named.map(move |group| std::iter::once(without.to_owned()).chain(unseen(group).into_iter().skip(1)).collect())
    });
    let strangers = table(
        "ENGINES: ALL ROWS, EACH BY A FIT WITHOUT ITS FAMILY OF MODELS, ITS DEVICE, OR ANY RUN (kernels alone)",
        &["WITHOUT", "WHICH", ">ROWS", ">TPOT MEAN", ">MEDIAN", ">P90", ">TTFT MEAN", ">MEDIAN", ">P90"],
        strangers.collect(),
    );
    let faster = table(
        "ENGINES: LESS THAN HALF THE TIME OF STEPS OF ONE TOKEN (drafts most likely, or another load than stated; no column says)",
        &["MODEL", "DEVICE", "ENGINE", "MODE", ">ROWS", ">FASTER", ">OF KERNELS"],
        engines
            .unstated
            .iter()
            .map(|group| {
                let numbers = [group.rows.to_string(), group.faster.to_string(), percent(group.ratio)];
                group.name.iter().cloned().chain(numbers).collect()
            })
            .collect(),
    );
    format!("{held_out}\n{folds}\n{strangers}\n{faster}")
}
