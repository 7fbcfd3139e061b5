//! A real Reed-Solomon encoder and decoder over GF(2^m), against which the analysis is checked.
//!
//! Crates on crates.io were looked at first: `reed-solomon` and its relatives decode over GF(2^8) or GF(2^5) only, and
//! `reed-solomon-erasure` and `reed-solomon-simd` repair erasures, not errors. None takes the ten-bit symbols of
//! Ethernet.

mod decoder;
mod encoder;
mod field;

pub use decoder::Decoded;
pub use field::Field;

use super::codeword::RsCode;
use super::process::Refusal;

/// Encoder and decoder of one code. Symbols are sent most significant power first; the generator's roots are
/// alpha^0 to alpha^(2t-1), as in 802.3 clause 91.5.2.7.
#[derive(Clone, Debug)]
pub struct Codec {
    code: RsCode,
    field: Field,
    /// Generator polynomial without its leading one, highest power first.
    generator: Vec<u16>,
}

impl Codec {
    /// A codec; the field is made with the polynomial that 802.3 uses for ten bits (x^10 + x^3 + 1), and the common one
    /// for eight (x^8 + x^4 + x^3 + x^2 + 1).
    pub fn new(code: RsCode) -> Result<Self, Refusal> {
        let field = Field::of_bits(code.symbol_bits)?;
        let checks = code.symbols.saturating_sub(code.message);
        if code.message == 0 || checks == 0 || code.symbols > field.order() {
            return Err(Refusal(format!(
                "RS({},{}) does not exist over symbols of {} bits",
                code.symbols, code.message, code.symbol_bits
            )));
        }
        let generator = encoder::generator(&field, checks);
        Ok(Self { code, field, generator })
    }

    /// The code.
    pub fn code(&self) -> &RsCode {
        &self.code
    }

    /// The field.
    pub fn field(&self) -> &Field {
        &self.field
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::super::scheme::{KP4, KR4, LOW_LATENCY};
    use super::*;

    const FLIT: RsCode = RsCode { symbols: 86, message: 84, symbol_bits: 8 };

    fn message(code: &RsCode, random: &mut ChaCha8Rng) -> Vec<u16> {
        (0..code.message).map(|_| (random.next_u32() % (1 << code.symbol_bits)) as u16).collect()
    }

    /// Makes exactly `count` symbols wrong.
    fn corrupt(word: &mut [u16], count: usize, bits: u32, random: &mut ChaCha8Rng) {
        let mut hit = vec![false; word.len()];
        let mut done = 0;
        while done < count {
            let place = random.next_u32() as usize % word.len();
            if !hit[place] {
                hit[place] = true;
                word[place] ^= 1 + (random.next_u32() % ((1 << bits) - 1)) as u16;
                done += 1;
            }
        }
    }

    #[test]
    fn all_errors_up_to_t_are_corrected() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for code in [KR4, KP4, LOW_LATENCY, FLIT] {
            let codec = Codec::new(code).expect("exists");
            for count in 0..=code.corrects() {
                let sent = codec.encode(&message(&code, &mut random)).expect("right length");
                let mut word = sent.clone();
                corrupt(&mut word, count, code.symbol_bits, &mut random);
                assert_eq!(codec.decode(&mut word), Decoded::Corrected(count), "{code:?}");
                assert_eq!(word, sent);
            }
        }
    }

    #[test]
    fn more_than_t_errors_are_detected() {
        // KP4 takes a hopeless word for a code word once in 1e16; such a test never sees it.
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let codec = Codec::new(KP4).expect("exists");
        for count in [16, 17, 30, 100] {
            let mut word = codec.encode(&message(&KP4, &mut random)).expect("right length");
            corrupt(&mut word, count, 10, &mut random);
            let before = word.clone();
            assert_eq!(codec.decode(&mut word), Decoded::Uncorrectable);
            assert_eq!(word, before, "a word that cannot be corrected is left alone");
        }
    }

    #[test]
    fn miscorrection_is_as_frequent_as_spheres_are_dense() {
        // RS(86,84) over GF(2^8): (1 + 86·255)/65536 = 0.3346 of words far from all code words.
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let codec = Codec::new(FLIT).expect("exists");
        let trials = 20_000;
        let mut wrong = 0;
        for _ in 0..trials {
            let mut word = codec.encode(&message(&FLIT, &mut random)).expect("right length");
            corrupt(&mut word, 8, 8, &mut random);
            if let Decoded::Corrected(_) = codec.decode(&mut word) {
                wrong += 1;
            }
        }
        let (share, expected) = (f64::from(wrong) / f64::from(trials), FLIT.ln_miscorrection().exp());
        let sigma = (expected * (1.0 - expected) / f64::from(trials)).sqrt();
        assert!((share - expected).abs() < 4.0 * sigma, "{share} {expected}");
    }

    #[test]
    fn code_words_have_the_generators_roots() {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let codec = Codec::new(KR4).expect("exists");
        let word = codec.encode(&message(&KR4, &mut random)).expect("right length");
        let field = codec.field();
        for root in 0..14 {
            let x = field.power(root);
            let value = word.iter().fold(0, |sum, symbol| field.multiply(sum, x) ^ symbol);
            assert_eq!(value, 0, "root {root}");
        }
    }

    #[test]
    fn impossible_codes_and_lengths_are_refused() {
        for code in [
            RsCode { symbols: 300, message: 298, symbol_bits: 8 },
            RsCode { symbols: 10, message: 10, symbol_bits: 8 },
            RsCode { symbols: 10, message: 8, symbol_bits: 20 },
        ] {
            assert!(Codec::new(code).is_err(), "{code:?}");
        }
        let codec = Codec::new(KR4).expect("exists");
        assert!(codec.encode(&[0; 3]).is_err());
        assert!(codec.encode(&[5000; 514]).is_err());
        assert_eq!(codec.decode(&mut [0; 3]), Decoded::Uncorrectable);
        assert_eq!(codec.decode(&mut [5000; 528]), Decoded::Uncorrectable);
    }
}
