//! PCI Express and CXL: their reference receivers on a channel.

use lanewright_link::com::channel::ChannelSet;
use lanewright_link::com::parameters::FrequencyGrid;
use lanewright_link::eye::front_end::Packages;
use lanewright_link::eye::receiver::{ReceiverOutcome, evaluate};
use lanewright_link::eye::standard::{Certainty, SerialStandard};
use serde_json::json;

use super::{Answer, EYE_HEADS, EyeArgs, command, eye_rows, files, picture, port_order};
use crate::number::{decimals, plain};
use crate::report::link::maps::Map;
use crate::report::link::view::{CaseView, Headline, LinkReport, ParameterRow};
use crate::report::link::{page, ratio};
use crate::terminal::table;
use crate::verbs::link::channels::{self, Asked, Style};
use crate::verbs::link::com_report::settings;

/// Evaluates a channel by a standard.
pub fn answer(args: &EyeArgs, standard: &SerialStandard, colour: bool) -> Result<Answer, String> {
    // These standards ask nothing of a file's steps.
    let grid = FrequencyGrid { start_hz: f64::INFINITY, step_hz: f64::INFINITY, port_order: port_order(args)? };
    let asked = Asked { grid: &grid, baud_hz: standard.baud_hz };
    let read = channels::read_asked(&files(args)?, asked, Style::of(args.json, colour))?;
    let (channels, warnings) = (read.set, read.warnings);
    let packages = if args.packages_in_file { Packages::InFile } else { Packages::Modelled };
    let target = args.ber.unwrap_or(standard.error_ratio.value);
    let outcome =
        evaluate(standard, &channels, packages, &settings(target)).map_err(|problem| format!("{problem}\n"))?;
    let warnings = [caveats(standard, &outcome), warnings].concat();
    let text = text(standard, &outcome, &warnings);
    let json = json!({
        "ok": true,
        "outcome": outcome,
        "certainties": standard.certainties().iter().map(|(what, c, source)| json!({ "value": what, "certainty": c, "source": source })).collect::<Vec<_>>(),
        "warnings": warnings,
    });
    let report = args.output.is_some().then(|| report(args, standard, &channels, &outcome, &warnings));
    Ok(Answer { text, json, report, pass: outcome.pass })
}

/// What a reader must know before relying on the verdict.
fn caveats(standard: &SerialStandard, outcome: &ReceiverOutcome) -> Vec<String> {
    let weak: Vec<&str> =
        standard.certainties().iter().filter(|(_, c, _)| *c == Certainty::Estimated).map(|(name, ..)| *name).collect();
    let mut list = vec![format!(
        "{} is for members of its group only: values are recalled or second-hand; a planning figure, not compliance",
        standard.name
    )];
    if !weak.is_empty() {
        list.push(format!("estimated, not known: {}", weak.join(", ")));
    }
    if outcome.packages == Packages::Modelled {
        list.push(
            "packages are lossy lines with the reference packages' loss, not the reference packages themselves".into(),
        );
    }
    if outcome.loss.is_none() {
        list.push("the file ends below Nyquist: its loss is not judged, and what is above is extrapolated".into());
    }
    list
}

fn word(pass: bool) -> &'static str {
    if pass { "ok" } else { "FAIL" }
}

