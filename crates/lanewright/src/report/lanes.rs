//! Electrical lanes: how each class was judged, where its loss goes, what it loses over frequency, and the pulse that its
//! receiver slices.

use lanewright_link::eye::EyePicture;
use lanewright_link::reach::slicer::SlicerView;
use lanewright_plan::plan::LinkClass;
use lanewright_twin::lanes::{Lane, LaneLine};

use super::bar::Spread;
use super::chart::{Axis, Chart, key};
use super::escape::{Escaped, Name};
use super::eye::{self, ratio};
use super::page::Page;
use super::survey::Survey;
use super::table::{self, Table};
use super::waterfall::frequency;
use super::words;
use crate::number::{self, Measure};
use crate::terminal::lanes::power_of_ten;

/// Lanes that are shown before the rest is folded away.
const OPEN_LANES: usize = 8;
/// Width and height of a chart: three stand side by side on a desk's screen, one fills a phone's.
const SIZE: (f64, f64) = (340.0, 220.0);
/// Unit intervals of a pulse shown before and after its cursor.
const SHOWN_UI: (usize, usize) = (4, 12);
/// Losses are drawn down to here, in dB; nothing is received of what lies below.
const DEEPEST_DB: f64 = 80.0;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let lanes = &survey.review.curves;
    if lanes.is_empty() {
        return;
    }
    page.section("lanes", "Electrical lanes", |out| {
        put!(
            out,
            "<p class=\"note\">Each class of links is judged by its worst stretch between two chips: by channel operating \
             margin or by the eye of a reference receiver where there is one, else by its loss at Nyquist. Modelled channels \
             are estimates made of catalogue parts; low and high are the parts' bands, all low or all high.</p>"
        );
        listing(survey, lanes, out);
        let cases = cases(lanes);
        let (open, folded) = cases.split_at(cases.len().min(OPEN_LANES));
        open.iter().for_each(|case| draw(survey, case, out));
        if !folded.is_empty() {
            put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "lane"));
            folded.iter().for_each(|case| draw(survey, case, out));
            put!(out, "</details>");
        }
    });
}

/// Lanes of several classes with one and the same answer.
struct Case<'a> {
    lane: &'a Lane,
    others: Vec<&'a Lane>,
}

impl<'a> Case<'a> {
    fn lanes(&self) -> impl Iterator<Item = &'a Lane> + '_ {
        std::iter::once(self.lane).chain(self.others.iter().copied())
    }
}

/// Equal lanes together, what fails first: it is what is looked for. Then those that say most.
fn cases(lanes: &[Lane]) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for lane in lanes {
        match cases.iter_mut().find(|case| same_answer(case.lane, lane)) {
            Some(case) => case.others.push(lane),
            None => cases.push(Case { lane, others: Vec::new() }),
        }
    }
    let failing = |line: &LaneLine| match line.status.as_str() {
        "broken" => 0,
        "at-risk" => 1,
        _ => 2,
    };
    cases.sort_by_key(|Case { lane: Lane { line, .. }, .. }| (failing(line), line.method == "loss", line.class));
    cases
}

fn same_answer(a: &Lane, b: &Lane) -> bool {
    let same_class =
        LaneLine { class: a.line.class, set: a.line.set.clone(), choice: a.line.choice.clone(), ..b.line.clone() };
    a.line == same_class && a.slicer == b.slicer && a.bands == b.bands
}

fn class_of<'a>(survey: &'a Survey<'_>, line: &LaneLine) -> Option<&'a LinkClass> {
    survey.plan().classes.get(line.class as usize)
}

fn badge(status: &str) -> String {
    let class = match status {
        "ok" => "good",
        "at-risk" => "risk",
        _ => "bad",
    };
    format!("<span class=\"badge {class}\">{}</span>", Escaped(&status.replace('-', " ")))
}

fn serdes(id: &str) -> &str {
    id.trim_start_matches("serdes/")
}

