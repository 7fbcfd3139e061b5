//! What a log measured, beside what was simulated for the same requests.

use lanewright_workload::serve::log::Trace;
use lanewright_workload::serve::metrics::Summary;
use lanewright_workload::serve::request::Served;
use lanewright_workload::serve::simulate::Found;
use serde::Serialize;

/// One quantity on both sides.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pair {
    /// As logged, seconds.
    pub measured: Summary,
    /// As simulated, seconds.
    pub simulated: Summary,
    /// Error of the simulated mean, as a share of the measured one.
    pub mean_error: f64,
}

/// All quantities that a log has. Times count from the scheduler's queue, as the engine logged them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measured {
    /// To the first token.
    pub ttft_s: Pair,
    /// Mean per further token.
    pub tpot_s: Option<Pair>,
    /// To the last token.
    pub latency_s: Pair,
}

fn pair(measured: Option<Summary>, simulated: Option<Summary>) -> Option<Pair> {
    let (measured, simulated) = (measured?, simulated?);
    Some(Pair { measured, simulated, mean_error: simulated.mean / measured.mean.max(1e-12) - 1.0 })
}

impl Measured {
    /// Of a log with times; none of a trace without.
    pub fn of(trace: &Trace, found: &Found) -> Option<Self> {
        let logged = &trace.logged;
        if logged.len() != found.served.len() || logged.is_empty() {
            return None;
        }
        let tpot = logged.iter().zip(&trace.requests).filter(|(_, request)| request.output > 1);
        let tpot = tpot.map(|(l, request)| (l.last_token_s - l.first_token_s) / f64::from(request.output - 1));
        Some(Self {
            ttft_s: pair(
                Summary::of(logged.iter().map(|l| l.first_token_s - l.queued_s)),
                Summary::of(found.served.iter().map(Served::engine_ttft_s)),
            )?,
            tpot_s: pair(Summary::of(tpot), Summary::of(found.served.iter().filter_map(Served::tpot_s))),
            latency_s: pair(
                Summary::of(logged.iter().map(|l| l.last_token_s - l.queued_s)),
                Summary::of(found.served.iter().map(Served::engine_latency_s)),
            )?,
        })
    }
}
