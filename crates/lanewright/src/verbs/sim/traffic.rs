//! Flags that say what travels, and the traffic that they make.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lanewright_fabric::collective::{self, Algorithm, Collective, Operation, bandwidth};
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::network::{EndpointId, Network};
use lanewright_fabric::outcome::{End, Outcome};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::connection_matrix::{self, ConnectionMatrix};
use lanewright_fabric::traffic::flow_sizes::FlowSizes;
use lanewright_fabric::traffic::pattern::{Pattern, Plan, Sizes};
use lanewright_fabric::traffic::{Traffic, When, Work, lockstep};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use super::results::Bandwidth;
use super::{Refusal, units};
use crate::disk;

/// Options that say what travels.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Traffic")]
pub struct TrafficArgs {
    /// Traffic file: a connection matrix of htsim (.cm)
    #[arg(long, value_name = "FILE", group = "source")]
    pub traffic: Option<PathBuf>,
    /// Messages by a rule
    #[arg(long, value_enum, group = "source")]
    pub pattern: Option<Rule>,
    /// Collective operation, with its algorithm before it: ring-all-reduce, direct-all-to-all, double-tree-broadcast
    #[arg(long, value_name = "NAME", value_parser = collective::parse, group = "source")]
    pub collective: Option<(Operation, Algorithm)>,
    /// Ranks of the collective, or senders of an incast, receivers of an outcast, members of an all-to-all; else all
    /// endpoints, or all accelerators of a system
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub ranks: Option<u32>,
    /// Rank r is endpoint r times this; else ranks are spread evenly
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub stride: Option<u32>,
    /// Bytes of a collective as NCCL's tests count them (one rank's buffer of an all-reduce, all parts of a gather; else
    /// 1GiB), or of each message of a pattern (else 2MB)
    #[arg(long, value_name = "SIZE", value_parser = units::bytes)]
    pub bytes: Option<u64>,
    /// Messages of a pattern have sizes of a published distribution
    #[arg(long, value_enum, conflicts_with = "bytes", requires = "pattern")]
    pub flow_sizes: Option<Sizing>,
    /// Messages of the random pattern
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub messages: u64,
    /// Share of the endpoints' rate that the Poisson pattern offers
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = units::positive)]
    pub load: f64,
    /// How long messages of the Poisson pattern start
    #[arg(long, value_name = "US", default_value = "1000", value_parser = units::microseconds)]
    pub duration_us: Time,
    /// Pieces that follow each other through the collective
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub chunks: u32,
    /// Parallel instances of the collective that share its bytes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub channels: u32,
    /// Ranks of a group, for hierarchical and rail-aware algorithms
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub group: u32,
    /// A step waits until its sender knows of the receipt, as connection matrices do, not for the receipt alone
    #[arg(long)]
    pub acknowledged: bool,
    /// Every step of the collective waits for all ranks' step before
    #[arg(long)]
    pub lockstep: bool,
}

/// Rules by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// Each to the one half of them further: all cross the core
    Shift,
    /// Each to one other by chance
    Permutation,
    /// The last --ranks of them (else all others) to endpoint 0
    Incast,
    /// Endpoint 0 to the last --ranks of them (else all others)
    Outcast,
    /// The first --ranks of them (else all) each to each
    AllToAll,
    /// Each to its next
    Ring,
    /// --messages, senders and receivers by chance
    Random,
    /// At random times with a --load, for --duration-us
    Poisson,
}

/// Published distributions of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sizing {
    /// Web search (DCTCP, 2010)
    WebSearch,
    /// Hadoop (Facebook, 2015)
    Hadoop,
    /// Data mining (VL2, 2009)
    DataMining,
}

/// Traffic, and what is known of it.
pub struct Source {
    /// In words.
    pub title: String,
    /// Endpoints that it speaks of.
    pub nodes: Option<u32>,
    what: What,
}

enum What {
    Matrix(Box<ConnectionMatrix>, Traffic),
    Collective(TrafficArgs, Operation, Algorithm),
    Pattern(TrafficArgs, Rule),
}

/// What traffic is made for.
pub struct Place<'a> {
    /// The network.
    pub network: &'a Network,
    /// The first so many endpoints may take part in collectives and patterns.
    pub ranks: u32,
    /// Rate of an endpoint's links.
    pub rate: Rate,
    /// Where chance comes from.
    pub seed: u64,
}

impl Source {
    /// Reads what the flags name.
    pub fn read(args: &TrafficArgs, texts: &mut Texts, found: &mut Problems) -> Result<Self, Refusal> {
        match (&args.traffic, args.collective) {
            (Some(path), _) => read_file(path, texts, found),
            (None, Some((operation, algorithm))) => Ok(Self {
                title: format!("{} {}", algorithm.name(), operation.name()),
                nodes: args.ranks,
                what: What::Collective(args.clone(), operation, algorithm),
            }),
            (None, None) => match args.pattern {
                Some(rule) => {
                    let name = rule.to_possible_value().map(|value| value.get_name().to_string());
                    let title = format!("{} pattern", name.unwrap_or_default());
                    Ok(Self { title, nodes: None, what: What::Pattern(args.clone(), rule) })
                }
                None => Err("give the traffic with --traffic FILE, --pattern NAME or --collective NAME".into()),
            },
        }
    }

