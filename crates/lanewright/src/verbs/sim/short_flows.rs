//! `--short-flows`: what the flow engine says of short messages, and how far that is off.

use clap::ValueEnum;
use lanewright_fabric::alone::Framing;
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow::short::{self, BAND, Band, Bands, Basis, calibration};
use lanewright_fabric::flow::{self, FlowError};
use lanewright_fabric::network::Network;
use lanewright_fabric::outcome::{Observer, Outcome};
use lanewright_fabric::packet;
use lanewright_fabric::route::Routes;
use lanewright_fabric::traffic::Traffic;
use serde::Serialize;

/// What to do about short messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ShortFlows {
    /// Bytes over fair shares: no headers, queues or acknowledgements
    #[default]
    Plain,
    /// With headers, packets and acknowledgements, and what queues and ramping cost by terms fitted to the packet engine
    Corrected,
}

/// Errors of the five figures on runs that nobody fitted, as logarithms of predicted over true.
#[derive(Clone, Debug, Serialize)]
pub struct HeldOut {
    /// Runs.
    pub runs: u32,
    /// Median completion time.
    pub p50: calibration::Error,
    /// 99th percentile.
    pub p99: calibration::Error,
    /// Slowest message.
    pub max: calibration::Error,
    /// Mean.
    pub mean: calibration::Error,
    /// Makespan.
    pub makespan: calibration::Error,
}

/// What a corrected run rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Correction {
    /// Transport whose packet engine's runs were fitted; none where only headers, packets and acknowledgements count.
    pub fitted_to: Option<&'static str>,
    /// Share of the truths that bands are to hold.
    pub band_share: f64,
    /// Bands in µs; none outside of what was fitted.
    pub bands_us: Option<Bands>,
    /// Errors on runs that were held out.
    pub held_out: Option<HeldOut>,
}

/// An end of a band as people read it.
fn within(band: Band) -> String {
    format!("{:.3} to {:.3}", band.low, band.high)
}

impl Correction {
    /// Rows of the table: name and value.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let Some(bands) = &self.bands_us else { return Vec::new() };
        vec![
            ("makespan, 80 %", format!("{} µs", within(bands.makespan))),
            (
                "completion, 80 %",
                format!(
                    "p50 {}  p99 {}  max {}  mean {} µs",
                    within(bands.p50),
                    within(bands.p99),
                    within(bands.max),
                    within(bands.mean)
                ),
            ),
        ]
    }
}

/// Runs the flow engine with corrected short messages.
pub fn run(
    (network, routes): (&Network, &Routes),
    (traffic, faults): (&Traffic, &Timeline),
    rates: &flow::Settings,
    settings: &packet::Settings,
    observer: &mut dyn Observer,
) -> Result<(Outcome, Correction), FlowError> {
    let framing = Framing { mtu: settings.mtu, header: settings.header };
    let known = calibration::of(settings);
    let basis = Basis { framing, calibration: known.as_ref().ok().copied(), seed: settings.seed };
    let short::Forecast { mut outcome, bands, .. } =
        short::run(network, routes, traffic, faults, rates, &basis, observer)?;
    let outside = calibration::outside(network, traffic, faults, settings.mtu);
    let mut correction = Correction { fitted_to: None, band_share: BAND, bands_us: None, held_out: None };
    match (known, outside) {
        (Err(why), _) => outcome.notes.push(format!(
            "of short flows only headers, packets and acknowledgements are counted, and how far off that is nobody measured: {why}"
        )),
        (Ok(known), outside) => {
            correction.fitted_to = Some(known.name);
            let [p50, p99, max, mean, makespan] = known.errors;
            correction.held_out = Some(HeldOut { runs: known.scenarios[2], p50, p99, max, mean, makespan });
            outcome.notes.push(known.in_words());
            match outside {
                Some(why) => outcome.notes.push(format!("no bands are given, since this lies outside of what was fitted: {why}")),
                None => correction.bands_us = bands,
            }
        }
    }
    Ok((outcome, correction))
}
