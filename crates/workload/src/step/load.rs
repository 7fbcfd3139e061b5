//! What one step of a serving engine carries, and what it takes.

use serde::Serialize;

/// The work of one iteration: sequences that decode one token each, and pieces of prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StepLoad {
    /// Sequences that decode, each one token.
    pub decodes: u32,
    /// Tokens in the caches of all decoding sequences together.
    pub decode_context: u64,
    /// Prompt tokens of this step, all pieces together.
    pub prefill_tokens: u64,
    /// Pieces of prompts.
    pub prefill_pieces: u32,
    /// Pairs of query and key that the pieces' attention looks at: sum of `q * p + q * (q + 1) / 2` for a piece of `q`
    /// tokens after `p` cached ones.
    pub prefill_pairs: u64,
    /// Tokens already cached before the pieces, all together (read again by attention).
    pub prefill_context: u64,
    /// Pieces that end their prompt, and so sample a first token.
    pub prefill_ends: u32,
}

impl StepLoad {
    /// Tokens that pass through the layers.
    pub fn tokens(&self) -> u64 {
        u64::from(self.decodes) + self.prefill_tokens
    }

    /// Adds a piece of a prompt: `tokens` new ones after `cached` ones.
    pub fn add_piece(&mut self, tokens: u64, cached: u64, ends: bool) {
        self.prefill_tokens += tokens;
        self.prefill_pieces += 1;
        self.prefill_pairs += tokens * cached + tokens * (tokens + 1) / 2;
        self.prefill_context += cached;
        self.prefill_ends += u32::from(ends);
    }
}

/// Says how long a step takes.
pub trait StepCost: Sync {
    /// Seconds of one step on one replica, host work included.
    fn seconds(&self, load: &StepLoad) -> f64;

    /// Seconds of one step of replicas that step together (data parallel attention with shared experts), one load each;
    /// some may be empty. Unless an implementation knows better, the slowest one decides.
    fn group_seconds(&self, loads: &[StepLoad]) -> f64 {
        loads.iter().filter(|load| load.tokens() > 0).map(|load| self.seconds(load)).fold(0.0, f64::max)
    }
}
