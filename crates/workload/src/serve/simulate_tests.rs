//! The simulation: against itself step by step, against countings by hand, and under every policy.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::request::Request;
use super::route::Routing;
use super::settings::{Policy, Preemption, Settings, Speculation};
use super::simulate::{Deployment, Found, Load, Pool, Role, Transfer, check, run};
use super::steady_tests::{PLAIN, one};
use crate::step::load::{StepCost, StepLoad};

/// One second per step, whatever it carries.
struct Second;

impl StepCost for Second {
    fn seconds(&self, _: &StepLoad) -> f64 {
        1.0
    }
}

fn some(count: usize, seed: u64, rate: f64) -> Vec<Request> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut now = 0.0;
    let mut draw = |most: u32| random.next_u32() % most + 1;
    (0..count)
        .map(|_| {
            now += f64::from(draw(1000)) / 500.0 / rate;
            Request {
                arrival_s: now,
                input: draw(3000),
                output: draw(400),
                prefix: draw(4) - 1,
                prefix_tokens: 0,
                priority: draw(2) as i32,
                ..Request::default()
            }
        })
        .map(|request| Request { prefix_tokens: if request.prefix > 0 { request.input / 2 } else { 0 }, ..request })
        .collect()
}

fn served_alike(fast: &Found, slow: &Found, within: f64) -> Result<(), String> {
    if fast.steps != slow.steps || fast.preemptions != slow.preemptions || fast.hit_tokens != slow.hit_tokens {
        return Err(format!(
            "{} {} {} against {} {} {}",
            fast.steps, fast.preemptions, fast.hit_tokens, slow.steps, slow.preemptions, slow.hit_tokens
        ));
    }
    for (at, (a, b)) in fast.served.iter().zip(&slow.served).enumerate() {
        let pairs = [
            (a.queued_s, b.queued_s),
            (a.scheduled_s, b.scheduled_s),
            (a.first_token_s, b.first_token_s),
            (a.finish_s, b.finish_s),
        ];
        for (x, y) in pairs {
            if (x - y).abs() > within * y.abs().max(1.0) || x.is_nan() || y.is_nan() {
                return Err(format!("request {at}: {a:?} against {b:?}"));
            }
        }
    }
    Ok(())
}

