//! What no run can exceed: worst latency in closed form.
//!
//! Every clock beats against every other, so that sooner or later a frame comes at the worst moment everywhere. A stage's
//! response is bounded by response-time analysis: one piece of a less urgent job that cannot be set aside, every job of
//! equal or higher rank that fits in, the frame before, and its own work, each at the pace that is left when every engine
//! asks the memory for the most that it ever asks. Data that wait for a clock or for other inputs are at most as old as the
//! gap to the next ones. Where more work comes than is done there is no bound.

use super::checked::{Chain, Feed, Pipeline, Sink};
use super::concrete::Concrete;
use super::share::{Demand, grant};
use super::tables::{Hold, Late, Order};

/// Jobs that take longer by chance: the bound covers all but one in some thousands.
const DEVIATIONS: f64 = 3.5;

/// Someone who uses an engine: how often, how long, how long at a stretch.
#[derive(Clone, Copy, Debug)]
struct User {
    engine: usize,
    priority: u32,
    deadline: f64,
    /// Between jobs, s; 0 for one after another.
    period: f64,
    /// Seconds of a job at its worst pace.
    work: f64,
    /// Longest stretch that cannot be interrupted.
    stretch: f64,
    /// Bytes per second at its best pace.
    demand: f64,
}

/// Worst responses of all streams and what follows from them.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Worst seconds of a job of each stream, memory contention included.
    pub work: Vec<f64>,
    /// From arrival to end, of each stream; none where there is no bound.
    pub response: Vec<Option<f64>>,
}

/// Bounds of every stream.
pub fn bounds(of: &Pipeline, values: &Concrete) -> Bounds {
    let users = users(of, values);
    let work = users.iter().take(of.streams.len()).map(|user| user.work).collect();
    let response = (0..of.streams.len()).map(|at| response(of, &users, at)).collect();
    Bounds { work, response }
}

fn users(of: &Pipeline, values: &Concrete) -> Vec<User> {
    let of_streams = of.streams.iter().enumerate().map(|(at, stream)| {
        let stage = &of.stages[stream.stage];
        let sigma = (1.0 + stage.jitter * stage.jitter).ln().sqrt();
        let alone = values.alone[at] * (DEVIATIONS * sigma - sigma * sigma / 2.0).exp().max(1.0);
        User {
            engine: stage.engine,
            priority: stage.priority,
            deadline: stage.deadline,
            period: stream.period,
            work: alone,
            stretch: 1.0 / f64::from(stage.pieces),
            demand: if stage.paced.is_some() { 0.0 } else { values.bytes[at] / values.alone[at] },
        }
    });
    let of_models = of.llms.iter().enumerate().map(|(at, llm)| {
        let value = values.llms[at];
        let longest = f64::from(llm.prompt) + f64::from(llm.output);
        let token = (llm.weight_bytes + longest * llm.kv_bytes) / value.rate;
        let request = value.prompt + f64::from(llm.output.saturating_sub(1)) * token;
        let layers = f64::from(llm.layers.max(1));
        let stretch = match llm.hold {
            Hold::Layer => value.prompt.max(token) / layers,
            Hold::Token => value.prompt.max(token),
            Hold::Request => request,
        };
        User {
            engine: llm.engine,
            priority: llm.priority,
            deadline: f64::INFINITY,
            period: llm.period.unwrap_or(0.0),
            work: request,
            stretch: stretch / request,
            demand: value.rate.max(value.prompt_bytes / value.prompt),
        }
    });
    let mut users: Vec<User> = of_streams.chain(of_models).collect();
    let slow = paces(of, values, &users);
    for (user, slow) in users.iter_mut().zip(slow) {
        user.work /= slow;
        user.stretch *= user.work;
    }
    users
}

/// The least share of its best pace that each user is left with.
fn paces(of: &Pipeline, values: &Concrete, users: &[User]) -> Vec<f64> {
    let capacity = values.bandwidth - values.steady;
    let mut granted = Vec::new();
    let paces = users.iter().enumerate().map(|(at, user)| {
        if user.demand <= 0.0 {
            return 1.0;
        }
        let mut demands = vec![Demand { rate: user.demand, realtime: of.engines[user.engine].realtime }];
        for (engine, made) in of.engines.iter().enumerate() {
            let others = users.iter().enumerate().filter(|(other, of)| *other != at && of.engine == engine);
            let mut rates: Vec<f64> = others.map(|(_, of)| of.demand).collect();
            rates.sort_by(|a, b| b.total_cmp(a));
            let places = made.count - usize::from(engine == user.engine);
            demands.extend(rates.iter().take(places).map(|rate| Demand { rate: *rate, realtime: made.realtime }));
        }
        grant(&demands, capacity, &mut granted);
        (granted[0] / user.demand).max(1e-9)
    });
    paces.collect()
}

