//! The packet engine: every packet through queues, transports and link layers, in whole picoseconds.
//!
//! [`run`] moves the messages of a [`Traffic`] over a [`Network`]. Time comes from a calendar of events (`event`); packets
//! live in a pool and are named by index (`pool`); a port is one cache line (`port`). Switches forward, mark and trim
//! (`forward`); endpoints send (`send`, `nic`), take in (`accept`) and learn (`feedback`), by window (`nscc`) or credit
//! (`credit`), spread over ways by entropy (`spray`). Several threads share a run by parts of the network (`parallel`).

mod accept;
mod control;
mod credit;
mod dcqcn;
mod engine;
mod errors;
mod event;
mod faulty;
mod feedback;
mod forward;
mod hpcc;
mod lanes;
mod layered;
mod link_settings;
mod ndp;
mod nic;
mod nscc;
mod outage;
mod pace;
mod parallel;
mod pause;
mod pool;
mod port;
mod profile;
mod random;
mod receiver;
mod repair;
mod reps;
mod reroute;
mod send;
mod sender;
mod settings;
mod slab;
mod slow_ports;
mod spray;
mod swift;
mod switching;
mod tasks;

pub use dcqcn::Dcqcn;
pub use hpcc::Hpcc;
pub use link_settings::{LinkSettings, PauseSettings, ReplaySettings};
pub use repair::Repair;
pub use settings::{Balancer, Settings, Transport};
pub use swift::Swift;
pub use switching::{Forwarding, Queueing, Red};

use crate::fault::Timeline;
use crate::network::Network;
use crate::outcome::{Observer, Outcome};
use crate::route::Routes;
use crate::traffic::{Traffic, Work};

/// Moves the traffic, packet by packet. The traffic has passed [`Traffic::check`].
///
/// The observer may stop the run; the outcome then holds what is finished.
pub fn run(
    network: &Network,
    routes: &Routes,
    traffic: &Traffic,
    faults: &Timeline,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Outcome {
    let scene = engine::Scene::new(network, routes, traffic, faults, settings);
    let limit = settings.end.0.saturating_add(1);
    // Credits and pauses act on the other end of a link: parts of such a network do not run side by side.
    let wanted = if layered::binds(&scene) { 1 } else { settings.threads };
    let parts = parallel::Parts::new(network, traffic, wanted);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(settings.threads.max(1));
    let (engine, flow) = match parts.and_then(|parts| Some((parts, threads.build().ok()?))) {
        // The observer stays on this thread; the parts' windows go to the others.
        Some((parts, threads)) => parallel::run(&scene, &parts, limit, &threads, observer),
        None => {
            let mut engine = engine::Engine::new(&scene);
            engine.prime(|_| true, true);
            let flow = engine.run_before(limit, observer);
            (engine, flow)
        }
    };
    // Whoever handles a packet passes it on or lets it go.
    debug_assert!(flow.is_break() || limit != u64::MAX || engine.pool.in_flight() == 0, "packets were left behind");
    let stopped = flow.is_break() || engine.done < traffic.tasks.len() as u64;
    let mut outcome = engine.finish(stopped);
    outcome.notes = notes(traffic, &scene);
    outcome.notes.extend(profile::notes(settings).map(str::to_owned));
    outcome
}

/// What this engine leaves out of what it was given.
fn notes(traffic: &Traffic, scene: &engine::Scene<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let in_network = traffic.tasks.iter().filter(|task| matches!(task.work, Work::InNetwork { .. })).count();
    if in_network > 0 {
        notes.push(format!("{in_network} operations inside the network were not run: the packet engine has none"));
    }
    if layered::guesses(scene) {
        notes.push(
            "receive buffers or pause thresholds were not given: they are estimates, enough for the full rate"
                .to_owned(),
        );
    }
    if !scene.detours.from.is_empty()
        && layered::lanes_of(scene).contains(&true)
        && scene.routes.lanes(scene.network, false) > 1
    {
        notes.push(
            "around failures this network may lock up: its virtual channels are those of the whole network".to_owned(),
        );
    }
    notes
}
