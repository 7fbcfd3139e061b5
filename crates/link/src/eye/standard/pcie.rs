//! PCI Express 5.0, 6.x and 7.0, and CXL on the same lanes.
//!
//! The base specifications are for members only. Presets P0 to P10 follow from the published de-emphasis and preshoot
//! of each preset; Q0 to Q10 and the transmitter of 6.x are repeated in a public example that cites table 8-2 and
//! section 8.3 of the 6.0 base specification.

use super::{CtleFamily, FeedbackLimits, LossPiece, Preset, SerialStandard, Sourced};

/// Where the published presets of 8 to 32 GT/s are repeated.
const P_SOURCE: &str = "PCIe base specification, transmit preset ratios, as repeated in TI SNLA433 table 2-2";
/// Where the presets of 64 GT/s are repeated.
const Q_SOURCE: &str = "PCIe 6.0 base specification table 8-2, as repeated in MathWorks' PCIe6 IBIS-AMI example";
/// The public example of a 64 GT/s transmitter.
const MODEL_6: &str = "MathWorks' PCIe6 IBIS-AMI example, citing the PCIe 6.0 base specification";
/// The public example of a 32 GT/s transmitter.
const MODEL_5: &str = "MathWorks' PCIe5 IBIS-AMI example, citing the PCIe 5.0 base specification";
/// What is known of the standard without a text to cite.
const GENERAL: &str = "general knowledge of the base specification; not re-sourced";
/// What nobody has published.
const AS_6: &str = "no public figure; as 6.x, scaled to 64 GBd where it is a time or a frequency";

/// Presets of 8 to 32 GT/s. P10 is full boost without preshoot: one third, the limit at full swing.
const P: &[Preset] = &[
    Preset { name: "P0", taps: [0.0, 0.0, 0.75, -0.25] },
    Preset { name: "P1", taps: [0.0, 0.0, 0.833, -0.167] },
    Preset { name: "P2", taps: [0.0, 0.0, 0.8, -0.2] },
    Preset { name: "P3", taps: [0.0, 0.0, 0.875, -0.125] },
    Preset { name: "P4", taps: [0.0, 0.0, 1.0, 0.0] },
    Preset { name: "P5", taps: [0.0, -0.1, 0.9, 0.0] },
    Preset { name: "P6", taps: [0.0, -0.125, 0.875, 0.0] },
    Preset { name: "P7", taps: [0.0, -0.1, 0.7, -0.2] },
    Preset { name: "P8", taps: [0.0, -0.125, 0.75, -0.125] },
    Preset { name: "P9", taps: [0.0, -0.166, 0.834, 0.0] },
    Preset { name: "P10", taps: [0.0, 0.0, 0.667, -0.333] },
];

/// Presets of 64 GT/s. Q10 is the same as Q0 in the cited table: full swing, for measurements.
const Q: &[Preset] = &[
    Preset { name: "Q0", taps: [0.0, 0.0, 1.0, 0.0] },
    Preset { name: "Q1", taps: [0.0, -0.083, 0.917, 0.0] },
    Preset { name: "Q2", taps: [0.0, -0.167, 0.833, 0.0] },
    Preset { name: "Q3", taps: [0.0, 0.0, 0.917, -0.083] },
    Preset { name: "Q4", taps: [0.0, 0.0, 0.833, -0.167] },
    Preset { name: "Q5", taps: [0.042, -0.208, 0.75, 0.0] },
    Preset { name: "Q6", taps: [0.042, -0.125, 0.708, -0.125] },
    Preset { name: "Q7", taps: [0.083, -0.208, 0.709, 0.0] },
    Preset { name: "Q8", taps: [0.083, -0.25, 0.667, 0.0] },
    Preset { name: "Q9", taps: [0.083, -0.25, 0.625, -0.042] },
    Preset { name: "Q10", taps: [0.0, 0.0, 1.0, 0.0] },
];

/// Gains at 0 Hz of the reference receivers' CTLE.
const GAINS: &[f64] = &[-5.0, -6.0, -7.0, -8.0, -9.0, -10.0, -11.0, -12.0, -13.0, -14.0, -15.0];

/// CTLE at 16 GHz Nyquist: zero at 450 MHz, its pole at 1.65 times that, poles at 9.5 GHz and twice 28 GHz.
const CTLE_16GHZ: CtleFamily = CtleFamily { zero_hz: 450e6, pole_hz: [742.5e6, 9.5e9, 28e9, 28e9], gain_db: GAINS };

/// The same at 32 GHz Nyquist; the low-frequency pair, which follows skin effect, stays.
const CTLE_32GHZ: CtleFamily = CtleFamily { zero_hz: 450e6, pole_hz: [742.5e6, 19e9, 56e9, 56e9], gain_db: GAINS };

