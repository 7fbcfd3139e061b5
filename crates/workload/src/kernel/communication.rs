//! All collectives of one device: NCCL's and the engine's all-reduce, resolved once, within a node and across nodes.

use super::collective::{Collective, CollectiveModel};
use super::point_to_point::{Network, send};
use crate::accelerator::Accelerator;
use crate::accelerator::lineage::donors;
use crate::estimate::Estimate;
use crate::fit::calibration::OperatorFits;
use crate::fit::spread::Band;

/// Whose all-reduce kernels an engine launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// TensorRT-LLM.
    TrtLlm,
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
}

impl Engine {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::TrtLlm, Self::Vllm, Self::Sglang];

    /// From any spelling in use.
    pub fn from_name(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        Some(match plain.as_str() {
            "trtllm" | "tensorrtllm" => Self::TrtLlm,
            "vllm" => Self::Vllm,
            "sglang" => Self::Sglang,
            _ => return None,
        })
    }

    /// The variant of its all-reduce in calibration files; `graph` for kernels replayed from CUDA graphs.
    pub fn variant(self, graph: bool) -> &'static str {
        match (self, graph) {
            (Self::TrtLlm, _) => "trtllm",
            (Self::Vllm, true) => "vllm_graph",
            (Self::Vllm, false) => "vllm_eager",
            (Self::Sglang, true) => "sglang_graph",
            (Self::Sglang, false) => "sglang_eager",
        }
    }
}

/// Which software moves the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Software<'a> {
    /// Engine; none for plain NCCL.
    pub engine: Option<Engine>,
    /// Version of the engine; none for the latest measured.
    pub engine_version: Option<&'a str>,
    /// Version of NCCL; none for the latest measured.
    pub library_version: Option<&'a str>,
}

/// Where ranks sit: so many in the scale-up domain, and what joins the domains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Ranks of the group within one scale-up domain, at least 1.
    pub together: f64,
    /// The network between domains.
    pub network: Network,
}

/// Ranks up to which engines use their own all-reduce kernels.
const ENGINE_RANKS: f64 = 8.0;

/// Band of what crosses nodes: no row of the calibration does (an estimate: NCCL across nodes depends on rings, channels
/// and proxies that the law leaves out).
const ACROSS: Band = Band { below: 1.5, above: 1.7 };

/// Collectives of one device.
#[derive(Clone, Debug)]
pub struct Communication {
    device: Accelerator,
    library: [CollectiveModel; 4],
    graph: Option<CollectiveModel>,
    eager: Option<CollectiveModel>,
    sources: Vec<String>,
}

impl Communication {
    /// From fits of NCCL and of engines' kernels; without any, the law alone.
    pub fn new(
        device: &Accelerator,
        library: Option<&OperatorFits>,
        engines: Option<&OperatorFits>,
        software: &Software<'_>,
    ) -> Self {
        let mut sources = Vec::new();
        let mut find = |fits: Option<&OperatorFits>, collective: Collective, name: &str, version: Option<&str>| {
            let fits = fits?;
            let lent = donors(device);
            let mut devices = std::iter::once(device.id.as_str()).chain(lent.iter().map(|donor| donor.id));
            let fit = devices.find_map(|id| CollectiveModel::choose(&fits.fits, id, name, version))?;
            // The device itself was asked for first: a donor's band is widened.
            let asked = [(device.id.as_str(), fit.variant.as_str()), (fit.device.as_str(), fit.variant.as_str())];
            let found = fits.resolve(asked)?;
            sources.push(format!("{} {}", fits.operator, found.words()));
            Some(CollectiveModel::of(device, &found, collective, version))
        };
        let models = Collective::ALL.map(|collective| {
            find(library, collective, collective.name(), software.library_version)
                .unwrap_or_else(|| CollectiveModel::unfitted(device, collective))
        });
        let mut own = |graph| {
            let name = software.engine?.variant(graph);
            find(engines, Collective::AllReduce, name, software.engine_version)
        };
        let (graph, eager) = (own(true), own(false));
        Self { device: device.clone(), library: models, graph, eager, sources }
    }

    /// What it was calibrated on.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// NCCL's collective among `ranks` of one scale-up domain, seconds; bytes as [`Collective`] says.
    pub fn library(&self, collective: Collective, ranks: f64, bytes: f64) -> Estimate {
        // `Collective::ALL` is in the order of declaration.
        self.library[collective as usize].estimate(ranks, bytes, false)
    }

    /// The engine's all-reduce among `ranks` of one scale-up domain, seconds: its own kernel where it has one for so many
    /// ranks (which itself hands large messages to NCCL), else NCCL's. `graph` when kernels are replayed from a graph.
    pub fn all_reduce(&self, ranks: f64, bytes: f64, graph: bool) -> Estimate {
        let own = if graph { &self.graph } else { &self.eager };
        match own {
            Some(model) if ranks <= ENGINE_RANKS => model.estimate(ranks, bytes, false),
            _ => self.library(Collective::AllReduce, ranks, bytes),
        }
    }

    /// A collective of `ranks` ranks of which `placement.together` share a domain, seconds. Reductions and gatherings go in
    /// steps: within domains, between them (every rank of a domain with its like in the others, each with its share), and
    /// within again. Exchanges of all with all go over both at once.
    pub fn across(&self, collective: Collective, ranks: f64, bytes: f64, placement: &Placement) -> Estimate {
        let together = placement.together.clamp(1.0, ranks.max(1.0));
        let domains = (ranks / together).ceil();
        if domains <= 1.0 || bytes <= 0.0 {
            return self.library(collective, ranks, bytes);
        }
        let network = &placement.network;
        let share = bytes / together;
        // Rings take a hop per domain, trees a number that grows with the logarithm.
        let hops = (domains - 1.0).min(2.5 * libm::log2(domains));
        let between = |collective: Collective, bytes: f64| {
            let doubled = if collective == Collective::AllReduce { 2.0 } else { 1.0 };
            let moved = collective.share(domains) * bytes;
            network.seconds(moved) + (doubled * hops - 1.0).max(0.0) * network.latency
        };
        match collective {
            Collective::AllReduce => {
                let inside = self.library(Collective::ReduceScatter, together, bytes);
                inside
                    .plus(self.library(Collective::AllGather, together, bytes))
                    .plus(ACROSS.around(between(collective, share)))
            }
            Collective::AllGather | Collective::ReduceScatter => {
                self.library(collective, together, bytes).plus(ACROSS.around(between(collective, share)))
            }
            Collective::AllToAll => {
                // Messages to ranks of other domains cross the network, the others the domain, at the same time.
                let away = bytes * (ranks - together) / ranks;
                let outside = network.seconds(away) + hops * network.latency;
                let inside = self.library(collective, together, bytes * together / ranks);
                if inside.likely > outside { inside } else { ACROSS.around(outside) }
            }
        }
    }

    /// One rank sends `bytes` to another, within the domain or across a network, seconds.
    pub fn send(&self, network: Option<&Network>, bytes: f64) -> Estimate {
        send(&self.device, network, bytes)
    }
}
