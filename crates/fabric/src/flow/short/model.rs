//! Four terms for what a message takes longer, or shorter, than its fair share says.
//!
//! - Sprayed packets meet by chance. Through links of load `ρ` a message of `n` packet times sees queues that wander like a
//!   random walk whose drift vanishes at full load, and somewhat more the more ways there are: in packet times
//!   `ρ^load_power · collisions · (m / 50)^growth · (ways / 10)^fan_power`, where `1/m = 1/n + (relax · (1 - ρ))²`: below full
//!   load queues forget after about `1/(1 - ρ)²` packet times.
//! - Windows of few packets follow badly: `ρ^load_power · thin · n / (packets of a round trip)`.
//! - Who shares a receiver is not served in step: packets are first come, first served, so of `n` packets the last comes at
//!   a share `u^(1/n)` of the time that all take together (the greatest of `n` uniform places). Windows are fairer than
//!   chance only up to some number of packets (`fair_packets`).
//! - Many senders at once overfill a queue; until their windows have found the rate, the link idles now and then:
//!   `ramp` round trips for every doubling of the senders above four, and `turns` packets of each.
//!
//! What is left is chance: a log-logistic factor on the first two. Every message draws its own from the seed, so that the
//! spread of many messages is that of the packet engine though none of them can be foretold.
//!
//! Another term, for short messages behind the standing queue of long ones, was tried and brought nothing on the runs that
//! constants were fitted to.

use serde::Serialize;

use super::circumstances::Circumstances;
use crate::traffic::random::Random;

/// Packet times and ways in which constants are stated, about the middle of what was fitted, so that powers and factors can
/// be found one after the other.
pub const USUAL_PACKETS: f64 = 50.0;
/// See [`USUAL_PACKETS`].
pub const USUAL_WAYS: f64 = 10.0;

/// Constants of the terms, fitted to runs of the packet engine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Constants {
    /// Packet times that a message of [`USUAL_PACKETS`] packet times waits in the median at full load over [`USUAL_WAYS`].
    pub collisions: f64,
    /// Power of the load.
    pub load_power: f64,
    /// Power of the number of packet times; 0.5 of a random walk.
    pub growth: f64,
    /// How soon queues forget below full load.
    pub relax: f64,
    /// Power of the number of ways.
    pub fan_power: f64,
    /// Share of its time that a message loses at full load where a round trip holds one packet.
    pub thin: f64,
    /// Packets beyond which sharing a receiver becomes no fairer.
    pub fair_packets: f64,
    /// Round trips lost per doubling of the senders.
    pub ramp: f64,
    /// Times of a packet of every sender that are lost.
    pub turns: f64,
    /// Power of the odds in the log-logistic factor: 0 is no chance.
    pub scatter: f64,
}

impl Constants {
    /// All, for a search.
    pub fn values(self) -> [f64; 10] {
        let Self { collisions, load_power, growth, relax, fan_power, thin, fair_packets, ramp, turns, scatter } = self;
        [collisions, load_power, growth, relax, fan_power, thin, fair_packets, ramp, turns, scatter]
    }

    /// From all.
    pub fn of(
        [collisions, load_power, growth, relax, fan_power, thin, fair_packets, ramp, turns, scatter]: [f64; 10],
    ) -> Self {
        Self { collisions, load_power, growth, relax, fan_power, thin, fair_packets, ramp, turns, scatter }
    }
}

/// What a message takes longer than in the fluid run, in ps; negative where it is served first. `seed` and `task` decide
/// what is left to chance.
pub fn added(constants: &Constants, here: &Circumstances, seed: u64, task: u32) -> f64 {
    let mut random = Random::new(seed ^ (u64::from(task) << 20) ^ 0x0005_15a3_7c0d_e001);
    let (served, luck) = (random.unit(), random.unit().clamp(1e-4, 1.0 - 1e-4));
    let chance = (luck / (1.0 - luck)).powf(constants.scatter);
    let slots = (here.busy / here.packet).max(1.0);
    let remembered = 1.0 / (1.0 / slots + (constants.relax * (1.0 - here.load)).powi(2));
    let wander = constants.collisions
        * (remembered / USUAL_PACKETS).powf(constants.growth)
        * (here.fan / USUAL_WAYS).powf(constants.fan_power);
    let window = (here.round_trip / here.packet).max(1.0);
    let collisions = here.load.powf(constants.load_power) * here.packet * (wander + constants.thin * slots / window);
    // Others hold up the message somewhere behind its own sender.
    let crowd = (1.0 - here.source.max(here.share)).clamp(0.0, 1.0);
    let packets = (here.busy * here.share / here.packet).max(1.0);
    let early = crowd * here.busy * (1.0 - served.powf(1.0 / packets.min(constants.fair_packets.max(1.0))));
    // Offered at once, in round trips of the receiver's link.
    let offered = here.busy / here.round_trip.max(1.0);
    let overfull = ((offered - 3.0) / 6.0).clamp(0.0, 1.0);
    let senders = 1.0 / here.share;
    let doublings = (senders.log2() - 2.0).max(0.0);
    let ramp =
        crowd * overfull * (constants.ramp * here.round_trip * doublings + constants.turns * here.packet * senders);
    collisions * chance + ramp - early
}
