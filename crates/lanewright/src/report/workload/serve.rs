//! The report of a simulated engine: times as users see them, what replicas held over time, a sample of requests.

use lanewright_workload::serve::log::Trace;
use lanewright_workload::serve::request::Served;
use lanewright_workload::serve::simulate::Found;

use crate::number::{self, Measure};
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::escape::{Escaped, Name};
use crate::report::page::{Page, THEME_BUTTON};
use crate::report::table::{self, Table};
use crate::verbs::workload::serve::answer::Answer;

const HEIGHT: f64 = 230.0;

/// Points of a curve.
const POINTS: usize = 400;

/// Requests whose lives are drawn one by one.
const LIVES: usize = 60;

/// Requests of the table of the slowest.
const SLOWEST: usize = 25;

const STYLE: &str = ".lives{width:100%;height:auto;display:block}.lives .wait{fill:var(--p1)}.lives .prompt{fill:var(--p3)}\
                     .lives .decode{fill:var(--p0)}.lives text{font-size:10.5px;fill:var(--soft)}\
                     .key .wait{--c:var(--p1)}.key .prompt{--c:var(--p3)}.key .decode{--c:var(--p0)}\n";

/// Writes the report. Equal inputs give equal bytes.
pub fn html(answer: &Answer, trace: &Trace, found: &Found) -> String {
    let mut page = Page::new(&answer.title);
    header(answer, page.top());
    page.section("times", "Times", |out| {
        put!(out, "<div class=\"charts\">");
        let logged = |of: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..trace.logged.len()).map(of).collect() };
        let at = |at: usize| (&trace.logged[at], &trace.requests[at]);
        // Logs count from the scheduler's queue: so do the curves beside them.
        let by_log = !trace.logged.is_empty();
        let simulated = |of: &dyn Fn(&Served) -> f64| -> Vec<f64> { found.served.iter().map(of).collect() };
        let ttft = simulated(&|s| if by_log { s.engine_ttft_s() } else { s.ttft_s() });
        let latency = simulated(&|s| if by_log { s.engine_latency_s() } else { s.latency_s() });
        let tpot: Vec<f64> = found.served.iter().filter_map(Served::tpot_s).collect();
        let first = logged(&|i| at(i).0.first_token_s - at(i).0.queued_s);
        let last = logged(&|i| at(i).0.last_token_s - at(i).0.queued_s);
        let each = logged(&|i| {
            let (logged, request) = at(i);
            (logged.last_token_s - logged.first_token_s) / f64::from(request.output.saturating_sub(1).max(1))
        });
        distribution(out, "Time to the first token", ttft, first, answer.limits.ttft_s);
        distribution(out, "Time per further token, request by request", tpot, each, answer.limits.tpot_s);
        distribution(out, "Time to the last token", latency, last, None);
        gaps(out, found);
        put!(out, "</div>");
        times(out, answer);
    });
    if answer.measured.is_some() {
        page.section("log", "Against the log", |out| against(out, answer));
    }
    page.section("over-time", "Over time", |out| over_time(out, found));
    page.section("requests", "Requests", |out| {
        lives(out, found);
        slowest(out, trace, found);
    });
    page.section("settings", "Settings and figures", |out| {
        pairs(
            out,
            "figures",
            "Figures of the run",
            &answer.figures().iter().map(|(n, v)| ((*n).into(), v.clone())).collect::<Vec<_>>(),
        );
        pairs(out, "set", "Settings", &answer.settings);
        put!(out, "<ul class=\"findings\"><li><p>Steps rest on {}.</p></li>", Escaped(&answer.calibrated_on));
        for note in &answer.notes {
            put!(out, "<li><p>{}</p></li>", Escaped(note));
        }
        put!(out, "</ul>");
    });
    let footer = format!("<p>Lanewright {} · simulated serving</p>", env!("CARGO_PKG_VERSION"));
    page.finish_with("serving", STYLE, &footer)
}

/// Seconds with a unit.
fn time(seconds: f64) -> String {
    Measure::Nanoseconds.show(seconds * 1e9)
}

