//! GOAL: text form of programs of ranks (Hoefler, Siebert, Lumsdaine 2009), as LogGOPSim and ATLAHS take it.
//!
//! ```text
//! num_ranks 2
//! rank 0 {
//!   l1: calc 100
//!   l2: send 4096b to 1 tag 7
//!   l2 requires l1
//! }
//! rank 1 { l1: recv 4096b from 0 tag 7 }
//! ```
//!
//! `calc` is in nanoseconds. `a requires b`: `a` starts when `b` is done; `a irequires b`: when `b` has started. `cpu` and
//! `nic` are read and not used: steps of a rank that do not require each other go at once. Comments are `/* */`, `//` and
//! `#`; labels may be left out; `;` may end a step.

use std::collections::HashMap;

use lanewright_model::problem::{Problem, Problems, nearest};
use lanewright_model::text::{FileId, Span, Texts};

use super::program::{Action, ProgramError, Programs, Step};
use crate::time::Time;

/// Largest text that is read, in bytes. Places are 32 bits wide.
pub const GOAL_LIMIT_BYTES: usize = 1 << 30;

/// Most ranks that a text may name.
pub const GOAL_RANKS: u32 = 1 << 24;

const CODE: &str = "goal";

/// Programs and the place of each step.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The programs.
    pub programs: Programs,
    /// Where each step stands.
    pub places: Vec<Span>,
}

/// Reads a text that is in `texts`. Every error becomes a problem.
pub fn read(file: FileId, texts: &Texts, problems: &mut Problems) -> Option<Goal> {
    let text = &*texts.get(file).contents;
    if text.len() > GOAL_LIMIT_BYTES {
        let limit = GOAL_LIMIT_BYTES >> 20;
        let message = format!("{} is {} MB; at most {limit} MB are read", texts.get(file).name, text.len() >> 20);
        problems.push(Problem::whole("file-too-large", message));
        return None;
    }
    let before = problems.errors();
    let mut reader = Reader {
        words: Words { text, at: 0, peeked: None },
        file,
        problems,
        goal: Goal { programs: Programs::default(), places: Vec::new() },
        ranks: None,
        seen: HashMap::new(),
    };
    reader.file();
    let goal = reader.goal;
    (problems.errors() == before).then_some(goal)
}

impl Goal {
    /// An error of the programs, as a problem with its places.
    pub fn problem(&self, error: &ProgramError) -> Problem {
        let place = |step: u32| self.places.get(step as usize).copied();
        let Some(at) = error.step().and_then(place) else { return Problem::whole(CODE, error.to_string()) };
        let mut problem = Problem::error(CODE, error.to_string(), at, "this step");
        if let Some(other) = error.other().and_then(place) {
            problem = problem.and(other, "and this one");
        }
        if let ProgramError::Circle(steps) = error {
            for step in steps.iter().skip(1).take(7).filter_map(|step| place(*step)) {
                problem = problem.and(step, "waits for the one before");
            }
        }
        problem
    }
}

/// A word, number or sign, and its place.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    text: &'a str,
    at: usize,
}

/// Words of a text: runs of letters, digits, `_`, `.` and `-`, and single other signs. Comments are passed over.
struct Words<'a> {
    text: &'a str,
    at: usize,
    peeked: Option<Option<Word<'a>>>,
}

impl<'a> Words<'a> {
    fn peek(&mut self) -> Option<Word<'a>> {
        if self.peeked.is_none() {
            self.peeked = Some(self.scan());
        }
        self.peeked.flatten()
    }

    fn next(&mut self) -> Option<Word<'a>> {
        let word = self.peek();
        self.peeked = None;
        word
    }

    fn scan(&mut self) -> Option<Word<'a>> {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == ';');
            self.at += rest.len() - trimmed.len();
            let skipped = if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
            } else if trimmed.starts_with("//") || trimmed.starts_with('#') {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else {
                let first = trimmed.chars().next()?;
                let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
                let end = if part(first) {
                    trimmed.find(|c: char| !part(c)).unwrap_or(trimmed.len())
                } else {
                    first.len_utf8()
                };
                let word = Word { text: &trimmed[..end], at: self.at };
                self.at += end;
                return Some(word);
            };
            self.at += skipped;
        }
    }
}

