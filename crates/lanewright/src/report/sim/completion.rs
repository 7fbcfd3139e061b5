//! Completion times: their distribution beside that of messages alone, and by size of message.

use super::survey::{self, Done, Survey};
use crate::number;
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::page::Page;
use crate::report::table::{self, Table};

/// Points of a distribution's curve: more than a screen shows.
const POINTS: usize = 500;

/// Most sizes that have a row of their own; of more, a row stands for a decade.
const SIZES: usize = 12;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    if survey.done.is_empty() {
        return;
    }
    page.section("completion", "Completion times", |out| {
        put!(out, "<div class=\"charts\">");
        times(survey, out);
        slowdowns(survey, out);
        put!(out, "</div>");
        by_size(survey, out);
    });
}

/// Steps of a distribution, thinned: value and share of all that are at most so large.
fn steps(sorted: &[f64]) -> Vec<(f64, f64)> {
    let count = sorted.len();
    let group = count.div_ceil(POINTS).max(1);
    let mut points = Vec::with_capacity(2 * count.div_ceil(group) + 1);
    let mut before = 0.0;
    for end in (group..=count).step_by(group).chain((!count.is_multiple_of(group)).then_some(count)) {
        let (value, share) = (sorted[end - 1], end as f64 / count as f64);
        points.push((value, before));
        points.push((value, share));
        before = share;
    }
    points
}

/// An axis over positive values: of decades where they span much.
fn axis(low: f64, high: f64) -> Axis {
    if low > 0.0 && high > 30.0 * low {
        Axis::decades(low * 0.9, high * 1.1)
    } else {
        let room = (0.06 * (high - low)).max(0.01 * high).max(1e-6);
        Axis::linear((low - room).max(0.0), high + room)
    }
}

fn times(survey: &Survey<'_>, out: &mut String) {
    let most = survey.done.last().map_or(0.0, |done| done.taken.as_us());
    let (factor, unit) = survey::unit_of(most);
    let taken: Vec<f64> = survey.done.iter().map(|done| done.taken.as_us() * factor).collect();
    let mut alone: Vec<f64> = survey.done.iter().filter_map(|done| Some(done.alone?.as_us() * factor)).collect();
    alone.sort_by(f64::total_cmp);
    let low = taken[0].min(alone.first().copied().unwrap_or(f64::INFINITY));
    let high = most * factor;
    put!(out, "<figure class=\"panel\"><figcaption>Share of messages done within a time</figcaption>");
    let words = |share: f64| survey.rank(share).map(survey::time).unwrap_or_default();
    let label = format!(
        "Completion times of {} messages: median {}, 99th percentile {}, slowest {}",
        number::count(survey.done.len() as u64),
        words(0.5),
        words(0.99),
        words(1.0)
    );
    let mut chart =
        Chart::open(out, (WIDTH, 250.0), (axis(low, high), unit), (Axis::linear(0.0, 100.0), "% of messages"), &label);
    let points =
        |values: &[f64]| -> Vec<(f64, f64)> { steps(values).into_iter().map(|(x, y)| (x, 100.0 * y)).collect() };
    if alone.len() == taken.len() {
        chart.curve("p6", &points(&alone));
    }
    chart.curve("p0 thick", &points(&taken));
    for share in [0.5, 0.99] {
        if let Some(time) = survey.rank(share) {
            let words = format!("{} % within {}", 100.0 * share, survey::time(time));
            chart.dot("p1", (time.as_us() * factor, 100.0 * share), 3.0, &words);
        }
    }
    chart.close();
    let mut entries = vec![
        ("p0", format!("as simulated: median {}", words(0.5))),
        ("p1 spot", format!("median and 99th percentile, {}", words(0.99))),
    ];
    if alone.len() == taken.len() {
        let median = survey::rank(&alone, 0.5, |us| *us).unwrap_or_default();
        entries
            .push(("p6", format!("each message alone in the network: median {}\u{A0}{unit}", number::plain(median))));
    }
    key(out, &entries);
    put!(out, "</figure>");
}

