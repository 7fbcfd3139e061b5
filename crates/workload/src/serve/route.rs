//! Which replica gets a request.

use serde::Serialize;

use super::rank::Rank;
use super::request::Request;

/// How requests are spread over replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// In turn.
    #[default]
    RoundRobin,
    /// To the least loaded one; who waits counts four times who runs, as vLLM's balancer counts.
    LeastLoaded,
    /// To the least loaded of those that hold the request's prefix; without one, to the replica of the prefix's number.
    PrefixAffine,
}

impl Routing {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::RoundRobin, Self::LeastLoaded, Self::PrefixAffine];

    /// The spelling of flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastLoaded => "least-loaded",
            Self::PrefixAffine => "prefix-affine",
        }
    }

    /// The place, among so many candidates, for the request; `turn` counts requests.
    pub fn choose<'r>(self, turn: usize, request: &Request, count: usize, rank: impl Fn(usize) -> &'r Rank) -> usize {
        let load = |at: usize| 4 * rank(at).waiting() + rank(at).running();
        // Ties go in turn, so that idle replicas fill evenly.
        let least = |mut among: Vec<usize>| {
            among.sort_by_key(|at| (load(*at), (*at + count - turn % count) % count));
            among.first().copied().unwrap_or(0)
        };
        match self {
            Self::RoundRobin => turn % count,
            Self::LeastLoaded => least((0..count).collect()),
            Self::PrefixAffine if request.prefix == 0 => least((0..count).collect()),
            Self::PrefixAffine => {
                let holders: Vec<usize> = (0..count).filter(|at| rank(*at).has_prefix(request.prefix)).collect();
                if holders.is_empty() { request.prefix as usize % count } else { least(holders) }
            }
        }
    }
}
