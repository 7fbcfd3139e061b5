//! The standards that an eye can be judged by, with how sure each value is.

use lanewright_link::eye::standard::ucie::DieToDie;
use lanewright_link::eye::standard::{Certainty, SerialStandard, serial, ucie};
use serde_json::json;

use crate::number::plain;
use crate::report::link::ratio;
use crate::terminal::table;
use crate::verbs::{Outcome, json_text};

/// Runs `link eye --list`.
pub fn run(as_json: bool) -> Outcome {
    if as_json {
        let serial: Vec<_> = serial().iter().map(|s| json!({ "standard": s, "weakest": s.weakest() })).collect();
        return Outcome::clean(json_text(json!({ "serial": serial, "die_to_die": ucie::ALL })));
    }
    let rows = serial().iter().map(serial_row).collect();
    let mut out = table(
        "SERIAL LINKS",
        &["PRESET", "NAME", ">BER", ">HEIGHT mV", ">WIDTH UI", ">LOSS dB", ">DFE TAPS", "LEAST SURE"],
        rows,
    );
    let rows = ucie::ALL.iter().map(die_row).collect();
    out.push_str(&table(
        "DIE-TO-DIE LINKS (--rate, --length)",
        &["PRESET", "NAME", ">REACH mm", ">PITCH µm", ">MASK mV", ">MASK UI", ">pJ/bit", "LEAST SURE"],
        rows,
    ));
    out.push_str("\nHOW SURE (none of these documents is public)\n");
    for standard in serial() {
        out.push_str(&format!("{}\n", standard.id));
        for certainty in [Certainty::Known, Certainty::SecondHand, Certainty::Recalled, Certainty::Estimated] {
            let names: Vec<&str> =
                standard.certainties().iter().filter(|(_, c, _)| *c == certainty).map(|(name, ..)| *name).collect();
            if !names.is_empty() {
                out.push_str(&format!("  {:<12} {}\n", certainty.word(), names.join(", ")));
            }
        }
    }
    out.push_str("\nKnown: public fact. Second-hand: a public text cites the standard. Recalled: general knowledge.\nEstimated: ours. Sources: --list --json.\n");
    Outcome::clean(out)
}

fn serial_row(s: &SerialStandard) -> Vec<String> {
    vec![
        s.id.into(),
        s.name.into(),
        ratio(s.error_ratio.value),
        plain(s.eye_height_v.value * 1e3),
        plain(s.eye_width_ui.value),
        plain(s.loss_db.value),
        s.feedback.value.taps().to_string(),
        s.weakest().word().into(),
    ]
}

fn die_row(link: &DieToDie) -> Vec<String> {
    let (low, high) = link.energy_j.value;
    let (fine, coarse) = link.pitch_um.value;
    vec![
        link.id.into(),
        link.name.into(),
        plain(link.reach_mm.value),
        format!("{}-{}", plain(fine), plain(coarse)),
        plain(link.mask_v.value * 1e3),
        format!("{}/{}", plain(link.mask_ui(16.0).value), plain(link.mask_ui(32.0).value)),
        format!("{}-{}", plain(low * 1e12), plain(high * 1e12)),
        Certainty::Estimated.word().into(),
    ]
}
