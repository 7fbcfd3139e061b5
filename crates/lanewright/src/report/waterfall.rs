//! Loss budgets of link classes, piece by piece from bump to bump against what the SerDes recovers.

use lanewright_model::figure::Band;
use lanewright_model::system::{DomainId, LinkSetId};
use lanewright_plan::plan::{LinkClass, LossBudget, MediaOption};

use super::escape::{Escaped, Name};
use super::page::Page;
use super::survey::Survey;
use super::text;
use super::words;
use crate::number::{self, Measure};

/// Drawings shown in all before the rest is folded away.
const OPEN: usize = 24;

/// Classes with one and the same budget.
struct Case<'a> {
    class: &'a LinkClass,
    choice: &'a MediaOption,
    sets: Vec<LinkSetId>,
    links: u64,
    lengths: (f64, f64),
}

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let cases = cases(&survey.plan().classes);
    if cases.is_empty() {
        return;
    }
    page.section("loss", "Loss budgets", |out| {
        put!(
            out,
            "<p class=\"note\">Insertion loss at Nyquist, likely values, stacked from bump to bump; the grey band is the \
             budget, low to high; a dashed line marks what a design keeps in hand. For optical media this is the \
             electrical part between host and module. Worst margins first.</p>"
        );
        // Domains in the order of their worst margin; the cases are sorted already.
        let mut domains: Vec<DomainId> = Vec::new();
        for case in &cases {
            if !domains.contains(&case.class.domain) {
                domains.push(case.class.domain);
            }
        }
        let each = (OPEN / domains.len()).max(2);
        let mut spare = OPEN;
        for domain in domains {
            let of_domain: Vec<&Case<'_>> = cases.iter().filter(|case| case.class.domain == domain).collect();
            put!(out, "<h3>{}</h3>", Name(survey.domain_name(domain)));
            let shown = if cases.len() <= OPEN { of_domain.len() } else { of_domain.len().min(each).min(spare.max(2)) };
            spare = spare.saturating_sub(shown);
            let (open, folded) = of_domain.split_at(shown);
            draw_all(survey, open, out);
            if !folded.is_empty() {
                put!(out, "<details><summary>{} more with larger margins</summary>", words::plural(folded.len() as u64, "budget"));
                draw_all(survey, folded, out);
                put!(out, "</details>");
            }
        }
    });
}

fn cases(classes: &[LinkClass]) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for class in classes {
        let Some(choice) = class.choice.as_ref().filter(|choice| !choice.loss.items.is_empty()) else { continue };
        let (low, high) = (class.length_min.0, class.length_max.0);
        let twin = cases.iter_mut().find(|case| {
            case.class.domain == class.domain
                && case.class.protocol == class.protocol
                && case.choice.medium == choice.medium
                && same_budget(&case.choice.loss, &choice.loss)
        });
        match twin {
            Some(case) => {
                if !case.sets.contains(&class.set) {
                    case.sets.push(class.set);
                }
                case.links += u64::from(class.links);
                case.lengths = (case.lengths.0.min(low), case.lengths.1.max(high));
            }
            None => {
                cases.push(Case {
                    class,
                    choice,
                    sets: vec![class.set],
                    links: class.links.into(),
                    lengths: (low, high),
                });
            }
        }
    }
    cases.sort_by(|a, b| a.choice.loss.margin.likely.total_cmp(&b.choice.loss.margin.likely));
    cases
}

fn same_budget(a: &LossBudget, b: &LossBudget) -> bool {
    a.nyquist == b.nyquist
        && a.budget == b.budget
        && a.items.len() == b.items.len()
        && a.items.iter().zip(&b.items).all(|(a, b)| a.name == b.name && a.loss == b.loss)
}

fn draw_all(survey: &Survey<'_>, cases: &[&Case<'_>], out: &mut String) {
    put!(out, "<div class=\"falls\">");
    for case in cases {
        let loss = &case.choice.loss;
        let lengths = Measure::Metres.range(case.lengths.0, case.lengths.1);
        put!(
            out,
            "<figure class=\"fall\"><figcaption><b>{}</b> <i class=\"dot {}\"></i>{}<br><span class=\"note\">{} · {} · {} · {}</span></figcaption>",
            set_names(survey, &case.sets),
            words::medium_class(Some(case.choice.medium)),
            words::medium(Some(case.choice.medium)),
            words::plural(case.links, "link"),
            Name(survey.protocol(case.class).0),
            lengths,
            frequency(loss.nyquist.0),
        );
        draw(case, out);
        let margin = loss.margin;
        let reserve = loss.reserve.likely.0;
        let class = if margin.likely < reserve {
            "bad"
        } else if margin.low < reserve {
            "risk"
        } else {
            "good"
        };
        put!(
            out,
            "<p class=\"margin\"><span class=\"badge {class}\">margin {}</span> <span class=\"range\">{}</span>{}</p></figure>",
            Measure::Decibels.show(margin.likely),
            if margin.low == margin.high { String::new() } else { Measure::Decibels.range(margin.low, margin.high) },
            if loss.weak_share > 0.0 {
                format!(" <span class=\"note\">{} on weak figures</span>", Measure::Share.show(loss.weak_share))
            } else {
                String::new()
            }
        );
    }
    put!(out, "</div>");
}

