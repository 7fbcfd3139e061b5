//! `lanewright link fec`: what error correction makes of a lane's errors.

use std::path::PathBuf;

use clap::Args;
use lanewright_link::fec::assess::{Assessment, Question, ReplayPath, assess};
use lanewright_link::fec::codeword::Muxing;
use lanewright_link::fec::inverse::Target;
use lanewright_link::fec::process::ErrorProcess;
use lanewright_link::fec::replay::Replay;
use lanewright_link::fec::scheme::{Code, NAMES, Scheme, Unit};
use lanewright_link::fec::slicer::{Signalling, margin_at_snr, symbol_error_ratio};
use lanewright_model::problem::nearest;
use serde_json::json;

use super::super::{Exit, Outcome, json_text};
use super::{fec_screen, fec_tables};
use crate::disk;

/// Options of `link fec`.
#[derive(Args, Debug)]
#[command(after_help = "Schemes:
  none       no FEC, 64b/66b            kr4        RS(528,514)
  kp4        RS(544,514)                ll         RS(272,258), low latency
  kp4-inner  KP4 over the soft-decoded Hamming(128,120) of P802.3dj
  ualink     KP4 and replay of 640-byte flits
  pcie6, pcie7, cxl3   flit FEC, CRC and replay of 256-byte flits

Examples:
  lanewright link fec --ber 1e-5
  lanewright link fec --ber 2.4e-4 --scheme kp4 --rate 400 --interleave 2 --frame-bytes 1518
  lanewright link fec --ber 5e-5 --burst 0.7 --precoding auto
  lanewright link fec --com 3.2 --der0 1e-4 --dfe-taps 0.6,0.1 --interleave 4 --target-flr 6.2e-11
  lanewright link fec --ber 4e-3 --scheme kp4-inner --rate 800
  lanewright link fec --first-ber 1e-6 --scheme pcie6 --lanes 16 --burst 0.5 --round-trip 120
  lanewright link fec --table
  lanewright link fec --table --scheme kp4 --burst 0.5 --csv sweep.csv

