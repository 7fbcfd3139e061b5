//! How errors come at a detector: alone, in bursts behind a feedback equaliser, or in good and bad times.

use std::fmt;

use super::markov::{Chain, Step};
use super::slicer::{Signalling, detector_error_ratio, margin, shifted_errors};

/// Feedback taps whose errors are followed exactly; later taps act on bursts only after they have mostly ended.
pub const TAPS_MAX: usize = 5;

/// Why a question about errors cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// How errors come at the detector of a lane, before precoding is undone.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorProcess {
    /// Every bit is wrong independently.
    Random {
        /// Bit error ratio.
        ber: f64,
    },
    /// A wrong symbol makes the next wrong with probability `a`, with alternating sign: a feedback equaliser with one
    /// positive tap.
    OneTap {
        /// Probability that a symbol after a right one is wrong: the start of a burst. The detector error ratio of COM.
        start: f64,
        /// a.
        propagation: f64,
    },
    /// A feedback equaliser with the taps given: every recent wrong decision moves the next sample.
    Feedback {
        /// Probability that a symbol is wrong when none of the recent ones was.
        start: f64,
        /// b(1), b(2), ... relative to the cursor.
        taps: Vec<f64>,
    },
    /// Two states with different error ratios (Gilbert, Bell System Technical Journal 39, 1960; Elliott, 42, 1963).
    TwoState {
        /// Probability per symbol of going from good to bad.
        to_bad: f64,
        /// Probability per symbol of going from bad to good.
        to_good: f64,
        /// Symbol error ratio in the good state.
        good: f64,
        /// Symbol error ratio in the bad state.
        bad: f64,
    },
}

/// What a chain does to the symbol that is sent: an error of so many levels, in a frame in which the last wrong
/// decision was upwards.
struct RawStep {
    from: usize,
    to: usize,
    probability: f64,
    error: i8,
}

fn ratio(name: &str, value: f64, most: f64) -> Result<f64, Refusal> {
    if (0.0..=most).contains(&value) {
        Ok(value)
    } else {
        Err(Refusal(format!("{name} is {value}; it must lie between 0 and {most}")))
    }
}

impl ErrorProcess {
    /// Errors of a lane whose channel operating margin and feedback taps are known: bursts start at the detector error
    /// ratio that the margin leaves (see [`super::slicer::detector_error_ratio`] for what that assumes), and the taps
    /// carry them on.
    pub fn of_com(com_db: f64, target: f64, dfe_taps: &[f64], signalling: Signalling) -> Result<Self, Refusal> {
        ratio("target detector error ratio", target, 0.5)?;
        if !com_db.is_finite() {
            return Err(Refusal(format!("COM is {com_db} dB; it must be a number")));
        }
        let start = detector_error_ratio(com_db, target).min(0.5);
        let process = if dfe_taps.iter().any(|tap| *tap != 0.0) {
            Self::Feedback { start, taps: dfe_taps.to_vec() }
        } else {
            Self::Random { ber: start / f64::from(signalling.bits()) }
        };
        process.check()?;
        Ok(process)
    }

