//! Bandwidths of collective operations, as NCCL's tests count them.

use super::survey::{self, Survey};
use crate::number;
use crate::report::escape::Escaped;
use crate::report::page::Page;
use crate::report::table::{self, Table};

/// Writes the section, where there is a collective operation.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let bandwidths = &survey.run.facts.bandwidths;
    if bandwidths.is_empty() {
        return;
    }
    page.section("bandwidth", "Collective bandwidth", |out| {
        put!(
            out,
            "<p class=\"note\">algbw is bytes over time; busbw multiplies it so that it can be held against a link's rate: 2(n−1)/n \
             for all-reduce, (n−1)/n for reduce-scatter, all-gather and all-to-all, 1 for broadcast and reduce (convention of NCCL's \
             tests). 1\u{A0}GB/s is 1e9 bytes per second.</p>"
        );
        const COLUMNS: &[table::Column] = &[
            table::text("Operation"),
            table::number("Ranks"),
            table::number("Bytes"),
            table::number("Time, µs"),
            table::number("algbw, GB/s"),
            table::number("busbw, GB/s"),
        ];
        let mut rows = Table::open(out, "bandwidths", "Bandwidths of collective operations", COLUMNS);
        for row in bandwidths {
            rows.cell(&Escaped(&row.collective).to_string());
            rows.value(Some(row.ranks as f64), &number::count(row.ranks));
            rows.value(Some(row.bytes as f64), &survey::bytes(row.bytes));
            rows.value(Some(row.time_us), &number::decimals(row.time_us, 3));
            rows.value(Some(row.algbw_gbytes_per_s), &number::decimals(row.algbw_gbytes_per_s, 2));
            rows.value(Some(row.busbw_gbytes_per_s), &number::decimals(row.busbw_gbytes_per_s, 2));
        }
        rows.close();
    });
}
