//! Failures: random ones and wear-out kept apart, spares, availability.

use lanewright_plan::plan::Urgency;

use super::bar::Spread;
use super::escape::Name;
use super::page::Page;
use super::survey::Survey;
use super::table::{self, Table};
use super::words;
use crate::number::{self, Measure};

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let reliability = &survey.plan().reliability;
    if reliability.parts.is_empty() && reliability.wearout.is_empty() && reliability.availability.is_empty() {
        return;
    }
    page.section("reliability", "Reliability and spares", |out| {
        availability(survey, out);
        random(survey, out);
        wearout(survey, out);
    });
}

fn availability(survey: &Survey<'_>, out: &mut String) {
    let list = &survey.plan().reliability.availability;
    if list.is_empty() {
        return;
    }
    put!(
        out,
        "<h3>Availability of scale-up domains</h3><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Availability\"><table><thead><tr><th>Domain</th>\
         <th class=\"n\">Instances</th><th class=\"n\">Accelerators</th><th class=\"n\">Needed</th>\
         <th class=\"n\">Likely</th><th class=\"n\">Low to high</th><th class=\"n\">Out of service</th></tr></thead><tbody>"
    );
    for line in list {
        let band = line.availability;
        put!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\"><b>{}</b></td>\
             <td class=\"n\">{} to {}</td><td class=\"n\">{} a year each</td></tr>",
            Name(&line.domain),
            number::count(line.instances.into()),
            number::count(line.accelerators.into()),
            number::count(line.needed.into()),
            Measure::Availability.show(band.likely),
            Measure::Availability.show(band.low),
            Measure::Availability.show(band.high),
            Measure::Hours.show(line.down_hours_per_year)
        );
    }
    put!(out, "</tbody></table></div>");
}

fn random(survey: &Survey<'_>, out: &mut String) {
    let reliability = &survey.plan().reliability;
    if reliability.parts.is_empty() {
        return;
    }
    let site = &survey.system.site;
    put!(
        out,
        "<h3>Random failures</h3><p class=\"note\">Constant rates (FIT). Spares cover {} days of lead time with a \
         probability of {}.</p>",
        number::plain(site.spare_lead_days),
        Measure::Share.show(site.spare_service_level)
    );
    const COLUMNS: &[table::Column] = &[
        table::text("Part"),
        table::text("Kind"),
        table::number("In service"),
        table::number("Failures a year"),
        table::number("Low to high"),
        table::number("Spares"),
        table::text("Repair"),
        table::prose("What a failure takes down"),
    ];
    let mut parts: Vec<_> = reliability.parts.iter().collect();
    parts.sort_by(|a, b| {
        b.failures_per_year.likely.total_cmp(&a.failures_per_year.likely).then_with(|| a.id.cmp(&b.id))
    });
    let mut table = Table::open(out, "failures", "Random failures by part", COLUMNS);
    for part in parts {
        let spread = Spread::from(part.failures_per_year);
        let (class, urgency) = match part.urgency {
            Urgency::Urgent => ("bad", "urgent"),
            Urgency::Soon => ("risk", "soon"),
            Urgency::Planned => ("none", "planned"),
        };
        table
            .cell(&format!("<code>{}</code>", Name(&part.id)))
            .cell(words::kind(part.kind))
            .value(Some(part.count), &Measure::Count.show(part.count))
            .value(Some(spread.likely), &Measure::PerYear.show(spread.likely))
            .value(Some(spread.high), &spread.range(Measure::PerYear))
            .value(Some(part.spares.into()), &number::count(part.spares.into()))
            .cell(&format!("<span class=\"badge {class}\">{urgency}</span>"))
            .cell(&Name(&part.effect).to_string());
    }
    table.close();
}

fn wearout(survey: &Survey<'_>, out: &mut String) {
    let list = &survey.plan().reliability.wearout;
    if list.is_empty() {
        return;
    }
    put!(
        out,
        "<h3>Wear-out</h3><p class=\"note\">Ageing (two-parameter Weibull), apart from the random failures above and \
         not in their sums. Over {} of life.</p>",
        Measure::Years.show(survey.system.site.life.0)
    );
    const COLUMNS: &[table::Column] = &[
        table::text("Part"),
        table::number("In service"),
        table::number("Characteristic life"),
        table::number("Shape"),
        table::number("Worn by the end"),
        table::number("Low to high"),
        table::number("Replacements"),
        table::text("Basis"),
    ];
    let mut table = Table::open(out, "wearout", "Wear-out by part", COLUMNS);
    for part in list {
        table
            .cell(&format!("<code>{}</code>", Name(&part.id)))
            .value(Some(part.count), &Measure::Count.show(part.count))
            .value(Some(part.life.likely.0), &Measure::Years.show(part.life.likely.0))
            .value(Some(part.shape), &number::plain(part.shape))
            .value(Some(part.worn_by_end.likely), &Measure::Share.show(part.worn_by_end.likely))
            .value(Some(part.worn_by_end.high), &Spread::from(part.worn_by_end).range(Measure::Share))
            .value(Some(part.replacements.likely), &Measure::Count.show(part.replacements.likely))
            .cell(if part.weak { "<span class=\"badge weak\">weak</span>" } else { "" });
    }
    table.close();
}
