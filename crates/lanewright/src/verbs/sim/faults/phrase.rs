//! Faults in one line: `link host[3] down at 100us until 300us`.

use lanewright_fabric::time::Time;
use lanewright_model::problem::{Problem, nearest};
use lanewright_model::text::{FileId, Placed, Span};

use super::super::units;
use super::wanted::{Kind, USUAL_STEPS, Wanted};

/// How the line may go, for messages.
pub const FORMS: &str = "link PLACE or node NAME, then down, up, share 0.5, lanes 2, ber 1e-9 [burst 4] [to 1e-6 over 1ms \
                         [steps 10]] or flap 10us every 100us times 5, then at 100us, then [until 300us]";

const CODE: &str = "fault";

/// One word and its place.
type Word<'a> = (&'a str, Span);

struct Words<'a> {
    words: std::iter::Peekable<std::vec::IntoIter<Word<'a>>>,
    end: Span,
}

impl<'a> Words<'a> {
    fn new(text: &'a str, file: FileId) -> Self {
        let mut words = Vec::new();
        let mut rest = 0;
        for word in text.split_whitespace() {
            // Words follow each other: the next is found behind the last.
            let start = rest + text[rest..].find(word).unwrap_or(0);
            rest = start + word.len();
            words.push((word, Span { file, start: start as u32, end: rest as u32 }));
        }
        let end = text.len() as u32;
        Self { words: words.into_iter().peekable(), end: Span { file, start: end, end } }
    }

    fn next(&mut self, wanted: &str) -> Result<Word<'a>, Problem> {
        let missing = || Problem::error(CODE, format!("the fault ends where {wanted} is expected"), self.end, "here");
        self.words.next().ok_or_else(|| missing().help(format!("write {FORMS}")))
    }

    /// Takes the next word if it is this one.
    fn take(&mut self, word: &str) -> bool {
        self.words.next_if(|(next, _)| *next == word).is_some()
    }

    fn keyword(&mut self, word: &str) -> Result<(), Problem> {
        let (found, at) = self.next(&format!("`{word}`"))?;
        if found == word {
            return Ok(());
        }
        Err(Problem::error(CODE, format!("`{word}` is expected, not `{found}`"), at, "here")
            .help(format!("write {FORMS}")))
    }

    fn number<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, Problem> {
        let (word, at) = self.next(what)?;
        word.parse().map_err(|_| Problem::error(CODE, format!("`{word}` is not {what}"), at, "here"))
    }

    fn time(&mut self, what: &str) -> Result<Placed<Time>, Problem> {
        let (word, at) = self.next(what)?;
        let time = units::microseconds(word);
        time.map(|time| Placed::new(time, at))
            .map_err(|why| Problem::error(CODE, format!("`{word}` is not {what}: {why}"), at, "here"))
    }
}

/// Reads a line that is a text of its own.
pub fn read(text: &str, file: FileId) -> Result<Wanted, Problem> {
    let mut words = Words::new(text, file);
    let (what, at) = words.next("`link` or `node`")?;
    let node = match what {
        "node" => true,
        "link" => false,
        other => {
            let problem =
                Problem::error(CODE, format!("a fault is of a `link` or a `node`, not of `{other}`"), at, "here");
            return Err(problem.help(format!("write {FORMS}")));
        }
    };
    let (place, mut span) = words.next("the place")?;
    let mut place = place.to_string();
    // Blanks around the mark between two ends are welcome.
    while let Some((word, at)) =
        words.words.next_if(|(next, _)| ["--", "->"].iter().any(|mark| next.starts_with(mark) || place.ends_with(mark)))
    {
        place.push_str(word);
        span.end = at.end;
    }
    let kind = kind(&mut words)?;
    words.keyword("at")?;
    let at = words.time("a time")?.value;
    let until = if words.take("until") { Some(words.time("a time")?) } else { None };
    if let Some((word, at)) = words.words.next() {
        return Err(Problem::error(CODE, format!("`{word}` is too much"), at, "here").help(format!("write {FORMS}")));
    }
    Ok(Wanted { place: Placed::new(place, span), node, kind, at, until })
}

