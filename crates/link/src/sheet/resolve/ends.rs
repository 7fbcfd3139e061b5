//! Dies, packages, host boards, and the amplitudes that packages bring with them.

use super::super::expression::Matrix;
use super::reader::{Kind, Reader, SCRIPT};
use crate::com::parameters::{Board, BothEnds, DieStage, Ends, LineLoss, PackageCase, PackageLine};

/// Nano, as capacitances are given in nF and inductances in nH.
const NANO: f64 = 1e-9;

/// Ends, and the amplitudes read with them.
pub(super) struct EndsRead {
    pub ends: Ends,
    /// A_v in V.
    pub victim_v: f64,
    /// A_fe in V.
    pub fext_v: f64,
    /// A_ne in V.
    pub next_v: f64,
}

/// What a package's section holds, and the sheet itself where it has none.
#[derive(Clone)]
struct Package {
    ball_f: (f64, f64),
    termination_ohm: (f64, f64),
    amplitudes_v: [f64; 3],
    loss: LineLoss,
    impedance: Matrix,
    /// `z_p` rows: TX, FEXT, NEXT, RX; stages down, cases across.
    lengths: [Matrix; 4],
}

const LENGTHS: [&str; 4] = ["z_p (TX)", "z_p (FEXT)", "z_p (NEXT)", "z_p (RX)"];

pub(super) fn read(reader: &mut Reader<'_>) -> EndsRead {
    let names = reader.word("PKG_NAME").filter(|_| reader.has("PKG_NAME"));
    let names: Vec<String> = names.iter().flat_map(|names| names.split_whitespace()).map(str::to_string).collect();
    let (tx, rx) = match names.as_slice() {
        [] => (None, None),
        [both] => (section(reader, both), section(reader, both)),
        [tx, rx] => (section(reader, tx), section(reader, rx)),
        _ => {
            let place = reader.place("PKG_NAME");
            reader.problem(place, "`PKG_NAME` names more than two packages", "name one for both ends, or two: TX RX");
            (None, None)
        }
    };
    let (tx, rx) = match (tx, rx) {
        (Some(tx), Some(rx)) => (tx, rx),
        // The sheet's own package stands in where no section is named; its rows are not asked for otherwise.
        (tx, rx) => {
            let own = package(reader);
            (tx.unwrap_or_else(|| own.clone()), rx.unwrap_or(own))
        }
    };
    let lengths = [&tx.lengths[0], &tx.lengths[1], &tx.lengths[2], &rx.lengths[3]];
    let stages = lengths[0].rows();
    let package = BothEnds {
        tx: PackageLine { loss: tx.loss, impedance_ohm: impedances(reader, &tx.impedance, stages, 0) },
        rx: PackageLine { loss: rx.loss, impedance_ohm: impedances(reader, &rx.impedance, stages, 1) },
    };
    let die = die(reader);
    let pair = |reader: &mut Reader<'_>, name: &str| {
        let matrix = reader.matrix_or(name, &Matrix::scalar(0.0), SCRIPT);
        let (tx, rx) = reader.both(name, &matrix, Kind::NotNegative);
        BothEnds { tx: tx * NANO, rx: rx * NANO }
    };
    let bump_f = pair(reader, "C_b");
    let via_f = if reader.has("C_v") { pair(reader, "C_v") } else { BothEnds { tx: 0.0, rx: 0.0 } };
    let ends = Ends {
        reference_ohm: reader.number("R_0", Kind::Positive),
        termination_ohm: BothEnds { tx: tx.termination_ohm.0, rx: rx.termination_ohm.1 },
        die,
        bump_f,
        via_f,
        ball_f: BothEnds { tx: tx.ball_f.0 * NANO, rx: rx.ball_f.1 * NANO },
        package,
        cases: cases(reader, lengths),
        board: board(reader),
        reflection: BothEnds {
            tx: reader.optional("kappa1", Kind::NotNegative).unwrap_or(1.0),
            rx: reader.optional("kappa2", Kind::NotNegative).unwrap_or(1.0),
        },
    };
    EndsRead { ends, victim_v: tx.amplitudes_v[0], fext_v: tx.amplitudes_v[1], next_v: rx.amplitudes_v[2] }
}

