//! A run as a trace for Perfetto and Chrome's trace viewer: the Trace Event Format's JSON (Google, "Trace Event Format"):
//! `X` slices, `C` counters, `i` instants and `M` names, times in microseconds.
//!
//! Messages of one endpoint overlap, but slices of one track must nest: an endpoint gets as many tracks as it has messages
//! at a time. Size is bounded: the largest messages, the longest delays, the busiest links; the file says what is left out.

use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Write as _;

use lanewright_fabric::outcome::Finish;
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::{Task, TaskId, Work};

use super::{Names, Simulated, bytes_of};

/// Most of each kind that a trace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages and delays together.
    pub slices: usize,
    /// Values of counters.
    pub values: usize,
}

impl Default for Limits {
    /// About 30 MB of text: what the viewers load at once in a browser.
    fn default() -> Self {
        Self { slices: 100_000, values: 150_000 }
    }
}

/// Processes of the trace, which viewers show as groups.
const ENDPOINTS: u32 = 1;
const LINKS: u32 = 2;
const IN_NETWORK: u32 = 3;

/// The trace as text.
pub fn write(run: &Simulated<'_>, limits: Limits) -> String {
    let names = Names::new(run.network);
    let mut out = Events { text: String::from("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"), first: true };
    for (process, name) in [(ENDPOINTS, "endpoints"), (LINKS, "links"), (IN_NETWORK, "operations of switches")] {
        out.name(process, None, name);
    }
    let (shown, all) = slices(run, &names, limits.slices, &mut out);
    let (watched, in_all) = counters(run, &names, limits.values, &mut out);
    faults(run, &names, &mut out);
    let facts = run.facts;
    let mut about = serde_json::json!({
        "program": concat!("lanewright ", env!("CARGO_PKG_VERSION")),
        "traffic": facts.title,
        "network": facts.network,
        "engine": facts.engine,
        "command": facts.command,
        "fct_hash": format!("{:016x}", run.outcome.hash()),
        "tasks_shown": shown,
        "tasks_in_all": all,
        "links_shown": watched,
        "links_watched": in_all,
        "stopped": run.outcome.stopped,
    });
    if shown < all {
        about["left_out"] =
            format!("{} of {all} tasks: all but the largest messages and longest delays", all - shown).into();
    }
    let _ = write!(out.text, "\n],\"otherData\":{about}}}\n");
    out.text
}

struct Events {
    text: String,
    first: bool,
}

