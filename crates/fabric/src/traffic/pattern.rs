//! Patterns: traffic from a rule instead of a file.
//!
//! Every random choice comes from a seed that the pattern states; the same seed gives the same traffic on every machine.

use serde::Serialize;

use super::flow_sizes::FlowSizes;
use super::random::Random;
use super::{Builder, Traffic, Work};
use crate::network::EndpointId;
use crate::time::{Rate, Time};

/// Most messages of one pattern: what 32-bit task numbers and some 40 GB of memory allow.
pub const MESSAGE_LIMIT: u64 = 1 << 30;

/// Sizes of messages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// All alike, in bytes.
    Fixed(u64),
    /// From a published distribution.
    Drawn(FlowSizes),
}

/// Who sends to whom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Pattern {
    /// Endpoint `i` to `i + by`, modulo their number; `by` = half of them crosses the core of a tree.
    Shift {
        /// How far.
        by: u32,
    },
    /// Each to one other, each from one other, by chance.
    Permutation,
    /// The last so many endpoints to one.
    Incast {
        /// How many send.
        senders: u32,
        /// Who receives.
        to: u32,
    },
    /// One to the last so many endpoints.
    Outcast {
        /// Who sends.
        from: u32,
        /// How many receive.
        receivers: u32,
    },
    /// The first so many endpoints each to each: first each to its next, then each to the one after.
    AllToAll {
        /// How many take part.
        ranks: u32,
    },
    /// Each to its next.
    Ring,
    /// So many messages, senders and receivers by chance.
    Random {
        /// How many.
        messages: u64,
    },
    /// Each once; this share of the senders to one endpoint, the others by chance.
    Hotspot {
        /// Who receives most.
        to: u32,
        /// Share of the senders, 0 to 1.
        share: f64,
    },
    /// Messages at random times (Poisson), senders and receivers by chance, for so long.
    Poisson {
        /// Share of the endpoints' sending rate that the messages' bytes take in the mean, above 0.
        load: f64,
        /// Rate of an endpoint.
        rate: Rate,
        /// How long messages start.
        time: Time,
    },
}

/// A pattern among endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Who sends to whom.
    pub pattern: Pattern,
    /// Number of endpoints.
    pub endpoints: u32,
    /// Sizes of messages.
    pub sizes: Sizes,
    /// When it begins.
    pub start: Time,
    /// Seed of all that is by chance.
    pub seed: u64,
}

/// Why there is no such traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// Fewer than two endpoints.
    TooFew,
    /// An endpoint that is not there.
    NoEndpoint(u32, u32),
    /// More senders, receivers or ranks than there are (said, possible).
    TooMany(u32, u32),
    /// A shift by nothing or all the way round.
    NoShift,
    /// Messages of 0 bytes.
    NoBytes,
    /// A share or load that is not a number in range.
    Share,
    /// More messages than [`MESSAGE_LIMIT`].
    TooLarge,
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooFew => write!(out, "a pattern needs at least two endpoints"),
            Self::NoEndpoint(endpoint, count) => {
                write!(out, "there is no endpoint {endpoint}: they count from 0 to {}", count.saturating_sub(1))
            }
            Self::TooMany(said, possible) => write!(out, "{said} take part, but at most {possible} can"),
            Self::NoShift => write!(out, "a shift must lead to another endpoint"),
            Self::NoBytes => write!(out, "messages need at least one byte"),
            Self::Share => write!(out, "a share must be from 0 to 1, a load above 0 and at most 10"),
            Self::TooLarge => write!(out, "more than {MESSAGE_LIMIT} messages"),
        }
    }
}

impl std::error::Error for PatternError {}

impl Plan {
    /// The messages.
    pub fn traffic(&self) -> Result<Traffic, PatternError> {
        let mut builder = Builder::default();
        self.add(&mut builder)?;
        Ok(builder.build())
    }

