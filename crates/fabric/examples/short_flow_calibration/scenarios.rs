//! What is run: networks and traffic drawn from a stated seed.

use lanewright_fabric::network::fat_tree::FatTree;
use lanewright_fabric::network::{EndpointId, LinkLayer, Links, Network};
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::flow_sizes::FlowSizes;
use lanewright_fabric::traffic::pattern::{Pattern, Plan, Sizes};
use lanewright_fabric::traffic::random::Random;
use lanewright_fabric::traffic::{Builder, Traffic, When, Work};

/// Most packets of one scenario, so that all of them together take a minute or two.
const MOST_PACKETS: u64 = 60_000;

/// Kinds of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Each to one other, each from one other.
    Permutation,
    /// Many to one.
    Incast,
    /// Each to each.
    AllToAll,
    /// Random pairs of many sizes at once.
    Mixed,
    /// Random pairs over time.
    Poisson,
    /// Chains of messages round a ring, each after the acknowledgement of the one before.
    Ring,
    /// Several incasts and a permutation at once.
    Hotspots,
}

pub const FAMILIES: [Family; 7] = [
    Family::Permutation,
    Family::Incast,
    Family::AllToAll,
    Family::Mixed,
    Family::Poisson,
    Family::Ring,
    Family::Hotspots,
];

/// Endpoints and tiers of the trees.
pub const NETWORKS: [(u32, u8); 9] =
    [(16, 3), (54, 3), (128, 3), (250, 3), (432, 3), (32, 2), (72, 2), (128, 2), (288, 2)];

/// One run.
pub struct Scenario {
    pub family: Family,
    pub network: Network,
    pub traffic: Traffic,
    pub mtu: u16,
    pub gbps: f64,
    pub seed: u64,
}

fn pick<T: Copy>(random: &mut Random, list: &[T]) -> T {
    list[random.below(list.len() as u64) as usize]
}

/// Bytes, as likely in one octave as in another.
fn bytes(random: &mut Random, low: f64, high: f64) -> u64 {
    (low * (high / low).powf(random.unit())).round() as u64
}

/// So many scenarios of every kind on these trees.
pub fn draw(per_family: usize, seed: u64, networks: &[(u32, u8)]) -> Vec<Scenario> {
    let mut random = Random::new(seed);
    let mut all = Vec::new();
    for family in FAMILIES {
        let mut made = 0;
        while made < per_family {
            if let Some(scenario) = one(family, networks, &mut random) {
                all.push(scenario);
                made += 1;
            }
        }
    }
    all
}

/// A scenario, unless it is too large.
fn one(family: Family, networks: &[(u32, u8)], random: &mut Random) -> Option<Scenario> {
    let (hosts, tiers) = pick(random, networks);
    let gbps = pick(random, &[100.0, 200.0, 400.0, 800.0]);
    let hop = pick(random, &[Time::ns(200), Time::ns(500), Time::us(1), Time::us(2)]);
    let mtu = pick(random, &[4150, 4150, 4150, 1500, 9000]);
    let over = if random.unit() < 0.15 { 2 } else { 1 };
    let seed = random.bits() >> 32;
    let tree = FatTree::balanced(hosts, tiers).ok()?;
    let tree = tree.oversubscribed(over).unwrap_or(tree);
    let rate = Rate::gbps(gbps)?;
    let network = tree.build(&Links { rate, delay: hop, switch_latency: Time::ZERO, layer: LinkLayer::Ethernet });
    let size = bytes(random, 4e3, 16e6);
    let sizes = Sizes::Fixed(size);
    let traffic = traffic(family, hosts, sizes, rate, random)?;
    let packets: u64 = traffic
        .tasks
        .iter()
        .map(|task| if let Work::Message { bytes, .. } = task.work { bytes.div_ceil(u64::from(mtu) - 64) } else { 0 })
        .sum();
    (packets <= MOST_PACKETS).then_some(Scenario { family, network, traffic, mtu, gbps, seed })
}

