//! Messages under way, utilisation and queues over time, with the faults on the same axis.

use lanewright_fabric::time::Time;

use super::survey::{self, Survey};
use crate::number;
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::escape::Escaped;
use crate::report::page::Page;
use crate::report::table::{self, Table};

const HEIGHT: f64 = 220.0;

/// Links in one chart: as many as colours can be told apart.
const LINKS: usize = 6;

/// Points of the curve of messages under way.
const POINTS: usize = 600;

/// Rows of the table of faults, and lines of faults in a chart.
const FAULTS: usize = 200;

const COLOURS: [&str; LINKS] = ["p0", "p1", "p2", "p3", "p4", "p5"];

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let end = survey.run.span();
    if end == Time::ZERO {
        return;
    }
    page.section("time", "Over time", |out| {
        put!(out, "<div class=\"charts\">");
        under_way(survey, end, out);
        rates(survey, end, out);
        queues(survey, end, out);
        put!(out, "</div>");
        if survey.run.outcome.series.edges.is_empty() {
            put!(out, "<p class=\"note\">Links were not recorded over time.</p>");
        }
        faults(survey, out);
    });
}

/// Opens a chart over the time of the run and marks its faults.
fn open<'o>(
    survey: &Survey<'_>,
    end: Time,
    (y, title): (Axis, &str),
    label: &str,
    out: &'o mut String,
) -> (Chart<'o>, f64) {
    let (factor, unit) = survey::unit_of(end.as_us());
    let x = Axis::linear(0.0, end.as_us() * factor);
    let mut chart = Chart::open(out, (WIDTH, HEIGHT), (x, unit), (y, title), &Escaped(label).to_string());
    let mut before = None;
    for fault in survey.run.faults.faults.iter().take(FAULTS).filter(|fault| fault.at <= end) {
        if before != Some(fault.at) {
            chart.upright("fault", fault.at.as_us() * factor);
        }
        before = Some(fault.at);
    }
    (chart, factor)
}

fn fault_key(survey: &Survey<'_>, entries: &mut Vec<(&str, String)>) {
    if !survey.run.faults.faults.is_empty() {
        entries.push(("fault", "fault".into()));
    }
}

fn under_way(survey: &Survey<'_>, end: Time, out: &mut String) {
    let run = survey.run;
    let messages = || run.tasks().filter(|(_, task, _)| crate::simulated::bytes_of(&task.work).is_some());
    let mut starts: Vec<Time> =
        messages().map(|(.., finish)| finish.start).filter(|time| *time != Time::NEVER).collect();
    let mut ends: Vec<Time> =
        messages().map(|(.., finish)| run.done(finish)).filter(|time| *time != Time::NEVER).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    // Both sides of every step where there are few, else even samples.
    let mut at: Vec<Time> = starts.iter().chain(&ends).flat_map(|time| [time.saturating_sub(Time(1)), *time]).collect();
    if at.len() > 2 * POINTS {
        at = (0..=POINTS as u64).map(|k| Time((u128::from(end.0) * u128::from(k) / POINTS as u128) as u64)).collect();
    }
    at.sort_unstable();
    let before = |sorted: &[Time], time: Time| sorted.partition_point(|other| *other <= time);
    let points: Vec<(Time, usize)> = at
        .into_iter()
        .map(|time| (time, before(&starts, time) - before(&ends, time).min(before(&starts, time))))
        .collect();
    let most = points.iter().map(|(_, count)| *count).max().unwrap_or(0);
    put!(out, "<figure class=\"panel\"><figcaption>Messages under way</figcaption>");
    let axis = (Axis::whole(0.0, (most as f64 * 1.05).max(1.0)), "messages");
    let label = format!("Messages under way: at most {} at a time", number::count(most as u64));
    let (mut chart, factor) = open(survey, end, axis, &label, out);
    let points: Vec<(f64, f64)> =
        points.into_iter().map(|(time, count)| (time.as_us() * factor, count as f64)).collect();
    let floor: Vec<(f64, f64)> = points.iter().map(|(x, _)| (*x, 0.0)).collect();
    chart.area("p0", &floor, &points);
    chart.curve("p0", &points);
    chart.close();
    let mut entries = vec![("p0", format!("started and not done: at most {}", number::count(most as u64)))];
    fault_key(survey, &mut entries);
    key(out, &entries);
    put!(out, "</figure>");
}

/// Places in the series, those with the most of something first.
fn foremost(survey: &Survey<'_>, of: impl Fn(usize) -> u64) -> Vec<usize> {
    let series = &survey.run.outcome.series;
    let mut order: Vec<(u64, usize)> =
        (0..series.edges.len()).map(|place| (of(place), place)).filter(|(most, _)| *most > 0).collect();
    order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, place)| place).take(LINKS).collect()
}

/// Most steps of a curve over time: shorter ones hold so few packets that they only flicker.
const STEPS: usize = 100;

/// Slots that make a step, for a run of so many.
fn slots_per_step(survey: &Survey<'_>, end: Time) -> usize {
    let slot = survey.run.outcome.series.slot.0.max(1);
    usize::try_from(end.0.div_ceil(slot)).unwrap_or(usize::MAX).div_ceil(STEPS).max(1)
}

/// Middles of steps with what `of` makes of the values of their slots; idle behind the last that an engine wrote.
fn steps(values: &[u64], per_step: usize, slot_us: f64, of: impl Fn(&[u64]) -> f64) -> Vec<(f64, f64)> {
    let count = values.len().div_ceil(per_step);
    let value = |step: usize| {
        let from = (step * per_step).min(values.len());
        of(&values[from..(from + per_step).min(values.len())])
    };
    (0..=count).map(|step| ((step as f64 + 0.5) * per_step as f64 * slot_us, value(step))).collect()
}

