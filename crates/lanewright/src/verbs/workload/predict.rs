//! `lanewright workload predict`: time to first token and time per token of a deployment, or of a table of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::correction::fitting::Correction;
use lanewright_workload::kernel::Calibration;
use lanewright_workload::kernel::table::Table;
use lanewright_workload::predict::deployment::Deployment;
use lanewright_workload::predict::predictor::{Prediction, Predictor, UNSTATED_WORDS};
use lanewright_workload::predict::row;

use super::predict_one;
use crate::disk;
use crate::verbs::{CatalogueArgs, Exit, Outcome};

/// Most bytes of a table, unpacked.
const LIMIT_BYTES: usize = 256 << 20;

/// Options of `workload predict`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright workload predict --model meta-llama/Llama-3.1-70B --device h100-sxm --tp 8 --format fp8 --concurrency 64
  lanewright workload predict --model deepseek-ai/DeepSeek-R1 --device b200 --tp 1 --dp 8 --experts-format nvfp4 --json
  lanewright workload predict --model ~/models/mine/config.json --device h200 --tp 4 --input 8192 -o report.html
  lanewright workload predict --model meta-llama/Llama-3.1-70B --device h100 --prefill 4xtp2 --decode 2xtp8 --format fp8
  lanewright workload predict --model llama-2-13b --device orin --format int4
  lanewright workload predict --batch ROWS.csv.gz -o OUT.csv")]
pub struct PredictArgs {
    /// One deployment.
    #[command(flatten)]
    pub one: predict_one::OneArgs,
    /// Table of deployments (CSV, or CSV packed with gzip)
    #[arg(long, value_name = "ROWS.csv[.gz]")]
    pub batch: Option<PathBuf>,
    /// Where to write what was predicted: the table of a batch, the report (HTML) of one deployment
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Runs `workload predict`.
pub fn run(args: &PredictArgs, colour: bool) -> Outcome {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut problems);
    if problems.has_errors() {
        return Outcome::bad_input(crate::problems::draw(&problems, &texts, colour));
    }
    let done = match &args.batch {
        Some(path) => batch(path, args, &catalogue),
        None if args.one.model.is_some() => predict_one::run(&args.one, args.output.as_ref(), &catalogue),
        None => Err("nothing to predict\n  help: give --model NAME and --device NAME, or --batch ROWS.csv".into()),
    };
    done.unwrap_or_else(|why| Outcome::bad_input(format!("error: {why}\n")))
}

/// Columns that a batch adds.
const ADDED: [&str; 9] = [
    "predicted_ttft_ms",
    "predicted_tpot_ms",
    "tpot_low_ms",
    "tpot_high_ms",
    "ttft_low_ms",
    "ttft_high_ms",
    "kernels_ttft_ms",
    "kernels_tpot_ms",
    "doubts",
];

fn batch(path: &Path, args: &PredictArgs, catalogue: &Catalogue) -> Result<Outcome, String> {
    let text = disk::read_packed(path, LIMIT_BYTES).map_err(|why| format!("cannot read {}: {why}", path.display()))?;
    let table = Table::read(&path.display().to_string(), &text)?;
    let mut predictor = Predictor::new(Calibration::built_in(), Correction::built_in());
    let mut devices: HashMap<String, Accelerator> = HashMap::new();
    let mut out = csv::Writer::from_writer(Vec::new());
    let header = table.header().iter().map(String::as_str).chain(ADDED);
    out.write_record(header).map_err(|error| error.to_string())?;
    for at in 0..table.len() {
        let mut deployment = row::deployment(&table, at)?;
        if !devices.contains_key(&deployment.device) {
            let found =
                Accelerator::find(catalogue, &deployment.device).map_err(|why| table.wrong(at, "system", &why))?;
            devices.insert(deployment.device.clone(), found);
        }
        let device = &devices[&deployment.device];
        deployment.device.clone_from(&device.id);
        let prediction = predictor.predict(&deployment, device);
        let added = added(&deployment, &prediction);
        let cells = table.cells(at).chain(added.iter().map(String::as_str));
        out.write_record(cells).map_err(|error| error.to_string())?;
    }
    let bytes = out.into_inner().map_err(|error| error.to_string())?;
    match &args.output {
        Some(path) => {
            disk::write(path, &bytes)?;
            let mut words = String::new();
            let _ = writeln!(words, "{} rows predicted, written to {}", table.len(), path.display());
            Ok(Outcome { out: words, err: String::new(), exit: Exit::Clean })
        }
        None => Ok(Outcome::clean(String::from_utf8_lossy(&bytes).into_owned())),
    }
}

fn added(deployment: &Deployment, prediction: &Prediction) -> [String; ADDED.len()] {
    let ms = |seconds: f64| format!("{:.4}", seconds * 1e3);
    let mut doubts: Vec<&str> = deployment.doubts.iter().map(|doubt| doubt.words()).collect();
    if prediction.unstated {
        doubts.push(UNSTATED_WORDS);
    }
    [
        ms(prediction.ttft.likely),
        ms(prediction.tpot.likely),
        ms(prediction.tpot.low),
        ms(prediction.tpot.high),
        ms(prediction.ttft.low),
        ms(prediction.ttft.high),
        ms(prediction.kernels.ttft),
        ms(prediction.kernels.tpot),
        doubts.join("; "),
    ]
}
