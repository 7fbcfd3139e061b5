//! Runs the packet engine on known scenarios, or on a connection matrix, and prints what it found and what it cost.
//!
//! `packet_scenarios [--gbps G] [--transport uec|ndp|roce|swift|hpcc] [--routing ecmp|spray|adaptive|static] [--selective]
//! [--cut-through] [--simai] [--no-marks] [--tiers T] [--paths P] [--credit] [--seed S] [--queue BDP] [--threads N]
//! [--fast-forward] [--cm OUT] NAME`
//! where NAME is `permN`, `incastK`, `a2aN`, `ringN:MiB`, `randN:BYTES` or a `.cm` file. `--cm` writes the traffic as a
//! connection matrix, for a run of the reference simulator on the same.

use std::fmt::Write as _;
use std::time::Instant;

use lanewright_fabric::fault::Timeline;
use lanewright_fabric::network::fat_tree::{FatTree, Links};
use lanewright_fabric::network::{EndpointId, LinkLayer};
use lanewright_fabric::outcome::{End, Unobserved};
use lanewright_fabric::packet::{self, Dcqcn, Forwarding, Repair, Settings, Transport};
use lanewright_fabric::route::{Policy, Routes};
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic, When, Work};

struct Options {
    gbps: f64,
    tiers: u8,
    nodes: u32,
    hop_us: f64,
    settings: Settings,
    cm: Option<String>,
    name: String,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        gbps: 400.0,
        tiers: 3,
        nodes: 0,
        hop_us: 1.0,
        settings: Settings::default(),
        cm: None,
        name: String::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
            text.parse().map_err(|_| format!("{text} is no number"))
        }
        match argument.as_str() {
            "--gbps" => options.gbps = number(&value()?)?,
            "--tiers" => options.tiers = number(&value()?)?,
            "--nodes" => options.nodes = number(&value()?)?,
            "--hop" => options.hop_us = number(&value()?)?,
            "--paths" => options.settings.paths = number(&value()?)?,
            "--mtu" => options.settings.mtu = number(&value()?)?,
            "--seed" => options.settings.seed = number(&value()?)?,
            "--cwnd" => options.settings.initial_window = Some(number(&value()?)?),
            "--queue" => options.settings.queue_bdp = number(&value()?)?,
            "--q" => options.settings.queue_packets = Some(number(&value()?)?),
            "--threads" => options.settings.threads = number(&value()?)?,
            "--fast-forward" => options.settings.fast_forward = true,
            "--no-trim" => options.settings.trimming = false,
            "--transport" => {
                let transport = match value()?.as_str() {
                    "uec" => Transport::Uec,
                    "ndp" => Transport::Ndp,
                    "roce" => Transport::Roce,
                    "swift" => Transport::Swift,
                    "hpcc" => Transport::Hpcc,
                    other => return Err(format!("{other} is no transport: uec, ndp, roce, swift or hpcc")),
                };
                options.settings = Settings::of(transport, options.gbps * 1e9);
            }
            "--routing" => {
                options.settings.routing = match value()?.as_str() {
                    "ecmp" => Policy::Ecmp,
                    "spray" => Policy::Spray,
                    "adaptive" => Policy::Adaptive,
                    "static" => Policy::Static,
                    other => return Err(format!("{other} is no routing: ecmp, spray, adaptive or static")),
                };
            }
            "--selective" => options.settings.repair = Repair::Selective,
            "--cut-through" => options.settings.forwarding = Forwarding::CutThrough,
            "--simai" => options.settings.dcqcn = Dcqcn::simai(),
            "--no-marks" => (options.settings.red, options.settings.ecn) = (None, None),
            "--credit" => options.settings.transport = Transport::UecCredit,
            "--both" => options.settings.transport = Transport::UecBoth,
            "--cm" => options.cm = Some(value()?),
            _ => options.name = argument,
        }
    }
    Ok(options)
}

fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

fn traffic(options: &mut Options) -> Result<Traffic, String> {
    let mut builder = Builder::default();
    let name = options.name.clone();
    if name.ends_with(".cm") || name.ends_with(".tm") {
        return read_cm(&name, options);
    }
    let values = numbers(&name);
    let first = values.first().copied().unwrap_or(0) as u32;
    let (values, first) = if name.starts_with("a2a") {
        (values[1..].to_vec(), values.get(1).copied().unwrap_or(0) as u32)
    } else {
        (values, first)
    };
    let second = values.get(1).copied();
    let nodes = if options.nodes > 0 { options.nodes } else { 128 };
    let end = EndpointId;
    match name.split(':').next().unwrap_or("").trim_end_matches(|c: char| c.is_ascii_digit()) {
        "perm" => {
            options.nodes = first;
            for at in 0..first {
                builder.message(end(at), end((at + first / 2) % first), second.unwrap_or(2_000_000));
            }
        }
        "rand" => {
            // A random permutation without fixed points: a shuffled circle.
            options.nodes = first;
            let mut state = 88_172_645_463_325_252u64;
            let mut order: Vec<u32> = (0..first).collect();
            for at in (1..first as usize).rev() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                order.swap(at, (state % (at as u64 + 1)) as usize);
            }
            let bytes = second.unwrap_or(2_000_000);
            for at in 0..first as usize {
                let size = if bytes == 1 { [20_000, 200_000, 2_000_000, 8_000_000][at % 4] } else { bytes };
                builder.message(end(order[at]), end(order[(at + 1) % first as usize]), size);
            }
        }
        "incast" => {
            options.nodes = nodes;
            for at in nodes - first..nodes {
                builder.message(end(at), end(0), second.unwrap_or(2_000_000));
            }
        }
        "a2a" => {
            options.nodes = nodes;
            for shift in 1..first {
                for at in 0..first {
                    builder.message(end(at), end((at + shift) % first), second.unwrap_or(262_144));
                }
            }
        }
        "ring" => {
            options.nodes = nodes;
            let step = nodes / first;
            let size = second.unwrap_or(64) * 1_048_576 / u64::from(first);
            for chain in 0..first {
                let mut before = None;
                for hop in 0..2 * (first - 1) {
                    let (from, to) = ((chain + hop) % first * step, (chain + hop + 1) % first * step);
                    let task = builder.message(end(from), end(to), size);
                    if let Some(before) = before {
                        builder.after(before, task, When::Acknowledged);
                    }
                    before = Some(task);
                }
            }
        }
        other => return Err(format!("no pattern {other}")),
    }
    Ok(builder.build())
}

