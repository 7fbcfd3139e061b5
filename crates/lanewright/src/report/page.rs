//! The frame around the sections: head, contents, footer.

use lanewright_twin::review::Subject;

use super::escape::{Escaped, Name};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The button that turns a page light or dark.
pub const THEME_BUTTON: &str = "<button type=\"button\" id=\"theme\" aria-label=\"Light or dark\" title=\"Light or dark\" hidden>\
     <svg viewBox=\"0 0 16 16\" width=\"16\" height=\"16\" aria-hidden=\"true\"><path d=\"M8 1a7 7 0 1 0 0 14A7 7 0 1 0 8 1zm0 1.5a5.5 5.5 0 0 1 0 11z\" fill-rule=\"evenodd\"/></svg></button>";

/// A page being written.
pub struct Page {
    title: String,
    top: String,
    body: String,
    contents: Vec<(&'static str, &'static str)>,
}

impl Page {
    /// An empty page.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_string(),
            top: String::new(),
            body: String::with_capacity(1 << 17),
            contents: Vec::new(),
        }
    }

    /// What stands above the contents.
    pub fn top(&mut self) -> &mut String {
        &mut self.top
    }

    /// Adds a section under a heading; `id` names it in addresses.
    pub fn section(&mut self, id: &'static str, title: &'static str, write: impl FnOnce(&mut String)) {
        self.contents.push((id, title));
        let number = self.contents.len();
        put!(
            self.body,
            "<section id=\"{id}\" aria-labelledby=\"{id}-h\"><h2 id=\"{id}-h\"><span class=\"no\">{number}</span> {title}</h2>"
        );
        write(&mut self.body);
        put!(self.body, "</section>\n");
    }

    /// The document of a review.
    pub fn finish(self, subject: &Subject) -> String {
        let footer = format!(
            "<p>Lanewright {} · {} · inputs <code>{}</code></p>\
             <p>Solid: likely value. Hatched: share that rests on estimates, general knowledge or company calls. \
             Line: low to high.</p>",
            Escaped(&subject.version),
            Name(&subject.file),
            Escaped(&subject.inputs_hash)
        );
        self.finish_with("review", "", &footer)
    }

    /// The document of any kind, with styles of its own and a footer that is markup already.
    pub fn finish_with(self, kind: &str, style: &str, footer: &str) -> String {
        let mut out = String::with_capacity(self.body.len() + self.top.len() + STYLE.len() + SCRIPT.len() + 4096);
        put!(
            out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline';img-src data:\">\
             <meta name=\"generator\" content=\"lanewright {}\"><link rel=\"icon\" href=\"data:,\">\
             <title>{} · {}</title>\n<style>\n{STYLE}{style}</style></head>\n<body>\n",
            Escaped(env!("CARGO_PKG_VERSION")),
            Escaped(&self.title),
            Escaped(&kind.to_lowercase())
        );
        // The hatch of weak figures, shared by every drawing.
        put!(
            out,
            "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\
             <pattern id=\"hatch\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <rect width=\"1.9\" height=\"4\" class=\"hatch\"/></pattern></defs></svg>\n"
        );
        put!(out, "<a class=\"skip\" href=\"#main\">Skip to the review</a>\n{}", self.top);
        put!(out, "<div class=\"frame\"><nav class=\"contents\" aria-label=\"Contents\"><ol>");
        for (id, title) in &self.contents {
            put!(out, "<li><a href=\"#{id}\">{title}</a></li>");
        }
        put!(out, "</ol></nav>\n<main id=\"main\">\n{}</main></div>\n", self.body);
        put!(out, "<footer>{footer}</footer>\n<script>\n{SCRIPT}</script>\n</body></html>\n");
        out
    }
}
