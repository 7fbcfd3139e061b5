//! Replays of measured vLLM logs.

use std::io::Read;
use std::path::PathBuf;

use super::log::{Trace, parse};
use super::request::Served;
use super::roofline::{Efficiency, Roofline, Spread};
use super::route::Routing;
use super::settings::Settings;
use super::simulate::{Deployment, Load, Pool, Role, run};
use crate::accelerator::Accelerator;
use crate::format::Format;
use crate::models;
use crate::models::transformer::Transformer;

fn corpus(name: &str) -> Trace {
    let folder = std::env::var_os("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder with measured data");
    let path = PathBuf::from(folder).join("workload/llmservingsim").join(name);
    let mut text = String::new();
    let file = std::fs::File::open(&path).expect("the log is there");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("it can be unpacked");
    parse(&text).expect("it is a log")
}

fn card() -> Accelerator {
    Accelerator {
        id: "nvidia/rtx-pro-6000".into(),
        name: "RTX PRO 6000".into(),
        fp32: None,
        bf16: Some(500e12),
        fp8: Some(1000e12),
        int8: None,
        fp4: Some(2000e12),
        equivalent: None,
        memory_bytes: 96e9,
        bandwidth: 1597e9,
        scale_up: 0.0,
        processors: Some(188),
        power_w: 600.0,
        price_usd: None,
        weak: true,
    }
}

/// Means of TTFT, TPOT and latency of a replay and of its log, over requests from `skip` on.
fn replay(name: &str, model: &Transformer, ranks: u32, skip: usize) -> [(f64, f64); 3] {
    let trace = corpus(name);
    // The configuration beside the log gives 16 GB/s between cards; 20 us is its latency.
    let spread = Spread { tensor: 1, expert: ranks, link: 16e9 * f64::from(ranks - 1), link_latency_s: 20e-6 };
    let (efficiency, _) = Efficiency::of("nvidia/rtx-pro-6000");
    let cost = Roofline::new(model, &card(), Format::Bf16, spread, efficiency).expect("a rate");
    let settings = Settings { ahead: true, ..Settings::default() };
    let deployment = Deployment {
        pools: vec![Pool { role: Role::Both, cells: 1, ranks, settings, cost: &cost }],
        routing: Routing::LeastLoaded,
        transfer: None,
        load: Load::Open,
        seed: 1,
        step_by_step: false,
    };
    let found = run(&trace.requests, &deployment).expect("it runs");
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let (served, logged, requests) = (&found.served[skip..], &trace.logged[skip..], &trace.requests[skip..]);
    let tpot = logged.iter().zip(requests).map(|(l, r)| (l.last_token_s - l.first_token_s) / f64::from(r.output - 1));
    [
        (
            mean(served.iter().map(Served::engine_ttft_s).collect()),
            mean(logged.iter().map(|l| l.first_token_s - l.queued_s).collect()),
        ),
        (mean(served.iter().filter_map(Served::tpot_s).collect()), mean(tpot.collect())),
        (
            mean(served.iter().map(Served::engine_latency_s).collect()),
            mean(logged.iter().map(|l| l.last_token_s - l.queued_s).collect()),
        ),
    ]
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_logs_are_predicted() {
    // The rate of products was chosen on the first 100 requests of the first log; those are left out.
    for (name, model, ranks, skip) in [
        ("RTXPRO6000_Llama-3.1-8B_requests.jsonl.gz", "meta-llama/Llama-3.1-8B", 1, 100),
        ("RTXPRO6000_Qwen3-30B-A3B-Instruct-2507_requests.jsonl.gz", "Qwen/Qwen3-30B-A3B-Instruct-2507", 2, 0),
    ] {
        let model = models::find(model).expect("it is built in");
        for ((simulated, measured), what) in replay(name, &model, ranks, skip).iter().zip(["TTFT", "TPOT", "latency"]) {
            let error = simulated / measured - 1.0;
            println!("{name} {what}: {simulated:.4} s simulated, {measured:.4} s measured, {:+.1} %", error * 100.0);
            assert!(error.abs() < 0.15, "{name} {what}: {error}");
        }
    }
}
