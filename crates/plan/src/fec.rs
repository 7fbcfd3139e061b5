//! Latency of forward error correction: filling a code word.

use lanewright_model::units::{Gbps, Nanoseconds};

/// Reed-Solomon codes of 10-bit symbols that links use: name, symbols in a code word, message symbols.
pub const CODES: &[(&str, u32, u32)] = &[("KP4", 544, 514), ("KR4", 528, 514), ("LL", 272, 258)];

/// Time to fill one code word of `symbols` 10-bit symbols at the line rate of the lanes it is striped over.
/// A receiver cannot correct before it has all of it; decoding comes on top.
pub fn fill(symbols: u32, line_rate: Gbps) -> Nanoseconds {
    Nanoseconds(f64::from(symbols) * 10.0 / line_rate.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanoseconds(code: &str, rate: f64) -> f64 {
        let (_, symbols, _) = CODES.iter().find(|(name, _, _)| *name == code).expect("known code");
        fill(*symbols, Gbps(rate)).0
    }

    #[test]
    fn code_words_fill_in_the_known_times() {
        for (code, rate, expected) in [
            ("KP4", 106.25, 51.2),
            ("KP4", 53.125, 102.4),
            ("KP4", 212.5, 25.6),
            ("LL", 106.25, 25.6),
            ("LL", 53.125, 51.2),
            ("KR4", 103.125, 51.2),
            ("KR4", 25.781_25, 204.8),
        ] {
            assert!((nanoseconds(code, rate) - expected).abs() < 1e-9, "{code} at {rate}");
        }
    }
}
