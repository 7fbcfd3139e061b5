//! Many channels in one run: workers take one channel after the other and drop it when done, so that memory stays flat;
//! every finished one goes to the journal at once.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lanewright_link::com::parameters::ComParameters;
use serde_json::Value;

use super::super::super::{Exit, Outcome, json_text};
use super::super::channels::{self, Hash, Style};
use super::super::setup::Setup;
use super::journal::{self, Journal};
use super::matching::Patterns;
use super::results::{self, Form};
use super::{ComArgs, bad_input};
use crate::disk;

/// One evaluation of a batch or sweep.
pub struct Job<'a> {
    /// What it is called in results.
    pub name: String,
    /// Parameters.
    pub parameters: &'a ComParameters,
    /// Values of columns of its own.
    pub varied: Vec<(String, String)>,
    /// Reads the channels; an error is text.
    pub files: Result<channels::Files, String>,
}

/// What a batch is to do.
pub struct Plan<'a> {
    /// Evaluations, in the order of the results.
    pub jobs: Vec<Job<'a>>,
    /// Where results go.
    pub out: Option<&'a Path>,
    /// Whether finished ones of the journal are skipped.
    pub resume: bool,
    /// Names of columns of its own.
    pub varied: Vec<String>,
}

/// What a batch came to.
pub struct Done {
    /// Rows of all jobs, in their order.
    pub rows: Vec<Vec<Value>>,
    /// Jobs taken from the journal.
    pub skipped: usize,
    /// Seconds.
    pub seconds: f64,
}

/// Runs `link com` over several victims.
pub fn run(args: &ComArgs, setup: &Setup, victims: &[PathBuf], patterns: &Patterns) -> Outcome {
    let parameters = &setup.resolved.parameters;
    let one = victims.len() == 1;
    let jobs = victims
        .iter()
        .map(|victim| {
            // Named the same however the folder was given, so that --resume knows it again.
            let name = victim.strip_prefix(".").unwrap_or(victim).display().to_string();
            let files = patterns.files_of(victim).map(|mut files| {
                if one {
                    files.fext.extend(args.fext.iter().cloned());
                    files.next.extend(args.next.iter().cloned());
                }
                files
            });
            Job { name, parameters, varied: Vec::new(), files }
        })
        .collect();
    let plan = Plan { jobs, out: args.out.as_deref(), resume: args.resume, varied: Vec::new() };
    let done = match work(&plan) {
        Ok(done) => done,
        Err(why) => return bad_input(&why, args.json),
    };
    let mut err = String::new();
    for warning in &setup.resolved.warnings {
        err.push_str(&format!("warning: {warning}\n"));
    }
    conclude(&plan, &done, args.json, err)
}