impl Events {
    fn next(&mut self) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.text.push_str(",\n");
        }
        &mut self.text
    }

    /// Names a process, or one of its tracks.
    fn name(&mut self, process: u32, track: Option<u32>, name: &str) {
        let (what, track) = track.map_or(("process_name", 0), |track| ("thread_name", track));
        let name = quoted(name);
        let _ = write!(
            self.next(),
            "{{\"ph\":\"M\",\"pid\":{process},\"tid\":{track},\"name\":\"{what}\",\"args\":{{\"name\":{name}}}}}"
        );
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Picoseconds as microseconds, to the last digit.
fn us(time: Time) -> String {
    format!("{}.{:06}", time.0 / 1_000_000, time.0 % 1_000_000)
}

/// When a slice ends: tasks that are under way when a run stops reach to its end.
fn last(run: &Simulated<'_>, finish: &Finish) -> Time {
    let done = run.done(finish);
    if done == Time::NEVER { run.outcome.end.max(finish.start) } else { done }
}

fn slices(run: &Simulated<'_>, names: &Names<'_>, most: usize, out: &mut Events) -> (usize, usize) {
    let started = |finish: &Finish| finish.start != Time::NEVER;
    // Delays of no length only tie others together.
    let visible = |task: &Task| !matches!(task.work, Work::Delay { time: Time::ZERO, .. });
    let mut chosen: Vec<(u64, TaskId)> = run
        .tasks()
        .filter(|(_, task, finish)| started(finish) && visible(task))
        .map(|(id, task, finish)| {
            // A delay weighs as much as the bytes that 400 Gb/s would carry in its time (20 ps each).
            let weight = bytes_of(&task.work).unwrap_or_else(|| last(run, finish).saturating_sub(finish.start).0 / 20);
            (weight, id)
        })
        .collect();
    let all = chosen.len();
    if all > most {
        chosen.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        chosen.truncate(most);
    }
    // By track, then by start, so that each takes the first of its endpoint's tracks that is free.
    let mut by_endpoint = BTreeMap::<(u32, u32), Vec<TaskId>>::new();
    for (_, id) in &chosen {
        let place = match run.traffic.tasks[id.index()].work {
            Work::Message { from, .. } => (ENDPOINTS, from.0),
            Work::Delay { at, .. } => (ENDPOINTS, at.0),
            Work::InNetwork { group, .. } => (IN_NETWORK, group),
        };
        by_endpoint.entry(place).or_default().push(*id);
    }
    let mut next_track = 1;
    for ((process, place), mut ids) in by_endpoint {
        ids.sort_unstable_by_key(|id| (run.outcome.finishes[id.index()].start, *id));
        let title = match process {
            ENDPOINTS => names.endpoint(lanewright_fabric::network::EndpointId(place)),
            _ => format!("group {place}"),
        };
        // Tracks by the time at which they are free, the earliest first.
        let mut free = BinaryHeap::<std::cmp::Reverse<(Time, u32)>>::new();
        for id in ids {
            let finish = &run.outcome.finishes[id.index()];
            let track = match free.peek() {
                Some(std::cmp::Reverse((time, track))) if *time <= finish.start => {
                    let track = *track;
                    free.pop();
                    track
                }
                _ => {
                    let (track, number) = (next_track, free.len() + 1);
                    next_track += 1;
                    let name = if number == 1 { title.clone() } else { format!("{title} · {number}") };
                    out.name(process, Some(track), &name);
                    let _ = write!(
                        out.next(),
                        "{{\"ph\":\"M\",\"pid\":{process},\"tid\":{track},\"name\":\"thread_sort_index\",\"args\":{{\"sort_index\":{track}}}}}"
                    );
                    track
                }
            };
            free.push(std::cmp::Reverse((last(run, finish), track)));
            slice(run, names, (process, track), id, out);
        }
    }
    (chosen.len(), all)
}

fn slice(run: &Simulated<'_>, names: &Names<'_>, (process, track): (u32, u32), id: TaskId, out: &mut Events) {
    let (task, finish) = (&run.traffic.tasks[id.index()], &run.outcome.finishes[id.index()]);
    let (name, kind, bytes) = match task.work {
        Work::Message { to, bytes, .. } => (format!("to {}", names.endpoint(to)), "message", Some(bytes)),
        Work::InNetwork { bytes, .. } => ("in-network operation".into(), "in-network", Some(bytes)),
        Work::Delay { .. } => ("delay".into(), "delay", None),
    };
    let mut args = format!("\"task\":{},\"label\":{}", id.0, run.label(id));
    if let Some(bytes) = bytes {
        let _ = write!(args, ",\"bytes\":{bytes}");
    }
    if finish.delivered != Time::NEVER && kind != "delay" {
        let _ = write!(args, ",\"delivered_us\":{}", us(finish.delivered));
    }
    if run.done(finish) == Time::NEVER {
        args.push_str(",\"unfinished\":true");
    }
    let taken = last(run, finish).saturating_sub(finish.start);
    let _ = write!(
        out.next(),
        "{{\"ph\":\"X\",\"pid\":{process},\"tid\":{track},\"ts\":{},\"dur\":{},\"name\":{},\"cat\":\"{kind}\",\"args\":{{{args}}}}}",
        us(finish.start),
        us(taken),
        quoted(&name)
    );
}

/// Rate and queue of watched links, the busiest first; a value stands until the next. Links shown, and links in all.
fn counters(run: &Simulated<'_>, names: &Names<'_>, most: usize, out: &mut Events) -> (usize, usize) {
    let series = &run.outcome.series;
    let seconds = series.slot.as_seconds();
    if seconds <= 0.0 {
        return (0, series.edges.len());
    }
    let sent = |place: usize| series.bytes.get(place).map_or(0, |bytes| bytes.iter().sum::<u64>());
    let mut order: Vec<usize> = (0..series.edges.len()).filter(|place| sent(*place) > 0).collect();
    order.sort_by_key(|place| (std::cmp::Reverse(sent(*place)), series.edges[*place]));
    let (mut written, mut shown) = (0, 0);
    for place in order {
        let none = Vec::new();
        let (bytes, queue) = (series.bytes.get(place).unwrap_or(&none), series.queue.get(place).unwrap_or(&none));
        if written + bytes.len() + queue.len() + 2 > most {
            break;
        }
        shown += 1;
        let link = names.edge(series.edges[place]);
        for (what, unit, values, scale) in [("rate", "GB/s", bytes, 1e-9 / seconds), ("queue", "KB", queue, 1e-3)] {
            let name = quoted(&format!("{link} {what}"));
            let mut before = None;
            for slot in 0..=values.len() {
                // The last value is followed by 0, else it would reach to the end of the trace.
                let value = values.get(slot).copied().unwrap_or(0);
                if before == Some(value) {
                    continue;
                }
                before = Some(value);
                written += 1;
                let at = us(Time((slot as u64).saturating_mul(series.slot.0)));
                let _ = write!(
                    out.next(),
                    "{{\"ph\":\"C\",\"pid\":{LINKS},\"tid\":0,\"ts\":{at},\"name\":{name},\"args\":{{\"{unit}\":{}}}}}",
                    value as f64 * scale
                );
            }
        }
    }
    (shown, series.edges.len())
}

fn faults(run: &Simulated<'_>, names: &Names<'_>, out: &mut Events) {
    for fault in &run.faults.faults {
        let name = quoted(&names.change(&fault.change));
        let _ = write!(
            out.next(),
            "{{\"ph\":\"i\",\"s\":\"g\",\"pid\":{LINKS},\"tid\":0,\"ts\":{},\"name\":{name},\"cat\":\"fault\"}}",
            us(fault.at)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use serde_json::Value;

    fn read(text: &str) -> (Vec<Value>, Value) {
        let mut trace: Value = serde_json::from_str(text).expect("it is JSON");
        let Value::Array(events) = trace["traceEvents"].take() else { panic!("events are a list") };
        (events, trace["otherData"].take())
    }

    /// What the viewers ask of every event.
    fn loads(events: &[Value]) {
        let mut tracks = BTreeMap::<(u64, u64), Vec<(f64, f64)>>::new();
        for event in events {
            let ph = event["ph"].as_str().expect("a phase");
            assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
            if ph != "M" {
                assert!(event["ts"].as_f64().is_some_and(|ts| ts >= 0.0), "{event}");
            }
            match ph {
                "M" => assert!(event["args"].is_object()),
                "X" => {
                    let (ts, dur) = (event["ts"].as_f64().expect("a time"), event["dur"].as_f64().expect("a length"));
                    assert!(dur >= 0.0);
                    let track = (event["pid"].as_u64().expect("whole"), event["tid"].as_u64().expect("whole"));
                    tracks.entry(track).or_default().push((ts, ts + dur));
                }
                "C" => assert!(event["args"].as_object().is_some_and(|args| args.values().all(Value::is_number))),
                "i" => assert_eq!(event["s"], "g"),
                other => panic!("{other} is not written"),
            }
        }
        for ((pid, tid), mut slices) in tracks {
            slices.sort_by(|a, b| a.0.total_cmp(&b.0));
            let apart = slices.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 1e-6);
            assert!(apart, "slices of track {pid}/{tid} overlap");
        }
    }

    #[test]
    fn every_message_is_a_slice_as_long_as_it_took() {
        let run = fixture::incast();
        let (events, about) = read(&write(&run.view(), Limits::default()));
        loads(&events);
        let messages: Vec<&Value> = events.iter().filter(|event| event["cat"] == "message").collect();
        assert_eq!(messages.len(), 15);
        for event in messages {
            let finish = run.outcome.finishes[event["args"]["task"].as_u64().expect("whole") as usize];
            let dur = (event["dur"].as_f64().expect("a length") * 1e6).round() as u64;
            assert_eq!(dur, finish.acknowledged.0 - finish.start.0);
        }
        assert_eq!(events.iter().filter(|event| event["cat"] == "delay").count(), 1);
        let faults: Vec<&Value> = events.iter().filter(|event| event["ph"] == "i").collect();
        assert_eq!(faults.len(), 2);
        assert!(
            faults[0]["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("host[15] →") && name.ends_with("25.0 % of its rate"))
        );
        assert_eq!(about["tasks_shown"], 16);
        assert!(about.get("left_out").is_none());
    }

    #[test]
    fn counters_add_up_to_the_bytes() {
        let run = fixture::incast();
        let (events, _) = read(&write(&run.view(), Limits::default()));
        let down = run.network.out(run.network.endpoints[0])[0].reverse();
        let name = format!("{} rate", Names::new(&run.network).edge(down));
        let mut values = events.iter().filter(|event| event["ph"] == "C" && event["name"] == name.as_str()).peekable();
        let mut bytes = 0.0;
        while let Some(event) = values.next() {
            let until = values.peek().map_or(event["ts"].as_f64(), |next| next["ts"].as_f64()).expect("a time");
            let rate = event["args"]["GB/s"].as_f64().expect("a number");
            bytes += rate * 1e9 * (until - event["ts"].as_f64().expect("a time")) * 1e-6;
        }
        let wanted = run.outcome.edges[down.index()].bytes as f64;
        assert!((bytes / wanted - 1.0).abs() < 1e-6, "{bytes} of {wanted}");
    }

    #[test]
    fn a_bounded_trace_says_what_it_leaves_out() {
        let run = fixture::incast();
        let (events, about) = read(&write(&run.view(), Limits { slices: 4, values: 0 }));
        loads(&events);
        assert_eq!(events.iter().filter(|event| event["ph"] == "X").count(), 4);
        assert_eq!(events.iter().filter(|event| event["ph"] == "C").count(), 0);
        assert_eq!((about["tasks_shown"].as_u64(), about["tasks_in_all"].as_u64()), (Some(4), Some(16)));
        assert!(about["left_out"].as_str().is_some_and(|words| words.starts_with("12 of 16 tasks")));
    }

    #[test]
    fn times_keep_their_picoseconds() {
        assert_eq!(us(Time(1)), "0.000001");
        assert_eq!(us(Time(46_000_001)), "46.000001");
    }
}
