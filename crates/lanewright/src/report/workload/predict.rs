//! The report of one deployment: times with their bands, steps over concurrency, roofline, memory, throughput and latency.

use lanewright_workload::predict::anatomy::{Anatomy, PoolAnatomy, Step};

use crate::number::{self, figures};
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::escape::{Escaped, Name};
use crate::report::page::{Page, THEME_BUTTON};
use crate::report::table::{self, Table};
use crate::verbs::workload::predict_one::shown::{self, Quantity, Shown};

const HEIGHT: f64 = 250.0;

/// Operators of the table.
const OPERATORS: usize = 24;

/// Colours of the parts of a step, in their order; the host last.
const COLOURS: [&str; 8] = ["p0", "p1", "p2", "p3", "p4", "p7", "p5", "p6"];

const STYLE: &str = "table.bands{border-collapse:collapse;width:100%}.bands td{padding:3px 8px 3px 0;white-space:nowrap}\
                     .bands td.n{text-align:right;font-variant-numeric:tabular-nums}.bands td.w{width:60%;min-width:90px}\
                     .bands svg{width:100%;height:16px;display:block}.bands .held{fill:var(--p0);opacity:.35}\
                     .bands .mid{fill:var(--p0)}.bands .rail{fill:var(--line)}.free{--c:var(--line)}\
                     .stacked{width:100%;height:auto;display:block}.stacked rect{fill:var(--c)}\
                     .stacked text{font-size:11px;fill:var(--soft)}.chart .stackarea{fill:var(--c);opacity:.85}\n";

/// Writes the report; `sweep` is the same deployment over concurrency. Equal inputs give equal bytes.
pub fn html(one: &Shown<'_>, sweep: &[(f64, Anatomy)]) -> String {
    let mut page = Page::new(&one.title());
    header(one, page.top());
    page.section("times", "Times, rates and costs", |out| bands(one, out));
    page.section("steps", "Where the time of a step goes", |out| {
        put!(out, "<p class=\"note\">What kernels alone say; the times above are corrected by measured engines.</p>");
        for pool in &one.anatomy.pools {
            steps(pool, out);
        }
        put!(out, "<div class=\"charts\">");
        over_concurrency(sweep, out);
        frontier(one, sweep, out);
        put!(out, "</div>");
    });
    page.section("roofline", "What operators wait for", |out| {
        for (at, pool) in one.anatomy.pools.iter().enumerate() {
            roofline(one, pool, out);
            if let Some(step) = pool.decode.as_ref().or(pool.prompt.as_ref()) {
                operators(step, at, pool.role, out);
            }
        }
    });
    page.section("memory", "Memory of a device", |out| {
        for pool in &one.anatomy.pools {
            memory(pool, out);
        }
    });
    page.section("basis", "What it rests on", |out| {
        put!(out, "<h3>Calibrated on</h3><ul class=\"findings\">");
        for line in &one.anatomy.calibrated_on {
            put!(out, "<li><p>{}</p></li>", Escaped(line));
        }
        put!(out, "</ul><h3>Notes</h3><ul class=\"findings\">");
        for note in one.notes() {
            put!(out, "<li><p>{}</p></li>", Escaped(&note));
        }
        put!(out, "</ul>");
    });
    let footer = format!("<p>Lanewright {} · predicted deployment</p>", env!("CARGO_PKG_VERSION"));
    page.finish_with("prediction", STYLE, &footer)
}

fn header(one: &Shown<'_>, out: &mut String) {
    put!(
        out,
        "<header><div class=\"title\"><div><p class=\"kind\">Predicted deployment</p><h1>{}</h1></div>{THEME_BUTTON}</div>\
         <p class=\"lead\">{}</p><dl class=\"totals\">",
        Name(&one.title()),
        Escaped(&one.lead())
    );
    let wanted = ["(TTFT)", "(TPOT)", "output of all", "output per device", "energy, devices", "cost of"];
    for quantity in one.quantities().iter().filter(|q| wanted.iter().any(|word| q.name.contains(word))) {
        let (name, value) = (quantity.name, quantity.value);
        // A long unit would not fit beside its figure.
        let (beside, below) = if quantity.unit.len() <= 8 { (quantity.unit, "") } else { ("", quantity.unit) };
        put!(
            out,
            "<div><dt>{}</dt><dd><b class=\"figure\">{} {}</b><span class=\"note\">{} {} to {}</span></dd></div>",
            Escaped(name),
            figures(value.likely, 3),
            Escaped(beside),
            Escaped(below),
            figures(value.low, 3),
            figures(value.high, 3)
        );
    }
    put!(out, "</dl></header>\n");
}

