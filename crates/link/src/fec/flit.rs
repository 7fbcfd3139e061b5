//! The flit FEC of PCI Express 6 and 7 and CXL 3: which flits cannot be corrected, exactly, with bursts, over lanes.
//!
//! A flit has 256 bytes: 236 of packets, 6 of the data link layer, 8 of CRC and 6 of FEC. Three codes over GF(2^8), each
//! correcting one byte, take its bytes in turn (PCI-SIG, "The PCIe 6.0 Specification Webinar Q&A: Error Detection and
//! Correction with FEC", 2021; that bytes go to lanes in turn is general knowledge of the base specification). Since no
//! number of lanes is a multiple of three, bytes that follow each other on a lane belong to different codes, and bursts
//! of up to sixteen bits are always corrected.

use super::markov::Chain;
use super::process::Refusal;

/// Bytes of a flit.
pub const FLIT_BYTES: usize = 256;
/// Codes that take bytes in turn.
pub const WAYS: usize = 3;
/// The check behind correction: 64 bits.
pub const CRC_BITS: i32 = 64;

/// What happens to flits, per flit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlitErrors {
    /// Share with any wrong bit before correction.
    pub hit: f64,
    /// Share that correction cannot mend; the CRC finds them and they are replayed.
    pub uncorrectable: f64,
}

/// Marks of the three codes, as bits; a code marked twice fails.
const MARKS: usize = 1 << WAYS;

/// Flits striped over `lanes` lanes (1, 2, 4, 8 or 16) whose errors are independent.
pub fn flit_errors(chain: &Chain, lanes: usize) -> Result<FlitErrors, Refusal> {
    if !matches!(lanes, 1 | 2 | 4 | 8 | 16) {
        return Err(Refusal(format!("{lanes} lanes; a PCI Express link has 1, 2, 4, 8 or 16")));
    }
    // What all lanes so far did: which codes are marked, and the share that has failed.
    let (mut marked, mut failed) = ([0.0; MARKS], 0.0);
    marked[0] = 1.0;
    for lane in 0..lanes {
        let (one, broken) = one_lane(chain, lane, lanes);
        let mut next = [0.0; MARKS];
        let mut lost = failed;
        for (a, &p) in marked.iter().enumerate() {
            lost += p * broken;
            for (b, &q) in one.iter().enumerate() {
                if a & b == 0 {
                    next[a | b] += p * q;
                } else {
                    lost += p * q;
                }
            }
        }
        (marked, failed) = (next, lost);
    }
    let mended: f64 = marked[1..].iter().sum();
    Ok(FlitErrors { hit: mended + failed, uncorrectable: failed })
}

/// Marks that one lane's bytes of a flit leave, and the share of flits that it breaks by itself.
fn one_lane(chain: &Chain, lane: usize, lanes: usize) -> ([f64; MARKS], f64) {
    // Whether the byte under way is wrong, beside the marks.
    let width = 2 * MARKS;
    let mut now = vec![0.0; chain.states() * width];
    for (state, share) in chain.steady.iter().enumerate() {
        now[state * width] = *share;
    }
    let mut next = vec![0.0; now.len()];
    let mut broken = 0.0;
    for byte in (lane..FLIT_BYTES).step_by(lanes) {
        for _ in 0..8 / chain.bits {
            next.fill(0.0);
            for step in &chain.steps {
                let wrong = usize::from(step.wrong != 0);
                for marks in 0..MARKS {
                    for bad in 0..2 {
                        let value = now[step.from * width + 2 * marks + bad];
                        if value != 0.0 {
                            next[step.to * width + 2 * marks + (bad | wrong)] += value * step.probability;
                        }
                    }
                }
            }
            std::mem::swap(&mut now, &mut next);
        }
        let code = 1 << (byte % WAYS);
        for state in 0..chain.states() {
            // Marks from many to few, so that a mark set now is not looked at again.
            for marks in (0..MARKS).rev() {
                let value = std::mem::take(&mut now[state * width + 2 * marks + 1]);
                if marks & code == 0 {
                    now[state * width + 2 * (marks | code)] += value;
                } else {
                    broken += value;
                }
            }
        }
    }
    let mut marked = [0.0; MARKS];
    for state in 0..chain.states() {
        for (marks, sum) in marked.iter_mut().enumerate() {
            *sum += now[state * width + 2 * marks];
        }
    }
    (marked, broken)
}

