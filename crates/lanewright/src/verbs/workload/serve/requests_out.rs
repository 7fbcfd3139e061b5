//! Every request's times, as CSV or JSON lines.

use std::fmt::Write as _;
use std::path::Path;

use lanewright_workload::serve::log::Trace;
use lanewright_workload::serve::simulate::Found;
use serde_json::json;

use crate::disk;

fn as_lines(path: &Path) -> Result<bool, String> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(false),
        Some("jsonl") => Ok(true),
        _ => Err(format!("--requests-out {}: end the name in .csv or .jsonl", path.display())),
    }
}

/// Whether the name says which format is meant.
pub fn check(path: &Path) -> Result<(), String> {
    as_lines(path).map(|_| ())
}

/// Writes the file.
pub fn write(path: &Path, trace: &Trace, found: &Found) -> Result<(), String> {
    let mut out = String::with_capacity(160 * found.served.len());
    let lines = as_lines(path)?;
    if !lines {
        out.push_str(
            "request,input,output,cached,arrival_s,queued_s,scheduled_s,first_token_s,finish_s,ttft_s,tpot_s,latency_s,preemptions,replica\n",
        );
    }
    for (at, served) in found.served.iter().enumerate() {
        let name = trace.names.get(at).cloned().unwrap_or_else(|| (at + 1).to_string());
        if lines {
            let line = json!({
                "request_id": name, "input_toks": served.input, "output_toks": served.output,
                "cached_toks": served.cached, "arrival_time": served.arrival_s, "queued_ts": served.queued_s,
                "scheduled_ts": served.scheduled_s, "first_token_ts": served.first_token_s,
                "last_token_ts": served.finish_s,
            });
            let _ = writeln!(out, "{line}");
            continue;
        }
        let name = if name.contains([',', '"', '\n']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name };
        let tpot = served.tpot_s().map(|tpot| format!("{tpot:.9}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{name},{},{},{},{:.6},{:.6},{:.6},{:.6},{:.6},{:.6},{tpot},{:.6},{},{}",
            served.input,
            served.output,
            served.cached,
            served.arrival_s,
            served.queued_s,
            served.scheduled_s,
            served.first_token_s,
            served.finish_s,
            served.ttft_s(),
            served.latency_s(),
            served.preemptions,
            served.replica
        );
    }
    disk::write(path, out.as_bytes())
}