fn text(standard: &SerialStandard, o: &ReceiverOutcome, warnings: &[String]) -> String {
    let mut out = format!(
        "{}: {}, {}\n",
        if o.pass { "PASS" } else { "FAIL" },
        standard.name,
        ratio(o.error_ratio).replace('−', "-")
    );
    let mut rows = vec![
        vec![
            "eye height".into(),
            format!("{} mV", decimals(o.height_mv, 2)),
            format!("at least {} mV", plain(o.height_limit_mv)),
            word(o.height_mv >= o.height_limit_mv).into(),
        ],
        vec![
            "eye width".into(),
            format!("{} UI", decimals(o.width_ui, 3)),
            format!("at least {} UI", plain(o.width_limit_ui)),
            word(o.width_ui >= o.width_limit_ui).into(),
        ],
    ];
    if let Some(loss) = &o.loss {
        rows.push(vec![
            format!("loss pad to pad at {} GHz", plain(loss.nyquist_hz / 1e9)),
            format!("{} dB ({} dB in the file)", decimals(loss.pads_db, 1), decimals(loss.file_db, 1)),
            format!("at most {} dB", plain(loss.budget_db)),
            word(loss.margin_db >= 0.0).into(),
        ]);
    }
    out.push_str(&table("LIMITS", &["WHAT", ">FOUND", ">ASKED FOR", "VERDICT"], rows));
    out.push_str(&table("EYES", &EYE_HEADS, eye_rows(&o.eyes)));
    out.push_str(&picture::draw(&o.eye));
    let taps: Vec<String> = o.dfe_mv.iter().map(|v| decimals(*v, 2)).collect();
    out.push_str(&format!(
        "\nEQUALISER\ntransmit preset {} ({}), CTLE {} dB, best of {} settings\nDFE {} mV\n",
        o.best.preset,
        o.tx_taps.map(plain).join(" "),
        plain(o.best.ctle_db),
        o.settings.len(),
        taps.join(" ")
    ));
    out.push_str(&picture::costs(&o.costs, &o.next_steps));
    if let Some(loss) = &o.loss {
        let rows = loss.pieces.iter().map(|(name, db, _)| vec![name.clone(), decimals(*db, 1)]).collect();
        out.push_str(&table("LOSS BUDGET", &["PIECE", ">dB"], rows));
    }
    out.push_str("\nNOTES\n");
    for warning in warnings {
        out.push_str(&format!("- {warning}\n"));
    }
    out
}

fn report(
    args: &EyeArgs,
    standard: &SerialStandard,
    channels: &ChannelSet,
    o: &ReceiverOutcome,
    warnings: &[String],
) -> String {
    let judged = |good: bool| if good { "good" } else { "bad" };
    let mut headlines = vec![
        Headline {
            name: "Eye height".into(),
            value: format!("{} mV", decimals(o.height_mv, 2)),
            note: format!("at least {} mV", plain(o.height_limit_mv)),
            class: judged(o.height_mv >= o.height_limit_mv),
        },
        Headline {
            name: "Eye width".into(),
            value: format!("{} UI", decimals(o.width_ui, 3)),
            note: format!("at least {} UI", plain(o.width_limit_ui)),
            class: judged(o.width_ui >= o.width_limit_ui),
        },
        Headline {
            name: "Margin".into(),
            value: format!("{} dB", decimals(o.costs.margin_db, 2)),
            note: "A_s over A_ni".into(),
            class: "",
        },
    ];
    if let Some(loss) = &o.loss {
        headlines.push(Headline {
            name: "Loss pad to pad".into(),
            value: format!("{} dB", decimals(loss.pads_db, 1)),
            note: format!("at most {} dB", plain(loss.budget_db)),
            class: judged(loss.margin_db >= 0.0),
        });
    }
    let dfe: Vec<String> = o
        .dfe_mv
        .iter()
        .zip(&o.dfe_limit_mv)
        .map(|(v, l)| format!("{} of {}", decimals(*v, 2), decimals(*l, 1)))
        .collect();
    let case = CaseView {
        name: standard.name.into(),
        raw_pulse: &o.raw_pulse,
        input: &o.input,
        eye: &o.eye,
        openings: &o.eyes,
        costs: &o.costs,
        steps: &o.next_steps,
        maps: vec![map(standard, o)],
        settings: vec![
            ("Transmit preset".into(), format!("{}: {}", o.best.preset, o.tx_taps.map(|c| decimals(c, 3)).join("  "))),
            ("CTLE".into(), format!("{} dB at 0 Hz", decimals(o.best.ctle_db, 0))),
            ("Feedback taps, mV".into(), dfe.join(";  ")),
            ("Settings".into(), format!("{} worked out, all of the grid", o.settings.len())),
        ],
        notes: vec![
            "The reference receiver has no noise of its own: the limits on height and width stand for it.".into(),
        ],
    };
    page(&LinkReport {
        kind: "Statistical eye",
        title: channels.victim.name.clone(),
        lead: format!("{}, error ratio {}", standard.name, ratio(o.error_ratio)),
        verdict: if o.pass { ("good", "Passes".into()) } else { ("bad", "Fails a limit".into()) },
        headlines,
        channels: Some(channels),
        nyquist_hz: standard.nyquist_hz(),
        loss: o.loss.as_ref(),
        cases: vec![case],
        parameters: parameters(standard),
        warnings: warnings.to_vec(),
        command: command(args),
    })
}

