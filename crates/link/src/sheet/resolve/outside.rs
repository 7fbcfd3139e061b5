//! What lies outside the equalised path: the channel's data, return loss, limits and the numbers of the method.

use super::super::expression::Matrix;
use super::Choices;
use super::reader::{Kind, Reader, SCRIPT};
use crate::com::parameters::{BothEnds, Erl, FrequencyGrid, Limits, Numerics};

pub(super) fn grid(reader: &mut Reader<'_>) -> FrequencyGrid {
    let usual = Matrix::row(vec![1.0, 3.0, 2.0, 4.0]);
    // An empty cell is the usual order to the script, too.
    let order =
        if reader.has("Port Order") { reader.need("Port Order") } else { reader_default(reader, "Port Order", &usual) };
    let mut port_order = [0; 4];
    let mut seen = [false; 4];
    for (place, value) in port_order.iter_mut().zip(order.values()) {
        if value.fract() == 0.0 && (1.0..=4.0).contains(value) {
            *place = *value as usize;
            seen[*place - 1] = true;
        }
    }
    if (order.len() != 4 || !seen.iter().all(|seen| *seen)) && !reader.is_broken() {
        let place = reader.place("Port Order");
        let message = format!("`Port Order` = {} is no order of four ports", order.text());
        reader.problem(place, message, "give the ports of [tx+ tx- rx+ rx-], such as [1 3 2 4]");
    }
    FrequencyGrid {
        start_hz: reader.number("f_min", Kind::NotNegative) * 1e9,
        step_hz: reader.number("Delta_f", Kind::Positive) * 1e9,
        port_order,
    }
}

fn reader_default(reader: &mut Reader<'_>, name: &str, default: &Matrix) -> Matrix {
    reader.defaulted(name, default.text(), SCRIPT);
    default.clone()
}

/// Whether the sheet is of a module interface (`PMD_type`, or the newer `PHY`).
pub(super) fn is_module(reader: &mut Reader<'_>) -> bool {
    let name = if reader.has("PHY") { "PHY" } else { "PMD_type" };
    match reader.word(name) {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("C2M") => true,
        Some(word) if word.eq_ignore_ascii_case("C2C") || word.eq_ignore_ascii_case("C2Mcom") => false,
        Some(word) => {
            let place = reader.place(name);
            reader.warnings.push(format!(
                "{place}: `{name}` = {word} is neither C2C nor C2M; it is taken for C2C, as in the reference script"
            ));
            false
        }
    }
}

pub(super) fn erl(reader: &mut Reader<'_>, fixed: usize) -> Option<Erl> {
    if !reader.flag("ERL", false) {
        return None;
    }
    let mut value = |name: &str, kind: Kind, default: f64| reader.number_or(name, kind, default);
    let transition_s = value("TR_TDR", Kind::Positive, 8e-3) * 1e-9;
    let duration_ui = value("N", Kind::NotNegative, 0.0);
    let equalised_ui = match reader.optional("N_bx", Kind::NotNegative) {
        Some(value) => value,
        None => {
            reader.defaulted("N_bx", fixed.to_string(), "N_b, the default of the IEEE reference script 4.50");
            fixed as f64
        }
    };
    let source = reader.matrix_or("Z_t", &Matrix::scalar(50.0), SCRIPT);
    let source_ohm = source.values().first().copied().unwrap_or(f64::NAN);
    if source.len() != 1 || source_ohm.is_nan() || source_ohm <= 0.0 {
        let place = reader.place("Z_t");
        reader.problem(place, format!("`Z_t` = {} is not one impedance", source.text()), "give ohms above 0");
    }
    let grr = reader.option("Gx", Kind::Whole(0, 1));
    let limit = reader.optional("Grr", Kind::NotNegative).or_else(|| reader.optional("Grr_limit", Kind::NotNegative));
    let delay = reader.matrix_or("fixture delay time", &Matrix::scalar(-1.0), SCRIPT);
    let (tx_delay, rx_delay) = reader.both("fixture delay time", &delay, Kind::Any);
    Some(Erl {
        transition_s,
        source_ohm,
        duration_ui,
        equalised_ui,
        beta_hz: reader.option("beta_x", Kind::NotNegative),
        rho: reader.number_or("rho_x", Kind::NotNegative, 0.618),
        fixture_delay_s: BothEnds { tx: tx_delay, rx: rx_delay },
        tukey_window: reader.flag("Tukey_Window", false),
        // Gx 1 asks for the newer form, which the script calls 2.
        grr: if grr == 1.0 { 2.0 } else { limit.unwrap_or(1.0) },
        gx: grr,
        butterworth: reader.flag("TDR_Butterworth", true),
        with_tx_package: reader.flag("TDR_W_TXPKG", false),
        automatic_fixture_delay: reader.flag("AUTO_TFX", false),
        only: reader.flag("ERL_ONLY", false),
    })
}

pub(super) fn limits(reader: &mut Reader<'_>, module: bool, erl: bool) -> Limits {
    let height = reader.optional("EH_min", Kind::Any);
    // Outside modules an eye height in the sheet adds both limits of the eye to that of COM.
    let eye = module || height.is_some_and(|height| height != 0.0);
    let com_db = if module { None } else { reader.optional("COM Pass threshold", Kind::Any) };
    if com_db.is_none() && !module {
        reader.defaulted("COM Pass threshold", "no limit", "the sheet has none");
    }
    let erl_db = if erl { reader.optional("ERL Pass threshold", Kind::Any) } else { None };
    if erl && erl_db.is_none() {
        reader.defaulted("ERL Pass threshold", "no limit", "the sheet has none");
    }
    let vec_db = if eye { reader.optional("VEC Pass threshold", Kind::Any) } else { None };
    if eye && vec_db.is_none() {
        reader.defaulted("VEC Pass threshold", "no limit", "the sheet has none");
    }
    if module && height.is_none() {
        reader.defaulted("EH_min", "no limit", "the sheet has none");
    }
    Limits { com_db, erl_db, vec_db, eye_height_mv: if eye { height.filter(|height| *height != 0.0) } else { None } }
}

pub(super) fn numerics(reader: &mut Reader<'_>, baud_hz: f64, choices: Choices) -> Numerics {
    let local = reader.option("Local Search", Kind::Whole(0, 1000));
    let local_search = if choices.local_search && !local.is_nan() { local as u32 } else { 0 };
    if local > 0.0 && !choices.local_search {
        let place = reader.place("Local Search");
        reader.warnings.push(format!(
            "{place}: `Local Search` = {local} is not followed: the full grid is searched, and its optimum may be better; \
             `--local` follows it"
        ));
    }
    let crosstalk_band_hz = match reader.optional("f_2", Kind::Positive) {
        Some(value) => value * 1e9,
        None => {
            let source = "f_b, the default of the IEEE reference script 4.50";
            reader.defaulted("f_2", (baud_hz / 1e9).to_string(), source);
            baud_hz
        }
    };
    Numerics {
        bin_v: reader.optional("PDF bin size", Kind::Positive).unwrap_or(1e-5),
        bin_forced: reader.flag("Force PDF bin size", false),
        truncation: reader.optional("Impulse response truncation threshold", Kind::NotNegative).unwrap_or(1e-3),
        local_search,
        crosstalk_band_hz,
        extrapolate_from: reader.optional("fraction_of_F_range_start_extrap_from", Kind::Positive).unwrap_or(0.75),
    }
}
