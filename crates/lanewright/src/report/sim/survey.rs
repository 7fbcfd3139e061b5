//! What several sections need to know of a run, found once.

use lanewright_fabric::network::EdgeId;
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::{TaskId, Work};

use crate::number::{self, Measure};
use crate::simulated::{Names, Simulated, bytes_of};

/// A message that came through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Done {
    /// Which.
    pub id: TaskId,
    /// Payload.
    pub bytes: u64,
    /// From its start to the end that the run counts.
    pub taken: Time,
    /// What it would have taken alone; `None` where that is not known.
    pub alone: Option<Time>,
}

impl Done {
    /// How much longer than alone.
    pub fn slowdown(&self) -> Option<f64> {
        self.alone.filter(|alone| alone.0 > 0).map(|alone| self.taken.0 as f64 / alone.0 as f64)
    }
}

/// A run, looked over.
pub struct Survey<'a> {
    /// The run.
    pub run: &'a Simulated<'a>,
    /// Names of nodes.
    pub names: Names<'a>,
    /// Messages that came through, the quickest first.
    pub done: Vec<Done>,
    /// Messages in all.
    pub messages: u64,
    /// Payload that came through, in bytes.
    pub bytes: u64,
    /// Directions of links that carried anything, the fullest first, with their utilisation.
    pub busy: Vec<(EdgeId, f64)>,
    /// Estimates and limits, of the run and of this page.
    pub notes: Vec<String>,
}

impl<'a> Survey<'a> {
    /// Looks a run over.
    pub fn new(run: &'a Simulated<'a>) -> Self {
        let mut alone = run.alone();
        let (mut done, mut messages, mut unknown) = (Vec::new(), 0, 0u64);
        for (id, task, finish) in run.tasks() {
            let Some(bytes) = bytes_of(&task.work) else { continue };
            messages += 1;
            let end = run.done(finish);
            if end == Time::NEVER {
                continue;
            }
            let best = match task.work {
                Work::Message { from, to, bytes } => alone.time(from, to, bytes, run.end),
                _ => None,
            };
            unknown += u64::from(best.is_none());
            done.push(Done { id, bytes, taken: end.saturating_sub(finish.start), alone: best });
        }
        done.sort_unstable_by_key(|done| (done.taken, done.id));
        let bytes = done.iter().fold(0u64, |sum, done| sum.saturating_add(done.bytes));
        let known = 0..run.outcome.edges.len().min(run.network.edges.len()) as u32;
        let mut busy: Vec<(EdgeId, f64)> = known
            .map(EdgeId)
            .filter(|edge| run.outcome.edges[edge.index()].bytes > 0)
            .filter_map(|edge| Some((edge, run.utilisation(edge)?)))
            .collect();
        busy.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut notes: Vec<String> = run.facts.notes.clone();
        notes.extend(run.outcome.notes.iter().filter(|note| !run.facts.notes.contains(note)).cloned());
        if unknown > 0 {
            notes.push(format!(
                "for {} of {} finished messages the time alone is not known: operations of switches, or too many pairs of endpoints",
                number::count(unknown),
                number::count(done.len() as u64)
            ));
        }
        Self { run, names: Names::new(run.network), done, messages, bytes, busy, notes }
    }

    /// The least time that at least this share of the messages keep. `None` without a finished message.
    pub fn rank(&self, share: f64) -> Option<Time> {
        rank(&self.done, share, |done| done.taken)
    }
}

/// Nearest rank among sorted things.
pub fn rank<T, V>(sorted: &[T], share: f64, value: impl Fn(&T) -> V) -> Option<V> {
    let place = ((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(place).map(value)
}

/// A time as people read it, with as many figures as the runs of two engines are compared by.
pub fn time(time: Time) -> String {
    if time == Time::NEVER {
        return "never".into();
    }
    let (value, unit) = match time.0 as f64 {
        ps if ps >= 1e12 => (ps * 1e-12, "s"),
        ps if ps >= 1e9 => (ps * 1e-9, "ms"),
        ps if ps >= 1e6 => (ps * 1e-6, "µs"),
        ps if ps >= 1e3 => (ps * 1e-3, "ns"),
        ps => (ps, "ps"),
    };
    let places = if value >= 100.0 { 1 } else { 2 };
    format!("{}\u{A0}{unit}", if unit == "ps" { format!("{value}") } else { number::decimals(value, places) })
}

/// Bytes as people read them, 1e3 apart.
pub fn bytes(bytes: u64) -> String {
    let (value, unit) = match bytes as f64 {
        b if b >= 1e12 => (b * 1e-12, "TB"),
        b if b >= 1e9 => (b * 1e-9, "GB"),
        b if b >= 1e6 => (b * 1e-6, "MB"),
        b if b >= 1e3 => (b * 1e-3, "KB"),
        b => return format!("{b}\u{A0}B"),
    };
    format!("{}\u{A0}{unit}", number::plain(value))
}

/// A share in percent, with a decimal.
pub fn percent(share: f64) -> String {
    format!("{}\u{A0}%", number::decimals(share * 100.0, 1))
}

/// A rate.
pub fn gbps(value: f64) -> String {
    Measure::Gbps.show(value)
}

/// Unit of microseconds that suits a chart up to so many: factor and name.
pub fn unit_of(most_us: f64) -> (f64, &'static str) {
    if most_us >= 2e6 {
        (1e-6, "s")
    } else if most_us >= 2e3 {
        (1e-3, "ms")
    } else {
        (1.0, "µs")
    }
}