fn traffic(family: Family, hosts: u32, sizes: Sizes, rate: Rate, random: &mut Random) -> Option<Traffic> {
    let Sizes::Fixed(size) = sizes else { return None };
    let seed = random.bits();
    let plan = |pattern, sizes| Plan { pattern, endpoints: hosts, sizes, start: Time::ZERO, seed }.traffic().ok();
    Some(match family {
        Family::Permutation => {
            let shift = random.unit() < 0.4;
            let pattern = if shift { Pattern::Shift { by: hosts / 2 } } else { Pattern::Permutation };
            plan(pattern, sizes)?
        }
        Family::Incast => {
            let senders = pick(random, &[2, 3, 4, 8, 16, 32, 64, 100]);
            plan(Pattern::Incast { senders, to: 0 }, sizes)?
        }
        Family::AllToAll => {
            let ranks = pick(random, &[8, 16, 32, 64]);
            if ranks > hosts {
                return None;
            }
            // Neighbours, or spread over the network.
            let stride = if random.unit() < 0.5 { 1 } else { hosts / ranks };
            let mut builder = Builder::default();
            for shift in 1..ranks {
                for from in 0..ranks {
                    builder.message(EndpointId(from * stride), EndpointId((from + shift) % ranks * stride), size);
                }
            }
            builder.build()
        }
        Family::Mixed => {
            let messages = u64::from(hosts) * pick(random, &[1, 2, 4]) / 2;
            let mut builder = Builder::default();
            let window = random.unit() * 100e-6;
            for _ in 0..messages {
                let from = random.below(u64::from(hosts)) as u32;
                let to = (from + 1 + random.below(u64::from(hosts) - 1) as u32) % hosts;
                let at = Time::from_seconds(window * random.unit())?;
                let work = Work::Message { from: EndpointId(from), to: EndpointId(to), bytes: bytes(random, 4e3, 8e6) };
                builder.task(work, at);
            }
            builder.build()
        }
        Family::Poisson => {
            let load = 0.1 + 0.7 * random.unit();
            let drawn = pick(random, &[FlowSizes::WebSearch, FlowSizes::Hadoop]);
            let sizes = if random.unit() < 0.3 { sizes } else { Sizes::Drawn(drawn) };
            let mean = match sizes {
                Sizes::Fixed(bytes) => bytes as f64,
                Sizes::Drawn(sizes) => sizes.mean(),
            };
            // Some hundred messages.
            let messages = 100.0 + 900.0 * random.unit();
            let time = Time::from_seconds(messages * mean / (load * rate.bytes_per_second() * f64::from(hosts)))?;
            plan(Pattern::Poisson { load, rate, time }, sizes)?
        }
        Family::Ring => {
            let ranks = pick(random, &[4, 8, 16]);
            let stride = if random.unit() < 0.5 { 1 } else { hosts / ranks };
            let part = bytes(random, 4e3, 4e6);
            let hops = (2 * (ranks - 1)).min(14);
            let mut builder = Builder::default();
            for chain in 0..ranks {
                let mut before = None;
                for hop in 0..hops {
                    let end = |at: u32| EndpointId((chain + at) % ranks * stride);
                    let task = builder.message(end(hop), end(hop + 1), part);
                    if let Some(before) = before {
                        builder.after(before, task, When::Acknowledged);
                    }
                    before = Some(task);
                }
            }
            builder.build()
        }
        Family::Hotspots => {
            let share = 0.1 + 0.5 * random.unit();
            let mut builder = Builder::default();
            let hot = pick(random, &[1, 2, 4]);
            for from in 0..hosts {
                let to = if random.unit() < share {
                    random.below(hot) as u32 * (hosts / 4)
                } else {
                    (from + hosts / 2) % hosts
                };
                if to != from {
                    builder.message(EndpointId(from), EndpointId(to), size);
                }
            }
            builder.build()
        }
    })
}
