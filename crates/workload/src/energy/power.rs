//! The draw of one accelerator from the shares of its peaks that it uses.
//!
//! `P = limit * (idle + (saturated - idle) * min(1, hypot(w_m u_m, w_t u_t)))`, where `u_m` is the share of the memory's
//! bandwidth and `u_t` that of the arithmetic peak. One law for all generations, in shares of the power limit: four
//! measurements carry one fitted parameter, not two for each of two generations.

use serde::Serialize;

use crate::estimate::Estimate;

/// Share of its limit that a device draws without work: H100s idle at 70 to 110 W of 700 (general knowledge).
pub const IDLE_SHARE: f64 = 0.13;

/// Share of its limit that a device draws when it is saturated: 690 W of 700 (ML.ENERGY, H100).
pub const SATURATED_SHARE: f64 = 0.985;

/// Weight of the memory's use, fitted by least relative squares to [`MEASURED`]; a test fits it again.
pub const MEMORY_WEIGHT: f64 = 1.475;

/// Weight of the arithmetic's use, not fitted: an H100 is at its 700 W at some 0.8 PFLOP/s of 0.989 (general knowledge).
/// Alone on top of the memory's weight, it does not lessen the errors of [`MEASURED`].
pub const ARITHMETIC_WEIGHT: f64 = 1.06;

/// Factor of the band of 80 %, each way. Each of the four left out in turn is missed by 6 to 13 %; a fifth figure (an H100
/// with an 8B model in batches of 8: 486 W), of which no time per token is known, is overrated by a quarter to two fifths.
pub const BAND: f64 = 1.25;

/// What a device does, as shares of its peaks over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Activity {
    /// Of the memory's bandwidth.
    pub memory: f64,
    /// Of the arithmetic peak, each operation against the peak of its own format.
    pub arithmetic: f64,
}

impl Activity {
    /// Work that would take so many seconds at the peaks, spread over a span.
    pub fn over(at_peak_bandwidth: f64, at_peak_rate: f64, span: f64) -> Self {
        let share = |seconds: f64| if span > 0.0 { (seconds / span).clamp(0.0, 1.0) } else { 0.0 };
        Self { memory: share(at_peak_bandwidth), arithmetic: share(at_peak_rate) }
    }
}

/// Likely share of the limit.
pub fn share(activity: Activity) -> f64 {
    weighed(MEMORY_WEIGHT, activity)
}

fn weighed(memory_weight: f64, activity: Activity) -> f64 {
    let use_ = (memory_weight * activity.memory).hypot(ARITHMETIC_WEIGHT * activity.arithmetic).min(1.0);
    IDLE_SHARE + (SATURATED_SHARE - IDLE_SHARE) * use_
}

/// Watts of one device with a limit of `limit_w`; never more than the limit.
pub fn watts(limit_w: f64, activity: Activity) -> Estimate {
    let likely = limit_w * share(activity);
    Estimate { low: likely / BAND, likely, high: (likely * BAND).min(limit_w).max(likely) }
}

/// A measured draw with what the device did meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// What ran where.
    pub what: &'static str,
    /// Activity from the model's shape and the measured time between tokens.
    pub activity: Activity,
    /// Watts of a device over its limit.
    pub share: f64,
}

/// ML.ENERGY's rows for Llama 3.1 in 16 bits, chat, vLLM: watts over devices and limit (700 W, 1000 W). Activities are the
/// weights without the token table (15.0 GB, 139 GB) and the caches of all sequences at 550 tokens (131,072 and 327,680 B a
/// token), over measured time between tokens and bandwidth (3.35, 8 TB/s); operations are two per weight and token, prompts
/// of 300 for answers of 500 included. The lengths are assumed: the source says "chat".
pub const MEASURED: [Drawn; 4] = [
    Drawn {
        what: "8B on one H100, 64 at once, 11.5 ms, 610 W",
        activity: Activity { memory: 0.509, arithmetic: 0.135 },
        share: 0.871,
    },
    Drawn {
        what: "70B on four H100, 64 at once, 22.4 ms, 2002 W",
        activity: Activity { memory: 0.501, arithmetic: 0.161 },
        share: 0.715,
    },
    Drawn {
        what: "8B on one B200, 8 at once, 4.57 ms, 639 W",
        activity: Activity { memory: 0.426, arithmetic: 0.019 },
        share: 0.639,
    },
    Drawn {
        what: "70B on two B200, 8 at once, 16.4 ms, 1698 W",
        activity: Activity { memory: 0.535, arithmetic: 0.024 },
        share: 0.849,
    },
];

/// The weight of the memory's use that is least wrong, in relative squares, on some measurements (golden section over 0.5
/// to 3: the error has one minimum there).
pub fn fit(measured: &[Drawn]) -> f64 {
    let error = |weight: f64| -> f64 {
        measured.iter().map(|drawn| (weighed(weight, drawn.activity) / drawn.share - 1.0).powi(2)).sum()
    };
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut low, mut high) = (0.5, 3.0);
    for _ in 0..60 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if error(a) < error(b) { high = b } else { low = a }
    }
    0.5 * (low + high)
}

/// Relative errors of [`MEASURED`], each predicted by a fit to the three others.
pub fn left_out() -> [f64; 4] {
    std::array::from_fn(|out| {
        let others: Vec<Drawn> =
            MEASURED.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, drawn)| *drawn).collect();
        weighed(fit(&others), MEASURED[out].activity) / MEASURED[out].share - 1.0
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_weight_is_the_fit_of_the_four_rows() {
        assert!((fit(&MEASURED) - MEMORY_WEIGHT).abs() < 0.01, "{}", fit(&MEASURED));
        for drawn in MEASURED {
            let error = share(drawn.activity) / drawn.share - 1.0;
            assert!(error.abs() < 0.12, "{}: {error:.3}", drawn.what);
        }
    }

    #[test]
    fn each_row_is_foretold_by_the_others() {
        let errors = left_out();
        assert!(errors.iter().all(|error| error.abs() < 0.15), "{errors:?}");
        // The band must not be narrower than what was missed.
        assert!(errors.iter().all(|error| (1.0 + error).max(1.0 / (1.0 + error)) < BAND), "{errors:?}");
    }

    proptest! {
        #[test]
        fn between_idle_and_the_limit(memory in 0.0f64..1.0, arithmetic in 0.0f64..1.0, limit in 10.0f64..2000.0) {
            let watts = watts(limit, Activity { memory, arithmetic });
            prop_assert!(watts.low > 0.0 && watts.low <= watts.likely && watts.likely <= watts.high);
            prop_assert!(watts.likely >= IDLE_SHARE * limit * 0.999 && watts.high <= limit * 1.000_001);
        }

        #[test]
        fn more_work_never_draws_less(a in 0.0f64..1.0, b in 0.0f64..1.0, arithmetic in 0.0f64..1.0) {
            let at = |memory| share(Activity { memory, arithmetic });
            prop_assert!(at(a.max(b)) >= at(a.min(b)));
        }
    }
}