    /// Says what is wrong with the values, if anything.
    pub fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Random { ber } => ratio("bit error ratio", *ber, 0.5).map(drop),
            Self::OneTap { start, propagation } => {
                ratio("ratio of burst starts", *start, 0.5)?;
                if !(0.0..1.0).contains(propagation) {
                    return Err(Refusal(format!(
                        "burst propagation is {propagation}; it must lie between 0 and below 1 (PAM4 feedback reaches 0.75)"
                    )));
                }
                Ok(())
            }
            Self::Feedback { start, taps } => {
                ratio("ratio of burst starts", *start, 0.5)?;
                match taps.iter().find(|tap| !(-2.0..=2.0).contains(*tap)) {
                    Some(tap) => Err(Refusal(format!(
                        "feedback tap {tap} is not between -2 and 2; taps are relative to the cursor"
                    ))),
                    None => Ok(()),
                }
            }
            Self::TwoState { to_bad, to_good, good, bad } => {
                ratio("probability of going bad", *to_bad, 1.0)?;
                ratio("probability of going good", *to_good, 1.0)?;
                ratio("error ratio of the good state", *good, 0.5)?;
                ratio("error ratio of the bad state", *bad, 1.0)?;
                if *to_bad > 0.0 && *to_good == 0.0 {
                    return Err(Refusal("the bad state is never left: give a probability of going good".into()));
                }
                Ok(())
            }
        }
    }

    /// The same process with the detector's bit error ratio (precoding off, propagated errors counted) set to `ber`.
    /// Taps and burst lengths stay; starts become more or less frequent.
    pub fn at_ber(&self, ber: f64, signalling: Signalling) -> Result<Self, Refusal> {
        self.check()?;
        ratio("bit error ratio", ber, 0.5)?;
        match self {
            Self::Random { .. } => Ok(Self::Random { ber }),
            Self::OneTap { propagation, .. } => {
                let share = ber * f64::from(signalling.bits());
                let start = if share >= 1.0 { 1.0 } else { share * (1.0 - propagation) / (1.0 - share) };
                Ok(Self::OneTap { start: start.min(0.5), propagation: *propagation })
            }
            Self::Feedback { .. } => self.scaled_to(ber, signalling),
            Self::TwoState { .. } if self.scale() == 0.0 => {
                Err(Refusal("a process without errors cannot be scaled to a bit error ratio".into()))
            }
            Self::TwoState { .. } => self.scaled_to(ber, signalling),
        }
    }

    /// Bisection over the scale; the ratio of bit errors grows with it.
    fn scaled_to(&self, ber: f64, signalling: Signalling) -> Result<Self, Refusal> {
        if ber == 0.0 {
            return Ok(self.with_scale(0.0));
        }
        let most = self.scale_max();
        let reached = |x: f64| self.with_scale(x).chain(signalling, false).map(|chain| chain.bit_error_ratio());
        if reached(most)? < ber {
            return Err(Refusal(format!("no scale of these bursts gives a bit error ratio of {ber}")));
        }
        let (mut low, mut high) = ((ber * 1e-12).ln(), most.ln());
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if high - low < 1e-12 {
                break;
            }
            if reached(middle.exp())? < ber {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(self.with_scale((0.5 * (low + high)).exp()))
    }

    /// How often errors begin: the one number that grows when a lane gets noisier.
    pub fn scale(&self) -> f64 {
        match self {
            Self::Random { ber } => *ber,
            Self::OneTap { start, .. } | Self::Feedback { start, .. } => *start,
            Self::TwoState { to_bad, good, .. } => to_bad.max(*good),
        }
    }

    /// The largest scale that makes sense.
    pub fn scale_max(&self) -> f64 {
        match self {
            Self::Random { .. } | Self::OneTap { .. } | Self::Feedback { .. } => 0.5,
            Self::TwoState { to_bad, good, .. } => (1.0 / to_bad).min(0.5 / good) * to_bad.max(*good),
        }
    }

    /// The same process at another scale: bursts begin more or less often and stay as long.
    pub fn with_scale(&self, scale: f64) -> Self {
        match self {
            Self::Random { .. } => Self::Random { ber: scale },
            Self::OneTap { propagation, .. } => Self::OneTap { start: scale, propagation: *propagation },
            Self::Feedback { taps, .. } => Self::Feedback { start: scale, taps: taps.clone() },
            Self::TwoState { to_bad, to_good, good, bad } => {
                let factor = scale / self.scale();
                Self::TwoState { to_bad: to_bad * factor, to_good: *to_good, good: good * factor, bad: *bad }
            }
        }
    }

    /// The process as a chain over line symbols. With `precoding`, what is wrong is what remains after the receiver
    /// has undone 1/(1+D) (modulo 4 for PAM4, 2 for NRZ): the sum of this error and the one before.
    pub fn chain(&self, signalling: Signalling, precoding: bool) -> Result<Chain, Refusal> {
        self.check()?;
        let (raw, last) = match self {
            Self::Random { ber } if !precoding => return Ok(independent_bits(*ber, signalling)),
            Self::Random { ber } => {
                let symbol = 1.0 - (1.0 - ber).powi(signalling.bits() as i32);
                two_state(0.0, 1.0, symbol, 0.0)
            }
            Self::OneTap { start, propagation } => one_tap(*start, *propagation),
            Self::Feedback { start, taps } => feedback(*start, taps, signalling),
            Self::TwoState { to_bad, to_good, good, bad } => two_state(*to_bad, *to_good, *good, *bad),
        };
        Ok(decoded(&raw, &last, signalling, precoding))
    }

    /// The detector's bit error ratio, precoding off.
    pub fn detector_ber(&self, signalling: Signalling) -> Result<f64, Refusal> {
        Ok(self.chain(signalling, false)?.bit_error_ratio())
    }

    /// Probability that an error is followed by another on the next symbol: `a` of the task force's presentations.
    pub fn mean_propagation(&self, signalling: Signalling) -> Result<f64, Refusal> {
        Ok(match self {
            Self::Random { ber } => 1.0 - (1.0 - ber).powi(signalling.bits() as i32),
            Self::OneTap { propagation, .. } => *propagation,
            Self::Feedback { .. } | Self::TwoState { .. } => {
                let chain = self.chain(signalling, false)?;
                let (mut errors, mut pairs) = (0.0, 0.0);
                for first in chain.steps.iter().filter(|step| step.wrong != 0) {
                    let weight = chain.steady[first.from] * first.probability;
                    errors += weight;
                    let next = chain.steps.iter().filter(|step| step.from == first.to && step.wrong != 0);
                    pairs += weight * next.map(|step| step.probability).sum::<f64>();
                }
                if errors > 0.0 { pairs / errors } else { 0.0 }
            }
        })
    }
}