/// Every class, one to a row.
fn listing(survey: &Survey<'_>, lanes: &[Lane], out: &mut String) {
    const COLUMNS: &[table::Column] = &[
        table::text("Links"),
        table::number("Count"),
        table::text("Lane"),
        table::prose("Choice"),
        table::text("Status"),
        table::prose("Judged"),
        table::number("Loss at Nyquist, dB"),
        table::number("Bit errors"),
        table::number("Frames lost"),
        table::text("SerDes"),
    ];
    let mut rows = Table::open(out, "lane-table", "Electrical lanes of every class of links", COLUMNS);
    for Lane { line, .. } in lanes {
        let ratio = |found: Option<[f64; 3]>| {
            let likely = found.map(|[_, likely, _]| likely);
            (
                likely,
                likely.map(|value| Escaped(&power_of_ten(value).replace('-', "−")).to_string()).unwrap_or_default(),
            )
        };
        let links = class_of(survey, line).map(|class| u64::from(class.links));
        rows.cell(&Name(&line.set).to_string());
        rows.value(links.map(|links| links as f64), &links.map(number::count).unwrap_or_default());
        rows.cell(&Name(&line.technology).to_string());
        rows.cell(&Name(&line.choice).to_string());
        rows.cell(&badge(&line.status));
        rows.cell(&Escaped(&line.why).to_string());
        rows.value(Some(line.loss_db[1]), &number::decimals(line.loss_db[1], 1));
        let (errors, frames) = (ratio(line.ber), ratio(line.flr));
        rows.value(errors.0, &errors.1);
        rows.value(frames.0, &frames.1);
        rows.cell(&Escaped(line.serdes.as_deref().map_or("–", serdes)).to_string());
    }
    rows.close();
}

/// Words first, then the drawings.
fn draw(survey: &Survey<'_>, case: &Case<'_>, out: &mut String) {
    let line = &case.lane.line;
    let (mut sets, mut choices): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for Lane { line, .. } in case.lanes() {
        if !sets.contains(&line.set.as_str()) {
            sets.push(&line.set);
        }
        if !choices.contains(&line.choice.as_str()) {
            choices.push(&line.choice);
        }
    }
    let links: u64 = case.lanes().filter_map(|lane| class_of(survey, &lane.line)).map(|c| u64::from(c.links)).sum();
    put!(
        out,
        "<article class=\"lane\"><h3>{}</h3><p class=\"note\">{} · {} · {}</p>",
        some_of(&sets, 4, ", "),
        words::plural(links, "link"),
        Name(&line.technology),
        some_of(&choices, 2, "; ")
    );
    put!(out, "<p>{} {}</p><p class=\"note\">{}.", badge(&line.status), Escaped(&line.why), Escaped(&line.receiver));
    if line.eye.is_none() {
        put!(out, " No eye.");
    }
    if let (Some(fec), Some([low, likely, high])) = (&line.fec, line.fec_latency_ns) {
        put!(
            out,
            " {} adds {} ({}).",
            Escaped(fec),
            Measure::Nanoseconds.show(likely),
            Measure::Nanoseconds.range(low, high)
        );
    }
    if let (Some(class), Some([low, likely, high])) = (&line.serdes, line.serdes_pj_per_bit) {
        put!(out, " The loss asks for {}: {likely:.2} pJ/bit ({low:.2}–{high:.2}).", Escaped(serdes(class)));
    }
    put!(out, "</p><div class=\"charts\">");
    pieces(line, out);
    insertion_loss(case.lane, out);
    if let Some(slicer) = &case.lane.slicer {
        pulse(slicer, out);
        eye_of(case.lane, slicer, out);
    }
    put!(out, "</div></article>");
}

/// The first names and how many more.
fn some_of(names: &[&str], most: usize, between: &str) -> String {
    let mut shown: Vec<String> = names.iter().take(most).map(|name| Name(name).to_string()).collect();
    if names.len() > most {
        shown.push(format!("{} more", names.len() - most));
    }
    shown.join(between)
}

/// A loss and its band as two cells.
fn loss_cells([low, likely, high]: [f64; 3], out: &mut String) {
    let range = Spread { low, likely, high, weak: 0.0 }.range(Measure::Decibels);
    put!(out, "<span>{}</span><span class=\"range\">{range}</span>", Measure::Decibels.show(likely));
}

/// Where each dB of the likely loss goes: names as text, so that they wrap where there is little room.
fn pieces(line: &LaneLine, out: &mut String) {
    let known =
        |[low, likely, high]: [f64; 3]| [low, likely, high].map(|db| if db.is_finite() { db.max(0.0) } else { 0.0 });
    let mut sum = 0.0;
    let mut deepest = known(line.loss_db)[2];
    for piece in &line.pieces {
        let [_, likely, high] = known(piece.loss_db);
        deepest = deepest.max(sum + high);
        sum += likely;
    }
    if deepest <= 0.0 {
        return;
    }
    let modelled = if line.measured.is_some() { "Modelled loss" } else { "Loss" };
    put!(
        out,
        "<figure class=\"panel\"><figcaption>{modelled} at {}, piece by piece</figcaption><ul class=\"drops\">",
        frequency(line.nyquist_ghz)
    );
    let mut sum = 0.0;
    for piece in &line.pieces {
        let loss = known(piece.loss_db);
        put!(out, "<li><span>{}</span>", Name(&piece.name));
        loss_cells(piece.loss_db, out);
        drop_bar(sum, loss, piece.weak, deepest, out);
        put!(out, "</li>");
        sum += loss[1];
    }
    put!(out, "<li class=\"sum-row\"><span>all pieces</span>");
    loss_cells(line.loss_db, out);
    put!(out, "</li></ul></figure>");
}

