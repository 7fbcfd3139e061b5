//! Decoding up to t errors: syndromes, Berlekamp-Massey, Chien's search, Forney's formula (Blahut, Theory and Practice
//! of Error Control Codes, chapter 7).

use super::{Codec, Field};

/// What the decoder made of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A code word is within t symbols, and the word has been changed to it in so many places. It need not be the one
    /// that was sent.
    Corrected(usize),
    /// No code word is that near; the word is unchanged.
    Uncorrectable,
}

impl Codec {
    /// Decodes in place.
    pub fn decode(&self, word: &mut [u16]) -> Decoded {
        let field = &self.field;
        if word.len() != self.code.symbols || word.iter().any(|s| usize::from(*s) > field.order()) {
            return Decoded::Uncorrectable;
        }
        let checks = self.generator.len();
        let syndromes: Vec<u16> = (0..checks)
            .map(|root| {
                let x = field.power(root);
                word.iter().fold(0, |sum, symbol| field.multiply(sum, x) ^ symbol)
            })
            .collect();
        if syndromes.iter().all(|s| *s == 0) {
            return Decoded::Corrected(0);
        }
        let Some(locator) = locator(field, &syndromes) else { return Decoded::Uncorrectable };
        let wrong = locator.len() - 1;
        if wrong > checks / 2 {
            return Decoded::Uncorrectable;
        }

        // Omega = S·Lambda mod x^2t.
        let evaluator: Vec<u16> = (0..checks)
            .map(|power| {
                (0..=power.min(wrong)).fold(0, |sum, i| sum ^ field.multiply(locator[i], syndromes[power - i]))
            })
            .collect();
        // The derivative keeps odd powers only.
        let slope: Vec<u16> = (1..locator.len()).map(|i| if i % 2 == 1 { locator[i] } else { 0 }).collect();

        let length = word.len();
        let mut corrections = Vec::with_capacity(wrong);
        for place in 0..length {
            // The symbol at `place` is the coefficient of x^(length - 1 - place).
            let power = length - 1 - place;
            let inverse = field.power(field.order() - power % field.order());
            if field.value(&locator, inverse) != 0 {
                continue;
            }
            let down = field.value(&slope, inverse);
            if down == 0 {
                return Decoded::Uncorrectable;
            }
            // Roots begin at alpha^0, so Forney's value is multiplied by the locator itself.
            let value = field.divide(field.value(&evaluator, inverse), down);
            corrections.push((place, field.multiply(value, field.power(power))));
        }
        if corrections.len() != wrong {
            return Decoded::Uncorrectable;
        }
        for (place, value) in &corrections {
            word[*place] ^= value;
        }
        Decoded::Corrected(wrong)
    }
}

/// The shortest recurrence that makes the syndromes (Berlekamp-Massey); lowest power first. `None` when its length and
/// degree do not agree, which no correctable word leads to.
fn locator(field: &Field, syndromes: &[u16]) -> Option<Vec<u16>> {
    let mut current = vec![1u16];
    let mut previous = vec![1u16];
    let (mut length, mut gap, mut last) = (0usize, 1usize, 1u16);
    for n in 0..syndromes.len() {
        let mut difference = syndromes[n];
        for (i, coefficient) in current.iter().enumerate().skip(1).take(length) {
            difference ^= field.multiply(*coefficient, syndromes[n - i]);
        }
        if difference == 0 {
            gap += 1;
            continue;
        }
        let before = current.clone();
        let factor = field.divide(difference, last);
        if current.len() < previous.len() + gap {
            current.resize(previous.len() + gap, 0);
        }
        for (i, coefficient) in previous.iter().enumerate() {
            current[i + gap] ^= field.multiply(factor, *coefficient);
        }
        if 2 * length <= n {
            length = n + 1 - length;
            previous = before;
            last = difference;
            gap = 1;
        } else {
            gap += 1;
        }
    }
    while current.len() > 1 && current.last() == Some(&0) {
        current.pop();
    }
    (current.len() == length + 1).then_some(current)
}
