//! Selectors: names of ports in order, such as `server[*].nic[0-3].port`.

use std::ops::Range;

use crate::problem::Problem;
use crate::text::{Placed, Span};

/// Most parts of a list inside one index, and of a selector.
const PARTS_LIMIT: usize = 10_000;

/// A parsed selector: paths joined by commas.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// Its paths.
    pub paths: Vec<Vec<Step>>,
}

/// One name with its index.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Name of a device set, port group or export.
    pub name: String,
    /// Which of them.
    pub index: Index,
    /// Bytes of the selector that it covers.
    pub at: Range<usize>,
}

/// Which of several equal things.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum Index {
    /// All of them, in order.
    All,
    /// Runs `first..=last` with a step, in the order written.
    Runs(Vec<Run>),
}

/// Numbers from `first` to `last`, both included, `step` apart.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Run {
    /// First number.
    pub first: u32,
    /// Last number, included.
    pub last: u32,
    /// Distance, at least 1.
    pub step: u32,
}

impl Index {
    /// Parses an index that stands alone: `[0-7]`, `[0-62:2]`, `[0,2,5-7]`, `[*]`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { text, at: 0 };
        let parsed = (|| {
            parser.spaces();
            parser.expect('[')?;
            let index = parser.index()?;
            parser.expect(']')?;
            parser.spaces();
            if parser.at == text.len() { Ok(index) } else { Err(parser.error(parser.at, "nothing may follow the `]`")) }
        })();
        parsed.map_err(|error: SelectorError| SelectorError {
            help: "write [*], [3], [0-7], [0-62:2] or [0,2,5-7]; ranges include both ends".into(),
            ..error
        })
    }

    /// The numbers selected among `count`; an error names the first that does not exist.
    pub fn numbers(&self, count: u32) -> Result<Vec<u32>, u32> {
        match self {
            Self::All => Ok((0..count).collect()),
            Self::Runs(runs) => {
                let mut numbers = Vec::new();
                for run in runs {
                    if run.last >= count {
                        return Err(run.last);
                    }
                    numbers.extend((run.first..=run.last).step_by(run.step as usize));
                }
                Ok(numbers)
            }
        }
    }
}

/// Part of a selector that is wrong, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectorError {
    /// What is wrong.
    pub message: String,
    /// Bytes of the selector.
    pub at: Range<usize>,
    /// What to do.
    pub help: String,
}

impl SelectorError {
    /// As a problem of the string that holds the selector.
    pub fn problem(&self, text: &Placed<String>) -> Problem {
        Problem::error("selector", self.message.clone(), sub_span(text, &self.at), "here").help(self.help.clone())
    }
}

/// The place of some bytes of a string value; the whole value when it holds escapes.
pub fn sub_span(text: &Placed<String>, at: &Range<usize>) -> Span {
    let span = text.span;
    let plain = (span.end - span.start) as usize == text.value.len() + 2;
    if !plain || at.is_empty() {
        return span;
    }
    Span { file: span.file, start: span.start + 1 + at.start as u32, end: span.start + 1 + at.end as u32 }
}

