//! Extended Hamming(128,120): one error corrected, two detected, least distance 4.
//!
//! P802.3dj calls its inner code Hamming(128,120); any binary (128,120) code of distance 4 with even words has as its
//! parity-check columns all 128 odd-weight bytes, so all such codes are the same up to the order of bits, and behave
//! alike on a memoryless channel. Here column i of the check matrix is (i, 1), i from 0 to 127.

/// Bits of a code word.
pub const BITS: usize = 128;
/// Message bits.
pub const MESSAGE: usize = 120;

/// Places whose index has fewer than two ones hold check bits: 0 for the overall parity, powers of two for the others.
pub fn is_check(place: usize) -> bool {
    place & place.wrapping_sub(1) == 0
}

/// Places of the message bits in order.
pub fn message_places() -> impl Iterator<Item = usize> {
    (0..BITS).filter(|place| !is_check(*place))
}

/// The code word of 120 message bits (bits of the first argument from its lowest up).
pub fn encode(message: u128) -> u128 {
    let mut word = 0u128;
    for (bit, place) in message_places().enumerate() {
        word |= (message >> bit & 1) << place;
    }
    let checks = syndrome(word) & 127;
    for power in 0..7 {
        word |= u128::from(checks >> power & 1) << (1 << power);
    }
    word | u128::from(word.count_ones() & 1)
}

/// Syndrome: the exclusive or of the places of all ones, and overall parity in bit 7. Zero for code words.
pub fn syndrome(word: u128) -> u8 {
    let mut places = 0u8;
    for (bit, with) in PLACES_WITH.iter().enumerate() {
        places |= ((word & with).count_ones() as u8 & 1) << bit;
    }
    places | (word.count_ones() as u8 & 1) << 7
}

/// For each of the seven index bits, the places that have it set.
const PLACES_WITH: [u128; 7] = {
    let mut masks = [0u128; 7];
    let mut place = 0;
    while place < BITS {
        let mut bit = 0;
        while bit < 7 {
            if place >> bit & 1 == 1 {
                masks[bit] |= 1 << place;
            }
            bit += 1;
        }
        place += 1;
    }
    masks
};

/// What a syndrome tells a hard decoder to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    /// A code word.
    Nothing,
    /// Flip this place.
    Flip(usize),
    /// An even number of errors: detected, not correctable.
    Detected,
}

/// Reads a syndrome.
pub fn correction(syndrome: u8) -> Correction {
    match (syndrome >> 7, syndrome & 127) {
        (0, 0) => Correction::Nothing,
        (1, place) => Correction::Flip(usize::from(place)),
        _ => Correction::Detected,
    }
}

/// Bit error ratio behind a hard decoder that corrects one error and leaves detected words as they are, for random
/// errors at ratio `ber`: exact, from the code's weights.
///
/// A word with j odd errors is changed in one more place: one of the wrong ones when the syndrome's place is among
/// them, else a right one. By symmetry of the code (it is invariant under all translations of places), the number of
/// patterns of j errors whose places add up to a given place inside is j A'_j: words of weight j - 1 through a place
/// and so on. With A_w the number of code words of weight w, patterns of weight j at distance one from a word of weight
/// w = j - 1 number (n - w) A_w, and from one of weight j + 1 number w A_w.
pub fn hard_output_ber(ber: f64) -> f64 {
    let weights = ln_weights();
    let n = BITS as f64;
    let (ln_yes, ln_no) = (ber.ln(), (-ber).ln_1p());
    let ln_choose = |j: f64| libm::lgamma(n + 1.0) - libm::lgamma(j + 1.0) - libm::lgamma(n - j + 1.0);
    let mut wrong = 0.0;
    for j in 1..=BITS {
        let errors = j as f64;
        let ln_pattern = errors * ln_yes + if j == BITS { 0.0 } else { (n - errors) * ln_no };
        if j % 2 == 0 {
            wrong += (ln_choose(errors) + ln_pattern).exp() * errors;
            continue;
        }
        // Down to a code word of weight j - 1, or up to one of weight j + 1.
        let down = weights[j - 1] + (n - errors + 1.0).ln() + ln_pattern;
        wrong += down.exp() * (errors - 1.0);
        if j < BITS {
            let up = weights[j + 1] + (errors + 1.0).ln() + ln_pattern;
            wrong += up.exp() * (errors + 1.0);
        }
    }
    wrong / n
}

/// ln of the number of code words of each weight, by MacWilliams' identity from the dual code (Reed-Muller of first
/// order: weights 0 and 128 once, 64 in 254 words): 2^-8 [C(n,w) (1 + (-1)^w) + 254 K_w(64)].
fn ln_weights() -> Vec<f64> {
    // (1 - x²)^64 gives K_w(64): sign alternates with w/2.
    let ln_choose = |n: f64, k: f64| libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    (0..=BITS)
        .map(|w| {
            if w % 2 == 1 {
                return f64::NEG_INFINITY;
            }
            let whole = std::f64::consts::LN_2 + ln_choose(128.0, w as f64);
            let half = 254f64.ln() + ln_choose(64.0, (w / 2) as f64);
            let sign = if (w / 2) % 2 == 0 { 1.0 } else { -1.0 };
            let ratio = sign * (half - whole).exp();
            if 1.0 + ratio < 1e-12 { f64::NEG_INFINITY } else { whole + f64::ln_1p(ratio) - 256f64.ln() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_are_those_of_the_extended_hamming_code() {
        // A_4 = 128·127·126/24 = 85,344 (MacWilliams and Sloane, chapter 1); A_2 = 0.
        let weights = ln_weights();
        assert!((weights[0].exp() - 1.0).abs() < 1e-9);
        assert!(weights[2].exp() < 1e-6);
        assert!((weights[4].exp() - 85_344.0).abs() < 1e-3, "{}", weights[4].exp());
    }

    #[test]
    fn hard_decoding_of_the_reference() {
        // Reference: the project's gathered link facts, hard single-error decoding: 1e-3 to 1.2e-4, 2e-3 to 4.7e-4,
        // 4e-3 to 1.7e-3, 4.85e-3 to 2.4e-3.
        for (ber, out) in [(1e-3, 1.2e-4), (2e-3, 4.7e-4), (4e-3, 1.7e-3), (4.85e-3, 2.4e-3)] {
            assert_eq!(format!("{:.1e}", hard_output_ber(ber)), format!("{out:.1e}"), "{ber}");
        }
    }

    proptest! {
        #[test]
        fn words_have_no_syndrome_and_single_errors_are_found(message: u128, place in 0usize..128) {
            let word = encode(message & ((1 << 120) - 1));
            prop_assert_eq!(syndrome(word), 0);
            prop_assert_eq!(correction(syndrome(word ^ 1 << place)), Correction::Flip(place));
            let other = (place + 1 + (message % 127) as usize) % 128;
            prop_assert_eq!(correction(syndrome(word ^ 1 << place ^ 1 << other)), Correction::Detected);
            let back: u128 = message_places().enumerate().map(|(bit, at)| (word >> at & 1) << bit).sum();
            prop_assert_eq!(back, message & ((1 << 120) - 1));
        }
    }
}
