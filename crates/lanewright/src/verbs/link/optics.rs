//! `lanewright link budget --optics`: power budgets of optical links, and the electrical loss that they bear.

use std::fmt::Write as _;

use lanewright_link::optics::budget::{self, Drive, OpticalBudget, Question};
use lanewright_link::optics::coherent::{self, Amplifier, CAGES, Coherent, CoherentBudget};
use lanewright_link::optics::interface::{Glass, INTERFACES, Interface};
use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{FibreSpec, Medium, Part};
use lanewright_model::figure::Band;
use lanewright_model::problem::nearest;
use lanewright_model::units::Quantity;
use serde_json::json;

use super::super::{Exit, Outcome, json_text};
use super::budget::{BudgetArgs, DriveArg};
use crate::terminal::lanes::power_of_ten;
use crate::terminal::table;

/// Loss that a chip-to-module interface of 802.3ck recovers, where no module says otherwise: the VSR class, 16 dB.
const MODULE_RECOVERS_DB: Band<f64> = Band { low: 14.0, likely: 16.0, high: 20.0 };
/// Loss of single-mode fibre at 1310 nm, of multimode fibre at 850 nm, and of single-mode fibre at 1550 nm, in dB/km.
const FIBRE_DB_PER_KM: [Band<f64>; 3] = [
    Band { low: 0.35, likely: 0.4, high: 0.5 },
    Band { low: 2.3, likely: 3.0, high: 3.5 },
    Band { low: 0.19, likely: 0.22, high: 0.28 },
];
/// Loss of a mated pair in dB.
const CONNECTOR_DB: Band<f64> = Band { low: 0.25, likely: 0.35, high: 0.5 };

/// Answers for an interface or module.
pub fn answer(name: &str, args: &BudgetArgs, catalogue: &Catalogue) -> Result<Outcome, String> {
    let part = catalogue.find_part(name).map(|id| catalogue.part(id)).filter(|part| part.module.is_some());
    let fibre = part
        .and_then(|part| part.module.as_ref())
        .and_then(|module| catalogue.find_part(&module.fibre.value))
        .and_then(|id| catalogue.part(id).fibre.as_ref());
    if let Some(interface) = Coherent::find(name) {
        return coherent_answer(interface, args, part, fibre);
    }
    let Some(interface) = Interface::find(name) else {
        let known = || INTERFACES.iter().map(|known| known.id).chain(coherent::COHERENT.iter().map(|known| known.id));
        let help = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "one of: {}, or a module of the catalogue that carries one",
                known().collect::<Vec<_>>().join(", ")
            ),
        };
        return Err(format!("--optics: no interface is known for `{name}`; {help}\n"));
    };
    let drive = args.drive.map_or_else(|| drive_of(part), Drive::from);
    let question = Question {
        interface: *interface,
        drive,
        length_m: args.length.unwrap_or(interface.reach_m),
        fibre_db_per_km: fibre.map_or(FIBRE_DB_PER_KM[usize::from(interface.glass == Glass::Multi)], |fibre| {
            fibre.loss.band.map(|loss| loss.get() * 1e3)
        }),
        connectors: args.connectors,
        connector_db: fibre.map_or(CONNECTOR_DB, |fibre| fibre.connector_loss.band.map(Quantity::get)),
        host_loss_db: args.host_loss,
        module_recovers_db: match (part.and_then(|part| part.module.as_ref()), drive) {
            (Some(module), Drive::Dsp) => module.host_loss_max.band.map(Quantity::get),
            _ => MODULE_RECOVERS_DB,
        },
    };
    let found = budget::budget(&question).map_err(|why| format!("--optics: {}\n", why.0))?;
    let closes = found.optical_closes && found.electrical_closes;
    let out = if args.json { json_text(json!({ "closes": closes, "optics": found })) } else { draw(&question, &found) };
    Ok(Outcome { out, err: String::new(), exit: if closes { Exit::Clean } else { Exit::Broken } })
}

/// What a module of the catalogue is.
fn drive_of(part: Option<&Part>) -> Drive {
    let Some(part) = part else { return Drive::Dsp };
    match part.module.as_ref().map(|module| module.medium) {
        _ if part.id.value.starts_with("lro/") => Drive::HalfRetimed,
        Some(Medium::Lpo) => Drive::Linear,
        Some(Medium::Cpo) => Drive::CoPackaged,
        _ => Drive::Dsp,
    }
}

impl From<DriveArg> for Drive {
    fn from(argument: DriveArg) -> Self {
        match argument {
            DriveArg::Dsp => Self::Dsp,
            DriveArg::Lro => Self::HalfRetimed,
            DriveArg::Lpo => Self::Linear,
            DriveArg::Cpo => Self::CoPackaged,
        }
    }
}

fn band(band: &Band<f64>, places: usize) -> String {
    if band.low == band.high {
        return format!("{:.places$}", band.likely);
    }
    format!("{:.places$} ({:.places$} to {:.places$})", band.likely, band.low, band.high)
}