/// From arrival to end at worst.
fn response(of: &Pipeline, users: &[User], stream: usize) -> Option<f64> {
    let user = &users[stream];
    let stage = &of.stages[of.streams[stream].stage];
    if let Some(paced) = stage.paced {
        return Some(paced);
    }
    let engine = &of.engines[user.engine];
    let order = engine.order;
    let on = || users.iter().enumerate().filter(|(other, of)| *other != stream && of.engine == user.engine);
    let goes_before = |other: &User| match order {
        Order::Priority => other.priority >= user.priority,
        // Whoever has come before, and whoever will be due before.
        Order::Deadline => other.deadline < user.deadline * 2.0,
        Order::Arrival => true,
    };
    let blocked = if engine.preemptive {
        0.0
    } else {
        on().filter(|(_, other)| !goes_before(other)).map(|(_, other)| other.stretch).fold(0.0, f64::max)
    };
    let frames = match stage.late {
        // The frame that is worked on, and at most those that wait before it.
        Late::DropOldest => 1.0,
        Late::DropNewest | Late::Queue => stage.depth as f64,
    };
    let own = user.work * (1.0 + frames);
    let places = engine.count as f64;
    let mut time = own + blocked;
    for _ in 0..200 {
        let mut others = 0.0;
        for (_, other) in on().filter(|(_, other)| goes_before(other)) {
            if other.period <= 0.0 {
                return None;
            }
            others += ((time / other.period).ceil() + 1.0) * other.work;
        }
        let next = own + blocked + others / places;
        if next <= time * (1.0 + 1e-9) {
            return Some(next);
        }
        if next > 600.0 {
            return None;
        }
        time = next;
    }
    None
}

/// How long after something of a feed the next comes, at most.
pub fn gap(of: &Pipeline, bounds: &Bounds, feed: Feed) -> Option<f64> {
    match feed {
        Feed::Instance(at) => {
            let source = &of.sources[of.instances[at]];
            Some(source.period * (1.0 + source.drift))
        }
        Feed::Stream(at) => {
            let stream = &of.streams[at];
            let response = bounds.response[at]?;
            let waits = stream
                .feeds
                .iter()
                .map(|feed| gap(of, bounds, *feed))
                .try_fold(0.0f64, |most, g| g.map(|g| most.max(g)))?;
            let every = f64::from(of.stages[stream.stage].every);
            let paced = (waits * every).max(stream.period * 1.001);
            // Where jobs take longer than frames, frames are lost in between.
            Some(paced + response)
        }
    }
}

/// Age of the oldest light of a source behind what a stream makes, when it is made.
fn age(of: &Pipeline, bounds: &Bounds, stream: usize, source: usize) -> Option<Option<f64>> {
    let made = &of.streams[stream];
    let stage = &of.stages[made.stage];
    let mut oldest: Option<f64> = None;
    for feed in &made.feeds {
        let before = match *feed {
            Feed::Instance(at) if of.instances[at] == source => {
                let source = &of.sources[source];
                Some(source.exposure / 2.0 + source.readout + source.delay)
            }
            Feed::Instance(_) => None,
            Feed::Stream(at) => age(of, bounds, at, source)?,
        };
        let Some(before) = before else { continue };
        let waits = if made.feeds.len() > 1 || stage.clock.is_some() { gap(of, bounds, *feed)? } else { 0.0 };
        oldest = Some(oldest.map_or(before + waits, |oldest| oldest.max(before + waits)));
    }
    match oldest {
        Some(oldest) => Some(Some(oldest + bounds.response[stream]?)),
        None => Some(None),
    }
}

/// Worst latency of a chain, s; none where there is no bound.
pub fn chain(of: &Pipeline, values: &Concrete, bounds: &Bounds, chain: &Chain) -> Option<f64> {
    match chain.sink {
        Sink::Stage(stage) => {
            let ages = of.stages[stage].streams.clone().map(|at| age(of, bounds, at, chain.source));
            ages.collect::<Option<Vec<_>>>()?.into_iter().flatten().reduce(f64::max)
        }
        Sink::Display(at) => {
            let display = &of.displays[at];
            let before = age(of, bounds, display.stream, chain.source)??;
            Some(before + display.period * (1.0 + display.drift) + display.scan / 2.0 + values.panels[at])
        }
    }
}