/// A bar that begins where the one above it ends; hatched where the figure is weak, with a line from low to high.
fn drop_bar(from: f64, [low, likely, high]: [f64; 3], weak: bool, deepest: f64, out: &mut String) {
    const WIDTH: f64 = 340.0;
    const HEIGHT: f64 = 9.0;
    let at = |db: f64| (db / deepest).clamp(0.0, 1.0) * (WIDTH - 1.0);
    let (x, width) = (at(from), (at(from + likely) - at(from)).max(1.0));
    put!(
        out,
        "<svg class=\"bar\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"track\" x=\"0\" y=\"{:.1}\" width=\"{WIDTH}\" height=\"1\"/>\
         <rect class=\"drop\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{HEIGHT}\"/>",
        HEIGHT / 2.0 - 0.5
    );
    if weak {
        put!(out, "<rect class=\"weak\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{HEIGHT}\"/>");
    }
    let (low, high) = (at(from + low), at(from + high));
    if high - low > 1.2 {
        put!(out, "<path class=\"whisker\" d=\"M{low:.1} 2v5m0 -2.5H{high:.1}m0 -2.5v5\"/>");
    }
    put!(out, "</svg>");
}

/// A curve's value at a frequency between two of its points.
fn value_at(curve: &[[f64; 2]], ghz: f64) -> Option<f64> {
    let above = curve.partition_point(|point| point[0] < ghz);
    let [f1, high] = *curve.get(above)?;
    let Some([f0, low]) = above.checked_sub(1).and_then(|below| curve.get(below)).copied() else {
        return (f1 == ghz).then_some(high);
    };
    Some(low + (high - low) * (ghz - f0) / (f1 - f0)).filter(|value| value.is_finite())
}

/// Loss over frequency, with its band.
fn insertion_loss(lane: &Lane, out: &mut String) {
    let line = &lane.line;
    let Some([top, _]) = line.insertion_loss.last().copied().filter(|last| last[0] > 0.0) else { return };
    let (unit, factor) = if top < 1.0 { ("MHz", 1e3) } else { ("GHz", 1.0) };
    let points = |curve: &[[f64; 2]]| -> Vec<(f64, f64)> { curve.iter().map(|[f, db]| (f * factor, *db)).collect() };
    let [low, high] = [points(&lane.bands[0]), points(&lane.bands[1])];
    let likely = points(&line.insertion_loss);
    let deepest = high.iter().chain(&likely).map(|p| p.1).filter(|db| db.is_finite()).fold(1.0, f64::max);
    let nyquist = value_at(&line.insertion_loss, line.nyquist_ghz);
    let words = |db: Option<f64>| db.map_or_else(|| "not known".to_string(), |db| Measure::Decibels.show(db));
    let measured = if line.measured.is_some() { ", measured" } else { "" };
    put!(out, "<figure class=\"panel\"><figcaption>Insertion loss{measured}</figcaption>");
    let mut chart = Chart::open(
        out,
        SIZE,
        (Axis::linear(0.0, top * factor), unit),
        (Axis::falling((deepest * 1.04).min(DEEPEST_DB)), "dB"),
        &format!("Insertion loss, {} at Nyquist", words(nyquist)),
    );
    let has_band = !low.is_empty() && !high.is_empty();
    if has_band {
        chart.area("p0", &low, &high);
    }
    chart.upright("instant", line.nyquist_ghz * factor);
    chart.curve("p0 thick", &likely);
    if let Some(db) = nyquist.filter(|db| *db <= DEEPEST_DB) {
        let at = (line.nyquist_ghz * factor, db);
        chart.dot("cursor", at, 3.6, &format!("{} at {}", words(nyquist), frequency(line.nyquist_ghz)));
    }
    chart.close();
    let mut entries = vec![
        ("p0", format!("{}{} at Nyquist", if has_band { "likely, " } else { "" }, words(nyquist))),
        ("instant", format!("Nyquist, {}", frequency(line.nyquist_ghz))),
    ];
    if has_band {
        let [low, high] = [&lane.bands[0], &lane.bands[1]].map(|band| value_at(band, line.nyquist_ghz));
        let range =
            low.zip(high).map_or_else(String::new, |(low, high)| format!(", {}", Measure::Decibels.range(low, high)));
        entries.insert(1, ("area p0", format!("low to high{range}")));
    }
    key(out, &entries);
    put!(out, "</figure>");
}