/// A frequency in GHz, or in MHz below one.
pub fn frequency(ghz: f64) -> String {
    if ghz < 1.0 {
        format!("{}\u{A0}MHz", number::plain((ghz * 1e4).round() / 10.0))
    } else {
        format!("{}\u{A0}GHz", number::figures(ghz, 6))
    }
}

/// Names of link sets that share something: the first two, and how many more.
pub fn set_names(survey: &Survey<'_>, sets: &[LinkSetId]) -> String {
    let mut names: Vec<String> = sets.iter().take(2).map(|set| Name(survey.link_set_name(*set)).to_string()).collect();
    if sets.len() > 2 {
        names.push(format!("{} more", sets.len() - 2));
    }
    names.join(", ")
}

/// The drawing: a row for each piece, falling to the right.
fn draw(case: &Case<'_>, out: &mut String) {
    const WIDTH: f64 = 380.0;
    const LEFT: f64 = 160.0;
    const RIGHT: f64 = 342.0;
    const RIGHT_EDGE: f64 = WIDTH - 2.0;
    const ROW: f64 = 17.0;
    const FONT: f64 = 10.5;
    let loss = &case.choice.loss;
    let sum =
        |pick: fn(&Band<f64>) -> f64| -> f64 { loss.items.iter().map(|item| pick(&item.loss.map(|l| l.0))).sum() };
    let (likely, high) = (sum(|b| b.likely), sum(|b| b.high));
    let budget = loss.budget.map(|b| b.0);
    let scale = budget.high.max(high).max(1e-6) * 1.03;
    let at = |db: f64| LEFT + (db / scale).clamp(0.0, 1.0) * (RIGHT - LEFT);
    let rows = loss.items.len() as f64 + 1.0;
    let top = 16.0;
    let height = top + rows * ROW + 4.0;
    put!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Loss {} against a budget of {}\">",
        Measure::Decibels.show(likely),
        Measure::Decibels.show(budget.likely)
    );
    put!(
        out,
        "<rect class=\"budget\" x=\"{:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.1}\"/><path class=\"axis\" d=\"M{LEFT} {top}V{:.1}\"/>\
         <path class=\"limit\" d=\"M{:.1} {:.1}V{:.1}\"/>",
        at(budget.low),
        (at(budget.high) - at(budget.low)).max(0.5),
        rows * ROW,
        top + rows * ROW,
        at(budget.likely),
        top - 3.0,
        top + rows * ROW
    );
    if loss.reserve.likely.0 > 0.0 {
        put!(
            out,
            "<path class=\"reserve\" d=\"M{:.1} {top}v{:.1}\"><title>kept in hand: {}</title></path>",
            at(budget.likely - loss.reserve.likely.0),
            rows * ROW,
            Measure::Decibels.show(loss.reserve.likely.0)
        );
    }
    let shown = format!("budget {}", number::decimals(budget.likely, 1));
    let half = text::width(&shown, FONT) / 2.0;
    put!(
        out,
        "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{shown}</text>",
        at(budget.likely).clamp(LEFT + half, WIDTH - half),
        top - 5.5
    );
    let mut start = 0.0;
    for (i, item) in loss.items.iter().enumerate() {
        let y = top + i as f64 * ROW;
        let (from, to) = (at(start), at(start + item.loss.likely.0));
        let bar = y + 3.0;
        put!(
            out,
            "<text x=\"2\" y=\"{:.1}\"><title>{}</title>{}</text>",
            y + 12.0,
            Escaped(&item.name),
            Escaped(&text::fit(&item.name, FONT, LEFT - 8.0))
        );
        put!(
            out,
            "<rect class=\"piece\" x=\"{from:.1}\" y=\"{bar:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            (to - from).max(0.8),
            ROW - 6.0
        );
        if item.weak {
            put!(
                out,
                "<rect class=\"weak\" x=\"{from:.1}\" y=\"{bar:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                (to - from).max(0.8),
                ROW - 6.0
            );
        }
        let (low, high) = (at(start + item.loss.low.0), at(start + item.loss.high.0));
        if high - low > 1.2 {
            put!(
                out,
                "<path class=\"whisker\" d=\"M{low:.1} {:.1}v5m0 -2.5H{high:.1}m0 -2.5v5\"/>",
                y + ROW / 2.0 - 2.5
            );
        }
        // The step down to the next piece.
        put!(out, "<path class=\"step\" d=\"M{to:.1} {:.1}v{:.1}\"/>", bar + ROW - 6.0, 6.0);
        put!(
            out,
            "<text class=\"value\" x=\"{RIGHT_EDGE}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            y + 12.0,
            number::decimals(item.loss.likely.0, 1)
        );
        start += item.loss.likely.0;
    }
    let y = top + loss.items.len() as f64 * ROW;
    let (from, to) = (at(start.min(budget.likely)), at(start.max(budget.likely)));
    let class = if start <= budget.likely { "good" } else { "bad" };
    let (word, value) =
        if start <= budget.likely { ("margin", budget.likely - start) } else { ("over budget", start - budget.likely) };
    put!(
        out,
        "<text x=\"2\" y=\"{:.1}\">{word}</text><rect class=\"gap {class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
         <text class=\"value\" x=\"{RIGHT_EDGE}\" y=\"{:.1}\" text-anchor=\"end\">{}</text></svg>",
        y + 12.0,
        y + 3.0,
        (to - from).max(0.8),
        ROW - 6.0,
        y + 12.0,
        number::decimals(value, 1)
    );
}
