//! Fits the constants of `flow::short` to runs of the packet engine, and says how far off they are on others.
//!
//! `short_flow_calibration [--per-family N] [--transport uec|uec-credit|uec-both|ndp]`. Draws N scenarios of each family from
//! a stated seed, splits them by another (half for constants, a fifth for bands, the rest held out), and prints constants as
//! `flow/short/calibration.rs` has them, then errors on what was held out, in all and by family, and on trees of 1,024 hosts,
//! larger than any that was fitted.

mod fit;
mod scenarios;

use fit::Case;
use lanewright_fabric::alone::Framing;
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow::short::calibration::{Calibration, Error, scale};
use lanewright_fabric::flow::short::model::Constants;
use lanewright_fabric::flow::short::{self, Basis, circumstances, figures};
use lanewright_fabric::flow::{self, FlowError, Ways};
use lanewright_fabric::outcome::{Outcome, Unobserved};
use lanewright_fabric::packet::{self, Transport};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::random::Random;
use scenarios::{FAMILIES, Scenario};

/// Seeds of scenarios, of larger ones, and of the split.
const SCENARIOS: u64 = 20_261_128;
const LARGER: u64 = 20_261_129;
const SPLIT: u64 = 4;

/// Shares of the scenarios that constants and bands are fitted to.
const FITTED: f64 = 0.5;
const BANDED: f64 = 0.2;

/// Where the search begins: a little more than a random walk, eight packets, half a round trip per doubling.
const START: Constants = Constants {
    collisions: 10.0,
    load_power: 1.5,
    growth: 0.65,
    relax: 0.3,
    fan_power: 0.15,
    thin: 1.0,
    fair_packets: 10.0,
    ramp: 0.3,
    turns: 0.2,
    scatter: 0.15,
};

const NAMES: [&str; 5] = ["p50", "p99", "max", "mean", "makespan"];

/// The flow engine with all ways, else as usual.
fn plain() -> flow::Settings {
    flow::Settings { ways: Ways::All, ..flow::Settings::default() }
}

/// A scenario with its true answer.
struct Known<'a> {
    scenario: &'a Scenario,
    routes: Routes,
    truth: Outcome,
    figures: [f64; 5],
}

impl Known<'_> {
    fn framing(&self) -> Framing {
        Framing { mtu: self.scenario.mtu, header: 64 }
    }

    fn case(&self) -> Result<Case, FlowError> {
        let Scenario { network, traffic, seed, .. } = self.scenario;
        let (_, found) = circumstances::find(
            network,
            &self.routes,
            traffic,
            &Timeline::default(),
            &plain(),
            self.framing(),
            &mut Unobserved,
        )?;
        let messages = self.truth.finishes.iter().zip(&found).enumerate().filter_map(|(at, (finish, here))| {
            let here = (*here)?;
            let taken = finish.acknowledged.saturating_sub(finish.start).0 as f64;
            (finish.acknowledged != Time::NEVER).then_some((at as u32, here, taken))
        });
        Ok(Case { seed: *seed, messages: messages.collect() })
    }

    /// Figures of the corrected flow engine with their doubt, and of the plain one.
    fn predicted(&self, calibration: &Calibration) -> Result<([f64; 5], f64, [f64; 5]), FlowError> {
        let Scenario { network, traffic, seed, .. } = self.scenario;
        let basis = Basis { framing: self.framing(), calibration: Some(calibration), seed: *seed };
        let none = Timeline::default();
        let forecast = short::run(network, &self.routes, traffic, &none, &plain(), &basis, &mut Unobserved)?;
        let plain = flow::run(network, &self.routes, traffic, &none, &plain(), &mut Unobserved)?;
        let of = |outcome: &Outcome| figures(outcome, traffic).unwrap_or([f64::NAN; 5]);
        Ok((of(&forecast.outcome), forecast.doubt, of(&plain)))
    }
}

fn known(scenario: &Scenario, transport: Transport) -> Option<Known<'_>> {
    let Scenario { network, traffic, mtu, gbps, seed, .. } = scenario;
    let routes = Routes::new(network).ok()?;
    let settings = packet::Settings { mtu: *mtu, seed: *seed, ..packet::Settings::of(transport, gbps * 1e9) };
    let truth = packet::run(network, &routes, traffic, &Timeline::default(), &settings, &mut Unobserved);
    let figures = figures(&truth, traffic).filter(|_| !truth.stopped)?;
    Some(Known { scenario, routes, truth, figures })
}