Exit code 0 when the target is met or none is given, 1 when a given target is missed, 2 when the question cannot be read.")]
pub struct FecArgs {
    /// Bit error ratio at the detector: precoding off, propagated errors counted
    #[arg(long, value_name = "RATIO", conflicts_with_all = ["first_ber", "com", "snr"])]
    pub ber: Option<f64>,
    /// First errors of bursts per bit (FBER of PCI Express); propagated errors come on top
    #[arg(long, value_name = "RATIO", conflicts_with_all = ["com", "snr"])]
    pub first_ber: Option<f64>,
    /// Channel operating margin in dB, with --der0; noise is taken as Gaussian
    #[arg(long, value_name = "DB", allow_negative_numbers = true, conflicts_with = "snr")]
    pub com: Option<f64>,
    /// Detector error ratio that the COM refers to
    #[arg(long, value_name = "RATIO", default_value_t = 1e-4, requires = "com")]
    pub der0: f64,
    /// Signal-to-noise ratio at the slicer in dB, instead of an error ratio
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    pub snr: Option<f64>,
    /// Scheme; see below
    #[arg(long, value_name = "NAME")]
    pub scheme: Option<String>,
    /// Code words that take turns, symbol by symbol (kp4-inner: words that share an inner word, 12 by default)
    #[arg(long, value_name = "N")]
    pub interleave: Option<usize>,
    /// Lanes that a word or flit is spread over [default: 1; 16 for PCI Express and CXL]
    #[arg(long, value_name = "N")]
    pub lanes: Option<usize>,
    /// Streams whose bits take turns on a lane (802.3bs, cd, ck PMA); without it, symbols do
    #[arg(long, value_name = "N", value_parser = ["1", "2", "4", "8"])]
    pub bit_mux: Option<String>,
    /// Probability that a wrong symbol makes the next one wrong (one feedback tap)
    #[arg(long, value_name = "A", conflicts_with_all = ["dfe_taps", "two_state"])]
    pub burst: Option<f64>,
    /// Feedback taps relative to the cursor, from which bursts follow
    #[arg(
        long,
        value_name = "B1,B2,..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "two_state"
    )]
    pub dfe_taps: Vec<f64>,
    /// Good and bad times: probability per symbol of going bad, of going good, error ratios in either
    #[arg(long, value_name = "BAD,GOOD,EG,EB", value_delimiter = ',')]
    pub two_state: Vec<f64>,
    /// 1/(1+D) precoding: on, off, or auto (whichever leaves less)
    #[arg(long, value_name = "WHICH", default_value = "off", value_parser = ["auto", "on", "off"])]
    pub precoding: String,
    /// Levels of the lane [default: nrz for none and kr4, pam4 for the others]
    #[arg(long, value_parser = ["nrz", "pam4"])]
    pub modulation: Option<String>,
    /// Bytes of a frame
    #[arg(long, value_name = "N", default_value_t = 64.0)]
    pub frame_bytes: f64,
    /// Rate of the port in Gb/s: of frames; for PCI Express and CXL of the line, all lanes [default: 400; lanes x 64 or 128]
    #[arg(long, value_name = "GBPS")]
    pub rate: Option<f64>,
    /// Frame loss ratio (flits: retry ratio) to meet
    #[arg(long, value_name = "RATIO", conflicts_with_all = ["target_ber", "target_cer"])]
    pub target_flr: Option<f64>,
    /// Bit error ratio behind correction to meet
    #[arg(long, value_name = "RATIO", conflicts_with = "target_cer")]
    pub target_ber: Option<f64>,
    /// Share of words that cannot be corrected to meet
    #[arg(long, value_name = "RATIO")]
    pub target_cer: Option<f64>,
    /// Time in ns from sending a flit to being able to send it again
    #[arg(long, value_name = "NS", default_value_t = 200.0)]
    pub round_trip: f64,
    /// Flits that the sender keeps for replay [default: all that fit into a round trip]
    #[arg(long, value_name = "FLITS")]
    pub buffer: Option<f64>,
    /// Replay only what failed (selective NAK), not all after it
    #[arg(long)]
    pub selective: bool,
    /// Print tables: limits of the schemes, and words and frames lost over bit error ratios
    #[arg(long)]
    pub table: bool,
    /// Write the sweep of --table to this file as CSV
    #[arg(long, value_name = "FILE", requires = "table")]
    pub csv: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Frame loss that 802.3bs and later ask of links: the equivalent of a bit error ratio of 1e-13.
const USUAL_FLR: f64 = 6.2e-11;
/// Retry ratio that PCI-SIG gives for flits in the worst case at a first-bit error ratio of 1e-6.
const USUAL_RETRY: f64 = 5e-6;

/// Runs `link fec`.
pub fn run(args: &FecArgs) -> Outcome {
    match answer(args) {
        Ok(outcome) => outcome,
        Err(message) => Outcome::bad_input(format!("{}\n", message.trim_end())),
    }
}

fn answer(args: &FecArgs) -> Result<Outcome, String> {
    if args.table {
        return table(args);
    }
    let scheme = scheme(args, args.scheme.as_deref().unwrap_or("kp4"))?;
    let process = process(args, &scheme)?;
    let (target, given) = target(args, &scheme);
    let mut question = Question {
        rate_gbps: rate(args, &scheme)?,
        frame_bytes: args.frame_bytes,
        target,
        replay: ReplayPath {
            round_trip_ns: args.round_trip,
            buffer: args.buffer.unwrap_or(f64::INFINITY),
            replay: if args.selective { Replay::Selective } else { Replay::GoBack },
        },
        process,
        scheme,
    };
    let mut found = assess(&question).map_err(|refusal| refusal.to_string())?;
    if args.precoding == "auto" && found.precoding.as_ref().is_some_and(|advice| advice.use_it) {
        question.scheme.precoding = true;
        found = assess(&question).map_err(|refusal| refusal.to_string())?;
    }
    let exit = if given && !found.met(&question.target) { Exit::Broken } else { Exit::Clean };
    let out =
        if args.json { json_text(json_of(&question, &found, given)) } else { fec_screen::draw(&question, &found) };
    Ok(Outcome { out, err: String::new(), exit })
}

