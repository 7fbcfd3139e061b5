//! Drawing errors from a chain, symbol by symbol, for checks against real decoders.

use super::codeword::{Layout, Muxing};
use super::markov::{Chain, Step};
use super::process::Refusal;

/// One lane's errors as they come.
#[derive(Clone, Debug)]
pub struct Sampler {
    /// For each state, its steps with cumulative probabilities.
    by_state: Vec<Vec<(f64, Step)>>,
    state: usize,
}

impl Sampler {
    /// Begins in the steady state. `random` gives 64 random bits a call.
    pub fn new(chain: &Chain, random: &mut impl FnMut() -> u64) -> Self {
        let mut by_state: Vec<Vec<(f64, Step)>> = vec![Vec::new(); chain.states()];
        for step in &chain.steps {
            let before = by_state[step.from].last().map_or(0.0, |(sum, _)| *sum);
            by_state[step.from].push((before + step.probability, *step));
        }
        let (mut left, mut state) = (uniform(random()), 0);
        while state + 1 < chain.states() && left >= chain.steady[state] {
            left -= chain.steady[state];
            state += 1;
        }
        Self { by_state, state }
    }

    /// Wrong bits of the next line symbol: bit 0 for the first bit sent, bit 1 for the second.
    pub fn next(&mut self, random: &mut impl FnMut() -> u64) -> u8 {
        let at = uniform(random());
        let steps = &self.by_state[self.state];
        // Rounding may leave the last sum a little below one.
        let Some((_, step)) = steps.iter().find(|(sum, _)| at < *sum).or(steps.last()) else { return 0 };
        self.state = step.to;
        step.wrong
    }
}

fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Error patterns of a group of interleaved words, drawn bit by bit: `words[w][s]` is what is to be added to symbol s of
/// word w. The way of symbols through lanes is that of [`super::codeword::wrong_symbols`], written the other way round:
/// here line symbols are dealt out to words, there a word is followed through line symbols.
pub fn word_errors(
    lanes: &mut [Sampler],
    bits: usize,
    symbols: usize,
    symbol_bits: usize,
    layout: &Layout,
    random: &mut impl FnMut() -> u64,
) -> Result<Vec<Vec<u16>>, Refusal> {
    let streams = match layout.muxing {
        Muxing::Symbol => 1,
        Muxing::Bit { streams } => streams,
    };
    let parts = layout.lanes * streams;
    if lanes.len() != layout.lanes || parts == 0 || !symbols.is_multiple_of(parts) {
        return Err(Refusal(format!("{symbols} symbols cannot be dealt out to {parts} streams evenly")));
    }
    let each = symbols / parts;
    let mut words = vec![vec![0u16; symbols]; layout.interleave];
    for (lane, sampler) in lanes.iter_mut().enumerate() {
        for slot in 0..each * layout.interleave {
            let mut values = vec![0u16; streams];
            for line_symbol in 0..symbol_bits * streams / bits {
                let wrong = sampler.next(random);
                for bit in 0..bits {
                    let place = line_symbol * bits + bit;
                    values[place % streams] |= u16::from(wrong >> bit & 1) << (place / streams);
                }
            }
            for (stream, value) in values.into_iter().enumerate() {
                // Streams begin with different words, so that each word meets all of them.
                let word = (stream + slot) % layout.interleave;
                let row = slot / layout.interleave;
                words[word][(lane * streams + stream) * each + row] = value;
            }
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::super::codeword::{RsCode, wrong_symbols};
    use super::super::process::ErrorProcess;
    use super::super::reed_solomon::{Codec, Decoded};
    use super::super::scheme::{KP4, KR4};
    use super::super::slicer::Signalling;
    use super::*;

    /// Sends groups of words through a real encoder, drawn errors and a real decoder until so many words have failed,
    /// and compares with the programme: within `sigmas` standard errors of the count, failures of one group being
    /// counted as one observation.
    fn check(process: &ErrorProcess, precoding: bool, code: RsCode, layout: &Layout, groups: usize, sigmas: f64) {
        let chain = process.chain(Signalling::Pam4, precoding).expect("sound");
        let expected = wrong_symbols(&chain, &code, layout).expect("sound");
        let codec = Codec::new(code).expect("exists");
        let mut source = ChaCha8Rng::seed_from_u64(11);
        let mut random = || source.next_u64();
        let mut lanes: Vec<Sampler> = (0..layout.lanes).map(|_| Sampler::new(&chain, &mut random)).collect();
        let message: Vec<u16> = (0..code.message).map(|_| (random() % (1 << code.symbol_bits)) as u16).collect();
        let sent = codec.encode(&message).expect("right length");
        let (mut failures, mut squares, mut symbols) = (0.0, 0.0, 0.0);
        for _ in 0..groups {
            let errors = word_errors(
                &mut lanes,
                chain.bits as usize,
                code.symbols,
                code.symbol_bits as usize,
                layout,
                &mut random,
            );
            let mut failed = 0.0;
            for pattern in errors.expect("dealt out") {
                let wrong = pattern.iter().filter(|value| **value != 0).count();
                symbols += wrong as f64;
                let mut word: Vec<u16> = sent.iter().zip(&pattern).map(|(a, b)| a ^ b).collect();
                match codec.decode(&mut word) {
                    Decoded::Corrected(count) if word == sent => assert_eq!(count, wrong),
                    _ => failed += 1.0,
                }
            }
            failures += failed;
            squares += failed * failed;
        }
        let mean = expected.over() * (groups * layout.interleave) as f64;
        // Variance of a sum of groups, by the groups themselves.
        let sigma = f64::max(squares, mean).sqrt();
        let name = format!("{process:?} precoded {precoding} {layout:?}: {failures} failed, {mean:.1} expected");
        assert!(mean > 20.0, "{name}: too few to compare");
        assert!((failures - mean).abs() < sigmas * sigma, "{name}");
        let share = symbols / (groups * layout.interleave * code.symbols) as f64;
        assert!((share / (expected.mean / code.symbols as f64) - 1.0).abs() < 0.05, "{name}: symbols {share}");
    }

    #[test]
    fn random_errors_agree_with_a_real_decoder() {
        check(&ErrorProcess::Random { ber: 1.9e-3 }, false, KP4, &Layout::PLAIN, 800, 4.0);
    }

    #[test]
    fn bursts_agree_with_a_real_decoder() {
        let process = ErrorProcess::OneTap { start: 2.2e-3, propagation: 0.7 };
        check(&process, false, KP4, &Layout::PLAIN, 800, 4.0);
        check(&process, true, KP4, &Layout::PLAIN, 500, 4.0);
    }

    #[test]
    fn interleaved_bit_multiplexed_lanes_agree_with_a_real_decoder() {
        let process = ErrorProcess::OneTap { start: 2.3e-3, propagation: 0.5 };
        let layout = Layout { interleave: 2, lanes: 2, muxing: Muxing::Bit { streams: 4 } };
        check(&process, false, KP4, &layout, 300, 4.0);
    }

    #[test]
    fn feedback_taps_agree_with_a_real_decoder() {
        let process = ErrorProcess::Feedback { start: 1e-3, taps: vec![0.6, 0.2, -0.1] };
        check(&process, true, KR4, &Layout::PLAIN, 800, 4.0);
    }

    #[test]
    #[ignore = "takes minutes: run it with --release after changes to the programme or the codec"]
    fn rare_failures_agree_with_a_real_decoder() {
        let plain = Layout::PLAIN;
        let four = Layout { interleave: 4, ..plain };
        check(&ErrorProcess::Random { ber: 1e-3 }, false, KP4, &plain, 300_000, 4.0);
        check(&ErrorProcess::OneTap { start: 1e-3, propagation: 0.75 }, true, KP4, &plain, 100_000, 4.0);
        check(&ErrorProcess::OneTap { start: 1.3e-3, propagation: 0.75 }, false, KP4, &four, 60_000, 4.0);
        let taps = ErrorProcess::Feedback { start: 1e-3, taps: vec![0.85, 0.3, -0.1, 0.05] };
        check(&taps, false, KP4, &plain, 200_000, 4.0);
        let fading = ErrorProcess::TwoState { to_bad: 2e-5, to_good: 0.02, good: 1e-4, bad: 0.1 };
        check(&fading, false, KP4, &plain, 30_000, 4.0);
    }
}
