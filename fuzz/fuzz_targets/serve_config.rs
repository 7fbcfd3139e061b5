//! Any text as a deployment, and as recorded engine arguments.
#![no_main]

use lanewright_workload::serve::cluster::{parse, parse_engine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(cluster) => assert!(cluster.instances.iter().all(|instance| instance.tensor > 0)),
        Err(error) => assert!(!error.message.is_empty() && !error.help.is_empty()),
    }
    if let Err(error) = parse_engine(text) {
        assert!(!error.message.is_empty() && !error.help.is_empty());
    }
});