fn slowdowns(survey: &Survey<'_>, out: &mut String) {
    let mut slowdowns: Vec<f64> = survey.done.iter().filter_map(Done::slowdown).collect();
    slowdowns.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) = (slowdowns.first().copied(), slowdowns.last().copied()) else { return };
    put!(out, "<figure class=\"panel\"><figcaption>Slowdown against the message alone</figcaption>");
    let at = |share: f64| survey::rank(&slowdowns, share, |value| *value).unwrap_or_default();
    let label = format!("Slowdown: median {}, 99th percentile {}", number::plain(at(0.5)), number::plain(at(0.99)));
    let axes = (axis(low.min(1.0), high), "times as long");
    let mut chart = Chart::open(out, (WIDTH, 250.0), axes, (Axis::linear(0.0, 100.0), "% of messages"), &label);
    let points: Vec<(f64, f64)> = steps(&slowdowns).into_iter().map(|(x, y)| (x, 100.0 * y)).collect();
    chart.upright("instant", 1.0);
    chart.curve("p2 thick", &points);
    chart.close();
    key(
        out,
        &[
            (
                "p2",
                format!(
                    "median {}, 99th percentile {}, most {}",
                    number::plain(at(0.5)),
                    number::plain(at(0.99)),
                    number::plain(high)
                ),
            ),
            ("instant", "alone: bytes over the way's rate, and its delay".to_string()),
        ],
    );
    put!(out, "</figure>");
}

/// Messages of like sizes.
struct Class {
    words: String,
    bytes: u64,
    done: Vec<Done>,
}

fn classes(survey: &Survey<'_>) -> Vec<Class> {
    let mut sizes: Vec<u64> = survey.done.iter().map(|done| done.bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let decade = |bytes: u64| bytes.max(1).ilog10();
    let exact = sizes.len() <= SIZES;
    let mut lows: Vec<u64> = if exact { sizes } else { sizes.iter().map(|size| 10u64.pow(decade(*size))).collect() };
    lows.dedup();
    let mut classes: Vec<Class> = lows
        .iter()
        .map(|low| Class {
            words: if exact {
                survey::bytes(*low)
            } else {
                format!("{} to {}", survey::bytes(*low), survey::bytes(low.saturating_mul(10)))
            },
            bytes: *low,
            done: Vec::new(),
        })
        .collect();
    for done in &survey.done {
        let place = lows.partition_point(|low| *low <= done.bytes.max(1)).max(1) - 1;
        classes[place].done.push(*done);
    }
    classes
}

fn by_size(survey: &Survey<'_>, out: &mut String) {
    const COLUMNS: &[table::Column] = &[
        table::number("Size"),
        table::number("Messages"),
        table::number("Least, µs"),
        table::number("Median, µs"),
        table::number("p99, µs"),
        table::number("Most, µs"),
        table::number("Slowdown, median"),
        table::number("Slowdown, p99"),
    ];
    let mut rows = Table::open(out, "sizes", "Completion times by size of message", COLUMNS);
    for class in classes(survey) {
        let mut slowdowns: Vec<f64> = class.done.iter().filter_map(Done::slowdown).collect();
        slowdowns.sort_by(f64::total_cmp);
        rows.value(Some(class.bytes as f64), &class.words);
        rows.value(Some(class.done.len() as f64), &number::count(class.done.len() as u64));
        let least = class.done.first().map(|done| done.taken.as_us());
        let at = |share: f64| survey::rank(&class.done, share, |done| done.taken.as_us());
        for us in [least, at(0.5), at(0.99), at(1.0)] {
            rows.value(us, &us.map(|us| number::decimals(us, 3)).unwrap_or_default());
        }
        for share in [0.5, 0.99] {
            let value = survey::rank(&slowdowns, share, |value| *value);
            rows.value(value, &value.map(|value| number::decimals(value, 2)).unwrap_or_default());
        }
    }
    rows.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_ends_at_all() {
        for count in [1usize, 2, 499, 500, 501, 1000, 12_345] {
            let values: Vec<f64> = (0..count).map(|at| at as f64).collect();
            let points = steps(&values);
            assert_eq!(points.last(), Some(&((count - 1) as f64, 1.0)), "{count}");
            assert!(points.len() <= 2 * POINTS + 2);
            assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        }
    }
}