fn table(args: &FecArgs) -> Result<Outcome, String> {
    let names: Vec<&str> = match &args.scheme {
        Some(name) => vec![name],
        None => vec!["none", "kr4", "kp4", "ll", "kp4-inner", "pcie6"],
    };
    let mut subjects = Vec::new();
    for name in names {
        let scheme = scheme(args, name)?;
        // The inner code is for random errors; a table of bursts leaves it out.
        let bursts = args.burst.is_some() || !args.dfe_taps.is_empty() || !args.two_state.is_empty();
        if scheme.code == Code::Inner && bursts && args.scheme.is_none() {
            continue;
        }
        let rate = rate(args, &scheme)?;
        subjects.push((scheme, template(args)?, rate));
    }
    let sweep = fec_tables::sweep(&subjects, args.frame_bytes).map_err(|refusal| refusal.to_string())?;
    if let Some(path) = &args.csv {
        disk::write(path, fec_tables::csv(&sweep).as_bytes())?;
    }
    let limits = fec_tables::limits(&subjects, args.frame_bytes).map_err(|refusal| refusal.to_string())?;
    let out = if args.json {
        json_text(fec_tables::json(&sweep, &limits))
    } else {
        fec_tables::draw(&sweep, &limits, args.frame_bytes, args.scheme.is_none())
            .map_err(|refusal| refusal.to_string())?
    };
    Ok(Outcome::clean(out))
}

fn scheme(args: &FecArgs, name: &str) -> Result<Scheme, String> {
    let mut scheme = Scheme::named(name).ok_or_else(|| {
        let help = match nearest(name, NAMES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of: {}", NAMES.join(", ")),
        };
        format!("--scheme: no scheme is called `{name}`; {help}")
    })?;
    let flits = scheme.code == Code::Flit;
    scheme.layout.lanes = args.lanes.unwrap_or(if flits { 16 } else { 1 });
    scheme.layout.interleave = match (args.interleave, scheme.code) {
        (Some(interleave), _) => interleave,
        (None, Code::Inner) => 12,
        (None, _) => 1,
    };
    if let Some(streams) = args.bit_mux.as_ref().and_then(|text| text.parse().ok()) {
        scheme.layout.muxing = Muxing::Bit { streams };
    }
    match args.modulation.as_deref() {
        Some("nrz") => scheme.signalling = Signalling::Nrz,
        Some(_) => scheme.signalling = Signalling::Pam4,
        None => {}
    }
    scheme.precoding = args.precoding == "on";
    scheme.check().map_err(|refusal| refusal.to_string())?;
    Ok(scheme)
}

/// How errors come, at some scale.
fn template(args: &FecArgs) -> Result<ErrorProcess, String> {
    let process = if let Some(propagation) = args.burst {
        ErrorProcess::OneTap { start: 1e-6, propagation }
    } else if !args.dfe_taps.is_empty() {
        ErrorProcess::Feedback { start: 1e-6, taps: args.dfe_taps.clone() }
    } else if let [to_bad, to_good, good, bad] = args.two_state[..] {
        ErrorProcess::TwoState { to_bad, to_good, good, bad }
    } else if args.two_state.is_empty() {
        ErrorProcess::Random { ber: 1e-6 }
    } else {
        return Err(format!(
            "--two-state: {} values; give four: going bad, going good, error ratio when good, when bad",
            args.two_state.len()
        ));
    };
    process.check().map_err(|refusal| refusal.to_string())?;
    Ok(process)
}

fn process(args: &FecArgs, scheme: &Scheme) -> Result<ErrorProcess, String> {
    let template = template(args)?;
    let signalling = scheme.signalling;
    let bits = f64::from(signalling.bits());
    // Errors of symbols that noise makes; of bits where they come alone.
    let from_start = |start: f64| -> Result<ErrorProcess, String> {
        let scale = if matches!(template, ErrorProcess::Random { .. }) { start / bits } else { start };
        let process = template.with_scale(scale);
        process.check().map_err(|refusal| refusal.to_string())?;
        Ok(process)
    };
    if let Some(ber) = args.ber {
        return template.at_ber(ber, signalling).map_err(|refusal| format!("--ber: {refusal}"));
    }
    if let Some(first) = args.first_ber {
        return from_start(first * bits).map_err(|why| format!("--first-ber: {why}"));
    }
    if let Some(com) = args.com {
        let plain = ErrorProcess::of_com(com, args.der0, &[], signalling).map_err(|why| format!("--com: {why}"))?;
        return from_start(plain.scale() * bits);
    }
    if let Some(snr) = args.snr {
        if !(-20.0..=60.0).contains(&snr) {
            return Err(format!("--snr: {snr} dB; give -20 to 60"));
        }
        return from_start(symbol_error_ratio(signalling, margin_at_snr(signalling, snr)).min(0.5));
    }
    if !args.two_state.is_empty() {
        // The four values say it all.
        return Ok(template);
    }
    Err("how many errors are there? Give --ber, --first-ber, --com or --snr; or --table for all of them".into())
}

