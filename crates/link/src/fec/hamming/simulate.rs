//! The inner code on a PAM4 lane with white Gaussian noise, simulated: encode, send, decide softly, decode, count.

use super::chase::{Decision, decode};
use super::code::{BITS, MESSAGE, encode, message_places};

/// Message symbols of the outer code in an inner word: 12 of ten bits.
pub const SYMBOLS: usize = 12;

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Words sent.
    pub words: u64,
    /// Bits wrong before decoding, of 128 a word.
    pub wrong_before: u64,
    /// Message bits wrong after decoding, of 120 a word.
    pub wrong_after: u64,
    /// Words by the number of their ten-bit message symbols that are wrong after decoding.
    pub symbols: [u64; SYMBOLS + 1],
}

impl Tally {
    /// Bit error ratio before decoding.
    pub fn ber_before(&self) -> f64 {
        self.wrong_before as f64 / (self.words * BITS as u64) as f64
    }

    /// Bit error ratio of the message after decoding.
    pub fn ber_after(&self) -> f64 {
        self.wrong_after as f64 / (self.words * MESSAGE as u64) as f64
    }

    /// Words with any wrong message symbol.
    pub fn wrong_words(&self) -> u64 {
        self.symbols[1..].iter().sum()
    }
}

/// Levels of the four bit pairs 00, 01, 10, 11 with Gray coding, half the spacing being 1.
const LEVELS: [f32; 4] = [-3.0, -1.0, 3.0, 1.0];

/// Sends `words` words of random bits at a margin (half the level spacing over the noise's standard deviation) and
/// decodes them with so many least reliable places. `random` gives 64 random bits a call.
pub fn run(words: u64, margin: f64, places: usize, random: impl FnMut() -> u64) -> Tally {
    run_each(words, margin, places, random, |_| {})
}

/// The same, and hands over for every word which of its twelve message symbols are wrong, as bits.
pub fn run_each(
    words: u64,
    margin: f64,
    places: usize,
    mut random: impl FnMut() -> u64,
    mut each: impl FnMut(u16),
) -> Tally {
    let mut tally = Tally { words, ..Tally::default() };
    let at: Vec<usize> = message_places().collect();
    let sigma = (1.0 / margin) as f32;
    for _ in 0..words {
        let message = (u128::from(random()) | u128::from(random()) << 64) & ((1 << MESSAGE) - 1);
        let sent = encode(message);
        let (mut hard, mut reliability) = (0u128, [0f32; BITS]);
        for pair in (0..BITS / 2).step_by(2) {
            let noise = normals(random());
            for (offset, noise) in noise.into_iter().enumerate() {
                let place = 2 * (pair + offset);
                // The first bit of a symbol is the first sent: the lower place.
                let bits = (sent >> place & 1) << 1 | sent >> (place + 1) & 1;
                let sample = LEVELS[bits as usize] + sigma * noise;
                let (first, second) = likelihoods(sample);
                hard |= u128::from(first < 0.0) << place | u128::from(second < 0.0) << (place + 1);
                reliability[place] = first.abs();
                reliability[place + 1] = second.abs();
            }
        }
        let decided = match decode(hard, &reliability, places) {
            Decision::Flip(flips) => hard ^ flips,
            Decision::None => hard,
        };
        tally.wrong_before += u64::from((hard ^ sent).count_ones());
        let wrong = decided ^ sent;
        let mut wrong_symbols = 0u16;
        if wrong != 0 {
            for (number, symbol) in at.chunks(MESSAGE / SYMBOLS).enumerate() {
                let bits = symbol.iter().filter(|place| wrong >> **place & 1 == 1).count();
                tally.wrong_after += bits as u64;
                wrong_symbols |= u16::from(bits > 0) << number;
            }
        }
        tally.symbols[wrong_symbols.count_ones() as usize] += 1;
        each(wrong_symbols);
    }
    tally
}

/// Two independent normal values from 64 random bits (Box and Muller).
fn normals(bits: u64) -> [f32; 2] {
    // Never zero, so that the logarithm exists.
    let uniform = ((bits >> 32) as f64 + 0.5) / 4_294_967_296.0;
    let angle = (bits & 0xffff_ffff) as f64 / 4_294_967_296.0 * std::f64::consts::TAU;
    let radius = (-2.0 * uniform.ln()).sqrt();
    [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
}

/// Log-likelihood ratios of both bits of a sample, by the nearest level of either kind; positive for a zero. The common
/// factor of the noise power is left out.
fn likelihoods(sample: f32) -> (f32, f32) {
    let d = LEVELS.map(|level| (sample - level) * (sample - level));
    (d[2].min(d[3]) - d[0].min(d[1]), d[1].min(d[3]) - d[0].min(d[2]))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::super::super::slicer::{Signalling, bit_error_ratio};
    use super::super::code::hard_output_ber;
    use super::*;

    fn simulate(words: u64, margin: f64, places: usize) -> Tally {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        run(words, margin, places, || random.next_u64())
    }

    #[test]
    fn the_lane_has_the_error_ratio_of_theory() {
        let tally = simulate(20_000, 2.4, 0);
        let expected = bit_error_ratio(Signalling::Pam4, 2.4);
        let sigma = 1.0 / (tally.wrong_before as f64).sqrt();
        assert!((tally.ber_before() / expected - 1.0).abs() < 4.0 * sigma, "{} {expected}", tally.ber_before());
    }

    #[test]
    fn hard_decoding_agrees_with_the_codes_weights() {
        // With no place tried both ways, Chase's decoder is the hard one.
        let tally = simulate(60_000, 2.5, 0);
        let expected = hard_output_ber(bit_error_ratio(Signalling::Pam4, 2.5));
        assert!((tally.ber_after() / expected - 1.0).abs() < 0.05, "{} {expected}", tally.ber_after());
    }
}
