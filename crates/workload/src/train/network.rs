//! What collectives among the ranks of a layout cost on one or more tiers of links.

/// What a group of ranks does together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// One rank sends to another.
    SendReceive,
    /// Every rank ends with its share of the sum.
    ReduceScatter,
    /// Every rank ends with all shares.
    AllGather,
    /// Every rank ends with the whole sum.
    AllReduce,
    /// Every rank sends a different piece to every other.
    AllToAll,
}

/// Bytes that a collective moves per link, as a factor of its size: `scale * (1 + offset / ranks)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volume {
    /// For many ranks.
    pub scale: f64,
    /// What few ranks save.
    pub offset: f64,
}

impl Volume {
    /// A ring's: everything but a rank's own share.
    pub const RING: Self = Self { scale: 1.0, offset: -1.0 };
    /// A ring's all-reduce: there and back.
    pub const RING_TWICE: Self = Self { scale: 2.0, offset: -1.0 };
    /// Everything once.
    pub const ONCE: Self = Self { scale: 1.0, offset: 0.0 };

    fn factor(self, ranks: f64) -> f64 {
        (self.scale * (1.0 + self.offset / ranks)).max(0.0)
    }
}

/// One tier of links: a scale-up domain, or the network between domains.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Bytes per second and direction of one rank, as reached.
    pub bandwidth: f64,
    /// Seconds that an operation takes beside its bytes.
    pub latency: f64,
    /// Ranks that it can join.
    pub size: u64,
    /// Share of the processors that an operation in flight takes.
    pub processor_share: f64,
    /// Volume of a point-to-point message.
    pub send: Volume,
    /// Volume of a reduce-scatter.
    pub reduce_scatter: Volume,
    /// Volume of an all-gather.
    pub all_gather: Volume,
    /// Volume of an all-reduce.
    pub all_reduce: Volume,
    /// Volume of an all-to-all.
    pub all_to_all: Volume,
}

impl Tier {
    /// Seconds of an operation on a whole tensor of `bytes` among `ranks`.
    pub fn seconds(&self, operation: Operation, bytes: f64, ranks: u64) -> f64 {
        if ranks < 2 || bytes <= 0.0 {
            return 0.0;
        }
        let volume = match operation {
            Operation::SendReceive => self.send,
            Operation::ReduceScatter => self.reduce_scatter,
            Operation::AllGather => self.all_gather,
            Operation::AllReduce => self.all_reduce,
            Operation::AllToAll => self.all_to_all,
        };
        self.latency + bytes * volume.factor(ranks as f64) / self.bandwidth
    }
}

/// The ranks of a group by tier: so many in one scale-up domain, so many such domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Tier that joins the ranks within a domain (index).
    pub inner_tier: usize,
    /// Ranks of the group within one domain.
    pub inner: u64,
    /// Tier that joins domains (index).
    pub outer_tier: usize,
    /// Domains.
    pub outer: u64,
}

impl Group {
    /// A group that lies on one tier alone.
    pub fn on(tier: usize, ranks: u64) -> Self {
        Self { inner_tier: tier, inner: ranks, outer_tier: tier, outer: 1 }
    }

    /// All ranks of the group.
    pub fn ranks(&self) -> u64 {
        self.inner * self.outer
    }

    /// Share of the processors that its operations take.
    pub fn processor_share(&self, tiers: &[Tier]) -> f64 {
        let share = |tier: usize, ranks: u64| {
            if ranks > 1 { tiers.get(tier).map_or(0.0, |t| t.processor_share) } else { 0.0 }
        };
        share(self.inner_tier, self.inner).max(share(self.outer_tier, self.outer))
    }

