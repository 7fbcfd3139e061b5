//! The answer as JSON and as tables.

use std::fmt::Write as _;

use lanewright_workload::serve::metrics::{Limits, Metrics, Summary};
use serde::Serialize;

use super::measured::{Measured, Pair};
use crate::number;
use crate::terminal::table;

/// What a simulation has to say.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Model, devices, replicas.
    pub title: String,
    /// Requests in words.
    pub requests: String,
    /// Settings: what, and how it is set.
    pub settings: Vec<(String, String)>,
    /// What the time of a step rests on.
    pub calibrated_on: String,
    /// The figures.
    pub metrics: Metrics,
    /// Limits of goodput.
    pub limits: Limits,
    /// A log's own times beside.
    pub measured: Option<Measured>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

fn ms(seconds: f64) -> String {
    number::plain(seconds * 1e3)
}

fn row(name: &str, summary: &Summary) -> Vec<String> {
    let values = [summary.mean, summary.p50, summary.p90, summary.p95, summary.p99, summary.max];
    std::iter::once(name.to_string()).chain(values.map(ms)).collect()
}

impl Answer {
    /// Figures of a run that have no distribution: name and value.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        let metrics = &self.metrics;
        let share = |share: f64| format!("{} %", number::plain(share * 100.0));
        let mut rows = vec![
            ("requests", number::count(metrics.requests as u64)),
            ("time until the last token", format!("{} s", number::plain(metrics.span_s))),
            ("requests per second", number::plain(metrics.requests_per_s)),
            ("output tokens per second", number::plain(metrics.output_tokens_per_s)),
            ("tokens per second, in and out", number::plain(metrics.tokens_per_s)),
            ("replicas busy", share(metrics.utilisation)),
            ("steps", number::count(metrics.steps)),
            ("steps with prompts", share(metrics.prompt_step_share)),
            ("mean step", format!("{} ms", ms(metrics.step_s))),
            ("preemptions", number::count(metrics.preemptions)),
            ("prompt tokens held by caches", share(metrics.cache_hits)),
            ("fullest cache", share(metrics.cache_most)),
        ];
        if metrics.moved_bytes > 0.0 {
            rows.push(("cache moved between pools", format!("{} GB", number::plain(metrics.moved_bytes * 1e-9))));
        }
        if let (Some(within), Some(goodput)) = (metrics.within_limits, metrics.goodput_per_s) {
            rows.push(("requests within the limits", share(within)));
            rows.push(("goodput", format!("{} requests/s", number::plain(goodput))));
        }
        if let Some(joules) = metrics.joules_per_token {
            rows.push(("energy of devices", format!("{} J per output token", number::plain(joules))));
        }
        if let Some(usd) = metrics.usd_per_million_tokens {
            rows.push(("cost", format!("${} per million output tokens", number::plain(usd))));
        }
        rows
    }

    /// Times with their distributions: name and summary.
    pub fn times(&self) -> Vec<(&'static str, Summary)> {
        let metrics = &self.metrics;
        let mut rows = vec![("TTFT", metrics.ttft_s), ("TTFT of the engine", metrics.engine_ttft_s)];
        rows.extend(metrics.tpot_s.map(|tpot| ("TPOT", tpot)));
        rows.extend(metrics.itl_s.map(|itl| ("ITL", itl)));
        rows.push(("latency", metrics.latency_s));
        rows.push(("latency of the engine", metrics.engine_latency_s));
        rows.push(("queue", metrics.waiting_s));
        rows
    }

    /// Measured beside simulated: name and pair.
    pub fn pairs(&self) -> Vec<(&'static str, Pair)> {
        let Some(measured) = &self.measured else { return Vec::new() };
        let mut pairs = vec![("TTFT", measured.ttft_s)];
        pairs.extend(measured.tpot_s.map(|tpot| ("TPOT", tpot)));
        pairs.push(("latency", measured.latency_s));
        pairs
    }

    /// As text.
    pub fn draw(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title, self.requests);
        let rows = self.times().iter().map(|(name, summary)| row(name, summary)).collect();
        out.push_str(&table("TIMES, ms", &["", ">MEAN", ">P50", ">P90", ">P95", ">P99", ">MAX"], rows));
        if self.measured.is_some() {
            let rows = self
                .pairs()
                .iter()
                .flat_map(|(name, pair)| {
                    let error = format!("{} %", number::decimals(pair.mean_error * 100.0, 1));
                    let mut measured = row(&format!("{name}, measured"), &pair.measured);
                    let mut simulated = row(&format!("{name}, simulated"), &pair.simulated);
                    measured.push(String::new());
                    simulated.push(error);
                    [measured, simulated]
                })
                .collect();
            let heads = ["", ">MEAN", ">P50", ">P90", ">P95", ">P99", ">MAX", ">ERROR OF MEAN"];
            out.push_str(&table("AGAINST THE LOG (from the scheduler's queue), ms", &heads, rows));
        }
        let rows = self.figures().into_iter().map(|(name, value)| vec![name.to_string(), value]).collect();
        out.push_str(&table("RUN", &["", ">"], rows));
        let rows = self.settings.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
        out.push_str(&table("SETTINGS", &["", ""], rows));
        let _ = writeln!(out, "\nSteps rest on {}.", self.calibrated_on);
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out
    }
}