fn independent_bits(ber: f64, signalling: Signalling) -> Chain {
    let step = |probability, wrong| Step { from: 0, to: 0, probability, wrong };
    let right = 1.0 - ber;
    let steps = match signalling {
        Signalling::Nrz => vec![step(right, 0), step(ber, 1)],
        Signalling::Pam4 => {
            vec![step(right * right, 0), step(ber * right, 1), step(ber * right, 2), step(ber * ber, 3)]
        }
    };
    Chain::new(signalling.bits(), 1, steps)
}

/// States: last symbol right, last symbol wrong.
fn one_tap(start: f64, propagation: f64) -> (Vec<RawStep>, Vec<i8>) {
    let step = |from, to, probability, error| RawStep { from, to, probability, error };
    let steps = vec![
        step(0, 0, 1.0 - start, 0),
        step(0, 1, start, 1),
        step(1, 0, 1.0 - propagation, 0),
        // The sample is pushed the other way.
        step(1, 1, propagation, -1),
    ];
    (steps, vec![0, 1])
}

/// States: good or bad, each with the last symbol right or wrong. Errors take either sign.
fn two_state(to_bad: f64, to_good: f64, good: f64, bad: f64) -> (Vec<RawStep>, Vec<i8>) {
    let mut steps = Vec::new();
    for from in 0..4 {
        let (was_bad, was_wrong) = (from / 2 == 1, from % 2 == 1);
        for is_bad in [false, true] {
            let go = match (was_bad, is_bad) {
                (false, true) => to_bad,
                (false, false) => 1.0 - to_bad,
                (true, false) => to_good,
                (true, true) => 1.0 - to_good,
            };
            let wrong = if is_bad { bad } else { good };
            let to = 2 * usize::from(is_bad);
            steps.push(RawStep { from, to, probability: go * (1.0 - wrong), error: 0 });
            if was_wrong {
                steps.push(RawStep { from, to: to + 1, probability: go * wrong / 2.0, error: 1 });
                steps.push(RawStep { from, to: to + 1, probability: go * wrong / 2.0, error: -1 });
            } else {
                steps.push(RawStep { from, to: to + 1, probability: go * wrong, error: 1 });
            }
        }
    }
    (steps, vec![0, 1, 0, 1])
}

