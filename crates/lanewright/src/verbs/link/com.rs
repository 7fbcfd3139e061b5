//! `lanewright link com`: channel operating margin of one channel with its aggressors, or of folders of them.

pub mod batch;
pub mod journal;
pub mod matching;
pub mod results;
mod table;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use lanewright_link::com;
use lanewright_link::com::outcome::ComOutcome;
use lanewright_link::com::parameters::ComParameters;
use serde_json::{Value, json};

use super::super::{Exit, Outcome, json_text};
use super::channels::{self, Files, Style};
use super::com_report::{Evaluation, parameter_rows};
use super::setup::{Setup, SetupArgs};
use crate::disk;

/// Options of `link com`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright link com --preset 100g-kr --thru thru.s4p
  lanewright link com --sheet kr.xlsx --thru thru.s4p --fext f1.s4p f2.s4p --next n1.s4p
  lanewright link com --sheet kr.xlsx --thru thru.s4p --set \"c(-1)=[-0.12:0.04:0]\" --json | jq .com_db
  lanewright link com --preset 100g-kr --thru thru.s4p -o report.html
  lanewright link com --sheet kr.xlsx --thru 'channels/*_THRU*.s4p' --out results.csv
  lanewright link com --sheet kr.xlsx --thru channels/ --out results.parquet --resume

One file, or a pattern in quotes, or a folder: with several victims each one's aggressors are found by name, FEXT or
NEXT in place of THRU (--fext-pattern and --next-pattern say otherwise). With --out every finished channel is kept in
a journal beside the results, so that nothing is lost when a run is stopped, and --resume goes on where it was.

Exit code 0 when every limit of the sheet is kept, 1 when one is broken, 2 when input cannot be used.")]
pub struct ComArgs {
    /// Parameters.
    #[command(flatten)]
    pub setup: SetupArgs,
    /// Channels under test: files, patterns in quotes, or folders
    #[arg(long, value_name = "T.s4p", num_args = 1.., required = true)]
    pub thru: Vec<PathBuf>,
    /// Far-end aggressors of the one channel under test
    #[arg(long, value_name = "F.s4p", num_args = 1..)]
    pub fext: Vec<PathBuf>,
    /// Near-end aggressors of the one channel under test
    #[arg(long, value_name = "N.s4p", num_args = 1..)]
    pub next: Vec<PathBuf>,
    /// How far-end aggressors of a victim are called; {stem} is its name up to THRU [default: {stem}FEXT*]
    #[arg(long, value_name = "PATTERN", conflicts_with = "fext")]
    pub fext_pattern: Option<String>,
    /// How near-end aggressors of a victim are called [default: {stem}NEXT*]
    #[arg(long, value_name = "PATTERN", conflicts_with = "next")]
    pub next_pattern: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write one line per channel and package case to this file: .csv, .json or .parquet
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a report of the one channel to this HTML file: losses, pulse, eye, bathtub, costs, maps, parameters
    #[arg(short, long, value_name = "FILE", conflicts_with = "out")]
    pub output: Option<PathBuf>,
    /// Skip channels that the journal of --out already holds, told by the contents of their files and the parameters
    #[arg(long, requires = "out")]
    pub resume: bool,
}

/// What came of one channel set.
pub struct Evaluated {
    /// Name of the victim's file.
    pub name: String,
    /// Margin and equaliser.
    pub outcome: ComOutcome,
    /// Far-end and near-end aggressors.
    pub aggressors: (usize, usize),
    /// Insertion loss at half the symbol rate in dB, where the data reaches so far.
    pub loss_db: Option<f64>,
    /// What is odd about the data.
    pub warnings: Vec<String>,
    /// Seconds of the whole, reading included.
    pub seconds: f64,
}

/// Runs `link com`.
pub fn run(args: &ComArgs, colour: bool) -> Outcome {
    let setup = match args.setup.load() {
        Ok(setup) => setup,
        Err(problems) => return bad_input(&format!("{problems}\n"), args.json),
    };
    let victims = match matching::victims(&args.thru) {
        Ok(victims) => victims,
        Err(why) => return bad_input(&why, args.json),
    };
    let patterns = matching::Patterns {
        fext: args.fext_pattern.clone(),
        next: args.next_pattern.clone(),
        by_default: victims.len() > 1,
    };
    if let ([thru], None) = (victims.as_slice(), &args.out) {
        let mut files = match patterns.files_of(thru) {
            Ok(files) => files,
            Err(why) => return bad_input(&why, args.json),
        };
        files.fext.extend(args.fext.iter().cloned());
        files.next.extend(args.next.iter().cloned());
        return single(&files, &setup, args, colour);
    }
    if victims.len() > 1 && !(args.fext.is_empty() && args.next.is_empty()) {
        let why = format!(
            "error: {} channels under test, and aggressors named for one\n  help: aggressors of several victims are found by \
             name; say how with --fext-pattern and --next-pattern\n",
            victims.len()
        );
        return bad_input(&why, args.json);
    }
    batch::run(args, &setup, &victims, &patterns)
}

/// Bad input, as text or as JSON.
pub fn bad_input(message: &str, json: bool) -> Outcome {
    if json {
        let problems: Vec<&str> = message.lines().filter(|line| !line.trim().is_empty()).collect();
        let out = json_text(json!({ "ok": false, "problems": problems }));
        return Outcome { out, err: String::new(), exit: Exit::BadInput };
    }
    let message = if message.starts_with("error") || message.contains('\u{d7}') {
        message.to_string()
    } else {
        format!("error: {message}")
    };
    Outcome::bad_input(message)
}

