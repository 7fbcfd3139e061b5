//! Coherent links between sites: optical signal-to-noise ratio, dispersion, reach with and without amplifiers, and whether
//! the module fits its cage.

use lanewright_model::figure::{Band, Grade};
use serde::Serialize;

/// Planck's constant in J s.
const PLANCK: f64 = 6.626_070_15e-34;
/// Carrier at 1550 nm in Hz.
const CARRIER_HZ: f64 = 193.4e12;
/// Reference bandwidth of signal-to-noise ratios: 0.1 nm at 1550 nm, in Hz.
const REFERENCE_HZ: f64 = 12.5e9;
/// Dispersion of standard single-mode fibre at 1550 nm in ps/(nm km) (G.652: 17, at most about 20).
const DISPERSION: Band<f64> = Band { low: 16.5, likely: 17.0, high: 20.0 };

/// A coherent interface.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coherent {
    /// Short name.
    pub id: &'static str,
    /// Usual name.
    pub name: &'static str,
    /// Where its numbers come from.
    pub source: &'static str,
    /// How certain they are.
    pub grade: Grade,
    /// Symbol rate in GBd.
    pub baud_gbd: f64,
    /// Launch in dBm: low, likely, high.
    pub launch_dbm: Band<f64>,
    /// Signal-to-noise ratio at the transmitter's output, in 0.1 nm, in dB.
    pub launch_osnr_db: f64,
    /// Least signal-to-noise ratio in 0.1 nm that the receiver needs, in dB.
    pub osnr_db: f64,
    /// Least received power at which that holds, in dBm.
    pub receive_amplified_dbm: f64,
    /// Least received power of a link without amplifiers, in dBm.
    pub receive_dark_dbm: f64,
    /// Dispersion that it bears, in ps/nm.
    pub dispersion_ps_per_nm: f64,
    /// Bit error ratio that its error correction bears.
    pub pre_fec_ber: f64,
    /// Cages that it is made for.
    pub cages: &'static [&'static str],
}

/// Coherent interfaces that are known.
pub const COHERENT: &[Coherent] = &[
    Coherent {
        id: "100zr",
        name: "100G ZR (DP-QPSK)",
        source: "vendors' statements on QSFP28 coherent modules, general knowledge",
        grade: Grade::GeneralKnowledge,
        baud_gbd: 31.5,
        launch_dbm: Band { low: -9.0, likely: -8.0, high: -5.0 },
        launch_osnr_db: 34.0,
        osnr_db: 14.0,
        receive_amplified_dbm: -22.0,
        receive_dark_dbm: -28.0,
        dispersion_ps_per_nm: 2400.0,
        pre_fec_ber: 1.25e-2,
        cages: &["qsfp28"],
    },
    Coherent {
        id: "400zr",
        name: "400ZR (DP-16QAM)",
        source: "OIF 400ZR implementation agreement, as module datasheets state it",
        grade: Grade::Datasheet,
        baud_gbd: 59.84375,
        launch_dbm: Band { low: -10.0, likely: -8.0, high: -6.0 },
        launch_osnr_db: 34.0,
        osnr_db: 26.0,
        receive_amplified_dbm: -12.0,
        receive_dark_dbm: -20.0,
        dispersion_ps_per_nm: 2400.0,
        pre_fec_ber: 1.25e-2,
        cages: &["qsfp-dd", "osfp"],
    },
    Coherent {
        id: "800zr",
        name: "800ZR (DP-16QAM)",
        source: "estimate after the OIF 800ZR implementation agreement: 3 dB above 400ZR for twice the symbols",
        grade: Grade::Estimate,
        baud_gbd: 118.2,
        launch_dbm: Band { low: -11.0, likely: -9.0, high: -7.0 },
        launch_osnr_db: 35.0,
        osnr_db: 29.0,
        receive_amplified_dbm: -12.0,
        receive_dark_dbm: -17.0,
        dispersion_ps_per_nm: 2400.0,
        pre_fec_ber: 1.5e-2,
        cages: &["osfp", "qsfp-dd"],
    },
];

/// Power that a cage can feed and cool, in W, with its source.
pub const CAGES: &[(&str, f64, &str)] = &[
    ("qsfp28", 4.5, "SFF-8679 power class 6; classes 7 and 8 allow 5 W and more where the host is built for it"),
    ("qsfp-dd", 20.0, "QSFP-DD hardware specification, class 8 as hosts commonly cool it (general knowledge)"),
    ("osfp", 30.0, "OSFP specification, as hosts commonly cool it (general knowledge)"),
];

