//! `lanewright link sweep`: one channel over a grid of values of rows.

use std::path::PathBuf;

use clap::Args;
use lanewright_link::sheet::resolve::{Resolved, resolve};

use super::super::Outcome;
use super::channels::Files;
use super::com::bad_input;
use super::com::batch::{self, Job, Plan};
use super::setup::SetupArgs;

/// Most evaluations of one sweep.
const JOBS_LIMIT: usize = 100_000;

/// Options of `link sweep`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright link sweep --preset 100g-kr --thru thru.s4p --vary \"eta_0=8.2e-9,1e-8,2e-8\"
  lanewright link sweep --sheet kr.xlsx --thru thru.s4p --vary \"SNR_TX=31,32,33\" --vary \"A_DD=0.02,0.03\" --out sweep.csv
  lanewright link sweep --sheet kr.xlsx --thru thru.s4p --vary \"z_p (TX)=[12; 1.8],[31; 1.8]\" --case 1 --json

Values are parted by commas outside of brackets; every --vary is combined with every other.

Exit code 0 when every limit is kept throughout, 1 when one is broken, 2 when input cannot be used.")]
pub struct SweepArgs {
    /// Parameters.
    #[command(flatten)]
    pub setup: SetupArgs,
    /// Channel under test
    #[arg(long, value_name = "T.s4p")]
    pub thru: PathBuf,
    /// Far-end aggressors
    #[arg(long, value_name = "F.s4p", num_args = 1..)]
    pub fext: Vec<PathBuf>,
    /// Near-end aggressors
    #[arg(long, value_name = "N.s4p", num_args = 1..)]
    pub next: Vec<PathBuf>,
    /// A row and the values that it takes
    #[arg(long, value_name = "ROW=V1,V2,...", required = true, allow_hyphen_values = true)]
    pub vary: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write one line per setting and package case to this file: .csv, .json or .parquet
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Skip settings that the journal of --out already holds
    #[arg(long, requires = "out")]
    pub resume: bool,
}

/// Runs `link sweep`.
pub fn run(args: &SweepArgs) -> Outcome {
    let (rows, _) = match args.setup.rows() {
        Ok(rows) => rows,
        Err(problems) => return bad_input(&format!("{problems}\n"), args.json),
    };
    let mut axes: Vec<(String, Vec<String>)> = Vec::new();
    for vary in &args.vary {
        match axis(vary) {
            Ok(axis) => axes.push(axis),
            Err(why) => return bad_input(&why, args.json),
        }
    }
    let total = axes.iter().try_fold(1_usize, |total, (_, values)| total.checked_mul(values.len()));
    if total.is_none_or(|total| total > JOBS_LIMIT) {
        return bad_input(&format!("error: the sweep has more than {JOBS_LIMIT} settings\n"), args.json);
    }
    let mut settings: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for (name, values) in &axes {
        settings = settings
            .into_iter()
            .flat_map(|before| {
                values.iter().map(move |value| {
                    let mut setting = before.clone();
                    setting.push((name.clone(), value.clone()));
                    setting
                })
            })
            .collect();
    }
    let choices = lanewright_link::sheet::resolve::Choices { local_search: args.setup.local };
    let mut resolved: Vec<Resolved> = Vec::new();
    for setting in &settings {
        let mut rows = rows.clone();
        let set: Result<(), _> = setting.iter().try_for_each(|(name, value)| rows.set(&format!("{name}={value}")));
        match set.map_err(lanewright_link::sheet::problem::SheetProblems::one).and_then(|()| resolve(&rows, choices)) {
            Ok(one) => resolved.push(one),
            Err(problems) => return bad_input(&format!("{problems}\n"), args.json),
        }
    }
    let files = Files { thru: args.thru.clone(), fext: args.fext.clone(), next: args.next.clone() };
    let jobs = settings
        .iter()
        .zip(&resolved)
        .map(|(setting, resolved)| Job {
            name: args.thru.display().to_string(),
            parameters: &resolved.parameters,
            varied: setting.clone(),
            files: Ok(files.clone()),
        })
        .collect();
    let varied = axes.iter().map(|(name, _)| name.clone()).collect();
    let plan = Plan { jobs, out: args.out.as_deref(), resume: args.resume, varied };
    let mut warnings: Vec<&String> = resolved.iter().flat_map(|one| &one.warnings).collect();
    warnings.sort();
    warnings.dedup();
    let err = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    match batch::work(&plan) {
        Ok(done) => batch::conclude(&plan, &done, args.json, err),
        Err(why) => bad_input(&why, args.json),
    }
}

/// A row's name and its values, parted by commas outside of brackets.
fn axis(vary: &str) -> Result<(String, Vec<String>), String> {
    let wrong = || {
        format!(
            "error: --vary \"{vary}\" names no row with values\n  help: write --vary \"ROW NAME=V1,V2\", such as \
             --vary \"SNR_TX=31,32,33\"\n"
        )
    };
    let (name, list) = vary.split_once('=').ok_or_else(wrong)?;
    let mut values = vec![String::new()];
    let mut depth = 0_i32;
    for c in list.chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            values.push(String::new());
        } else if let Some(value) = values.last_mut() {
            value.push(c);
        }
    }
    let values: Vec<String> = values.iter().map(|value| value.trim().to_string()).filter(|v| !v.is_empty()).collect();
    if values.is_empty() || name.trim().is_empty() {
        return Err(wrong());
    }
    Ok((name.trim().to_string(), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_parted_outside_of_brackets() {
        let (name, values) = axis("z_p (TX)=[12, 30; 1 1], 3,ones(1,2)").expect("it is an axis");
        assert_eq!(name, "z_p (TX)");
        assert_eq!(values, ["[12, 30; 1 1]", "3", "ones(1,2)"]);
        assert!(axis("z_p").is_err());
        assert!(axis("z_p=,").is_err());
    }
}
