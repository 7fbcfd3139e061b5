//! Transmit taps, continuous-time equaliser, decision feedback, and the receiver's feed-forward taps.

use super::super::expression::Matrix;
use super::reader::{Kind, Reader, SCRIPT};
use crate::com::parameters::{
    Ctle, CtleStage, Dfe, FloatingTaps, GainRange, LowStage, RxFfe, RxFfeMethod, TapGrid, TxFfe,
};

/// Longest equaliser that is accepted, in unit intervals.
const TAPS_LIMIT: u32 = 2000;

/// Rows `c(-1)`, `c(-2)` and so on up to the first that is missing, and the same after the cursor.
pub(super) fn tx_ffe(reader: &mut Reader<'_>) -> TxFfe {
    let cursor_min = reader.number("c(0)", Kind::Any);
    let mut taps = Vec::new();
    for sign in [-1, 1] {
        for position in (1..=99).map(|n| sign * n) {
            let name = format!("c({position})");
            let Some(values) = reader.matrix(&name) else { break };
            reader.finite(&name, &values);
            if values.is_empty() {
                let place = reader.place(&name);
                reader.problem(place, format!("`{name}` is an empty range"), "give at least one value; 0 for no tap");
            }
            taps.push(TapGrid { position, values: values.values().to_vec() });
        }
    }
    taps.sort_by_key(|tap| tap.position);
    TxFfe { taps, cursor_min }
}

/// One value for every setting: a single one is for all.
fn spread(reader: &mut Reader<'_>, name: &str, matrix: &Matrix, settings: usize, of: &str) -> Vec<f64> {
    reader.finite(name, matrix);
    match matrix.values() {
        [all] => vec![*all; settings],
        values if values.len() == settings => values.to_vec(),
        values => {
            let place = reader.place(name);
            let message = format!("`{name}` has {} values, and `{of}` {settings}", values.len());
            reader.problem(place, message, format!("give one value, or one for every value of `{of}`"));
            vec![f64::NAN; settings]
        }
    }
}

/// Checks that values are above zero.
fn positive(reader: &mut Reader<'_>, name: &str, values: &[f64]) {
    if values.iter().any(|value| *value <= 0.0) {
        let place = reader.place(name);
        reader.problem(place, format!("`{name}` holds a frequency that is not above 0"), "give GHz above 0");
    }
}

pub(super) fn ctle(reader: &mut Reader<'_>, baud_hz: f64) -> Ctle {
    let gains = reader.need("g_DC");
    reader.finite("g_DC", &gains);
    let settings = gains.len();
    if settings == 0 {
        let place = reader.place("g_DC");
        reader.problem(place, "`g_DC` is an empty range", "give at least one gain; 0 for none");
    }
    let source = "the default of the IEEE reference script 4.50, from f_b";
    let mut corner = |name: &str, default_ghz: f64| {
        let matrix = reader.matrix_or(name, &Matrix::scalar(default_ghz), source);
        let values = spread(reader, name, &matrix, settings, "g_DC");
        positive(reader, name, &values);
        values
    };
    let baud_ghz = baud_hz / 1e9;
    let (pole1, pole2) = (corner("f_p1", baud_ghz / 4.0), corner("f_p2", baud_ghz));
    let mut zero = corner("f_z", baud_ghz / 4.0);
    let own_pairs = reader.matrix("f_HP_Z").filter(|zeros| !zeros.is_empty());
    let low_gains = reader.matrix("g_DC_HP").filter(|gains| !gains.is_empty());
    let kind = reader.word("CTLE_type").unwrap_or_else(|| "CL93".into());
    if let (false, None, None) = (kind.eq_ignore_ascii_case("CL93"), &low_gains, &own_pairs) {
        let place = reader.place("CTLE_type");
        let message = format!("`CTLE_type` is {kind}, and neither `g_DC_HP` nor `f_HP_Z` is given");
        reader.problem(place, message, "add the row `g_DC_HP` (CL120d) or `f_HP_Z` and `f_HP_P` (CL120e)");
    }
    let mut low_pairs = vec![None; settings];
    let mut low_stages = Vec::new();
    if let Some(zeros) = &own_pairs {
        // Clause 120E: every setting brings its low-frequency pair; its zero is taken before the gain.
        let poles = reader.need("f_HP_P");
        let zeros = spread(reader, "f_HP_Z", zeros, settings, "g_DC");
        let poles = spread(reader, "f_HP_P", &poles, settings, "g_DC");
        positive(reader, "f_HP_Z", &zeros);
        positive(reader, "f_HP_P", &poles);
        low_pairs = zeros.iter().zip(&poles).map(|(zero, pole)| Some((zero * 1e9, pole * 1e9))).collect();
        for (zero, gain) in zero.iter_mut().zip(gains.values()) {
            *zero /= 10_f64.powf(gain / 20.0);
        }
        if low_gains.is_some() {
            let place = reader.place("g_DC_HP");
            reader
                .warnings
                .push(format!("{place}: `g_DC_HP` is left away, since `f_HP_Z` says how low frequencies are raised"));
        }
    } else if let Some(low) = &low_gains {
        reader.finite("g_DC_HP", low);
        let corners = reader.need("f_HP_PZ");
        let corners = spread(reader, "f_HP_PZ", &corners, low.len(), "g_DC_HP");
        positive(reader, "f_HP_PZ", &corners);
        low_stages = low
            .values()
            .iter()
            .zip(&corners)
            .map(|(gain_db, corner)| LowStage { gain_db: *gain_db, corner_hz: corner * 1e9 })
            .collect();
    }
    let stages = (0..settings)
        .map(|at| CtleStage {
            gain_db: gains.values()[at],
            zero_hz: zero[at] * 1e9,
            pole1_hz: pole1[at] * 1e9,
            pole2_hz: pole2[at] * 1e9,
            low_pair_hz: low_pairs[at],
        })
        .collect();
    let gain_sum = reader.option("GDC_MIN", Kind::Any);
    Ctle {
        stages,
        qualified: if low_stages.is_empty() { Vec::new() } else { qualified(reader) },
        low_stages,
        gain_sum_max_db: (gain_sum != 0.0).then_some(gain_sum),
    }
}

