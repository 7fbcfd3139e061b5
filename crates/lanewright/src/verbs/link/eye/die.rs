//! UCIe: a wire between two dies.

use lanewright_link::eye::die_to_die::{DieToDieOutcome, evaluate};
use lanewright_link::eye::standard::Sourced;
use lanewright_link::eye::standard::ucie::DieToDie;
use lanewright_link::eye::{CostBreakdown, costs, openings};
use serde_json::json;

use super::{Answer, EYE_HEADS, EyeArgs, command, eye_rows, picture};
use crate::number::{decimals, plain};
use crate::report::link::view::{CaseView, Headline, LinkReport, ParameterRow};
use crate::report::link::{page, ratio};
use crate::terminal::table;

/// Evaluates a wire.
pub fn answer(args: &EyeArgs, link: &DieToDie) -> Result<Answer, String> {
    if args.thru.is_some() {
        return Err(format!("--thru: {} is a modelled wire; give --rate and --length instead\n", link.id));
    }
    let outcome =
        evaluate(link, args.rate, args.length, args.ber).map_err(|problem| format!("--rate, --length: {problem}\n"))?;
    let costs = costs(&outcome.input, outcome.error_ratio);
    let warnings = caveats(link, &outcome);
    let text = text(link, &outcome, &costs, &warnings);
    let json = json!({ "ok": true, "outcome": outcome, "costs": costs, "link": link, "warnings": warnings });
    let report = args.output.is_some().then(|| report(args, link, &outcome, &costs, &warnings));
    Ok(Answer { text, json, report, pass: outcome.pass })
}

fn caveats(link: &DieToDie, o: &DieToDieOutcome) -> Vec<String> {
    let mut list = vec![
        "wire, pads, coupling, noise and jitter are estimates for typical packages; mask and rates are recalled"
            .to_string(),
        "no equaliser is modelled: links above 16 GT/s may have transmit de-emphasis, which opens the eye".to_string(),
    ];
    if !link.rates_gt.value.contains(&o.rate_gt) {
        let rates: Vec<String> = link.rates_gt.value.iter().map(|r| plain(*r)).collect();
        list.push(format!("{} GT/s is none of the rates that are defined: {}", plain(o.rate_gt), rates.join(", ")));
    }
    if o.length_mm > link.reach_mm.value {
        list.push(format!("such packages are meant for up to {} mm", plain(link.reach_mm.value)));
    }
    list
}

fn text(link: &DieToDie, o: &DieToDieOutcome, costs: &CostBreakdown, warnings: &[String]) -> String {
    let word = |good: bool| if good { "ok" } else { "FAIL" }.to_string();
    let mut out = format!(
        "{}: {}, {} GT/s over {} mm, {}\n",
        if o.pass { "PASS" } else { "FAIL" },
        link.name,
        plain(o.rate_gt),
        plain(o.length_mm),
        ratio(o.error_ratio).replace('−', "-")
    );
    let rows = vec![
        vec![
            "height across the mask".into(),
            format!("{} mV", decimals(o.height_mv, 1)),
            format!("at least {} mV", plain(o.mask_mv)),
            word(o.height_mv >= o.mask_mv),
        ],
        vec![
            "width at the mask".into(),
            format!("{} UI", decimals(o.width_ui, 3)),
            format!("at least {} UI", plain(o.mask_ui)),
            word(o.width_ui >= o.mask_ui),
        ],
        vec![
            "length".into(),
            format!("{} mm", plain(o.length_mm)),
            format!("closes up to {} mm", decimals(o.reach_mm, 1)),
            String::new(),
        ],
        vec![
            "loss at Nyquist against 0 Hz".into(),
            format!("{} dB", decimals(o.loss_db, 2)),
            String::new(),
            String::new(),
        ],
        vec![
            "energy".into(),
            format!("{} pJ/bit in wire and pads", decimals(o.wire_energy_pj, 3)),
            format!("{} to {} in all", plain(o.energy_pj.0), plain(o.energy_pj.1)),
            String::new(),
        ],
    ];
    out.push_str(&table("MASK", &["WHAT", ">FOUND", ">ASKED FOR", "VERDICT"], rows));
    out.push_str(&table("EYE", &EYE_HEADS, eye_rows(&openings(&o.eye))));
    out.push_str(&picture::draw(&o.eye));
    out.push_str(&picture::costs(costs, &[]));
    out.push_str("\nNOTES\n");
    for warning in warnings {
        out.push_str(&format!("- {warning}\n"));
    }
    out
}

