//! Protocols: lane technologies and the link types made of them.

use crate::figure::Figure;
use crate::text::Placed;
use crate::units::*;

words! {
    /// Line modulation of a lane.
    pub enum Modulation ("modulation") {
        /// Two levels, one bit per symbol.
        Nrz = "nrz",
        /// Four levels, two bits per symbol.
        Pam4 = "pam4",
        /// Three-phase symbols of MIPI C-PHY (about 2.28 bits per symbol).
        CPhy = "c-phy",
        /// Three levels (100BASE-T1, 1000BASE-T1).
        Pam3 = "pam3",
        /// Coherent dual-polarisation QAM.
        DpQam = "dp-qam",
    }
}

record! {
    /// A lane technology, with the protocols that bundle several such lanes.
    pub struct LaneTechnology {
        /// Name: `ethernet/100g-lane`.
        id: req Placed<String>,
        /// Protocol family: `ethernet`, `infiniband`, `pcie`, `cxl`, `nvlink`, `ualink`, `ucie`, `mipi`, ...
        family: req String,
        /// Full name.
        name: req String,
        /// Payload rate of a lane per direction, before protocol framing.
        lane_gbps: req Gbps,
        /// Symbol rate of a lane.
        symbol_gbd: req Gigabaud,
        /// Line modulation.
        modulation: req Modulation,
        /// Forward error correction, by its usual name; absent when there is none.
        fec: opt String,
        /// Latency of the FEC: code-word fill at the port's rate plus decoding.
        fec_latency: opt Figure<Nanoseconds>,
        /// Insertion loss at Nyquist that a link of this technology may have, SerDes bump to SerDes bump.
        loss_budget: req Figure<Decibels>,
        /// Share of the loss budget that a design keeps in hand.
        design_margin: opt Figure<Decibels>,
        /// Greatest length on which copper may be used whatever the loss (skew, standard's scope); absent: none.
        copper_reach_m: opt Metres,
        /// Remarks.
        note: opt String,
        /// Protocols made of such lanes.
        member: req Vec<MemberTable>,
    }

    /// A protocol: a number of equal lanes.
    pub struct MemberTable {
        /// Name used in descriptions: `ethernet/400gbase-r4`.
        id: req Placed<String>,
        /// Lanes of a port, each with both directions.
        lanes: req u32,
    }
}

impl LaneTechnology {
    /// Nyquist frequency of the lane: half its symbol rate.
    pub fn nyquist(&self) -> Gigahertz {
        Gigahertz(self.symbol_gbd.get() / 2.0)
    }
}

/// A protocol of the catalogue.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Name used in descriptions.
    pub id: String,
    /// Its lane technology: index into [`super::Catalogue::technologies`].
    pub technology: usize,
    /// Lanes of a port, each with both directions.
    pub lanes: u32,
    /// Payload rate of a port per direction.
    pub rate: Gbps,
}