/// Works out all jobs and writes the results.
pub fn work(plan: &Plan<'_>) -> Result<Done, String> {
    let start = Instant::now();
    let form = plan.out.map(Form::of).transpose()?;
    let (journal, known) = match plan.out {
        Some(path) => {
            let (journal, known) = Journal::open(path, plan.resume)?;
            (Some(Mutex::new(journal)), known)
        }
        None => (None, BTreeMap::new()),
    };
    let bar = bar(plan.jobs.len());
    let (next, skipped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stop = AtomicBool::new(false);
    let slots: Vec<Mutex<Option<Vec<Value>>>> = plan.jobs.iter().map(|_| Mutex::new(None)).collect();
    let failure: Mutex<Option<String>> = Mutex::new(None);
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(plan.jobs.len()).max(1);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                // A pool of one thread: what a worker evaluates stays with it, and it holds one channel at a time.
                let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(1).build() else { return };
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = plan.jobs.get(at) else { return };
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let (rows, key) = match pool.install(|| one(job, &known)) {
                        One::Known(rows) => {
                            skipped.fetch_add(1, Ordering::Relaxed);
                            (rows, None)
                        }
                        One::New(rows, key) => (rows, Some(key)),
                        // Not in the journal: what failed is tried again.
                        One::Failed(row) => (vec![row], None),
                    };
                    if let (Some(key), Some(journal)) = (key, &journal)
                        && let Ok(mut journal) = journal.lock()
                        && let Err(why) = journal.add(&key, &rows)
                    {
                        if let Ok(mut failure) = failure.lock() {
                            *failure = Some(why);
                        }
                        stop.store(true, Ordering::Relaxed);
                    }
                    if let Ok(mut slot) = slots[at].lock() {
                        *slot = Some(rows);
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    if let Some(why) = failure.into_inner().ok().flatten() {
        return Err(why);
    }
    let rows: Vec<Vec<Value>> =
        slots.into_iter().map(|slot| slot.into_inner().ok().flatten().unwrap_or_default()).collect();
    if let (Some(path), Some(form)) = (plan.out, form) {
        let all: Vec<Value> = rows.iter().flatten().cloned().collect();
        disk::write(path, &results::encode(form, &all, &plan.varied)).map_err(|why| format!("error: {why}\n"))?;
    }
    Ok(Done { rows, skipped: skipped.into_inner(), seconds: start.elapsed().as_secs_f64() })
}

fn bar(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::new(jobs as u64);
    // Drawn for people only: a log wants no redrawn lines.
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} channels, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

enum One {
    Known(Vec<Value>),
    New(Vec<Value>, String),
    Failed(Value),
}

fn one(job: &Job<'_>, known: &BTreeMap<String, Value>) -> One {
    let files = match &job.files {
        Ok(files) => files,
        Err(why) => return One::Failed(labelled(results::failed(&job.name, why), job)),
    };
    // With a journal the contents are looked at before they are parsed.
    if !known.is_empty()
        && let Some(hash) = channels::hash(files)
        && let Some(entry) = known.get(&key(hash, job))
        && let Some(rows) = entry.get("rows").and_then(Value::as_array)
    {
        return One::Known(rows.clone());
    }
    let start = Instant::now();
    let evaluated = channels::read(files, job.parameters, Style::Plain).and_then(|read| {
        let hash = read.hash;
        super::evaluate_read(&read, job.parameters).map(|evaluated| (evaluated, hash))
    });
    match evaluated {
        Ok((mut evaluated, hash)) => {
            evaluated.seconds = start.elapsed().as_secs_f64();
            let key = key(hash, job);
            let rows = results::rows(&evaluated, &job.name, &key);
            One::New(rows.into_iter().map(|row| labelled(row, job)).collect(), key)
        }
        Err(why) => One::Failed(labelled(results::failed(&job.name, &why), job)),
    }
}

/// Key of an evaluation: contents of its files, its parameters, its name, and the version of the program.
fn key(hash: Hash, job: &Job<'_>) -> String {
    let parameters = format!("{:?}", job.parameters);
    hash.with(parameters.as_bytes()).with(job.name.as_bytes()).with(env!("CARGO_PKG_VERSION").as_bytes()).to_string()
}

fn labelled(mut row: Value, job: &Job<'_>) -> Value {
    if let Value::Object(object) = &mut row {
        for (name, value) in &job.varied {
            object.insert(name.clone(), Value::String(value.clone()));
        }
    }
    row
}

/// What to print, and how the program ends: 2 when something could not be used, 1 when a limit is broken.
pub fn conclude(plan: &Plan<'_>, done: &Done, json: bool, mut err: String) -> Outcome {
    let rows: Vec<&Value> = done.rows.iter().flatten().collect();
    let failed = rows.iter().filter(|row| row.get("error").is_some_and(Value::is_string)).count();
    let broken = done.rows.iter().flatten().any(|row| row.get("pass") == Some(&Value::Bool(false)));
    let exit = if failed > 0 {
        Exit::BadInput
    } else if broken {
        Exit::Broken
    } else {
        Exit::Clean
    };
    let summary = summary(plan, done, failed);
    if !json {
        for row in &rows {
            if let (Some(channel), Some(why)) = (row["channel"].as_str(), row["error"].as_str()) {
                let why = why.trim_start_matches("error: ");
                let named = if why.contains(channel) { String::new() } else { format!("{channel}: ") };
                err.push_str(&format!("error: {named}{why}\n"));
            }
        }
    }
    let out = if json {
        err.push_str(&summary);
        json_text(serde_json::json!({ "channels": done.rows.len(), "failed": failed, "skipped": done.skipped,
            "seconds": done.seconds, "rows": rows }))
    } else {
        format!("{}{summary}", lines(plan, done))
    };
    Outcome { out, err, exit }
}

/// One line per evaluation.
fn lines(plan: &Plan<'_>, done: &Done) -> String {
    let mut heads: Vec<&str> = plan.varied.iter().map(String::as_str).collect();
    heads.extend([
        "channel",
        "verdict",
        "case",
        ">COM dB",
        ">FOM dB",
        ">VEC dB",
        ">EH mV",
        ">loss dB",
        "largest noise",
        ">g_DC",
    ]);
    let table = done.rows.iter().filter_map(|rows| {
        // The worst case speaks for the channel; a failed one has a single row.
        let row = rows.iter().find(|row| row.get("worst") == Some(&Value::Bool(true))).or(rows.first())?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
        let number = |name: &str, digits: usize| {
            row.get(name).and_then(Value::as_f64).map_or_else(|| "-".to_string(), |value| format!("{value:.digits$}"))
        };
        let mut cells: Vec<String> = plan.varied.iter().map(|name| text(name)).collect();
        let error = text("error");
        if !error.is_empty() {
            cells.extend([text("channel"), "ERROR".into()]);
            cells.extend(std::iter::repeat_n(String::new(), 8));
            return Some(cells);
        }
        let pass = row.get("pass") == Some(&Value::Bool(true));
        cells.extend([
            text("channel"),
            if pass { "pass".into() } else { "FAIL".into() },
            text("case"),
            number("com_db", 3),
            number("fom_db", 2),
            number("vec_db", 2),
            number("eh_mv", 2),
            number("loss_db", 2),
            largest(row),
            number("g_dc_db", 0),
        ]);
        Some(cells)
    });
    crate::terminal::table("channels", &heads, table.collect())
}

/// The noise term with the most power.
fn largest(row: &Value) -> String {
    let terms = [
        ("transmitter", "sigma_tx_mv"),
        ("receiver", "sigma_n_mv"),
        ("intersymbol", "sigma_isi_mv"),
        ("jitter", "sigma_j_mv"),
        ("crosstalk", "sigma_xt_mv"),
        ("quantiser", "sigma_q_mv"),
    ];
    let value = |column: &str| row.get(column).and_then(Value::as_f64).unwrap_or(0.0);
    let largest = terms.iter().max_by(|a, b| value(a.1).total_cmp(&value(b.1)));
    largest.map_or_else(String::new, |(name, column)| format!("{name} {:.3} mV", value(column)))
}

fn summary(plan: &Plan<'_>, done: &Done, failed: usize) -> String {
    let count = done.rows.len();
    let broken = done
        .rows
        .iter()
        .filter(|rows| {
            rows.first().is_some_and(|row| row.get("pass") == Some(&Value::Bool(false)) && !row["error"].is_string())
        })
        .count();
    let mut text = format!(
        "\n{count} evaluations: {} pass, {broken} fail, {failed} could not be used; {:.1} s, {:.1} per second\n",
        count - broken - failed,
        done.seconds,
        count.saturating_sub(done.skipped) as f64 / done.seconds.max(1e-9)
    );
    if done.skipped > 0 {
        text.push_str(&format!("{} were in the journal already\n", done.skipped));
    }
    if let Some(path) = plan.out {
        text.push_str(&format!(
            "results written to {}; the journal {} lets --resume go on from here\n",
            path.display(),
            journal::path_of(path).display()
        ));
    }
    text
}
