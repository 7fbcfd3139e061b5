//! Flags that say what travels, and the traffic that they make.

use std::path::{Path, PathBuf};

use clap::Args;
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::network::{EndpointId, Network};
use lanewright_fabric::outcome::Outcome;
use lanewright_fabric::route::Routes;
use lanewright_fabric::traffic::connection_matrix::{self, ConnectionMatrix};
use lanewright_fabric::traffic::{Traffic, Work};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use super::Refusal;
use super::results::Bandwidth;
use crate::disk;

/// Options that say what travels.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Traffic")]
pub struct TrafficArgs {
    /// Traffic file: a connection matrix of htsim (.cm)
    #[arg(long, value_name = "FILE", required = true)]
    pub traffic: Option<PathBuf>,
}

/// Where traffic comes from.
pub enum Source {
    /// A connection matrix.
    Matrix {
        /// Its file.
        name: String,
        /// As read.
        matrix: ConnectionMatrix,
        /// As traffic.
        traffic: Traffic,
    },
}

impl Source {
    /// Reads what the flags name.
    pub fn read(args: &TrafficArgs, texts: &mut Texts, found: &mut Problems) -> Result<Self, Refusal> {
        let Some(path) = &args.traffic else { return Err("give the traffic with --traffic FILE".into()) };
        read_file(path, texts, found)
    }

    /// Endpoints that the traffic speaks of.
    pub fn nodes(&self) -> Option<u32> {
        match self {
            Self::Matrix { matrix, .. } => Some(matrix.nodes),
        }
    }

    /// Whether the network has all of them.
    pub fn fits(&self, network: &Network) -> Result<(), String> {
        let Self::Matrix { name, matrix, .. } = self;
        let (has, needs) = (network.endpoints.len(), matrix.nodes as usize);
        if has < needs {
            return Err(format!("{name} has {needs} nodes, but the network only {has} endpoints"));
        }
        Ok(())
    }

    /// The traffic.
    pub fn traffic(&self, _: &Network) -> Result<Traffic, String> {
        let Self::Matrix { traffic, .. } = self;
        Ok(traffic.clone())
    }

    /// What is down from the start.
    pub fn faults(&self, network: &Network) -> Result<Timeline, String> {
        let Self::Matrix { name, matrix, .. } = self;
        matrix.faults(network).map_err(|why| format!("{name}: {why}"))
    }

    /// In words.
    pub fn title(&self) -> String {
        let Self::Matrix { name, .. } = self;
        name.clone()
    }

    /// Bandwidth where it is a collective operation.
    pub fn bandwidth(&self, _: &Outcome) -> Option<Bandwidth> {
        None
    }
}

fn read_file(path: &Path, texts: &mut Texts, found: &mut Problems) -> Result<Source, Refusal> {
    let name = path.display().to_string();
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    if ending != "cm" {
        return Err(format!("the form of {name} is not known\n  help: let the name of a connection matrix end in .cm").into());
    }
    let text = disk::read_at_most(path, connection_matrix::CM_LIMIT_BYTES).map_err(|why| format!("cannot read {name}: {why}"))?;
    let file = texts.add(name.clone(), text);
    let read = connection_matrix::read(file, texts, found);
    found.sort();
    let Some((matrix, traffic)) = read else { return Err(Refusal::Problems) };
    Ok(Source::Matrix { name, matrix, traffic })
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
