//! Requests from files: logs of vLLM runs (one JSON object per line) and the Azure traces (CSV).
//!
//! Nothing is skipped: a line that cannot be a request is an error with its place and what was expected.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::request::Request;

/// Most requests of one file.
const MOST: usize = 5_000_000;

/// Times that an engine logged for a request, seconds on the engine's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Logged {
    /// The scheduler first saw it.
    pub queued_s: f64,
    /// A step first carried it; none where the log does not say.
    pub scheduled_s: Option<f64>,
    /// Its first token.
    pub first_token_s: f64,
    /// Its last token.
    pub last_token_s: f64,
}

/// A file of requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Requests in order of arrival; the first arrives at 0.
    pub requests: Vec<Request>,
    /// Names, where the file has them.
    pub names: Vec<String>,
    /// What was logged of each; empty for traces without such times.
    pub logged: Vec<Logged>,
}

/// Why a file is no trace of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What was expected.
    pub help: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        write!(f, ": {}\n  help: {}", self.message, self.help)
    }
}

fn error(line: usize, message: impl Into<String>, help: impl Into<String>) -> TraceError {
    TraceError { line, column: None, message: message.into(), help: help.into() }
}

/// Keys of a vLLM request log.
const KEYS: &[&str] = &[
    "request_id",
    "input_toks",
    "output_toks",
    "arrival_time",
    "queued_ts",
    "scheduled_ts",
    "first_token_ts",
    "last_token_ts",
    "cached_toks",
    "prefix_id",
    "prefix_toks",
    "priority",
];

const LINE_HELP: &str = "a line is a JSON object with input_toks, output_toks and arrival_time, and if known queued_ts, \
                         scheduled_ts, first_token_ts, last_token_ts";

/// Reads a trace of either kind: the first character that is no space decides.
pub fn parse(text: &str) -> Result<Trace, TraceError> {
    match text.trim_start().as_bytes().first() {
        None => Err(error(1, "the file is empty", LINE_HELP)),
        Some(b'{') => parse_log(text),
        Some(_) => parse_table(text),
    }
}

/// Reads a log of requests, one JSON object per line.
pub fn parse_log(text: &str) -> Result<Trace, TraceError> {
    let mut trace = Trace::default();
    let mut start = None;
    let mut before = f64::NEG_INFINITY;
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        if line.trim().is_empty() {
            continue;
        }
        if trace.requests.len() >= MOST {
            return Err(error(number, format!("more than {MOST} requests"), "cut the file"));
        }
        let object: Map<String, Value> = serde_json::from_str(line).map_err(|fault| TraceError {
            line: number,
            column: Some(fault.column().max(1)),
            message: format!("this is no JSON object: {}", without_place(&fault)),
            help: LINE_HELP.into(),
        })?;
        if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(error(number, format!("unknown key `{key}`"), format!("known are {}", KEYS.join(", "))));
        }
        let count = |key: &str, least: u64| -> Result<Option<u32>, TraceError> {
            match object.get(key) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => value
                    .as_u64()
                    .filter(|count| (least..1 << 31).contains(count))
                    .map(|count| Some(count as u32))
                    .ok_or_else(|| {
                        error(
                            number,
                            format!("`{key}` is {value}"),
                            format!("a whole number of tokens, {least} or more"),
                        )
                    }),
            }
        };
        let time = |key: &str| -> Result<Option<f64>, TraceError> {
            match object.get(key) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => {
                    value.as_f64().filter(|time| time.is_finite() && *time >= 0.0).map(Some).ok_or_else(|| {
                        error(
                            number,
                            format!("`{key}` is {value}"),
                            "a time in seconds, 0 or later, on one clock for all lines",
                        )
                    })
                }
            }
        };
        let need = |key: &str, found: Option<u32>| {
            found.ok_or_else(|| error(number, format!("`{key}` is missing"), LINE_HELP))
        };
        let input = need("input_toks", count("input_toks", 1)?)?;
        let output = need("output_toks", count("output_toks", 1)?)?;
        let queued = time("queued_ts")?;
        let arrival =
            time("arrival_time")?.or(queued).ok_or_else(|| error(number, "`arrival_time` is missing", LINE_HELP))?;
        if arrival < before {
            return Err(error(
                number,
                format!("it arrives {:.6} s before the request above it", before - arrival),
                "lines are in order of arrival: sort them by `arrival_time`",
            ));
        }
        before = arrival;
        let start = *start.get_or_insert(arrival);
        let priority = match object.get("priority") {
            None | Some(Value::Null) => 0,
            Some(value) => value
                .as_i64()
                .and_then(|priority| i32::try_from(priority).ok())
                .ok_or_else(|| error(number, format!("`priority` is {value}"), "a whole number; lower goes first"))?,
        };
        let (cached, prefix) = (count("cached_toks", 0)?.unwrap_or(0), count("prefix_id", 0)?.unwrap_or(0));
        let prefix_tokens = count("prefix_toks", 0)?.unwrap_or(0);
        for (key, tokens) in [("cached_toks", cached), ("prefix_toks", prefix_tokens)] {
            if tokens > input {
                return Err(error(
                    number,
                    format!("`{key}` is {tokens}, more than the prompt"),
                    format!("at most {input}"),
                ));
            }
        }
        if let Some(logged) =
            logged(number, queued, time("scheduled_ts")?, time("first_token_ts")?, time("last_token_ts")?)?
        {
            trace.logged.push(logged);
        }
        trace.names.push(match object.get("request_id") {
            Some(Value::String(name)) => name.clone(),
            Some(value) if !value.is_null() => value.to_string(),
            _ => number.to_string(),
        });
        trace.requests.push(Request {
            arrival_s: arrival - start,
            input,
            output,
            cached,
            prefix,
            prefix_tokens,
            priority,
        });
    }
    if trace.requests.is_empty() {
        return Err(error(1, "there is no request in the file", LINE_HELP));
    }
    if !trace.logged.is_empty() && trace.logged.len() != trace.requests.len() {
        return Err(error(
            1,
            format!("{} of {} requests have logged times", trace.logged.len(), trace.requests.len()),
            "give queued_ts, first_token_ts and last_token_ts for all requests, or for none",
        ));
    }
    Ok(trace)
}