fn rates(survey: &Survey<'_>, end: Time, out: &mut String) {
    let series = &survey.run.outcome.series;
    let seconds = series.slot.as_seconds();
    let rate = |place: usize| survey.run.network.edge(series.edges[place]).rate.bytes_per_second();
    // Compared by share of the rate, in millionths.
    let shown = foremost(survey, |place| {
        let bytes = series.bytes.get(place).map_or(0, |bytes| bytes.iter().sum::<u64>());
        (bytes as f64 / rate(place) * 1e12) as u64
    });
    if shown.is_empty() || seconds <= 0.0 {
        return;
    }
    let (per_step, slot_us) = (slots_per_step(survey, end), series.slot.as_us());
    let step = Time(series.slot.0.saturating_mul(per_step as u64));
    put!(
        out,
        "<figure class=\"panel\"><figcaption>Utilisation of the fullest links, mean over {}</figcaption>",
        survey::time(step)
    );
    let words = format!("Utilisation of {} links over time, mean over {}", shown.len(), survey::time(step));
    let (mut chart, factor) = open(survey, end, (Axis::linear(0.0, 105.0), "% of the rate"), &words, out);
    let mut entries = Vec::new();
    for (place, colour) in shown.iter().zip(COLOURS).rev() {
        let share =
            |bytes: &[u64]| 100.0 * bytes.iter().sum::<u64>() as f64 / (rate(*place) * seconds * per_step as f64);
        let points = steps(&series.bytes[*place], per_step, slot_us * factor, share);
        chart.curve(colour, &points);
        let mean = survey.run.utilisation(series.edges[*place]).map(survey::percent).unwrap_or_default();
        entries
            .insert(0, (colour, format!("{}: {mean} in the mean", Escaped(&survey.names.edge(series.edges[*place])))));
    }
    chart.close();
    fault_key(survey, &mut entries);
    key(out, &entries);
    put!(out, "</figure>");
}

fn queues(survey: &Survey<'_>, end: Time, out: &mut String) {
    let series = &survey.run.outcome.series;
    let deepest = |place: usize| series.queue.get(place).and_then(|queue| queue.iter().copied().max()).unwrap_or(0);
    let shown = foremost(survey, deepest);
    let Some(most) = shown.first().map(|place| deepest(*place)) else { return };
    let (per_step, slot_us) = (slots_per_step(survey, end), series.slot.as_us());
    let (scale, unit) = if most >= 2_000_000 { (1e-6, "MB") } else { (1e-3, "KB") };
    put!(out, "<figure class=\"panel\"><figcaption>Longest queues</figcaption>");
    let words = format!("Bytes waiting at {} links over time, at most {}", shown.len(), survey::bytes(most));
    let axis = (Axis::linear(0.0, most as f64 * scale * 1.05), unit);
    let (mut chart, factor) = open(survey, end, axis, &words, out);
    let mut entries = Vec::new();
    for (place, colour) in shown.iter().zip(COLOURS).rev() {
        let most = |bytes: &[u64]| bytes.iter().copied().max().unwrap_or(0) as f64 * scale;
        let points = steps(&series.queue[*place], per_step, slot_us * factor, most);
        chart.curve(colour, &points);
        entries.insert(
            0,
            (
                colour,
                format!(
                    "{}: {} at most",
                    Escaped(&survey.names.edge(series.edges[*place])),
                    survey::bytes(deepest(*place))
                ),
            ),
        );
    }
    chart.close();
    fault_key(survey, &mut entries);
    key(out, &entries);
    put!(out, "</figure>");
}

fn faults(survey: &Survey<'_>, out: &mut String) {
    let all = &survey.run.faults.faults;
    if all.is_empty() {
        return;
    }
    if all.len() > FAULTS {
        put!(out, "<p class=\"note\">The first {FAULTS} of {} faults.</p>", number::count(all.len() as u64));
    }
    const COLUMNS: &[table::Column] =
        &[table::number("At, µs"), table::prose("Fault"), table::number("Messages under way")];
    let run = survey.run;
    let mut rows = Table::open(out, "faults", "Faults in order of time", COLUMNS);
    for fault in all.iter().take(FAULTS) {
        let during = run.tasks().filter(|(_, task, finish)| {
            crate::simulated::bytes_of(&task.work).is_some() && finish.start <= fault.at && run.done(finish) > fault.at
        });
        let during = during.count() as u64;
        rows.value(Some(fault.at.as_us()), &number::decimals(fault.at.as_us(), 3));
        rows.cell(&Escaped(&survey.names.change(&fault.change)).to_string());
        rows.value(Some(during as f64), &number::count(during));
    }
    rows.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_sums_and_extremes() {
        let values = [1, 5, 2, 0, 7];
        let sum = |part: &[u64]| part.iter().sum::<u64>() as f64;
        assert_eq!(steps(&values, 2, 1.0, sum), [(1.0, 6.0), (3.0, 2.0), (5.0, 7.0), (7.0, 0.0)]);
        let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0) as f64;
        assert_eq!(steps(&values, 10, 0.5, most), [(2.5, 7.0), (7.5, 0.0)]);
        assert_eq!(steps(&[], 3, 1.0, sum), [(1.5, 0.0)]);
    }
}