fn map(standard: &SerialStandard, o: &ReceiverOutcome) -> Map {
    let presets = standard.presets.value;
    let gains = standard.ctle.value.gain_db;
    let value = |gain: f64, preset: &str| {
        o.settings.iter().find(|s| s.ctle_db == gain && s.preset == preset).map(|s| s.height_mv)
    };
    let row = presets.iter().position(|p| p.name == o.best.preset);
    let column = gains.iter().position(|g| *g == o.best.ctle_db);
    Map {
        title: "Height of the smallest eye in mV".into(),
        across: "CTLE at 0 Hz in dB".into(),
        down: "preset".into(),
        columns: gains.iter().map(|g| decimals(*g, 0)).collect(),
        rows: presets.iter().map(|p| p.name.to_string()).collect(),
        values: presets.iter().map(|p| gains.iter().map(|g| value(*g, p.name)).collect()).collect(),
        chosen: row.zip(column),
    }
}

fn parameters(s: &SerialStandard) -> Vec<ParameterRow> {
    let ps = |seconds: f64| format!("{} ps", plain(seconds * 1e12));
    let value = |name: &str| match name {
        "transfer rate" => format!("{} GT/s", plain(s.transfer_gt.value)),
        "error ratio" => ratio(s.error_ratio.value),
        "transmit swing" => format!("{} mV peak, differential", plain(s.swing_v.value * 1e3)),
        "transition time" => ps(s.transition_s.value),
        "level mismatch" => plain(s.level_mismatch.value),
        "random jitter" => ps(s.random_jitter_s.value),
        "dual-Dirac jitter" => format!("plus and minus {}", ps(s.dual_dirac_s.value)),
        "transmit presets" => format!("{} presets", s.presets.value.len()),
        "CTLE" => format!(
            "zero {} GHz, poles {} GHz, {} to {} dB at 0 Hz",
            plain(s.ctle.value.zero_hz / 1e9),
            s.ctle.value.pole_hz.map(|p| plain(p / 1e9)).join(", "),
            s.ctle.value.gain_db.first().map_or_else(String::new, |g| decimals(*g, 0)),
            s.ctle.value.gain_db.last().map_or_else(String::new, |g| decimals(*g, 0)),
        ),
        "DFE" => format!("{} taps", s.feedback.value.taps()),
        "eye height" => format!("{} mV", plain(s.eye_height_v.value * 1e3)),
        "eye width" => format!("{} UI", plain(s.eye_width_ui.value)),
        "pad-to-pad loss" => format!("{} dB", plain(s.loss_db.value)),
        "reference packages" => format!("{} and {} dB", plain(s.packages_db.value.0), plain(s.packages_db.value.1)),
        "transmitter's SNDR" => s.tx_snr_db.map_or_else(String::new, |v| format!("{} dB", plain(v.value))),
        _ => String::new(),
    };
    s.certainties()
        .iter()
        .map(|(name, certainty, source)| ParameterRow {
            name: (*name).to_string(),
            value: value(name),
            source: format!("{}: {source}", certainty.word()),
        })
        .collect()
}