fn header(answer: &Answer, out: &mut String) {
    put!(
        out,
        "<header><div class=\"title\"><div><p class=\"kind\">Simulated serving</p><h1>{}</h1></div>{THEME_BUTTON}</div>",
        Name(&answer.title)
    );
    put!(out, "<p class=\"lead\">{}</p><dl class=\"totals\">", Escaped(&answer.requests));
    let metrics = &answer.metrics;
    let mut figure = |name: &str, value: &str, note: &str| {
        put!(
            out,
            "<div><dt>{name}</dt><dd><b class=\"figure\">{value}</b><span class=\"note\">{note}</span></dd></div>"
        );
    };
    let spread = |p50: f64, p99: f64| format!("median {}, p99 {}", time(p50), time(p99));
    figure("TTFT, mean", &time(metrics.ttft_s.mean), &spread(metrics.ttft_s.p50, metrics.ttft_s.p99));
    if let Some(tpot) = &metrics.tpot_s {
        figure("TPOT, mean", &time(tpot.mean), &spread(tpot.p50, tpot.p99));
    }
    figure("Latency, mean", &time(metrics.latency_s.mean), &spread(metrics.latency_s.p50, metrics.latency_s.p99));
    let rate = format!("{} requests/s", number::plain(metrics.requests_per_s));
    figure("Output", &format!("{} tok/s", number::plain(metrics.output_tokens_per_s)), &rate);
    if let Some(within) = metrics.within_limits {
        let goodput = metrics.goodput_per_s.unwrap_or_default();
        figure(
            "Within limits",
            &Measure::Share.show(within),
            &format!("goodput {} requests/s", number::plain(goodput)),
        );
    }
    if let Some(joules) = metrics.joules_per_token {
        let cost = metrics.usd_per_million_tokens.map(|usd| format!("${} per million tokens", number::plain(usd)));
        figure(
            "Energy",
            &format!("{} J/token", number::plain(joules)),
            &cost.unwrap_or_else(|| "devices alone".into()),
        );
    }
    put!(out, "</dl></header>\n");
}

/// A unit that suits the largest of some times: factor from seconds, and its name.
fn unit(most: f64) -> (f64, &'static str) {
    if most < 1.0 { (1e3, "ms") } else { (1.0, "s") }
}

fn steps(sorted: &[f64], factor: f64) -> Vec<(f64, f64)> {
    let group = sorted.len().div_ceil(POINTS).max(1);
    let ends =
        (group..=sorted.len()).step_by(group).chain((!sorted.len().is_multiple_of(group)).then_some(sorted.len()));
    let mut before = 0.0;
    ends.flat_map(|end| {
        let (value, share) = (sorted[end - 1] * factor, 100.0 * end as f64 / sorted.len() as f64);
        let points = [(value, before), (value, share)];
        before = share;
        points
    })
    .collect()
}

fn axis(low: f64, high: f64) -> Axis {
    if low > 0.0 && high > 30.0 * low { Axis::decades(low * 0.9, high * 1.1) } else { Axis::linear(0.0, high * 1.06) }
}

fn distribution(out: &mut String, title: &str, simulated: Vec<f64>, measured: Vec<f64>, limit: Option<f64>) {
    let sort = |mut values: Vec<f64>| {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        values
    };
    let (simulated, measured) = (sort(simulated), sort(measured));
    let (Some(low), Some(high)) = (simulated.first().copied(), simulated.last().copied()) else { return };
    let low = measured.first().map_or(low, |first| low.min(*first));
    let high = measured.last().map_or(high, |last| high.max(*last));
    let (factor, name) = unit(high);
    let middle = |values: &[f64]| values.get(values.len() / 2).copied().map(time).unwrap_or_default();
    put!(out, "<figure class=\"panel\"><figcaption>{title}</figcaption>");
    let label = format!("{title}: median {}", middle(&simulated));
    let mut chart = Chart::open(
        out,
        (WIDTH, HEIGHT),
        (axis(low * factor, high * factor), name),
        (Axis::linear(0.0, 100.0), "% of requests"),
        &label,
    );
    let mut entries = Vec::new();
    if !measured.is_empty() {
        chart.curve("p1 thick", &steps(&measured, factor));
        entries.push(("p1", format!("measured, median {}", middle(&measured))));
    }
    chart.curve("p0 thick", &steps(&simulated, factor));
    entries.insert(0, ("p0", format!("simulated, median {}", middle(&simulated))));
    if let Some(limit) = limit {
        chart.upright("instant", limit * factor);
        entries.push(("instant", format!("limit {}", time(limit))));
    }
    chart.close();
    key(out, &entries);
    put!(out, "</figure>");
}

/// Gaps between tokens: what a reader of the stream sees.
fn gaps(out: &mut String, found: &Found) {
    let points = found.gaps.distribution();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let (factor, name) = unit(last.0);
    put!(out, "<figure class=\"panel\"><figcaption>Single gaps between tokens</figcaption>");
    let median = found.gaps.at(0.5).map(time).unwrap_or_default();
    let p99 = found.gaps.at(0.99).map(time).unwrap_or_default();
    let label = format!("Gaps between tokens: median {median}, 99th percentile {p99}");
    let x = axis(first.0 * factor, last.0 * factor);
    let mut chart = Chart::open(out, (WIDTH, HEIGHT), (x, name), (Axis::linear(0.0, 100.0), "% of tokens"), &label);
    let mut before = 0.0;
    let stairs: Vec<(f64, f64)> = points
        .iter()
        .flat_map(|(value, share)| {
            let pair = [(value * factor, before), (value * factor, share * 100.0)];
            before = share * 100.0;
            pair
        })
        .collect();
    chart.curve("p2 thick", &stairs);
    chart.close();
    key(out, &[("p2", format!("median {median}, 99th percentile {p99}"))]);
    put!(out, "</figure>");
}

