//! What the terminal shows: plain text of at most 100 columns.

pub mod compared;
pub mod crossing;
pub mod lanes;
pub mod summary;
pub mod tables;

use comfy_table::{Cell, CellAlignment, Table, presets};

/// A table with a title; columns whose head starts with `>` are aligned right.
pub(crate) fn table(title: &str, heads: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return format!("\n{title}: none\n");
    }
    let right: Vec<bool> = heads.iter().map(|h| h.starts_with('>')).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_width(120);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    let cell = |text: &str, right: bool| {
        let cell = Cell::new(text);
        if right { cell.set_alignment(CellAlignment::Right) } else { cell }
    };
    table.set_header(heads.iter().zip(&right).map(|(head, right)| cell(head.trim_start_matches('>'), *right)));
    for row in rows {
        table.add_row(row.iter().zip(&right).map(|(text, right)| cell(text, *right)));
    }
    let body: Vec<String> = table.lines().map(|line| line.trim_end().to_string()).collect();
    format!("\n{title}\n{}\n", body.join("\n"))
}
