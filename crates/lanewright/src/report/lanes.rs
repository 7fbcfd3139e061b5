//! Electrical lanes: how each class was judged, what it loses over frequency, and the pulse that its receiver slices.

use lanewright_twin::lanes::{Lane, LaneLine};

use super::escape::{Escaped, Name};
use super::page::Page;
use super::survey::Survey;
use crate::terminal::lanes::power_of_ten;

/// Width and height of a plot's inside in the drawing's units.
const PLOT: (f64, f64) = (300.0, 140.0);
/// Room for numbers at the left and below.
const MARGIN: (f64, f64) = (40.0, 24.0);
/// Most lanes that are shown before the rest is folded away.
const OPEN_LANES: usize = 8;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let lanes = &survey.review.curves;
    if lanes.is_empty() {
        return;
    }
    page.section("lanes", "Electrical lanes", |out| {
        put!(
            out,
            "<p class=\"note\">Each class of links is judged by its worst stretch between two chips: by channel operating margin or by the eye of a reference receiver where there is one, else by its loss at Nyquist. Modelled channels are estimates made of catalogue parts; bands are the parts' bands, all low or all high.</p>"
        );
        table(lanes, out);
        // Worst first: what fails is what is looked for.
        let mut order: Vec<&Lane> = lanes.iter().collect();
        order.sort_by_key(|lane| (rank(&lane.line), lane.line.class));
        let (open, folded) = order.split_at(order.len().min(OPEN_LANES));
        open.iter().for_each(|lane| details(lane, out));
        if !folded.is_empty() {
            put!(out, "<details><summary>{} more</summary>", folded.len());
            folded.iter().for_each(|lane| details(lane, out));
            put!(out, "</details>");
        }
    });
}

fn rank(line: &LaneLine) -> u8 {
    match line.status.as_str() {
        "broken" => 0,
        "at-risk" => 1,
        _ => 2,
    }
}

fn table(lanes: &[Lane], out: &mut String) {
    put!(
        out,
        "<div class=\"scroll\"><table><thead><tr><th>Link</th><th>Lane</th><th>Choice</th><th class=\"num\">Loss at Nyquist</th><th>Judged</th><th class=\"num\">Bit errors</th><th class=\"num\">Frames lost</th><th>SerDes</th><th>Status</th></tr></thead><tbody>"
    );
    for Lane { line, .. } in lanes {
        let ratio =
            |found: Option<[f64; 3]>| found.map_or_else(|| "–".to_string(), |[_, likely, _]| power_of_ten(likely));
        put!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"num\">{:.1} dB</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{}</td><td>{}</td></tr>",
            Name(&line.set),
            Name(&line.technology),
            Escaped(&line.choice),
            line.loss_db[1],
            Escaped(&line.why),
            Escaped(&ratio(line.ber)),
            Escaped(&ratio(line.flr)),
            Escaped(line.serdes.as_deref().map_or("–", |id| id.trim_start_matches("serdes/"))),
            Escaped(&line.status),
        );
    }
    put!(out, "</tbody></table></div>");
}

fn details(lane: &Lane, out: &mut String) {
    let line = &lane.line;
    put!(out, "<h3>{}: {}</h3>", Name(&line.set), Escaped(&line.choice));
    put!(out, "<p class=\"note\">{}. {}.", Escaped(&line.why), Escaped(&line.receiver));
    if let (Some(fec), Some([low, likely, high])) = (&line.fec, line.fec_latency_ns) {
        put!(out, " Behind {}: {likely:.0} ns ({low:.0} to {high:.0}) added.", Escaped(fec));
    }
    if let (Some(class), Some([low, likely, high])) = (&line.serdes, line.serdes_pj_per_bit) {
        put!(out, " The loss asks for {}: {likely:.2} pJ/bit ({low:.2} to {high:.2}).", Escaped(class));
    }
    put!(out, "</p><div class=\"lane-plots\">");
    waterfall(line, out);
    insertion_loss(lane, out);
    pulse(lane, out);
    put!(out, "</div>");
}

fn open_svg(label: &str, out: &mut String) {
    put!(
        out,
        "<svg viewBox=\"0 0 {:.0} {:.0}\" role=\"img\" aria-label=\"{}\" style=\"max-width:380px\">",
        PLOT.0 + MARGIN.0 + 10.0,
        PLOT.1 + MARGIN.1 + 18.0,
        Escaped(label)
    );
    put!(out, "<text x=\"{:.0}\" y=\"11\">{}</text>", MARGIN.0, Escaped(label));
    put!(
        out,
        "<rect x=\"{:.0}\" y=\"16\" width=\"{:.0}\" height=\"{:.0}\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.3\"/>",
        MARGIN.0,
        PLOT.0,
        PLOT.1
    );
}

