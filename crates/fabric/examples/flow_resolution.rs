//! How far a resolution moves answers of the flow engine from the exact ones, over random cases that nothing was fitted to:
//! `flow_resolution [CASES] [SEED] [MESSAGES]`.
//!
//! Each case draws a network (a balanced, an oversubscribed or a two-tier tree, sprayed or one way) and traffic (random pairs,
//! an all-to-all or starts at random times; sizes spread evenly over a factor of 1.5, evenly in their logarithm over a
//! factor of 1,000, or as in web search), and answers exactly and with each resolution.

use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow::{Settings, Ways, run};
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EndpointId, LinkLayer, Network};
use lanewright_fabric::outcome::{End, Outcome, Unobserved};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::flow_sizes::FlowSizes;
use lanewright_fabric::traffic::random::Random;
use lanewright_fabric::traffic::{Builder, Traffic, Work};

const RESOLUTIONS: [f64; 4] = [0.005, 0.01, 0.02, 0.05];

fn network(random: &mut Random) -> Result<(Network, &'static str), String> {
    let links = Links {
        rate: Rate::gbps(400.0).ok_or("a rate")?,
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    Ok(match random.below(3) {
        0 => (FatTree::balanced(128, 3)?.build(&links), "tree of 128"),
        1 => (FatTree::balanced(128, 3)?.oversubscribed(4)?.build(&links), "tree of 128, 4:1"),
        _ => (FatTree::balanced(32, 2)?.build(&links), "two tiers of 32"),
    })
}

fn traffic(random: &mut Random, endpoints: u64, messages: u64) -> (Traffic, String) {
    let (kind, law) = (random.below(3), random.below(3));
    let mut builder = Builder::default();
    let side = (messages as f64).sqrt() as u64;
    for at in 0..messages {
        let bytes = match law {
            0 => 200_000 + random.below(100_000),
            1 => (10_000.0 * 1000f64.powf(random.unit())) as u64,
            _ => FlowSizes::WebSearch.draw(random),
        };
        let (from, to) = if kind == 1 {
            // Each of as many as there are messages for, to each.
            let side = side.min(endpoints);
            (at / side % side, (at / side + at % side + 1) % side)
        } else {
            let from = random.below(endpoints);
            (from, (from + 1 + random.below(endpoints - 1)) % endpoints)
        };
        if from == to {
            continue;
        }
        // Starts over as long as the messages would take one endpoint each at a third of its rate, roughly.
        let start = if kind == 2 { random.below(messages * 20_000 / endpoints * 400) } else { 0 };
        let work = Work::Message { from: EndpointId(from as u32), to: EndpointId(to as u32), bytes: bytes.max(1) };
        builder.task(work, Time(start));
    }
    let kinds = ["random pairs", "all-to-all", "random starts"];
    let laws = ["even sizes", "log-even sizes", "web search"];
    (builder.build(), format!("{}, {}", kinds[kind as usize], laws[law as usize]))
}

fn rank(sorted: &[f64], share: f64) -> f64 {
    sorted.get((((sorted.len() as f64) * share).ceil() as usize).saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), String> {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let number = |at: usize, usual: u64| numbers.get(at).copied().unwrap_or(usual);
    let (cases, seed, messages) = (number(0, 40), number(1, 20_261_122), number(2, 2_000));
    let mut random = Random::new(seed);
    // Per resolution: relative error of makespans with sign, and of the times of all messages.
    let mut makespans = vec![Vec::new(); RESOLUTIONS.len()];
    let mut times = vec![Vec::new(); RESOLUTIONS.len()];
    let mut worst = vec![Vec::new(); RESOLUTIONS.len()];
    for case in 0..cases {
        let (network, net) = network(&mut random)?;
        let (traffic, what) = traffic(&mut random, network.endpoints.len() as u64, messages);
        let ways = if random.below(2) == 0 { Ways::One } else { Ways::All };
        let routes = Routes::new(&network).map_err(|error| error.to_string())?;
        let answer = |resolution: f64| -> Result<Outcome, String> {
            let settings = Settings { resolution, ways, ..Settings::default() };
            run(&network, &routes, &traffic, &Timeline::default(), &settings, &mut Unobserved)
                .map_err(|error| error.to_string())
        };
        let exact = answer(0.0)?;
        let mut line = format!("{case}: {net}, {ways:?}, {what}, {} messages:", traffic.messages());
        for (at, resolution) in RESOLUTIONS.into_iter().enumerate() {
            let coarse = answer(resolution)?;
            let end = exact.makespan(End::Delivered).as_us();
            let makespan = (coarse.makespan(End::Delivered).as_us() - end) / end;
            let of = exact.finishes.iter().zip(&coarse.finishes).map(|(exact, coarse)| {
                let took = exact.delivered.saturating_sub(exact.start).as_us();
                (coarse.delivered.as_us() - exact.delivered.as_us()) / took
            });
            let of: Vec<f64> = of.collect();
            line += &format!(" {makespan:+.1e}");
            makespans[at].push(makespan);
            worst[at].push(of.iter().fold(0.0f64, |worst, error| worst.max(error.abs())));
            times[at].extend(of);
        }
        println!("{line}");
    }
    println!(
        "resolution: makespan median, worst; message time median, p99, p99.9, worst of all (median of cases); mean with sign"
    );
    for (at, resolution) in RESOLUTIONS.into_iter().enumerate() {
        let sorted = |list: &[f64]| {
            let mut list: Vec<f64> = list.iter().map(|error| error.abs()).collect();
            list.sort_unstable_by(f64::total_cmp);
            list
        };
        let (spans, all, worst) = (sorted(&makespans[at]), sorted(&times[at]), sorted(&worst[at]));
        let mean = times[at].iter().sum::<f64>() / times[at].len() as f64;
        println!(
            "{resolution}: {:.1e}, {:.1e}; {:.1e}, {:.1e}, {:.1e}, {:.1e} ({:.1e}); {mean:+.1e}",
            rank(&spans, 0.5),
            rank(&spans, 1.0),
            rank(&all, 0.5),
            rank(&all, 0.99),
            rank(&all, 0.999),
            rank(&all, 1.0),
            rank(&worst, 0.5)
        );
    }
    Ok(())
}