/// What the link is measured against, and whether that was asked for.
fn target(args: &FecArgs, scheme: &Scheme) -> (Target, bool) {
    let loss = |ratio| Target::UnitLoss { ratio, bytes: args.frame_bytes };
    match (args.target_flr, args.target_ber, args.target_cer) {
        (Some(ratio), _, _) => (loss(ratio), true),
        (_, Some(ratio), _) => (Target::PostFecBer(ratio), true),
        (_, _, Some(ratio)) => (Target::CodewordErrorRatio(ratio), true),
        _ if scheme.code == Code::Flit => (loss(USUAL_RETRY), false),
        _ => (loss(USUAL_FLR), false),
    }
}

/// Payload rate of the port.
fn rate(args: &FecArgs, scheme: &Scheme) -> Result<f64, String> {
    let lanes = scheme.layout.lanes as f64;
    let line = match (args.rate, scheme.unit, scheme.name) {
        (Some(rate), _, _) => rate,
        (None, Unit::Flit(256), "pcie7") => 128.0 * lanes,
        (None, Unit::Flit(256), _) => 64.0 * lanes,
        (None, _, _) => 400.0,
    };
    if !(line > 0.0 && line.is_finite()) {
        return Err(format!("--rate: {line} Gb/s; give a positive rate"));
    }
    Ok(if scheme.code == Code::Flit { line / scheme.expansion() } else { line })
}

fn json_of(question: &Question, found: &Assessment, given: bool) -> serde_json::Value {
    let scheme = &question.scheme;
    let finite = |value: f64| if value.is_finite() { json!(value) } else { serde_json::Value::Null };
    json!({
        "scheme": scheme.name,
        "title": scheme.title,
        "modulation": if scheme.signalling == Signalling::Nrz { "nrz" } else { "pam4" },
        "interleave": scheme.layout.interleave,
        "lanes": scheme.layout.lanes,
        "bit_mux": match scheme.layout.muxing { Muxing::Bit { streams } => Some(streams), Muxing::Symbol => None },
        "precoding": scheme.precoding,
        "errors": found.errors,
        "units": {
            "kind": if matches!(scheme.unit, Unit::Frame) { "frame" } else { "flit" },
            "bytes": found.units.bytes,
            "per_second": found.units.per_second,
            "loss_ratio": found.units.loss_ratio,
            "seconds_between": finite(found.units.seconds_between),
            "seconds_to_false_acceptance": finite(found.units.seconds_to_false_acceptance),
            "false_acceptance_basis": found.units.false_acceptance_basis,
        },
        "rate_gbps": question.rate_gbps,
        "line_gbps": found.line_gbps,
        "overhead": scheme.expansion() - 1.0,
        "latency": found.latency,
        "target": {
            "kind": match question.target {
                Target::UnitLoss { .. } => "loss_ratio",
                Target::PostFecBer(_) => "post_fec_ber",
                Target::CodewordErrorRatio(_) => "codeword_error_ratio",
            },
            "given": given,
            "ratio": question.target.ratio(),
            "reached": found.reached,
            "met": found.met(&question.target),
            "allowed_ber": found.margin.as_ref().map(|margin| margin.allowed.detector_ber),
            "margin_decades": found.margin.as_ref().map(|margin| margin.decades),
            "margin_db": found.margin.as_ref().map(|margin| margin.snr_db),
        },
        "replay": found.replay,
        "precoding_advice": found.precoding,
        "interleaves": found.interleaves.iter().map(|(ways, ratio)| json!({"interleave": ways, "codeword_error_ratio": ratio})).collect::<Vec<_>>(),
    })
}
