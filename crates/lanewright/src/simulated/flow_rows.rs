//! All messages and delays of a run as a table.

use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::Work;

use super::{Names, Simulated, bytes_of};
use crate::parquet::Column;

fn us(time: Time) -> Option<f64> {
    // Divided, not multiplied, so that 46 µs read 46.
    (time != Time::NEVER).then(|| time.0 as f64 / 1e6)
}

fn whole(value: u64) -> Option<i64> {
    i64::try_from(value).ok()
}

/// One row per task: `task` (number), `label`, `kind`, `from`, `to`, `bytes`, `class`, `start_us`, `delivered_us`,
/// `acknowledged_us`, `fct_us` (from start to the end that the run counts), `alone_us` (what the message would take with
/// the network to itself), `slowdown` (their ratio), `done`.
pub fn columns(run: &Simulated<'_>) -> Vec<(String, Column)> {
    let names = Names::new(run.network);
    let mut alone = run.alone();
    let count = run.traffic.tasks.len();
    let (mut kind, mut from, mut to) =
        (Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count));
    let (mut times, mut labels, mut bytes, mut classes) =
        ([const { Vec::new() }; 6], Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count));
    let mut done = Vec::with_capacity(count);
    for (id, task, finish) in run.tasks() {
        let mut best = None;
        match task.work {
            Work::Message { from: sender, to: receiver, bytes } => {
                kind.push(Some("message".to_string()));
                from.push(Some(names.endpoint(sender)));
                to.push(Some(names.endpoint(receiver)));
                best = alone.time(sender, receiver, bytes, run.end);
            }
            Work::InNetwork { group, .. } => {
                kind.push(Some("in-network".into()));
                let members = run.traffic.multicasts.get(group as usize).map(|group| &group.members);
                from.push(members.and_then(|members| members.first()).map(|first| names.endpoint(*first)));
                to.push(members.map(|members| format!("{} members", members.len())));
            }
            Work::Delay { at, .. } => {
                kind.push(Some("delay".into()));
                from.push(Some(names.endpoint(at)));
                to.push(None);
            }
        }
        let last = run.done(finish);
        let taken = (last != Time::NEVER).then(|| last.saturating_sub(finish.start));
        labels.push(whole(run.label(id)));
        bytes.push(bytes_of(&task.work).and_then(whole));
        classes.push(Some(i64::from(task.class)));
        let slowdown =
            taken.zip(best).filter(|(_, best)| best.0 > 0).map(|(taken, best)| taken.0 as f64 / best.0 as f64);
        let cells = [
            us(finish.start),
            us(finish.delivered),
            us(finish.acknowledged),
            taken.and_then(us),
            best.and_then(us),
            slowdown,
        ];
        times.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        done.push(Some(last != Time::NEVER));
    }
    let [start, delivered, acknowledged, fct, best, slowdown] = times;
    vec![
        ("task".into(), Column::Whole((0..count as i64).map(Some).collect())),
        ("label".into(), Column::Whole(labels)),
        ("kind".into(), Column::Text(kind)),
        ("from".into(), Column::Text(from)),
        ("to".into(), Column::Text(to)),
        ("bytes".into(), Column::Whole(bytes)),
        ("class".into(), Column::Whole(classes)),
        ("start_us".into(), Column::Number(start)),
        ("delivered_us".into(), Column::Number(delivered)),
        ("acknowledged_us".into(), Column::Number(acknowledged)),
        ("fct_us".into(), Column::Number(fct)),
        ("alone_us".into(), Column::Number(best)),
        ("slowdown".into(), Column::Number(slowdown)),
        ("done".into(), Column::Flag(done)),
    ]
}

#[cfg(test)]
mod tests {
    use lanewright_fabric::outcome::End;

    use super::super::fixture;
    use super::*;
    use crate::columns::{Form, encode};

    #[test]
    fn rows_are_the_outcomes_times() {
        let run = fixture::permutation();
        let view = run.view();
        let text = String::from_utf8(encode(Form::Json, &columns(&view))).expect("text");
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
        assert_eq!(rows.len(), run.traffic.tasks.len());
        for (id, time) in run.outcome.completion_times(&run.traffic, End::Acknowledged) {
            let row = &rows[id.index()];
            assert_eq!((row["fct_us"].as_f64().expect("known") * 1e6).round(), time.0 as f64);
            let slowdown = row["slowdown"].as_f64().expect("known");
            // Nothing is faster than alone.
            assert!((1.0..4.0).contains(&slowdown), "{slowdown}");
        }
    }

    #[test]
    fn what_never_ended_has_no_time() {
        let mut run = fixture::permutation();
        run.outcome.finishes[1].acknowledged = Time::NEVER;
        let text = String::from_utf8(encode(Form::Csv, &columns(&run.view()))).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("task,label,kind,from,to,bytes,class,start_us,"));
        assert!(lines[2].ends_with(",false") && lines[2].contains(",,"), "{}", lines[2]);
        assert!(lines[1].ends_with(",true"), "{}", lines[1]);
    }
}
