//! `lanewright sim`: traffic over a network, packet by packet or by fair rates.

mod engine;
mod files;
mod results;
mod system;
mod topology;
mod traffic;
mod units;

use clap::Args;
use lanewright_fabric::alone::Framing;
use lanewright_fabric::flow::Ways;
use lanewright_fabric::network::Network;
use lanewright_fabric::outcome::End;
use lanewright_fabric::route::Routes;
use lanewright_fabric::{flow, packet};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::problems;
use crate::simulated::{Facts, Simulated};

/// Options of `sim`.
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  lanewright sim --traffic permutation.cm --topology fat-tree --nodes 128 --tiers 3 \\
                 --link-gbps 400 --hop-latency-us 1 --switch-latency-us 0 --mtu 4150 \\
                 --transport uec --routing spray --queue-bdp 1 --seed 13 --json
  lanewright sim --traffic incast.cm --topology-file oversubscribed.topo --transport uec-credit
  lanewright sim --pattern incast --ranks 16 --bytes 2MB --nodes 128 --tiers 3
  lanewright sim --traffic moe.cm --topology rail --servers 32 --preset nvlink4
  lanewright sim --collective ring-all-reduce --ranks 512 --bytes 1GiB --engine flow \\
                 --topology fat-tree --nodes 1024
  lanewright sim --traffic permutation.cm -o report.html --trace trace.json --out flows.parquet
  lanewright sim gb200-nvl72 --collective direct-all-to-all --bytes 64MiB

Sizes are written 2000000, 64KiB, 1GiB; rates 400, 400G, 1.6T; times in microseconds or as
500ns, 2ms. With --json, `packets` counts data packets once and `retransmitted` those sent again;
`cpu_seconds` is the engine's processor time; equal answers have an equal `fct_hash`.

Exit code 0; 2 when a file or flag cannot be used. Ctrl-C ends a run with what is finished."
)]
pub struct SimArgs {
    /// System file, or the name of a bundled system: its network, its accelerators as ranks
    pub system: Option<String>,
    /// What travels.
    #[command(flatten)]
    pub traffic: traffic::TrafficArgs,
    /// The network.
    #[command(flatten)]
    pub topology: topology::TopologyArgs,
    /// Engines.
    #[command(flatten)]
    pub engine: engine::EngineArgs,
    /// Files to write.
    #[command(flatten)]
    pub files: files::FileArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Catalogue options.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Why a simulation cannot be run.
enum Refusal {
    /// In one line.
    Line(String),
    /// As problems of files.
    Problems,
    /// The system is to blame: what to print.
    System(Outcome),
}

impl From<String> for Refusal {
    fn from(line: String) -> Self {
        Self::Line(line)
    }
}

impl From<&str> for Refusal {
    fn from(line: &str) -> Self {
        Self::Line(line.to_string())
    }
}

/// Runs `sim`.
pub fn run(args: &SimArgs, colour: bool) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    match simulate(args, colour, &mut texts, &mut found) {
        Ok(out) => Outcome { out, err: problems::draw(&found, &texts, colour), exit: Exit::Clean },
        Err(Refusal::Line(why)) => Outcome::bad_input(format!("error: {why}\n")),
        Err(Refusal::Problems) => Outcome::bad_input(problems::draw(&found, &texts, colour)),
        Err(Refusal::System(outcome)) => outcome,
    }
}

fn simulate(args: &SimArgs, colour: bool, texts: &mut Texts, found: &mut Problems) -> Result<String, Refusal> {
    args.files.check()?;
    let source = traffic::Source::read(&args.traffic, texts, found)?;
    let made = match &args.system {
        Some(name) => {
            if args.topology.given() {
                return Err("give a system or --topology, not both".into());
            }
            system::load(name, &args.catalogue, args.json, colour)?
        }
        None => args.topology.make(source.nodes)?,
    };
    let network = &made.network;
    let rate = network.endpoints.iter().flat_map(|node| network.out(*node)).map(|edge| network.edge(*edge).rate).max();
    let rate = rate.ok_or("no link leads to an endpoint of this network")?;
    let place = traffic::Place { network, ranks: made.ranks, rate, seed: args.engine.seed };
    let (traffic, collective) = source.traffic(&place)?;
    traffic.check(network.endpoints.len()).map_err(|error| error.to_string())?;
    let faults = source.faults(network)?;
    // What is down from the start is known to routes from the start.
    let mut dead = made.closed.clone();
    dead.extend(faults.faults.iter().filter(|fault| fault.at.0 == 0).filter_map(|fault| match fault.change {
        lanewright_fabric::fault::Change::Down { edge } => Some(edge),
        _ => None,
    }));
    let routes = routes(network, &dead, &traffic).map_err(|error| error.to_string())?;
    traffic::reachable(network, &routes, &traffic)?;

    let ways = args.engine.flow().ways;
    let sampling = args.files.sampling(network, &routes, &traffic, &faults, ways);
    let mut watch = engine::Watch::start();
    let before = engine::cpu_seconds();
    let mut framing = None;
    let (engine, outcome) = match args.engine.engine {
        engine::Engine::Packet => {
            let mut settings = args.engine.packet();
            settings.edge_use |= args.files.count_links();
            settings.sampling = sampling;
            framing = Some(Framing { mtu: settings.mtu, header: settings.header });
            ("packet", packet::run(network, &routes, &traffic, &faults, &settings, &mut watch))
        }
        engine::Engine::Flow => {
            let mut settings = args.engine.flow();
            settings.edges |= args.files.count_links();
            let run = flow::run(network, &routes, &traffic, &faults, &settings, &mut watch);
            ("flow", run.map_err(|error| error.to_string())?)
        }
    };
    let after = engine::cpu_seconds();
    let setting = results::Setting {
        engine,
        network: made.title,
        traffic: source.title,
        cpu_seconds: after.zip(before).map(|(after, before)| after - before),
        wall_seconds: watch.finish(),
        notes: made.notes,
    };
    let mut results = results::Results::new(setting, &traffic, &outcome);
    results.bandwidth = collective.and_then(|collective| traffic::bandwidth(&collective, &outcome));
    let facts = Facts {
        title: results.traffic.clone(),
        network: results.network.clone(),
        engine: engine.into(),
        command: files::command(),
        seed: Some(args.engine.seed),
        settings: args.engine.in_words(),
        cpu_seconds: results.cpu_seconds,
        bandwidths: results.bandwidth.iter().map(files::bandwidth_row).collect(),
        notes: results.notes.clone(),
    };
    args.files.write(&Simulated {
        network,
        routes: &routes,
        traffic: &traffic,
        faults: &faults,
        outcome: &outcome,
        end: End::Acknowledged,
        ways,
        // Packets of a flow that a hash sends one way may have gone any.
        crossed: if framing.is_some() && args.engine.routing != engine::Routing::Static { Ways::All } else { ways },
        framing,
        facts: &facts,
    })?;
    Ok(if args.json { json_text(serde_json::to_value(&results).unwrap_or_default()) } else { results.draw(network) })
}

/// Routes around dead edges; of large irregular networks to the traffic's destinations alone.
fn routes(
    network: &Network,
    dead: &[lanewright_fabric::network::EdgeId],
    traffic: &lanewright_fabric::traffic::Traffic,
) -> Result<Routes, lanewright_fabric::route::RouteError> {
    if dead.is_empty() { Routes::to(network, &traffic::ends(traffic)) } else { Routes::without(network, dead) }
}
