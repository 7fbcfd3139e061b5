//! What the flow engine as a whole must answer.

mod fairness;
mod faults;
mod folded;
mod over_time;
mod peers;

use super::{Settings, run};
use crate::fault::Timeline;
use crate::network::fat_tree::{FatTree, Links};
use crate::network::{EndpointId, LinkLayer, Network};
use crate::outcome::{Outcome, Unobserved};
use crate::route::Routes;
use crate::time::{Rate, Time};
use crate::traffic::{Builder, TaskId, Traffic, When, Work};

/// 400 Gb/s and 1 us per link, switches without latency.
pub fn tree(endpoints: u32, tiers: u8) -> Network {
    let links = Links {
        rate: Rate::gbps(400.0).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    FatTree::balanced(endpoints, tiers).expect("a balanced size").build(&links)
}

/// Runs without faults.
pub fn outcome(network: &Network, traffic: &Traffic, settings: &Settings) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    run(network, &routes, traffic, &Timeline::default(), settings, &mut Unobserved).expect("traffic that can run")
}

/// Messages that start at once.
pub fn messages(list: impl IntoIterator<Item = (u32, u32, u64)>) -> Traffic {
    let mut builder = Builder::default();
    for (from, to, bytes) in list {
        builder.message(EndpointId(from), EndpointId(to), bytes);
    }
    builder.build()
}

/// A ring all-reduce: rank `r` at endpoint `r * stride`; every step waits for all of the one before.
pub fn ring_in_steps(ranks: u32, stride: u32, total: u64) -> Traffic {
    let mut builder = Builder::default();
    let mut barrier: Option<TaskId> = None;
    for _ in 0..2 * (ranks - 1) {
        let next = builder.task(Work::Delay { at: EndpointId(0), time: Time::ZERO }, Time::ZERO);
        for rank in 0..ranks {
            let to = (rank + 1) % ranks * stride;
            let message = builder.message(EndpointId(rank * stride), EndpointId(to), total / u64::from(ranks));
            if let Some(before) = barrier {
                builder.after(before, message, When::Delivered);
            }
            builder.after(message, next, When::Delivered);
        }
        barrier = Some(next);
    }
    builder.build()
}

/// A ring all-reduce in which every part goes on as soon as it has arrived.
pub fn ring_of_chains(ranks: u32, stride: u32, total: u64) -> Traffic {
    let mut builder = Builder::default();
    for chain in 0..ranks {
        let mut before: Option<TaskId> = None;
        for hop in 0..2 * (ranks - 1) {
            let (from, to) = ((chain + hop) % ranks * stride, (chain + hop + 1) % ranks * stride);
            let message = builder.message(EndpointId(from), EndpointId(to), total / u64::from(ranks));
            if let Some(before) = before {
                builder.after(before, message, When::Delivered);
            }
            before = Some(message);
        }
    }
    builder.build()
}