fn single(files: &Files, setup: &Setup, args: &ComArgs, colour: bool) -> Outcome {
    let json = args.json;
    let style = Style::of(json, colour);
    let start = Instant::now();
    let parameters = &setup.resolved.parameters;
    let read = match channels::read(files, parameters, style) {
        Ok(read) => read,
        Err(why) => return bad_input(&why, json),
    };
    let mut evaluated = match evaluate_read(&read, parameters) {
        Ok(evaluated) => evaluated,
        Err(why) => return bad_input(&why, json),
    };
    evaluated.seconds = start.elapsed().as_secs_f64();
    let mut err = String::new();
    if let Some(path) = &args.output {
        let page = report(&read, &evaluated, files, setup);
        if let Err(why) = page.and_then(|page| disk::write(path, page.as_bytes())) {
            return bad_input(&format!("{why}\n"), json);
        }
        err = format!("report written to {}\n", path.display());
    }
    let exit = if evaluated.outcome.pass { Exit::Clean } else { Exit::Broken };
    if json {
        return Outcome { out: json_text(to_json(&evaluated, setup)), err, exit };
    }
    for warning in setup.resolved.warnings.iter().chain(&evaluated.warnings) {
        err.push_str(&format!("warning: {warning}\n"));
    }
    let mut out = table::draw(&evaluated, &setup.resolved.parameters);
    out.push_str(&account(setup));
    Outcome { out, err, exit }
}

/// The report of one evaluation as HTML.
fn report(read: &channels::Channels, evaluated: &Evaluated, files: &Files, setup: &Setup) -> Result<String, String> {
    let parameters = &setup.resolved.parameters;
    let evaluation = Evaluation { parameters, channels: &read.set, outcome: &evaluated.outcome };
    let worked = evaluation.work(parameters.signal.detector_error_ratio)?;
    let mut warnings = [setup.resolved.warnings.clone(), evaluated.warnings.clone()].concat();
    warnings.extend(setup.estimates.map(|estimates| format!("{}: {estimates}", parameters.name)));
    let mut command = format!("lanewright link com ({}) --thru {}", parameters.name, files.thru.display());
    files.fext.iter().for_each(|file| command.push_str(&format!(" --fext {}", file.display())));
    files.next.iter().for_each(|file| command.push_str(&format!(" --next {}", file.display())));
    Ok(evaluation.html("Channel operating margin", &worked, &parameter_rows(setup), &warnings, &command))
}

/// Reads and evaluates one channel set. An error is text, ready to print.
pub fn evaluate(files: &Files, parameters: &ComParameters, style: Style) -> Result<Evaluated, String> {
    let start = Instant::now();
    let channels = channels::read(files, parameters, style)?;
    let mut evaluated = evaluate_read(&channels, parameters)?;
    evaluated.seconds = start.elapsed().as_secs_f64();
    Ok(evaluated)
}

/// Evaluates channels that are read already.
pub fn evaluate_read(channels: &channels::Channels, parameters: &ComParameters) -> Result<Evaluated, String> {
    let start = Instant::now();
    let set = &channels.set;
    let mut outcome = com::evaluate(parameters, set).map_err(|why| {
        // What was odd about the files may well be the reason.
        let notes: String = channels.warnings.iter().map(|warning| format!("  note: {warning}\n")).collect();
        format!("error: {why}\n{notes}")
    })?;
    let seconds = start.elapsed().as_secs_f64();
    for case in &mut outcome.cases {
        // Cases run side by side: each took no longer than all of them.
        case.seconds = seconds;
    }
    let mut warnings = channels.warnings.clone();
    if parameters.erl.is_some() && outcome.erl_db.is_none() {
        warnings.push("the sheet asks for the effective return loss, which was not worked out".into());
    }
    Ok(Evaluated {
        name: set.victim.name.clone(),
        outcome,
        aggressors: (set.fext.len(), set.next.len()),
        loss_db: channels::loss_db(&set.victim, parameters.signal.baud_hz / 2.0),
        warnings,
        seconds,
    })
}

/// What the answer rests on, in a few lines.
fn account(setup: &Setup) -> String {
    let mut out = String::new();
    if let Some(estimates) = &setup.estimates {
        out.push_str(&format!("\n{estimates}\n"));
    }
    let defaults = &setup.resolved.defaults_used;
    if !defaults.is_empty() {
        out.push_str("\nrows that the sheet does not have, with what was taken:\n");
        for default in defaults {
            out.push_str(&format!("  {} = {} ({})\n", default.row, default.value, default.source));
        }
    }
    out
}

/// The result with its warnings and defaults.
pub fn to_json(evaluated: &Evaluated, setup: &Setup) -> Value {
    let limits = &setup.resolved.parameters.limits;
    let mut value = serde_json::to_value(&evaluated.outcome).unwrap_or_default();
    if let Value::Object(object) = &mut value {
        object.insert("channel".into(), json!(evaluated.name));
        object.insert("sheet".into(), json!(setup.resolved.parameters.name));
        object.insert("fext".into(), json!(evaluated.aggressors.0));
        object.insert("next".into(), json!(evaluated.aggressors.1));
        object.insert("loss_db".into(), json!(evaluated.loss_db));
        object.insert("seconds".into(), json!(evaluated.seconds));
        object.insert(
            "limits".into(),
            json!({
                "com_db": limits.com_db,
                "erl_db": limits.erl_db,
                "vec_db": limits.vec_db,
                "eh_mv": limits.eye_height_mv,
            }),
        );
        let warnings: Vec<&String> = setup.resolved.warnings.iter().chain(&evaluated.warnings).collect();
        object.insert("warnings".into(), json!(warnings));
        object.insert("defaults".into(), json!(setup.resolved.defaults_used));
        if let Some(estimates) = &setup.estimates {
            object.insert("estimates".into(), json!(estimates));
        }
    }
    value
}
