//! Tables that sort by their headings, filter by words and copy as CSV; without script they are plain tables.

use super::escape::Escaped;

/// What the cells of a column hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cells {
    /// A word or two.
    Words,
    /// Text that takes room.
    Prose,
    /// Numbers, set flush right and sorted by value.
    Numbers,
}

/// A heading with what stands under it.
pub struct Column {
    title: &'static str,
    cells: Cells,
}

/// A column of short texts; the title is escaped already.
pub const fn text(title: &'static str) -> Column {
    Column { title, cells: Cells::Words }
}

/// A column of long texts, kept from being squeezed.
pub const fn prose(title: &'static str) -> Column {
    Column { title, cells: Cells::Prose }
}

/// A number column.
pub const fn number(title: &'static str) -> Column {
    Column { title, cells: Cells::Numbers }
}

/// A table being written.
pub struct Table<'o> {
    out: &'o mut String,
    columns: &'static [Column],
    at: usize,
}

impl<'o> Table<'o> {
    /// Opens a table; `id` names it, `label` says what it lists.
    pub fn open(out: &'o mut String, id: &str, label: &str, columns: &'static [Column]) -> Self {
        put!(
            out,
            "<div class=\"table\" id=\"{id}\"><div class=\"tools\" hidden><label>Filter <input type=\"search\" autocomplete=\"off\" spellcheck=\"false\"></label>\
             <span class=\"shown\" role=\"status\"></span><button type=\"button\" class=\"copy\">Copy CSV</button></div>\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
            Escaped(label)
        );
        for column in columns {
            let class = match column.cells {
                Cells::Words => "",
                Cells::Prose => " class=\"long\"",
                Cells::Numbers => " class=\"n\"",
            };
            put!(out, "<th scope=\"col\"{class}>{}</th>", column.title);
        }
        put!(out, "</tr></thead><tbody>");
        Self { out, columns, at: 0 }
    }

    fn before(&mut self) {
        put!(self.out, "{}", if self.at == 0 { "<tr>" } else { "" });
    }

    fn after(&mut self) {
        self.at += 1;
        if self.at == self.columns.len() {
            self.at = 0;
            put!(self.out, "</tr>\n");
        }
    }

    /// The next cell: markup.
    pub fn cell(&mut self, markup: &str) -> &mut Self {
        self.before();
        put!(self.out, "<td>{markup}</td>");
        self.after();
        self
    }

    /// The next cell: a number with how it shows. What cannot be known is `None`.
    pub fn value(&mut self, value: Option<f64>, shown: &str) -> &mut Self {
        self.before();
        match value.filter(|v| v.is_finite()) {
            Some(value) => put!(self.out, "<td class=\"n\" data-v=\"{value}\">{shown}</td>"),
            None => put!(self.out, "<td class=\"n\" data-v=\"\">{}</td>", if shown.is_empty() { "–" } else { shown }),
        }
        self.after();
        self
    }

    /// Closes the table.
    pub fn close(self) {
        debug_assert_eq!(self.at, 0, "a row is not full");
        put!(self.out, "</tbody></table></div></div>");
    }
}