fn draw(question: &Question, found: &OpticalBudget) -> String {
    let rows = found
        .items
        .iter()
        .map(|item| vec![item.name.clone(), band(&item.value, 2), item.unit.into(), item.source.clone()])
        .collect();
    let interface = &found.interface;
    let mut out = table(
        &format!("OPTICS: {} over {} m, {} ({})", interface.name, question.length_m, interface.source, interface.grade),
        &["ITEM", ">VALUE", "UNIT", "SOURCE"],
        rows,
    );
    let ber = &found.pre_fec_ber;
    let _ = writeln!(
        out,
        "\nOptical margin {} dB: {}. Bit errors before correction {} ({} to {}), {} allowed.",
        band(&found.margin_db, 2),
        if found.optical_closes { "closes" } else { "does not close" },
        power_of_ten(ber.likely),
        power_of_ten(ber.low),
        power_of_ten(ber.high),
        power_of_ten(interface.pre_fec_ber),
    );
    let what = match found.drive {
        Drive::Dsp => "With a DSP at both ends",
        Drive::HalfRetimed => "With a DSP in the transmit direction",
        Drive::Linear => "Driven linearly by the host",
        Drive::CoPackaged => "Driven linearly in the package",
    };
    let _ = writeln!(
        out,
        "{what} the link {} with hosts of {:.1} dB; it does up to {} dB at {:.2} GHz. What counts is {}.",
        if found.electrical_closes { "closes" } else { "does not close" },
        question.host_loss_db,
        band(&found.host_loss_limit_db, 1),
        interface.baud_gbd / 2.0,
        found.limited_by,
    );
    let _ = writeln!(
        out,
        "Transmitter's closure {} dB of {:.1} dB allowed{}.",
        band(&found.closure_db, 1),
        found.closure_max_db,
        if matches!(found.drive, Drive::Linear | Drive::CoPackaged) {
            ", worked out from the host's channel"
        } else {
            ""
        }
    );
    out
}

fn coherent_answer(
    interface: &Coherent,
    args: &BudgetArgs,
    part: Option<&Part>,
    fibre: Option<&FibreSpec>,
) -> Result<Outcome, String> {
    let plugs: Vec<&str> = part
        .and_then(|part| part.module.as_ref())
        .map_or_else(|| interface.cages.to_vec(), |module| module.plugs.iter().map(String::as_str).collect());
    let connector = fibre.map_or(CONNECTOR_DB.likely, |fibre| fibre.connector_loss.band.likely.get());
    let question = coherent::Question {
        interface: *interface,
        length_km: args.length.unwrap_or(80_000.0) * 1e-3,
        fibre_db_per_km: fibre.map_or(FIBRE_DB_PER_KM[2], |fibre| fibre.loss.band.map(|loss| loss.get() * 1e3)),
        fixed_db: connector * f64::from(args.connectors),
        // A booster and a preamplifier as line systems have them (general knowledge).
        amplifier: args
            .amplified
            .then_some(Amplifier { noise_figure_db: Band { low: 4.5, likely: 5.5, high: 6.5 }, output_dbm: 2.0 }),
        power_w: part.and_then(|part| part.figures.power_per_end.as_ref()).map(|figure| figure.band.map(Quantity::get)),
        cage: CAGES.iter().map(|(cage, _, _)| *cage).find(|cage| plugs.contains(cage)),
    };
    let found = coherent::budget(&question).map_err(|why| format!("--optics: {why}\n"))?;
    let fits = found.cage.is_none_or(|(_, _, fits)| fits || question.power_w.is_none());
    let exit = if found.closes && fits { Exit::Clean } else { Exit::Broken };
    let out = if args.json {
        json_text(json!({ "closes": found.closes, "fits_cage": fits, "coherent": found }))
    } else {
        draw_coherent(&question, &found)
    };
    Ok(Outcome { out, err: String::new(), exit })
}

fn draw_coherent(question: &coherent::Question, found: &CoherentBudget) -> String {
    let interface = &found.interface;
    let mut rows = vec![
        vec!["launch".into(), band(&interface.launch_dbm, 1), "dBm".into(), interface.source.into()],
        vec!["loss of the span".into(), band(&found.loss_db, 1), "dB".into(), "fibre and connectors".into()],
        vec!["received".into(), band(&found.received_dbm, 1), "dBm".into(), String::new()],
        vec!["OSNR in 0.1 nm".into(), band(&found.osnr_db, 1), "dB".into(), format!("{} dB needed", interface.osnr_db)],
        vec!["OSNR margin".into(), band(&found.osnr_margin_db, 1), "dB".into(), String::new()],
    ];
    if let Some(margin) = &found.power_margin_db {
        let needed = format!("{} dBm needed without amplifiers", interface.receive_dark_dbm);
        rows.push(vec!["power margin".into(), band(margin, 1), "dB".into(), needed]);
    }
    rows.push(vec![
        "dispersion".into(),
        band(&found.dispersion_ps_per_nm, 0),
        "ps/nm".into(),
        format!("{:.0} ps/nm borne", interface.dispersion_ps_per_nm),
    ]);
    let mut out = table(
        &format!("COHERENT: {} over {} km ({})", interface.name, question.length_km, interface.grade),
        &["ITEM", ">VALUE", "UNIT", "SOURCE"],
        rows,
    );
    let _ = writeln!(
        out,
        "\nThe link {}; {} it reaches {} km.",
        if found.closes { "closes" } else { "does not close" },
        if question.amplifier.is_some() { "with a booster and a preamplifier" } else { "without amplifiers" },
        band(&found.reach_km, 0),
    );
    if let (Some((cage, watts, fits)), Some(power)) = (found.cage, &question.power_w) {
        let _ = writeln!(
            out,
            "The module draws {} W and {} {cage} cage of {watts} W.",
            band(power, 1),
            if fits { "fits a" } else { "does not fit a" }
        );
    }
    out
}
