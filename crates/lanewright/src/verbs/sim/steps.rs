//! Steps of a traffic file in results: when each began and ended, and the bandwidth of those that are collectives.

use lanewright_fabric::collective::{Collective, bandwidth};
use lanewright_fabric::outcome::Outcome;
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::When;
use lanewright_fabric::traffic::job::{Part, Step};
use serde::Serialize;

use crate::number::count;

/// Steps shown to people; the rest is in the JSON.
const SHOWN: usize = 40;

/// Steps and their runs.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// Steps and phases in the order of the file.
    pub steps: Vec<Step>,
    /// Their runs.
    pub parts: Vec<Part>,
}

/// What became of a step. Times are those of its runs that are done.
#[derive(Clone, Debug, Serialize)]
pub struct StepRow {
    /// Its name, or table and place in the file.
    pub step: String,
    /// Its table: `phase`, `message`, `pattern`, `collective`, `compute` or `memory`.
    pub kind: &'static str,
    /// Runs.
    pub runs: u64,
    /// Runs that are done.
    pub done: u64,
    /// When its first task began, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin_us: Option<f64>,
    /// When its last task ended, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_us: Option<f64>,
    /// Mean time of a run from its first task's begin to its last one's end, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_us: Option<f64>,
    /// Algorithm and operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collective: Option<String>,
    /// Bandwidth of the mean time as NCCL's tests count it, GB/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algbw: Option<f64>,
    /// The same times the operation's factor, GB/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busbw: Option<f64>,
}

impl Steps {
    /// What became of every step.
    pub fn rows(&self, outcome: &Outcome) -> Vec<StepRow> {
        let mut spans: Vec<Vec<Option<(Time, Time)>>> = vec![Vec::new(); self.steps.len()];
        for part in &self.parts {
            let acknowledged = self.steps[part.step as usize].when == When::Acknowledged;
            spans[part.step as usize].push(span(part, acknowledged, outcome));
        }
        self.steps.iter().zip(spans).map(|(step, spans)| row(step, &spans)).collect()
    }
}

/// From the first begin to the last end of a run, if all of it is done.
fn span(part: &Part, acknowledged: bool, outcome: &Outcome) -> Option<(Time, Time)> {
    let finishes = outcome.finishes.get(part.tasks.start as usize..part.tasks.end as usize)?;
    let end = finishes.iter().map(|finish| if acknowledged { finish.acknowledged } else { finish.delivered }).max()?;
    let begin = finishes.iter().map(|finish| finish.start).min()?;
    (end != Time::NEVER).then_some((begin, end))
}

fn row(step: &Step, spans: &[Option<(Time, Time)>]) -> StepRow {
    let done: Vec<(Time, Time)> = spans.iter().flatten().copied().collect();
    let sum: f64 = done.iter().map(|(begin, end)| end.saturating_sub(*begin).as_seconds()).sum();
    let mean = (!done.is_empty()).then(|| sum / done.len() as f64);
    let found = step.collective.as_ref().zip(mean.and_then(Time::from_seconds)).and_then(|(collective, time)| {
        bandwidth::bandwidth(collective.operation, collective.members.len(), collective.bytes, time)
    });
    let name = |collective: &Collective| format!("{} {}", collective.algorithm.name(), collective.operation.name());
    StepRow {
        step: step.name.clone(),
        kind: step.kind,
        runs: spans.len() as u64,
        done: done.len() as u64,
        begin_us: done.iter().map(|(begin, _)| *begin).min().map(Time::as_us),
        end_us: done.iter().map(|(_, end)| *end).max().map(Time::as_us),
        mean_us: mean.map(|mean| mean * 1e6),
        collective: step.collective.as_ref().map(name),
        algbw: found.map(|found| found.algbw),
        busbw: found.map(|found| found.busbw),
    }
}

/// The table for people.
pub fn draw(rows: &[StepRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let us = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    let shown = rows.iter().take(SHOWN).map(|row| {
        let runs =
            if row.done == row.runs { count(row.runs) } else { format!("{} of {}", count(row.done), count(row.runs)) };
        vec![
            row.step.clone(),
            row.collective.clone().unwrap_or_else(|| row.kind.to_string()),
            runs,
            us(row.begin_us),
            us(row.end_us),
            us(row.mean_us),
            row.busbw.map_or_else(String::new, |busbw| format!("{busbw:.3}")),
        ]
    });
    let head = ["step", "what", "runs", "begin µs", "end µs", "mean µs", "busbw GB/s"];
    let mut out = crate::terminal::table("steps", &head, shown.collect());
    if rows.len() > SHOWN {
        out.push_str(&format!("{} more steps are in the JSON (--json)\n", count((rows.len() - SHOWN) as u64)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanewright_fabric::collective::{Algorithm, Operation};
    use lanewright_fabric::network::EndpointId;
    use lanewright_fabric::outcome::Finish;

    #[test]
    fn runs_that_are_done_have_times() {
        let members = (0..2).map(EndpointId).collect();
        let ring = Collective::new(Operation::AllReduce, Algorithm::Ring, members, 1_000_000);
        let steps = Steps {
            steps: vec![Step { name: "a".into(), kind: "collective", collective: Some(ring), when: When::Delivered }],
            parts: vec![Part { step: 0, tasks: 0..2 }, Part { step: 0, tasks: 2..4 }],
        };
        let finish =
            |start, end| Finish { start: Time::us(start), delivered: Time::us(end), acknowledged: Time::us(end) };
        let finishes = vec![finish(3, 10), finish(5, 13), finish(13, 20), Finish::default()];
        let rows = steps.rows(&Outcome { finishes, ..Outcome::default() });
        assert_eq!((rows[0].runs, rows[0].done), (2, 1));
        assert_eq!((rows[0].begin_us, rows[0].end_us, rows[0].mean_us), (Some(3.0), Some(13.0), Some(10.0)));
        // 1 MB in 10 us are 100 GB/s; of two ranks the factor is 2 (2 - 1) / 2 = 1.
        let near = |rate: Option<f64>| rate.is_some_and(|rate| (rate - 100.0).abs() < 1e-9);
        assert!(near(rows[0].algbw) && near(rows[0].busbw), "{:?} {:?}", rows[0].algbw, rows[0].busbw);
        assert!(draw(&rows).contains("1 of 2"));
    }
}