/// Rows `G_Qual` (pairs of g_DC) and `G2_Qual` (one g_DC_HP each): sorted from the highest g_DC_HP down, each pair is
/// allowed from its own g_DC_HP up to the one before it.
fn qualified(reader: &mut Reader<'_>) -> Vec<GainRange> {
    let pairs = reader.matrix("G_Qual").filter(|pairs| !pairs.is_empty());
    let lows = reader.matrix("G2_Qual").filter(|lows| !lows.is_empty());
    let (Some(pairs), Some(lows)) = (&pairs, &lows) else {
        if pairs.is_some() != lows.is_some() {
            let (there, missing) = if pairs.is_some() { ("G_Qual", "G2_Qual") } else { ("G2_Qual", "G_Qual") };
            let place = reader.place(there);
            let message = format!("`{there}` is given without `{missing}`");
            reader.problem(place, message, "give both rows, or neither");
        }
        return Vec::new();
    };
    reader.finite("G_Qual", pairs);
    reader.finite("G2_Qual", lows);
    if pairs.columns() != 2 || pairs.rows() != lows.len() {
        let place = reader.place("G_Qual");
        let message =
            format!("`G_Qual` is {}x{}, and `G2_Qual` has {} values", pairs.rows(), pairs.columns(), lows.len());
        reader.problem(place, message, "give one pair of g_DC for every value of `G2_Qual`: [-2 -9; -2 -11]");
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..lows.len()).collect();
    order.sort_by(|a, b| lows.values()[*b].total_cmp(&lows.values()[*a]));
    let mut above = None;
    order
        .into_iter()
        .map(|at| {
            let low = lows.values()[at];
            // The first reaches just far enough to hold its own value.
            let high = above.unwrap_or(low + f64::EPSILON);
            above = Some(low);
            let row = pairs.get_row(at).unwrap_or_default();
            let (a, b) = (row[0], row[1]);
            GainRange { gain_db: (a.min(b), a.max(b)), low_gain_db: (low, high) }
        })
        .collect()
}

/// Fixed feedback taps, and N_b_step.
pub(super) struct FixedTaps {
    pub max: Vec<f64>,
    min: Vec<f64>,
}

pub(super) fn fixed_taps(reader: &mut Reader<'_>) -> FixedTaps {
    let count = reader.count_from("N_b", 0, TAPS_LIMIT);
    if count == 0 {
        return FixedTaps { max: Vec::new(), min: Vec::new() };
    }
    let first_max = reader.number("b_max(1)", Kind::Any);
    let first_min = match reader.optional("b_min(1)", Kind::Any) {
        Some(value) => value,
        None => {
            reader.defaulted("b_min(1)", (-first_max).to_string(), SCRIPT);
            -first_max
        }
    };
    let (mut max, mut min) = (vec![first_max], vec![first_min]);
    if count > 1 {
        let highs = reader.matrix_or("b_max(2..N_b)", &Matrix::scalar(0.2), SCRIPT);
        max.extend(spread(reader, "b_max(2..N_b)", &highs, count - 1, "N_b minus 1 taps"));
        match reader.matrix("b_min(2..N_b)") {
            Some(lows) => {
                let place = reader.place("b_min(2..N_b)");
                if lows.as_scalar().is_some_and(|low| low.is_finite()) && count > 2 {
                    note_subtraction(reader, &place);
                }
                min.extend(spread(reader, "b_min(2..N_b)", &lows, count - 1, "N_b minus 1 taps"));
            }
            None => {
                reader.defaulted("b_min(2..N_b)", "-b_max(2..N_b)", SCRIPT);
                min.extend(max.iter().skip(1).map(|high| -high).collect::<Vec<_>>());
            }
        }
    }
    let crossed = max.iter().zip(&min).position(|(high, low)| low > high);
    if let Some(at) = crossed.filter(|_| !reader.is_broken()) {
        let place = reader.place(if at == 0 { "b_min(1)" } else { "b_min(2..N_b)" });
        let message = format!("tap {} has b_min {} above b_max {}", at + 1, min[at], max[at]);
        reader.problem(place, message, "give a lower b_min or a higher b_max");
    }
    FixedTaps { max, min }
}