/// An amplifier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amplifier {
    /// Noise figure in dB.
    pub noise_figure_db: Band<f64>,
    /// Output per channel in dBm.
    pub output_dbm: f64,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Interface.
    pub interface: Coherent,
    /// Length in km.
    pub length_km: f64,
    /// Loss of the fibre in dB/km.
    pub fibre_db_per_km: Band<f64>,
    /// Loss of connectors, and of multiplexers at both ends, in dB.
    pub fixed_db: f64,
    /// Booster behind the transmitter and preamplifier before the receiver; absent for a link without amplifiers.
    pub amplifier: Option<Amplifier>,
    /// Power of the module in W, if known.
    pub power_w: Option<Band<f64>>,
    /// Cage that it is to sit in.
    pub cage: Option<&'static str>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoherentBudget {
    /// Interface.
    pub interface: Coherent,
    /// Loss of the span in dB.
    pub loss_db: Band<f64>,
    /// Received power in dBm (at the preamplifier's input where there is one).
    pub received_dbm: Band<f64>,
    /// Signal-to-noise ratio in 0.1 nm at the receiver in dB.
    pub osnr_db: Band<f64>,
    /// What it is above the interface's need, in dB.
    pub osnr_margin_db: Band<f64>,
    /// What received power is above the receiver's need, in dB; absent behind a preamplifier.
    pub power_margin_db: Option<Band<f64>>,
    /// Dispersion in ps/nm.
    pub dispersion_ps_per_nm: Band<f64>,
    /// Whether everything closes by its likely value.
    pub closes: bool,
    /// Greatest length in km: low, likely, high.
    pub reach_km: Band<f64>,
    /// Cage, what it feeds in W, and whether the module's likely power fits.
    pub cage: Option<(&'static str, f64, bool)>,
}

/// Noise of an ideal amplifier in the reference bandwidth, in dBm: h nu B, -58 dBm.
pub fn quantum_noise_dbm() -> f64 {
    10.0 * (PLANCK * CARRIER_HZ * REFERENCE_HZ * 1e3).log10()
}

impl Coherent {
    /// The interface with a name, or the one that a module's id names.
    pub fn find(name: &str) -> Option<&'static Self> {
        let plain = name.to_lowercase().replace("g-zr", "zr");
        COHERENT.iter().find(|known| plain.contains(known.id))
    }
}

/// Works the budget out.
pub fn budget(question: &Question) -> Result<CoherentBudget, String> {
    let band = &question.fibre_db_per_km;
    if !(question.length_km >= 0.0 && question.length_km <= 1000.0) {
        return Err("the length must be from 0 to 1000 km; one span is modelled".into());
    }
    if !(band.low > 0.0
        && band.low <= band.likely
        && band.likely <= band.high
        && band.high < 10.0
        && question.fixed_db >= 0.0)
    {
        return Err("losses must be above zero, with low, likely and high rising".into());
    }
    let at = |length: f64| state(question, length);
    let now = at(question.length_km);
    let reach = |end: usize| {
        let (mut low, mut high) = (0.0, 1000.0);
        if !at(low)[end].closes(question) {
            return 0.0;
        }
        for _ in 0..50 {
            let middle = (low + high) / 2.0;
            if at(middle)[end].closes(question) { low = middle } else { high = middle }
        }
        low
    };
    let pick = |get: fn(&State) -> f64| {
        let values = [get(&now[0]), get(&now[1]), get(&now[2])];
        Band { low: values[0].min(values[2]), likely: values[1], high: values[0].max(values[2]) }
    };
    let interface = question.interface;
    let osnr_db = pick(|s| s.osnr_db);
    let received_dbm = pick(|s| s.received_dbm);
    let cage = question
        .cage
        .and_then(|name| CAGES.iter().find(|(cage, _, _)| *cage == name))
        .map(|(name, watts, _)| (*name, *watts, question.power_w.is_some_and(|power| power.likely <= *watts + 1e-9)));
    Ok(CoherentBudget {
        interface,
        loss_db: pick(|s| s.loss_db),
        received_dbm,
        osnr_db,
        osnr_margin_db: osnr_db.map(|x| x - interface.osnr_db),
        power_margin_db: question.amplifier.is_none().then(|| received_dbm.map(|x| x - interface.receive_dark_dbm)),
        dispersion_ps_per_nm: DISPERSION.map(|d| d * question.length_km),
        closes: now[1].closes(question),
        reach_km: Band { low: reach(0), likely: reach(1), high: reach(2) },
        cage,
    })
}