const TIMES: &[table::Column] = &[
    table::text("Time"),
    table::number("Mean, ms"),
    table::number("p50"),
    table::number("p90"),
    table::number("p95"),
    table::number("p99"),
    table::number("Largest"),
];

fn times(out: &mut String, answer: &Answer) {
    let mut rows = Table::open(out, "all-times", "Times of all requests, milliseconds", TIMES);
    for (name, summary) in answer.times() {
        rows.cell(&Escaped(name).to_string());
        for value in [summary.mean, summary.p50, summary.p90, summary.p95, summary.p99, summary.max] {
            rows.value(Some(value * 1e3), &number::plain(value * 1e3));
        }
    }
    rows.close();
}

fn against(out: &mut String, answer: &Answer) {
    const COLUMNS: &[table::Column] = &[
        table::text("Time"),
        table::number("Measured mean, ms"),
        table::number("Simulated mean, ms"),
        table::number("Error of the mean, %"),
        table::number("Measured p50"),
        table::number("Simulated p50"),
        table::number("Measured p99"),
        table::number("Simulated p99"),
    ];
    put!(
        out,
        "<p>The same requests at the same times. Both count from the scheduler's queue, as the engine logged them.</p>"
    );
    let mut rows = Table::open(out, "pairs", "Measured and simulated times", COLUMNS);
    for (name, pair) in answer.pairs() {
        let (m, s) = (pair.measured, pair.simulated);
        rows.cell(name);
        let mut ms = |value: f64| {
            rows.value(Some(value * 1e3), &number::plain(value * 1e3));
        };
        ms(m.mean);
        ms(s.mean);
        rows.value(Some(pair.mean_error), &number::decimals(pair.mean_error * 100.0, 1));
        for value in [m.p50, s.p50, m.p99, s.p99] {
            rows.value(Some(value * 1e3), &number::plain(value * 1e3));
        }
    }
    rows.close();
}

fn over_time(out: &mut String, found: &Found) {
    let timeline = &found.timeline;
    let end = timeline.moments.last().map_or(1.0, |moment| moment.time_s).max(1e-9);
    // Sums over cells: each holds its last moment until its next.
    let cells = found.cells.max(1) as usize;
    let mut now = vec![(0_u32, 0_u32, 0.0_f64); cells];
    let (mut waiting, mut running, mut cache) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sum_waiting, mut sum_running) = (0_i64, 0_i64);
    for moment in &timeline.moments {
        let Some(state) = now.get_mut(moment.cell as usize) else { continue };
        sum_waiting += i64::from(moment.waiting) - i64::from(state.0);
        sum_running += i64::from(moment.running) - i64::from(state.1);
        *state = (moment.waiting, moment.running, moment.cache);
        waiting.push((moment.time_s, sum_waiting as f64));
        running.push((moment.time_s, sum_running as f64));
        cache.push((moment.time_s, 100.0 * moment.cache));
    }
    let most = waiting.iter().chain(&running).map(|point| point.1).fold(1.0, f64::max);
    put!(
        out,
        "<div class=\"charts\"><figure class=\"panel\"><figcaption>Requests in queues and running, all replicas</figcaption>"
    );
    let label = "Requests waiting and running over time";
    let axes = (Axis::linear(0.0, end), "s");
    let mut chart = Chart::open(out, (WIDTH, HEIGHT), axes, (Axis::linear(0.0, most * 1.05), "requests"), label);
    chart.curve("p1 thick", &waiting);
    chart.curve("p0 thick", &running);
    chart.close();
    key(out, &[("p0", "running".into()), ("p1", "waiting".into())]);
    put!(out, "</figure>");
    if timeline.cache_most > 0.0 {
        put!(out, "<figure class=\"panel\"><figcaption>Cache in use, fullest rank of each replica</figcaption>");
        let label = "Share of the cache in use over time";
        let top = (timeline.cache_most * 110.0).clamp(1.0, 100.0);
        let mut chart = Chart::open(out, (WIDTH, HEIGHT), axes, (Axis::linear(0.0, top), "%"), label);
        chart.curve("p3 thick", &cache);
        chart.close();
        let most = format!("at most {} % of the cache", number::plain(timeline.cache_most * 100.0));
        key(out, &[("p3", most)]);
        put!(out, "</figure>");
    }
    put!(out, "</div>");
}