/// The rule of thumb: with bursts as independent points at `first` per bit, a flit meets lambda = 2048 x `first` of
/// them, and two of them fall into the same third with probability lambda²/6.
pub fn rule_of_thumb(first: f64) -> f64 {
    let lambda = 8.0 * FLIT_BYTES as f64 * first;
    lambda * lambda / (2.0 * WAYS as f64)
}

#[cfg(test)]
mod tests {
    use super::super::counts::Counts;
    use super::super::process::ErrorProcess;
    use super::super::slicer::Signalling;
    use super::*;
    use proptest::prelude::*;

    fn at(process: &ErrorProcess, lanes: usize) -> FlitErrors {
        flit_errors(&process.chain(Signalling::Pam4, false).expect("sound"), lanes).expect("sound")
    }

    #[test]
    fn random_errors_are_the_binomial_of_three_codes() {
        for ber in [1e-9, 1e-6, 1e-4, 1e-3] {
            let byte = -f64::exp_m1(8.0 * f64::ln_1p(-ber));
            let [a, b, c] = [86, 85, 85].map(|n| Counts::binomial(n, byte, 1).over());
            let expected = a + (1.0 - a) * (b + (1.0 - b) * c);
            for lanes in [1, 4, 16] {
                let exact = at(&ErrorProcess::Random { ber }, lanes).uncorrectable;
                assert!((exact / expected - 1.0).abs() < 1e-9, "{ber} x{lanes}: {exact} {expected}");
            }
        }
    }

    /// Reference: the project's gathered link facts (lambda²/2/3): 7.0e-7 at 1e-6, 7e-5 at 1e-5, 7e-3 at 1e-4.
    #[test]
    fn rule_of_thumb_of_the_reference() {
        assert_eq!(format!("{:.1e}", rule_of_thumb(1e-6)), "7.0e-7");
        assert_eq!(format!("{:.0e}", rule_of_thumb(1e-5)), "7e-5");
        assert_eq!(format!("{:.0e}", rule_of_thumb(1e-4)), "7e-3");
        // The exact value is a little lower: two errors in one byte are one.
        let exact = at(&ErrorProcess::Random { ber: 1e-6 }, 16).uncorrectable;
        assert!((0.97..1.0).contains(&(exact / rule_of_thumb(1e-6))), "{exact}");
        assert_eq!(format!("{exact:.1e}"), "6.9e-7");
    }

    #[test]
    fn single_bursts_are_corrected() {
        // Bursts alone, of nine line symbols (18 bits) on average, break flits in proportion to their number; bursts of
        // 1.3 symbols only two at a time.
        let long = |start| at(&ErrorProcess::OneTap { start, propagation: 0.89 }, 16).uncorrectable;
        assert!((long(1e-9) / long(1e-10) - 10.0).abs() < 0.1);
        let short = |start| at(&ErrorProcess::OneTap { start, propagation: 0.2 }, 16).uncorrectable;
        assert!(short(1e-6) < 3.0 * rule_of_thumb(0.5e-6) && short(1e-6) > rule_of_thumb(0.5e-6));
        assert!(
            flit_errors(&ErrorProcess::Random { ber: 0.1 }.chain(Signalling::Nrz, false).expect("sound"), 3).is_err()
        );
    }

    proptest! {
        #[test]
        fn shares_are_probabilities_and_grow(ln in -25.0f64..-3.0, a in 0.0f64..0.7, wide: bool) {
            let lanes = if wide { 16 } else { 1 };
            let start = ln.exp();
            let one = at(&ErrorProcess::OneTap { start, propagation: a }, lanes);
            let more = at(&ErrorProcess::OneTap { start: start * 1.3, propagation: a }, lanes);
            prop_assert!(0.0 <= one.uncorrectable && one.uncorrectable <= one.hit && one.hit <= 1.0 + 1e-12);
            prop_assert!(one.uncorrectable <= more.uncorrectable + 1e-12 && one.hit <= more.hit + 1e-12);
        }
    }
}
