//! The question turned round: how many errors a lane may have before correction for what is wanted behind it.

use super::chain::{LinkErrors, chain};
use super::frames::unit_loss;
use super::process::{ErrorProcess, Refusal};
use super::scheme::Scheme;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Share of frames lost, for frames of so many bytes; for flits, replayed.
    UnitLoss {
        /// Share.
        ratio: f64,
        /// Bytes of a frame.
        bytes: f64,
    },
    /// Bit error ratio behind correction.
    PostFecBer(f64),
    /// Share of words that cannot be corrected.
    CodewordErrorRatio(f64),
}

impl Target {
    /// The share that is wanted.
    pub fn ratio(&self) -> f64 {
        match self {
            Self::UnitLoss { ratio, .. } | Self::PostFecBer(ratio) | Self::CodewordErrorRatio(ratio) => *ratio,
        }
    }

    /// What a link reaches of it.
    pub fn reached(&self, errors: &LinkErrors, scheme: &Scheme) -> Result<f64, Refusal> {
        match self {
            // The rate does not matter to a ratio.
            Self::UnitLoss { bytes, .. } => Ok(unit_loss(errors, scheme, *bytes, 100.0)?.loss_ratio),
            Self::PostFecBer(_) => Ok(errors.post_fec_ber),
            Self::CodewordErrorRatio(_) => errors
                .codeword_error_ratio
                .ok_or_else(|| Refusal("without FEC there are no code words; give a frame loss ratio".into())),
        }
    }
}

/// The most errors that keep a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowed {
    /// The process at its limit; bursts as long as in the process asked about, only more or less frequent.
    pub process: ErrorProcess,
    /// Its bit error ratio at the detector, precoding off.
    pub detector_ber: f64,
}

/// Finds the limit. What is reached grows with the scale of the process, so the answer is unique.
pub fn allowed(process: &ErrorProcess, scheme: &Scheme, target: Target) -> Result<Allowed, Refusal> {
    let ratio = target.ratio();
    if !(ratio > 0.0 && ratio < 1.0) {
        return Err(Refusal(format!("a target of {ratio}; it must lie between 0 and 1")));
    }
    // A process without errors has bursts like any other, only none.
    let process = if process.scale() > 0.0 { process.clone() } else { process.with_scale(1e-6) };
    let wanted = ratio.ln();
    let miss = |ln_scale: f64| -> Result<f64, Refusal> {
        let now = process.with_scale(ln_scale.exp());
        let errors = chain(&now, scheme)?;
        Ok(target.reached(&errors, scheme)?.ln() - wanted)
    };
    let most = match scheme.code {
        // The inner code's table ends here.
        super::scheme::Code::Inner => super::hamming::table::ROWS[0].0,
        _ => process.scale_max() * 0.999,
    };
    let (mut low, mut high) = (ratio.ln() - 12.0, most.ln());
    let (mut at_low, mut at_high) = (miss(low)?, miss(high)?);
    if at_high < 0.0 {
        return Err(Refusal(format!("no number of errors misses a target of {ratio:e}: it is kept always")));
    }
    if at_low > 0.0 {
        return Err(Refusal(format!("a target of {ratio:e} is missed however few errors there are")));
    }
    // Secant steps inside a bracket, with a plain halving whenever they stop shrinking it.
    for step in 0..200 {
        let width = high - low;
        if width < 1e-11 {
            break;
        }
        let secant = low - at_low * width / (at_high - at_low);
        let inside = at_low.is_finite() && step % 3 != 2 && secant.is_finite();
        let next = if inside { secant.clamp(low + 1e-3 * width, high - 1e-3 * width) } else { low + 0.5 * width };
        let value = miss(next)?;
        if value == 0.0 {
            (low, high) = (next, next);
        } else if value < 0.0 {
            (low, at_low) = (next, value);
        } else {
            (high, at_high) = (next, value);
        }
    }
    let limit = process.with_scale((0.5 * (low + high)).exp());
    let detector_ber = limit.detector_ber(scheme.signalling)?;
    Ok(Allowed { process: limit, detector_ber })
}

#[cfg(test)]
mod tests {
    use super::super::codeword::tests::as_the_reference_rounds;
    use super::*;
    use proptest::prelude::*;