/// Every quantity with its band on a rail from nothing to its own high end.
fn bands(one: &Shown<'_>, out: &mut String) {
    put!(
        out,
        "<p class=\"note\">Bands hold about 80 % of measurements. Every rail begins at 0.</p><div class=\"scroll\"><table class=\"bands\">"
    );
    for Quantity { name, unit, value } in one.quantities() {
        let whole = value.high.max(value.likely) * 1.05;
        let at =
            |value: f64| if whole > 0.0 && value.is_finite() { (value / whole).clamp(0.0, 1.0) * 400.0 } else { 0.0 };
        put!(
            out,
            "<tr><td>{}</td><td class=\"n\"><b>{}</b></td><td>{}</td><td class=\"w\"><svg viewBox=\"0 0 400 16\" \
             preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{} to {}\"><rect class=\"rail\" x=\"0\" y=\"7.5\" width=\"400\" \
             height=\"1\"/><rect class=\"held\" x=\"{:.1}\" y=\"3\" width=\"{:.1}\" height=\"10\"/><rect class=\"mid\" x=\"{:.1}\" \
             y=\"1\" width=\"2.5\" height=\"14\"/></svg></td><td class=\"n\">{} to {}</td></tr>",
            Escaped(name),
            figures(value.likely, 3),
            Escaped(unit),
            figures(value.low, 3),
            figures(value.high, 3),
            at(value.low),
            (at(value.high) - at(value.low)).max(1.0),
            at(value.likely) - 1.25,
            figures(value.low, 3),
            figures(value.high, 3)
        );
    }
    put!(out, "</table></div>");
}

