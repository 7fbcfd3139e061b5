//! The bill of materials.

use super::bar::Spread;
use super::escape::Name;
use super::page::Page;
use super::survey::Survey;
use super::table::{self, Table};
use super::words;
use crate::number::Measure;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let bom = &survey.plan().bom;
    if bom.is_empty() {
        return;
    }
    const COLUMNS: &[table::Column] = &[
        table::text("Part"),
        table::prose("Name"),
        table::text("Kind"),
        table::number("Length"),
        table::number("Count"),
        table::number("Price each"),
        table::number("Price all"),
        table::number("Low to high"),
        table::number("Weak"),
        table::text("Remark"),
    ];
    page.section("bom", "Bill of materials", |out| {
        let mut table = Table::open(out, "bom-table", "Bill of materials", COLUMNS);
        for line in bom {
            let price = Spread::from(line.price);
            let each = line.unit_price.map(|price| price.likely.0);
            table
                .cell(&format!("<code>{}</code>", Name(&line.id)))
                .cell(&Name(&line.name).to_string())
                .cell(words::kind(line.kind))
                .value(line.length.map(|l| l.0), &line.length.map_or(String::new(), |l| Measure::Metres.show(l.0)))
                .value(Some(line.count), &Measure::Count.show(line.count))
                .value(each, &each.map_or("unknown".to_string(), |each| Measure::Usd.show(each)));
            if each.is_none() || line.inside_assembly {
                table.value(None, "").value(None, "").value(None, "");
            } else {
                table
                    .value(Some(price.likely), &Measure::Usd.show(price.likely))
                    .value(Some(price.high), &price.range(Measure::Usd))
                    .value(Some(price.weak), &Measure::Share.show(price.weak));
            }
            table.cell(if line.inside_assembly { "in the price of its assembly" } else { "" });
        }
        table.close();
    });
}