/// States: the signs of the last decisions' errors, seen so that the latest wrong one was upwards (turning all signs
/// round changes nothing).
fn feedback(start: f64, taps: &[f64], signalling: Signalling) -> (Vec<RawStep>, Vec<i8>) {
    let used = taps.iter().rposition(|tap| *tap != 0.0).map_or(1, |last| last + 1).min(TAPS_MAX);
    let taps: Vec<f64> = taps.iter().copied().take(used).chain(std::iter::repeat(0.0)).take(used).collect();
    let margin = margin(signalling, start);
    let mut states: Vec<Vec<i8>> = vec![vec![0; used]];
    let (mut steps, mut next) = (Vec::new(), 0);
    while next < states.len() {
        let history = states[next].clone();
        let shift: f64 = history.iter().zip(&taps).map(|(error, tap)| -2.0 * tap * f64::from(*error)).sum();
        // Without noise nothing ever goes wrong, and infinity times zero is not to be asked for.
        let (down, up) = if start == 0.0 { (0.0, 0.0) } else { shifted_errors(signalling, margin, shift) };
        for (error, probability) in [(0i8, (1.0 - down - up).max(0.0)), (1, up), (-1, down)] {
            let mut after: Vec<i8> = std::iter::once(error).chain(history.iter().copied()).take(used).collect();
            if after.iter().find(|e| **e != 0).is_some_and(|e| *e < 0) {
                after.iter_mut().for_each(|e| *e = -*e);
            }
            let to = states.iter().position(|state| *state == after).unwrap_or_else(|| {
                states.push(after);
                states.len() - 1
            });
            steps.push(RawStep { from: next, to, probability, error });
        }
        next += 1;
    }
    let last = states.iter().map(|history| history[0]).collect();
    (steps, last)
}