struct Reader<'a> {
    words: Words<'a>,
    file: FileId,
    problems: &'a mut Problems,
    goal: Goal,
    ranks: Option<u32>,
    /// Where each rank's program stands.
    seen: HashMap<u32, Span>,
}

const STEPS: [&str; 3] = ["send", "recv", "calc"];

/// `a requires b`, to be resolved when all labels are known.
struct Requires<'a> {
    step: Word<'a>,
    first: Word<'a>,
    start: bool,
}

impl<'a> Reader<'a> {
    fn span(&self, word: Word<'_>) -> Span {
        Span { file: self.file, start: word.at as u32, end: (word.at + word.text.len()) as u32 }
    }

    fn error(&mut self, word: Option<Word<'_>>, message: impl Into<String>, label: impl Into<String>, help: &str) {
        let end = Word { text: "", at: self.words.text.len() };
        let problem = Problem::error(CODE, message, self.span(word.unwrap_or(end)), label);
        self.problems.push(if help.is_empty() { problem } else { problem.help(help) });
    }

    fn expect(&mut self, what: &str) -> Option<Word<'a>> {
        match self.words.peek() {
            Some(word) if word.text == what => self.words.next(),
            other => {
                let found = other.map_or("the end".to_string(), |word| format!("`{}`", word.text));
                self.error(other, format!("expected `{what}`, found {found}"), format!("expected `{what}`"), "");
                None
            }
        }
    }

    /// A whole number, with a unit that may stand behind it.
    fn number(&mut self, what: &str, unit: &str) -> Option<u64> {
        let word = self.words.peek();
        let text = word.map_or("", |word| word.text);
        match text.strip_suffix(unit).unwrap_or(text).parse::<u64>() {
            Ok(number) => {
                self.words.next();
                Some(number)
            }
            Err(_) => {
                let found = if text.is_empty() { "the end".to_string() } else { format!("`{text}`") };
                self.error(word, format!("expected {what}, found {found}"), format!("expected {what}"), "");
                None
            }
        }
    }

    fn rank_number(&mut self) -> Option<u32> {
        let word = self.words.peek();
        let number = self.number("the number of a rank", "")?;
        let ranks = u64::from(self.ranks.unwrap_or(0));
        if number >= ranks {
            let last = ranks.saturating_sub(1);
            self.error(word, format!("there is no rank {number}"), format!("ranks are 0 to {last}"), "");
            return None;
        }
        Some(number as u32)
    }

    fn file(&mut self) {
        if self.expect("num_ranks").is_none() {
            return;
        }
        let word = self.words.peek();
        match self.number("the number of ranks", "") {
            Some(ranks) if (1..=u64::from(GOAL_RANKS)).contains(&ranks) => self.ranks = Some(ranks as u32),
            Some(_) => {
                let message = format!("a text has 1 to {GOAL_RANKS} ranks");
                return self.error(word, message, "out of range", "");
            }
            None => return,
        }
        self.goal.programs.ranks = self.ranks.unwrap_or(0);
        while self.words.peek().is_some() && !self.problems.is_full() {
            let Some(word) = self.expect("rank") else {
                // Goes on with the next rank.
                while self.words.peek().is_some_and(|word| word.text != "rank") {
                    self.words.next();
                }
                continue;
            };
            let rank = self.rank_number();
            if rank.is_none() && self.words.peek().is_some_and(|word| word.text != "{" && word.text != "rank") {
                self.words.next();
            }
            let at = self.span(word);
            if let Some(first) = rank.and_then(|rank| self.seen.insert(rank, at)) {
                let problem = Problem::error(CODE, "the program of a rank is given twice", at, "again here");
                self.problems.push(problem.and(first, "first given here"));
            }
            if self.expect("{").is_some() {
                self.program(rank.unwrap_or(0));
            }
        }
    }

    fn program(&mut self, rank: u32) {
        let mut labels: HashMap<&'a str, u32> = HashMap::new();
        let mut requires: Vec<Requires<'a>> = Vec::new();
        loop {
            let Some(word) = self.words.next() else {
                self.error(None, "a rank's program does not end", "expected `}`", "");
                break;
            };
            if word.text == "}" {
                break;
            }
            if self.problems.is_full() {
                return;
            }
            let next = self.words.peek().map_or("", |word| word.text);
            if STEPS.contains(&word.text) && next != ":" {
                self.step(rank, word);
            } else if next == ":" {
                self.words.next();
                let Some(kind) = self.words.next() else { continue };
                if self.step(rank, kind) {
                    let at = self.goal.programs.steps.len() as u32 - 1;
                    if let Some(first) = labels.insert(word.text, at) {
                        let (again, first) = (self.span(word), self.goal.places[first as usize]);
                        let message = format!("label `{}` is given twice in rank {rank}", word.text);
                        self.problems.push(Problem::error(CODE, message, again, "again here").and(first, "first here"));
                    }
                }
            } else if next == "requires" || next == "irequires" {
                let start = next == "irequires";
                self.words.next();
                match self.words.next() {
                    Some(first) => requires.push(Requires { step: word, first, start }),
                    None => self.error(None, "`requires` without a label", "expected a label", ""),
                }
            } else {
                let help = match nearest(word.text, STEPS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "steps are `LABEL: send 8b to 1 tag 0`, `LABEL: recv 8b from 1 tag 0`, `LABEL: calc 100`; waits \
                             are `LABEL requires LABEL` and `LABEL irequires LABEL`"
                        .to_string(),
                };
                self.error(Some(word), format!("unknown step `{}`", word.text), "not known", &help);
                self.pass_over();
            }
        }
        for Requires { step, first, start } in requires {
            let found = [step, first].map(|word| {
                let found = labels.get(word.text).copied();
                if found.is_none() {
                    let help = match nearest(word.text, labels.keys().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => String::new(),
                    };
                    self.error(Some(word), format!("rank {rank} has no step `{}`", word.text), "not known", &help);
                }
                found
            });
            if let [Some(step), Some(first)] = found {
                let step = &mut self.goal.programs.steps[step as usize];
                if start { &mut step.after_start } else { &mut step.after }.push(first);
            }
        }
    }

    /// Goes on behind what may belong to a step that cannot be read.
    fn pass_over(&mut self) {
        let part = |text: &str| {
            matches!(text, "to" | "from" | "tag" | "cpu" | "nic") || text.starts_with(|c: char| c.is_ascii_digit())
        };
        while self.words.peek().is_some_and(|word| part(word.text)) {
            self.words.next();
        }
    }

    /// `4096b to 1`: the other rank and the bytes.
    fn message(&mut self, towards: &str) -> Option<(u32, u64)> {
        let bytes = self.number("a number of bytes such as `4096b`", "b")?;
        self.expect(towards)?;
        let peer = self.rank_number()?;
        Some((peer, bytes))
    }

    /// A step behind its label; whether it could be read.
    fn step(&mut self, rank: u32, kind: Word<'a>) -> bool {
        let action = match kind.text {
            "calc" => self.number("a time in nanoseconds", "").map(|ns| Action::Compute(Time::ns(ns))),
            "send" => self.message("to").map(|(to, bytes)| Action::Send { to, bytes, tag: 0 }),
            "recv" => self.message("from").map(|(from, bytes)| Action::Receive { from, bytes, tag: 0 }),
            _ => {
                let help = nearest(kind.text, STEPS).map_or(String::new(), |near| format!("did you mean `{near}`?"));
                let message = format!("unknown step `{}`", kind.text);
                self.error(Some(kind), message, "expected `send`, `recv` or `calc`", &help);
                None
            }
        };
        if action.is_none() {
            self.pass_over();
        }
        let mut said = None;
        while let Some(word) = self.words.peek().filter(|word| matches!(word.text, "tag" | "cpu" | "nic")) {
            self.words.next();
            let number = self.number("a whole number", "");
            if word.text == "tag" {
                said = number;
            }
        }
        let Some(mut action) = action else { return false };
        if let (Some(said), Action::Send { tag, .. } | Action::Receive { tag, .. }) = (said, &mut action) {
            *tag = said;
        }
        self.goal.programs.steps.push(Step { rank, action, after: Vec::new(), after_start: Vec::new() });
        self.goal.places.push(self.span(kind));
        true
    }
}

#[cfg(test)]
mod tests;
