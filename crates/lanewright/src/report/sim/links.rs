//! The fullest links as a table.

use super::survey::{self, Survey};
use crate::number;
use crate::report::escape::Escaped;
use crate::report::page::Page;
use crate::report::table::{self, Table};

/// Rows of the table.
const MOST: usize = 40;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let run = survey.run;
    if survey.busy.is_empty() {
        return;
    }
    page.section("links", "Fullest links", |out| {
        if survey.busy.len() > MOST {
            put!(
                out,
                "<p class=\"note\">The first {MOST} of {} directions of links that carried anything; <code>--links links.csv</code> writes all.</p>",
                number::count(survey.busy.len() as u64)
            );
        }
        const COLUMNS: &[table::Column] = &[
            table::text("From"),
            table::text("To"),
            table::number("Rate"),
            table::number("Carried"),
            table::number("Full"),
            table::number("Longest queue"),
            table::number("Paused, µs"),
            table::number("Replays"),
            table::number("Lost"),
        ];
        let mut rows = Table::open(out, "links-table", "Directions of links by the share of their rate that they carried", COLUMNS);
        for (id, share) in survey.busy.iter().take(MOST) {
            let (edge, used) = (run.network.edge(*id), &run.outcome.edges[id.index()]);
            rows.cell(&Escaped(&survey.names.node(edge.from)).to_string());
            rows.cell(&Escaped(&survey.names.node(edge.to)).to_string());
            rows.value(Some(edge.rate.as_gbps()), &survey::gbps(edge.rate.as_gbps()));
            rows.value(Some(used.bytes as f64), &survey::bytes(used.bytes));
            rows.value(Some(*share), &survey::percent(*share));
            rows.value(Some(used.queue_bytes_max as f64), &survey::bytes(used.queue_bytes_max));
            rows.value(Some(used.paused.as_us()), &number::decimals(used.paused.as_us(), 3));
            rows.value(Some(used.replays as f64), &number::count(used.replays));
            rows.value(Some(used.lost as f64), &number::count(used.lost));
        }
        rows.close();
    });
}
