//! How close ends of messages are told apart, where the engine may choose.
//!
//! Exact answers cost a solution per end; with a million messages of unequal sizes that is hours. What is symmetric ends at few
//! instants and is cheap whatever its size: rings, permutations, incasts and all-to-alls of equal parts stay exact.

use crate::traffic::{Traffic, Work};

/// The resolution that is chosen where the exact answer costs too much.
pub const AUTOMATIC: f64 = 0.01;

/// What is known of the error, in words. `cargo run --release --example flow_resolution -- 40 20261122 2000`: resolutions
/// of 0.005 to 0.05 on 40 random cases that nothing was fitted to. Of 0.01: makespans off by 0.09 % at the median and 0.57 %
/// at most; message times by 0.02 % at the median, 0.31 % at the 99th percentile, 1.6 % at most.
pub const ERROR: &str = "over 40 random cases (seed 20261122) makespans were off by 0.1 of that share at the median and 0.6 at \
                         most, times of messages by 0.3 of it at the 99th percentile and 1.6 at most";

/// Messages up to which the answer is exact in any case.
pub const EXACT_MESSAGES: usize = 20_000;

/// Different sizes up to which the answer is exact, as long as that does not turn out to cost too much.
const SIZES: usize = 16;

/// Rates that exact solutions may give, in all and per message, before the resolution is chosen after all: some ten
/// seconds. An all-to-all of 1,024 equal parts is over in one second, exactly.
const RATES: (u64, u64) = (200_000_000, 200);

/// A choice: exact until so many rates have been given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// At the start: 0 or [`AUTOMATIC`].
    pub resolution: f64,
    /// Rates after which it is [`AUTOMATIC`].
    pub allowance: u64,
}

/// Chooses for traffic.
pub fn choose(traffic: &Traffic) -> Choice {
    let messages = traffic.tasks.len() as u64;
    if traffic.tasks.len() <= EXACT_MESSAGES {
        return Choice { resolution: 0.0, allowance: u64::MAX };
    }
    let allowance = RATES.0.saturating_add(RATES.1.saturating_mul(messages));
    let resolution = if few_sizes(traffic) { 0.0 } else { AUTOMATIC };
    Choice { resolution, allowance }
}

fn few_sizes(traffic: &Traffic) -> bool {
    let mut sizes: Vec<u64> = Vec::new();
    for task in &traffic.tasks {
        let bytes = match task.work {
            Work::Message { bytes, .. } | Work::InNetwork { bytes, .. } => bytes,
            Work::Delay { .. } => continue,
        };
        if !sizes.contains(&bytes) {
            if sizes.len() == SIZES {
                return false;
            }
            sizes.push(bytes);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::EndpointId;
    use crate::traffic::Builder;

    fn traffic(messages: u64, sizes: u64) -> Traffic {
        let mut builder = Builder::default();
        (0..messages).for_each(|at| {
            builder.message(EndpointId(0), EndpointId(1), 1 + at % sizes);
        });
        builder.build()
    }

    #[test]
    fn few_messages_and_few_sizes_are_exact() {
        assert_eq!(choose(&traffic(20_000, 20_000)), Choice { resolution: 0.0, allowance: u64::MAX });
        assert_eq!(choose(&traffic(20_001, 16)), Choice { resolution: 0.0, allowance: 204_000_200 });
        assert_eq!(choose(&traffic(20_001, 17)).resolution, AUTOMATIC);
    }
}
