//! Reads the text of a connection matrix, and says where each error stands.

use lanewright_model::problem::{Problem, Problems, nearest};
use lanewright_model::text::{FileId, Span, Texts};

use super::{Connection, ConnectionMatrix, FailedLink, MatrixError, Start, SwitchTier, Trigger, TriggerKind};
use crate::time::Time;
use crate::traffic::Traffic;

/// Largest text that is read, in bytes: 4 million connections. Places are 32 bits wide.
pub const CM_LIMIT_BYTES: usize = 1 << 30;

/// Reads a text that is in `texts`. Every error becomes a problem; when none is found, gives the matrix and its traffic.
pub fn read(file: FileId, texts: &Texts, problems: &mut Problems) -> Option<(ConnectionMatrix, Traffic)> {
    let text = &*texts.get(file).contents;
    if text.len() > CM_LIMIT_BYTES {
        let limit = CM_LIMIT_BYTES >> 20;
        let message = format!("{} is {} MB; at most {limit} MB are read", texts.get(file).name, text.len() >> 20);
        problems.push(Problem::whole("file-too-large", message));
        return None;
    }
    let errors_before = problems.errors();
    let mut reader = Reader { file, problems, matrix: ConnectionMatrix::default(), places: Places::default() };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        reader.line(line, at);
        at += line.len();
        if reader.problems.is_full() {
            break;
        }
    }
    reader.finish(text.len());
    let Reader { matrix, places, .. } = reader;
    // Errors of sense are looked for even when a line could not be read, unless they would follow from it.
    if problems.errors() > errors_before {
        return None;
    }
    match matrix.traffic() {
        Ok(traffic) => {
            warn(&matrix, &places, problems);
            Some((matrix, traffic))
        }
        Err(errors) => {
            for error in errors {
                problems.push(problem(&error, &matrix, &places));
            }
            None
        }
    }
}

/// Where things stand.
#[derive(Default)]
struct Places {
    connections: Vec<Span>,
    triggers: Vec<Span>,
    /// Values of `Nodes`, `Connections`, `Triggers` and `Failures`.
    header: [Option<(u32, Span)>; 4],
}

const HEADER: [&str; 4] = ["Nodes", "Connections", "Triggers", "Failures"];
const CONNECTION_KEYS: [&str; 8] =
    ["id", "msg", "start", "size", "trigger", "send_done_trigger", "recv_done_trigger", "prio"];
const TRIGGER_KEYS: [&str; 5] = ["id", "count", "oneshot", "multishot", "barrier"];
const FAILURE_KEYS: [&str; 3] = ["switch_type", "switch_id", "link_id"];

/// A word and the place of its first byte.
type Word<'a> = (&'a str, usize);

struct Reader<'a> {
    file: FileId,
    problems: &'a mut Problems,
    matrix: ConnectionMatrix,
    places: Places,
}

/// Words of a line up to a comment.
fn words(line: &str, at: usize) -> impl Iterator<Item = Word<'_>> {
    let line = line.split('#').next().unwrap_or("");
    let mut rest = line;
    std::iter::from_fn(move || {
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if trimmed.is_empty() {
            return None;
        }
        let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let word = (&trimmed[..end], at + line.len() - trimmed.len());
        rest = &trimmed[end..];
        Some(word)
    })
}

impl<'a> Reader<'a> {
    fn span(&self, (word, at): Word<'_>) -> Span {
        Span { file: self.file, start: at as u32, end: (at + word.len()) as u32 }
    }

    fn error(&mut self, at: Span, message: impl Into<String>, label: &str, help: &str) {
        let problem = Problem::error("connection-matrix", message, at, label);
        self.problems.push(if help.is_empty() { problem } else { problem.help(help) });
    }