/// Three taps.
const DFE_5: FeedbackLimits = FeedbackLimits::Volts(&[0.08, 0.02, 0.02]);
/// Sixteen taps.
const DFE_6: FeedbackLimits = FeedbackLimits::OfCursor(&[
    0.55, 0.2, 0.125, 0.125, 0.125, 0.125, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04,
]);

const fn piece(name: &'static str, db: f64, between_pins: bool) -> LossPiece {
    LossPiece { name, db, between_pins }
}

const LOSS_5: &[LossPiece] = &[
    piece("root complex package", 9.0, false),
    piece("system board", 16.0, true),
    piece("card connector", 1.5, true),
    piece("add-in card without package", 5.5, true),
    piece("end point package", 4.0, false),
];
const LOSS_6: &[LossPiece] = &[
    piece("root complex package", 8.5, false),
    piece("system board", 13.5, true),
    piece("card connector", 1.5, true),
    piece("add-in card without package", 4.7, true),
    piece("end point package", 3.8, false),
];
const LOSS_7: &[LossPiece] = &[
    piece("root complex package", 9.5, false),
    piece("system board or cable", 15.2, true),
    piece("card connector", 2.0, true),
    piece("add-in card without package", 5.0, true),
    piece("end point package", 4.3, false),
];

/// PCI Express 5.0.
const PCIE_5: SerialStandard = SerialStandard {
    id: "pcie-5",
    name: "PCI Express 5.0, 32 GT/s",
    transfer_gt: Sourced::known(32.0, "PCI-SIG, PCIe 5.0: 32 GT/s, NRZ, 128b/130b"),
    baud_hz: 32e9,
    levels: 2,
    error_ratio: Sourced::second_hand(1e-12, MODEL_5),
    swing_v: Sourced::recalled(0.4, "V_TX-DIFF-PP of at least 800 mV; the least is used"),
    transition_s: Sourced::second_hand(12e-12, MODEL_5),
    level_mismatch: Sourced::known(1.0, "two levels"),
    tx_snr_db: None,
    random_jitter_s: Sourced::recalled(0.45e-12, GENERAL),
    dual_dirac_s: Sourced::recalled(1.25e-12, "T_TX-UDJDD of about 2.5 ps peak to peak; general knowledge"),
    presets: Sourced::second_hand(P, P_SOURCE),
    ctle: Sourced::recalled(CTLE_16GHZ, GENERAL),
    feedback: Sourced::recalled(DFE_5, "three taps; limits of 80, 20 and 20 mV are general knowledge"),
    eye_height_v: Sourced::recalled(0.015, GENERAL),
    eye_width_ui: Sourced::recalled(0.3, GENERAL),
    loss_db: Sourced::recalled(36.0, "36 dB at 16 GHz; MathWorks' example has 37 dB with the card"),
    pieces: Sourced::recalled(LOSS_5, "RC package 9, board 16, connector 1.5, add-in card 9.5 dB with its package"),
    packages_db: Sourced::recalled((9.0, 4.0), "loss only; the reference packages' files are for members"),
};

/// PCI Express 6.x.
const PCIE_6: SerialStandard = SerialStandard {
    id: "pcie-6",
    name: "PCI Express 6.x, 64 GT/s",
    transfer_gt: Sourced::known(64.0, "PCI-SIG, PCIe 6.0: 64 GT/s, PAM4, flits"),
    baud_hz: 32e9,
    levels: 4,
    error_ratio: Sourced::second_hand(1e-6, MODEL_6),
    swing_v: Sourced::second_hand(0.4, "V_TX-DIFF-PP of 0.8 to 1.0 V (8.3.6, table 8-6); the least is used"),
    transition_s: Sourced::second_hand(7.5e-12, MODEL_6),
    level_mismatch: Sourced::recalled(0.95, GENERAL),
    tx_snr_db: Some(Sourced::recalled(34.0, GENERAL)),
    random_jitter_s: Sourced::second_hand(0.433e-12, MODEL_6),
    dual_dirac_s: Sourced::second_hand(1.25e-12, "2.5 ps peak to peak in MathWorks' PCIe6 example"),
    presets: Sourced::second_hand(Q, Q_SOURCE),
    ctle: Sourced::estimated(
        CTLE_16GHZ,
        "family of 5.0, which has the same Nyquist frequency; steps of -5 to -15 dB are recalled",
    ),
    feedback: Sourced::estimated(
        DFE_6,
        "16 taps; limits of taps 2 to 16 as in MathWorks' PCIe6 example, read as shares of the cursor",
    ),
    eye_height_v: Sourced::recalled(0.006, GENERAL),
    eye_width_ui: Sourced::recalled(0.1, GENERAL),
    loss_db: Sourced::recalled(32.0, "32 dB at 16 GHz; general knowledge"),
    pieces: Sourced::estimated(LOSS_6, "add-in card 8.5 dB with its package; the rest is what 32 dB leaves"),
    packages_db: Sourced::estimated((8.5, 3.8), "loss only; the reference packages' files are for members"),
};