    /// Adds the messages to other traffic.
    pub fn add(&self, builder: &mut Builder) -> Result<(), PatternError> {
        self.messages()?;
        let n = self.endpoints;
        let mut random = Random::new(self.seed);
        let mut add = |from: u32, to: u32, at: Time, random: &mut Random| {
            let bytes = match self.sizes {
                Sizes::Fixed(bytes) => bytes,
                Sizes::Drawn(sizes) => sizes.draw(random),
            };
            let at = self.start.saturating_add(at);
            builder.task(Work::Message { from: EndpointId(from), to: EndpointId(to), bytes }, at);
        };
        let other = |from: u32, random: &mut Random| {
            let to = random.below(u64::from(n) - 1) as u32;
            if to >= from { to + 1 } else { to }
        };
        match self.pattern {
            Pattern::Shift { by } => (0..n).for_each(|from| add(from, (from + by % n) % n, Time::ZERO, &mut random)),
            Pattern::Ring => (0..n).for_each(|from| add(from, (from + 1) % n, Time::ZERO, &mut random)),
            Pattern::Permutation => {
                for (from, to) in derangement(n, &mut random).into_iter().enumerate() {
                    add(from as u32, to, Time::ZERO, &mut random);
                }
            }
            Pattern::Incast { senders, to } => {
                for from in last(n, senders, to) {
                    add(from, to, Time::ZERO, &mut random);
                }
            }
            Pattern::Outcast { from, receivers } => {
                for to in last(n, receivers, from) {
                    add(from, to, Time::ZERO, &mut random);
                }
            }
            Pattern::AllToAll { ranks } => {
                for shift in 1..ranks {
                    for from in 0..ranks {
                        add(from, (from + shift) % ranks, Time::ZERO, &mut random);
                    }
                }
            }
            Pattern::Random { messages } => {
                for _ in 0..messages {
                    let from = random.below(u64::from(n)) as u32;
                    let to = other(from, &mut random);
                    add(from, to, Time::ZERO, &mut random);
                }
            }
            Pattern::Hotspot { to, share } => {
                for from in (0..n).filter(|from| *from != to) {
                    let hot = random.unit() < share;
                    let to = if hot { to } else { other(from, &mut random) };
                    add(from, to, Time::ZERO, &mut random);
                }
            }
            Pattern::Poisson { time, .. } => {
                let mean_wait = self.mean_wait_seconds();
                let mut seconds = 0.0;
                loop {
                    seconds += mean_wait * random.exponential();
                    let Some(at) = Time::from_seconds(seconds).filter(|at| *at < time) else { break };
                    let from = random.below(u64::from(n)) as u32;
                    let to = other(from, &mut random);
                    add(from, to, at, &mut random);
                }
            }
        }
        Ok(())
    }

    /// Mean time between arrivals of a Poisson pattern anywhere, in seconds.
    fn mean_wait_seconds(&self) -> f64 {
        let Pattern::Poisson { load, rate, .. } = self.pattern else { return f64::INFINITY };
        let mean = match self.sizes {
            Sizes::Fixed(bytes) => bytes as f64,
            Sizes::Drawn(sizes) => sizes.mean(),
        };
        mean / (load * rate.bytes_per_second() * f64::from(self.endpoints))
    }

    /// About how many messages it makes. Errors are those of [`Plan::traffic`].
    pub fn messages(&self) -> Result<u64, PatternError> {
        let n = self.endpoints;
        if n < 2 {
            return Err(PatternError::TooFew);
        }
        if self.sizes == Sizes::Fixed(0) {
            return Err(PatternError::NoBytes);
        }
        let known = |endpoint: u32| if endpoint < n { Ok(()) } else { Err(PatternError::NoEndpoint(endpoint, n)) };
        let few = |count: u32, of: u32| {
            if count == 0 {
                Err(PatternError::TooFew)
            } else if count > of {
                Err(PatternError::TooMany(count, of))
            } else {
                Ok(())
            }
        };
        let messages = match self.pattern {
            Pattern::Shift { by } if by % n == 0 => return Err(PatternError::NoShift),
            Pattern::Shift { .. } | Pattern::Ring | Pattern::Permutation => u64::from(n),
            Pattern::Incast { senders: count, to: at } | Pattern::Outcast { receivers: count, from: at } => {
                known(at)?;
                few(count, n - 1)?;
                u64::from(count)
            }
            Pattern::AllToAll { ranks } => {
                few(ranks, n)?;
                if ranks < 2 {
                    return Err(PatternError::TooFew);
                }
                u64::from(ranks) * u64::from(ranks - 1)
            }
            Pattern::Random { messages } => messages,
            Pattern::Hotspot { to, share } => {
                known(to)?;
                if !(0.0..=1.0).contains(&share) {
                    return Err(PatternError::Share);
                }
                u64::from(n)
            }
            Pattern::Poisson { load, time, .. } => {
                if !(load > 0.0 && load <= 10.0) {
                    return Err(PatternError::Share);
                }
                // Far above the mean, so that chance cannot exceed it.
                (time.as_seconds() / self.mean_wait_seconds() * 1.1) as u64
            }
        };
        if messages > MESSAGE_LIMIT { Err(PatternError::TooLarge) } else { Ok(messages) }
    }
}

/// The last `count` endpoints but for one, in order.
fn last(endpoints: u32, count: u32, but: u32) -> impl Iterator<Item = u32> {
    let enough = if but >= endpoints - count { count + 1 } else { count };
    (endpoints - enough.min(endpoints)..endpoints).filter(move |at| *at != but)
}