fn section(reader: &mut Reader<'_>, name: &str) -> Option<Package> {
    if !reader.rows.sections().any(|known| known == name) {
        let known: Vec<&str> = reader.rows.sections().collect();
        let help = if known.is_empty() {
            "the sheet has none: begin one with `.START` in the first column".to_string()
        } else {
            format!("the sheet's sections are {}", known.join(", "))
        };
        let place = reader.place("PKG_NAME");
        reader.problem(place, format!("the package section `{name}` is not there"), help);
        return None;
    }
    reader.section = Some(name.to_string());
    let package = package(reader);
    reader.section = None;
    Some(package)
}

fn package(reader: &mut Reader<'_>) -> Package {
    let ball = reader.need("C_p");
    let ball_f = reader.both("C_p", &ball, Kind::NotNegative);
    let termination = reader.need("R_d");
    let termination_ohm = reader.both("R_d", &termination, Kind::Positive);
    let amplitudes_v = ["A_v", "A_fe", "A_ne"].map(|name| amplitude(reader, name));
    let lengths = LENGTHS.map(|name| reader.need(name));
    let [tx, ..] = &lengths;
    for (name, other) in LENGTHS.iter().zip(&lengths) {
        reader.finite(name, other);
        if (other.rows(), other.columns()) != (tx.rows(), tx.columns()) && !reader.is_broken() {
            let place = reader.place(name);
            reader.problem(
                place,
                format!(
                    "`{name}` is {}x{}, and `z_p (TX)` {}x{}",
                    other.rows(),
                    other.columns(),
                    tx.rows(),
                    tx.columns()
                ),
                "give all z_p rows as many stages (down) and cases (across)",
            );
        }
    }
    if ![1, 2, 4].contains(&tx.rows()) {
        let place = reader.place("z_p (TX)");
        let message = format!("`z_p (TX)` has {} stages", tx.rows());
        reader.problem(place, message, "give 1, 2 or 4 rows, parted by semicolons: one for every stage of the package");
    }
    let gammas = Matrix::row(vec![0.0, 1.734e-3, 1.455e-4]);
    let gammas = reader.matrix_or("package_tl_gamma0_a1_a2", &gammas, "Table 93A-3, as in the reference script 4.50");
    let tau = reader.number_or("package_tl_tau", Kind::NotNegative, 6.141e-3);
    let loss = loss(reader, "package_tl_gamma0_a1_a2", &gammas, tau);
    let impedance = Matrix::scalar(78.2);
    let impedance = reader.matrix_or("package_Z_c", &impedance, "Table 93A-3, as in the reference script 4.50");
    Package { ball_f, termination_ohm, amplitudes_v, loss, impedance, lengths }
}

/// An amplitude; a list has one per case, which must be the same.
fn amplitude(reader: &mut Reader<'_>, name: &str) -> f64 {
    let matrix = reader.need(name);
    let first = matrix.values().first().copied().unwrap_or(f64::NAN);
    if matrix.values().iter().any(|value| *value != first) && !first.is_nan() {
        let place = reader.place(name);
        let message = format!("`{name}` = {} differs from case to case", matrix.text());
        reader.problem(place, message, "run the cases one by one with `z_p select` and one amplitude");
    } else if !(reader.is_broken() || first >= 0.0 && first.is_finite()) {
        let place = reader.place(name);
        reader.problem(place, format!("`{name}` = {} is no voltage", matrix.text()), "give volts, from 0 on");
    }
    first
}

fn loss(reader: &mut Reader<'_>, name: &str, gammas: &Matrix, tau: f64) -> LineLoss {
    match gammas.values() {
        [gamma0, a1, a2] => {
            reader.finite(name, gammas);
            LineLoss { gamma0: *gamma0, a1: *a1, a2: *a2, tau }
        }
        _ => {
            let place = reader.place(name);
            let message = format!("`{name}` = {} has {} values", gammas.text(), gammas.len());
            reader.problem(place, message, "give three: [gamma_0 a_1 a_2]");
            LineLoss { gamma0: f64::NAN, a1: f64::NAN, a2: f64::NAN, tau }
        }
    }
}