/// The value that this share of the sorted ones does not exceed.
fn rank(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// A prediction beside the truth.
struct Judged {
    truth: [f64; 5],
    predicted: [f64; 5],
    doubt: f64,
    plain: [f64; 5],
}

fn judge(known: &Known<'_>, calibration: &Calibration) -> Result<Judged, FlowError> {
    let (predicted, doubt, plain) = known.predicted(calibration)?;
    Ok(Judged { truth: known.figures, predicted, doubt, plain })
}

fn errors(judged: &[&Judged], calibration: &Calibration) -> [Error; 5] {
    std::array::from_fn(|at| {
        let error = |one: &&Judged| (one.predicted[at] / one.truth[at]).ln();
        let sizes = sorted(judged.iter().map(|one| error(one).abs()));
        let plain = sorted(judged.iter().map(|one| (one.plain[at] / one.truth[at]).ln().abs()));
        let held = judged.iter().filter(|one| {
            let (low, high) = calibration.band[at];
            let off = -error(one) / scale(one.doubt);
            (low..=high).contains(&off)
        });
        Error {
            median: rank(&sizes, 0.5),
            p90: rank(&sizes, 0.9),
            bias: rank(&sorted(judged.iter().map(error)), 0.5),
            coverage: held.count() as f64 / judged.len().max(1) as f64,
            plain: rank(&plain, 0.5),
        }
    })
}

fn print(what: &str, judged: &[&Judged], calibration: &Calibration) {
    print!("{what:<22} {:>4}", judged.len());
    for (name, error) in NAMES.iter().zip(errors(judged, calibration)) {
        print!(
            " | {name} plain {:.3} now {:.3} p90 {:.3} bias {:+.3} in band {:.2}",
            error.plain, error.median, error.p90, error.bias, error.coverage
        );
    }
    println!();
}

fn calibrate(transport: Transport, name: &'static str, all: &[Scenario], larger: &[Scenario]) -> Result<(), FlowError> {
    let all: Vec<Known<'_>> = all.iter().filter_map(|scenario| known(scenario, transport)).collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    Random::new(SPLIT).shuffle(&mut order);
    let (fitted, banded) = ((FITTED * all.len() as f64) as usize, (BANDED * all.len() as f64) as usize);
    let cases: Result<Vec<Case>, FlowError> = order[..fitted].iter().map(|at| all[*at].case()).collect();
    let cases = cases?;
    let constants = fit::search(&cases, START);
    let none = Error { median: 0.0, p90: 0.0, bias: 0.0, coverage: 0.0, plain: 0.0 };
    let scenarios = [fitted as u32, banded as u32, (all.len() - fitted - banded) as u32];
    let mut calibration = Calibration { name, constants, band: [(0.0, 0.0); 5], errors: [none; 5], scenarios };
    let judged: Result<Vec<Judged>, FlowError> =
        order[fitted..].iter().map(|at| judge(&all[*at], &calibration)).collect();
    let judged = judged?;
    let (bands, held_out) = judged.split_at(banded);
    calibration.band = std::array::from_fn(|at| {
        let off = sorted(bands.iter().map(|one| (one.truth[at] / one.predicted[at]).ln() / scale(one.doubt)));
        // Of n truths and one more, each as likely in every place: the ranks for a tenth below and a tenth above.
        let more = (off.len() + 1) as f64 / off.len().max(1) as f64;
        let digits = |value: f64| (value * 1e3).round() / 1e3;
        (digits(rank(&off, 1.0 - 0.9 * more)), digits(rank(&off, (0.9 * more).min(1.0))))
    });
    let of = |wanted: Option<scenarios::Family>| -> Vec<&Judged> {
        let here = |at: &usize| wanted.is_none_or(|family| all[order[fitted + at]].scenario.family == family);
        (banded..judged.len()).filter(here).map(|at| &judged[at]).collect()
    };
    calibration.errors = errors(&of(None), &calibration);
    println!(
        "== {name}: loss {:.4} of {fitted} fitted scenarios, {} held out\n{calibration:#?}",
        fit::loss(&cases, &constants),
        held_out.len()
    );
    print("held out", &of(None), &calibration);
    for family in FAMILIES {
        print(&format!("- {family:?}"), &of(Some(family)), &calibration);
    }
    let larger: Result<Vec<Judged>, FlowError> =
        larger.iter().filter_map(|one| known(one, transport)).map(|one| judge(&one, &calibration)).collect();
    print("1,024 hosts", &larger?.iter().collect::<Vec<_>>(), &calibration);
    Ok(())
}

fn main() -> Result<(), String> {
    let (mut per_family, mut only) = (120usize, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--per-family" => per_family = value.parse().map_err(|_| format!("{value} is no number"))?,
            "--transport" => only = Some(value),
            other => return Err(format!("{other} is no flag: --per-family N, --transport NAME")),
        }
    }
    let all = scenarios::draw(per_family, SCENARIOS, &scenarios::NETWORKS);
    let larger = scenarios::draw(per_family.div_ceil(12), LARGER, &[(1024, 3)]);
    let transports = [
        (Transport::Uec, "uec"),
        (Transport::UecCredit, "uec-credit"),
        (Transport::UecBoth, "uec-both"),
        (Transport::Ndp, "ndp"),
    ];
    for (transport, name) in transports {
        if only.as_ref().is_none_or(|only| only == name) {
            calibrate(transport, name, &all, &larger).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}
