//! Tests of the search as a whole.

use proptest::prelude::*;

use super::*;
use crate::accelerator::tests::plain;
use crate::kernel::Calibration;
use crate::models;

fn h100() -> Accelerator {
    Accelerator { price_usd: Some(30_000.0), ..plain("nvidia/h100-sxm", 989e12, 3.35e12) }
}

fn question<'q>(model: &'q Transformer, formats: &'q [Format], devices: u32) -> Question<'q> {
    Question {
        model,
        formats,
        devices,
        domain: 8,
        backend: "vllm",
        version: "",
        input: 1024.0,
        output: 1024.0,
        limits: Limits::default(),
        objective: Objective::Throughput,
        modes: Modes::Both,
        most_batch: 256,
        hour: Some(HourPrice { usd: 2.0 }),
    }
}

fn found(question: &Question<'_>) -> Result<Found, String> {
    search(question, &h100(), &mut Predictor::new(Calibration::built_in(), None))
}

#[test]
fn counts_add_up_and_the_best_keeps_the_limits() {
    let llama = models::find("meta-llama/Llama-3.1-70B").expect("built in");
    let mut asked = question(&llama, &[Format::Fp8, Format::Bf16], 8);
    asked.limits = Limits { ttft: Some(2.0), tpot: Some(0.03) };
    let answer = found(&asked).expect("fits");
    let counts = answer.reasons;
    assert_eq!(counts.points, counts.cache_full + counts.prompts_too_slow + counts.predicted);
    assert_eq!(counts.predicted, counts.within + counts.ttft_too_long + counts.tpot_too_long + counts.both_too_long);
    assert!(counts.not_divisible > 0 && counts.not_fitting > 0 && counts.within > 0, "{counts:?}");
    assert!(answer.best.iter().all(|row| row.within && row.tpot.likely <= 0.03 && row.ttft.likely <= 2.0));
    let rates: Vec<f64> = answer.best.iter().map(|row| row.per_device.likely).collect();
    assert!(rates.is_sorted_by(|a, b| a >= b), "{rates:?}");
    // No row of the front within the limits beats the best.
    let most = answer.front.iter().filter(|row| row.within).map(|row| row.per_device.likely).fold(0.0, f64::max);
    assert!((most - rates[0]).abs() < 1e-9 * most);
    // Two answers to one question are the same.
    assert_eq!(found(&asked).expect("fits"), answer);
}

#[test]
fn tighter_limits_never_earn_more() {
    let llama = models::find("meta-llama/Llama-3.1-70B").expect("built in");
    let mut last = f64::INFINITY;
    for tpot in [0.2, 0.05, 0.03, 0.02, 0.015] {
        let mut asked = question(&llama, &[Format::Fp8], 8);
        asked.limits.tpot = Some(tpot);
        let rate = found(&asked).expect("fits").best.first().map_or(0.0, |row| row.per_device.likely);
        assert!(rate <= last, "{tpot}: {rate} after {last}");
        last = rate;
    }
}

#[test]
fn limits_that_nothing_keeps_name_what_comes_nearest() {
    let llama = models::find("meta-llama/Llama-3.1-70B").expect("built in");
    let mut asked = question(&llama, &[Format::Bf16], 8);
    asked.limits.tpot = Some(1e-4);
    let answer = found(&asked).expect("fits");
    assert!(answer.best.is_empty());
    let nearest = answer.nearest.expect("something");
    let fastest = answer.front.first().expect("a front").tpot.likely;
    assert!((nearest.tpot.likely - fastest).abs() < 1e-12);
}

#[test]
fn a_model_that_fits_nowhere_says_by_how_much_and_what_would_fit() {
    let deepseek = models::find("deepseek-ai/DeepSeek-V3").expect("built in");
    // 671 GB of 8-bit weights, eight devices of 80 GB.
    let wrong = found(&question(&deepseek, &[Format::Fp8], 8)).expect_err("does not fit");
    assert!(wrong.contains("lacks") && wrong.contains("16 devices in fp8") && wrong.contains("int4"), "{wrong}");
    let llama = models::find("meta-llama/Llama-3.1-70B").expect("built in");
    let wrong = found(&question(&llama, &[Format::Bf16], 1)).expect_err("141 GB in 80");
    assert!(wrong.contains("4 devices in bf16"), "{wrong}");
}

#[test]
fn experts_are_spread_and_dollars_follow_rates() {
    let qwen = models::find("Qwen/Qwen3-235B-A22B").expect("built in");
    let mut asked = question(&qwen, &[Format::Fp8], 8);
    asked.objective = Objective::Cost;
    let answer = found(&asked).expect("fits");
    let best = answer.best.first().expect("no limits");
    let cost = best.usd_per_million.expect("a price");
    assert!((cost.likely - 2.0 / 3600.0 / best.per_device.likely * 1e6).abs() < 1e-9 * cost.likely);
    assert!(answer.best.iter().any(|row| row.layout().expert > 1));
}

#[test]
fn impossible_questions_are_errors() {
    let llama = models::find("meta-llama/Llama-3.1-8B").expect("built in");
    let formats = [Format::Bf16];
    let good = question(&llama, &formats, 8);
    for (asked, word) in [
        (Question { devices: 0, ..good.clone() }, "devices"),
        (Question { input: f64::NAN, ..good.clone() }, "prompt"),
        (Question { formats: &[], ..good.clone() }, "format"),
        (Question { limits: Limits { tpot: Some(-1.0), ttft: None }, ..good.clone() }, "limit"),
        (Question { objective: Objective::Cost, hour: None, ..good.clone() }, "price"),
    ] {
        let wrong = found(&asked).expect_err(word);
        assert!(wrong.contains(word), "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// On a front, who is faster for users earns less, and no row of the search beats both.
    #[test]
    fn fronts_are_fronts(devices in 1_u32..5, input in 64.0..4096.0_f64, output in 16.0..512.0_f64) {
        let llama = models::find("meta-llama/Llama-3.1-8B").expect("built in");
        let mut asked = question(&llama, &[Format::Bf16], devices);
        (asked.input, asked.output, asked.most_batch) = (input, output, 32);
        let answer = found(&asked).expect("16 GB fit");
        for pair in answer.front.windows(2) {
            prop_assert!(pair[0].per_user.likely > pair[1].per_user.likely);
            prop_assert!(pair[0].per_device.likely < pair[1].per_device.likely);
        }
        for row in &answer.best {
            prop_assert!(row.devices <= devices);
            let beaten = answer.front.iter().any(|other| {
                other.per_user.likely >= row.per_user.likely && other.per_device.likely >= row.per_device.likely
            });
            prop_assert!(beaten);
        }
    }
}
