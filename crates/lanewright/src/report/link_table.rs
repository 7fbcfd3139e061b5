//! Every class of links in one table.

use lanewright_model::system::PartId;
use lanewright_plan::plan::LinkClass;

use super::bar::Spread;
use super::escape::Name;
use super::page::Page;
use super::survey::Survey;
use super::table::{self, Table};
use super::words;
use crate::number::{self, Measure};

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let plan = survey.plan();
    if plan.classes.is_empty() {
        return;
    }
    const COLUMNS: &[table::Column] = &[
        table::text("Link set"),
        table::text("Domain"),
        table::text("From"),
        table::text("To"),
        table::text("Protocol"),
        table::text("Medium"),
        table::prose("Choice"),
        table::number("Links"),
        table::number("Cables"),
        table::number("Length"),
        table::number("Margin"),
        table::number("Latency"),
        table::number("Power each"),
        table::number("Price each"),
        table::number("Price all"),
    ];
    page.section("links", "Links", |out| {
        let mut table = Table::open(out, "link-table", "Classes of equal links", COLUMNS);
        for class in &plan.classes {
            row(survey, class, &mut table);
        }
        table.close();
    });
}

/// Part and port group of an end.
pub fn end_name(survey: &Survey<'_>, (part, group): (PartId, u32)) -> String {
    match survey.part(part) {
        Some(part) => match part.port.get(group as usize) {
            Some(port) => format!("{} <span class=\"note\">{}</span>", Name(&part.id.value), Name(&port.id.value)),
            None => Name(&part.id.value).to_string(),
        },
        None => "?".to_string(),
    }
}

/// Shortest to longest length of a class.
pub fn lengths(class: &LinkClass) -> String {
    Measure::Metres.range(class.length_min.0, class.length_max.0)
}

fn row(survey: &Survey<'_>, class: &LinkClass, table: &mut Table<'_>) {
    let choice = class.choice.as_ref();
    let medium = choice.map(|c| c.medium);
    table
        .cell(&Name(survey.link_set_name(class.set)).to_string())
        .cell(&Name(survey.domain_name(class.domain)).to_string())
        .cell(&end_name(survey, class.a))
        .cell(&end_name(survey, class.b))
        .cell(&format!("<code>{}</code>", Name(survey.protocol(class).0)))
        .cell(&format!("<i class=\"dot {}\"></i>{}", words::medium_class(medium), words::medium(medium)))
        .cell(&choice.map_or(String::new(), |c| Name(&c.name).to_string()))
        .value(Some(class.links.into()), &number::count(class.links.into()))
        .value(Some(class.cables.into()), &number::count(class.cables.into()))
        .value(Some(class.length_max.0), &lengths(class));
    let Some(choice) = choice else {
        for _ in 0..5 {
            table.value(None, "");
        }
        return;
    };
    let margin = Spread::from(choice.loss.margin);
    if choice.loss.items.is_empty() {
        table.value(None, "");
    } else {
        table.value(Some(margin.likely), &Measure::Decibels.show(margin.likely));
    }
    let price = choice.capex.likely.0;
    table
        .value(Some(choice.latency.likely.0), &Measure::Nanoseconds.show(choice.latency.likely.0))
        .value(Some(choice.power.likely.0), &Measure::Watts.show(choice.power.likely.0))
        .value(Some(price), &Measure::Usd.show(price))
        .value(Some(price * f64::from(class.cables)), &Measure::Usd.show(price * f64::from(class.cables)));
}
