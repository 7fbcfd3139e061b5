//! Faults from a TOML file.
//!
//! ```text
//! reconvergence = "50us"
//!
//! [[fault]]
//! link = "switch.t1[3].up[2]"
//! down = true
//! at = "100us"
//! until = "300us"
//!
//! [[fault]]
//! line = "node switch.t2[1] down at 1ms"
//! ```

use lanewright_fabric::time::Time;
use lanewright_model::problem::{Problem, Problems};
use lanewright_model::read::record::check_keys;
use lanewright_model::read::{Document, Node, Reader, Value};
use lanewright_model::text::{FileId, Placed, Texts};

use super::super::units;
use super::phrase;
use super::wanted::{Kind, USUAL_STEPS, Wanted};

const CODE: &str = "fault";

const KEYS: [&str; 16] = [
    "line", "link", "node", "at", "until", "down", "up", "share", "lanes", "ber", "burst", "to", "over", "steps",
    "flap", "note",
];

/// What a file says.
#[derive(Debug, Default)]
pub struct Table {
    /// Faults in the order written.
    pub wanted: Vec<Wanted>,
    /// Time from a failure to routes that avoid it.
    pub reconvergence: Option<Time>,
}

/// Reads a text that is in `texts`. Every error becomes a problem.
pub fn read(file: FileId, texts: &Texts, problems: &mut Problems) -> Table {
    let document = Document::parse(file, texts, problems);
    let mut table = Table::default();
    if problems.has_errors() {
        return table;
    }
    check_keys(&document.root, &["fault", "reconvergence"], "a file of faults", &mut Reader { problems });
    if let Some(node) = document.root.get("reconvergence") {
        table.reconvergence = keep(time(node), problems);
    }
    match document.root.get("fault").map(|node| (node, &node.value)) {
        Some((_, Value::Array(faults))) => {
            for fault in faults {
                check_keys(fault, &KEYS, "a fault", &mut Reader { problems });
                table.wanted.extend(keep(one(fault), problems));
            }
        }
        Some((node, _)) => problems.push(
            Problem::error(CODE, format!("faults are a list of tables, not {}", node.kind()), node.span, "here")
                .help("begin each fault with [[fault]]"),
        ),
        None => {}
    }
    table
}

fn keep<T>(found: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    found.map_err(|problem| problems.push(problem)).ok()
}

fn one(fault: &Node) -> Result<Wanted, Problem> {
    if !matches!(fault.value, Value::Table(_)) {
        return Err(expected(fault, "a table"));
    }
    let missing = |what: &str| {
        Problem::error(CODE, format!("this fault has no {what}"), fault.span, "here")
            .help(format!("write {}", phrase::FORMS))
    };
    if let Some(line) = fault.get("line") {
        let text = line.as_str().ok_or_else(|| expected(line, "a line of text"))?;
        return phrase::read(text, line.span.file)
            .map_err(|problem| Problem { labels: vec![(line.span, "in this line".into())], ..problem })
            .map(|wanted| wanted.all_at(line.span));
    }
    let (place, node) = match (fault.get("link"), fault.get("node")) {
        (Some(link), None) => (link, false),
        (None, Some(node)) => (node, true),
        (Some(_), Some(node)) => {
            return Err(Problem::error(CODE, "a fault is of a link or of a node, not of both", node.span, "here"));
        }
        (None, None) => return Err(missing("`link` or `node`")),
    };
    let name = place.as_str().ok_or_else(|| expected(place, "a name"))?;
    let kinds: Vec<(&str, &Node)> = ["down", "up", "share", "lanes", "ber", "flap"]
        .into_iter()
        .filter_map(|key| fault.get(key).map(|node| (key, node)))
        .collect();
    let (key, of) = match kinds.as_slice() {
        [one] => *one,
        [] => return Err(missing("`down`, `up`, `share`, `lanes`, `ber` or `flap`")),
        [(first, _), (second, node), ..] => {
            let message = format!("a fault does one thing: `{first}` or `{second}`");
            return Err(Problem::error(CODE, message, node.span, "one too many"));
        }
    };
    let kind = kind(fault, key, of)?.check().map_err(|why| Problem::error(CODE, why, of.span, "here"))?;
    Ok(Wanted {
        place: Placed::new(name.to_string(), place.span),
        node,
        kind: Placed::new(kind, of.span),
        at: time(fault.get("at").ok_or_else(|| missing("`at`"))?)?,
        until: fault.get("until").map(|node| time(node).map(|time| Placed::new(time, node.span))).transpose()?,
    })
}

fn kind(fault: &Node, key: &str, of: &Node) -> Result<Kind, Problem> {
    Ok(match key {
        "down" | "up" => match of.value {
            Value::Boolean(true) if key == "down" => Kind::Down,
            Value::Boolean(true) => Kind::Up,
            _ => return Err(expected(of, "true")),
        },
        "share" => Kind::Share(number(of)?),
        "lanes" => Kind::Lanes(whole(of)?.min(u32::from(u16::MAX)) as u16),
        "ber" => {
            let burst = fault.get("burst").map_or(Ok(1.0), number)?;
            match fault.get("to") {
                None => Kind::BitErrors(number(of)?, burst),
                Some(to) => {
                    let needs = || Problem::error(CODE, "a ratio that rises needs `over`, a time", to.span, "here");
                    Kind::Rise {
                        from: number(of)?,
                        to: number(to)?,
                        burst,
                        over: time(fault.get("over").ok_or_else(needs)?)?,
                        steps: fault.get("steps").map_or(Ok(USUAL_STEPS), whole)?,
                    }
                }
            }
        }
        _ => {
            let part = |key: &str| {
                let help = "write flap = { down = \"10us\", every = \"100us\", times = 5 }";
                of.get(key)
                    .ok_or_else(|| Problem::error(CODE, format!("`flap` has no `{key}`"), of.span, "here").help(help))
            };
            Kind::Flap { down: time(part("down")?)?, every: time(part("every")?)?, times: whole(part("times")?)? }
        }
    })
}

