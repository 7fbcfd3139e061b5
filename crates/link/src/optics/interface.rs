//! Interfaces of intensity-modulated, directly detected optics: what their standards say of launch, receiver and channel.
//!
//! Launch and sensitivity are given as the standards give them for PAM4: the least outer modulation amplitude less the
//! transmitter's eye closure, and the sensitivity for a transmitter without closure. Their difference less what the
//! standard allots to reflections is the channel's loss, which a test holds against the published channel loss.

use lanewright_model::figure::Grade;
use serde::Serialize;

/// Kind of fibre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Glass {
    /// Single-mode.
    Single,
    /// Multimode, graded.
    Multi,
}

/// A standard's optical interface, one lane of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interface {
    /// Short name: `400g-dr4`.
    pub id: &'static str,
    /// Usual name.
    pub name: &'static str,
    /// Clause or agreement that defines it.
    pub source: &'static str,
    /// How certain the numbers are.
    pub grade: Grade,
    /// Symbol rate in GBd.
    pub baud_gbd: f64,
    /// Levels: 2 or 4.
    pub levels: u32,
    /// Optical lanes.
    pub lanes: u32,
    /// Fibre.
    pub glass: Glass,
    /// Longest wavelength of its lanes in nm, where dispersion is greatest.
    pub wavelength_nm: f64,
    /// Least OMA_outer less TDECQ (OMA less TDP for two levels), in dBm.
    pub launch_dbm: f64,
    /// Greatest TDECQ (or TDP) of a transmitter, in dB.
    pub closure_max_db: f64,
    /// Least extinction ratio in dB.
    pub extinction_min_db: f64,
    /// Greatest RIN_OMA in dB/Hz.
    pub rin_db_per_hz: f64,
    /// Receiver sensitivity in OMA_outer for a transmitter without closure, in dBm.
    pub sensitivity_dbm: f64,
    /// Allotted to multipath interference and differential group delay, in dB.
    pub penalties_db: f64,
    /// Loss of the channel that the standard allows, in dB.
    pub channel_loss_db: f64,
    /// Reach in m.
    pub reach_m: f64,
    /// Bit error ratio before error correction at which sensitivity is stated.
    pub pre_fec_ber: f64,
}

const KP4: f64 = 2.4e-4;

/// Every interface that is known, one line of numbers each.
pub const INTERFACES: &[Interface] = &[
    Interface { id: "100g-dr", name: "100GBASE-DR", source: "IEEE 802.3 clause 140", ..DR },
    Interface { id: "400g-dr4", name: "400GBASE-DR4", source: "IEEE 802.3 clause 124", lanes: 4, ..DR },
    Interface { id: "800g-dr8", name: "800GBASE-DR8", source: "IEEE 802.3df clause 124", lanes: 8, ..DR },
    Interface {
        id: "100g-fr1",
        name: "100GBASE-FR1",
        source: "IEEE 802.3cu clause 140",
        grade: Grade::GeneralKnowledge,
        launch_dbm: -1.5,
        sensitivity_dbm: -5.9,
        penalties_db: 0.4,
        channel_loss_db: 4.0,
        reach_m: 2000.0,
        ..DR
    },
    Interface {
        id: "400g-fr4",
        name: "400GBASE-FR4",
        source: "IEEE 802.3cu clause 151",
        wavelength_nm: 1337.5,
        lanes: 4,
        launch_dbm: -1.7,
        sensitivity_dbm: -6.0,
        penalties_db: 0.3,
        channel_loss_db: 4.0,
        reach_m: 2000.0,
        ..DR
    },
    Interface {
        id: "100g-lr1",
        name: "100GBASE-LR1",
        source: "IEEE 802.3cu clause 140",
        grade: Grade::GeneralKnowledge,
        launch_dbm: -0.7,
        sensitivity_dbm: -7.5,
        penalties_db: 0.5,
        channel_loss_db: 6.3,
        reach_m: 10_000.0,
        ..DR
    },
    Interface {
        id: "400g-lr4",
        name: "400G-LR4-10, lane by lane as 100GBASE-LR1",
        source: "estimate after IEEE 802.3cu clause 140",
        grade: Grade::Estimate,
        wavelength_nm: 1337.5,
        lanes: 4,
        launch_dbm: -0.7,
        sensitivity_dbm: -7.5,
        penalties_db: 0.5,
        channel_loss_db: 6.3,
        reach_m: 10_000.0,
        ..DR
    },
    Interface {
        id: "800g-dr4",
        name: "800GBASE-DR4 (200 Gb/s lanes)",
        source: "IEEE P802.3dj drafts, reflector of the B400G study group",
        grade: Grade::Press,
        baud_gbd: 113.4375,
        lanes: 4,
        launch_dbm: -1.2,
        sensitivity_dbm: -4.3,
        // With the inner Hamming code; the concatenated code corrects about 4.8e-3.
        pre_fec_ber: 4.8e-3,
        ..DR
    },
    Interface {
        id: "200g-sr4",
        name: "200GBASE-SR4 (50 Gb/s lanes)",
        source: "IEEE 802.3cd clause 138",
        grade: Grade::GeneralKnowledge,
        baud_gbd: 26.5625,
        lanes: 4,
        glass: Glass::Multi,
        wavelength_nm: 860.0,
        launch_dbm: -5.9,
        closure_max_db: 4.5,
        extinction_min_db: 3.0,
        rin_db_per_hz: -128.0,
        sensitivity_dbm: -7.9,
        penalties_db: 0.1,
        channel_loss_db: 1.9,
        reach_m: 100.0,
        ..DR
    },
    Interface {
        id: "400g-sr8",
        name: "400GBASE-SR8 (50 Gb/s lanes)",
        source: "IEEE 802.3cm clause 138",
        grade: Grade::GeneralKnowledge,
        baud_gbd: 26.5625,
        lanes: 8,
        glass: Glass::Multi,
        wavelength_nm: 860.0,
        launch_dbm: -5.9,
        closure_max_db: 4.5,
        extinction_min_db: 3.0,
        rin_db_per_hz: -128.0,
        sensitivity_dbm: -7.9,
        penalties_db: 0.1,
        channel_loss_db: 1.9,
        reach_m: 100.0,
        ..DR
    },
    Interface {
        id: "400g-sr4",
        name: "400GBASE-SR4 (100 Gb/s lanes)",
        source: "IEEE 802.3db clause 167",
        grade: Grade::GeneralKnowledge,
        lanes: 4,
        glass: Glass::Multi,
        wavelength_nm: 860.0,
        launch_dbm: -4.4,
        closure_max_db: 4.4,
        extinction_min_db: 2.5,
        rin_db_per_hz: -132.0,
        sensitivity_dbm: -6.4,
        penalties_db: 0.2,
        channel_loss_db: 1.8,
        reach_m: 100.0,
        ..DR
    },
    Interface {
        id: "100g-lr4",
        name: "100GBASE-LR4",
        source: "IEEE 802.3ba clause 88",
        baud_gbd: 25.781_25,
        levels: 2,
        lanes: 4,
        wavelength_nm: 1310.19,
        launch_dbm: -2.3,
        closure_max_db: 2.2,
        extinction_min_db: 4.0,
        rin_db_per_hz: -130.0,
        sensitivity_dbm: -8.6,
        penalties_db: 0.0,
        channel_loss_db: 6.3,
        reach_m: 10_000.0,
        pre_fec_ber: 1e-12,
        ..DR
    },
    Interface {
        id: "100g-cwdm4",
        name: "100G CWDM4",
        source: "CWDM4 MSA technical specification",
        grade: Grade::GeneralKnowledge,
        baud_gbd: 25.781_25,
        levels: 2,
        lanes: 4,
        wavelength_nm: 1337.5,
        launch_dbm: -5.0,
        closure_max_db: 3.0,
        extinction_min_db: 3.5,
        rin_db_per_hz: -130.0,
        sensitivity_dbm: -10.0,
        penalties_db: 0.0,
        channel_loss_db: 5.0,
        reach_m: 2000.0,
        pre_fec_ber: 5e-5,
        ..DR
    },
];