    /// A whole number that fits, after a key that must not have been given before.
    fn number<T: TryFrom<u64>>(&mut self, key: Word<'_>, value: Option<Word<'_>>, what: &str) -> Option<T> {
        let Some(value) = value else {
            self.error(self.span(key), format!("`{}` without a value", key.0), &format!("{what} must follow"), "");
            return None;
        };
        match value.0.parse::<u64>().ok().and_then(|number| T::try_from(number).ok()) {
            Some(number) => Some(number),
            None => {
                let message = format!("`{}` is not {what}", value.0);
                self.error(self.span(value), message, &format!("expected {what}"), "");
                None
            }
        }
    }

    fn unknown(&mut self, word: Word<'_>, known: &[&'static str], of: &str) {
        let list = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        let help = match nearest(word.0, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? {of} takes {list}"),
            None => format!("{of} takes {list}"),
        };
        self.error(self.span(word), format!("unknown word `{}` in {of}", word.0), "not known", &help);
    }

    fn line(&mut self, line: &str, at: usize) {
        let mut words = words(line, at);
        let Some(first) = words.next() else { return };
        let last = line.trim_end();
        let whole = Span { file: self.file, start: first.1 as u32, end: (at + last.len()).max(first.1) as u32 };
        if let Some(which) = HEADER.iter().position(|key| *key == first.0) {
            let value = words.next();
            let number = self.number(first, value, "a whole number below 4,294,967,296");
            if let Some(extra) = words.next() {
                self.error(self.span(extra), format!("`{}` after the number", extra.0), "not expected", "");
            }
            let Some(number) = number else { return };
            if let Some((_, before)) = self.places.header[which] {
                let message = format!("`{}` is given twice", first.0);
                let problem = Problem::error("connection-matrix", message, whole, "again here");
                self.problems.push(problem.and(before, "first given here"));
            } else {
                self.places.header[which] = Some((number, whole));
            }
        } else if first.0.contains("->") {
            self.connection(first, words, whole);
        } else if first.0 == "trigger" {
            self.trigger(first, words, whole);
        } else if first.0 == "failure" {
            self.failure(words, whole);
        } else {
            let known = ["Nodes", "Connections", "Triggers", "Failures", "trigger", "failure"];
            let help = match nearest(first.0, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "lines begin with `Nodes`, `Connections`, `Triggers`, `Failures`, `SRC->DST`, `trigger` or `failure`; \
                         comments with `#`"
                    .to_string(),
            };
            self.error(self.span(first), format!("unknown line `{}`", first.0), "not known", &help);
        }
    }

    /// Reports a key that stands twice in a line.
    fn once(&mut self, seen: &mut u16, bit: usize, key: Word<'_>) {
        if *seen & (1 << bit) != 0 {
            self.error(self.span(key), format!("`{}` is given twice in this line", key.0), "again here", "");
        }
        *seen |= 1 << bit;
    }

    fn connection<'w>(&mut self, first: Word<'w>, words: impl Iterator<Item = Word<'w>>, whole: Span) {
        let (from, to) = first.0.split_once("->").unwrap_or((first.0, ""));
        let ends = [(from, first.1), (to, first.1 + from.len() + 2)];
        let [from, to] = ends.map(|end| {
            let number = end.0.parse::<u32>().ok();
            if number.is_none() {
                let message = format!("`{}` is not the number of a node", end.0);
                self.error(self.span(first), message, "expected SRC->DST, two whole numbers without spaces", "");
            }
            number
        });
        let mut seen = 0;
        let (mut id, mut message, mut priority) = (0, None, None);
        let (mut start, mut trigger, mut bytes) = (None, None, None);
        let (mut send_done, mut recv_done) = (0, 0);
        let mut words = words.peekable();
        while let Some(key) = words.next() {
            let Some(which) = CONNECTION_KEYS.iter().position(|known| *known == key.0) else {
                self.unknown(key, &CONNECTION_KEYS, "a connection");
                // A value of the unknown key is not a mistake of its own.
                words.next_if(|word| word.0.bytes().all(|byte| byte.is_ascii_digit()));
                continue;
            };
            self.once(&mut seen, which, key);
            if which == 1 {
                // The number of a message may be missing: the connection is used again without one.
                let number = words.next_if(|word| word.0.bytes().all(|byte| byte.is_ascii_digit()));
                message = Some(number.map_or(Some(0), |number| self.positive(key, Some(number)))).flatten();
                continue;
            }
            // A key in place of a value: report it as missing and go on with the key.
            let value = words.next_if(|word| !CONNECTION_KEYS.contains(&word.0));
            match key.0 {
                "id" => id = self.positive(key, value).unwrap_or(0),
                "start" => start = self.time(key, value),
                "size" => bytes = self.number::<u64>(key, value, "a whole number of bytes"),
                "trigger" => trigger = self.positive(key, value).map(|trigger: u32| trigger),
                "send_done_trigger" => send_done = self.positive(key, value).unwrap_or(0),
                "recv_done_trigger" => recv_done = self.positive(key, value).unwrap_or(0),
                _ => priority = self.number::<u32>(key, value, "a whole number"),
            }
        }
        let given = |which: usize| seen & (1 << which) != 0;
        if !given(3) {
            self.error(whole, "a connection without `size`", "add `size BYTES`", "");
        }
        if bytes == Some(0) {
            let help = "in htsim size 0 is a flow without end; give the bytes to send";
            self.error(whole, "a connection of 0 bytes", "size must be at least 1", help);
        }
        match (given(2), given(4)) {
            (true, true) => {
                let help = "a connection starts at a time or when a trigger fires: keep one of them";
                self.error(whole, "a connection with both `start` and `trigger`", "starts twice", help);
            }
            (false, false) => {
                let help = "add `start MICROSECONDS` or `trigger ID`";
                self.error(whole, "a connection with neither `start` nor `trigger`", "never starts", help);
            }
            _ => {}
        }
        let start = start.map(Start::At).or(trigger.map(Start::On));
        let (Some(from), Some(to), Some(start), Some(bytes)) = (from, to, start, bytes) else { return };
        self.matrix.connections.push(Connection {
            from,
            to,
            id,
            message,
            start,
            bytes,
            send_done,
            recv_done,
            priority,
        });
        self.places.connections.push(whole);
    }

    /// A whole number above 0.
    fn positive<T: TryFrom<u64> + Default + PartialEq>(&mut self, key: Word<'_>, value: Option<Word<'_>>) -> Option<T> {
        let number = self.number::<T>(key, value, "a whole number above 0")?;
        if number == T::default() {
            self.error(self.span(key), format!("`{} 0`", key.0), "expected a whole number above 0", "");
            return None;
        }
        Some(number)
    }

    /// A time in microseconds; parts of a picosecond are cut off.
    fn time(&mut self, key: Word<'_>, value: Option<Word<'_>>) -> Option<Time> {
        let found = value.and_then(|value| microseconds(value.0));
        if found.is_none() {
            let at = self.span(value.unwrap_or(key));
            self.error(at, "expected a time in microseconds, 0 to 1.8e13".to_string(), "not a time", "");
        }
        found
    }

    fn trigger<'w>(&mut self, first: Word<'w>, mut words: impl Iterator<Item = Word<'w>>, whole: Span) {
        let (mut seen, mut id, mut count, mut kind) = (0, None, None, None);
        while let Some(key) = words.next() {
            let Some(which) = TRIGGER_KEYS.iter().position(|known| *known == key.0) else {
                self.unknown(key, &TRIGGER_KEYS, "a trigger");
                continue;
            };
            self.once(&mut seen, which, key);
            match which {
                0 => id = self.positive::<u32>(key, words.next()),
                1 => count = self.positive::<u32>(key, words.next()),
                _ => {
                    if kind.replace(key.0).is_some_and(|before| before != key.0) {
                        self.error(self.span(key), "a trigger of two kinds", "keep one", "");
                    }
                }
            }
        }
        if seen & 1 == 0 {
            self.error(self.span(first), "a trigger without `id`", "add `id NUMBER`", "");
        }
        let kind = match kind {
            Some("oneshot") => Some(TriggerKind::OneShot),
            Some("multishot") => Some(TriggerKind::MultiShot),
            Some(_) => {
                if seen & 2 == 0 {
                    let help = "say after how many activations it fires: `barrier count N`";
                    self.error(whole, "a barrier without `count`", "add `count N`", help);
                }
                count.map(|count| TriggerKind::Barrier { count })
            }
            None => {
                self.error(whole, "a trigger without a kind", "add `oneshot`, `multishot` or `barrier count N`", "");
                None
            }
        };
        let (Some(id), Some(kind)) = (id, kind) else { return };
        self.matrix.triggers.push(Trigger { id, kind });
        self.places.triggers.push(whole);
    }

    fn failure<'w>(&mut self, mut words: impl Iterator<Item = Word<'w>>, whole: Span) {
        let (mut seen, mut tier, mut switch, mut link) = (0, None, None, None);
        while let Some(key) = words.next() {
            let Some(which) = FAILURE_KEYS.iter().position(|known| *known == key.0) else {
                self.unknown(key, &FAILURE_KEYS, "a failure");
                continue;
            };
            self.once(&mut seen, which, key);
            let value = words.next();
            match which {
                0 => {
                    tier = SwitchTier::ALL.into_iter().find(|tier| value.is_some_and(|value| value.0 == tier.name()));
                    if tier.is_none() {
                        let at = self.span(value.unwrap_or(key));
                        self.error(at, "not a kind of switch", "expected TOR, AGG or CORE", "");
                    }
                }
                1 => switch = self.number::<u32>(key, value, "the number of a switch"),
                _ => link = self.number::<u32>(key, value, "the number of a link"),
            }
        }
        for (which, key) in FAILURE_KEYS.iter().enumerate() {
            if seen & (1 << which) == 0 {
                let help = "failure switch_type AGG switch_id 3 link_id 0";
                self.error(whole, format!("a failure without `{key}`"), "which link is meant?", help);
            }
        }
        let (Some(tier), Some(switch), Some(link)) = (tier, switch, link) else { return };
        self.matrix.failures.push(FailedLink { tier, switch, link });
    }

    /// Without its line of the header, a count is what was found.
    fn uncounted(&mut self, name: &str, found: usize, end: usize) {
        if found > 0 {
            let at = Span { file: self.file, start: end as u32, end: end as u32 };
            let message = format!("no `{name}` line: the file has {found}, and htsim would refuse it");
            let label = format!("add `{name} {found}` above");
            self.problems.push(Problem::warning("connection-matrix", message, at, label));
        }
    }

    /// What can only be said when all is read.
    fn finish(&mut self, end: usize) {
        let highest = self.matrix.connections.iter().map(|connection| connection.from.max(connection.to)).max();
        match self.places.header[0] {
            Some((nodes, _)) => self.matrix.nodes = nodes,
            None => {
                self.matrix.nodes = highest.map_or(0, |highest| highest.saturating_add(1));
                let at = Span { file: self.file, start: 0, end: 0 };
                let message = format!("no `Nodes` line: {} nodes are assumed", self.matrix.nodes);
                self.problems.push(Problem::warning("connection-matrix", message, at, "add `Nodes N`"));
            }
        }
        let counts = [self.matrix.connections.len(), self.matrix.triggers.len(), self.matrix.failures.len()];
        // Lines that could not be read are not also missing.
        if !self.problems.has_errors() {
            for (which, found) in counts.into_iter().enumerate() {
                let name = HEADER[which + 1];
                let Some((said, at)) = self.places.header[which + 1] else {
                    self.uncounted(name, found, end);
                    continue;
                };
                if said as usize != found {
                    let message = format!("`{name} {said}`, but the file has {found}");
                    let help = format!("is the file cut off? Otherwise write `{name} {found}`");
                    self.error(at, message, "does not agree", &help);
                }
            }
        }
    }
}

