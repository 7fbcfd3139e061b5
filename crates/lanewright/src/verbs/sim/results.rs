//! What a run came to: figures for scripts and a table for people.

use lanewright_fabric::network::Network;
use lanewright_fabric::outcome::{Completion, End, Outcome, Skipped};
use lanewright_fabric::traffic::Traffic;
use serde::Serialize;

use super::best::Candidate;
use super::faults::Told;
use super::short_flows::Correction;
use super::steps::{self, StepRow};
use crate::number::count;

/// A collective operation as users count its bandwidth.
#[derive(Clone, Debug, Serialize)]
pub struct Bandwidth {
    /// Operation and algorithm.
    pub collective: String,
    /// Ranks that take part.
    pub ranks: u64,
    /// Bytes that the convention of NCCL's tests counts.
    pub bytes: u64,
    /// Bytes over time, GB/s (1e9).
    pub algbw: f64,
    /// The same times the operation's factor, to hold against a link's rate, GB/s.
    pub busbw: f64,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// Engine.
    pub engine: &'static str,
    /// The network in words.
    pub network: String,
    /// Where the traffic comes from.
    pub traffic: String,
    /// Times of messages from start to the sender's knowledge of the end, in µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fct_us: Option<Completion>,
    /// Time at which the last task was done, in µs.
    pub makespan_us: f64,
    /// Messages that are finished.
    pub flows: u64,
    /// Messages in all.
    pub flows_in_all: u64,
    /// Data packets sent, each counted once.
    pub packets: u64,
    /// Data packets sent again.
    pub retransmitted: u64,
    /// Payloads that full queues cut off.
    pub trimmed: u64,
    /// Packets lost in full queues or on failed links.
    pub lost: u64,
    /// Packets marked for congestion.
    pub marked: u64,
    /// Frames that a link layer sent again.
    pub replays: u64,
    /// Pauses that receivers asked for.
    pub pauses: u64,
    /// Events handled.
    pub events: u64,
    /// Processor time of the engine in seconds, all threads together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Time on the clock in seconds.
    pub wall_seconds: f64,
    /// Hash of all times of all tasks: equal answers have equal hashes.
    pub fct_hash: String,
    /// What was counted rather than run; packets and events are those run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
    /// Whether the run ended before all was done.
    pub stopped: bool,
    /// What corrections of short flows rest on, with bands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_flows: Option<Correction>,
    /// Bandwidth of a collective operation.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// What failed, and what was under way then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Told>,
    /// Ways to do a collective that were compared, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// Steps of a traffic file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRow>,
    /// Estimates used and limits reached.
    pub notes: Vec<String>,
}

/// What was run, and how long it took.
pub struct Setting {
    /// Engine.
    pub engine: &'static str,
    /// The network in words.
    pub network: String,
    /// Where the traffic comes from.
    pub traffic: String,
    /// Processor seconds.
    pub cpu_seconds: Option<f64>,
    /// Seconds on the clock.
    pub wall_seconds: f64,
    /// Notes before those of the engine.
    pub notes: Vec<String>,
}

impl Results {
    /// Sums up an outcome.
    pub fn new(setting: Setting, traffic: &Traffic, outcome: &Outcome) -> Self {
        let Setting { engine, network, traffic: from, cpu_seconds, wall_seconds, mut notes } = setting;
        notes.extend(outcome.notes.iter().cloned());
        let counters = &outcome.counters;
        Self {
            engine,
            network,
            traffic: from,
            fct_us: outcome.completion(traffic, End::Acknowledged),
            makespan_us: outcome.makespan(End::Acknowledged).as_us(),
            flows: outcome.messages_done(traffic),
            flows_in_all: traffic.messages() as u64,
            packets: counters.packets.saturating_sub(counters.retransmitted),
            retransmitted: counters.retransmitted,
            trimmed: counters.trimmed,
            lost: counters.dropped + counters.corrupted,
            marked: counters.marked,
            replays: counters.replays,
            pauses: counters.pauses,
            events: counters.events,
            cpu_seconds,
            wall_seconds,
            fct_hash: format!("{:016x}", outcome.hash()),
            skipped: outcome.skipped,
            stopped: outcome.stopped,
            short_flows: None,
            bandwidth: None,
            faults: Vec::new(),
            candidates: Vec::new(),
            steps: Vec::new(),
            notes,
        }
    }