/// A bar in pieces with its key: name, size, colour, words.
fn stacked(out: &mut String, pieces: &[(&str, f64, &'static str, String)], label: &str) {
    let whole: f64 = pieces.iter().map(|piece| piece.1).sum();
    if whole.is_nan() || whole <= 0.0 {
        return;
    }
    put!(out, "<svg class=\"stacked\" viewBox=\"0 0 {WIDTH} 34\" role=\"img\" aria-label=\"{}\">", Escaped(label));
    let mut x = 0.0;
    for (name, size, colour, words) in pieces {
        let width = size / whole * WIDTH;
        put!(
            out,
            "<rect class=\"{colour}\" x=\"{x:.1}\" y=\"2\" width=\"{:.1}\" height=\"30\"><title>{}: {words}</title></rect>",
            (width - 0.8).max(0.0),
            Escaped(name)
        );
        x += width;
    }
    put!(out, "</svg>");
    let entries: Vec<(&str, String)> = pieces
        .iter()
        .filter(|piece| piece.1 > 0.0)
        .map(|(name, _, colour, words)| (*colour, format!("{} {words}", Escaped(name))))
        .collect();
    key(out, &entries);
}

fn steps(pool: &PoolAnatomy, out: &mut String) {
    let decode = pool.decode.iter().map(|step| ("A step that decodes", step));
    let prompt = pool.prompt.iter().map(|step| ("A prompt alone", step));
    for (title, step) in decode.chain(prompt) {
        put!(
            out,
            "<figure class=\"panel\"><figcaption>{title}, {} <span class=\"sum\">{} ms</span></figcaption>",
            pool.role,
            figures(step.seconds * 1e3, 3)
        );
        let pieces: Vec<(&str, f64, &'static str, String)> = step
            .parts
            .iter()
            .zip(COLOURS)
            .map(|((name, seconds), colour)| {
                let share = 100.0 * seconds / step.seconds;
                (*name, *seconds, colour, format!("{} ms ({share:.0} %)", figures(seconds * 1e3, 3)))
            })
            .collect();
        stacked(out, &pieces, title);
        put!(out, "</figure>");
    }
}

/// The pool that decodes.
fn decoding(anatomy: &Anatomy) -> Option<&Step> {
    anatomy.pools.iter().find_map(|pool| pool.decode.as_ref())
}

fn over_concurrency(sweep: &[(f64, Anatomy)], out: &mut String) {
    let steps: Vec<(f64, &Step)> = sweep.iter().filter_map(|(n, found)| Some((*n, decoding(found)?))).collect();
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return };
    let most = steps.iter().map(|(_, step)| step.seconds * 1e3).fold(0.0, f64::max);
    put!(out, "<figure class=\"panel\"><figcaption>A decoding step over requests in flight</figcaption>");
    let label = format!("Parts of a decoding step for {} to {} requests in flight", first.0, last.0);
    let axes = ((Axis::decades(first.0, last.0), "requests in flight"), (Axis::linear(0.0, most * 1.05), "ms"));
    let mut chart = Chart::open(out, (WIDTH, HEIGHT), axes.0, axes.1, &label);
    let mut below: Vec<f64> = vec![0.0; steps.len()];
    let mut entries = Vec::new();
    for (part, colour) in COLOURS.iter().enumerate() {
        let name = first.1.parts.get(part).map_or("", |(name, _)| *name);
        let sizes: Vec<f64> = steps.iter().map(|(_, step)| step.parts.get(part).map_or(0.0, |p| p.1 * 1e3)).collect();
        if sizes.iter().all(|size| *size <= 0.0) {
            continue;
        }
        let low: Vec<(f64, f64)> = steps.iter().zip(&below).map(|((n, _), y)| (*n, *y)).collect();
        below.iter_mut().zip(&sizes).for_each(|(sum, size)| *sum += size);
        let high: Vec<(f64, f64)> = steps.iter().zip(&below).map(|((n, _), y)| (*n, *y)).collect();
        chart.area(&format!("stackarea {colour}"), &low, &high);
        entries.push((*colour, Escaped(name).to_string()));
    }
    chart.close();
    key(out, &entries);
    put!(out, "</figure>");
}

fn frontier(one: &Shown<'_>, sweep: &[(f64, Anatomy)], out: &mut String) {
    let user = |found: &Anatomy| found.tokens_per_s_user;
    let device = |found: &Anatomy| found.tokens_per_s_device;
    let high = |of: &dyn Fn(&Anatomy) -> f64| sweep.iter().map(|(_, found)| of(found)).fold(0.0, f64::max);
    let (right, top) = (high(&|f| user(f).likely), high(&|f| device(f).high));
    if sweep.len() < 2 || !(right.is_finite() && top.is_finite()) || right <= 0.0 {
        return;
    }
    put!(out, "<figure class=\"panel\"><figcaption>Throughput against speed for one user</figcaption>");
    let label = format!("Tokens per second and device against tokens per second of a user, {} points", sweep.len());
    let axes = (
        (Axis::linear(0.0, right * 1.06), "tokens/s of a user"),
        (Axis::linear(0.0, top * 1.05), "tokens/s and device"),
    );
    let mut chart = Chart::open(out, (WIDTH, HEIGHT), axes.0, axes.1, &label);
    let along = |of: &dyn Fn(&Anatomy) -> f64| -> Vec<(f64, f64)> {
        sweep.iter().map(|(_, found)| (user(found).likely, of(found))).collect()
    };
    chart.area("p0", &along(&|f| device(f).low), &along(&|f| device(f).high));
    chart.curve("p0 thick", &along(&|f| device(f).likely));
    for (n, found) in sweep {
        let own = *n == one.asked.deployment.concurrency;
        let words = format!(
            "{n} in flight: TPOT {} ms, TTFT {} ms",
            figures(found.prediction.tpot.likely * 1e3, 3),
            figures(found.prediction.ttft.likely * 1e3, 3)
        );
        let place = (user(found).likely, device(found).likely);
        chart.dot(if own { "p1" } else { "p0" }, place, if own { 5.5 } else { 3.0 }, &words);
    }
    chart.close();
    let own = format!("{} in flight, as asked", one.asked.deployment.concurrency);
    key(out, &[("p0", "likely, with the band of 80 % of the rate".into()), ("p1", own)]);
    put!(out, "</figure>");
}

fn roofline(one: &Shown<'_>, pool: &PoolAnatomy, out: &mut String) {
    let steps: Vec<(&'static str, &'static str, &Step)> = pool
        .decode
        .iter()
        .map(|step| ("p0", "decoding", step))
        .chain(pool.prompt.iter().map(|step| ("p1", "a prompt", step)))
        .collect();
    let points: Vec<(&'static str, f64, f64, f64, String)> = steps
        .iter()
        .flat_map(|(class, of, step)| {
            step.operators.iter().filter(|o| o.operations > 0.0 && o.bytes > 0.0).map(move |o| {
                let rate = o.operations / o.seconds * 1e-12;
                let words = format!(
                    "{of}: {} {}, {} ms, {} TFLOP/s, {} GB/s, waits for {}",
                    o.name,
                    o.shape,
                    figures(o.seconds * 1e3, 3),
                    figures(rate, 3),
                    figures(o.bytes / o.seconds * 1e-9, 3),
                    o.bound.words()
                );
                (*class, o.operations / o.bytes, rate, o.seconds / step.seconds, words)
            })
        })
        .collect();
    let (low, high) = points.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), p| (low.min(p.1), high.max(p.1)));
    let slowest = points.iter().map(|p| p.2).fold(f64::INFINITY, f64::min);
    // Operations of the widest arithmetic that the step uses, from the operators themselves.
    let peak = steps
        .iter()
        .flat_map(|(_, _, step)| &step.operators)
        .filter(|o| o.at_peak_rate > 0.0)
        .map(|o| o.operations / o.at_peak_rate * 1e-12)
        .fold(0.0, f64::max);
    if !(high > 0.0 && peak > 0.0 && slowest > 0.0) {
        put!(out, "<p>No rate of this device is known: nothing to draw.</p>");
        return;
    }
    let bandwidth = one.device.bandwidth * 1e-12;
    let (left, right) = (low * 0.6, high.max(peak / bandwidth) * 2.5);
    put!(
        out,
        "<div class=\"charts\"><figure class=\"panel\"><figcaption>Operators of a step on the roofline, {}</figcaption>",
        pool.role
    );
    let label =
        format!("Rate over operations per byte of {} operators, {} TFLOP/s at most", points.len(), figures(peak, 3));
    let axes =
        ((Axis::decades(left, right), "operations per byte"), (Axis::decades(slowest * 0.5, peak * 2.0), "TFLOP/s"));
    let mut chart = Chart::open(out, (WIDTH, 320.0), axes.0, axes.1, &label);
    let roof: Vec<(f64, f64)> = (0..=80)
        .map(|step| left * (right / left).powf(f64::from(step) / 80.0))
        .map(|x| (x, (x * bandwidth).min(peak)))
        .filter(|(_, y)| *y >= slowest * 0.5)
        .collect();
    chart.curve("p6 thick", &roof);
    for (class, x, y, share, words) in &points {
        chart.dot(class, (*x, *y), 2.5 + 9.0 * share.sqrt(), &Escaped(words).to_string());
    }
    chart.close();
    let mut entries = vec![("p6", "what peaks allow".to_string())];
    entries.extend(
        steps.iter().map(|(class, of, _)| (*class, format!("operators of {of}, as large as their share of the time"))),
    );
    key(out, &entries);
    put!(out, "</figure></div>");
}

const COLUMNS: &[table::Column] = &[
    table::text("operator"),
    table::text("part"),
    table::text("sizes"),
    table::number("times"),
    table::number("ms"),
    table::number("MB"),
    table::number("GFLOP"),
    table::number("MB sent"),
    table::text("waits for"),
];

fn operators(step: &Step, at: usize, role: &str, out: &mut String) {
    let label = format!("Operators of a step, {role}, longest first");
    let mut table = Table::open(out, &format!("operators-{at}"), &label, COLUMNS);
    for operator in shown::longest(step).into_iter().take(OPERATORS) {
        table.cell(operator.name).cell(operator.part.name()).cell(&operator.shape);
        table.value(Some(operator.count), &number::plain(operator.count));
        for value in [operator.seconds * 1e3, operator.bytes * 1e-6, operator.operations * 1e-9, operator.sent * 1e-6] {
            table.value(Some(value), &figures(value, 3));
        }
        table.cell(operator.bound.words());
    }
    table.close();
}

fn memory(pool: &PoolAnatomy, out: &mut String) {
    put!(
        out,
        "<figure class=\"panel\"><figcaption>A device of {:.0} GB, {} <span class=\"sum\">{} tokens fit a group's cache</span></figcaption>",
        pool.memory.device * 1e-9,
        pool.role,
        number::plain(pool.memory.cache_tokens())
    );
    let colours = ["p0", "p1", "p2", "p3", "free", "p6"];
    let pieces: Vec<(&str, f64, &'static str, String)> = shown::filled(pool)
        .into_iter()
        .zip(colours)
        .map(|((name, bytes), colour)| (name, bytes, colour, format!("{} GB", figures(bytes * 1e-9, 3))))
        .collect();
    stacked(out, &pieces, "What fills the memory of a device");
    put!(out, "</figure>");
}
