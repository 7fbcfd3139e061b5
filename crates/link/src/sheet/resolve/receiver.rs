//! The receiver's filter, noise, sampling and eye window.

use super::super::expression::Matrix;
use super::reader::{Kind, Reader, SCRIPT};
use crate::com::parameters::{
    ModuleEye, Noise, Quantiser, ReceiveFilter, Sampling, SamplingAnchor, SequenceDetection, WindowWeight,
};

pub(super) fn filter(reader: &mut Reader<'_>, baud_hz: f64) -> ReceiveFilter {
    let bandwidth_of_baud = reader.number_or("f_r", Kind::Positive, 4.0);
    let raised_cosine_hz = if reader.flag("Raised_Cosine", false) {
        let mut edge = |name: &str, default: f64| match reader.optional(name, Kind::Positive) {
            Some(value) => value,
            None => {
                reader.defaulted(name, default.to_string(), SCRIPT);
                default
            }
        };
        Some((edge("RC_Start", baud_hz / 2.0), edge("RC_end", baud_hz * bandwidth_of_baud)))
    } else {
        None
    };
    let butterworth = reader.flag("Butterworth", true);
    if !reader.has("Butterworth") {
        reader.defaulted("Butterworth", "1", SCRIPT);
    }
    ReceiveFilter {
        bandwidth_of_baud,
        butterworth,
        bessel_thomson: reader.flag("Bessel_Thomson", false),
        raised_cosine_hz,
    }
}

pub(super) fn noise(reader: &mut Reader<'_>) -> Noise {
    let bits = reader.optional("N_qb", Kind::NotNegative).filter(|bits| *bits > 0.0);
    let quantiser = bits.map(|bits| Quantiser { bits, clipping: reader.number("P_qc", Kind::Probability) });
    Noise {
        random_jitter_ui: reader.number("sigma_RJ", Kind::NotNegative),
        dual_dirac_ui: reader.number("A_DD", Kind::NotNegative),
        eta0_v2_per_ghz: reader.number("eta_0", Kind::NotNegative),
        crest_factor: reader.option("Noise_Crest_Factor", Kind::NotNegative),
        quantiser,
        tx_noise_by_cursor: reader.flag("SNR_TXwC0", false),
    }
}

pub(super) fn sampling(reader: &mut Reader<'_>) -> Sampling {
    let range = reader.matrix("sample_adjustment").unwrap_or_else(|| Matrix::row(vec![0.0, 0.0]));
    let adjustment = match range.values() {
        // One value is the end of a range from 0.
        [last] => (0.0, *last),
        [first, last] => (*first, *last),
        _ => (f64::NAN, f64::NAN),
    };
    let fits = |value: f64| value.fract() == 0.0 && value.abs() <= 4096.0;
    let usable = fits(adjustment.0) && fits(adjustment.1) && adjustment.0 <= adjustment.1;
    if !usable && !reader.is_broken() {
        let place = reader.place("sample_adjustment");
        let message = format!("`sample_adjustment` = {} is no range of samples", range.text());
        reader.problem(place, message, "give the first and the last sample, such as [-16 16]");
    }
    let anchor = match reader.option("ts_anchor", Kind::Whole(0, 2)) {
        1.0 => SamplingAnchor::Peak,
        2.0 => SamplingAnchor::LargestDifference,
        _ => match reader.word("CDR") {
            Some(word) if word.eq_ignore_ascii_case("Mod-MM") => SamplingAnchor::ModifiedMuellerMuller,
            Some(word) if !word.eq_ignore_ascii_case("MM") => {
                let place = reader.place("CDR");
                reader.problem(place, format!("the clock recovery `{word}` is not known"), "set CDR to MM or Mod-MM");
                SamplingAnchor::MuellerMuller
            }
            _ => SamplingAnchor::MuellerMuller,
        },
    };
    Sampling { anchor, adjustment: (adjustment.0 as i32, adjustment.1 as i32) }
}

/// The window of eye height and vertical eye closure; `None` when the sheet has no window.
pub(super) fn module_eye(reader: &mut Reader<'_>) -> Option<ModuleEye> {
    // T_h is the older name, and wins where both are there.
    let name = if reader.has("T_h") { "T_h" } else { "T_O" };
    let window_mui = reader.optional(name, Kind::NotNegative).filter(|window| *window != 0.0)?;
    let weight = match reader.word("Histogram_Window_Weight").map(|word| word.to_lowercase()).as_deref() {
        None => {
            reader.defaulted("Histogram_Window_Weight", "rectangle", SCRIPT);
            WindowWeight::Rectangle
        }
        Some("rectangle") => WindowWeight::Rectangle,
        Some("gaussian" | "norm" | "normal" | "guassian") => WindowWeight::Gaussian,
        Some("triangle") => WindowWeight::Triangle,
        Some("dual_rayleigh" | "dual rayleigh" | "dual-rayleigh") => WindowWeight::DualRayleigh,
        Some(word) => {
            let message = format!("the window weight `{word}` is not known");
            let place = reader.place("Histogram_Window_Weight");
            reader.problem(place, message, "set it to gaussian, dual_rayleigh, triangle or rectangle");
            WindowWeight::Rectangle
        }
    };
    let sigma = reader.number_or("sigma_r", Kind::Positive, 0.02);
    let mut sigma_r_ui = reader.optional("Qr", Kind::Positive).unwrap_or(sigma);
    // QL says the same as half a window over its width.
    if let Some(ratio) = reader.optional("QL", Kind::Positive) {
        sigma_r_ui = window_mui / ratio / 1000.0;
    }
    let samples = reader.number_or("samples_for_C2M", Kind::Whole(4, 1024), 100.0);
    let name = if reader.has("Min_VEO_Test") { "Min_VEO_Test" } else { "EH_min_test" };
    Some(ModuleEye {
        window_mui,
        samples_per_ui: if samples.is_nan() { 0 } else { samples as usize },
        weight,
        sigma_r_ui,
        height_min_test_mv: reader.option(name, Kind::NotNegative),
    })
}

pub(super) fn sequence_detection(reader: &mut Reader<'_>, fixed: usize) -> SequenceDetection {
    let script = reader.option("MLSE", Kind::Whole(0, 3));
    let draft = reader.optional("MLSD", Kind::NotNegative).filter(|delta| *delta > 0.0);
    let asked = script != 0.0 || draft.is_some();
    if asked && fixed == 0 {
        let name = if draft.is_some() { "MLSD" } else { "MLSE" };
        let place = reader.place(name);
        let message = format!("`{name}` asks for sequence detection, and `N_b` is 0");
        reader.problem(place, message, "set N_b to 1: the detector works on the first feedback tap");
    }
    match draft {
        Some(delta_com_db) => {
            if script != 0.0 {
                let place = reader.place("MLSD");
                reader.problem(place, "both `MLSD` and `MLSE` are asked for", "set one of them to 0");
            }
            SequenceDetection::Draft3 { delta_com_db }
        }
        None if script != 0.0 && !script.is_nan() => SequenceDetection::Script(script as u32),
        None => SequenceDetection::None,
    }
}
