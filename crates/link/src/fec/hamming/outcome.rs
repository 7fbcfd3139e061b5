//! What the inner code leaves to the outer one, from its simulated table.

use super::super::counts::Counts;
use super::super::process::Refusal;
use super::code::MESSAGE;
use super::simulate::SYMBOLS;
use super::table::ROWS;

/// What leaves the soft decoder of the inner code.
#[derive(Clone, Debug, PartialEq)]
pub struct InnerOutcome {
    /// Bit error ratio of the message.
    pub ber: f64,
    /// Share of inner words by the number of their twelve ten-bit symbols that are wrong.
    pub symbols: [f64; SYMBOLS + 1],
    /// Whether the ratio before decoding lies below the simulated range.
    pub extrapolated: bool,
    /// Relative standard error of the share of wrong words, from the words that went wrong in the nearest row.
    pub relative_error: f64,
}

/// A row as ratios.
struct Point {
    ln_before: f64,
    ln_wrong_words: f64,
    bits_per_wrong_word: f64,
    share: [f64; SYMBOLS],
    wrong: f64,
}

fn point(row: &(f64, u64, u64, [u64; SYMBOLS])) -> Point {
    let (before, words, bits, by_symbols) = row;
    let wrong = by_symbols.iter().sum::<u64>() as f64;
    Point {
        ln_before: before.ln(),
        ln_wrong_words: (wrong / *words as f64).ln(),
        bits_per_wrong_word: *bits as f64 / wrong,
        share: by_symbols.map(|count| count as f64 / wrong),
        wrong,
    }
}

/// What the inner code makes of random errors at a bit error ratio: between rows, powers of the ratio; below the lowest,
/// the power of the lowest octave, which is too small (it grows towards four, the code's distance), so that the answer
/// errs to the high side.
pub fn inner_outcome(ber: f64) -> Result<InnerOutcome, Refusal> {
    let highest = ROWS[0].0;
    if !(0.0..=highest).contains(&ber) {
        return Err(Refusal(format!(
            "the inner code is simulated up to a bit error ratio of {highest:e} before decoding; {ber:e} lies beyond"
        )));
    }
    if ber == 0.0 {
        let mut symbols = [0.0; SYMBOLS + 1];
        symbols[0] = 1.0;
        return Ok(InnerOutcome { ber: 0.0, symbols, extrapolated: false, relative_error: 0.0 });
    }
    let points: Vec<Point> = ROWS.iter().map(point).collect();
    let last = points.len() - 1;
    let ln = ber.ln();
    // Rows fall; the first pair whose lower end is not above.
    let below = (1..last).find(|row| points[*row].ln_before <= ln).unwrap_or(last);
    let extrapolated = ln < points[last].ln_before;
    // The octave above the lowest row gives the slope below it.
    let above = if extrapolated { last.saturating_sub(2) } else { below - 1 };
    let (a, b) = (&points[above], &points[below]);
    let at = (ln - b.ln_before) / (a.ln_before - b.ln_before);
    let inside = at.clamp(0.0, 1.0);
    let mix = |x: f64, y: f64| y + (x - y) * inside;
    let wrong_words = (b.ln_wrong_words + (a.ln_wrong_words - b.ln_wrong_words) * at).exp();
    let mut symbols = [0.0; SYMBOLS + 1];
    symbols[0] = 1.0 - wrong_words;
    for (number, share) in symbols[1..].iter_mut().enumerate() {
        *share = wrong_words * mix(a.share[number], b.share[number]);
    }
    let bits = wrong_words * mix(a.bits_per_wrong_word, b.bits_per_wrong_word);
    Ok(InnerOutcome {
        ber: bits / MESSAGE as f64,
        symbols,
        extrapolated,
        relative_error: 1.0 / b.wrong.min(a.wrong).sqrt(),
    })
}

impl InnerOutcome {
    /// Wrong symbols in an outer word of `symbols` symbols when so many outer words take turns on an inner word's
    /// twelve symbols; wrong ones are equally likely in all places. P802.3dj spreads an inner word over twelve outer
    /// words (four-way interleave, then a convolutional interleaver of depth three).
    pub fn outer_counts(&self, words: usize, symbols: usize, limit: usize) -> Result<Counts, Refusal> {
        if words == 0 || !SYMBOLS.is_multiple_of(words) {
            return Err(Refusal(format!(
                "{words} outer words cannot take turns on the twelve symbols of an inner word; give 1, 2, 3, 4, 6 or 12"
            )));
        }
        let ours = SYMBOLS / words;
        let whole = self.of_places(ours, limit).repeated(symbols / ours);
        Ok(match symbols % ours {
            0 => whole,
            rest => whole.plus(&self.of_places(rest, limit)),
        })
    }