/// Requests spread evenly over the run, each from its arrival to its last token.
fn lives(out: &mut String, found: &Found) {
    let count = found.served.len();
    let step = count.div_ceil(LIVES).max(1);
    let sample: Vec<(usize, &Served)> = found.served.iter().enumerate().step_by(step).collect();
    let end = found.served.iter().map(|served| served.finish_s).fold(1e-9, f64::max);
    let (left, width, row) = (44.0, 900.0, 9.0);
    let height = row * sample.len() as f64 + 24.0;
    let x = |time: f64| left + (time / end).clamp(0.0, 1.0) * (width - left - 12.0);
    put!(
        out,
        "<figure class=\"panel\"><figcaption>Lives of {} of {} requests</figcaption><svg class=\"lives\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Lives of a sample of requests\">",
        sample.len(),
        number::count(count as u64)
    );
    for (line, (at, served)) in sample.iter().enumerate() {
        let y = line as f64 * row + 2.0;
        let words = format!(
            "request {}: {} tokens in, {} out; first token after {}, last after {}",
            at + 1,
            served.input,
            served.output,
            time(served.ttft_s()),
            time(served.latency_s())
        );
        put!(out, "<g><title>{words}</title>");
        let spans = [
            ("wait", served.arrival_s, served.scheduled_s),
            ("prompt", served.scheduled_s, served.first_token_s),
            ("decode", served.first_token_s, served.finish_s),
        ];
        for (class, from, to) in spans {
            let wide = (x(to) - x(from)).max(0.0);
            put!(
                out,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{:.1}\"/>",
                x(from),
                row - 2.5
            );
        }
        put!(out, "</g>");
        if line % 10 == 0 {
            put!(out, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", left - 6.0, y + 7.0, at + 1);
        }
    }
    let axis = height - 6.0;
    for part in 0..=5 {
        let at = end * f64::from(part) / 5.0;
        let anchor = if part == 5 { "end" } else { "middle" };
        put!(
            out,
            "<text x=\"{:.1}\" y=\"{axis:.1}\" text-anchor=\"{anchor}\">{}\u{A0}s</text>",
            x(at),
            number::plain(at)
        );
    }
    put!(out, "</svg>");
    key(
        out,
        &[
            ("wait", "waits for its first step".into()),
            ("prompt", "its prompt is computed".into()),
            ("decode", "it decodes".into()),
        ],
    );
    put!(out, "</figure>");
}

fn slowest(out: &mut String, trace: &Trace, found: &Found) {
    const COLUMNS: &[table::Column] = &[
        table::text("Request"),
        table::number("Arrival, s"),
        table::number("In"),
        table::number("Out"),
        table::number("TTFT, ms"),
        table::number("TPOT, ms"),
        table::number("Latency, s"),
        table::number("Preempted"),
        table::number("Replica"),
    ];
    let mut order: Vec<usize> = (0..found.served.len()).collect();
    order.sort_by(|a, b| found.served[*b].ttft_s().total_cmp(&found.served[*a].ttft_s()).then(a.cmp(b)));
    put!(out, "<p>The {} that waited longest for their first token:</p>", SLOWEST.min(order.len()));
    let mut rows = Table::open(out, "slowest", "Requests that waited longest for their first token", COLUMNS);
    for at in order.into_iter().take(SLOWEST) {
        let served = &found.served[at];
        let name = trace.names.get(at).cloned().unwrap_or_else(|| (at + 1).to_string());
        rows.cell(&Escaped(&name).to_string());
        let mut value = |value: f64, scale: f64| {
            rows.value(Some(value * scale), &number::plain(value * scale));
        };
        value(served.arrival_s, 1.0);
        value(f64::from(served.input), 1.0);
        value(f64::from(served.output), 1.0);
        value(served.ttft_s(), 1e3);
        match served.tpot_s() {
            Some(tpot) => value(tpot, 1e3),
            None => {
                rows.value(None, "");
            }
        }
        let mut value = |value: f64| {
            rows.value(Some(value), &number::plain(value));
        };
        value(served.latency_s());
        value(f64::from(served.preemptions));
        value(f64::from(served.replica));
    }
    rows.close();
}

fn pairs(out: &mut String, id: &str, title: &str, rows: &[(String, String)]) {
    const COLUMNS: &[table::Column] = &[table::text("What"), table::text("Value")];
    let mut table = Table::open(out, id, title, COLUMNS);
    for (name, value) in rows {
        table.cell(&Escaped(name).to_string());
        table.cell(&Escaped(value).to_string());
    }
    table.close();
}
