//! A request as it comes, and what became of it.

use serde::Serialize;

/// A request to a serving engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Request {
    /// When the client sends it, seconds from the start.
    pub arrival_s: f64,
    /// Tokens of the prompt, 1 or more.
    pub input: u32,
    /// Tokens of the answer, 1 or more.
    pub output: u32,
    /// Tokens of the prompt that some cache holds in any case (a hit ratio given from outside).
    pub cached: u32,
    /// Name of the prefix that it shares with others; 0 shares none.
    pub prefix: u32,
    /// Tokens of that prefix.
    pub prefix_tokens: u32,
    /// Lower goes first.
    pub priority: i32,
}

/// What became of a request. Times are seconds from the start; NaN where it did not get so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Served {
    /// The client sent it.
    pub arrival_s: f64,
    /// The scheduler first saw it: the end of the step that was under way.
    pub queued_s: f64,
    /// A step first carried some of it.
    pub scheduled_s: f64,
    /// Its first token came.
    pub first_token_s: f64,
    /// Its last token came.
    pub finish_s: f64,
    /// Tokens of the prompt.
    pub input: u32,
    /// Tokens of the answer.
    pub output: u32,
    /// Tokens of the prompt that were not computed.
    pub cached: u32,
    /// Times that it lost its place.
    pub preemptions: u32,
    /// Which replica decoded it.
    pub replica: u32,
}

impl Served {
    /// Of a request that has only arrived.
    pub fn new(request: &Request) -> Self {
        Self {
            arrival_s: request.arrival_s,
            queued_s: f64::NAN,
            scheduled_s: f64::NAN,
            first_token_s: f64::NAN,
            finish_s: f64::NAN,
            input: request.input,
            output: request.output,
            cached: 0,
            preemptions: 0,
            replica: 0,
        }
    }

    /// Seconds from the client's call to the first token.
    pub fn ttft_s(&self) -> f64 {
        self.first_token_s - self.arrival_s
    }

    /// Seconds from the scheduler's queue to the first token: what engines log.
    pub fn engine_ttft_s(&self) -> f64 {
        self.first_token_s - self.queued_s
    }

    /// Mean seconds between tokens after the first; none for answers of one token.
    pub fn tpot_s(&self) -> Option<f64> {
        (self.output > 1).then(|| (self.finish_s - self.first_token_s) / f64::from(self.output - 1))
    }

    /// Seconds from the client's call to the last token.
    pub fn latency_s(&self) -> f64 {
        self.finish_s - self.arrival_s
    }

    /// Seconds from the scheduler's queue to the last token.
    pub fn engine_latency_s(&self) -> f64 {
        self.finish_s - self.queued_s
    }

    /// Seconds that it waited for its first step.
    pub fn waiting_s(&self) -> f64 {
        self.scheduled_s - self.queued_s
    }
}
