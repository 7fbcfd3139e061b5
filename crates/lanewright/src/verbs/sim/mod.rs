//! `lanewright sim`: traffic over a network, packet by packet or by fair rates.

mod best;
mod engine;
mod faults;
mod files;
mod links;
mod nics;
mod results;
mod short_flows;
mod steps;
mod switches;
mod system;
mod topology;
mod traces;
mod traffic;
mod transport;
mod units;

use clap::Args;
use lanewright_fabric::alone::Framing;
use lanewright_fabric::fault::{Change, Timeline};
use lanewright_fabric::flow::Ways;
use lanewright_fabric::network::{EdgeId, EndpointId, Network};
use lanewright_fabric::outcome::End;
use lanewright_fabric::route::{Policy, Routes};
use lanewright_fabric::traffic::Traffic;
use lanewright_fabric::{flow, packet};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use super::{CatalogueArgs, Exit, Outcome, json_text};
use crate::problems;
use crate::simulated::{Facts, Simulated};
use short_flows::ShortFlows;

/// Options of `sim`.
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  lanewright sim --traffic permutation.cm --topology fat-tree --nodes 128 --tiers 3 \\
                 --link-gbps 400 --hop-latency-us 1 --switch-latency-us 0 --mtu 4150 \\
                 --transport uec --routing spray --queue-bdp 1 --seed 13 --json
  lanewright sim --traffic job.toml --nodes 64 --collective-algorithm all-reduce=double-tree
  lanewright sim --traffic incast.cm --topology-file oversubscribed.topo --transport uec-credit
  lanewright sim --pattern incast --ranks 16 --bytes 2MB --nodes 128 --tiers 3
  lanewright sim --traffic moe.cm --topology rail --servers 32 --preset nvlink4
  lanewright sim --collective ring-all-reduce --ranks 512 --bytes 1GiB --engine flow \\
                 --topology fat-tree --nodes 1024
  lanewright sim --traffic permutation.cm -o report.html --trace trace.json --out flows.parquet
  lanewright sim --pattern shift --nodes 128 --transport roce --link-layer lossless
  lanewright sim --pattern shift --nodes 128 --fault 'link host[3] down at 20us until 200us'
  lanewright sim --pattern random --nodes 128 --bytes 4kB --nic nvidia/connectx-7 --nic-queue-pairs 64
  lanewright sim --collective best-all-reduce --ranks 64 --bytes 64MiB --nodes 128
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
    /// NICs.
    #[command(flatten)]
    pub nics: nics::NicArgs,
    /// What fails.
    #[command(flatten)]
    pub faults: faults::FaultArgs,
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
    let wanted = args.faults.read(texts, found)?;
    let mut made = match &args.system {
        Some(name) => {
            if args.topology.given() {
                return Err("give a system or --topology, not both".into());
            }
            if args.engine.links.link_layer.is_some() {
                return Err("the links of a system have the layers of their protocols: leave out --link-layer".into());
            }
            system::load(name, &args.catalogue, args.json, colour)?
        }
        None => args.topology.make(source.nodes, args.engine.links.layer(args.topology.pcie))?,
    };
    let fastest = |network: &Network| {
        let edges = network.endpoints.iter().flat_map(|node| network.out(*node));
        edges.map(|edge| network.edge(*edge).rate).max().ok_or("no link leads to an endpoint of this network")
    };
    let header = args.engine.packet(&made.network, fastest(&made.network)?)?.header;
    let nics = args.nics.hold_back(&mut made.network, args.engine.transport.mtu, header, &args.catalogue)?;
    let network = &made.network;
    let rate = fastest(network)?;
    let mut settings = args.engine.packet(network, rate)?;
    args.nics.apply(&nics, &mut settings);
    let ways = args.engine.flow(settings.routing).ways;
    let one_by_one = match () {
        () if args.engine.engine == engine::Engine::Packet => Some("the packet engine sends every message by itself"),
        () if args.faults.given() || !made.closed.is_empty() => Some("after a fault messages are not alike any more"),
        () if args.files.any() => Some("files list every message and link"),
        () if args.engine.short_flows == ShortFlows::Corrected => Some("every message has its own correction"),
        () => None,
    };
    let seed = args.engine.seed;
    let place = traffic::Place { network, closed: &made.closed, ranks: made.ranks, rate, seed, ways, one_by_one };
    let ready = source.traffic(&place, found)?;
    let ends = ready.ends();
    let traffic::Ready { mut traffic, collective, rounds, candidates, steps } = ready;
    traffic.check(network.endpoints.len()).map_err(|error| error.to_string())?;
    let mut faults = source.faults(network)?;
    let quality = settings.links.quality;
    let mut told = wanted.add(network, (quality.bit_errors, quality.burst), &mut faults, found)?;
    // What is down from the start is known to routes from the start.
    let mut dead = made.closed.clone();
    dead.extend(faults.faults.iter().filter(|fault| fault.at.0 == 0).filter_map(|fault| match fault.change {
        Change::Down { edge } => Some(edge),
        _ => None,
    }));
    let routes = routes(network, &dead, &ends).map_err(|error| error.to_string())?;
    traffic::reachable(network, &routes, &traffic)?;
    if args.engine.engine == engine::Engine::Packet && args.engine.end_us.is_none() {
        can_end(network, &made.closed, &faults, &traffic)?;
    }

    if args.engine.engine == engine::Engine::Packet
        && let Some(why) = packet::cannot_reduce(network, &routes, &traffic)
    {
        return Err(format!(
            "no switches can do this collective: {why}\n  help: take another algorithm, or --engine flow for a bound"
        )
        .into());
    }
    let sampling = args.files.sampling(network, &routes, &traffic, &faults, ways);
    let mut watch = engine::Watch::start();
    let before = engine::cpu_seconds();
    let (mut framing, mut short_flows) = (None, None);
    let (engine, outcome) = match args.engine.engine {
        engine::Engine::Packet => {
            settings.edge_use |= args.files.count_links() || !told.is_empty();
            settings.sampling = sampling;
            framing = Some(Framing { mtu: settings.mtu, header: settings.header });
            ("packet", packet::run(network, &routes, &traffic, &faults, &settings, &mut watch))
        }
        engine::Engine::Flow => {
            let mut rates = args.engine.flow(settings.routing);
            rates.edges |= args.files.count_links();
            rates.sampling = sampling;
            rates.doorbell = settings.nic.doorbell;
            let folded = match &rounds {
                Some(rounds) => flow::run_rounds(network, &routes, rounds, &rates, &mut watch),
                None => Ok(None),
            };
            let outcome = match folded.map_err(|error| error.to_string())? {
                Some((folded, outcome)) => {
                    traffic = folded;
                    outcome
                }
                None => {
                    // Too little was alike: all messages after all.
                    if let (Some(rounds), Some(collective)) = (&rounds, &collective) {
                        let messages = rounds.messages();
                        if messages > flow::FOLD_LIMIT {
                            return Err(format!(
                                "too little is alike in this network for {messages} messages to be folded, and one by one \
                                 they are too many\n  help: take fewer ranks, or an algorithm of fewer steps, such as \
                                 --outer halving-doubling"
                            )
                            .into());
                        }
                        traffic = args.traffic.messages(collective)?;
                        traffic::reachable(network, &routes, &traffic)?;
                    }
                    let run = match args.engine.short_flows {
                        ShortFlows::Plain => flow::run(network, &routes, &traffic, &faults, &rates, &mut watch),
                        ShortFlows::Corrected => {
                            framing = Some(Framing { mtu: settings.mtu, header: settings.header });
                            let parts = ((network, &routes), (&traffic, &faults));
                            short_flows::run(parts.0, parts.1, &rates, &settings, &mut watch).map(|(outcome, told)| {
                                short_flows = Some(told);
                                outcome
                            })
                        }
                    };
                    run.map_err(|error| error.to_string())?
                }
            };
            ("flow", outcome)
        }
    };
    let after = engine::cpu_seconds();
    let setting = results::Setting {
        engine,
        network: made.title,
        traffic: source.title,
        cpu_seconds: after.zip(before).map(|(after, before)| after - before),
        wall_seconds: watch.finish(),
        notes: made
            .notes
            .into_iter()
            .chain(nics.notes)
            .chain(args.engine.unused(&args.nics.given()))
            .chain(wanted.note(&faults))
            .collect(),
    };
    let mut results = results::Results::new(setting, &traffic, &outcome);
    told.iter_mut().for_each(|fault| fault.fill(&outcome));
    results.faults = told;
    results.candidates = candidates;
    results.short_flows = short_flows;
    results.steps = steps.rows(&outcome);
    results.bandwidth = collective.and_then(|collective| traffic::bandwidth(&collective, &outcome));
    let facts = Facts {
        title: results.traffic.clone(),
        network: results.network.clone(),
        engine: engine.into(),
        command: files::command(),
        seed: Some(args.engine.seed),
        settings: args.engine.in_words(&settings),
        cpu_seconds: results.cpu_seconds,
        bandwidths: results.bandwidth.iter().map(files::bandwidth_row).collect(),
        bands: results.short_flows.as_ref().and_then(|correction| correction.bands_us),
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
        crossed: if args.engine.engine == engine::Engine::Packet && settings.routing != Policy::Static {
            Ways::All
        } else {
            ways
        },
        framing,
        facts: &facts,
    })?;
    Ok(if args.json { json_text(serde_json::to_value(&results).unwrap_or_default()) } else { results.draw(network) })
}

/// Routes around dead edges; of large irregular networks to the traffic's destinations alone.
fn routes(
    network: &Network,
    dead: &[EdgeId],
    ends: &[EndpointId],
) -> Result<Routes, lanewright_fabric::route::RouteError> {
    if dead.is_empty() { Routes::to(network, ends) } else { Routes::without(network, dead) }
}

/// Refuses faults that cut off for good what something is sent to: senders would try for ever.
fn can_end(network: &Network, closed: &[EdgeId], faults: &Timeline, traffic: &Traffic) -> Result<(), String> {
    let down = faults::down_at_last(network, faults);
    if down.is_empty() {
        return Ok(());
    }
    let dead = [closed, &down].concat();
    let routes = Routes::without(network, &dead).map_err(|error| error.to_string())?;
    traffic::reachable(network, &routes, traffic).map_err(|why| {
        format!(
            "{why} when all faults have come: senders would try for ever\n  help: let the fault end (until 300us), or stop \
             the run with --end-us"
        )
    })
}