/// The link at one end of the bands: bad, likely, good.
struct State {
    loss_db: f64,
    received_dbm: f64,
    osnr_db: f64,
    dispersion: f64,
}

impl State {
    fn closes(&self, question: &Question) -> bool {
        let interface = &question.interface;
        let power = question.amplifier.is_some() || self.received_dbm >= interface.receive_dark_dbm;
        power && self.osnr_db >= interface.osnr_db && self.dispersion <= interface.dispersion_ps_per_nm
    }
}

fn state(question: &Question, length_km: f64) -> [State; 3] {
    let interface = &question.interface;
    let loss = [question.fibre_db_per_km.high, question.fibre_db_per_km.likely, question.fibre_db_per_km.low];
    let dispersion = [DISPERSION.high, DISPERSION.likely, DISPERSION.low];
    let launch = [interface.launch_dbm.low, interface.launch_dbm.likely, interface.launch_dbm.high];
    std::array::from_fn(|end| {
        let loss_db = loss[end] * length_km + question.fixed_db;
        let inverse = |db: f64| 10_f64.powf(-db / 10.0);
        let mut noise = inverse(interface.launch_osnr_db);
        let mut received_dbm = launch[end] - loss_db;
        if let Some(amplifier) = &question.amplifier {
            let figure = amplifier.noise_figure_db;
            let figure = [figure.high, figure.likely, figure.low][end];
            // OSNR of an amplifier: input less noise figure less the quantum noise of the reference bandwidth.
            let stage = |input_dbm: f64| inverse(input_dbm - figure - quantum_noise_dbm());
            received_dbm = amplifier.output_dbm - loss_db;
            noise += stage(launch[end]) + stage(received_dbm);
        }
        State { loss_db, received_dbm, osnr_db: -10.0 * noise.log10(), dispersion: dispersion[end] * length_km }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(id: &str, length_km: f64, amplified: bool) -> Question {
        Question {
            interface: *Coherent::find(id).expect("known"),
            length_km,
            fibre_db_per_km: Band { low: 0.19, likely: 0.22, high: 0.28 },
            fixed_db: 1.0,
            amplifier: amplified
                .then_some(Amplifier { noise_figure_db: Band { low: 4.5, likely: 5.5, high: 6.5 }, output_dbm: 2.0 }),
            power_w: None,
            cage: None,
        }
    }

    /// h nu B in 12.5 GHz at 193.4 THz: -57.95 dBm, the "58" of the usual formula.
    #[test]
    fn quantum_noise_is_minus_58_dbm() {
        assert!((quantum_noise_dbm() + 57.95).abs() < 0.01);
    }

    /// The agreement's application: 80 km amplified closes; without amplifiers some tens of kilometres do.
    #[test]
    fn zr_spans() {
        let amplified = budget(&question("400zr", 80.0, true)).expect("an answer");
        assert!(amplified.closes, "{amplified:?}");
        assert!((80.0..142.0).contains(&amplified.reach_km.likely), "{:?}", amplified.reach_km);
        let dark = budget(&question("400zr", 80.0, false)).expect("an answer");
        assert!(!dark.closes && (30.0..70.0).contains(&dark.reach_km.likely), "{:?}", dark.reach_km);
        let hundred = budget(&question("coherent/100g-zr-qsfp28", 80.0, false)).expect("an answer");
        assert!(hundred.closes, "{hundred:?}");
        assert!(hundred.reach_km.likely > dark.reach_km.likely);
    }

    /// C10: a 100G ZR module of 4.5 W fits a QSFP28 cage of class 6, one of 5.5 W does not.
    #[test]
    fn cages_limit_power() {
        for (watts, fits) in [(4.5, true), (5.5, false)] {
            let q =
                Question { power_w: Some(Band::exact(watts)), cage: Some("qsfp28"), ..question("100zr", 80.0, false) };
            assert_eq!(budget(&q).expect("an answer").cage, Some(("qsfp28", 4.5, fits)));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(budget(&question("400zr", f64::NAN, true)).is_err());
        assert!(budget(&Question { fixed_db: -1.0, ..question("400zr", 10.0, true) }).is_err());
    }
}
