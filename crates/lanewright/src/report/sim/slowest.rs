//! The slowest messages, and what they met on their ways.

use lanewright_fabric::flow::Way;
use lanewright_fabric::network::{EdgeId, EndpointId};
use lanewright_fabric::time::Time;
use lanewright_fabric::traffic::Work;

use super::survey::{self, Survey};
use crate::number;
use crate::report::escape::Escaped;
use crate::report::page::Page;
use crate::report::table::{self, Table};

/// Rows of the table.
const MOST: usize = 25;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let run = survey.run;
    let late: Vec<_> = run
        .tasks()
        .filter(|(_, task, finish)| {
            matches!(task.work, Work::Message { .. }) && finish.start != Time::NEVER && run.done(finish) == Time::NEVER
        })
        .map(|(id, ..)| id)
        .take(MOST)
        .collect();
    let slow = survey.done.iter().rev().map(|done| done.id);
    let shown: Vec<_> = late.iter().copied().chain(slow).take(MOST).collect();
    if shown.is_empty() {
        return;
    }
    page.section("slowest", "Slowest messages", |out| {
        if survey.messages > shown.len() as u64 {
            put!(
                out,
                "<p class=\"note\">The slowest {} of {} messages; <code>--out flows.csv</code> writes all.</p>",
                shown.len(),
                number::count(survey.messages)
            );
        }
        const COLUMNS: &[table::Column] = &[
            table::number("Message"),
            table::text("From"),
            table::text("To"),
            table::number("Size"),
            table::number("Start, µs"),
            table::number("Time, µs"),
            table::number("Slowdown"),
            table::number("Hops"),
            table::text("Fullest link on its ways"),
            table::number("Full"),
            table::number("Longest queue"),
        ];
        let mut alone = run.alone();
        let mut rows = Table::open(out, "slowest-table", "Slowest messages and the links they crossed", COLUMNS);
        for id in shown {
            let (task, finish) = (&run.traffic.tasks[id.index()], &run.outcome.finishes[id.index()]);
            let done = run.done(finish);
            let taken = (done != Time::NEVER).then(|| done.saturating_sub(finish.start));
            rows.value(Some(id.0 as f64), &run.label(id).to_string());
            let (ends, bytes) = match task.work {
                Work::Message { from, to, bytes } => (Some((from, to)), bytes),
                Work::InNetwork { bytes, .. } => (None, bytes),
                Work::Delay { .. } => (None, 0),
            };
            let name = |end: Option<EndpointId>| end.map_or_else(|| "switches".into(), |end| Escaped(&survey.names.endpoint(end)).to_string());
            rows.cell(&name(ends.map(|ends| ends.0)));
            rows.cell(&name(ends.map(|ends| ends.1)));
            rows.value(Some(bytes as f64), &survey::bytes(bytes));
            rows.value(Some(finish.start.as_us()), &number::decimals(finish.start.as_us(), 3));
            rows.value(taken.map(Time::as_us), &taken.map_or_else(|| "not done".into(), |time| number::decimals(time.as_us(), 3)));
            let best = ends.and_then(|(from, to)| alone.time(from, to, bytes, run.end)).filter(|best| best.0 > 0);
            let slowdown = taken.zip(best).map(|(taken, best)| taken.0 as f64 / best.0 as f64);
            rows.value(slowdown, &slowdown.map(|times| number::decimals(times, 2)).unwrap_or_default());
            crossed(survey, ends, &mut rows);
        }
        rows.close();
        put!(
            out,
            "<p class=\"note\">All shortest ways count that the routing may have chosen. Full: share of the link's rate over \
             the whole run. Queue: the longest that waited for any link on its ways.</p>"
        );
    });
}

fn crossed(survey: &Survey<'_>, ends: Option<(EndpointId, EndpointId)>, rows: &mut Table<'_>) {
    let run = survey.run;
    let way = ends.and_then(|(from, to)| Way::find(run.network, run.routes, run.crossed, from, to));
    let Some(way) = way else {
        rows.value(None, "").cell("–").value(None, "").value(None, "");
        return;
    };
    let hops: f64 = (0..way.edges.len()).map(|at| way.weight(at)).sum();
    rows.value(Some(hops.round()), &number::decimals(hops, 0));
    let fullest = way
        .edges
        .iter()
        .filter_map(|edge| Some((EdgeId(*edge), run.utilisation(EdgeId(*edge))?)))
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    match fullest {
        Some((edge, share)) => {
            rows.cell(&Escaped(&survey.names.edge(edge)).to_string()).value(Some(share), &survey::percent(share))
        }
        None => rows.cell("–").value(None, ""),
    };
    let queue = way
        .edges
        .iter()
        .filter_map(|edge| run.outcome.edges.get(*edge as usize))
        .map(|used| used.queue_bytes_max)
        .max();
    rows.value(queue.map(|bytes| bytes as f64), &queue.map(survey::bytes).unwrap_or_default());
}
