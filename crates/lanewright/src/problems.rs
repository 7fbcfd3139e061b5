//! Showing problems: file, line and column, the text underlined, what to do.

use lanewright_model::problem::{Problem, Problems, Severity};
use lanewright_model::text::Texts;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

/// Problems shown in full; a file with more gets a count of the rest.
const SHOWN: usize = 50;

/// A problem with the texts that it speaks of.
struct Shown<'a> {
    problem: &'a Problem,
    code: Source<'a>,
}

/// The text of the file of a problem's first label.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl SourceCode for Source<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text.read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_string(),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.problem.labels.is_empty()).then_some(&self.code as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let file = self.problem.labels.first()?.0.file;
        Some(Box::new(self.problem.labels.iter().filter(move |(span, _)| span.file == file).map(|(span, label)| {
            let length = (span.end - span.start).max(1) as usize;
            LabeledSpan::new(Some(label.clone()), span.start as usize, length)
        })))
    }
}

/// Draws every problem, errors in colour when `colour` is set. Labels in other files than the first are added as
/// text with their place.
pub fn draw(problems: &Problems, texts: &Texts, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1);
    let mut out = String::new();
    for problem in problems.iter().take(SHOWN) {
        let first = problem.labels.first().map(|l| l.0.file);
        let mut whole = problem.clone();
        for (span, label) in problem.labels.iter().filter(|(span, _)| Some(span.file) != first) {
            let note = format!("{}: {label}", texts.place(*span));
            whole.help = Some(whole.help.map_or(note.clone(), |help| format!("{help}\n{note}")));
        }
        let code = match first {
            Some(file) => Source { name: &texts.get(file).name, text: &texts.get(file).contents },
            None => Source { name: "", text: "" },
        };
        let shown = Shown { problem: &whole, code };
        if handler.render_report(&mut out, &shown).is_err() {
            out.push_str(&problem.message);
        }
        out.push('\n');
    }
    if problems.len() > SHOWN {
        out.push_str(&format!("... and {} more problems\n", problems.len() - SHOWN));
    }
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    if errors + warnings > 0 {
        out.push_str(&format!("{}, {}\n", counted(errors, "error"), counted(warnings, "warning")));
    }
    out
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Problems as JSON: severity, code, message, places, help.
pub fn to_json(problems: &Problems, texts: &Texts) -> serde_json::Value {
    serde_json::Value::Array(
        problems
            .iter()
            .map(|problem| {
                let labels: Vec<_> = problem
                    .labels
                    .iter()
                    .map(|(span, label)| {
                        let (line, column) = texts.line_column(*span);
                        serde_json::json!({
                            "file": texts.get(span.file).name,
                            "line": line,
                            "column": column,
                            "text": texts.snippet(*span).chars().take(200).collect::<String>(),
                            "label": label,
                        })
                    })
                    .collect();
                serde_json::json!({
                    "severity": problem.severity,
                    "code": problem.code,
                    "message": problem.message,
                    "labels": labels,
                    "help": problem.help,
                })
            })
            .collect(),
    )
}