/// Where each dB of the likely loss goes.
fn waterfall(line: &LaneLine, out: &mut String) {
    let all = line.loss_db[2].max(line.loss_db[1]);
    if line.pieces.is_empty() || !all.is_finite() || all <= 0.0 {
        return;
    }
    open_svg(&format!("Loss at {:.1} GHz, piece by piece (dB)", line.nyquist_ghz), out);
    let row = PLOT.1 / line.pieces.len() as f64;
    let mut sum = 0.0;
    for (at, piece) in line.pieces.iter().enumerate() {
        let x = |db: f64| MARGIN.0 + db / all * PLOT.0;
        let y = 16.0 + at as f64 * row;
        let likely = piece.loss_db[1].max(0.0);
        put!(
            out,
            "<rect class=\"piece p{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}: {:.1} dB ({:.1} to {:.1})</title></rect>",
            at % 8,
            x(sum),
            y + row * 0.15,
            (x(sum + likely) - x(sum)).max(0.5),
            row * 0.7,
            Escaped(&piece.name),
            likely,
            piece.loss_db[0],
            piece.loss_db[2]
        );
        put!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"9\" text-anchor=\"{}\">{} {:.1}</text>",
            if x(sum) > MARGIN.0 + PLOT.0 / 2.0 { x(sum) - 3.0 } else { x(sum + likely) + 3.0 },
            y + row / 2.0 + 3.0,
            if x(sum) > MARGIN.0 + PLOT.0 / 2.0 { "end" } else { "start" },
            Escaped(&piece.name),
            likely
        );
        sum += likely;
    }
    put!(out, "</svg>");
}

/// Loss over frequency, with its band.
fn insertion_loss(lane: &Lane, out: &mut String) {
    let curve = &lane.line.insertion_loss;
    let Some([top, _]) = curve.last() else { return };
    let most = lane.bands[1].iter().chain(curve).map(|p| p[1]).filter(|v| v.is_finite()).fold(10.0, f64::max).min(80.0);
    open_svg("Insertion loss (dB) over frequency (GHz)", out);
    let at = |[f, loss]: [f64; 2]| (MARGIN.0 + f / top * PLOT.0, 16.0 + (loss / most).clamp(0.0, 1.0) * PLOT.1);
    let points = |line: &[[f64; 2]], out: &mut String| {
        for (number, point) in line.iter().enumerate() {
            let (x, y) = at(*point);
            put!(out, "{}{x:.1} {y:.1}", if number == 0 { "M" } else { "L" });
        }
    };
    for band in lane.bands.iter().filter(|band| !band.is_empty()) {
        put!(out, "<path fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.35\" d=\"");
        points(band, out);
        put!(out, "\"/>");
    }
    put!(out, "<path fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\" d=\"");
    points(curve, out);
    let nyquist = MARGIN.0 + lane.line.nyquist_ghz / top * PLOT.0;
    put!(
        out,
        "\"/><path fill=\"none\" stroke=\"currentColor\" stroke-dasharray=\"3 3\" stroke-opacity=\"0.6\" d=\"M{nyquist:.1} 16V{:.1}\"/>",
        16.0 + PLOT.1
    );
    axis(&format!("{top:.0}"), &format!("{most:.0}"), out);
}

/// The equalised pulse about its cursor.
fn pulse(lane: &Lane, out: &mut String) {
    let Some((samples, per_ui, cursor)) = &lane.pulse else { return };
    let (from, to) = (cursor.saturating_sub(4 * per_ui), (cursor + 12 * per_ui).min(samples.len()));
    let Some(shown) = samples.get(from..to).filter(|shown| shown.len() > 1) else { return };
    let (low, high) = shown.iter().fold((0.0_f64, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
    if !(high - low).is_finite() || high - low <= 0.0 {
        return;
    }
    open_svg("Pulse behind the equalisers, before feedback (mV) over unit intervals", out);
    let x = |at: usize| MARGIN.0 + at as f64 / (shown.len() - 1) as f64 * PLOT.0;
    let y = |v: f64| 16.0 + (high - v) / (high - low) * PLOT.1;
    put!(out, "<path fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\" d=\"");
    for (at, v) in shown.iter().enumerate().step_by((per_ui / 8).max(1)) {
        put!(out, "{}{:.1} {:.1}", if at == 0 { "M" } else { "L" }, x(at), y(*v));
    }
    put!(out, "\"/>");
    let mut at = (cursor - from) % per_ui;
    while at < shown.len() {
        put!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\" fill=\"currentColor\"/>", x(at), y(shown[at]));
        at += per_ui;
    }
    axis("12", &format!("{low:.0}"), out);
}

fn axis(right: &str, bottom: &str, out: &mut String) {
    put!(
        out,
        "<text font-size=\"9\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text><text font-size=\"9\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text></svg>",
        MARGIN.0 + PLOT.0,
        16.0 + PLOT.1 + 12.0,
        Escaped(right),
        MARGIN.0 - 3.0,
        16.0 + PLOT.1,
        Escaped(bottom)
    );
}