/// Impedances of the stages of one end: rows are stages, columns the transmitter and the receiver.
fn impedances(reader: &mut Reader<'_>, matrix: &Matrix, stages: usize, end: usize) -> Vec<f64> {
    let values = match (matrix.rows(), matrix.columns()) {
        // For one stage, `[TX RX]`; a single number is for both.
        (1, 1) => matrix.values().to_vec(),
        (_, 2) => matrix.column(end),
        // A column of two is taken as transmitter and receiver of one stage, as the script's indexing does.
        (2, 1) if stages == 1 => matrix.values().get(end).copied().into_iter().collect(),
        _ => Vec::new(),
    };
    if values.len() != stages && !reader.is_broken() {
        let place = reader.place("package_Z_c");
        reader.problem(
            place,
            format!("`package_Z_c` = {} does not give {stages} stages for two ends", matrix.text()),
            "give one row `TX RX` for every stage of z_p, parted by semicolons",
        );
    }
    if values.iter().any(|value| !(value.is_finite() && *value > 0.0)) && !reader.is_broken() {
        let place = reader.place("package_Z_c");
        reader.problem(place, format!("`package_Z_c` = {} holds no impedance", matrix.text()), "give ohms above 0");
    }
    values
}

/// The dies' ladders: `[TX RX]`, or one row of stages for each end.
fn die(reader: &mut Reader<'_>) -> BothEnds<Vec<DieStage>> {
    let shunt = reader.need("C_d");
    let series = reader.matrix_or("L_s", &Matrix::scalar(0.0), SCRIPT);
    let by_end = |matrix: &Matrix| -> Option<[Vec<f64>; 2]> {
        match (matrix.rows(), matrix.columns()) {
            (1, 1) => Some([matrix.values().to_vec(), matrix.values().to_vec()]),
            (1, 2) | (2, 1) => Some([vec![matrix.values()[0]], vec![matrix.values()[1]]]),
            (2, _) => Some([matrix.get_row(0)?.to_vec(), matrix.get_row(1)?.to_vec()]),
            _ => None,
        }
    };
    let empty = BothEnds { tx: Vec::new(), rx: Vec::new() };
    let (Some([shunt_tx, shunt_rx]), Some([series_tx, series_rx])) = (by_end(&shunt), by_end(&series)) else {
        let place = reader.place("C_d");
        let message = format!("`C_d` = {} and `L_s` = {} are no ladders of two ends", shunt.text(), series.text());
        reader.problem(place, message, "give [TX RX], or one row of stages for each end: [1 2 3; 1 2 3]");
        return empty;
    };
    for (name, values) in [("C_d", &shunt), ("L_s", &series)] {
        if values.values().iter().any(|v| !(v.is_finite() && *v >= 0.0)) && !reader.is_broken() {
            let place = reader.place(name);
            reader.problem(
                place,
                format!("`{name}` = {} holds a negative value", values.text()),
                "give values from 0 on",
            );
        }
    }
    let mut ladder = |shunt: &[f64], series: &[f64]| -> Vec<DieStage> {
        // Without inductors every stage has none.
        let none = series.iter().all(|value| *value == 0.0);
        if series.len() != shunt.len() && !none && !reader.is_broken() {
            let place = reader.place("L_s");
            let message = format!("`C_d` has {} stages and `L_s` {}", shunt.len(), series.len());
            reader.problem(place, message, "give both as many stages");
        }
        let series = |stage: usize| series.get(stage).copied().unwrap_or(0.0);
        shunt
            .iter()
            .enumerate()
            .map(|(stage, shunt)| DieStage { shunt_f: shunt * NANO, series_h: series(stage) * NANO })
            .collect()
    };
    BothEnds { tx: ladder(&shunt_tx, &series_tx), rx: ladder(&shunt_rx, &series_rx) }
}

