//! Who is let in to run: places, cache blocks and the budget of a step decide.

use super::{Pace, Place, Rank};
use crate::serve::request::{Request, Served};
use crate::serve::settings::Policy;
use crate::step::load::StepLoad;

impl Rank {
    /// Whether the head of the queue would get a place now.
    pub(super) fn can_admit(&self, now: f64, requests: &[Request]) -> bool {
        if self.settings.policy == Policy::Static && self.decoding > 0 {
            return false;
        }
        let Some((_, id)) = self.waiting.first_key_value() else { return false };
        let sequence = &self.sequences[*id as usize];
        if self.running.len() >= self.settings.max_sequences as usize {
            return false;
        }
        let ready = matches!(sequence.place, Place::Waiting(back) if back <= now);
        let tokens = self.first_tokens(*id, &requests[*id as usize]);
        ready && !sequence.whole && self.blocks.needed(tokens) + self.kept() <= self.blocks.free()
    }

    fn kept(&self) -> u64 {
        if self.running.is_empty() {
            return 0;
        }
        self.settings.blocks.map_or(0, |blocks| (blocks as f64 * self.settings.watermark).ceil() as u64)
    }

    /// Tokens whose blocks are taken when a sequence is let in.
    fn first_tokens(&self, id: u32, request: &Request) -> u64 {
        let sequence = &self.sequences[id as usize];
        if self.settings.policy.reserves() {
            u64::from(request.input) + u64::from(request.output)
        } else if sequence.whole {
            u64::from(sequence.done)
        } else if self.settings.policy == Policy::Sglang {
            // The whole prompt: its steps keep decoding waiting, so it must not wait for what decoding would free.
            u64::from(sequence.target)
        } else {
            u64::from(sequence.target.min(self.settings.token_budget))
        }
    }

    /// Lets in who waits, as far as places, cache and budget go.
    pub(super) fn admit(
        &mut self,
        budget: &mut u32,
        load: &mut StepLoad,
        now: f64,
        requests: &[Request],
        served: &mut [Served],
        pace: &mut dyn Pace,
    ) {
        let policy = self.settings.policy;
        if policy == Policy::Static && self.decoding > 0 {
            return;
        }
        while *budget > 0 && self.running.len() < self.settings.max_sequences as usize {
            let Some((key, id)) = self.waiting.first_key_value().map(|(key, id)| (*key, *id)) else { return };
            let request = &requests[id as usize];
            if !matches!(self.sequences[id as usize].place, Place::Waiting(back) if back <= now) {
                return;
            }
            let kept = self.kept() + self.demand();
            if self.sequences[id as usize].whole {
                let verified = self.settings.tokens_per_decode();
                // The token that it decodes at once may need a block of its own.
                let tokens = self.first_tokens(id, request).max(u64::from(self.sequences[id as usize].done) + 1);
                let blocks = self.blocks.needed(tokens);
                if *budget < verified || !self.blocks.take(blocks, kept) {
                    return;
                }
                self.blocks.give(blocks);
                let base = if policy.reserves() {
                    blocks
                } else {
                    self.blocks.needed(u64::from(self.sequences[id as usize].done))
                };
                self.blocks.take(base, 0);
                self.waiting.remove(&key);
                self.running.insert(key, id);
                self.sequences[id as usize].own = base;
                *budget -= verified;
                self.decode(id, request, pace);
                if served[id as usize].scheduled_s.is_nan() {
                    served[id as usize].scheduled_s = now;
                }
                continue;
            }
            let (hit, shared) = self.hit(id, request);
            let left = self.sequences[id as usize].target - hit;
            if !policy.cuts_prompts() && left > *budget {
                return;
            }
            let take = left.min(*budget);
            let tokens = if policy.reserves() {
                u64::from(request.input) + u64::from(request.output)
            } else if policy == Policy::Sglang {
                u64::from(self.sequences[id as usize].target)
            } else {
                u64::from(hit + take)
            };
            let blocks = self.blocks.needed(tokens - u64::from(shared));
            if shared > 0 {
                // Held from here on, so that making room does not drop it.
                self.blocks.enter(request.prefix);
            }
            if !self.blocks.take(blocks, kept) {
                if shared > 0 {
                    self.blocks.exit(request.prefix);
                }
                return;
            }
            self.waiting.remove(&key);
            self.running.insert(key, id);
            let sequence = &mut self.sequences[id as usize];
            (sequence.place, sequence.done, sequence.own, sequence.shared) = (Place::Prefill, hit, blocks, shared);
            let entry = &mut served[id as usize];
            if entry.scheduled_s.is_nan() {
                entry.scheduled_s = now;
                entry.cached = hit;
                self.prompt_tokens += u64::from(request.input);
                self.hit_tokens += u64::from(hit);
            }
            self.partial.push(id);
            self.rows += u32::from(policy == Policy::Static);
            self.piece(id, take, load);
            *budget -= take;
        }
    }

    /// Tokens of a prompt that need not be computed, and those of them in a shared prefix. The last token always is.
    fn hit(&self, id: u32, request: &Request) -> (u32, u32) {
        let last = self.sequences[id as usize].target.saturating_sub(1);
        let block = self.settings.block_tokens;
        let whole = |tokens: u32| tokens.min(last) / block * block;
        let given = whole(request.cached);
        if !self.settings.prefix_cache || request.prefix == 0 {
            return (given, 0);
        }
        let shared = self.blocks.resident(request.prefix).map_or(0, |blocks| {
            whole(request.prefix_tokens).min(blocks.saturating_mul(u64::from(block)).min(u64::from(u32::MAX)) as u32)
        });
        (given.max(shared), shared)
    }
}
