//! Short messages: what they take longer than their fair share says.
//!
//! Max-min shares are reached at once and without queues; real transports ramp up, and sprayed packets meet in queues. That
//! costs messages of a few bandwidth-delay products most. [`run`] adds, message by message:
//!
//! - what packets cost, by arithmetic: headers on the wire, a packet's time at every further edge, the acknowledgement's way
//!   back ([`super::Settings::framing`]);
//! - what chance and ramping cost, by the terms of [`model`], whose constants are fitted to runs of this crate's packet engine
//!   ([`calibration`]), from the [`circumstances`] that two fluid runs show.
//!
//! The last run lets what waits for messages wait for their corrected ends. Figures of the whole carry a band.

pub mod calibration;
pub mod circumstances;
pub mod model;

#[cfg(test)]
mod tests;

use serde::Serialize;

use self::calibration::Calibration;
use super::engine::Engine;
use super::{FlowError, Settings};
use crate::alone::Framing;
use crate::fault::Timeline;
use crate::network::Network;
use crate::outcome::{Completion, End, Observer, Outcome};
use crate::route::Routes;
use crate::traffic::Traffic;

/// Share of the truths that a band is to hold.
pub const BAND: f64 = 0.8;

/// Share of its time in the fluid run that a message takes at least: nobody is served before he has come.
const LEAST: f64 = 0.02;

/// Low and high end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// A tenth of the truths are below.
    pub low: f64,
    /// A tenth of the truths are above.
    pub high: f64,
}

/// Bands of what is said of all messages, in µs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bands {
    /// Of the median completion time.
    pub p50: Band,
    /// Of the 99th percentile.
    pub p99: Band,
    /// Of the slowest message.
    pub max: Band,
    /// Of the mean.
    pub mean: Band,
    /// Of the time at which the last task is done.
    pub makespan: Band,
}

/// What a corrected run says.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Times of messages as they may well be: each is a draw, all together are the forecast.
    pub outcome: Outcome,
    /// How much of the messages' time was added or taken by fitted terms: what errors grow with.
    pub doubt: f64,
    /// Bands; none without a calibration, or without a finished message.
    pub bands: Option<Bands>,
}

/// The figures that have bands, in µs: median, 99th percentile, slowest, mean, makespan.
pub fn figures(outcome: &Outcome, traffic: &Traffic) -> Option<[f64; 5]> {
    let Completion { p50, p99, max, mean, .. } = outcome.completion(traffic, End::Acknowledged)?;
    Some([p50, p99, max, mean, outcome.makespan(End::Acknowledged).as_us()])
}

/// What a forecast needs beside the network and its traffic.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// How messages are cut into packets.
    pub framing: Framing,
    /// Fitted constants; none: only what packets cost by arithmetic is added.
    pub calibration: Option<&'a Calibration>,
    /// Where what is left to chance comes from.
    pub seed: u64,
}

/// As [`super::run`], with messages cut into packets and short ones corrected.
pub fn run(
    network: &Network,
    routes: &Routes,
    traffic: &Traffic,
    faults: &Timeline,
    settings: &Settings,
    basis: &Basis<'_>,
    observer: &mut dyn Observer,
) -> Result<Forecast, FlowError> {
    let framed = Settings { framing: Some(basis.framing), ..settings.clone() };
    let Some(calibration) = basis.calibration else {
        let outcome = super::run(network, routes, traffic, faults, &framed, observer)?;
        return Ok(Forecast { outcome, doubt: 0.0, bands: None });
    };
    let (fluid, found) = circumstances::find(network, routes, traffic, faults, settings, basis.framing, observer)?;
    if fluid.stopped {
        return Ok(Forecast { outcome: fluid, doubt: 0.0, bands: None });
    }
    // What waits for a message cannot have begun before its fair share was through.
    let awaited = !traffic.followers.is_empty();
    let (mut moved, mut all) = (0.0, 0.0);
    let late = found.iter().enumerate().map(|(task, here)| {
        let Some(here) = here else { return 0.0 };
        let least = if awaited { 0.0 } else { -(1.0 - LEAST) * here.busy };
        let added = model::added(&calibration.constants, here, basis.seed, task as u32).max(least);
        moved += added.abs();
        all += here.fluid;
        added
    });
    let late: Vec<f64> = late.collect();
    let doubt = if all > 0.0 { moved / all } else { 0.0 };
    let outcome = Engine::new(network, routes, traffic, faults, &framed)?.later(late).run(observer)?;
    let bands = figures(&outcome, traffic).map(|figures| calibration.bands(figures, doubt));
    Ok(Forecast { outcome, doubt, bands })
}
