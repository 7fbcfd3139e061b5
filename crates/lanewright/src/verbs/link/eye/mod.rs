//! `lanewright link eye`: the statistical eye of a channel behind a reference receiver.

mod die;
mod list;
mod picture;
mod serial;
mod sheet;

use std::path::PathBuf;

use clap::Args;
use lanewright_link::eye::Opening;
use lanewright_link::eye::standard::{find_serial, serial, ucie};
use lanewright_link::sheet::preset;
use lanewright_model::problem::nearest;

use super::super::{Exit, Outcome};
use super::channels::Files;
use super::setup::SetupArgs;
use crate::disk;
use crate::number::decimals;

/// Options of `link eye`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright link eye --preset pcie-6 --thru board.s4p --fext a.s4p --next b.s4p
  lanewright link eye --preset pcie-5 --thru pads.s4p --packages-in-file --ber 1e-12 -o eye.html
  lanewright link eye --preset 100g-kr --thru backplane.s4p -o eye.html
  lanewright link eye --sheet kr.xlsx --thru backplane.s4p --set 'z_p select=1' -o eye.html
  lanewright link eye --preset ucie-advanced --rate 16 --length 2
  lanewright link eye --list

Exit code 0 when the limits hold, 1 when one is broken, 2 when the input cannot be used.")]
pub struct EyeArgs {
    /// Victim's channel: a four-port Touchstone file
    #[arg(long, value_name = "FILE")]
    pub thru: Option<PathBuf>,
    /// Far-end aggressor's channel; may be repeated
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub fext: Vec<PathBuf>,
    /// Near-end aggressor's channel; may be repeated
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub next: Vec<PathBuf>,
    /// Reference receiver: `--preset` takes pcie-5, pcie-6, pcie-7, cxl-2, cxl-3, ucie-advanced, ... (`--list`) as well.
    #[command(flatten)]
    pub setup: SetupArgs,
    /// Error ratio at which the eye is judged; the standard's own where it is not given
    #[arg(long, value_name = "RATIO")]
    pub ber: Option<f64>,
    /// Ports of the files: tx+, tx-, rx+, rx-; a sheet says it itself
    #[arg(long, value_name = "PORTS", default_value = "1,3,2,4", conflicts_with = "sheet", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=4))]
    pub port_order: Vec<u8>,
    /// The files end at the die pads; else packages with the standard's loss are added at both ends
    #[arg(long)]
    pub packages_in_file: bool,
    /// Rate of a die-to-die link in GT/s
    #[arg(long, value_name = "GT/s", default_value_t = 16.0)]
    pub rate: f64,
    /// Length of a die-to-die link in mm
    #[arg(long, value_name = "MM", default_value_t = 2.0)]
    pub length: f64,
    /// List the standards with how sure each of their values is
    #[arg(long)]
    pub list: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write a report to this HTML file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What a kind of receiver has to say, before it is written anywhere.
struct Answer {
    text: String,
    json: serde_json::Value,
    report: Option<String>,
    pass: bool,
}

/// Runs `link eye`.
pub fn run(args: &EyeArgs, colour: bool) -> Outcome {
    if args.list {
        return list::run(args.json);
    }
    let answer = match answer(args, colour) {
        Ok(answer) => answer,
        Err(message) => return super::com::bad_input(&message, args.json),
    };
    let mut err = String::new();
    if let (Some(path), Some(report)) = (&args.output, &answer.report) {
        if let Err(why) = disk::write(path, report.as_bytes()) {
            return Outcome::bad_input(format!("{why}\n"));
        }
        err = format!("report written to {}\n", path.display());
    }
    let out = if args.json { super::super::json_text(answer.json) } else { answer.text };
    Outcome { out, err, exit: if answer.pass { Exit::Clean } else { Exit::Broken } }
}

fn answer(args: &EyeArgs, colour: bool) -> Result<Answer, String> {
    if args.ber.is_some_and(|ber| !(1e-30..0.5).contains(&ber)) {
        return Err("--ber: an error ratio lies between 1e-30 and 0.5, such as 1e-6\n".into());
    }
    if args.setup.sheet.is_some() {
        return sheet::answer(args, colour);
    }
    let Some(name) = &args.setup.preset else {
        return Err("say how to judge the eye: --preset NAME (see --list) or --sheet FILE\n".into());
    };
    if let Some(standard) = find_serial(name) {
        return serial::answer(args, standard, colour);
    }
    if let Some(link) = ucie::find(name) {
        return die::answer(args, link);
    }
    if preset::find(name).is_ok() {
        return sheet::answer(args, colour);
    }
    let sheets = preset::all();
    let known =
        || serial().iter().map(|s| s.id).chain(ucie::ALL.iter().map(|l| l.id)).chain(sheets.iter().map(|p| p.name));
    let help = match nearest(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of: {}", known().collect::<Vec<_>>().join(", ")),
    };
    Err(format!("--preset: no reference receiver is called `{name}`; {help}\n"))
}

/// The port order as four numbers, or what is wrong with it.
fn port_order(args: &EyeArgs) -> Result<[usize; 4], String> {
    let order: Vec<usize> = args.port_order.iter().map(|p| usize::from(*p)).collect();
    order.try_into().map_err(|_| "--port-order: expected four ports, such as 1,3,2,4 (tx+, tx-, rx+, rx-)\n".into())
}

/// The files of the channel.
fn files(args: &EyeArgs) -> Result<Files, String> {
    let thru = args.thru.clone();
    let thru = thru.ok_or("--thru: give the victim's channel, a Touchstone file of four ports\n")?;
    Ok(Files { thru, fext: args.fext.clone(), next: args.next.clone() })
}

/// The command as it could be typed again.
fn command(args: &EyeArgs) -> String {
    let quoted = |text: String| if text.contains([' ', '"', '\'']) { format!("'{text}'") } else { text };
    let mut words = vec!["lanewright link eye".to_string()];
    let mut option = |name: &str, value: String| words.push(format!("{name} {}", quoted(value)));
    if let Some(preset) = &args.setup.preset {
        option("--preset", preset.clone());
    }
    if let Some(sheet) = &args.setup.sheet {
        option("--sheet", sheet.display().to_string());
    }
    args.setup.set.iter().for_each(|row| option("--set", row.clone()));
    if let Some(thru) = &args.thru {
        option("--thru", thru.display().to_string());
    }
    args.fext.iter().for_each(|file| option("--fext", file.display().to_string()));
    args.next.iter().for_each(|file| option("--next", file.display().to_string()));
    if let Some(case) = args.setup.case {
        option("--case", case.to_string());
    }
    if let Some(ber) = args.ber {
        option("--ber", format!("{ber:e}"));
    }
    if args.packages_in_file {
        words.push("--packages-in-file".into());
    }
    words.join(" ")
}

/// Rows of a table of eyes.
fn eye_rows(openings: &[Opening]) -> Vec<Vec<String>> {
    let names: &[&str] = if openings.len() == 3 { &["lower", "middle", "upper"] } else { &["eye"] };
    openings
        .iter()
        .rev()
        .map(|o| {
            let width = decimals(o.width_ui, 3);
            vec![
                names.get(o.eye as usize).unwrap_or(&"eye").to_string(),
                decimals(o.height_mv, 2),
                if o.width_is_bound { format!("> {width}") } else { width },
                decimals(o.centre_ui, 3),
                decimals(o.threshold_mv, 2),
                decimals(o.left_ui, 3),
                decimals(o.right_ui, 3),
                format!("{} at {}", decimals(o.best_height_mv, 2), decimals(o.best_phase_ui, 2)),
            ]
        })
        .collect()
}

/// Heads of that table.
const EYE_HEADS: [&str; 8] =
    ["EYE", ">HEIGHT mV", ">WIDTH UI", ">CENTRE UI", ">THRESHOLD mV", ">LEFT UI", ">RIGHT UI", ">HIGHEST mV, UI"];
