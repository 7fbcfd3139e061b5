//! Times the flow engine on one core: `flow_speed ring|chains|all-to-all|halving RANKS [RESOLUTION]`; or answers for a file
//! of messages: `flow_speed file FILE ENDPOINTS`, as bench/simgrid.cpp reads it.

use std::time::Instant;

use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow::{Fairness, Settings, run};
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::{End, Unobserved};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, TaskId, Traffic, When, Work};

fn tree(tree: FatTree) -> Network {
    tree.build(&Links {
        rate: Rate::gbps(400.0).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    })
}

/// Ring all-reduce of 1 GiB over hosts `stride` apart; in steps, or chain by chain.
fn ring(ranks: u32, stride: u32, steps: bool) -> Traffic {
    let mut builder = Builder::default();
    let bytes = (1u64 << 30) / u64::from(ranks);
    let at = |rank: u32| EndpointId(rank % ranks * stride);
    let mut before: Vec<TaskId> = Vec::new();
    for hop in 0..2 * (ranks - 1) {
        let barrier = steps.then(|| builder.task(Work::Delay { at: at(0), time: Time::ZERO }, Time::ZERO));
        for chain in 0..ranks {
            let message = builder.message(at(chain + hop), at(chain + hop + 1), bytes);
            if let Some(before) = before.get(if steps { 0 } else { chain as usize }) {
                builder.after(*before, message, When::Delivered);
            }
            match barrier {
                Some(barrier) => builder.after(message, barrier, When::Delivered),
                None if hop == 0 => before.push(message),
                None => before[chain as usize] = message,
            }
        }
        if let Some(barrier) = barrier {
            before = vec![barrier];
        }
    }
    builder.build()
}

/// All pairs, sizes 200000 + ((7919 i + 104729 d) mod 100003) bytes.
fn all_to_all(ranks: u32) -> Traffic {
    let mut builder = Builder::default();
    for shift in 1..ranks {
        for from in 0..ranks {
            let bytes = 200_000 + (7919 * u64::from(from) + 104_729 * u64::from(shift)) % 100_003;
            builder.message(EndpointId(from), EndpointId((from + shift) % ranks), bytes);
        }
    }
    builder.build()
}

/// All-reduce of 1 GiB over domains of 8 neighbours: direct reduce-scatter within, recursive halving and doubling between
/// ranks of the same number, direct all-gather within. Every rank goes on when its partner's part is there.
fn hierarchical(ranks: u32) -> Traffic {
    let mut builder = Builder::default();
    let total = 1u64 << 30;
    let domain = 8;
    let nodes = ranks / domain;
    let mut ready: Vec<Option<TaskId>> = vec![None; ranks as usize];
    let within = |builder: &mut Builder, ready: &mut Vec<Option<TaskId>>| {
        let next: Vec<TaskId> = (0..ranks)
            .map(|rank| builder.task(Work::Delay { at: EndpointId(rank), time: Time::ZERO }, Time::ZERO))
            .collect();
        for rank in 0..ranks {
            for peer in (1..domain).map(|shift| rank / domain * domain + (rank + shift) % domain) {
                let message = builder.message(EndpointId(rank), EndpointId(peer), total / u64::from(domain));
                if let Some(before) = ready[rank as usize] {
                    builder.after(before, message, When::Delivered);
                }
                builder.after(message, next[peer as usize], When::Delivered);
            }
        }
        *ready = next.into_iter().map(Some).collect();
    };
    within(&mut builder, &mut ready);
    let levels = nodes.ilog2();
    for level in (0..levels).chain((0..levels).rev()) {
        let bytes = (total / u64::from(domain)) >> (level + 1);
        let messages: Vec<TaskId> = (0..ranks)
            .map(|rank| {
                let peer = rank ^ (domain << level);
                let message = builder.message(EndpointId(rank), EndpointId(peer), bytes.max(1));
                if let Some(before) = ready[rank as usize] {
                    builder.after(before, message, When::Delivered);
                }
                message
            })
            .collect();
        // A rank goes on when it has sent and received.
        ready = (0..ranks)
            .map(|rank| {
                let both = builder.task(Work::Delay { at: EndpointId(rank), time: Time::ZERO }, Time::ZERO);
                builder.after(messages[rank as usize], both, When::Delivered);
                builder.after(messages[(rank ^ (domain << level)) as usize], both, When::Delivered);
                Some(both)
            })
            .collect();
    }
    within(&mut builder, &mut ready);
    builder.build()
}