/// `[-0.15 - 0.15]`, with blanks on both sides of the minus sign, is a difference to MATLAB: a likely slip, followed as
/// the script follows it.
fn note_subtraction(reader: &mut Reader<'_>, place: &str) {
    let Some(text) = reader.word("b_min(2..N_b)") else { return };
    if text.starts_with('[') && text.contains(" - ") {
        reader.warnings.push(format!(
            "{place}: `b_min(2..N_b)` = {text} is one value to MATLAB, since a minus sign between blanks subtracts; it is \
             read so here, as in the reference script"
        ));
    }
}

/// Groups of floating taps; `None` when `N_bg` is 0 or missing.
fn floating(reader: &mut Reader<'_>, fixed: usize) -> Option<FloatingTaps> {
    let groups = reader.option("N_bg", Kind::Whole(0, 100));
    if groups == 0.0 || groups.is_nan() {
        return None;
    }
    let taps = reader.number_or("N_bf", Kind::Whole(1, 100), 6.0);
    let last = match reader.optional("N_f", Kind::Whole(1, TAPS_LIMIT)) {
        Some(last) => last,
        None => {
            reader.defaulted("N_f", fixed.to_string(), "N_b, the default of the IEEE reference script 4.50");
            fixed as f64
        }
    };
    let whole = |value: f64| if value.is_nan() { 0 } else { value as usize };
    Some(FloatingTaps {
        groups: groups as usize,
        taps_per_group: whole(taps),
        last: whole(last),
        max: reader.number_or("bmaxg", Kind::NotNegative, 0.2),
        tail_start: whole(reader.option("N_tail_start", Kind::Whole(0, TAPS_LIMIT))),
        tail_rss_max: reader.option("B_float_RSS_MAX", Kind::NotNegative),
    })
}

pub(super) fn dfe(reader: &mut Reader<'_>, fixed: FixedTaps, rx_ffe: bool) -> Dfe {
    // With receive feed-forward taps the groups float there.
    let floating = if rx_ffe { None } else { floating(reader, fixed.max.len()) };
    if let Some(taps) = &floating
        && taps.last < fixed.max.len() + taps.taps_per_group
        && !reader.is_broken()
    {
        let place = reader.place("N_f");
        let message = format!("`N_f` = {} leaves no room for {} taps behind N_b", taps.last, taps.taps_per_group);
        reader.problem(place, message, "give a larger N_f, or N_bg=0 for no floating taps");
    }
    Dfe { max: fixed.max, min: fixed.min, step: reader.option("N_b_step", Kind::NotNegative), floating }
}

pub(super) fn rx_ffe(reader: &mut Reader<'_>, fixed: usize) -> Option<RxFfe> {
    let tap_count = |reader: &mut Reader<'_>, name: &str| {
        let taps = reader.option(name, Kind::Whole(0, TAPS_LIMIT));
        if taps.is_nan() { 0 } else { taps as usize }
    };
    let (pre, post) = (tap_count(reader, "ffe_pre_tap_len"), tap_count(reader, "ffe_post_tap_len"));
    if pre == 0 && post == 0 {
        return None;
    }
    let method = match reader.word("FFE_OPT_METHOD") {
        None => {
            reader.defaulted("FFE_OPT_METHOD", "MMSE", SCRIPT);
            RxFfeMethod::MinimumError
        }
        Some(word) if word.eq_ignore_ascii_case("MMSE") => RxFfeMethod::MinimumError,
        Some(word) if word.eq_ignore_ascii_case("MMSE-D3") => RxFfeMethod::MinimumErrorDraft3,
        Some(word) => {
            let place = reader.place("FFE_OPT_METHOD");
            let help = "set FFE_OPT_METHOD to MMSE (the script's form of 2024) or MMSE-D3 (drafts 3.x of 802.3dj)";
            reader.problem(place, format!("the method `{word}` of receive taps is not known"), help);
            RxFfeMethod::MinimumError
        }
    };
    let noise_ui = reader.number_or("num_ui_RXFF_noise", Kind::Whole(16, 1 << 20), 2048.0);
    Some(RxFfe {
        pre,
        post,
        pre1_max: reader.number_or("ffe_pre_tap1_max", Kind::NotNegative, 0.7),
        post1_max: reader.number_or("ffe_post_tap1_max", Kind::NotNegative, 0.7),
        max: reader.number_or("ffe_tapn_max", Kind::NotNegative, 0.7),
        floating: floating(reader, fixed),
        method,
        noise_ui: if noise_ui.is_nan() { 0 } else { noise_ui as usize },
    })
}
