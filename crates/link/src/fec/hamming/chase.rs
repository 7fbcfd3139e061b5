//! Soft decoding after Chase's second algorithm (IEEE Transactions on Information Theory 18, 1972): try all patterns of
//! flips in the least reliable places, decode each, keep the code word nearest to what was received.

use super::code::{BITS, Correction, correction, syndrome};

/// Most places that are tried.
pub const PLACES_MAX: usize = 10;

/// What the decoder decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Flip these places; the result is a code word.
    Flip(u128),
    /// No pattern led to a code word: the hard decisions stand.
    None,
}

/// Decodes one word. `hard` are the decisions bit by bit, `reliability` their log-likelihood ratios' sizes (any common
/// scale), `places` how many of the least reliable are tried both ways, up to [`PLACES_MAX`].
pub fn decode(hard: u128, reliability: &[f32; BITS], places: usize) -> Decision {
    let places = places.min(PLACES_MAX);
    let weakest = weakest(reliability, places);
    let received = syndrome(hard);
    let mut best = (f32::INFINITY, Decision::None);
    // Gray order: one place changes at a time.
    let (mut flips, mut now, mut cost) = (0u128, received, 0.0f32);
    for pattern in 0u32..1 << places {
        if pattern > 0 {
            let place = weakest[pattern.trailing_zeros() as usize];
            flips ^= 1 << place;
            now ^= place as u8 | 128;
            let change = reliability[place];
            cost += if flips >> place & 1 == 1 { change } else { -change };
        }
        let (metric, found) = match correction(now) {
            Correction::Nothing => (cost, flips),
            Correction::Flip(place) => {
                let change = reliability[place];
                let back = flips >> place & 1 == 1;
                (if back { cost - change } else { cost + change }, flips ^ 1 << place)
            }
            Correction::Detected => continue,
        };
        if metric < best.0 {
            best = (metric, Decision::Flip(found));
        }
    }
    best.1
}

/// The least reliable places, the weakest first.
fn weakest(reliability: &[f32; BITS], count: usize) -> [usize; PLACES_MAX] {
    let mut found = [0usize; PLACES_MAX];
    let mut size = 0;
    for (place, value) in reliability.iter().enumerate() {
        if size == count && (count == 0 || *value >= reliability[found[count - 1]]) {
            continue;
        }
        let mut at = if size < count { size } else { count - 1 };
        size = (size + 1).min(count);
        while at > 0 && reliability[found[at - 1]] > *value {
            found[at] = found[at - 1];
            at -= 1;
        }
        found[at] = place;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::code::encode;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weakest_places_are_found_in_order() {
        let mut reliability = [9.0; BITS];
        for (place, value) in [(5, 3.0), (100, 1.0), (64, 2.0), (7, 4.0)] {
            reliability[place] = value;
        }
        assert_eq!(weakest(&reliability, 3)[..3], [100, 64, 5]);
    }

    proptest! {
        /// Three errors among the weakest places are beyond hard decoding, and are all put right.
        #[test]
        fn weak_errors_are_corrected(message: u128, at in proptest::collection::btree_set(0usize..BITS, 1..4)) {
            let sent = encode(message & ((1 << 120) - 1));
            let mut reliability = [1.0f32; BITS];
            let mut hard = sent;
            for place in &at {
                reliability[*place] = 0.1;
                hard ^= 1 << place;
            }
            let Decision::Flip(flips) = decode(hard, &reliability, 4) else { panic!("no code word found") };
            prop_assert_eq!(hard ^ flips, sent);
        }

        /// Whatever comes, the result is a code word or nothing.
        #[test]
        fn decisions_are_code_words(hard: u128, values in proptest::collection::vec(0.0f32..4.0, BITS), places in 0usize..8) {
            let mut reliability = [0.0; BITS];
            reliability.copy_from_slice(&values);
            if let Decision::Flip(flips) = decode(hard, &reliability, places) {
                prop_assert_eq!(syndrome(hard ^ flips), 0);
            }
        }
    }
}