/// Microseconds with or without decimals, exact to the picosecond unless in scientific notation.
fn microseconds(text: &str) -> Option<Time> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && (part.is_empty() || digits(part)) {
        let part: u64 = format!("{part:0<6.6}").parse().ok()?;
        return whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part).map(Time);
    }
    let ps = text.parse::<f64>().ok()? * 1e6;
    (0.0..u64::MAX as f64).contains(&ps).then_some(Time(ps as u64))
}

/// What may surprise though it is no error.
fn warn(matrix: &ConnectionMatrix, places: &Places, problems: &mut Problems) {
    if let Some(at) = matrix.connections.iter().position(|connection| connection.message.is_some()) {
        let message = "messages on connections that are used again: each runs as a flow of its own";
        problems.push(Problem::warning("connection-reuse", message, places.connections[at], "the first `msg`"));
    }
    if let Some(at) = matrix.connections.iter().position(|connection| connection.priority.is_some()) {
        let message = "priorities are read but not used (nor does htsim_uec use them)";
        problems.push(Problem::warning("connection-priority", message, places.connections[at], "the first `prio`"));
    }
    let (_, wires) = matrix.errors();
    for (at, (trigger, wires)) in matrix.triggers.iter().zip(&wires).enumerate() {
        if wires.targets.is_empty() {
            let message = format!("no connection waits for trigger {}", trigger.id);
            problems.push(Problem::warning("trigger-unused", message, places.triggers[at], "starts nothing"));
        } else if trigger.kind == TriggerKind::MultiShot && wires.sources.len() > 1 {
            let message = "a multishot trigger with several activators: they are taken in the order of the file, not in \
                           the order in which they end";
            problems.push(Problem::warning("trigger-multishot", message, places.triggers[at], "this trigger"));
        }
    }
}