    /// Wrong symbols among `places` of the twelve.
    fn of_places(&self, places: usize, limit: usize) -> Counts {
        let choose = |n: usize, k: usize| {
            if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product() }
        };
        let mut out = Counts::none(limit);
        out.ln[0] = f64::NEG_INFINITY;
        for (wrong, share) in self.symbols.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            for hit in 0..=places.min(wrong) {
                let ways: f64 = choose(places, hit) * choose(SYMBOLS - places, wrong - hit) / choose(SYMBOLS, wrong);
                if ways > 0.0 {
                    out.push(hit, (share * ways).ln());
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::super::super::slicer::{Signalling, bit_error_ratio, margin_at_snr};
    use super::super::simulate::{run, run_each};
    use super::*;

    #[test]
    fn the_standards_operating_point() {
        // Reference: the project's gathered link facts, "soft Chase decoding about 4.85e-3 to 2.4e-4 class" (general
        // knowledge of P802.3dj).
        let out = inner_outcome(4.85e-3).expect("inside").ber;
        assert!((2.2e-4..2.8e-4).contains(&out), "{out}");
    }

    #[test]
    fn the_table_agrees_with_a_fresh_simulation() {
        // Another generator, another margin than any row's.
        let margin = margin_at_snr(Signalling::Pam4, 14.6);
        let before = bit_error_ratio(Signalling::Pam4, margin);
        let mut random = ChaCha8Rng::seed_from_u64(99);
        let tally = run(60_000, margin, 6, || random.next_u64());
        let table = inner_outcome(before).expect("inside");
        let (wrong, share) = (tally.wrong_words() as f64, 1.0 - table.symbols[0]);
        let expected = share * tally.words as f64;
        assert!((wrong - expected).abs() < 4.0 * expected.sqrt() + 0.01 * expected, "{wrong} {expected}");
        assert!((tally.ber_after() / table.ber - 1.0).abs() < 0.1);
    }

    /// The concatenation as it is built: symbols of so many outer words dealt out to inner words, sent, decoded softly,
    /// gathered again, and outer words with more than fifteen wrong ones counted.
    #[test]
    fn concatenation_agrees_with_a_simulation_of_both_codes() {
        for (words, ber, groups) in [(12, 8.5e-3, 60), (4, 8.5e-3, 120)] {
            let margin = {
                let (mut low, mut high) = (1.0, 6.0);
                for _ in 0..60 {
                    let middle: f64 = 0.5 * (low + high);
                    let more = bit_error_ratio(Signalling::Pam4, middle) > ber;
                    if more { low = middle } else { high = middle }
                }
                low
            };
            let each = SYMBOLS / words;
            let inner_words = 544usize.div_ceil(each);
            let mut random = ChaCha8Rng::seed_from_u64(3);
            let (mut lost, mut squares) = (0.0, 0.0);
            for _ in 0..groups {
                let mut wrong = vec![0usize; words];
                let mut sent = 0;
                run_each(
                    inner_words as u64,
                    margin,
                    6,
                    || random.next_u64(),
                    |mask| {
                        for place in 0..SYMBOLS {
                            // The last inner word is only partly ours.
                            if mask >> place & 1 == 1 && sent * each + place / words < 544 {
                                wrong[place % words] += 1;
                            }
                        }
                        sent += 1;
                    },
                );
                let failed = wrong.iter().filter(|count| **count > 15).count() as f64;
                lost += failed;
                squares += failed * failed;
            }
            let counts = inner_outcome(ber).expect("inside").outer_counts(words, 544, 15).expect("divides");
            let expected = counts.over() * (groups * words) as f64;
            let sigma = f64::max(squares, expected).sqrt();
            assert!(expected > 5.0, "{words}: {expected} expected, too few to compare");
            // The table's own error is a few percent here: the tail moves by sixteen times that of the symbols.
            assert!((lost - expected).abs() < 4.0 * sigma + 0.1 * expected, "{words}: {lost} of {expected} expected");
        }
    }

    #[test]
    fn outcomes_grow_and_sum_to_one() {
        let mut before = 0.0;
        for step in 0..200 {
            let ber = 2e-2 * 0.94f64.powi(199 - step);
            let out = inner_outcome(ber).expect("inside");
            assert!(out.ber > before, "{ber}");
            assert!((out.symbols.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(out.ber < ber);
            before = out.ber;
        }
        assert!(inner_outcome(0.03).is_err() && inner_outcome(f64::NAN).is_err());
        assert_eq!(inner_outcome(0.0).expect("none").ber, 0.0);
    }

    #[test]
    fn fewer_outer_words_share_more_of_an_inner_words_errors() {
        let inner = inner_outcome(4.85e-3).expect("inside");
        let over = |words| inner.outer_counts(words, 544, 15).expect("divides").ln_over;
        assert!(over(1) > over(4) && over(4) > over(12));
        let mean = inner.outer_counts(4, 544, 15).expect("divides").mean;
        let symbols: f64 = inner.symbols.iter().enumerate().map(|(k, p)| k as f64 * p).sum::<f64>() / 12.0;
        assert!((mean / (544.0 * symbols) - 1.0).abs() < 1e-9);
        assert!(inner.outer_counts(5, 544, 15).is_err());
    }
}
