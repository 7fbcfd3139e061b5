//! `lanewright workload calibrate`: fits kernel models from measured rows and says how far off they are.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::fit::calibration::OperatorFits;
use lanewright_workload::fit::law::HoldOut;
use lanewright_workload::fit::spread::Errors;
use lanewright_workload::kernel::table::Table;
use lanewright_workload::kernel::{Calibration, Measured, OPERATORS};
use serde_json::json;

use super::calibrate_engines::{self, Engines};
use crate::disk;
use crate::terminal::table;
use crate::verbs::{CatalogueArgs, Exit, Outcome, json_text};

/// Most bytes of one file of measurements, unpacked.
const LIMIT_BYTES: usize = 256 << 20;

/// Options of `workload calibrate`.
#[derive(Args, Debug)]
#[command(
    after_help = "Files are DEVICE_OPERATOR.csv or .csv.gz, in the folder or in its subfolder `kernels`: h100_sxm_gemm.csv.gz,
a100_sxm_moe.csv.gz. The device is any spelling of an accelerator of the catalogue.

A share of the rows of every file is held out, chosen by a hash of the row's inputs and the seed. Errors and bands are
those of a fit that never saw these rows; what -o writes is then fitted on all rows. The second table predicts every
device as if it had no measurements, from each other one. Same files, same seed: the same bytes.

Examples:
  lanewright workload calibrate --data measured/
  lanewright workload calibrate --data measured/ --operator gemm --seed 7 --json
  lanewright workload calibrate --data measured/ -o crates/workload/calibration"
)]
pub struct CalibrateArgs {
    /// Folder with measurements
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Share of rows held out, 0.05 to 0.9
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    pub hold_out: f64,
    /// Seed of the choice
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only these operators; repeat for several
    #[arg(long, value_name = "NAME")]
    pub operator: Vec<String>,
    /// Write one calibration file per operator into this folder
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write what is predicted for every measured run by a fit that has not seen it (CSV)
    #[arg(long, value_name = "FILE")]
    pub unseen: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Runs `workload calibrate`.
pub fn run(args: &CalibrateArgs, colour: bool) -> Outcome {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut problems);
    if problems.has_errors() {
        return Outcome::bad_input(crate::problems::draw(&problems, &texts, colour));
    }
    match calibrated(args, &catalogue) {
        Ok(out) => out,
        Err(why) => Outcome::bad_input(format!("error: {why}\n")),
    }
}

fn calibrated(args: &CalibrateArgs, catalogue: &Catalogue) -> Result<Outcome, String> {
    if !(0.05..=0.9).contains(&args.hold_out) {
        return Err(format!("--hold-out {} is not a share from 0.05 to 0.9", args.hold_out));
    }
    let known: Vec<&str> = OPERATORS.iter().map(|(name, _)| *name).chain([calibrate_engines::NAME]).collect();
    if let Some(wrong) = args.operator.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("no operator is called `{wrong}`; known are {}", known.join(", ")));
    }
    if let Some(folder) = args.output.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(format!("{} is no folder; make it first", folder.display()));
    }
    let files = files(&args.data)?;
    let hold_out = HoldOut { seed: args.seed, share: args.hold_out };
    let mut all = Vec::new();
    for (name, calibrate) in OPERATORS {
        if !args.operator.is_empty() && !args.operator.iter().any(|wanted| wanted == name) {
            continue;
        }
        let mut measured = Vec::new();
        for (file, path) in &files {
            let Some(device) = device_of(file, name) else { continue };
            let device = Accelerator::find(catalogue, device).map_err(|why| format!("{}: {why}", path.display()))?;
            let text = disk::read_packed(path, LIMIT_BYTES).map_err(|why| format!("{}: {why}", path.display()))?;
            measured.push(Measured { device, table: Table::read(file, &text)? });
        }
        if !measured.is_empty() {
            all.push(calibrate(&measured, hold_out)?);
        }
    }
    let wanted = args.operator.is_empty() || args.operator.iter().any(|name| name == calibrate_engines::NAME);
    let engines = if wanted {
        // Engines are corrected over the kernels that were just fitted, and over the built-in ones for the rest.
        let mut kernels = Calibration { operators: all.clone() };
        let built_in = &Calibration::built_in().operators;
        kernels
            .operators
            .extend(built_in.iter().filter(|fits| all.iter().all(|own| own.operator != fits.operator)).cloned());
        calibrate_engines::fit(&args.data, catalogue, &kernels, hold_out)?
    } else {
        None
    };
    if all.is_empty() && engines.is_none() {
        return Err(format!(
            "{}: no file is called DEVICE_OPERATOR.csv[.gz] with an operator of {}",
            args.data.display(),
            known.join(", ")
        ));
    }
    let mut err = String::new();
    if let Some(folder) = &args.output {
        for fits in &all {
            let path = folder.join(format!("{}.json", fits.operator));
            disk::write(&path, fits.write().as_bytes())?;
            err += &format!("wrote {}\n", path.display());
        }
        if let Some(engines) = &engines {
            let path = folder.join(format!("{}.json", calibrate_engines::NAME));
            disk::write(&path, engines.correction.write().as_bytes())?;
            err += &format!("wrote {}\n", path.display());
        }
    }
    if let Some((path, engines)) = args.unseen.as_ref().zip(engines.as_ref()) {
        disk::write(path, engines.unseen.as_bytes())?;
        err += &format!("wrote {}\n", path.display());
    }
    let mut out = if args.json { as_json(args, &all, engines.as_ref()) } else { tables(args, &all) };
    if let Some(engines) = engines.as_ref().filter(|_| !args.json) {
        out.push('\n');
        out += &calibrate_engines::tables(engines, hold_out);
    }
    Ok(Outcome { out, err, exit: Exit::Clean })
}