/// An error of sense with its places.
fn problem(error: &MatrixError, matrix: &ConnectionMatrix, places: &Places) -> Problem {
    const CODE: &str = "connection-matrix";
    let connection = |at: usize| places.connections[at];
    let message = error.to_string();
    match error {
        MatrixError::NoNode(at, _) => {
            let problem = Problem::error(CODE, message, connection(*at), "not a node");
            let help = format!("nodes count from 0: 0 to {}", matrix.nodes.saturating_sub(1));
            match places.header[0] {
                Some((_, nodes)) => problem.and(nodes, "the number of nodes").help(help),
                None => problem.help(help),
            }
        }
        MatrixError::ToItself(at) | MatrixError::Empty(at) => Problem::error(CODE, message, connection(*at), "here"),
        MatrixError::SameId(first, second) => {
            Problem::error(CODE, message, connection(*second), "again here").and(connection(*first), "first here")
        }
        MatrixError::SameTrigger(first, second) => {
            Problem::error(CODE, message, places.triggers[*second], "again here")
                .and(places.triggers[*first], "first here")
        }
        MatrixError::NoTrigger(at, id) => Problem::error(CODE, message, connection(*at), "named here")
            .help(format!("add a line `trigger id {id} oneshot`")),
        MatrixError::NeverStarts { connection: at, trigger, .. } => Problem::error(
            CODE,
            message,
            connection(*at),
            "waits here",
        )
        .and(places.triggers[*trigger], "for this")
        .help(
            "name the trigger as `send_done_trigger` or `recv_done_trigger` of the connections that are to activate it",
        ),
        MatrixError::TooOften { trigger, activated, .. } => {
            Problem::error(CODE, message, places.triggers[*trigger], "this trigger")
                .help(format!("to wait for all of them, make it `barrier count {activated}`"))
        }
        MatrixError::EmptyBarrier(at) => Problem::error(CODE, message, places.triggers[*at], "here"),
        MatrixError::Circle(circle) => {
            let mut spans = circle.iter().map(|at| connection(*at));
            let Some(first) = spans.next() else { return Problem::whole(CODE, message) };
            // More places than these would hide the message.
            spans
                .take(7)
                .fold(Problem::error(CODE, message, first, "this waits for the last of them"), |problem, span| {
                    problem.and(span, "this waits for the one before")
                })
        }
    }
}