    /// The traffic on this network.
    pub fn traffic(&self, place: &Place<'_>) -> Result<(Traffic, Option<Collective>), String> {
        let (has, ranks) = (place.network.endpoints.len(), place.ranks);
        match &self.what {
            What::Matrix(matrix, traffic) => {
                let needs = matrix.nodes as usize;
                if has < needs {
                    return Err(format!("{} has {needs} nodes, but the network only {has} endpoints", self.title));
                }
                Ok((traffic.clone(), None))
            }
            What::Collective(args, operation, algorithm) => {
                let wanted = args.ranks.unwrap_or(ranks);
                let stride = args.stride.unwrap_or((ranks / wanted.max(1)).max(1));
                if u64::from(wanted.saturating_sub(1)) * u64::from(stride) >= u64::from(ranks) {
                    return Err(format!(
                        "{wanted} ranks, {stride} apart, need more than the {ranks} endpoints there are"
                    ));
                }
                let members = (0..wanted).map(|rank| EndpointId(rank * stride)).collect();
                let collective = Collective {
                    chunks: args.chunks,
                    channels: args.channels,
                    group: args.group,
                    when: if args.acknowledged { When::Acknowledged } else { When::Delivered },
                    ..Collective::new(*operation, *algorithm, members, args.bytes.unwrap_or(1 << 30))
                };
                let mut traffic = collective.traffic().map_err(|error| error.to_string())?;
                if args.lockstep {
                    traffic = lockstep::lockstep(&traffic, collective.when).map_err(|error| error.to_string())?;
                }
                Ok((traffic, Some(collective)))
            }
            What::Pattern(args, rule) => pattern(args, *rule, place).map(|traffic| (traffic, None)),
        }
    }

    /// What is down from the start.
    pub fn faults(&self, network: &Network) -> Result<Timeline, String> {
        match &self.what {
            What::Matrix(matrix, _) => matrix.faults(network).map_err(|why| format!("{}: {why}", self.title)),
            What::Collective(..) | What::Pattern(..) => Ok(Timeline::default()),
        }
    }
}

fn pattern(args: &TrafficArgs, rule: Rule, place: &Place<'_>) -> Result<Traffic, String> {
    let others = place.ranks.saturating_sub(1);
    let pattern = match rule {
        Rule::Shift => Pattern::Shift { by: place.ranks / 2 },
        Rule::Permutation => Pattern::Permutation,
        Rule::Incast => Pattern::Incast { senders: args.ranks.unwrap_or(others), to: 0 },
        Rule::Outcast => Pattern::Outcast { from: 0, receivers: args.ranks.unwrap_or(others) },
        Rule::AllToAll => Pattern::AllToAll { ranks: args.ranks.unwrap_or(place.ranks) },
        Rule::Ring => Pattern::Ring,
        Rule::Random => Pattern::Random { messages: args.messages },
        Rule::Poisson => Pattern::Poisson { load: args.load, rate: place.rate, time: args.duration_us },
    };
    let sizes = match args.flow_sizes {
        None => Sizes::Fixed(args.bytes.unwrap_or(2_000_000)),
        Some(Sizing::WebSearch) => Sizes::Drawn(FlowSizes::WebSearch),
        Some(Sizing::Hadoop) => Sizes::Drawn(FlowSizes::Hadoop),
        Some(Sizing::DataMining) => Sizes::Drawn(FlowSizes::DataMining),
    };
    let plan = Plan { pattern, endpoints: place.ranks, sizes, start: Time::ZERO, seed: place.seed };
    plan.traffic().map_err(|error| error.to_string())
}

/// Bandwidth of a collective that is done.
pub fn bandwidth(collective: &Collective, outcome: &Outcome) -> Option<Bandwidth> {
    if outcome.stopped {
        return None;
    }
    let ranks = collective.members.len();
    let end = match collective.when {
        When::Delivered => End::Delivered,
        When::Acknowledged => End::Acknowledged,
    };
    let found = bandwidth::bandwidth(collective.operation, ranks, collective.bytes, outcome.makespan(end))?;
    Some(Bandwidth {
        collective: format!("{} {}", collective.algorithm.name(), collective.operation.name()),
        ranks: ranks as u64,
        bytes: collective.bytes,
        algbw: found.algbw,
        busbw: found.busbw,
    })
}

fn read_file(path: &Path, texts: &mut Texts, found: &mut Problems) -> Result<Source, Refusal> {
    let name = path.display().to_string();
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    if ending != "cm" {
        return Err(
            format!("the form of {name} is not known\n  help: let the name of a connection matrix end in .cm").into()
        );
    }
    let text = disk::read_at_most(path, connection_matrix::CM_LIMIT_BYTES)
        .map_err(|why| format!("cannot read {name}: {why}"))?;
    let file = texts.add(name.clone(), text);
    let read = connection_matrix::read(file, texts, found);
    found.sort();
    let Some((matrix, traffic)) = read else { return Err(Refusal::Problems) };
    let nodes = Some(matrix.nodes);
    Ok(Source { title: name, nodes, what: What::Matrix(Box::new(matrix), traffic) })
}

/// Endpoints that something is sent to, each once. Acknowledgements go back, so senders are among them.
pub fn ends(traffic: &Traffic) -> Vec<EndpointId> {
    let mut ends: Vec<EndpointId> = traffic
        .tasks
        .iter()
        .flat_map(|task| match task.work {
            Work::Message { from, to, .. } => vec![from, to],
            Work::InNetwork { group, .. } => {
                traffic.multicasts.get(group as usize).map(|group| group.members.clone()).unwrap_or_default()
            }
            Work::Delay { .. } => Vec::new(),
        })
        .collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// Whether every message has a way, and its acknowledgement one back.
pub fn reachable(network: &Network, routes: &Routes, traffic: &Traffic) -> Result<(), String> {
    for task in &traffic.tasks {
        if let Work::Message { from, to, .. } = task.work
            && !(routes.reaches(network, from, to) && routes.reaches(network, to, from))
        {
            return Err(format!(
                "no way leads from endpoint {} ({}) to endpoint {} ({})",
                from.0,
                network.name(network.node_of(from)),
                to.0,
                network.name(network.node_of(to))
            ));
        }
    }
    Ok(())
}
