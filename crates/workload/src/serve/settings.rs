//! How an engine schedules: policy, limits of a step, cache, speculation, host work.

use serde::Serialize;

/// Which engine's scheduler is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// vLLM V1: running sequences first, then waiting ones, all within one token budget; prompts are cut to fit; the
    /// latest sequence is preempted when the cache is full.
    #[default]
    Vllm,
    /// TensorRT-LLM in-flight batching: prompts ride along with decoding steps uncut, and a sequence is let in only when
    /// the cache holds it to its last token, so that nothing is preempted.
    Trtllm,
    /// SGLang: steps of prompts alone go first, decoding waits for them; prompts are cut to the budget.
    Sglang,
    /// A batch is taken in whole, and the next one when its last sequence has ended; ended rows keep their place.
    Static,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 4] = [Self::Vllm, Self::Trtllm, Self::Sglang, Self::Static];

    /// The spelling of flags and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::Trtllm => "trtllm",
            Self::Sglang => "sglang",
            Self::Static => "static",
        }
    }

    /// Whether prompts and decoding share steps.
    pub fn mixes(self) -> bool {
        matches!(self, Self::Vllm | Self::Trtllm)
    }

    /// Whether a prompt may be cut at the budget.
    pub fn cuts_prompts(self) -> bool {
        matches!(self, Self::Vllm | Self::Sglang)
    }

    /// Whether a sequence reserves the cache of its last token when it is let in.
    pub fn reserves(self) -> bool {
        matches!(self, Self::Trtllm | Self::Static)
    }
}

/// Speculative decoding: a draft proposes, the model verifies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speculation {
    /// Tokens proposed per step.
    pub draft_tokens: u32,
    /// Chance that a proposed token is accepted, given that all before it were.
    pub acceptance: f64,
    /// Seconds that the draft takes per proposed token, as a share of the time of a decoding step of the model.
    pub draft_share: f64,
}

impl Speculation {
    /// Tokens that a sequence gains per step on average: `(1 - a^(g + 1)) / (1 - a)`, the model's own one included.
    pub fn tokens_per_step(&self) -> f64 {
        let g = f64::from(self.draft_tokens);
        if self.acceptance >= 1.0 - 1e-12 {
            g + 1.0
        } else {
            (1.0 - self.acceptance.powf(g + 1.0)) / (1.0 - self.acceptance)
        }
    }
}

/// What happens to the cache of a preempted sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preemption {
    /// It is dropped and computed again.
    #[default]
    Recompute,
    /// It goes to a slower tier and comes back over a link of so many tokens per second; the engine waits for neither.
    Offload {
        /// Tokens of cache per second.
        tokens_per_s: f64,
    },
}

/// Work of the host beside the device's steps. All zero where the step cost has it already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Host {
    /// Seconds per step.
    pub step_s: f64,
    /// Seconds per step and sequence in it.
    pub sequence_s: f64,
    /// Seconds from the client's call to the scheduler's queue.
    pub entry_s: f64,
    /// Seconds from a token's step to the client.
    pub exit_s: f64,
}

/// Limits and habits of one replica's scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Whose habits.
    pub policy: Policy,
    /// Tokens of one step at most, prompts and decoding together.
    pub token_budget: u32,
    /// Sequences that run at once at most.
    pub max_sequences: u32,
    /// Tokens of a cache block.
    pub block_tokens: u32,
    /// Blocks of the cache; none for a cache without end.
    pub blocks: Option<u64>,
    /// Share of the blocks that stays free when a new sequence is let in.
    pub watermark: f64,
    /// What preemption does.
    pub preemption: Preemption,
    /// Speculative decoding.
    pub speculation: Option<Speculation>,
    /// Host work.
    pub host: Host,
    /// Whether prefixes that requests name are kept and shared.
    pub prefix_cache: bool,
    /// Whether a step is planned while the one before it runs, so that who arrives meanwhile waits for one more.
    pub ahead: bool,
}

impl Default for Settings {
    /// vLLM's defaults for an online server: 2048 tokens, 128 sequences, blocks of 16.
    fn default() -> Self {
        Self {
            policy: Policy::Vllm,
            token_budget: 2048,
            max_sequences: 128,
            block_tokens: 16,
            blocks: None,
            watermark: 0.0,
            preemption: Preemption::Recompute,
            speculation: None,
            host: Host::default(),
            prefix_cache: false,
            ahead: false,
        }
    }
}

impl Settings {
    /// What is wrong with the settings, in one clause that says what would do.
    pub fn check(&self) -> Result<(), String> {
        if self.token_budget == 0 || self.max_sequences == 0 || self.block_tokens == 0 {
            return Err("token budget, sequences and tokens of a block must be 1 or more".into());
        }
        let verified = self.tokens_per_decode();
        if u64::from(self.token_budget) < u64::from(self.max_sequences) * u64::from(verified) && self.policy.mixes() {
            return Err(format!(
                "{} sequences of {verified} tokens do not fit in a step of {} tokens: take a budget of at least {}, or fewer \
                 sequences",
                self.max_sequences,
                self.token_budget,
                u64::from(self.max_sequences) * u64::from(verified)
            ));
        }
        if !(0.0..1.0).contains(&self.watermark) {
            return Err("the watermark is a share of the cache, 0 or more and less than 1".into());
        }
        if let Some(speculation) = &self.speculation {
            if !(0.0..=1.0).contains(&speculation.acceptance) {
                return Err("the acceptance of drafts is a chance, 0 to 1".into());
            }
            if speculation.draft_tokens == 0 || speculation.draft_tokens > 64 {
                return Err("a draft proposes 1 to 64 tokens".into());
            }
            if !(speculation.draft_share.is_finite() && speculation.draft_share >= 0.0) {
                return Err("the share of a draft's time must be 0 or more".into());
            }
        }
        let host = &self.host;
        if ![host.step_s, host.sequence_s, host.entry_s, host.exit_s].iter().all(|s| s.is_finite() && *s >= 0.0) {
            return Err("times of the host must be 0 s or more".into());
        }
        if let Preemption::Offload { tokens_per_s } = self.preemption
            && !(tokens_per_s.is_finite() && tokens_per_s > 0.0)
        {
            return Err("the rate of the offload tier must be more than 0 tokens/s".into());
        }
        Ok(())
    }

    /// Tokens that a decoding sequence puts into a step.
    pub fn tokens_per_decode(&self) -> u32 {
        1 + self.speculation.map_or(0, |speculation| speculation.draft_tokens)
    }

    /// Blocks that hold so many tokens.
    pub fn blocks_for(&self, tokens: u64) -> u64 {
        tokens.div_ceil(u64::from(self.block_tokens))
    }
}
