//! Flags that say what travels, and the traffic that they make.

use std::path::{Path, PathBuf};

use clap::Args;
use lanewright_fabric::collective::{self, Algorithm, Collective, Operation, bandwidth};
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::network::{EndpointId, Network};
use lanewright_fabric::outcome::{End, Outcome};
use lanewright_fabric::route::Routes;
use lanewright_fabric::traffic::connection_matrix::{self, ConnectionMatrix};
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
    #[arg(long, value_name = "FILE", conflicts_with = "collective", required_unless_present = "collective")]
    pub traffic: Option<PathBuf>,
    /// Collective operation, with its algorithm before it: ring-all-reduce, direct-all-to-all, double-tree-broadcast
    #[arg(long, value_name = "NAME", value_parser = collective::parse)]
    pub collective: Option<(Operation, Algorithm)>,
    /// Ranks of the collective; else every endpoint, or every accelerator of a system
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub ranks: Option<u32>,
    /// Rank r is endpoint r times this; else ranks are spread evenly
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub stride: Option<u32>,
    /// Bytes of the collective, as NCCL's tests count them: one rank's buffer of an all-reduce, all parts of a gather
    #[arg(long, value_name = "SIZE", value_parser = units::bytes, default_value = "1GiB")]
    pub bytes: u64,
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
            (None, None) => Err("give the traffic with --traffic FILE or --collective NAME".into()),
        }
    }

    /// The traffic on this network; `ranks` is how many endpoints may be ranks of a collective.
    pub fn traffic(&self, network: &Network, ranks: u32) -> Result<(Traffic, Option<Collective>), String> {
        let has = network.endpoints.len();
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
                    ..Collective::new(*operation, *algorithm, members, args.bytes)
                };
                let mut traffic = collective.traffic().map_err(|error| error.to_string())?;
                if args.lockstep {
                    traffic = lockstep::lockstep(&traffic, collective.when).map_err(|error| error.to_string())?;
                }
                Ok((traffic, Some(collective)))
            }
        }
    }

    /// What is down from the start.
    pub fn faults(&self, network: &Network) -> Result<Timeline, String> {
        match &self.what {
            What::Matrix(matrix, _) => matrix.faults(network).map_err(|why| format!("{}: {why}", self.title)),
            What::Collective(..) => Ok(Timeline::default()),
        }
    }
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
