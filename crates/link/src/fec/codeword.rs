//! Wrong symbols of a Reed-Solomon code word whose symbols lie among those of other words on lanes with bursts: exact
//! dynamic programming over line symbols.

use super::counts::Counts;
use super::markov::Chain;
use super::process::Refusal;

/// A Reed-Solomon code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RsCode {
    /// n: symbols of a code word.
    pub symbols: usize,
    /// k: message symbols.
    pub message: usize,
    /// m: bits of a symbol.
    pub symbol_bits: u32,
}

impl RsCode {
    /// t: symbols that can be corrected.
    pub fn corrects(&self) -> usize {
        (self.symbols - self.message) / 2
    }

    /// Bits of a code word.
    pub fn bits(&self) -> usize {
        self.symbols * self.symbol_bits as usize
    }

    /// ln of the share of all words that lie within t symbols of some code word: what a decoder takes a word for that
    /// is far from every code word, wrongly (McEliece and Swanson, IEEE Transactions on Information Theory 32, 1986).
    pub fn ln_miscorrection(&self) -> f64 {
        let (n, field) = (self.symbols as f64, f64::from(2u32.pow(self.symbol_bits)));
        let spheres = (0..=self.corrects()).fold(f64::NEG_INFINITY, |sum, i| {
            let i = i as f64;
            let ln_choose = libm::lgamma(n + 1.0) - libm::lgamma(i + 1.0) - libm::lgamma(n - i + 1.0);
            super::counts::ln_add(sum, ln_choose + i * (field - 1.0).ln())
        });
        (spheres - (self.symbols - self.message) as f64 * field.ln()).min(0.0)
    }
}

/// How streams of symbols share a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muxing {
    /// Symbol after symbol.
    Symbol,
    /// Bits of so many streams in turn, as in the PMAs of 802.3bs, cd and ck; symbols of all streams taken as aligned.
    Bit {
        /// Streams on a lane.
        streams: usize,
    },
}

/// Where the symbols of a code word go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Code words that take turns, symbol by symbol, on every stream.
    pub interleave: usize,
    /// Lanes that a word is spread over evenly; their errors are independent.
    pub lanes: usize,
    /// Streams on a lane.
    pub muxing: Muxing,
}

impl Layout {
    /// One word after another on one lane.
    pub const PLAIN: Self = Self { interleave: 1, lanes: 1, muxing: Muxing::Symbol };

    fn streams(&self) -> usize {
        match self.muxing {
            Muxing::Symbol => 1,
            Muxing::Bit { streams } => streams,
        }
    }

    /// Says what is wrong with it for a code, if anything.
    pub fn check(&self, code: &RsCode) -> Result<(), Refusal> {
        if !(1..=16).contains(&self.interleave) {
            return Err(Refusal(format!("interleave is {}; it must lie between 1 and 16", self.interleave)));
        }
        if !(1..=32).contains(&self.lanes) {
            return Err(Refusal(format!("{} lanes; there must be 1 to 32", self.lanes)));
        }
        if !matches!(self.streams(), 1 | 2 | 4 | 8) {
            return Err(Refusal(format!("{} streams a lane; bit multiplexing takes 1, 2, 4 or 8", self.streams())));
        }
        let streams = self.lanes * self.streams();
        if self.streams() > 1 && !code.symbols.is_multiple_of(streams) {
            return Err(Refusal(format!(
                "{} symbols cannot be spread evenly over {streams} streams; use fewer lanes or streams",
                code.symbols
            )));
        }
        Ok(())
    }
}

/// A row of the programme: probabilities of all states for one count, with a common power of two.
#[derive(Clone)]
struct Row {
    values: Vec<f64>,
    exponent: i32,
    empty: bool,
}

impl Row {
    fn empty(states: usize) -> Self {
        Self { values: vec![0.0; states], exponent: 0, empty: true }
    }

    fn largest(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }

    /// Brings the largest value near one.
    fn normalise(&mut self) {
        if self.empty {
            return;
        }
        let largest = self.largest();
        if largest > 0.0 && !(1e-60..=1e60).contains(&largest) {
            let power = largest.log2().floor() as i32;
            // In two halves: the whole may not be a normal number.
            let (half, rest) = (power / 2, power - power / 2);
            let (a, b) = (f64::powi(2.0, -half), f64::powi(2.0, -rest));
            self.values.iter_mut().for_each(|v| *v = *v * a * b);
            self.exponent += power;
        }
    }