/// PCI Express 7.0.
const PCIE_7: SerialStandard = SerialStandard {
    id: "pcie-7",
    name: "PCI Express 7.0, 128 GT/s",
    transfer_gt: Sourced::known(128.0, "PCI-SIG, PCIe 7.0: 128 GT/s, PAM4, flits"),
    baud_hz: 64e9,
    levels: 4,
    error_ratio: Sourced::recalled(1e-6, "as 6.x"),
    swing_v: Sourced::estimated(0.4, AS_6),
    transition_s: Sourced::estimated(4.5e-12, AS_6),
    level_mismatch: Sourced::estimated(0.95, AS_6),
    tx_snr_db: Some(Sourced::estimated(34.0, AS_6)),
    random_jitter_s: Sourced::estimated(0.22e-12, AS_6),
    dual_dirac_s: Sourced::estimated(0.625e-12, AS_6),
    presets: Sourced::estimated(Q, AS_6),
    ctle: Sourced::estimated(CTLE_32GHZ, AS_6),
    feedback: Sourced::estimated(DFE_6, AS_6),
    eye_height_v: Sourced::estimated(0.006, AS_6),
    eye_width_ui: Sourced::estimated(0.1, AS_6),
    loss_db: Sourced::estimated(36.0, "about 36 dB at 32 GHz is named in talks"),
    pieces: Sourced::estimated(LOSS_7, AS_6),
    packages_db: Sourced::estimated((9.5, 4.3), AS_6),
};

const fn cxl(id: &'static str, name: &'static str, of: SerialStandard) -> SerialStandard {
    SerialStandard { id, name, ..of }
}

/// PCI Express and CXL, by rate.
pub const ALL: &[SerialStandard] = &[
    PCIE_5,
    PCIE_6,
    PCIE_7,
    cxl("cxl-2", "CXL 2.0 on PCI Express 5.0 lanes, 32 GT/s", PCIE_5),
    cxl("cxl-3", "CXL 3.x on PCI Express 6.x lanes, 64 GT/s", PCIE_6),
    cxl("cxl-4", "CXL 4.0 on PCI Express 7.0 lanes, 128 GT/s", PCIE_7),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eye::standard::{PRESET_CURSOR, find_serial};

    #[test]
    fn presets_use_the_full_swing() {
        for preset in P.iter().chain(Q) {
            let sum: f64 = preset.taps.iter().map(|c| c.abs()).sum();
            assert!((sum - 1.0).abs() < 1.5e-3, "{}: {sum}", preset.name);
            assert!(preset.taps[PRESET_CURSOR] > 0.5);
        }
    }

    #[test]
    fn presets_have_the_published_preshoot_and_deemphasis() {
        // TI SNLA433 table 2-2: recommended preshoot and de-emphasis in dB, to the 0.1 dB of three decimals.
        let published = [
            ("P0", 0.0, -6.0),
            ("P1", 0.0, -3.5),
            ("P2", 0.0, -4.4),
            ("P3", 0.0, -2.5),
            ("P4", 0.0, 0.0),
            ("P5", 1.9, 0.0),
            ("P6", 2.5, 0.0),
            ("P7", 3.5, -6.0),
            ("P8", 3.5, -3.5),
            ("P9", 3.5, 0.0),
        ];
        for (name, preshoot, deemphasis) in published {
            let preset = P.iter().find(|p| p.name == name).expect("all presets are there");
            let [_, before, cursor, after] = preset.taps;
            // Levels of the base specification's figure: a first bit, b in a run, c last bit of a run.
            let (a, b, c) =
                (cursor - before.abs() + after.abs(), cursor + before + after, cursor + before.abs() - after.abs());
            assert!((20.0 * (c / b).log10() - preshoot).abs() < 0.1, "{name} preshoot");
            assert!((20.0 * (b / a).log10() - deemphasis).abs() < 0.1, "{name} de-emphasis");
        }
    }

    #[test]
    fn pieces_make_up_the_loss() {
        for standard in ALL {
            let sum: f64 = standard.pieces.value.iter().map(|p| p.db).sum();
            assert!((sum - standard.loss_db.value).abs() < 1e-9, "{}", standard.id);
            let packages: f64 = standard.pieces.value.iter().filter(|p| !p.between_pins).map(|p| p.db).sum();
            assert!((packages - standard.packages_db.value.0 - standard.packages_db.value.1).abs() < 1e-9);
        }
    }

    #[test]
    fn names_are_found_as_people_write_them() {
        for name in ["pcie-6", "PCIe 6.0", "pcie_6", "PCIE-6"] {
            assert_eq!(find_serial(name).map(|s| s.id), Some("pcie-6"), "{name}");
        }
        assert!(find_serial("pcie-9").is_none());
    }
}