    /// The table for people.
    pub fn draw(&self, network: &Network) -> String {
        let us = |value: f64| format!("{value:.3}");
        let mut rows = vec![
            vec!["network".to_string(), format!("{}; {} links", self.network, count(network.edges.len() as u64 / 2))],
            vec!["traffic".into(), format!("{}, {} messages", self.traffic, count(self.flows_in_all))],
            vec!["makespan".into(), format!("{} µs", us(self.makespan_us))],
        ];
        if let Some(times) = &self.fct_us {
            let line = format!(
                "min {}  p50 {}  p99 {}  max {}  mean {} µs",
                us(times.min),
                us(times.p50),
                us(times.p99),
                us(times.max),
                us(times.mean)
            );
            rows.push(vec!["completion".into(), line]);
        }
        let bands = self.short_flows.iter().flat_map(Correction::rows);
        rows.extend(bands.map(|(name, value)| vec![name.to_string(), value]));
        if let Some(bandwidth) = &self.bandwidth {
            let line = format!(
                "algbw {:.3}  busbw {:.3} GB/s ({}, {} ranks)",
                bandwidth.algbw, bandwidth.busbw, bandwidth.collective, bandwidth.ranks
            );
            rows.push(vec!["bandwidth".into(), line]);
        }
        if self.packets > 0 {
            let line = format!(
                "{} ({} sent again, {} trimmed, {} lost)",
                count(self.packets),
                count(self.retransmitted),
                count(self.trimmed),
                count(self.lost)
            );
            rows.push(vec!["packets".into(), line]);
        }
        if let Some(skipped) = self.skipped.filter(|skipped| skipped.packets > 0) {
            let line = format!(
                "{} packets more, {} spans and {} rounds of {} µs together",
                count(skipped.packets),
                count(skipped.spans),
                count(skipped.rounds),
                us(skipped.time.as_us())
            );
            rows.push(vec!["skipped".into(), line]);
        }
        if self.pauses + self.replays > 0 {
            let line = format!("{} pauses, {} replays", count(self.pauses), count(self.replays));
            rows.push(vec!["links".into(), line]);
        }
        let speed = self.cpu_seconds.filter(|seconds| *seconds > 0.0).map_or_else(String::new, |seconds| {
            format!(" in {seconds:.2} s of processor time, {:.2} M/s", self.events as f64 / seconds * 1e-6)
        });
        rows.push(vec!["events".into(), format!("{}{speed}", count(self.events))]);
        rows.push(vec!["hash".into(), self.fct_hash.clone()]);
        if self.stopped {
            let line = format!("{} of {} messages were done", count(self.flows), count(self.flows_in_all));
            rows.push(vec!["stopped".into(), line]);
        }
        let mut out = crate::terminal::table(&format!("simulation, {} engine", self.engine), &["", ""], rows);
        out.push_str(&steps::draw(&self.steps));
        out.push_str(&self.draw_faults());
        out.push_str(&self.draw_candidates());
        for note in &self.notes {
            out.push_str(&format!("note: {note}\n"));
        }
        out
    }

    fn draw_faults(&self) -> String {
        if self.faults.is_empty() {
            return String::new();
        }
        let rows = self.faults.iter().map(|fault| {
            vec![
                format!("{:.3}", fault.at_us),
                fault.until_us.map_or_else(String::new, |until| format!("{until:.3}")),
                fault.what.clone(),
                count(fault.messages_done),
                count(fault.messages_under_way),
                fault.lost.map_or_else(String::new, count),
            ]
        });
        crate::terminal::table(
            "faults",
            &["at µs", "until µs", "what", "messages done", "under way", "packets lost"],
            rows.collect(),
        )
    }

    fn draw_candidates(&self) -> String {
        if self.candidates.is_empty() {
            return String::new();
        }
        let rows = self.candidates.iter().map(|one| {
            vec![
                one.collective.clone(),
                one.chunks.to_string(),
                format!("{:.3}", one.time_us),
                one.busbw.map_or_else(String::new, |busbw| format!("{busbw:.3}")),
                one.by.to_string(),
            ]
        });
        crate::terminal::table(
            "candidates, best first",
            &["collective", "chunks", "µs", "busbw GB/s", "by"],
            rows.collect(),
        )
    }
}