/// Enough of the format for files of the reference simulator: starts in microseconds as it reads them.
fn read_cm(path: &str, options: &mut Options) -> Result<Traffic, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut builder = Builder::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"Nodes") {
            options.nodes = numbers(line)[0] as u32;
        } else if let Some((from, to)) = words.first().and_then(|word| word.split_once("->")) {
            let get = |key: &str| {
                let at = words.iter().position(|word| *word == key)?;
                words.get(at + 1)?.parse::<u64>().ok()
            };
            let ends = (from.parse(), to.parse());
            let (Ok(from), Ok(to)) = ends else { return Err(format!("{path}: {line}")) };
            let bytes = get("size").unwrap_or(1);
            let work = Work::Message { from: EndpointId(from), to: EndpointId(to), bytes };
            builder.task(work, Time::us(get("start").unwrap_or(0)));
        }
    }
    Ok(builder.build())
}

fn write_cm(traffic: &Traffic, nodes: u32) -> String {
    let mut text = String::new();
    let triggers: Vec<usize> = (0..traffic.tasks.len()).filter(|at| traffic.tasks[*at].waits > 0).collect();
    let _ = writeln!(text, "Nodes {nodes}\nConnections {}", traffic.tasks.len());
    if !triggers.is_empty() {
        let _ = writeln!(text, "Triggers {}", triggers.len());
    }
    for (at, task) in traffic.tasks.iter().enumerate() {
        let Work::Message { from, to, bytes } = task.work else { continue };
        let _ = write!(text, "{}->{} id {}", from.0, to.0, at + 1);
        if task.waits > 0 {
            let _ = write!(text, " trigger {}", at + 1);
        } else {
            let _ = write!(text, " start 0");
        }
        let _ = write!(text, " size {bytes}");
        let from = traffic.follower_start[at] as usize;
        if let Some(follower) =
            traffic.followers.get(from..traffic.follower_start[at + 1] as usize).and_then(|f| f.first())
        {
            let _ = write!(text, " send_done_trigger {}", follower.task.0 + 1);
        }
        text.push('\n');
    }
    for at in triggers {
        let _ = writeln!(text, "trigger id {} oneshot", at + 1);
    }
    text
}

fn main() -> Result<(), String> {
    let mut options = options()?;
    let traffic = traffic(&mut options)?;
    if let Some(path) = &options.cm {
        std::fs::write(path, write_cm(&traffic, options.nodes)).map_err(|error| error.to_string())?;
    }
    let links = Links {
        rate: Rate::gbps(options.gbps).ok_or("no rate")?,
        delay: Time::from_seconds(options.hop_us * 1e-6).ok_or("no delay")?,
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    };
    let network = FatTree::balanced(options.nodes, options.tiers)?.build(&links);
    let routes = Routes::new(&network).map_err(|error| format!("{error:?}"))?;
    traffic.check(network.endpoints.len()).map_err(|error| error.to_string())?;
    let begin = Instant::now();
    let outcome = packet::run(&network, &routes, &traffic, &Timeline::default(), &options.settings, &mut Unobserved);
    let seconds = begin.elapsed().as_secs_f64();
    outcome.notes.iter().for_each(|note| println!("note: {note}"));
    let Some(times) = outcome.completion(&traffic, End::Acknowledged) else {
        return Err("nothing finished".to_owned());
    };
    let counters = outcome.counters;
    println!(
        "{} min {:.2} p50 {:.2} p99 {:.2} max {:.2} mean {:.2} makespan {:.2} done {}/{} pkts {} rtx {} trim {} drop {} marks {} acks {} events {} s {:.3} Mev/s {:.1} hash {:016x}",
        options.name.rsplit('/').next().unwrap_or(""),
        times.min,
        times.p50,
        times.p99,
        times.max,
        times.mean,
        outcome.makespan(End::Acknowledged).as_us(),
        outcome.completion_times(&traffic, End::Acknowledged).len(),
        traffic.tasks.len(),
        counters.packets,
        counters.retransmitted,
        counters.trimmed,
        counters.dropped,
        counters.marked,
        counters.acknowledgements,
        counters.events,
        seconds,
        counters.events as f64 / seconds * 1e-6,
        outcome.hash(),
    );
    Ok(())
}