fn expected(node: &Node, what: &str) -> Problem {
    Problem::error(
        "wrong-type",
        format!("expected {what}, found {}", node.kind()),
        node.span,
        format!("expected {what}"),
    )
}

/// A time as text with a unit, or as a number of microseconds.
fn time(node: &Node) -> Result<Time, Problem> {
    let text = match &node.value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => return Err(expected(node, "a time such as \"100us\"")),
    };
    units::microseconds(&text)
        .map_err(|why| Problem::error(CODE, format!("`{text}` is not a time: {why}"), node.span, "here"))
}

fn number(node: &Node) -> Result<f64, Problem> {
    match node.value {
        Value::Integer(number) => Ok(number as f64),
        Value::Float(number) => Ok(number),
        _ => Err(expected(node, "a number")),
    }
}

fn whole(node: &Node) -> Result<u32, Problem> {
    match node.value {
        Value::Integer(number) => u32::try_from(number).map_err(|_| {
            Problem::error(CODE, format!("{number} is out of range"), node.span, "a number from 0 to 4,294,967,295")
        }),
        _ => Err(expected(node, "an integer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Table, Vec<(String, String)>) {
        let (mut texts, mut problems) = (Texts::new(), Problems::new());
        let file = texts.add("faults.toml", text);
        let table = read(file, &texts, &mut problems);
        let place = |problem: &Problem| problem.labels.first().map_or(String::new(), |label| texts.place(label.0));
        (table, problems.iter().map(|problem| (place(problem), problem.message.clone())).collect())
    }

    #[test]
    fn a_file_says_what_lines_say() {
        let text = "reconvergence = \"50us\"\n[[fault]]\nlink = \"a--b\"\nlanes = 2\nat = 100\nuntil = \"0.3ms\"\n\
                    [[fault]]\nnode = \"c\"\nflap = { down = \"10us\", every = \"100us\", times = 5 }\nat = 0\n\
                    [[fault]]\nlink = \"a->b\"\nber = 1e-12\nto = 1e-6\nover = \"1ms\"\nburst = 4\nat = \"2ms\"\n\
                    [[fault]]\nline = \"link a--b down at 1ms\"\n";
        let (table, problems) = parse(text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(table.reconvergence, Some(Time::us(50)));
        let kinds: Vec<Kind> = table.wanted.iter().map(|fault| fault.kind.value).collect();
        let rise = Kind::Rise { from: 1e-12, to: 1e-6, burst: 4.0, over: Time::us(1000), steps: USUAL_STEPS };
        let flap = Kind::Flap { down: Time::us(10), every: Time::us(100), times: 5 };
        assert_eq!(kinds, [Kind::Lanes(2), flap, rise, Kind::Down]);
        assert_eq!(table.wanted[0].until.as_ref().map(|until| until.value), Some(Time::us(300)));
        assert!(table.wanted[1].node && table.wanted[3].at == Time::us(1000));
    }

    #[test]
    fn errors_have_places() {
        for (text, place, expected) in [
            ("[[fault]]\nlnk = \"a\"\n", "faults.toml:2:1", "unknown key `lnk`"),
            ("[[fault]]\nlink = \"a\"\nat = 1\n", "faults.toml:1:1", "has no `down`"),
            ("[[fault]]\nlink = \"a\"\ndown = true\n", "faults.toml:1:1", "has no `at`"),
            ("[[fault]]\nlink = \"a\"\ndown = true\nat = \"soon\"\n", "faults.toml:4:6", "not a time"),
            ("[[fault]]\nlink = \"a\"\ndown = true\nup = true\nat = 1\n", "faults.toml:4:6", "one thing"),
            ("[[fault]]\nlink = \"a\"\nshare = 3\nat = 1\n", "faults.toml:3:9", "at most 1"),
            ("[[fault]]\nlink = \"a\"\nlanes = 1.5\nat = 1\n", "faults.toml:3:9", "an integer"),
            ("[[fault]]\nlink = \"a\"\nflap = { down = 1 }\nat = 1\n", "faults.toml:3:8", "no `every`"),
            ("[[fault]]\nline = \"link a dwon at 1\"\n", "faults.toml:2:8", "`dwon`"),
            ("fault = 3\n", "faults.toml:1:9", "list of tables"),
            ("reconvergence = true\n", "faults.toml:1:17", "a time"),
            ("[[fault]\n", "faults.toml:1:9", "not TOML"),
        ] {
            let (_, problems) = parse(text);
            let found = problems.iter().any(|(at, message)| at == place && message.contains(expected));
            assert!(found, "{text}: {problems:?}");
        }
    }
}