fn logged(
    line: usize,
    queued: Option<f64>,
    scheduled: Option<f64>,
    first: Option<f64>,
    last: Option<f64>,
) -> Result<Option<Logged>, TraceError> {
    let (Some(queued_s), Some(first_token_s), Some(last_token_s)) = (queued, first, last) else { return Ok(None) };
    let order = [Some(queued_s), scheduled, Some(first_token_s), Some(last_token_s)];
    let known: Vec<f64> = order.into_iter().flatten().collect();
    if known.windows(2).any(|pair| pair[1] < pair[0]) {
        return Err(error(
            line,
            "its times run backwards",
            "queued_ts, scheduled_ts, first_token_ts and last_token_ts follow each other on one clock",
        ));
    }
    Ok(Some(Logged { queued_s, scheduled_s: scheduled, first_token_s, last_token_s }))
}

fn without_place(fault: &serde_json::Error) -> String {
    let text = fault.to_string();
    text.rfind(" at line ").map_or(text.clone(), |at| text[..at].to_string())
}

/// Headers of tables: time, prompt, answer.
const HEADERS: &[[&str; 3]] = &[
    ["arrived_at", "num_prefill_tokens", "num_decode_tokens"],
    ["TIMESTAMP", "ContextTokens", "GeneratedTokens"],
    ["arrival_s", "input", "output"],
];

fn headers() -> String {
    let all: Vec<String> = HEADERS.iter().map(|header| header.join(",")).collect();
    format!("the first line names the columns {}", all.join(" or "))
}

/// Reads a table of requests with a header.
pub fn parse_table(text: &str) -> Result<Trace, TraceError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|fault| error(1, fault.to_string(), headers()))?.clone();
    let place = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
    let columns = HEADERS.iter().find_map(|names| Some([place(names[0])?, place(names[1])?, place(names[2])?]));
    let Some([time, input, output]) = columns else {
        return Err(error(1, "the columns of requests are not there", headers()));
    };
    let mut trace = Trace::default();
    let (mut start, mut before) = (None, f64::NEG_INFINITY);
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|fault| {
            let line = fault.position().map_or(row + 2, |place| place.line() as usize);
            error(line, fault.to_string(), headers())
        })?;
        let line = record.position().map_or(row + 2, |place| place.line() as usize);
        if trace.requests.len() >= MOST {
            return Err(error(line, format!("more than {MOST} requests"), "cut the file"));
        }
        let field = |at: usize| record.get(at).unwrap_or("");
        let arrival = seconds(field(time)).filter(|time| time.is_finite() && *time >= 0.0).ok_or_else(|| {
            error(
                line,
                format!("`{}` is {:?}", &header[time], field(time)),
                "a time of 0 s or later, as seconds or as 2023-11-16 18:15:46.68",
            )
        })?;
        if arrival < before {
            return Err(error(
                line,
                format!("it arrives {:.6} s before the request above it", before - arrival),
                format!("rows are in order of arrival: sort them by `{}`", &header[time]),
            ));
        }
        before = arrival;
        let count = |at: usize| {
            // Some traces write whole numbers with a decimal point.
            let value = field(at)
                .parse::<f64>()
                .ok()
                .filter(|count| count.fract() == 0.0 && (1.0..2_147_483_648.0).contains(count));
            value.map(|count| count as u32).ok_or_else(|| {
                error(line, format!("`{}` is {:?}", &header[at], field(at)), "a whole number of tokens, 1 or more")
            })
        };
        let start = *start.get_or_insert(arrival);
        let (input, output) = (count(input)?, count(output)?);
        trace.requests.push(Request { arrival_s: arrival - start, input, output, ..Request::default() });
    }
    if trace.requests.is_empty() {
        return Err(error(2, "there is no request in the file", headers()));
    }
    Ok(trace)
}