impl Selector {
    /// Parses a selector.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { text, at: 0 };
        let mut paths = Vec::new();
        loop {
            paths.push(parser.path()?);
            parser.spaces();
            if parser.at == text.len() {
                return Ok(Self { paths });
            }
            parser.expect(',')?;
            if paths.len() > PARTS_LIMIT {
                return Err(parser.error(parser.at, "too many paths in one selector"));
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, start: usize, message: impl Into<String>) -> SelectorError {
        let end = self.text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
        SelectorError {
            message: message.into(),
            at: start..end,
            help: "a selector looks like `server[*].nic[0-3].port`; indexes are [*], [3], [0-7], [0-62:2] or [0,2,5-7]"
                .into(),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += self.peek().map_or(0, char::len_utf8);
        }
    }

    fn expect(&mut self, c: char) -> Result<(), SelectorError> {
        if self.peek() == Some(c) {
            self.at += c.len_utf8();
            return Ok(());
        }
        Err(self.error(self.at, format!("expected `{c}`")))
    }

    fn path(&mut self) -> Result<Vec<Step>, SelectorError> {
        self.spaces();
        let mut steps = vec![self.step()?];
        while self.peek() == Some('.') {
            self.at += 1;
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<Step, SelectorError> {
        let start = self.at;
        while self.peek().is_some_and(|c| !".[],*".contains(c) && !c.is_whitespace()) {
            self.at += self.peek().map_or(0, char::len_utf8);
        }
        if self.at == start {
            return Err(self.error(start, "expected a name"));
        }
        let name = self.text[start..self.at].to_string();
        let index = if self.peek() == Some('[') {
            self.at += 1;
            let index = self.index()?;
            self.expect(']')?;
            index
        } else {
            Index::All
        };
        Ok(Step { name, index, at: start..self.at })
    }

    fn index(&mut self) -> Result<Index, SelectorError> {
        let start = self.at;
        self.spaces();
        if self.peek() == Some('*') {
            self.at += 1;
            self.spaces();
            return Ok(Index::All);
        }
        let mut runs = Vec::new();
        loop {
            runs.push(self.run()?);
            if self.peek() != Some(',') {
                // More numbers than there can be: without this, a short index could name billions.
                let named: u64 = runs.iter().map(|run| u64::from((run.last - run.first) / run.step) + 1).sum();
                if named > runs.iter().map(|run| u64::from(run.last) + 1).max().unwrap_or(0) {
                    return Err(self.error(start, "this index names a number twice"));
                }
                return Ok(Index::Runs(runs));
            }
            self.at += 1;
            if runs.len() > PARTS_LIMIT {
                return Err(self.error(self.at, "too many parts in one index"));
            }
        }
    }

    fn run(&mut self) -> Result<Run, SelectorError> {
        self.spaces();
        let start = self.at;
        let first = self.number()?;
        let (mut last, mut step) = (first, 1);
        self.spaces();
        if self.text[self.at..].starts_with("..") {
            return Err(self.error(self.at, "ranges are written with `-` and include both ends: [0-7]"));
        }
        if self.peek() == Some('-') {
            self.at += 1;
            self.spaces();
            last = self.number()?;
            self.spaces();
            if self.peek() == Some(':') {
                self.at += 1;
                self.spaces();
                step = self.number()?;
                self.spaces();
            }
        }
        if last < first || step == 0 {
            return Err(self.error(start, format!("the range {first}-{last}:{step} is empty or turned round")));
        }
        Ok(Run { first, last, step })
    }

    fn number(&mut self) -> Result<u32, SelectorError> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.text[start..self.at].parse().map_err(|_| self.error(start, "expected a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_every_form() {
        let selector = Selector::parse("a[*].b[0-6:2, 9].c, d.e[3]").expect("valid");
        assert_eq!(selector.paths.len(), 2);
        let runs = Index::Runs(vec![Run { first: 0, last: 6, step: 2 }, Run { first: 9, last: 9, step: 1 }]);
        assert_eq!(selector.paths[0][1].index, runs);
        assert_eq!(runs.numbers(10), Ok(vec![0, 2, 4, 6, 9]));
        assert_eq!(runs.numbers(9), Err(9));
        assert_eq!(selector.paths[0][2].index, Index::All);
    }

    #[test]
    fn errors_point_at_the_character() {
        let wrong =
            [("a..b", 2), ("a[0..7].p", 3), ("a[7-0]", 2), ("a[", 2), ("a[x]", 2), ("", 0), ("a b", 2), ("[1]", 0)];
        for (text, at) in wrong.into_iter().chain([("a[0-7,0-7]", 2), ("a[3,3,3,3,3]", 2)]) {
            let error = Selector::parse(text).expect_err(text);
            assert_eq!(error.at.start, at, "{text}: {error:?}");
        }
    }

    #[test]
    fn an_index_stands_alone() {
        let numbers = |text: &str| Index::parse(text).expect("valid").numbers(64);
        assert_eq!(numbers(" [0-6:2, 9] "), Ok(vec![0, 2, 4, 6, 9]));
        assert_eq!(Index::parse("[*]"), Ok(Index::All));
        for (text, at) in [("0-7", 0), ("[0-7", 4), ("[0-7] x", 6), ("[0..7]", 2), ("", 0), ("[]", 1)] {
            let error = Index::parse(text).expect_err(text);
            assert_eq!(error.at.start, at, "{text}: {error:?}");
            assert!(error.help.contains("[0-62:2]"));
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = Selector::parse(&text);
            let _ = Index::parse(&text);
        }
    }
}
