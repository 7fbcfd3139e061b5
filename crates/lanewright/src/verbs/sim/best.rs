//! Which algorithm does a collective fastest on a network: by the flow engine, by closed forms where that has too much to do.

use lanewright_fabric::collective::best::{Choices, ranked};
use lanewright_fabric::collective::cost::{Level, estimate};
use lanewright_fabric::collective::{Algorithm, Collective, bandwidth};
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow;
use lanewright_fabric::outcome::{End, Unobserved};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::{Builder, Traffic};
use serde::Serialize;

use super::traffic::Place;

/// Messages of a candidate above which its closed form must do.
const MOST_MESSAGES: u64 = 1 << 20;

/// One way, and what it takes.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// Algorithm and operation.
    pub collective: String,
    /// Pieces that follow each other.
    pub chunks: u32,
    /// Time in µs.
    pub time_us: f64,
    /// Bandwidth as NCCL's tests count it, GB/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busbw: Option<f64>,
    /// What says so.
    pub by: &'static str,
}

/// The best way, and all that were compared. Switches that add up are left out: not every network has them.
pub fn choose(template: &Collective, place: &Place<'_>) -> Result<(Collective, Vec<Candidate>), String> {
    let routes = if place.closed.is_empty() {
        Routes::to(place.network, &template.members)
    } else {
        Routes::without(place.network, place.closed)
    };
    let routes = routes.map_err(|error| error.to_string())?;
    let settings = flow::Settings { ways: place.ways, resolution: 1e-3, ..flow::Settings::default() };
    let seconds = |traffic: &Traffic| {
        super::traffic::reachable(place.network, &routes, traffic).ok()?;
        let run = flow::run(place.network, &routes, traffic, &Timeline::default(), &settings, &mut Unobserved).ok()?;
        (!run.stopped).then(|| run.makespan(End::Delivered).as_seconds())
    };
    let (Some(first), Some(last)) = (template.members.first(), template.members.last()) else {
        return Err("a collective needs ranks".into());
    };
    let mut one = Builder::default();
    one.message(*first, *last, 1);
    let alpha = seconds(&one.build()).ok_or("the first rank does not reach the last")?;
    let level = Level { alpha, beta: 1.0 / place.rate.bytes_per_second() };
    let mut algorithms = Algorithm::ALL.to_vec();
    algorithms.retain(|algorithm| *algorithm != Algorithm::InSwitch);
    // Chunks of a template that were asked for stay.
    let chunks = if template.chunks > 1 { vec![template.chunks] } else { vec![1, 4, 16] };
    let choices = Choices { algorithms, chunks, channels: vec![template.channels] };
    let small = |collective: &Collective| messages(collective) <= MOST_MESSAGES;
    let found = ranked(template, &choices, |collective| {
        if small(collective) {
            seconds(&collective.traffic().ok()?)
        } else {
            estimate(collective, level, level).map(|estimate| estimate.seconds)
        }
    });
    let rows = found.iter().map(|one| {
        let collective = &one.collective;
        let time = Time::from_seconds(one.cost);
        let ranks = collective.members.len();
        Candidate {
            collective: format!("{}-{}", collective.algorithm.name(), collective.operation.name()),
            chunks: collective.chunks,
            time_us: one.cost * 1e6,
            busbw: time
                .and_then(|time| bandwidth::bandwidth(collective.operation, ranks, collective.bytes, time))
                .map(|found| found.busbw),
            by: if small(collective) { "flow engine" } else { "closed form" },
        }
    });
    let rows = rows.collect();
    let best = found.into_iter().next().ok_or("no algorithm does this among these ranks")?;
    Ok((best.collective, rows))
}

/// Messages of a collective, about: steps times ranks times chunks.
fn messages(collective: &Collective) -> u64 {
    let ranks = collective.members.len() as u64;
    let group = u64::from(collective.group).clamp(1, ranks.max(1));
    let steps = match collective.algorithm {
        Algorithm::Ring | Algorithm::Direct => 2 * ranks,
        Algorithm::Hierarchical | Algorithm::RailAware => 2 * (group + ranks / group),
        _ => 4 * u64::from(64 - ranks.leading_zeros()),
    };
    steps * ranks * u64::from(collective.chunks) * u64::from(collective.channels)
}
