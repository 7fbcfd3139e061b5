//! Problems found in a description: what, where, and what to do about it.
//!
//! Nothing in this crate stops at the first problem; everything returns what it could build and the list
//! of all problems. How they are drawn is the program's business.

use crate::text::Span;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the result stands.
    Warning,
    /// The description cannot be used.
    Error,
}

/// One problem, with every place that has to do with it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Stable short name, such as `unknown-key`.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Places with what to say at each; the first is the main one. Empty only for problems of a whole file.
    pub labels: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// An error at a place.
    pub fn error(code: &'static str, message: impl Into<String>, at: Span, label: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), labels: vec![(at, label.into())], help: None }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, message: impl Into<String>, at: Span, label: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message, at, label) }
    }

    /// An error that has no place (a file that cannot be read).
    pub fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), labels: Vec::new(), help: None }
    }

    /// Adds another place.
    #[must_use]
    pub fn and(mut self, at: Span, label: impl Into<String>) -> Self {
        self.labels.push((at, label.into()));
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Problems kept; a file with more has one cause that repeats, and more of the same helps nobody.
const KEPT: usize = 1000;

/// All problems found, in the order found; at most a thousand are kept.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    errors: usize,
}

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.errors += usize::from(problem.severity == Severity::Error);
        // An error is always kept when it is the first, so that warnings cannot hide it.
        if self.list.len() < KEPT || (problem.severity == Severity::Error && self.errors == 1) {
            self.list.push(problem);
        }
    }

    /// Whether so many problems are kept that looking for more is of no use.
    pub fn is_full(&self) -> bool {
        self.list.len() >= KEPT
    }

    /// Whether any problem is an error.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many are errors.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// All problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Sorts by place, so that the order does not depend on which check ran first.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| a.labels.first().map(|l| l.0).cmp(&b.labels.first().map(|l| l.0)));
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// The name in `known` nearest to `wrong` by edit distance, if one is near enough to be a likely slip.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong_lower = wrong.to_lowercase();
    let limit = (wrong.chars().count() / 3).clamp(1, 6);
    known
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = edit_distance(&wrong_lower, &lower, limit + 1);
            let contained = wrong.len() >= 3 && (lower.starts_with(&wrong_lower) || wrong_lower.starts_with(&lower));
            (distance <= limit || contained).then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein distance with swaps of neighbours, given up early above `cap`.
fn edit_distance(a: &str, b: &str, cap: usize) -> usize {
    let a: Vec<char> = a.chars().take(200).collect();
    let b: Vec<char> = b.chars().take(200).collect();
    if a.len().abs_diff(b.len()) > cap {
        return a.len().abs_diff(b.len());
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        // No later row can fall below the least of two rows in a row.
        if row.iter().chain(&last).all(|distance| *distance > cap) {
            return cap + 1;
        }
        before = last;
        last = row;
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_rejects_strangers() {
        let names = ["protocol", "position_u", "pattern", "length_m"];
        assert_eq!(nearest("protcol", names), Some("protocol"));
        assert_eq!(nearest("length", names), Some("length_m"));
        assert_eq!(nearest("legnth_m", names), Some("length_m"));
        assert_eq!(nearest("zebra", names), None);
        assert_eq!(edit_distance("abcdef", "badcfe", 9), 3, "three swaps");
        assert!(edit_distance("abcdefgh", "zyxwvuts", 2) > 2);
    }
}
