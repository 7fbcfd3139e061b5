//! The closed form against the simulation.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::request::Request;
use super::settings::{Policy, Settings, Speculation};
use super::simulate::{Deployment, Found, Load, Pool, Role, run};
use super::steady::{ClosedLoop, closed_loop, open_loop};
use crate::step::load::{StepCost, StepLoad};

/// Weights against products, and the cache: the shape of every real step.
pub(super) struct Plain {
    pub weights_s: f64,
    pub token_s: f64,
    pub context_s: f64,
    pub fixed_s: f64,
}

/// About an 8B model on a large device.
pub(super) const PLAIN: Plain = Plain { weights_s: 6e-3, token_s: 20e-6, context_s: 4e-8, fixed_s: 5e-4 };

impl StepCost for Plain {
    fn seconds(&self, load: &StepLoad) -> f64 {
        let read = (load.decode_context + load.prefill_context) as f64 * self.context_s;
        (self.token_s * load.tokens() as f64).max(self.weights_s)
            + read
            + load.prefill_pairs as f64 * 2e-10
            + self.fixed_s
    }
}

pub(super) fn one<'c>(cost: &'c dyn StepCost, settings: Settings, load: Load) -> Deployment<'c> {
    Deployment {
        pools: vec![Pool { role: Role::Both, cells: 1, ranks: 1, settings, cost }],
        routing: super::route::Routing::RoundRobin,
        transfer: None,
        load,
        seed: 1,
        step_by_step: false,
    }
}

fn means(found: &Found, skip: usize) -> (f64, f64) {
    let kept = &found.served[skip..];
    let count = kept.len() as f64;
    let ttft = kept.iter().map(|served| served.engine_ttft_s()).sum::<f64>() / count;
    let tpot = kept.iter().filter_map(|served| served.tpot_s()).sum::<f64>() / count;
    (ttft, tpot)
}

/// Errors of the closed form over a grid of policies, lengths and concurrencies: TTFT and TPOT, as shares of the
/// simulation's means. Fixed lengths, and lengths between 0.6 and 1.4 of the mean.
fn grid(varied: bool) -> Vec<(String, f64, f64)> {
    let mut errors = Vec::new();
    let lengths = [(128, 128), (1024, 128), (1024, 1024), (4096, 256), (6000, 1024)];
    for policy in [Policy::Vllm, Policy::Trtllm, Policy::Sglang] {
        for (input, output) in lengths {
            for concurrency in [1_u32, 4, 16, 64, 128] {
                let budget = if policy == Policy::Vllm { 2048 } else { 8704 };
                let settings = Settings { policy, token_budget: budget, ..Settings::default() };
                let mut random = ChaCha8Rng::seed_from_u64(11);
                let mut vary = |mean: u32| {
                    let share = f64::from(random.next_u32()) / f64::from(u32::MAX);
                    if varied { ((0.6 + 0.8 * share) * f64::from(mean)) as u32 } else { mean }
                };
                let requests: Vec<Request> = (0..concurrency * 24)
                    .map(|_| Request { input: vary(input), output: vary(output), ..Request::default() })
                    .collect();
                let found = run(&requests, &one(&PLAIN, settings, Load::Closed { concurrency })).expect("it runs");
                let (ttft, tpot) = means(&found, 4 * concurrency as usize);
                let base =
                    ClosedLoop { concurrency, input, output, policy, token_budget: budget, ..ClosedLoop::default() };
                let steady = closed_loop(&PLAIN, &ClosedLoop { varied, ..base });
                let name = format!("{} {input}/{output} x{concurrency}, use {:.2}", policy.name(), steady.prompt_use);
                errors.push((name, steady.ttft_s / ttft - 1.0, steady.tpot_s / tpot - 1.0));
            }
        }
    }
    errors
}

#[test]
fn the_closed_form_is_what_the_simulation_settles_to() {
    for varied in [false, true] {
        let errors = grid(varied);
        let mean = |of: &dyn Fn(&(String, f64, f64)) -> f64| {
            errors.iter().map(|error| of(error).abs()).sum::<f64>() / errors.len() as f64
        };
        let (ttft, tpot) = (mean(&|error| error.1), mean(&|error| error.2));
        let worst = |of: &dyn Fn(&(String, f64, f64)) -> f64| {
            errors.iter().max_by(|a, b| of(a).abs().total_cmp(&of(b).abs())).map(|error| (error.0.clone(), of(error)))
        };
        let (worst_ttft, worst_tpot) = (worst(&|e| e.1), worst(&|e| e.2));
        println!("varied {varied}: TTFT {ttft:.4} {worst_ttft:?}, TPOT {tpot:.4} {worst_tpot:?}");
        assert!(ttft < 0.05 && tpot < 0.01, "varied {varied}: {ttft} {tpot}");
        assert!(worst_ttft.as_ref().is_some_and(|worst| worst.1.abs() < 0.30), "{worst_ttft:?}");
        assert!(worst_tpot.as_ref().is_some_and(|worst| worst.1.abs() < 0.05), "{worst_tpot:?}");
    }
}

#[test]
fn speculation_gains_what_the_formula_says_on_both_ways() {
    let speculation = Some(Speculation { draft_tokens: 3, acceptance: 0.7, draft_share: 0.05 });
    let settings = Settings { speculation, ..Settings::default() };
    let requests = vec![Request { input: 512, output: 400, ..Request::default() }; 16 * 20];
    let found = run(&requests, &one(&PLAIN, settings, Load::Closed { concurrency: 16 })).expect("it runs");
    let plain = run(&requests, &one(&PLAIN, Settings::default(), Load::Closed { concurrency: 16 })).expect("it runs");
    let (with, without) = (means(&found, 64).1, means(&plain, 64).1);
    let base = ClosedLoop { concurrency: 16, input: 512, output: 400, varied: true, ..ClosedLoop::default() };
    let steady = closed_loop(&PLAIN, &ClosedLoop { speculation, ..base });
    // 1 + 0.7 + 0.49 + 0.343 tokens a step, a draft of 15 % of a step, and more to verify.
    assert!(without / with > 1.8 && without / with < 2.533, "{without} {with}");
    assert!((steady.tpot_s / with - 1.0).abs() < 0.05, "{} {with}", steady.tpot_s);
}

#[test]
fn open_loops_know_their_capacity() {
    let base = ClosedLoop { input: 1024, output: 128, varied: true, ..ClosedLoop::default() };
    let full = closed_loop(&PLAIN, &ClosedLoop { concurrency: 128, ..base });
    let over = open_loop(&PLAIN, full.requests_per_s * 1.01, &base);
    assert!(over.is_err_and(|over| (over.capacity_per_s / full.requests_per_s - 1.0).abs() < 1e-9));
    let half = open_loop(&PLAIN, full.requests_per_s * 0.5, &base).expect("half is stable");
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut time = 0.0;
    let requests: Vec<Request> = (0..4000)
        .map(|_| {
            time -= (1.0 - f64::from(random.next_u32()) / 4_294_967_296.0).ln() / (full.requests_per_s * 0.5);
            let vary = 0.6 + 0.8 * f64::from(random.next_u32()) / f64::from(u32::MAX);
            Request {
                arrival_s: time,
                input: (1024.0 * vary) as u32,
                output: (128.0 * vary) as u32,
                ..Request::default()
            }
        })
        .collect();
    let found = run(&requests, &one(&PLAIN, Settings::default(), Load::Open)).expect("it runs");
    let (_, tpot) = means(&found, 400);
    assert!((half.tpot_s / tpot - 1.0).abs() < 0.06, "{} {tpot}", half.tpot_s);
}