    fn add(&mut self, state: usize, value: f64, exponent: i32) {
        if value == 0.0 {
            return;
        }
        if self.empty {
            (self.exponent, self.empty) = (exponent, false);
        } else if exponent > self.exponent {
            let factor = f64::powi(2.0, self.exponent - exponent);
            self.values.iter_mut().for_each(|v| *v *= factor);
            self.exponent = exponent;
        }
        self.values[state] += value * f64::powi(2.0, exponent - self.exponent);
    }

    fn ln_sum(&self) -> f64 {
        self.values.iter().sum::<f64>().ln() + f64::from(self.exponent) * std::f64::consts::LN_2
    }
}

/// What a line symbol does to (chain state, symbols marked wrong): from, to, probability, marks set.
struct LineStep {
    from: usize,
    to: usize,
    probability: f64,
    marks: usize,
}

/// Joins the chain's steps by what they do to the streams that are followed; `streams` gives for each bit of the line
/// symbol the mark that it sets, or none.
fn line_steps(chain: &Chain, streams: &[Option<usize>]) -> Vec<LineStep> {
    let mut steps: Vec<LineStep> = Vec::with_capacity(chain.steps.len());
    for step in &chain.steps {
        let marks = streams
            .iter()
            .enumerate()
            .filter(|(bit, _)| step.wrong >> bit & 1 == 1)
            .filter_map(|(_, mark)| *mark)
            .fold(0, |all, mark| all | 1 << mark);
        let same = steps.iter_mut().rev().take(8).find(|s| s.from == step.from && s.to == step.to && s.marks == marks);
        match same {
            Some(same) => same.probability += step.probability,
            None => steps.push(LineStep { from: step.from, to: step.to, probability: step.probability, marks }),
        }
    }
    steps
}

/// Distribution of the number of wrong symbols in a code word, exact up to what the code corrects.
pub fn wrong_symbols(chain: &Chain, code: &RsCode, layout: &Layout) -> Result<Counts, Refusal> {
    layout.check(code)?;
    let streams = layout.streams();
    if !code.symbol_bits.is_multiple_of(chain.bits) {
        return Err(Refusal(format!(
            "symbols of {} bits do not end with line symbols of {} bits",
            code.symbol_bits, chain.bits
        )));
    }
    let limit = code.corrects();
    if streams > 1 {
        let per_stream = code.symbols / (layout.lanes * streams);
        return Ok(one_lane(chain, code, layout, per_stream, limit).repeated(layout.lanes));
    }
    let (each, more) = (code.symbols / layout.lanes, code.symbols % layout.lanes);
    let all = one_lane(chain, code, layout, each, limit).repeated(layout.lanes - more);
    if more == 0 { Ok(all) } else { Ok(all.plus(&one_lane(chain, code, layout, each + 1, limit).repeated(more))) }
}

/// The part of a code word that one lane carries: `per_stream` symbols on each of its streams.
fn one_lane(chain: &Chain, code: &RsCode, layout: &Layout, per_stream: usize, limit: usize) -> Counts {
    let (streams, interleave) = (layout.streams(), layout.interleave);
    let bits = chain.bits as usize;
    let line_symbols = code.symbol_bits as usize * streams / bits;
    let patterns = 1 << streams;
    let states = chain.states() * patterns;

    let mut start = Row::empty(states);
    for (state, share) in chain.steady.iter().enumerate() {
        start.add(state * patterns, *share, 0);
    }
    // Counts 0 to limit, then everything beyond, then everything beyond weighted by its count.
    let mut rows = vec![Row::empty(states); limit + 3];
    rows[0] = start;
    let mut scratch = vec![0.0; states];
    let mut mean = 0.0;
    // One for each way in which line symbols fall on our streams.
    let mut programmes: Vec<(Vec<Option<usize>>, Vec<LineStep>)> = Vec::new();

    for slot in 0..per_stream * interleave {
        // A stream's turn comes when its number and the slot's fall on our word.
        let ours: Vec<bool> = (0..streams).map(|stream| (stream + slot) % interleave == 0).collect();
        for line_symbol in 0..line_symbols {
            let marks: Vec<Option<usize>> = (0..bits)
                .map(|bit| (line_symbol * bits + bit) % streams)
                .map(|stream| ours[stream].then_some(stream))
                .collect();
            let known = programmes.iter().position(|(of, _)| *of == marks).unwrap_or_else(|| {
                let steps = line_steps(chain, &marks);
                programmes.push((marks, steps));
                programmes.len() - 1
            });
            for row in rows.iter_mut().filter(|row| !row.empty) {
                advance(&programmes[known].1, patterns, &mut row.values, &mut scratch);
            }
        }
        if ours.contains(&true) {
            mean += count(&mut rows, patterns, limit);
        }
        rows.iter_mut().for_each(Row::normalise);
    }
    Counts {
        ln: rows[..=limit].iter().map(Row::ln_sum).collect(),
        ln_over: rows[limit + 1].ln_sum(),
        ln_over_mean: rows[limit + 2].ln_sum(),
        mean,
    }
}

