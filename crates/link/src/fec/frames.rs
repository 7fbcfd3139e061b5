//! From wrong words to lost frames: how often, how long between, and how often unnoticed.

use super::chain::LinkErrors;
use super::process::Refusal;
use super::scheme::{Code, Scheme};

/// Bytes beside a frame: 8 of preamble and start, 12 of gap.
pub const BESIDE_FRAME: f64 = 20.0;

/// How units fare: frames, or flits before replay.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct UnitLoss {
    /// Bytes of the unit.
    pub bytes: f64,
    /// Units sent per second at the full rate.
    pub per_second: f64,
    /// Share of units lost (flits: replayed).
    pub loss_ratio: f64,
    /// Mean time between losses in s at the full rate; infinite when there are none.
    pub seconds_between: f64,
    /// Mean time between units that are wrong and taken for right, in s; an estimate.
    pub seconds_to_false_acceptance: f64,
    /// What that estimate rests on.
    pub false_acceptance_basis: &'static str,
}

/// Fate of units of `frame_bytes` bytes (ignored for flits, which have their own size) at `rate_gbps` of payload.
///
/// A frame is lost when it touches a word that cannot be corrected: FLR = CER (1 + MFC)/MFC with MFC frames a word, that
/// is CER (1 + (frame + 20)/payload of a word), as in IEEE 802.3 task force contributions on frame loss (anslow_3bs,
/// anslow_3cd). With words interleaved, a frame touches all of them, and words of a group that cannot be corrected
/// spoil the whole group (802.3 clause 119.2.5.3): CER (interleave + (frame + 20)/payload), a bound as far as words of
/// a group fail together.
pub fn unit_loss(errors: &LinkErrors, scheme: &Scheme, frame_bytes: f64, rate_gbps: f64) -> Result<UnitLoss, Refusal> {
    if !(1.0..=65_536.0).contains(&frame_bytes) {
        return Err(Refusal(format!("a frame of {frame_bytes} bytes; give 1 to 65536")));
    }
    if !(rate_gbps > 0.0 && rate_gbps <= 1e6) {
        return Err(Refusal(format!("a rate of {rate_gbps} Gb/s; give a positive one")));
    }
    let words = errors.codeword_error_ratio.unwrap_or(0.0);
    let (bytes, on_line, loss_ratio, wrong, basis) = match (scheme.code, scheme.unit) {
        (Code::Flit, super::scheme::Unit::Flit(bytes)) => (
            bytes as f64,
            236.0,
            words,
            errors.miscorrected,
            "2^-64 of flits that correction cannot mend, as random patterns pass the CRC",
        ),
        (_, super::scheme::Unit::Flit(bytes)) => {
            // A flit fills the payload of a word; interleaved, it is spread over all of them.
            let lost = some_of(words, scheme.layout.interleave as f64);
            let bytes = bytes as f64;
            (bytes, bytes, lost, some_of(errors.miscorrected, scheme.layout.interleave as f64) * CRC32, RS_BASIS)
        }
        (Code::None, _) => {
            let (lost, wrong) = unprotected(errors.post_fec_ber, frame_bytes);
            (frame_bytes, frame_bytes + BESIDE_FRAME, lost, wrong, NO_FEC_BASIS)
        }
        _ => {
            let payload = scheme.payload_bytes().unwrap_or(640.0);
            let touched = frame_words(scheme, frame_bytes, payload);
            let wrong = some_of(errors.miscorrected, touched) * CRC32;
            (frame_bytes, frame_bytes + BESIDE_FRAME, some_of(words, touched), wrong, RS_BASIS)
        }
    };
    let per_second = rate_gbps * 1e9 / (8.0 * on_line);
    Ok(UnitLoss {
        bytes,
        per_second,
        loss_ratio,
        seconds_between: 1.0 / (loss_ratio * per_second),
        seconds_to_false_acceptance: 1.0 / (wrong * per_second),
        false_acceptance_basis: basis,
    })
}

const CRC32: f64 = 1.0 / 4_294_967_296.0;
const RS_BASIS: &str = "words taken for correct by the decoder (share of all words within t symbols of some code word), times 2^-32 for the frame's CRC; words known to be bad are marked and dropped";
const NO_FEC_BASIS: &str = "frames with two or more line errors, which the descrambler makes six or more bits, times 2^-32: CRC-32 finds up to three wrong bits in frames of up to 11,000 bytes";

