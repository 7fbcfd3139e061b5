//! What is wrong with a question about training: where, what was expected, what would work.

use std::fmt;

/// One reason why a step cannot be predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File and line, where the fault lies in a file: `layout.json:3` (with column: `layout.json:3:15`).
    pub place: Option<String>,
    /// What is wrong, and with which key or flag.
    pub message: String,
    /// What would work.
    pub help: String,
}

impl Fault {
    /// A fault of flags or of values that came from no file.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { place: None, message: message.into(), help: help.into() }
    }

    /// The same fault at a place of a file.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(out, "{place}: ")?;
        }
        write!(out, "{}\n  help: {}", self.message, self.help)
    }
}

/// The divisors of a number, smallest first.
pub fn divisors(number: u64) -> Vec<u64> {
    let mut small: Vec<u64> = (1..=number.isqrt()).filter(|d| number.is_multiple_of(*d)).collect();
    let large: Vec<u64> = small.iter().rev().map(|d| number / d).filter(|d| d * d != number).collect();
    small.extend(large);
    small
}

/// Divisors as words: `1, 2, 4 or 8`; of many the ones around `near` only.
pub fn choices(number: u64, near: u64) -> String {
    let mut all = divisors(number);
    if all.len() > 9 {
        let at = all.partition_point(|d| *d < near).min(all.len() - 1);
        let from = at.saturating_sub(4).min(all.len() - 9);
        all = all.split_off(from);
        all.truncate(9);
    }
    let words: Vec<String> = all.iter().map(u64::to_string).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::from("nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_come_in_order_and_squares_once() {
        assert_eq!(divisors(36), [1, 2, 3, 4, 6, 9, 12, 18, 36]);
        assert_eq!(divisors(13), [1, 13]);
        assert_eq!(choices(8, 3), "1, 2, 4 or 8");
        assert_eq!(choices(1, 3), "1");
    }

    #[test]
    fn of_many_divisors_those_nearby_are_named() {
        let words = choices(3_628_800, 100);
        assert!(words.contains("96") && words.contains("100"), "{words}");
        assert_eq!(words.split([',', 'o']).filter(|w| w.trim().parse::<u64>().is_ok()).count(), 8);
    }
}