fn cases(reader: &mut Reader<'_>, [tx, fext, next, rx]: [&Matrix; 4]) -> Vec<PackageCase> {
    let count = tx.columns().min(fext.columns()).min(next.columns()).min(rx.columns());
    let select = reader.matrix_or("z_p select", &Matrix::scalar(1.0), SCRIPT);
    let snr = reader.need("SNR_TX");
    let common_mode = reader.matrix("AC_CM_RMS").unwrap_or_else(|| Matrix::scalar(0.0));
    let preset = reader.matrix("PKG_Tx_FFE_preset").unwrap_or_else(|| Matrix::scalar(0.0));
    // The script uses presets only when none of their values is 0.
    let use_preset = !preset.is_empty() && preset.values().iter().all(|value| *value != 0.0);
    let mut cases = Vec::new();
    for number in select.values() {
        if !(number.fract() == 0.0 && *number >= 1.0 && *number <= count as f64) {
            if !number.is_nan() || !reader.is_broken() {
                let place = reader.place("z_p select");
                let message = format!("`z_p select` asks for case {number}, and the z_p rows have {count}");
                reader.problem(place, message, format!("choose from 1 to {count}"));
            }
            continue;
        }
        let case = *number as usize - 1;
        let mut of_case = |name: &str, matrix: &Matrix| match matrix.values() {
            [all] => *all,
            values => match values.get(case) {
                Some(value) => *value,
                None => {
                    let place = reader.place(name);
                    let message = format!("`{name}` has {} values, and none for case {}", values.len(), case + 1);
                    reader.problem(place, message, "give one value, or one for every case");
                    f64::NAN
                }
            },
        };
        let tx_snr_db = of_case("SNR_TX", &snr);
        let common_mode_v = of_case("AC_CM_RMS", &common_mode);
        let tx_preset = if use_preset {
            match preset.get_row(case) {
                Some(row) => row.to_vec(),
                None => {
                    let place = reader.place("PKG_Tx_FFE_preset");
                    let message = format!("`PKG_Tx_FFE_preset` has {} rows, none for case {}", preset.rows(), case + 1);
                    reader.problem(place, message, "give one row for every case");
                    Vec::new()
                }
            }
        } else {
            Vec::new()
        };
        if tx_snr_db.is_nan() && !reader.is_broken() {
            let place = reader.place("SNR_TX");
            reader.problem(place, format!("`SNR_TX` = {} is not a number", snr.text()), "give decibels");
        }
        cases.push(PackageCase {
            name: number.to_string(),
            tx_mm: tx.column(case),
            fext_mm: fext.column(case),
            next_mm: next.column(case),
            rx_mm: rx.column(case),
            tx_snr_db,
            tx_preset,
            common_mode_v,
        });
    }
    if cases.is_empty() && !reader.is_broken() {
        let place = reader.place("z_p select");
        reader.problem(place, "`z_p select` chooses no case", format!("choose from 1 to {count}"));
    }
    cases
}

fn board(reader: &mut Reader<'_>) -> Option<Board> {
    let include = reader.number("Include PCB", Kind::Whole(0, 2));
    if include == 0.0 || include.is_nan() {
        return None;
    }
    let clause = "Table 92-12, as in the reference script 4.50";
    let gammas = Matrix::row(vec![0.0, 4.114e-4, 2.547e-4]);
    let gammas = reader.matrix_or("board_tl_gamma0_a1_a2", &gammas, clause);
    let tau = reader.number_or("board_tl_tau", Kind::NotNegative, 6.191e-3);
    let loss = loss(reader, "board_tl_gamma0_a1_a2", &gammas, tau);
    let impedance = reader.matrix_or("board_Z_c", &Matrix::scalar(109.8), clause);
    let (tx_ohm, rx_ohm) = reader.both("board_Z_c", &impedance, Kind::Positive);
    if tx_ohm != rx_ohm && !reader.is_broken() {
        let place = reader.place("board_Z_c");
        let message = format!("`board_Z_c` = {} differs between the ends", impedance.text());
        reader.problem(place, message, "give one impedance for both boards");
    }
    let mut pair = |name: &str| {
        let matrix = reader.matrix_or(name, &Matrix::scalar(0.0), SCRIPT);
        let (tx, rx) = reader.both(name, &matrix, Kind::NotNegative);
        BothEnds { tx: tx * NANO, rx: rx * NANO }
    };
    let (near_f, far_f) = (pair("C_0"), pair("C_1"));
    Some(Board {
        loss,
        impedance_ohm: tx_ohm,
        near_f,
        far_f,
        tx_mm: reader.number_or("z_bp (TX)", Kind::NotNegative, 151.0),
        fext_mm: reader.number_or("z_bp (FEXT)", Kind::NotNegative, 72.0),
        next_mm: reader.number_or("z_bp (NEXT)", Kind::NotNegative, 72.0),
        rx_mm: reader.number_or("z_bp (RX)", Kind::NotNegative, 151.0),
        at: BothEnds { tx: include == 1.0, rx: true },
    })
}