/// A parameter with how sure it is and where it is from.
fn row<T>(name: &str, value: String, from: &Sourced<T>) -> ParameterRow {
    ParameterRow { name: name.into(), value, source: format!("{}: {}", from.certainty.word(), from.source) }
}

fn report(args: &EyeArgs, link: &DieToDie, o: &DieToDieOutcome, costs: &CostBreakdown, warnings: &[String]) -> String {
    let judged = |good: bool| if good { "good" } else { "bad" };
    let found = openings(&o.eye);
    let headline = |name: &str, value: String, note: String, class| Headline { name: name.into(), value, note, class };
    let wire = link.wire.value;
    let parameters = vec![
        row(
            "rates",
            link.rates_gt.value.iter().map(|r| plain(*r)).collect::<Vec<_>>().join(", ") + " GT/s",
            &link.rates_gt,
        ),
        row("swing", format!("{} mV", plain(link.swing_v.value * 1e3)), &link.swing_v),
        row("source", format!("{} ohm", plain(link.source_ohm.value)), &link.source_ohm),
        row(
            "receiver",
            if o.terminated { "50 ohm".into() } else { "not terminated".into() },
            &link.terminated_above_gt,
        ),
        row("pads", format!("{} fF each", plain(link.pad_f.value * 1e15)), &link.pad_f),
        row(
            "wire",
            format!(
                "{} ohm/mm, {} nH/mm, {} fF/mm, skin effect from {} GHz, loss tangent {}",
                plain(wire.resistance),
                plain(wire.inductance * 1e9),
                plain(wire.capacitance * 1e15),
                plain(wire.skin_hz / 1e9),
                plain(wire.loss_tangent)
            ),
            &link.wire,
        ),
        row("coupling", format!("{} per mm at 8 GHz", plain(link.crosstalk_per_mm.value)), &link.crosstalk_per_mm),
        row("random jitter", format!("{} ps", plain(link.random_jitter_s.value * 1e12)), &link.random_jitter_s),
        row(
            "bounded jitter",
            format!("plus and minus {} ps", plain(link.dual_dirac_s.value * 1e12)),
            &link.dual_dirac_s,
        ),
        row("noise", format!("{} mV", plain(link.noise_v.value * 1e3)), &link.noise_v),
        row("mask", format!("{} mV by {} UI", plain(o.mask_mv), plain(o.mask_ui)), &link.mask_v),
        row("energy", format!("{} to {} pJ/bit", plain(o.energy_pj.0), plain(o.energy_pj.1)), &link.energy_j),
    ];
    let case = CaseView {
        name: link.name.into(),
        raw_pulse: &o.input.pulse.samples,
        input: &o.input,
        eye: &o.eye,
        openings: &found,
        costs,
        steps: &[],
        maps: Vec::new(),
        settings: vec![
            ("Equaliser".into(), "none".into()),
            ("Receiver".into(), if o.terminated { "terminated with 50 ohm".into() } else { "not terminated".into() }),
        ],
        notes: vec!["The sampling instant sits where the mask fits best: forwarded clocks are trained.".into()],
    };
    page(&LinkReport {
        kind: "Die-to-die eye",
        title: format!("{} GT/s over {} mm", plain(o.rate_gt), plain(o.length_mm)),
        lead: format!("{}, error ratio {}", link.name, ratio(o.error_ratio)),
        verdict: if o.pass { ("good", "Clears the mask".into()) } else { ("bad", "Does not clear the mask".into()) },
        headlines: vec![
            headline(
                "Height across the mask",
                format!("{} mV", decimals(o.height_mv, 1)),
                format!("at least {} mV", plain(o.mask_mv)),
                judged(o.height_mv >= o.mask_mv),
            ),
            headline(
                "Width at the mask",
                format!("{} UI", decimals(o.width_ui, 3)),
                format!("at least {} UI", plain(o.mask_ui)),
                judged(o.width_ui >= o.mask_ui),
            ),
            headline(
                "Reach at this rate",
                format!("{} mm", decimals(o.reach_mm, 1)),
                format!("meant for {} mm", plain(link.reach_mm.value)),
                "",
            ),
            headline(
                "Energy",
                format!("{} to {} pJ/bit", plain(o.energy_pj.0), plain(o.energy_pj.1)),
                format!("{} in wire and pads", decimals(o.wire_energy_pj, 3)),
                "",
            ),
        ],
        channels: None,
        nyquist_hz: 0.5e9 * o.rate_gt,
        loss: None,
        cases: vec![case],
        parameters,
        warnings: warnings.to_vec(),
        command: format!("{} --rate {} --length {}", command(args), args.rate, args.length),
    })
}