/// Of every request, all that can be said without knowing the schedule.
fn sound(requests: &[Request], found: &Found) -> Result<(), String> {
    for (at, (served, request)) in found.served.iter().zip(requests).enumerate() {
        let times = [served.arrival_s, served.queued_s, served.scheduled_s, served.first_token_s, served.finish_s];
        if times.iter().any(|time| !time.is_finite()) || times.windows(2).any(|pair| pair[1] < pair[0] - 1e-9) {
            return Err(format!("request {at} of {request:?}: {served:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Runs of equal steps are the same steps, whoever schedules, with little cache, several replicas and shared prefixes.
    #[test]
    fn runs_are_what_single_steps_are(
        seed in 0u64..1000,
        policy in prop::sample::select(vec![Policy::Vllm, Policy::Trtllm, Policy::Sglang, Policy::Static]),
        rate in 1.0f64..40.0,
        blocks in prop::option::of(400u64..2500),
        ranks in 1u32..3,
        cells in 1u32..3,
        closed in any::<bool>(),
        ahead in any::<bool>(),
        prefix_cache in any::<bool>(),
        routing in prop::sample::select(Routing::ALL.to_vec()),
    ) {
        let requests = some(60, seed, rate);
        let budget = if policy.cuts_prompts() { 512 } else { 4096 };
        let settings = Settings {
            policy, blocks, ahead, prefix_cache, token_budget: budget, max_sequences: 24, ..Settings::default()
        };
        let load = if closed { Load::Closed { concurrency: 17 } } else { Load::Open };
        let mut deployment = one(&PLAIN, settings, load);
        deployment.pools[0].ranks = ranks;
        deployment.pools[0].cells = cells;
        deployment.routing = routing;
        let fast = run(&requests, &deployment).expect("it runs");
        deployment.step_by_step = true;
        let slow = run(&requests, &deployment).expect("it runs");
        if ranks == 1 {
            prop_assert_eq!(served_alike(&fast, &slow, 1e-9), Ok(()));
        } else {
            // The slowest rank may change within a run: a kink that a parabola rounds off, and a step may come out otherwise.
            let mean = |found: &Found| found.served.iter().map(|s| s.finish_s - s.arrival_s).sum::<f64>() / 60.0;
            prop_assert!((mean(&fast) / mean(&slow) - 1.0).abs() < 2e-3, "{} {}", mean(&fast), mean(&slow));
        }
        prop_assert_eq!(sound(&requests, &fast), Ok(()));
        prop_assert!(fast.cost_calls <= slow.cost_calls + 3 * fast.steps);
        prop_assert!(!policy.reserves() || fast.preemptions == 0);
        prop_assert!(fast.timeline.cache_most <= 1.0 + 1e-9);
    }

    /// With speculation, tokens per step are drawn per request; the draw does not depend on runs.
    #[test]
    fn drafts_do_not_depend_on_runs(seed in 0u64..1000, acceptance in 0.0f64..=1.0, draft_tokens in 1u32..6) {
        let requests = some(30, seed, 5.0);
        let speculation = Some(Speculation { draft_tokens, acceptance, draft_share: 0.1 });
        let settings = Settings { speculation, max_sequences: 16, ..Settings::default() };
        let mut deployment = one(&PLAIN, settings, Load::Open);
        let fast = run(&requests, &deployment).expect("it runs");
        deployment.step_by_step = true;
        let slow = run(&requests, &deployment).expect("it runs");
        // Contexts grow by fractions of tokens, rounded at each call of the cost.
        prop_assert_eq!(served_alike(&fast, &slow, 1e-5), Ok(()));
    }
}

#[test]
fn steps_are_those_that_counting_by_hand_gives() {
    // 3000 tokens in steps of 2048: two steps, the second of which gives the first token; four more tokens.
    let request = Request { input: 3000, output: 5, ..Request::default() };
    let found = run(&[request], &one(&Second, Settings::default(), Load::Open)).expect("it runs");
    let served = found.served[0];
    assert_eq!((served.first_token_s, served.finish_s, found.steps), (2.0, 6.0, 6));
    assert_eq!(served.tpot_s(), Some(1.0));
    // A second one that comes in the first step waits for its end; planned ahead, for the end of the second.
    let two = [request, Request { arrival_s: 0.5, input: 10, output: 2, ..Request::default() }];
    let found = run(&two, &one(&Second, Settings::default(), Load::Open)).expect("it runs");
    let second = found.served[1];
    assert_eq!((second.queued_s, second.scheduled_s, second.first_token_s, second.finish_s), (1.0, 1.0, 2.0, 3.0));
    let ahead = Settings { ahead: true, ..Settings::default() };
    let second = run(&two, &one(&Second, ahead, Load::Open)).expect("it runs").served[1];
    assert_eq!((second.queued_s, second.scheduled_s, second.first_token_s), (1.0, 2.0, 3.0));
}

#[test]
fn policies_differ_where_they_should() {
    let requests = [
        Request { input: 100, output: 11, ..Request::default() },
        Request { arrival_s: 2.5, input: 1000, output: 3, ..Request::default() },
    ];
    let settings = |policy| Settings { policy, token_budget: 1000, max_sequences: 8, ..Settings::default() };
    let of = |policy| run(&requests, &one(&Second, settings(policy), Load::Open)).expect("it runs");
    // vLLM cuts the prompt beside the decoding sequence: 999 and 1 tokens.
    let vllm = of(Policy::Vllm);
    assert_eq!((vllm.served[0].finish_s, vllm.served[1].first_token_s), (11.0, 5.0));
    // TensorRT-LLM cannot: 1000 tokens do not fit beside one until it has ended.
    let trtllm = of(Policy::Trtllm);
    assert_eq!((trtllm.served[0].finish_s, trtllm.served[1].first_token_s), (11.0, 12.0));
    // SGLang gives the prompt a step of its own, and decoding loses it.
    let sglang = of(Policy::Sglang);
    assert_eq!((sglang.served[0].finish_s, sglang.served[1].first_token_s), (12.0, 4.0));
    // A static batch is closed until it has ended.
    let fixed = of(Policy::Static);
    assert_eq!((fixed.served[0].finish_s, fixed.served[1].first_token_s), (11.0, 12.0));
}

#[test]
fn a_full_cache_preempts_the_latest_and_computes_it_again() {
    // Ten blocks of 16: two sequences of 64 tokens with 32 more each cannot both stay.
    let requests = [
        Request { input: 64, output: 33, ..Request::default() },
        Request { input: 64, output: 33, ..Request::default() },
    ];
    let settings = Settings { blocks: Some(10), ..Settings::default() };
    let found = run(&requests, &one(&Second, settings, Load::Open)).expect("it runs");
    assert_eq!((found.preemptions, found.served[0].preemptions, found.served[1].preemptions), (1, 0, 1));
    // The first is never disturbed: one step for its prompt, 32 more.
    assert_eq!(found.served[0].finish_s, 33.0);
    // The second: 17 tokens by step 17 (blocks 5 of both, 10 in all), out when both want a sixth; back at 33, its 81
    // tokens computed in one step that gives the 18th token, 15 more.
    assert_eq!(found.served[1].finish_s, 33.0 + 1.0 + 15.0);
    assert_eq!(found.served[1].first_token_s, 1.0);
    // With its cache kept elsewhere no step computes it again, and the 17th token is not lost.
    let offload = Settings { preemption: Preemption::Offload { tokens_per_s: 1e9 }, ..settings };
    let kept = run(&requests, &one(&Second, offload, Load::Open)).expect("it runs");
    assert_eq!(kept.served[1].finish_s, 33.0 + 16.0);
}

#[test]
fn priorities_go_first_and_are_preempted_last() {
    let settings = Settings { max_sequences: 1, ..Settings::default() };
    let request = |arrival_s, priority| Request { arrival_s, input: 10, output: 5, priority, ..Request::default() };
    let requests = [request(0.0, 0), request(0.1, 5), request(0.2, 1)];
    let found = run(&requests, &one(&Second, settings, Load::Open)).expect("it runs");
    let ends: Vec<f64> = found.served.iter().map(|served| served.finish_s).collect();
    assert_eq!(ends, [5.0, 15.0, 10.0]);
}

#[test]
fn prefixes_are_computed_once_and_given_up_when_room_is_needed() {
    let request = |arrival_s, prefix| Request {
        arrival_s,
        input: 1000,
        output: 2,
        prefix,
        prefix_tokens: 800,
        ..Request::default()
    };
    let settings = Settings { prefix_cache: true, blocks: Some(100), token_budget: 1000, ..Settings::default() };
    let requests = [request(0.0, 1), request(10.0, 1), request(20.0, 2), request(30.0, 1), request(40.0, 2)];
    let found = run(&requests, &one(&Second, settings, Load::Open)).expect("it runs");
    let cached: Vec<u32> = found.served.iter().map(|served| served.cached).collect();
    // A hundred blocks hold one prefix of 50 beside a request of 63, not two.
    assert_eq!(cached, [0, 800, 0, 0, 0]);
    let roomy = Settings { blocks: Some(400), ..settings };
    let found = run(&requests, &one(&Second, roomy, Load::Open)).expect("it runs");
    let cached: Vec<u32> = found.served.iter().map(|served| served.cached).collect();
    assert_eq!(cached, [0, 800, 0, 800, 800]);
    assert_eq!((found.hit_tokens, found.prompt_tokens), (2400, 5000));
}

#[test]
fn pools_apart_hand_the_cache_over() {
    let pool = |role, cells| Pool { role, cells, ranks: 1, settings: Settings::default(), cost: &Second };
    let deployment = Deployment {
        pools: vec![pool(Role::Prefill, 1), pool(Role::Decode, 1)],
        routing: Routing::LeastLoaded,
        transfer: Some(Transfer { bytes_per_token: 1000.0, bytes_per_s: 1e6, latency_s: 0.25 }),
        load: Load::Open,
        seed: 1,
        step_by_step: false,
    };
    let requests = [
        Request { input: 1500, output: 4, ..Request::default() },
        Request { input: 100, output: 1, ..Request::default() },
    ];
    let found = run(&requests, &deployment).expect("it runs");
    // One step of prompts; 0.25 s and 1.5 MB at 1 MB/s; three steps.
    assert_eq!((found.served[0].first_token_s, found.served[0].finish_s), (1.0, 1.0 + 1.75 + 3.0));
    // An answer of one token needs no pool that decodes.
    assert_eq!(found.served[1].finish_s, 1.0);
    assert_eq!(found.moved_bytes, 1.5e6);
    let alone = Deployment { pools: vec![pool(Role::Prefill, 1)], ..deployment };
    assert!(check(&requests, &alone).is_err_and(|why| why.contains("decodes")));
}

#[test]
fn replicas_share_alike() {
    let requests = some(400, 9, 30.0);
    for routing in [Routing::RoundRobin, Routing::LeastLoaded] {
        let mut deployment = one(&PLAIN, Settings::default(), Load::Open);
        deployment.pools[0].cells = 4;
        deployment.routing = routing;
        let found = run(&requests, &deployment).expect("it runs");
        for replica in 0..4 {
            let share = found.served.iter().filter(|served| served.replica == replica).count();
            assert!((80..=120).contains(&share), "{routing:?} {replica}: {share}");
        }
    }
}

#[test]
fn what_cannot_be_served_is_said() {
    let fits = Request { input: 100, output: 10, ..Request::default() };
    let settings = Settings { blocks: Some(10), ..Settings::default() };
    let why = |request: Request, settings: Settings| {
        check(&[request], &one(&PLAIN, settings, Load::Open)).expect_err("it is wrong")
    };
    assert!(check(&[fits], &one(&PLAIN, settings, Load::Open)).is_ok());
    assert!(why(Request { input: 200, ..fits }, settings).contains("at least 14 blocks"));
    assert!(why(Request { output: 0, ..fits }, settings).contains("no tokens of answer"));
    assert!(why(Request { arrival_s: f64::NAN, ..fits }, settings).contains("NaN"));
    assert!(why(Request { arrival_s: -1.0, ..fits }, settings).contains("-1"));
    let trtllm = Settings { policy: Policy::Trtllm, ..Settings::default() };
    assert!(why(Request { input: 4000, ..fits }, trtllm).contains("raise the budget to 4000"));
    let many = Settings { max_sequences: 4096, ..Settings::default() };
    assert!(why(fits, many).contains("at least 4096"));
}
