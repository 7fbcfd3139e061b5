//! Any bytes as a model's configuration: a model whose counts can be taken, or an error with something to say.
#![no_main]

use lanewright_workload::format::Format;
use lanewright_workload::models::config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match config::parse(text, "mine") {
        Ok(configured) => {
            let model = &configured.model;
            let (all, active) = (model.parameters(), model.active_parameters());
            assert!(active.total() <= all.total().saturating_add(all.embedding));
            assert!(model.weight_bytes(&configured.precision).total() >= 0.0);
            assert!(model.sequence_bytes(1e6, Format::Fp8) >= 0.0);
            assert!(model.flops_per_token(1e6) >= 0.0);
            assert_eq!(model.kinds().iter().map(|kind| kind.layers).sum::<u32>(), model.layers());
        }
        Err(error) => {
            assert!(!error.message.is_empty() && !error.help.is_empty());
            if let Some((line, column)) = error.place {
                assert!(line <= text.matches('\n').count() + 1, "{line}:{column}");
            }
        }
    }
});
