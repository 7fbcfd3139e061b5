//! The packet engine: every packet through queues, transports and link layers, in whole picoseconds.
//!
//! [`run`] moves the messages of a [`Traffic`] over a [`Network`]. Time comes from a calendar of events (`event`); packets
//! live in a pool and are named by index (`pool`); a port is one cache line (`port`). Switches forward, mark and trim
//! (`forward`); endpoints send (`send`, `nic`), take in (`accept`) and learn (`feedback`), by window (`nscc`) or credit
//! (`credit`), spread over ways by entropy (`spray`). Several threads share a run by parts of the network (`parallel`). On request what goes
//! on in the same way is skipped (`fast_forward`).

mod accept;
mod control;
mod credit;
mod dcqcn;
mod doorbell;
mod engine;
mod errors;
mod event;
mod fast_forward;
mod faulty;
mod feedback;
mod forward;
mod hpcc;
mod in_network;
mod lanes;
mod layered;
mod leap;
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
mod reduction_tree;
mod repair;
mod reps;
mod reroute;
mod rounds;
mod send;
mod sender;
mod settings;
mod slab;
mod slow_ports;
mod spray;
mod steady;
mod swift;
mod switching;
mod tasks;

pub use dcqcn::Dcqcn;
pub use doorbell::NicSettings;
pub use hpcc::Hpcc;
pub use in_network::{ReductionSettings, cannot_reduce};
pub use link_settings::{LinkSettings, PauseSettings, ReplaySettings};
pub use repair::Repair;
pub use settings::{Balancer, Settings, Transport};
pub use swift::Swift;
pub use switching::{Forwarding, Queueing, Red};

use crate::fault::Timeline;
use crate::network::Network;
use crate::outcome::{Observer, Outcome};
use crate::route::Routes;
use crate::time::Time;
use crate::traffic::Traffic;

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
    let refused = if settings.fast_forward { fast_forward::refusal(&scene) } else { None };
    let forward = settings.fast_forward && refused.is_none();
    // A skip is one for the whole network.
    let alone = forward || layered::binds(&scene) || in_network::any(traffic);
    let wanted = if alone { 1 } else { settings.threads };
    let parts = parallel::Parts::new(network, traffic, wanted);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(settings.threads.max(1));
    let (engine, flow) = match parts.and_then(|parts| Some((parts, threads.build().ok()?))) {
        // The observer stays on this thread; the parts' windows go to the others.
        Some((parts, threads)) => parallel::run(&scene, &parts, limit, &threads, observer),
        None => {
            let mut engine = engine::Engine::new(&scene);
            engine.prime(|_| true, true);
            let flow = if forward { engine.run_forward(limit, observer) } else { engine.run_before(limit, observer) };
            (engine, flow)
        }
    };
    // Whoever handles a packet passes it on or lets it go.
    debug_assert!(flow.is_break() || limit != u64::MAX || engine.pool.in_flight() == 0, "packets were left behind");
    let stopped = flow.is_break() || engine.done < traffic.tasks.len() as u64;
    let open = engine.operations_open();
    let mut outcome = engine.finish(stopped);
    outcome.notes = notes(traffic, &scene, open);
    outcome.notes.extend(profile::notes(settings).map(str::to_owned));
    outcome.notes.extend(fast_forward::notes(settings, traffic, refused, outcome.skipped.as_ref()));
    outcome
}

/// What this engine leaves out of what it was given.
fn notes(traffic: &Traffic, scene: &engine::Scene<'_>, open: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if in_network::any(traffic) && scene.settings.reduction.latency == Time::ZERO {
        notes.push(
            "switches add up in no time beyond their latency: the best case, since nobody publishes more".to_owned(),
        );
    }
    if open > 0 && scene.settings.end == Time::NEVER {
        notes.push(format!(
            "{open} operations inside the network did not end: a full queue or a failed link took a segment, and nobody \
             sends it again"
        ));
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