/// Messages of a file: `from to bytes start_us`; `barrier` between rounds.
fn file(path: &str) -> Result<Traffic, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut builder = Builder::default();
    let mut round: Vec<TaskId> = Vec::new();
    let mut before: Option<TaskId> = None;
    for (at, line) in text.lines().enumerate() {
        if line == "barrier" {
            let barrier = builder.task(Work::Delay { at: EndpointId(0), time: Time::ZERO }, Time::ZERO);
            for message in round.drain(..) {
                builder.after(message, barrier, When::Delivered);
            }
            before = Some(barrier);
            continue;
        }
        let fields: Vec<f64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        let [from, to, bytes, start] = fields[..] else { return Err(format!("{path}:{}: not a message", at + 1)) };
        let work = Work::Message { from: EndpointId(from as u32), to: EndpointId(to as u32), bytes: bytes as u64 };
        let message = builder.task(work, Time::from_seconds(start * 1e-6).ok_or("a start below zero")?);
        if let Some(before) = before {
            builder.after(before, message, When::Delivered);
        }
        round.push(message);
    }
    Ok(builder.build())
}

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<f64>().ok());
    let (kind, ranks) = (arguments.first().map_or("", String::as_str), number(1).unwrap_or(0.0) as u32);
    let begin = Instant::now();
    let (network, traffic, resolution) = match kind {
        "ring" | "chains" => {
            (tree(FatTree::balanced(2 * ranks, 3)?), ring(ranks, 2, kind == "ring"), number(2).unwrap_or(0.0))
        }
        "all-to-all" => (tree(FatTree::balanced(ranks.max(128), 3)?), all_to_all(ranks), number(2).unwrap_or(0.0)),
        "halving" => {
            let shape = FatTree {
                endpoints: ranks,
                tiers: 3,
                per_leaf: 64,
                up_from_leaf: 64,
                leaves_per_pod: 32,
                up_from_middle: 32,
                leaf_bundle: 1,
                middle_bundle: 1,
            };
            (tree(shape), hierarchical(ranks), number(2).unwrap_or(0.0))
        }
        "file" => {
            let numbers: Vec<u32> = arguments[2].split(',').filter_map(|text| text.parse().ok()).collect();
            let shape = match numbers[..] {
                [endpoints] => FatTree::balanced(endpoints, 3)?,
                [endpoints, tiers, per_leaf, up_from_leaf, leaves_per_pod, up_from_middle] => FatTree {
                    endpoints,
                    tiers: tiers as u8,
                    per_leaf,
                    up_from_leaf,
                    leaves_per_pod,
                    up_from_middle,
                    leaf_bundle: 1,
                    middle_bundle: 1,
                },
                _ => return Err("ENDPOINTS, or endpoints,tiers,per leaf,up,leaves per pod,up".to_owned()),
            };
            (tree(shape), file(&arguments[1])?, number(3).unwrap_or(0.0))
        }
        _ => return Err("ring|chains|all-to-all|halving RANKS [RESOLUTION], or file FILE ENDPOINTS".to_owned()),
    };
    let routes = Routes::new(&network).map_err(|error| format!("{error:?}"))?;
    let made = begin.elapsed();
    let begin = Instant::now();
    let by_delay = kind == "file" && arguments.iter().any(|argument| argument == "by-delay");
    let fairness = if by_delay { Fairness::ByDelay } else { Fairness::Equal };
    let settings = Settings { resolution, fairness, ..Settings::default() };
    let outcome = run(&network, &routes, &traffic, &Timeline::default(), &settings, &mut Unobserved)
        .map_err(|error| error.to_string())?;
    let spent = begin.elapsed();
    println!(
        "messages {} makespan_us {:.9} wall_s {:.4} events {} made_s {:.3}",
        traffic.messages(),
        outcome.makespan(End::Delivered).as_us(),
        spent.as_secs_f64(),
        outcome.counters.events,
        made.as_secs_f64(),
    );
    for note in &outcome.notes {
        eprintln!("{note}");
    }
    if kind == "file" && !arguments.iter().any(|argument| argument == "quiet") {
        for (task, finish) in traffic.tasks.iter().zip(&outcome.finishes) {
            if matches!(task.work, Work::Message { .. }) {
                println!("{:.6}", finish.delivered.as_us());
            }
        }
    }
    Ok(())
}