/// Words, or the like, that a frame of this size touches on average.
fn frame_words(scheme: &Scheme, frame_bytes: f64, payload: f64) -> f64 {
    let interleave = match scheme.code {
        // The inner code's interleaver spreads its symbols, but frames lie in groups of four words.
        Code::Inner => scheme.layout.interleave.min(4),
        _ => scheme.layout.interleave,
    };
    interleave as f64 + (frame_bytes + BESIDE_FRAME) / payload
}

/// Chance that any of `number` things of chance `each` happens; at most the plain product.
fn some_of(each: f64, number: f64) -> f64 {
    -f64::exp_m1(number * f64::ln_1p(-each.min(1.0)))
}

/// Frames behind 64b/66b: a line error anywhere in the frame, its preamble, or up to 58 bits before (the descrambler
/// 1 + x^39 + x^58 repeats it twice) spoils the frame. Also the share with errors that the CRC may miss.
fn unprotected(ber: f64, frame_bytes: f64) -> (f64, f64) {
    let bits = 8.0 * (frame_bytes + 8.0) * 66.0 / 64.0 + 58.0;
    let lost = some_of(ber, bits);
    // Two independent line errors, to first order where it matters.
    let mean = bits * ber;
    let two = if mean < 1e-4 { mean * mean / 2.0 } else { 1.0 - (-mean).exp() * (1.0 + mean) };
    (lost, two * CRC32)
}

#[cfg(test)]
mod tests {
    use super::super::chain::chain;
    use super::super::process::ErrorProcess;
    use super::*;

    fn loss(name: &str, ber: f64, bytes: f64, interleave: usize) -> UnitLoss {
        let mut scheme = Scheme::named(name).expect("known");
        scheme.layout.interleave = interleave;
        let errors = chain(&ErrorProcess::Random { ber }, &scheme).expect("sound");
        unit_loss(&errors, &scheme, bytes, 400.0).expect("sound")
    }

    #[test]
    fn the_frame_rule_of_the_reference() {
        // Reference: the project's gathered link facts: MFC = 640/84 = 7.62, FLR = 1.131 CER.
        let scheme = Scheme::named("kp4").expect("known");
        let errors = chain(&ErrorProcess::Random { ber: 3.2e-4 }, &scheme).expect("sound");
        let flr = unit_loss(&errors, &scheme, 64.0, 400.0).expect("sound").loss_ratio;
        assert!((flr / errors.codeword_error_ratio.expect("a code") - 1.131_25).abs() < 1e-6);
        // KP4 at 3.2e-4 is the reference's point for 6.2e-11.
        assert_eq!(format!("{flr:.1e}"), "6.2e-11");
    }

    #[test]
    fn times_follow_from_rates() {
        // 400 Gb/s of 84 bytes each: 595.2 million frames a second, the usual wire-speed figure of 400G.
        let one = loss("kp4", 3.2e-4, 64.0, 1);
        assert!((one.per_second / 595.238e6 - 1.0).abs() < 1e-5);
        assert!((one.seconds_between * one.per_second * one.loss_ratio - 1.0).abs() < 1e-12);
        assert!(one.seconds_to_false_acceptance > 1e20 * one.seconds_between);
    }

    #[test]
    fn larger_frames_and_interleaved_words_lose_more_frames() {
        assert!(loss("kp4", 3e-4, 1518.0, 1).loss_ratio > loss("kp4", 3e-4, 64.0, 1).loss_ratio);
        assert!(loss("kp4", 3e-4, 64.0, 2).loss_ratio > loss("kp4", 3e-4, 64.0, 1).loss_ratio);
    }

    #[test]
    fn unprotected_frames_are_lost_with_their_bits() {
        // 64 bytes: (72 · 8) · 66/64 + 58 = 652 bits at 1e-12.
        let one = loss("none", 1e-12, 64.0, 1);
        assert!((one.loss_ratio / 6.52e-10 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn sizes_and_rates_out_of_range_are_refused() {
        let scheme = Scheme::named("kp4").expect("known");
        let errors = chain(&ErrorProcess::Random { ber: 1e-4 }, &scheme).expect("sound");
        for (bytes, rate) in [(0.0, 400.0), (f64::NAN, 400.0), (64.0, 0.0), (64.0, f64::INFINITY), (64.0, f64::NAN)] {
            assert!(unit_loss(&errors, &scheme, bytes, rate).is_err(), "{bytes} {rate}");
        }
    }
}