/// Seconds, from a number or from a date and a time of day.
fn seconds(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(seconds);
    }
    let (date, time) = text.split_once([' ', 'T'])?;
    let time = time.trim_end_matches('Z');
    let time = time.split_once('+').map_or(time, |(time, _)| time);
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':').map(|part| part.parse::<f64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    // Days of the civil calendar, with years that begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    Some(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"request_id": "a", "input_toks": 10, "output_toks": 3, "arrival_time": 100.5, "queued_ts": 7.0, "scheduled_ts": 7.1, "first_token_ts": 7.2, "last_token_ts": 7.4}
{"request_id": "b", "input_toks": 20, "output_toks": 1, "arrival_time": 101.0, "queued_ts": 7.5, "scheduled_ts": 7.6, "first_token_ts": 7.7, "last_token_ts": 7.7}
"#;

    #[test]
    fn a_log_keeps_arrivals_and_times() {
        let trace = parse(GOOD).expect("it is a log");
        assert_eq!(trace.requests.len(), 2);
        assert_eq!(trace.requests[1], Request { arrival_s: 0.5, input: 20, output: 1, ..Request::default() });
        assert_eq!(trace.names, ["a", "b"]);
        assert_eq!(trace.logged[0].first_token_s, 7.2);
    }

    #[test]
    fn bad_lines_say_where_and_what_would_do() {
        let cases = [
            (GOOD.replace("\"input_toks\": 20", "\"input_toks\": 0"), "2: `input_toks` is 0"),
            (GOOD.replace("\"input_toks\": 20", "\"input_toks\": NaN"), "2:"),
            (GOOD.replace("101.0", "-3"), "2: `arrival_time` is -3"),
            (GOOD.replace("101.0", "99"), "2: it arrives 1.500000 s before"),
            (GOOD.replace("101.0", "1e999"), "2:"),
            (GOOD.replace("\"last_token_ts\": 7.4", "\"last_token_ts\": 7.15"), "1: its times run backwards"),
            (GOOD.replace("\"request_id\": \"b\"", "\"color\": 1"), "2: unknown key `color`"),
            (GOOD.replace(", \"output_toks\": 1", ""), "2: `output_toks` is missing"),
            (GOOD.replace("\"last_token_ts\": 7.4", "\"extra\": 7.4"), "1: unknown key `extra`"),
            (GOOD.replace(", \"last_token_ts\": 7.4", ""), "1: 1 of 2 requests have logged times"),
            (String::new(), "1: the file is empty"),
            ("arrived_at,num_prefill_tokens,num_decode_tokens\n0,5,5\n-1,5,5\n".into(), "3: `arrived_at` is \"-1\""),
            (
                "arrived_at,num_prefill_tokens,num_decode_tokens\n4,5,5\n3,5,5\n".into(),
                "3: it arrives 1.000000 s before",
            ),
            ("arrived_at,num_prefill_tokens,num_decode_tokens\n4,0,5\n".into(), "2: `num_prefill_tokens` is \"0\""),
            ("arrived_at,num_prefill_tokens,num_decode_tokens\nNaN,1,5\n".into(), "2: `arrived_at` is \"NaN\""),
            ("arrived_at,prompt\n4,0\n".into(), "1: the columns of requests are not there"),
            ("arrived_at,num_prefill_tokens,num_decode_tokens\n".into(), "2: there is no request"),
        ];
        for (text, wanted) in cases {
            let found = parse(&text).map(|trace| trace.requests.len()).map_err(|error| error.to_string());
            let message = found.expect_err(wanted);
            assert!(message.starts_with(wanted), "{message} against {wanted}");
            assert!(message.contains("help: "), "{message}");
        }
    }

    #[test]
    fn tables_of_all_spellings_are_read() {
        for (text, gap) in [
            ("arrived_at,num_prefill_tokens,num_decode_tokens\n1.5,374,44\n4.25,396,109\n", 2.75),
            (
                "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-30 23:59:59.5,374,44\n2023-12-01 00:00:01.0,396,109\n",
                1.5,
            ),
            ("id,arrival_s,input,output\nx,0,374.0,44\ny,3,396,109\n", 3.0),
        ] {
            let trace = parse(text).expect("it is a table");
            assert_eq!((trace.requests[1].input, trace.requests[1].output), (396, 109));
            assert!((trace.requests[1].arrival_s - gap).abs() < 1e-6, "{}", trace.requests[1].arrival_s);
        }
    }
}