/// From errors of levels to wrong bits.
fn decoded(raw: &[RawStep], last: &[i8], signalling: Signalling, precoding: bool) -> Chain {
    let mut steps = Vec::with_capacity(2 * raw.len());
    for step in raw {
        let mut push = |share: f64, wrong| {
            let probability = step.probability * share;
            steps.push(Step { from: step.from, to: step.to, probability, wrong });
        };
        let levels = if precoding { (step.error + last[step.from]).abs() } else { step.error.abs() };
        match (signalling, levels) {
            (_, 0) | (Signalling::Nrz, 2) => push(1.0, 0),
            (Signalling::Nrz, _) => push(1.0, 1),
            // Two of the three thresholds between Gray-coded levels belong to the second bit. Behind precoding levels
            // are counted round the circle, where each bit has two of four.
            (Signalling::Pam4, 1) => {
                let first = if precoding { 0.5 } else { 1.0 / 3.0 };
                push(first, 1);
                push(1.0 - first, 2);
            }
            // Two levels apart, both bits differ.
            (Signalling::Pam4, _) => push(1.0, 3),
        }
    }
    Chain::new(signalling.bits(), last.len(), steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAM4: Signalling = Signalling::Pam4;

    #[test]
    fn burst_lengths_follow_propagation() {
        // One start in 1e-4 symbols, a = 0.5: bursts of two on average, so 2e-4 symbol errors and 1e-4 bit errors.
        let process = ErrorProcess::OneTap { start: 1e-4, propagation: 0.5 };
        assert!((process.detector_ber(PAM4).expect("sound") / 1e-4 - 1.0).abs() < 2e-4);
        // With precoding every burst is two errors whatever its length.
        let precoded = process.chain(PAM4, true).expect("sound").bit_error_ratio();
        assert!((precoded / 1e-4 - 1.0).abs() < 2e-4);
    }

    #[test]
    fn feedback_with_one_tap_is_one_tap() {
        let start = 1e-4;
        for b1 in [0.3, 0.6, 1.0] {
            let a = super::super::slicer::propagation(PAM4, b1, start);
            let taps = ErrorProcess::Feedback { start, taps: vec![b1] };
            let tap = ErrorProcess::OneTap { start, propagation: a };
            for precoding in [false, true] {
                let (x, y) = (taps.chain(PAM4, precoding).expect("sound"), tap.chain(PAM4, precoding).expect("sound"));
                let (x, y) = (x.bit_error_ratio(), y.bit_error_ratio());
                assert!((x / y - 1.0).abs() < 2e-3, "b1 {b1}, precoding {precoding}: {x} {y}");
            }
            assert!((taps.mean_propagation(PAM4).expect("sound") - a).abs() < 1e-3);
        }
    }

    #[test]
    fn precoding_does_not_help_where_the_tap_is_negative() {
        // Errors then repeat with their sign, and every one of them counts twice.
        let process = ErrorProcess::Feedback { start: 1e-4, taps: vec![-0.8] };
        let plain = process.chain(PAM4, false).expect("sound").bit_error_ratio();
        let precoded = process.chain(PAM4, true).expect("sound").bit_error_ratio();
        assert!(precoded > 1.9 * plain, "{plain} {precoded}");
    }

    #[test]
    fn a_margin_of_zero_errs_as_often_as_its_target() {
        let plain = ErrorProcess::of_com(0.0, 1e-4, &[0.0, 0.0], PAM4).expect("sound");
        assert!((plain.detector_ber(PAM4).expect("sound") / 0.5e-4 - 1.0).abs() < 1e-6);
        let taps = ErrorProcess::of_com(3.0, 1e-4, &[0.8], PAM4).expect("sound");
        assert!(taps.scale() < 1e-6 && matches!(taps, ErrorProcess::Feedback { .. }));
        assert!(ErrorProcess::of_com(f64::NAN, 1e-4, &[], PAM4).is_err());
        assert!(ErrorProcess::of_com(3.0, 7.0, &[], PAM4).is_err());
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for process in [
            ErrorProcess::Random { ber: 0.7 },
            ErrorProcess::Random { ber: f64::NAN },
            ErrorProcess::OneTap { start: 1e-4, propagation: 1.0 },
            ErrorProcess::Feedback { start: 1e-4, taps: vec![f64::INFINITY] },
            ErrorProcess::TwoState { to_bad: 0.1, to_good: 0.0, good: 0.0, bad: 0.5 },
        ] {
            assert!(process.chain(PAM4, false).is_err(), "{process:?}");
        }
        assert!(ErrorProcess::Feedback { start: 0.0, taps: vec![1.0] }.chain(PAM4, true).is_ok());
    }

    fn process() -> impl Strategy<Value = ErrorProcess> {
        prop_oneof![
            Just(ErrorProcess::Random { ber: 1e-5 }),
            (0.0f64..0.8).prop_map(|propagation| ErrorProcess::OneTap { start: 1e-5, propagation }),
            proptest::collection::vec(-0.5f64..0.8, 1..4).prop_map(|taps| ErrorProcess::Feedback { start: 1e-5, taps }),
            (1e-6f64..1e-2, 1e-3f64..0.5, 1e-9f64..1e-6).prop_map(|(to_bad, to_good, good)| ErrorProcess::TwoState {
                to_bad,
                to_good,
                good,
                bad: 0.3
            }),
        ]
    }

    proptest! {
        #[test]
        fn probabilities_of_every_state_sum_to_one(process in process(), precoding: bool, pam4: bool) {
            let signalling = if pam4 { PAM4 } else { Signalling::Nrz };
            let chain = process.chain(signalling, precoding).expect("sound");
            for state in 0..chain.states() {
                let total: f64 = chain.steps.iter().filter(|s| s.from == state).map(|s| s.probability).sum();
                prop_assert!((total - 1.0).abs() < 1e-12);
            }
            prop_assert!((chain.steady.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }

        #[test]
        fn scaling_reaches_the_ratio_asked_for(process in process(), ln in -20.0f64..-6.0) {
            let ber = ln.exp();
            if let Ok(scaled) = process.at_ber(ber, PAM4) {
                prop_assert!((scaled.detector_ber(PAM4).expect("sound") / ber - 1.0).abs() < 1e-6);
            }
        }
    }
}