/// The 500 m interface of 100 Gb/s lanes: launch, closure, extinction and noise as vendors' datasheets of DR4 and DR8
/// modules state them; sensitivity from the channel's 3.0 dB and 0.1 dB for reflections.
const DR: Interface = Interface {
    id: "",
    name: "",
    source: "",
    grade: Grade::Datasheet,
    baud_gbd: 53.125,
    levels: 4,
    lanes: 1,
    glass: Glass::Single,
    wavelength_nm: 1317.5,
    launch_dbm: -2.2,
    closure_max_db: 3.4,
    extinction_min_db: 3.5,
    rin_db_per_hz: -136.0,
    sensitivity_dbm: -5.3,
    penalties_db: 0.1,
    channel_loss_db: 3.0,
    reach_m: 500.0,
    pre_fec_ber: KP4,
};

impl Interface {
    /// The interface with a short name, or the one that a module's id names (`optics/400g-dr4-qsfp112`).
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.to_lowercase();
        INTERFACES.iter().find(|known| known.id == name).or_else(|| {
            // Twin modules carry two of the smaller interface; the longest name that is contained wins.
            let twin = name.replace("800g-2xdr4", "800g-dr8").replace("800g-2xfr4", "400g-fr4");
            INTERFACES.iter().filter(|known| twin.contains(known.id)).max_by_key(|known| known.id.len())
        })
    }

    /// Dispersion of standard single-mode fibre (G.652, zero at 1300 to 1324 nm, slope at most 0.093 ps/nm²/km) at the
    /// longest wavelength, in ps/(nm km); zero for multimode fibre, whose reach is limited by its modes.
    pub fn dispersion_ps_per_nm_km(&self) -> f64 {
        match self.glass {
            Glass::Multi => 0.0,
            Glass::Single => {
                let (zero, slope) = (1300.0_f64, 0.093);
                slope / 4.0 * (self.wavelength_nm - zero.powi(4) / self.wavelength_nm.powi(3))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Launch less channel loss and reflections is the sensitivity, as every one of these standards has it.
    #[test]
    fn budgets_add_up_to_the_published_channel_loss() {
        for known in INTERFACES {
            let left = known.launch_dbm - known.penalties_db - known.sensitivity_dbm;
            assert!((left - known.channel_loss_db).abs() < 0.11, "{}: {left}", known.id);
        }
    }

    #[test]
    fn modules_are_found_by_their_ids() {
        for (module, expected) in [
            ("optics/400g-dr4-qsfp112", "400g-dr4"),
            ("lpo/800g-dr8", "800g-dr8"),
            ("optics/800g-2xfr4-osfp", "400g-fr4"),
            ("optics/100g-dr-qsfp28", "100g-dr"),
            ("400G-DR4", "400g-dr4"),
        ] {
            assert_eq!(Interface::find(module).map(|found| found.id), Some(expected), "{module}");
        }
        assert!(Interface::find("harness/fakra").is_none());
    }

    /// G.652 at 1337.5 nm: below 3.4 ps/(nm km), which CWDM4's and FR4's budgets assume.
    #[test]
    fn dispersion_of_the_longest_lane() {
        let fr4 = Interface::find("400g-fr4").expect("known");
        assert!((2.8..3.5).contains(&fr4.dispersion_ps_per_nm_km()), "{}", fr4.dispersion_ps_per_nm_km());
    }
}