    /// Seconds of an operation on a whole tensor of `bytes`; over two tiers as a step within domains and one between them
    /// on what is left per rank.
    pub fn seconds(&self, tiers: &[Tier], operation: Operation, bytes: f64) -> f64 {
        let (Some(near), Some(far)) = (tiers.get(self.inner_tier), tiers.get(self.outer_tier)) else { return 0.0 };
        let (inside, outside) = (self.inner, self.outer);
        if outside < 2 {
            return near.seconds(operation, bytes, inside);
        }
        if inside < 2 {
            return far.seconds(operation, bytes, outside);
        }
        let share = bytes / inside as f64;
        match operation {
            Operation::ReduceScatter | Operation::AllGather => {
                near.seconds(operation, bytes, inside) + far.seconds(operation, share, outside)
            }
            Operation::AllReduce => {
                near.seconds(Operation::ReduceScatter, bytes, inside)
                    + far.seconds(operation, share, outside)
                    + near.seconds(Operation::AllGather, bytes, inside)
            }
            // What stays in the domain and what leaves it travel at once.
            Operation::AllToAll => {
                let stays = bytes / outside as f64;
                near.seconds(operation, stays, inside).max(far.seconds(operation, bytes, outside))
            }
            Operation::SendReceive => far.seconds(operation, bytes, 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tier(bandwidth: f64) -> Tier {
        Tier {
            bandwidth,
            latency: 1e-5,
            size: 65536,
            processor_share: 0.1,
            send: Volume::ONCE,
            reduce_scatter: Volume::RING,
            all_gather: Volume::RING,
            all_reduce: Volume::RING_TWICE,
            all_to_all: Volume::RING,
        }
    }

    #[test]
    fn a_ring_of_eight_moves_seven_eighths_twice() {
        let group = Group::on(0, 8);
        let seconds = group.seconds(&[tier(100e9)], Operation::AllReduce, 1e9);
        assert!((seconds - (1e-5 + 2.0 * 0.875e9 / 100e9)).abs() < 1e-12);
    }

    #[test]
    fn domains_share_the_far_links() {
        // Eight ranks of a domain each send an eighth: the far step takes an eighth of what one rank alone would.
        let tiers = [tier(400e9), tier(50e9)];
        let group = Group { inner_tier: 0, inner: 8, outer_tier: 1, outer: 4 };
        let seconds = group.seconds(&tiers, Operation::AllGather, 8e9);
        assert!((seconds - (1e-5 + 7e9 / 400e9 + 1e-5 + 0.75e9 / 50e9)).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn more_bandwidth_is_never_slower(
            bytes in 1.0..1e12_f64, inner in 1..64_u64, outer in 1..64_u64, more in 1.0..10.0_f64, which in 0..5_usize,
        ) {
            let operation = [
                Operation::SendReceive, Operation::ReduceScatter, Operation::AllGather, Operation::AllReduce,
                Operation::AllToAll,
            ][which];
            let group = Group { inner_tier: 0, inner, outer_tier: 1, outer };
            let base = group.seconds(&[tier(4e11), tier(5e10)], operation, bytes);
            prop_assert!(group.seconds(&[tier(4e11 * more), tier(5e10)], operation, bytes) <= base);
            prop_assert!(group.seconds(&[tier(4e11), tier(5e10 * more)], operation, bytes) <= base);
            prop_assert!(base.is_finite() && base >= 0.0);
        }

        #[test]
        fn reduce_scatter_and_all_gather_make_an_all_reduce(bytes in 1e6..1e12_f64, inner in 2..64_u64, outer in 1..64_u64) {
            let tiers = [Tier { latency: 0.0, ..tier(4e11) }, Tier { latency: 0.0, ..tier(5e10) }];
            let group = Group { inner_tier: 0, inner, outer_tier: 1, outer };
            let whole = group.seconds(&tiers, Operation::AllReduce, bytes);
            let halves = group.seconds(&tiers, Operation::ReduceScatter, bytes)
                + group.seconds(&tiers, Operation::AllGather, bytes);
            prop_assert!((whole - halves).abs() <= 1e-9 * whole.max(1e-9));
        }
    }
}
