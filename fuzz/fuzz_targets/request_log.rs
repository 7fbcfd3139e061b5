//! Any text as requests, through to a simulation of the first few.
#![no_main]

use lanewright_workload::serve::log::parse;
use lanewright_workload::serve::route::Routing;
use lanewright_workload::serve::settings::Settings;
use lanewright_workload::serve::simulate::{Deployment, Load, Pool, Role, run};
use lanewright_workload::step::load::{StepCost, StepLoad};
use libfuzzer_sys::fuzz_target;

struct Second;

impl StepCost for Second {
    fn seconds(&self, load: &StepLoad) -> f64 {
        1e-3 + 1e-6 * load.tokens() as f64
    }
}

fuzz_target!(|text: &str| {
    let mut trace = match parse(text) {
        Ok(trace) => trace,
        Err(error) => {
            assert!(error.line >= 1 && !error.message.is_empty() && !error.help.is_empty());
            return;
        }
    };
    assert!(trace.requests.windows(2).all(|pair| pair[0].arrival_s <= pair[1].arrival_s));
    assert!(trace.logged.is_empty() || trace.logged.len() == trace.requests.len());
    trace.requests.truncate(64);
    trace.requests.iter_mut().for_each(|request| {
        request.input = request.input.min(20_000);
        request.output = request.output.min(20_000);
    });
    let settings = Settings { blocks: Some(2600), prefix_cache: true, ..Settings::default() };
    let deployment = Deployment {
        pools: vec![Pool { role: Role::Both, cells: 1, ranks: 1, settings, cost: &Second }],
        routing: Routing::RoundRobin,
        transfer: None,
        load: Load::Open,
        seed: 1,
        step_by_step: false,
    };
    let found = run(&trace.requests, &deployment).expect("every request fits in the cache alone");
    assert!(found.served.iter().all(|served| served.finish_s >= served.first_token_s));
});
