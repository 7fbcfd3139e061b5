//! What was counted: losses, repairs, marks, pauses, replays.

use super::survey::Survey;
use crate::number::{self, Measure};
use crate::report::page::Page;
use crate::report::table::{self, Table};

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let counted = &survey.run.outcome.counters;
    let rows: [(&str, u64, &str); 10] = [
        ("Data packets on the wire", counted.packets, "as senders sent them, repeated ones included"),
        ("Sent again", counted.retransmitted, "by the transport"),
        ("Trimmed", counted.trimmed, "a full queue cut the payload off and sent the header on"),
        ("Dropped", counted.dropped, "by full queues"),
        ("Corrupted", counted.corrupted, "lost to bit errors or failed links"),
        ("Marked", counted.marked, "for congestion"),
        ("Replays", counted.replays, "frames that a link layer sent again"),
        ("Pauses", counted.pauses, "that receivers asked their senders for"),
        ("Acknowledgements", counted.acknowledgements, "of both kinds"),
        ("Events", counted.events, "that the engine handled"),
    ];
    page.section("counters", "Counters", |out| {
        const COLUMNS: &[table::Column] = &[
            table::text("Counter"),
            table::number("Count"),
            table::number("Per data packet"),
            table::prose("What it counts"),
        ];
        let mut table = Table::open(out, "counter-table", "Counters of the run", COLUMNS);
        for (name, count, words) in rows {
            table.cell(name);
            table.value(Some(count as f64), &number::count(count));
            let per = (counted.packets > 0).then(|| count as f64 / counted.packets as f64);
            let shown = match per {
                Some(per) if per > 1.0 => number::decimals(per, 1),
                Some(per) => Measure::Share.show(per),
                None => String::new(),
            };
            table.value(per, &shown);
            table.cell(words);
        }
        table.close();
        if counted.packets == 0 {
            put!(out, "<p class=\"note\">The flow engine knows no packets: what it does not count is 0.</p>");
        }
    });
}