/// The equalised pulse about its cursor.
fn pulse(slicer: &SlicerView, out: &mut String) {
    let (samples, per_ui, cursor) = (&slicer.pulse_mv, slicer.samples_per_ui.max(1), slicer.cursor);
    let from = cursor.saturating_sub(SHOWN_UI.0 * per_ui);
    let to = (cursor + SHOWN_UI.1 * per_ui + 1).min(samples.len());
    let Some(main) = samples.get(cursor).copied().filter(|main| main.is_finite()) else { return };
    let shown = &samples[from..to];
    let ui = |at: usize| (at as f64 - cursor as f64) / per_ui as f64;
    let (low, high) =
        shown.iter().filter(|v| v.is_finite()).fold((0.0_f64, main), |(low, high), v| (low.min(*v), high.max(*v)));
    if high <= low {
        return;
    }
    let room = 0.06 * (high - low);
    let main = format!("{} mV", number::decimals(main, 1));
    put!(out, "<figure class=\"panel\"><figcaption>Pulse response behind the equalisers</figcaption>");
    let mut chart = Chart::open(
        out,
        SIZE,
        (Axis::whole(-(SHOWN_UI.0 as f64), SHOWN_UI.1 as f64), "UI from the sampling instant"),
        (Axis::linear(low - room, high + room), "mV"),
        &format!("Pulse response, cursor {main}"),
    );
    chart.level("zero", 0.0);
    chart.upright("instant", 0.0);
    // Eight points to a symbol, the sampling instants among them.
    let step = (per_ui / 8).max(1);
    let first = from + (cursor - from) % step;
    let points: Vec<(f64, f64)> = (first..to).step_by(step).map(|at| (ui(at), samples[at])).collect();
    chart.curve("p0 thick", &points);
    for at in (from + (cursor - from) % per_ui..to).step_by(per_ui) {
        let words = format!("{} UI: {} mV", number::decimals(ui(at), 0), number::decimals(samples[at], 2));
        let (class, radius) = if at == cursor { ("cursor", 3.6) } else { ("rest", 1.8) };
        chart.dot(class, (ui(at), samples[at]), radius, &words);
    }
    chart.close();
    key(
        out,
        &[("p1 spot", format!("cursor, {main}")), ("rest", "other symbols' instants, before decision feedback".into())],
    );
    put!(out, "</figure>");
}

/// The eye at the error ratio that it is judged at, and what it is judged against.
fn eye_of(lane: &Lane, slicer: &SlicerView, out: &mut String) {
    let Some(picture) = &slicer.eye else { return };
    put!(out, "<figure class=\"panel\"><figcaption>Statistical eye</figcaption>");
    eye::draw(picture, SIZE, Some(&eye_words(picture)), out);
    if let Some(by_symbol) = lane.line.com_by_symbol_db {
        put!(
            out,
            "<p class=\"note\">Symbols decided one by one: COM {}. The receiver detects sequences, which an eye does not \
             show.</p>",
            Measure::Decibels.show(by_symbol)
        );
    }
    put!(out, "</figure>");
}

/// Height and width in the figures that the lane's reasons have.
fn eye_words(picture: &EyePicture) -> String {
    let at = ratio(picture.target);
    if picture.height_mv() <= 0.0 {
        return format!("closed at {at} by {} mV", number::decimals(-picture.height_mv(), 1));
    }
    let smallest = if picture.openings.len() > 1 { ", the smallest of the eyes" } else { "" };
    let bound = if picture.openings.iter().any(|opening| opening.width_is_bound) { "at least " } else { "" };
    format!(
        "open at {at}: {} mV, {bound}{} UI{smallest}",
        number::decimals(picture.height_mv(), 1),
        number::decimals(picture.width_ui(), 2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_read_between_their_points_and_never_beyond() {
        let curve = [[1.0, 2.0], [3.0, 8.0], [4.0, 8.5]];
        assert_eq!(value_at(&curve, 2.0), Some(5.0));
        assert_eq!(value_at(&curve, 1.0), Some(2.0));
        assert_eq!(value_at(&curve, 4.0), Some(8.5));
        assert_eq!((value_at(&curve, 0.5), value_at(&curve, 4.1), value_at(&[], 1.0)), (None, None, None));
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(some_of(&["a", "b<"], 2, "; "), "a; b&lt;");
        assert_eq!(some_of(&["a", "b", "c", "d"], 2, ", "), "a, b, 2 more");
    }
}