/// One line symbol.
fn advance(steps: &[LineStep], patterns: usize, values: &mut Vec<f64>, scratch: &mut Vec<f64>) {
    scratch.fill(0.0);
    for step in steps {
        let (from, to) = (step.from * patterns, step.to * patterns);
        for pattern in 0..patterns {
            let value = values[from + pattern];
            if value != 0.0 {
                scratch[to + (pattern | step.marks)] += value * step.probability;
            }
        }
    }
    std::mem::swap(values, scratch);
}

/// Ends the symbols of a slot: marks become counts. Returns the mean number of marks.
fn count(rows: &mut [Row], patterns: usize, limit: usize) -> f64 {
    let states = rows[0].values.len();
    let mut out = vec![Row::empty(states); rows.len()];
    let mut mean = 0.0;
    for (number, row) in rows.iter().enumerate() {
        if row.empty {
            continue;
        }
        let scale = f64::powi(2.0, row.exponent.clamp(-1020, 1020));
        for (state, &value) in row.values.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            let (home, marks) = (state - state % patterns, (state % patterns).count_ones() as usize);
            if number <= limit {
                let sum = number + marks;
                mean += value * scale * marks as f64;
                if sum <= limit {
                    out[sum].add(home, value, row.exponent);
                } else {
                    out[limit + 1].add(home, value, row.exponent);
                    out[limit + 2].add(home, value * sum as f64, row.exponent);
                }
            } else {
                out[number].add(home, value, row.exponent);
                if number == limit + 1 {
                    mean += value * scale * marks as f64;
                    out[limit + 2].add(home, value * marks as f64, row.exponent);
                }
            }
        }
    }
    rows.clone_from_slice(&out);
    mean
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::process::ErrorProcess;
    use super::super::scheme::{KP4, KR4};
    use super::super::slicer::Signalling;
    use super::*;
    use proptest::prelude::*;

    fn over(process: &ErrorProcess, precoding: bool, code: &RsCode, layout: &Layout) -> f64 {
        let chain = process.chain(Signalling::Pam4, precoding).expect("a sound process");
        wrong_symbols(&chain, code, layout).expect("a sound layout").over()
    }

    /// Reference: burst table of the project's gathered link facts (Markov programme over 544 x 5 PAM4 symbols, one
    /// word on one lane begun clean, q = start of a burst per symbol), to the two digits given. Repeated independently
    /// in Python.
    #[test]
    fn burst_table_of_the_reference() {
        // q, then (plain, precoded) for a = 0, 1/4, 1/2 and 3/4.
        let table = [
            (1e-4, ["2.6e-23 8.8e-15", "1.5e-17 5.3e-14", "5.6e-14 6.0e-13", "2.6e-8 1.3e-11"]),
            (2e-4, ["1.3e-18 4.9e-12", "1.9e-14 2.5e-11", "1.5e-11 2.2e-10", "4.6e-7 3.3e-9"]),
            (4e-4, ["5.3e-14 3.1e-9", "3.1e-11 1.2e-8", "5.4e-9 7.9e-8", "1.3e-5 8.2e-7"]),
        ];
        for (start, row) in table {
            for (propagation, cells) in [0.0, 0.25, 0.5, 0.75].into_iter().zip(row) {
                let process = ErrorProcess::OneTap { start, propagation };
                for (precoding, expected) in [false, true].into_iter().zip(cells.split(' ')) {
                    let chain = process.chain(Signalling::Pam4, precoding).expect("sound");
                    let clean = wrong_symbols(&chain.begun_clean(), &KP4, &Layout::PLAIN).expect("sound").over();
                    assert_eq!(
                        as_the_reference_rounds(clean, 2),
                        expected,
                        "q {start}, a {propagation}, precoded {precoding}"
                    );
                    // Bursts that reach in from the word before change little.
                    let steady = over(&process, precoding, &KP4, &Layout::PLAIN);
                    assert!((0.999..1.02).contains(&(steady / clean)), "{clean} {steady}");
                }
            }
        }
    }

    /// So many digits by way of one more, halves upwards, as the reference rounds: its 7.9e-8 is 7.849e-8, its 2.5e-11
    /// 2.451e-11, its 5.45e-11 5.4448e-11.
    pub(in crate::fec) fn as_the_reference_rounds(value: f64, digits: usize) -> String {
        let text = format!("{value:.digits$e}");
        let (mantissa, power) = text.split_once('e').expect("scientific");
        let long: u32 = mantissa.replace('.', "").parse().expect("digits");
        let short = ((long + 5) / 10).to_string();
        format!("{}.{}e{power}", &short[..1], &short[1..])
    }

    #[test]
    fn without_propagation_the_programme_is_the_binomial() {
        for layout in [
            Layout::PLAIN,
            Layout { interleave: 4, lanes: 1, muxing: Muxing::Symbol },
            Layout { interleave: 2, lanes: 4, muxing: Muxing::Bit { streams: 4 } },
            Layout { interleave: 1, lanes: 3, muxing: Muxing::Symbol },
        ] {
            for ber in [1e-30, 1e-5, 1e-3] {
                let chain = ErrorProcess::Random { ber }.chain(Signalling::Pam4, false).expect("sound");
                let counts = wrong_symbols(&chain, &KP4, &layout).expect("sound");
                let symbol = -f64::exp_m1(10.0 * f64::ln_1p(-ber));
                let binomial = Counts::binomial(544, symbol, 15);
                // At 1e-30 the tail is 1e-430: only its logarithm exists.
                let (a, b) = (counts.ln_over, binomial.ln_over);
                assert!((a - b).abs() < 1e-9 * b.abs(), "{layout:?} {ber}: {a} {b}");
                assert!((counts.ln_over_mean - binomial.ln_over_mean).abs() < 1e-9 * b.abs());
                assert!((counts.mean / binomial.mean - 1.0).abs() < 1e-9);
                let gap = counts.ln.iter().zip(&binomial.ln).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
                assert!(gap < 1e-8 * b.abs(), "{gap}");
            }
        }
    }

    #[test]
    fn bit_multiplexing_spreads_bursts_over_more_symbols_of_one_word() {
        // Without interleave, four streams of one word share a lane: a burst of ten line symbols touches up to eight
        // symbols of ten bits instead of three or four.
        let process = ErrorProcess::OneTap { start: 1e-4, propagation: 0.5 };
        let bit = Layout { muxing: Muxing::Bit { streams: 4 }, ..Layout::PLAIN };
        assert!(over(&process, false, &KP4, &bit) > 10.0 * over(&process, false, &KP4, &Layout::PLAIN));
    }

    #[test]
    fn impossible_layouts_are_refused() {
        let chain = ErrorProcess::Random { ber: 1e-4 }.chain(Signalling::Pam4, false).expect("sound");
        let plain = Layout::PLAIN;
        for layout in [
            Layout { interleave: 0, ..plain },
            Layout { lanes: 0, ..plain },
            Layout { lanes: 99, ..plain },
            Layout { muxing: Muxing::Bit { streams: 3 }, ..plain },
            Layout { lanes: 3, muxing: Muxing::Bit { streams: 4 }, ..plain },
        ] {
            assert!(wrong_symbols(&chain, &KP4, &layout).is_err(), "{layout:?}");
        }
        let odd = RsCode { symbols: 450, message: 406, symbol_bits: 9 };
        assert!(wrong_symbols(&chain, &odd, &plain).is_err());
    }

    #[test]
    fn miscorrection_of_the_single_byte_code() {
        // n = 85 over GF(2^8), two check bytes: (1 + 85·255)/65536 = 0.33075.
        let code = RsCode { symbols: 85, message: 83, symbol_bits: 8 };
        assert!((code.ln_miscorrection().exp() - 0.330_75).abs() < 1e-5);
        assert!(KP4.ln_miscorrection() < -30.0 && KR4.ln_miscorrection() < -13.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn more_errors_are_worse_and_interleave_never_is(
            ln in -14.0f64..-6.0, a in 0.05f64..0.8, precoding: bool, lanes in 1usize..5,
        ) {
            let at = |start: f64, interleave| {
                let layout = Layout { interleave, lanes, muxing: Muxing::Symbol };
                over(&ErrorProcess::OneTap { start, propagation: a }, precoding, &KR4, &layout)
            };
            let (start, rounding) = (ln.exp(), 1.0 + 1e-9);
            let plain = at(start, 1);
            prop_assert!((0.0..=1.0).contains(&plain));
            prop_assert!(plain <= at(start * 1.5, 1));
            // Where most words fail anyway, bursts are a mercy: they leave other words alone.
            if plain < 0.01 {
                prop_assert!(at(start, 2) <= plain * rounding);
                prop_assert!(at(start, 4) <= at(start, 2) * rounding);
            }
        }
    }
}
