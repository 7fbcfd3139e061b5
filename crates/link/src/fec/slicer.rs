//! From voltage margin to detector errors: what a slicer decides wrongly, and how one wrong decision makes the next.

use crate::normal;

/// Levels that a lane sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signalling {
    /// Two levels, one bit a symbol.
    Nrz,
    /// Four levels with Gray coding, two bits a symbol.
    Pam4,
}

impl Signalling {
    /// Bits of a symbol.
    pub fn bits(self) -> u32 {
        match self {
            Self::Nrz => 1,
            Self::Pam4 => 2,
        }
    }

    /// Share of levels that have a neighbour on a given side, (L - 1)/L.
    fn inner_share(self) -> f64 {
        match self {
            Self::Nrz => 0.5,
            Self::Pam4 => 0.75,
        }
    }
}

/// Symbol errors of a slicer at distance `margin` (half the level spacing over the standard deviation of Gaussian
/// noise): 2 (L - 1)/L Q(margin), that is Q for NRZ and 1.5 Q for PAM4 (Proakis, Digital Communications, section 4.3).
pub fn symbol_error_ratio(signalling: Signalling, margin: f64) -> f64 {
    2.0 * signalling.inner_share() * normal::tail(margin)
}

/// The margin that gives a symbol error ratio; the inverse of [`symbol_error_ratio`].
pub fn margin(signalling: Signalling, symbol_error_ratio: f64) -> f64 {
    normal::quantile((symbol_error_ratio / (2.0 * signalling.inner_share())).clamp(0.0, 1.0))
}

/// Bit errors of Gray-coded levels at that margin, errors by two and three levels counted:
/// Q(m) for NRZ; 3/4 Q(m) + 1/2 Q(3m) - 1/4 Q(5m) for PAM4.
pub fn bit_error_ratio(signalling: Signalling, margin: f64) -> f64 {
    match signalling {
        Signalling::Nrz => normal::tail(margin),
        Signalling::Pam4 => {
            0.75 * normal::tail(margin) + 0.5 * normal::tail(3.0 * margin) - 0.25 * normal::tail(5.0 * margin)
        }
    }
}

/// The margin at a signal-to-noise ratio in dB, signal power being the mean over equally spaced, equally likely
/// levels: SNR = (L² - 1)/3 margin².
pub fn margin_at_snr(signalling: Signalling, snr_db: f64) -> f64 {
    let power = match signalling {
        Signalling::Nrz => 1.0,
        Signalling::Pam4 => 5.0,
    };
    (10f64.powf(snr_db / 10.0) / power).sqrt()
}

/// Detector error ratio of a channel with a given COM.
///
/// COM is 20 log10(A_s/A_ni), where A_ni is the amplitude that noise and interference exceed with probability DER_0
/// (93A.1.7), so a COM of 0 dB means DER_0 exactly. Away from it, noise is taken as Gaussian:
/// Q(Q^-1(DER_0) 10^(COM/20)). Interference is bounded, so true distributions fall faster than that beyond A_ni: the
/// answer is an upper bound for COM above 0 dB and optimistic below. `com`'s distributions give the exact value where
/// they are at hand.
pub fn detector_error_ratio(com_db: f64, target: f64) -> f64 {
    normal::tail(normal::quantile(target) * 10f64.powf(com_db / 20.0))
}

/// Probability `a` that a wrong decision makes the next one wrong through a first feedback tap `b1` (relative to the
/// cursor), at the margin that gives `start` errors per symbol without propagation.
///
/// Derivation: a decision wrong by one level (twice the margin's distance d) feeds back an error of 2 d b1, which moves
/// the next sample by 2 b1 margins towards one side. On that side (L - 1)/L of the levels have a threshold, now at
/// 1 - 2 b1 margins; on the other it is at 1 + 2 b1. So a = (L-1)/L [Q(m(1 - 2 b1)) + Q(m(1 + 2 b1))]: 1/2 for NRZ and
/// 3/4 for PAM4 at b1 = 1, and 3/8 for PAM4 at b1 = 1/2 in the limit of small noise. The limits are those that IEEE
/// 802.3 task forces use for bursts (for example contributions to 802.3bj and 802.3bs on DFE error propagation: "a up
/// to 0.75 for PAM4").
pub fn propagation(signalling: Signalling, b1: f64, start: f64) -> f64 {
    let m = margin(signalling, start);
    if !m.is_finite() {
        // No noise at all: an error can only follow where the shift reaches the threshold.
        let reached = if b1.abs() > 0.5 { 1.0 } else { 0.0 };
        return signalling.inner_share() * reached;
    }
    signalling.inner_share() * (normal::tail(m * (1.0 - 2.0 * b1)) + normal::tail(m * (1.0 + 2.0 * b1)))
}

/// Probabilities that the next decision is wrong by one level down and up, when feedback has moved the sample by
/// `shift` (in units of half the level spacing, upwards positive).
pub(super) fn shifted_errors(signalling: Signalling, margin: f64, shift: f64) -> (f64, f64) {
    let share = signalling.inner_share();
    (share * normal::tail(margin * (1.0 + shift)), share * normal::tail(margin * (1.0 - shift)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propagation_has_its_known_limits() {
        // Limits for small noise from the derivation: b1 = 1 gives 3/4 and 1/2, b1 = 1/2 gives 3/8 and 1/4.
        for (signalling, b1, a) in [
            (Signalling::Pam4, 1.0, 0.75),
            (Signalling::Nrz, 1.0, 0.5),
            (Signalling::Pam4, 0.5, 0.375),
            (Signalling::Nrz, 0.5, 0.25),
        ] {
            assert!((propagation(signalling, b1, 1e-6) - a).abs() < 1e-5, "{signalling:?} {b1}");
        }
        // Without feedback an error follows an error as often as any symbol.
        assert!((propagation(Signalling::Pam4, 0.0, 1e-4) / 1e-4 - 1.0).abs() < 1e-9);
        // The sign of the tap does not matter to a.
        assert_eq!(propagation(Signalling::Pam4, 0.3, 1e-4), propagation(Signalling::Pam4, -0.3, 1e-4));
        assert_eq!(propagation(Signalling::Pam4, 0.6, 0.0), 0.75);
    }

    #[test]
    fn com_of_zero_is_the_target() {
        for target in [1e-12, 1e-5, 2e-4] {
            assert!((detector_error_ratio(0.0, target) / target - 1.0).abs() < 1e-9);
        }
        // 3 dB above 1e-4: Q(3.719016 · 1.412538) = Q(5.253251) = 7.47e-8 (Abramowitz and Stegun, table 26.2).
        let at_limit = detector_error_ratio(3.0, 1e-4);
        assert!((at_limit / 7.47e-8 - 1.0).abs() < 0.01, "{at_limit}");
    }

    #[test]
    fn pam4_needs_the_known_snr() {
        // PAM4 at a bit error ratio of 2.4e-4: Q = 3.2e-4, m = 3.414, SNR = 10 log10(5 m²) = 17.65 dB.
        let m = margin_at_snr(Signalling::Pam4, 17.65);
        assert!((bit_error_ratio(Signalling::Pam4, m) / 2.4e-4 - 1.0).abs() < 0.02);
        assert!((symbol_error_ratio(Signalling::Pam4, m) / bit_error_ratio(Signalling::Pam4, m) - 2.0).abs() < 1e-3);
        assert!((margin(Signalling::Pam4, symbol_error_ratio(Signalling::Pam4, 4.2)) - 4.2).abs() < 1e-9);
    }
}