fn kind(words: &mut Words<'_>) -> Result<Placed<Kind>, Problem> {
    let (word, mut span) = words.next("what happens")?;
    let kind = match word {
        "down" => Kind::Down,
        "up" => Kind::Up,
        "share" => Kind::Share(words.number("a share")?),
        "lanes" => Kind::Lanes(words.number("a number of lanes")?),
        "ber" => {
            let ratio = words.number("a bit error ratio")?;
            let burst = if words.take("burst") { words.number("a length in bits")? } else { 1.0 };
            if words.take("to") {
                let to = words.number("a bit error ratio")?;
                words.keyword("over")?;
                let over = words.time("a time")?.value;
                let steps = if words.take("steps") { words.number("a number of steps")? } else { USUAL_STEPS };
                Kind::Rise { from: ratio, to, burst, over, steps }
            } else {
                Kind::BitErrors(ratio, burst)
            }
        }
        "flap" => {
            let down = words.time("a time")?.value;
            words.keyword("every")?;
            let every = words.time("a time")?.value;
            words.keyword("times")?;
            Kind::Flap { down, every, times: words.number("a number of flaps")? }
        }
        other => {
            let near = nearest(other, ["down", "up", "share", "lanes", "ber", "flap"]);
            let label = near.map_or_else(|| "here".to_string(), |near| format!("did you mean `{near}`?"));
            let problem = Problem::error(
                CODE,
                format!("nothing that happens to a link or node is called `{other}`"),
                span,
                label,
            );
            return Err(problem.help(format!("write {FORMS}")));
        }
    };
    if let Some((_, next)) = words.words.peek() {
        span.end = next.start.saturating_sub(1).max(span.end);
    }
    kind.check().map(|kind| Placed::new(kind, span)).map_err(|why| Problem::error(CODE, why, span, "here"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanewright_model::text::Texts;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Wanted, Problem> {
        read(text, Texts::new().add("--fault", text))
    }

    #[test]
    fn every_form() {
        let fault = parse("link host[3] -- switch.t1[0]  down at 100us until 0.3ms").expect("well formed");
        assert_eq!((fault.place.value.as_str(), fault.node), ("host[3]--switch.t1[0]", false));
        assert_eq!((fault.at, fault.until.map(|time| time.value)), (Time::us(100), Some(Time::us(300))));
        assert_eq!(fault.kind.value, Kind::Down);
        let kind = |text: &str| parse(text).map(|fault| fault.kind.value).map_err(|problem| problem.message);
        assert_eq!(kind("node host[1] up at 0"), Ok(Kind::Up));
        assert_eq!(kind("link a share 0.25 at 1"), Ok(Kind::Share(0.25)));
        assert_eq!(kind("link a lanes 2 at 1"), Ok(Kind::Lanes(2)));
        assert_eq!(kind("link a->b#1 ber 1e-9 burst 4 at 1"), Ok(Kind::BitErrors(1e-9, 4.0)));
        let rise = Kind::Rise { from: 1e-12, to: 1e-6, burst: 1.0, over: Time::us(1000), steps: 6 };
        assert_eq!(kind("link a ber 1e-12 to 1e-6 over 1ms steps 6 at 1"), Ok(rise));
        let flap = Kind::Flap { down: Time::us(10), every: Time::us(100), times: 5 };
        assert_eq!(kind("link a flap 10us every 100us times 5 at 1"), Ok(flap));
    }

    #[test]
    fn errors_have_places() {
        for (text, start, expected) in [
            ("", 0, "`link` or `node`"),
            ("lnk a down at 1", 0, "not of `lnk`"),
            ("link a dwon at 1", 7, "`dwon`"),
            ("link a down on 1", 12, "`at` is expected"),
            ("link a down at soon", 15, "not a time"),
            ("link a down at 1 until", 22, "a time is expected"),
            ("link a down at 1 please", 17, "too much"),
            ("link a share 2 at 1", 7, "at most 1"),
            ("link a lanes two at 1", 13, "not a number of lanes"),
            ("link a ber 0.9 at 1", 7, "0.5"),
            ("link a flap 10us every 5us times 2 at 1", 7, "to the next"),
            ("link a ber 0 to 1e-6 over 1ms at 1", 7, "rises"),
        ] {
            let problem = parse(text).expect_err(text);
            assert!(problem.message.contains(expected), "{text}: {}", problem.message);
            assert_eq!(problem.labels.first().map(|label| label.0.start), Some(start), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(link|node|[a-z]{1,4}) ?[a-z\\[\\]0-9.>#-]{0,12} (down|flap|ber|µ|share)? ?.{0,24}") {
            if let Ok(fault) = parse(&text) {
                prop_assert!(!fault.place.value.is_empty());
                prop_assert!(fault.kind.value.check().is_ok());
            }
        }
    }
}
