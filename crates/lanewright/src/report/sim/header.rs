//! What ran, whether it came to its end, and the headline figures.

use lanewright_fabric::flow::short::{BAND, Band};
use lanewright_fabric::time::Time;

use super::survey::{self, Survey};
use crate::number::{self, Measure};
use crate::report::escape::{Escaped, Name};
use crate::report::page::THEME_BUTTON;
use crate::report::words::plural;

/// Writes the head of the page.
pub fn write(survey: &Survey<'_>, out: &mut String) {
    let (run, facts) = (survey.run, survey.run.facts);
    put!(
        out,
        "<header><div class=\"title\"><div><p class=\"kind\">Simulation, {} engine</p><h1>{}</h1></div>{THEME_BUTTON}</div>",
        Escaped(&facts.engine),
        Name(&facts.title)
    );
    put!(out, "<p class=\"lead\">{}</p>", Escaped(&facts.network));
    verdict(survey, out);
    put!(out, "<dl class=\"totals\">");
    let mut figure = |name: &str, value: &str, note: &str| {
        put!(
            out,
            "<div><dt>{name}</dt><dd><b class=\"figure\">{value}</b><span class=\"note\">{note}</span></dd></div>"
        );
    };
    let span = run.outcome.makespan(run.end);
    if !survey.done.is_empty() {
        let band = facts.bands.map(|bands| format!("until the last task was done; {}", four_in_five(bands.makespan)));
        figure("Makespan", &survey::time(span), band.as_deref().unwrap_or("until the last task was done"));
    }
    if let (Some(p50), Some(p99), Some(most)) = (survey.rank(0.5), survey.rank(0.99), survey.rank(1.0)) {
        let least = survey.done.first().map_or(p50, |done| done.taken);
        let (median, slow) = match facts.bands {
            Some(bands) => (
                four_in_five(bands.p50),
                format!("{}; slowest {}, {}", four_in_five(bands.p99), survey::time(most), four_in_five(bands.max)),
            ),
            None => (format!("quickest {}", survey::time(least)), format!("slowest {}", survey::time(most))),
        };
        figure("Completion, median", &survey::time(p50), &median);
        figure("Completion, 99th percentile", &survey::time(p99), &slow);
    }
    if let Some(row) = facts.bandwidths.first() {
        let note = format!("algbw {}\u{A0}GB/s", number::plain(row.algbw_gbytes_per_s));
        figure("Bus bandwidth", &format!("{}\u{A0}GB/s", number::plain(row.busbw_gbytes_per_s)), &note);
    } else if span.0 > 0 {
        let rate = survey.bytes as f64 * 8.0 / span.as_seconds() * 1e-9;
        let note = format!("{} of payload in all", survey::bytes(survey.bytes));
        figure("Goodput", &survey::gbps(rate), &note);
    }
    if let Some((edge, share)) = survey.busy.first() {
        let note = format!("{}", Escaped(&survey.names.edge(*edge)));
        figure("Fullest link", &survey::percent(*share), &note);
    }
    let counters = &run.outcome.counters;
    if counters.packets > 0 {
        let again = counters.retransmitted as f64 / counters.packets as f64;
        let note = format!("of {} packets on the wire", number::count(counters.packets));
        figure("Sent again", &Measure::Share.show(again), &note);
    }
    put!(out, "</dl></header>\n");
}

/// A band in words.
fn four_in_five(band: Band) -> String {
    let time = |us: f64| Time::from_seconds(us * 1e-6).map(survey::time).unwrap_or_default();
    format!("{:.0} % band {} to {}", 100.0 * BAND, time(band.low), time(band.high))
}

fn verdict(survey: &Survey<'_>, out: &mut String) {
    let outcome = survey.run.outcome;
    let (done, all) = (survey.done.len() as u64, survey.messages);
    let faults = survey.run.faults.faults.len() as u64;
    let (class, words) = match () {
        () if outcome.stopped => {
            ("risk", format!("Stopped: {} of {} done", number::count(done), plural(all, "message")))
        }
        () if done < all => {
            ("bad", format!("{} of {} never came through", number::count(all - done), plural(all, "message")))
        }
        () => ("good", format!("All {} came through", plural(all, "message"))),
    };
    put!(out, "<p class=\"verdict {class}\"><b>{words}</b><span>");
    let mut more = Vec::new();
    if faults > 0 {
        more.push(plural(faults, "fault"));
    }
    if outcome.stopped {
        more.push(format!("at {} of simulated time", survey::time(outcome.end)));
    }
    more.push(format!("{} handled", plural(outcome.counters.events, "event")));
    put!(out, "{}</span></p>", more.join(" · "));
}
