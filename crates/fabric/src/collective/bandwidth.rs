//! Bandwidth of a collective in NCCL's conventions.
//!
//! From nccl-tests, `doc/PERFORMANCE.md` (read in 2026): `algbw` is bytes over time; `busbw` multiplies it by the share of
//! the bytes that a link must carry whatever the algorithm, so that it can be held against the link's rate. The bytes of an
//! all-gather, reduce-scatter or all-to-all are those of all ranks' parts together.

use serde::Serialize;

use super::Operation;
use crate::time::Time;

/// Both figures, in units of 1e9 bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bandwidth {
    /// Bytes over time, in GB/s.
    pub algbw: f64,
    /// What a link carries, in GB/s.
    pub busbw: f64,
}

/// Bus bandwidth over algorithm bandwidth among so many ranks.
pub fn bus_factor(operation: Operation, ranks: usize) -> f64 {
    let n = ranks.max(1) as f64;
    match operation {
        Operation::AllReduce => 2.0 * (n - 1.0) / n,
        Operation::ReduceScatter | Operation::AllGather | Operation::AllToAll => (n - 1.0) / n,
        Operation::Broadcast | Operation::SendRecv => 1.0,
    }
}

/// Bandwidth of an operation that took so long. `None` when it took no time or never ended.
pub fn bandwidth(operation: Operation, ranks: usize, bytes: u64, time: Time) -> Option<Bandwidth> {
    if time == Time::ZERO || time == Time::NEVER {
        return None;
    }
    let algbw = bytes as f64 / time.as_seconds() * 1e-9;
    Some(Bandwidth { algbw, busbw: algbw * bus_factor(operation, ranks) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_ranks_in_a_ring() {
        // 1 GiB over 8 ranks at 400 Gb/s and 6 us: 37,664.96 us by the closed form, so 28.5 and 49.9 GB/s by hand.
        let time = Time::ps(37_664_964_571);
        let found = bandwidth(Operation::AllReduce, 8, 1 << 30, time).expect("a time");
        assert!((found.algbw - 28.5077).abs() < 1e-3 && (found.busbw - 49.8884).abs() < 1e-3, "{found:?}");
        assert_eq!(bandwidth(Operation::AllReduce, 8, 1, Time::NEVER), None);
    }
}