/// A permutation without a fixed point, all equally likely: shuffles until there is none (2.7 times in the mean).
fn derangement(n: u32, random: &mut Random) -> Vec<u32> {
    let mut to: Vec<u32> = (0..n).collect();
    loop {
        random.shuffle(&mut to);
        if to.iter().enumerate().all(|(from, to)| from as u32 != *to) {
            return to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pattern: Pattern, endpoints: u32) -> Plan {
        Plan { pattern, endpoints, sizes: Sizes::Fixed(2_000_000), start: Time::ZERO, seed: 7 }
    }

    fn pairs(traffic: &Traffic) -> Vec<(u32, u32)> {
        let pair = |task: &crate::traffic::Task| match task.work {
            Work::Message { from, to, .. } => (from.0, to.0),
            _ => panic!("patterns have only messages"),
        };
        traffic.tasks.iter().map(pair).collect()
    }

    #[test]
    fn who_sends_to_whom() {
        let made = |pattern, endpoints| pairs(&plan(pattern, endpoints).traffic().expect("fits"));
        assert_eq!(made(Pattern::Shift { by: 2 }, 4), [(0, 2), (1, 3), (2, 0), (3, 1)]);
        assert_eq!(made(Pattern::Incast { senders: 3, to: 0 }, 128), [(125, 0), (126, 0), (127, 0)]);
        assert_eq!(made(Pattern::Incast { senders: 3, to: 2 }, 4), [(0, 2), (1, 2), (3, 2)]);
        assert_eq!(made(Pattern::Outcast { from: 3, receivers: 2 }, 4), [(3, 1), (3, 2)]);
        assert_eq!(made(Pattern::AllToAll { ranks: 3 }, 9), [(0, 1), (1, 2), (2, 0), (0, 2), (1, 0), (2, 1)]);
        assert_eq!(made(Pattern::Ring, 3), [(0, 1), (1, 2), (2, 0)]);
    }

    #[test]
    fn chance_comes_from_the_seed_alone() {
        for pattern in [Pattern::Permutation, Pattern::Random { messages: 50 }, Pattern::Hotspot { to: 3, share: 0.5 }]
        {
            let one = plan(pattern, 40).traffic().expect("fits");
            assert_eq!(one, plan(pattern, 40).traffic().expect("fits"));
            assert_ne!(one, Plan { seed: 8, ..plan(pattern, 40) }.traffic().expect("fits"));
            assert!(one.check(40).is_ok(), "nobody sends to itself");
        }
        let mut to: Vec<u32> =
            pairs(&plan(Pattern::Permutation, 100).traffic().expect("fits")).iter().map(|pair| pair.1).collect();
        to.sort_unstable();
        assert_eq!(to, (0..100).collect::<Vec<_>>());
        let all = pairs(&plan(Pattern::Hotspot { to: 3, share: 1.0 }, 40).traffic().expect("fits"));
        assert!(all.len() == 39 && all.iter().all(|pair| pair.1 == 3));
    }

    #[test]
    fn arrivals_have_the_load() {
        let rate = Rate::gbps(400.0).expect("positive");
        let pattern = Pattern::Poisson { load: 0.4, rate, time: Time::us(400_000) };
        let plan = Plan { sizes: Sizes::Drawn(FlowSizes::Hadoop), ..plan(pattern, 16) };
        let traffic = plan.traffic().expect("fits");
        let bytes: f64 = traffic
            .tasks
            .iter()
            .map(|task| if let Work::Message { bytes, .. } = task.work { bytes as f64 } else { 0.0 })
            .sum();
        let load = bytes / (rate.bytes_per_second() * 16.0 * 0.4);
        // About 960,000 flows whose sizes deviate by some five means: 0.5 % in the load; five times that.
        assert!((load / 0.4 - 1.0).abs() < 0.026, "{load}");
        assert!(traffic.tasks.windows(2).all(|pair| pair[0].not_before <= pair[1].not_before));
        assert!(traffic.check(16).is_ok());
    }

    #[test]
    fn what_cannot_be() {
        let error = |pattern, endpoints| plan(pattern, endpoints).traffic().expect_err("wrong");
        assert_eq!(error(Pattern::Ring, 1), PatternError::TooFew);
        assert_eq!(error(Pattern::Shift { by: 8 }, 4), PatternError::NoShift);
        assert_eq!(error(Pattern::Incast { senders: 4, to: 0 }, 4), PatternError::TooMany(4, 3));
        assert_eq!(error(Pattern::Incast { senders: 1, to: 4 }, 4), PatternError::NoEndpoint(4, 4));
        assert_eq!(error(Pattern::Hotspot { to: 0, share: f64::NAN }, 4), PatternError::Share);
        assert_eq!(error(Pattern::Random { messages: u64::MAX }, 4), PatternError::TooLarge);
        let rate = Rate::gbps(400.0).expect("positive");
        let endless = Pattern::Poisson { load: 1.0, rate, time: Time::NEVER };
        assert_eq!(error(endless, 1024), PatternError::TooLarge);
        assert_eq!(error(Pattern::Poisson { load: 0.0, rate, time: Time::us(1) }, 4), PatternError::Share);
        let empty = Plan { sizes: Sizes::Fixed(0), ..plan(Pattern::Ring, 4) };
        assert_eq!(empty.traffic(), Err(PatternError::NoBytes));
    }
}