    fn limit(name: &str, target: Target) -> f64 {
        let scheme = Scheme::named(name).expect("known");
        allowed(&ErrorProcess::Random { ber: 1e-5 }, &scheme, target).expect("reachable").detector_ber
    }

    /// Reference: table of the project's gathered link facts, exact binomials, to the three digits given.
    #[test]
    fn limits_of_the_reference() {
        let flr = Target::UnitLoss { ratio: 6.2e-11, bytes: 64.0 };
        for (name, cells) in [
            ("kr4", ["2.18e-5", "3.92e-5", "5.27e-5", "3.83e-5"]),
            ("kp4", ["2.26e-4", "3.10e-4", "3.64e-4", "3.20e-4"]),
        ] {
            let targets = [Target::PostFecBer(1e-15), Target::PostFecBer(1e-13), Target::PostFecBer(1e-12), flr];
            for (target, cell) in targets.into_iter().zip(cells) {
                assert_eq!(format!("{:.2e}", limit(name, target)), cell, "{name} {target:?}");
            }
        }
    }

    /// Reference: the same table's samples of the code word error ratio, to the three digits given.
    #[test]
    fn code_words_of_the_reference() {
        for (name, ber, cell) in [
            ("kr4", 2.1e-5, "4.87e-13"),
            ("kr4", 5e-5, "4.40e-10"),
            ("kr4", 1e-4, "8.93e-8"),
            ("kp4", 2e-4, "5.39e-14"),
            ("kp4", 2.4e-4, "8.15e-13"),
            ("kp4", 3.2e-4, "5.45e-11"),
            ("kp4", 4.85e-4, "1.85e-8"),
            ("kp4", 1e-3, "1.53e-4"),
        ] {
            let scheme = Scheme::named(name).expect("known");
            let errors = chain(&ErrorProcess::Random { ber }, &scheme).expect("sound");
            let ratio = errors.codeword_error_ratio.expect("a code");
            assert_eq!(as_the_reference_rounds(ratio, 3), cell, "{name} {ber}");
        }
    }

    #[test]
    fn published_anchors_are_near() {
        // 802.3bj: KR4 from 2.1e-5 to 1e-15; 802.3bs: KP4 from 2.4e-4 (C2M) to 1e-15 class (general knowledge).
        assert!((limit("kr4", Target::PostFecBer(1e-15)) / 2.1e-5 - 1.0).abs() < 0.1);
        assert!((limit("kp4", Target::PostFecBer(1e-15)) / 2.4e-4 - 1.0).abs() < 0.1);
    }

    #[test]
    fn impossible_targets_are_refused() {
        let scheme = Scheme::named("kp4").expect("known");
        for ratio in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(allowed(&ErrorProcess::Random { ber: 1e-5 }, &scheme, Target::PostFecBer(ratio)).is_err());
        }
        let none = Scheme::named("none").expect("known");
        let target = Target::CodewordErrorRatio(1e-12);
        assert!(allowed(&ErrorProcess::Random { ber: 1e-5 }, &none, target).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn forward_of_the_inverse_is_the_target(
            ln in -60.0f64..-12.0, a in 0.0f64..0.75, interleave in 1usize..5, precoding: bool, name in 1usize..9,
        ) {
            let mut scheme = Scheme::named(super::super::scheme::NAMES[name]).expect("known");
            scheme.layout.interleave = if scheme.name == "kp4-inner" { 12 } else { interleave };
            let random = scheme.name == "kp4-inner";
            scheme.precoding = precoding && !random;
            let process = if random {
                ErrorProcess::Random { ber: 1e-4 }
            } else {
                ErrorProcess::OneTap { start: 1e-5, propagation: a }
            };
            let target = Target::CodewordErrorRatio(ln.exp());
            let limit = allowed(&process, &scheme, target).expect("reachable");
            let errors = chain(&limit.process, &scheme).expect("sound");
            let reached = errors.codeword_error_ratio.expect("a code");
            prop_assert!((reached / target.ratio() - 1.0).abs() < 1e-6, "{reached} {}", target.ratio());
        }
    }
}