/// Files of the folder and of its subfolder `kernels`, by name.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let inner = folder.join("kernels");
    let mut files = Vec::new();
    for folder in [folder, inner.as_path()] {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(_) if folder == inner => continue,
            Err(error) => return Err(format!("cannot read the folder {}: {error}", folder.display())),
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".csv") || name.ends_with(".csv.gz") {
                files.push((name, entry.path()));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The device in a file's name, when the file is of this operator: `gb200` of `gb200_nccl_2.23.csv.gz`.
fn device_of<'a>(file: &'a str, operator: &str) -> Option<&'a str> {
    let stem = file.strip_suffix(".gz").unwrap_or(file).strip_suffix(".csv")?;
    let (device, rest) = stem.split_once(&format!("_{operator}"))?;
    (rest.is_empty() || rest.starts_with('_')).then_some(device)
}

/// Empty for what is not a number.
fn percent(share: f64) -> String {
    if share.is_nan() { String::new() } else { format!("{:.1}", share * 100.0) }
}

fn cells(errors: &Errors) -> [String; 7] {
    [
        errors.rows.to_string(),
        percent(errors.median),
        percent(errors.p90),
        percent(errors.mean),
        if errors.lean.is_nan() { String::new() } else { format!("{:+.1}", errors.lean * 100.0) },
        percent(errors.inside),
        percent(errors.far),
    ]
}

fn tables(args: &CalibrateArgs, all: &[OperatorFits]) -> String {
    let head = |first: [&'static str; 3]| {
        let rest = [">ROWS", ">MEDIAN", ">P90", ">MEAN", ">LEAN", ">IN BAND", ">OVER 25"];
        first.into_iter().chain(rest).collect::<Vec<&str>>()
    };
    let fits = all.iter().flat_map(|operator| {
        let each = operator.fits.iter().map(move |fit| {
            let first = [operator.operator.clone(), fit.device.clone(), fit.variant.clone()];
            first.into_iter().chain(cells(&fit.errors)).collect()
        });
        let joined = Errors::joined(&operator.fits.iter().map(|fit| &fit.errors).collect::<Vec<_>>());
        let whole = [operator.operator.clone(), "all".into(), "all".into()].into_iter().chain(cells(&joined)).collect();
        each.chain(std::iter::once(whole))
    });
    let mut out = table(
        &format!(
            "ERRORS ON ROWS HELD OUT ({:.0} %, seed {}; |predicted / measured - 1|, %)",
            args.hold_out * 100.0,
            args.seed
        ),
        &head(["OPERATOR", "DEVICE", "VARIANT"]),
        fits.collect(),
    );
    let trials = all.iter().flat_map(|operator| {
        operator.trials.iter().map(move |trial| {
            let way = format!("{} from {}", trial.target, trial.donor);
            let first = [operator.operator.clone(), way, trial.variant.clone()];
            first.into_iter().chain(cells(&trial.errors)).collect()
        })
    });
    out.push('\n');
    out += &table(
        "ONE DEVICE FROM ANOTHER (all rows of the target, as if it had none; IN BAND: the donor's own band)",
        &head(["OPERATOR", "TARGET", "VARIANT"]),
        trials.collect(),
    );
    out
}

fn as_json(args: &CalibrateArgs, all: &[OperatorFits], engines: Option<&Engines>) -> String {
    let operators: Vec<serde_json::Value> = all
        .iter()
        .map(|operator| {
            let fits: Vec<serde_json::Value> = operator
                .fits
                .iter()
                .map(|fit| {
                    json!({
                        "device": fit.device,
                        "variant": fit.variant,
                        "file": fit.origin.file,
                        "rows": fit.origin.rows,
                        "constants": fit.constants,
                        "band": fit.spread.all,
                        "held_out": fit.errors,
                    })
                })
                .collect();
            json!({ "operator": operator.operator, "fits": fits, "transfers": operator.trials })
        })
        .collect();
    let engines = engines.map(|engines| {
        json!({ "rows": engines.split.0 + engines.split.1, "held_out": engines.split.1, "groups": engines.groups, "folds": engines.folds, "unstated": engines.unstated })
    });
    json_text(json!({ "hold_out": args.hold_out, "seed": args.seed, "operators": operators, "engines": engines }))
}

#[cfg(test)]
mod tests {
    use super::device_of;

    #[test]
    fn names_of_files() {
        assert_eq!(device_of("h100_sxm_gemm.csv.gz", "gemm"), Some("h100_sxm"));
        assert_eq!(device_of("gb200_nccl_2.29.2.csv.gz", "nccl"), Some("gb200"));
        assert_eq!(device_of("h100_sxm_moe.csv", "gemm"), None);
        assert_eq!(device_of("h100_sxm_gemm.txt", "gemm"), None);
    }
}
