//! Closed forms: what an algorithm takes on an ideal network, from a latency per message and a time per byte.
//!
//! The standard model of Hockney, as in Thakur, Rabenseifner and Gropp (2005): a message of `n` bytes takes `alpha + n beta`;
//! a rank sends and receives at full rate at once; adding up costs nothing; the network has no other limit. Exact for equal
//! parts and one chunk except where [`Estimate::exact`] says otherwise; then it is a bound or a leading term.

use serde::Serialize;

use super::{Algorithm, Collective, Operation};

/// A network level: scale-up within groups, or the network between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Time from the start of a message to its receipt, without its bytes, in seconds.
    pub alpha: f64,
    /// Time per byte at one rank's port, in seconds.
    pub beta: f64,
}

/// What a closed form says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Time in seconds.
    pub seconds: f64,
    /// Whether the form is exact on the ideal network, or only its leading terms.
    pub exact: bool,
}

/// Time of a collective. `inner` is the level within groups (only for algorithms with groups), `outer` the one that
/// all others use. `None` for what cannot be made, and for unequal parts.
pub fn estimate(collective: &Collective, inner: Level, outer: Level) -> Option<Estimate> {
    if collective.check().is_err() || collective.parts.is_some() {
        return None;
    }
    let p = collective.members.len();
    let bytes = collective.bytes as f64;
    let one_chunk = collective.chunks == 1;
    let (seconds, exact) = match collective.algorithm {
        Algorithm::Hierarchical => {
            let g = collective.group as usize;
            let phase = inner.alpha + part(g) * bytes * inner.beta;
            let within = match (g, collective.operation) {
                (1, _) => 0.0,
                (_, Operation::AllReduce) => 2.0 * phase,
                _ => phase,
            };
            let (between, exact) = match p / g {
                1 => (0.0, true),
                groups => flat(collective.operation, collective.outer, groups, bytes / g as f64, outer)?,
            };
            (within + between, exact)
        }
        Algorithm::RailAware => {
            let g = collective.group as usize;
            let step = |n: usize, level: Level| if n > 1 { level.alpha + part(n) * bytes * level.beta } else { 0.0 };
            // Both phases are of each rank with each other; the second begins when all of the first has come.
            (step(g, inner) + step(p / g, outer), true)
        }
        Algorithm::DoubleTree => (double_tree(collective, p, bytes, outer), false),
        Algorithm::Ring if collective.operation == Operation::Broadcast => {
            let piece = bytes / f64::from(collective.chunks) * outer.beta;
            let hop = outer.alpha + piece;
            // A rank sends its next piece when the link is free and the piece before the last few has arrived.
            let window = if collective.in_flight == 0 { f64::INFINITY } else { f64::from(collective.in_flight) };
            let period = piece.max(hop / window);
            ((p - 1) as f64 * hop + f64::from(collective.chunks - 1) * period, one_chunk)
        }
        algorithm => flat(collective.operation, algorithm, p, bytes, outer)?,
    };
    Some(Estimate { seconds, exact: exact && one_chunk && collective.channels == 1 })
}

/// The share of a buffer that one rank does not keep.
fn part(ranks: usize) -> f64 {
    (ranks as f64 - 1.0) / ranks as f64
}

/// Steps of doubling until all ranks are reached.
fn doublings(ranks: usize) -> f64 {
    f64::from(usize::BITS - (ranks - 1).leading_zeros())
}

/// An algorithm without levels or pipeline: its time, and whether that is exact.
fn flat(operation: Operation, algorithm: Algorithm, p: usize, bytes: f64, level: Level) -> Option<(f64, bool)> {
    let Level { alpha, beta } = level;
    let steps = (p - 1) as f64;
    let once = alpha + bytes * beta;
    let power = super::halving::power_below(p);
    let (log, even) = (f64::from(power.trailing_zeros()), power == p);
    let fold = if even { 0.0 } else { once };
    let small = if even { 0.0 } else { alpha + bytes / p as f64 * beta };
    let halving = log * alpha + part(power) * bytes * beta;
    use {Algorithm as A, Operation as O};
    Some(match (algorithm, operation) {
        (A::Ring, O::AllReduce) => (2.0 * steps * (alpha + bytes / p as f64 * beta), true),
        (A::Ring, O::Broadcast) => (steps * once, true),
        (A::Ring, _) => (steps * (alpha + bytes / p as f64 * beta), true),
        (A::Tree, O::Broadcast) => (doublings(p) * once, even),
        (A::Tree, _) => (2.0 * doublings(p) * once, even),
        (A::HalvingDoubling, O::AllReduce) => (2.0 * halving + 2.0 * fold, even),
        (A::HalvingDoubling, O::ReduceScatter) => (halving + fold + small, even),
        (A::HalvingDoubling | A::RecursiveDoubling, O::AllGather) => (halving + fold + small, even),
        (A::RecursiveDoubling, _) => (log * once + 2.0 * fold, even),
        (A::Bruck, O::AllGather) => (doublings(p) * alpha + part(p) * bytes * beta, true),
        (A::Bruck, _) => {
            let carried: u32 = (1..p).map(|way| way.count_ones()).sum();
            (doublings(p) * alpha + f64::from(carried) / p as f64 * bytes * beta, true)
        }
        (A::Direct, O::AllReduce) => (2.0 * (alpha + part(p) * bytes * beta), true),
        (A::Direct, O::Broadcast) => (alpha + steps * bytes * beta, true),
        (A::Direct, O::SendRecv) => (once, true),
        (A::Direct, _) => (alpha + part(p) * bytes * beta, true),
        // Up to the switch and down again are together one way between endpoints.
        (A::InSwitch, O::AllGather) => (alpha + part(p) * bytes * beta, true),
        (A::InSwitch, _) => (once, true),
        _ => return None,
    })
}

/// Each rank's port carries two buffers in the steady state (one for a broadcast), after the first piece has gone up and
/// down the tree.
fn double_tree(collective: &Collective, p: usize, bytes: f64, level: Level) -> f64 {
    let chunks = f64::from(collective.chunks);
    let ways = if collective.operation == Operation::Broadcast { 1.0 } else { 2.0 };
    // An inner node takes the halves of two children one after the other.
    let piece = bytes / chunks * level.beta;
    ways * doublings(p) * (level.alpha + piece) + (chunks - 1.0) * ways * piece
}
