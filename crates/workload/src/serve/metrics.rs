//! What users of an engine see: times to tokens, their spread, goodput under limits, and what it all costs.

use serde::Serialize;

use super::request::Served;
use super::simulate::Found;

/// Mean and quantiles of one quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Mean.
    pub mean: f64,
    /// Half lie at or below it.
    pub p50: f64,
    /// Nine in ten.
    pub p90: f64,
    /// Nineteen in twenty.
    pub p95: f64,
    /// All but one in a hundred.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// The value that a share of the sorted values lies at or below, between neighbours by their distance.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(last);
    Some(sorted[low] + part * (sorted[high] - sorted[low]))
}

impl Summary {
    /// Of values in any order; none without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        if values.is_empty() {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let at = |share| quantile(&values, share).unwrap_or_default();
        Some(Self {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
        })
    }
}

/// Limits that a request has to keep to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Seconds to the first token.
    pub ttft_s: Option<f64>,
    /// Mean seconds per further token.
    pub tpot_s: Option<f64>,
}

impl Limits {
    /// Whether a request kept them.
    pub fn kept(&self, served: &Served) -> bool {
        self.ttft_s.is_none_or(|limit| served.ttft_s() <= limit)
            && self.tpot_s.is_none_or(|limit| served.tpot_s().is_none_or(|tpot| tpot <= limit))
    }
}

/// What devices draw and cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Running {
    /// Devices of the whole deployment.
    pub devices: f64,
    /// Watts of a device that works.
    pub busy_w: f64,
    /// Watts of a device that waits.
    pub idle_w: f64,
    /// Dollars per device and hour; none where unknown.
    pub usd_per_hour: Option<f64>,
}

/// Everything in numbers. Times from the client's call, unless named after the engine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Requests.
    pub requests: usize,
    /// Seconds from the first arrival to the last token.
    pub span_s: f64,
    /// To the first token.
    pub ttft_s: Summary,
    /// To the first token, from the scheduler's queue.
    pub engine_ttft_s: Summary,
    /// Mean per further token, request by request.
    pub tpot_s: Option<Summary>,
    /// Single gaps between tokens of running sequences (within one percent).
    pub itl_s: Option<Summary>,
    /// To the last token.
    pub latency_s: Summary,
    /// To the last token, from the scheduler's queue.
    pub engine_latency_s: Summary,
    /// From the scheduler's queue to the first step.
    pub waiting_s: Summary,
    /// Requests per second.
    pub requests_per_s: f64,
    /// Output tokens per second.
    pub output_tokens_per_s: f64,
    /// Input and output tokens per second.
    pub tokens_per_s: f64,
    /// Share of requests within the limits; none without limits.
    pub within_limits: Option<f64>,
    /// Requests per second within the limits.
    pub goodput_per_s: Option<f64>,
    /// Share of the time that replicas stepped.
    pub utilisation: f64,
    /// Steps.
    pub steps: u64,
    /// Share of steps that carried prompts.
    pub prompt_step_share: f64,
    /// Mean seconds of a step.
    pub step_s: f64,
    /// Preemptions.
    pub preemptions: u64,
    /// Share of prompt tokens that caches held.
    pub cache_hits: f64,
    /// Largest share of the cache in use; 0 for caches without end.
    pub cache_most: f64,
    /// Bytes of cache moved between pools.
    pub moved_bytes: f64,
    /// Joules per output token; none where powers are not known.
    pub joules_per_token: Option<f64>,
    /// Dollars per million output tokens.
    pub usd_per_million_tokens: Option<f64>,
}

impl Metrics {
    /// Of a finished simulation; none of one without requests.
    pub fn of(found: &Found, limits: &Limits, running: &Running) -> Option<Self> {
        let served = &found.served;
        let first = served.iter().map(|served| served.arrival_s).fold(f64::INFINITY, f64::min);
        let last = served.iter().map(|served| served.finish_s).fold(f64::NEG_INFINITY, f64::max);
        let span_s = (last - first).max(1e-12);
        let rate = |count: f64| count / span_s;
        let output: f64 = served.iter().map(|served| f64::from(served.output)).sum();
        let input: f64 = served.iter().map(|served| f64::from(served.input)).sum();
        let limited = limits.ttft_s.is_some() || limits.tpot_s.is_some();
        let kept = served.iter().filter(|served| limits.kept(served)).count() as f64;
        let utilisation = (found.busy_s / (span_s * f64::from(found.cells.max(1)))).min(1.0);
        let watts = running.devices * (running.idle_w + (running.busy_w - running.idle_w) * utilisation);
        let itl = |share| found.gaps.at(share).unwrap_or_default();
        Some(Self {
            requests: served.len(),
            span_s,
            ttft_s: Summary::of(served.iter().map(Served::ttft_s))?,
            engine_ttft_s: Summary::of(served.iter().map(Served::engine_ttft_s))?,
            tpot_s: Summary::of(served.iter().filter_map(Served::tpot_s)),
            itl_s: found.gaps.mean().map(|mean| Summary {
                mean,
                p50: itl(0.5),
                p90: itl(0.9),
                p95: itl(0.95),
                p99: itl(0.99),
                max: itl(1.0),
            }),
            latency_s: Summary::of(served.iter().map(Served::latency_s))?,
            engine_latency_s: Summary::of(served.iter().map(Served::engine_latency_s))?,
            waiting_s: Summary::of(served.iter().map(Served::waiting_s))?,
            requests_per_s: rate(served.len() as f64),
            output_tokens_per_s: rate(output),
            tokens_per_s: rate(input + output),
            within_limits: limited.then(|| kept / served.len() as f64),
            goodput_per_s: limited.then(|| rate(kept)),
            utilisation,
            steps: found.steps,
            prompt_step_share: found.prompt_steps as f64 / found.steps.max(1) as f64,
            step_s: found.busy_s / found.steps.max(1) as f64,
            preemptions: found.preemptions,
            cache_hits: found.hit_tokens as f64 / found.prompt_tokens.max(1) as f64,
            cache_most: found.timeline.cache_most,
            moved_bytes: found.moved_bytes,
            joules_per_token: (watts > 0.0).then(|| watts * span_s / output.max(1.0)),
            usd_per_million_tokens: running
                .usd_per_hour
                .map(|usd| usd * running.devices * span_s / 3600.0 / output.max(1.0) * 1e6),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let sorted: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.9), Some(90.0));
        assert_eq!(quantile(&sorted, 0.995), Some(99.5));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0], 0.99), Some(3.0));
        let summary = Summary::of([4.0, f64::NAN, 2.0]).expect("two values");
        assert_eq!((summary.mean, summary.p50, summary.max), (3.0, 3.0, 4.0));
    }

    #[test]
    fn limits_judge_both_times() {
        let served = Served {
            arrival_s: 1.0,
            queued_s: 1.0,
            scheduled_s: 1.0,
            first_token_s: 1.5,
            finish_s: 2.5,
            input: 10,
            output: 11,
            cached: 0,
            preemptions: 0,
            replica: 0,
        };
        let limits = |ttft_s, tpot_s| Limits { ttft_s, tpot_s };
        assert!(limits(None, None).kept(&served));
        assert!(limits(Some(0.5), Some(0.1)).kept(&served));
        assert!(!limits(Some(0.49), None).kept(&served));
        assert!(!limits(None, Some(0.09)).kept(&served));
    }
}
