//! The paged cache of one rank: free blocks, how decoding sequences grow into them, and shared prefixes.

use std::collections::{BTreeMap, BTreeSet};

/// When a decoding sequence takes its next blocks, counted in decoding steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Blocks held when decoding began.
    pub base: u64,
    /// The decoding step, from 1, that takes the first further block.
    pub first: u64,
    /// Which decoding step of the rank it began after.
    pub joined: u64,
}

/// Blocks of one rank.
#[derive(Clone, Debug)]
pub struct Blocks {
    block_tokens: u64,
    /// Decoding steps per block of one sequence.
    period: u64,
    /// Tokens that a sequence gains per decoding step.
    rate: f64,
    total: Option<u64>,
    used: u64,
    /// How many sequences take a block at a decoding step, by its number modulo the period.
    ring: Vec<u32>,
    prefixes: BTreeMap<u32, Prefix>,
    /// Prefixes that nobody uses, oldest use first.
    idle: BTreeSet<(u64, u32)>,
    uses: u64,
}

#[derive(Clone, Copy, Debug)]
struct Prefix {
    blocks: u64,
    users: u32,
    last: u64,
}

impl Blocks {
    /// An empty cache; `rate` is what a sequence gains per decoding step.
    pub fn new(block_tokens: u32, total: Option<u64>, rate: f64) -> Self {
        let period = ((f64::from(block_tokens) / rate).floor() as u64).max(1);
        Self {
            block_tokens: u64::from(block_tokens),
            period,
            rate,
            total,
            used: 0,
            ring: vec![0; period as usize],
            prefixes: BTreeMap::new(),
            idle: BTreeSet::new(),
            uses: 0,
        }
    }

    /// Blocks that nobody holds.
    pub fn free(&self) -> u64 {
        self.total.map_or(u64::MAX / 4, |total| total.saturating_sub(self.used))
    }

    /// Share of the cache in use; 0 for a cache without end.
    pub fn share(&self) -> f64 {
        self.total.map_or(0.0, |total| self.used as f64 / total.max(1) as f64)
    }

    /// Blocks in use.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Blocks for so many tokens.
    pub fn needed(&self, tokens: u64) -> u64 {
        tokens.div_ceil(self.block_tokens)
    }

    /// Takes blocks if `keep` stay free, giving up idle prefixes for them; says whether it could.
    pub fn take(&mut self, blocks: u64, keep: u64) -> bool {
        while self.free() < blocks.saturating_add(keep) {
            if !self.drop_idle() {
                return false;
            }
        }
        self.used += blocks;
        true
    }

    /// Frees blocks.
    pub fn give(&mut self, blocks: u64) {
        self.used = self.used.saturating_sub(blocks);
    }

    /// Gives up the prefix that was idle longest.
    pub fn drop_idle(&mut self) -> bool {
        let Some((_, id)) = self.idle.pop_first() else { return false };
        if let Some(prefix) = self.prefixes.remove(&id) {
            self.used = self.used.saturating_sub(prefix.blocks);
        }
        true
    }

    /// A sequence with so many cached tokens begins to decode after step `joined`. It holds `base` blocks for them.
    pub fn join(&mut self, tokens: u64, base: u64, joined: u64) -> Growth {
        let slack = self.needed(tokens) * self.block_tokens - tokens;
        let growth = Growth { base, first: ((slack as f64 / self.rate).floor() as u64 + 1).min(self.period), joined };
        let at = self.slot(&growth);
        self.ring[at] += 1;
        growth
    }

    fn slot(&self, growth: &Growth) -> usize {
        ((growth.joined + growth.first) % self.period) as usize
    }

    /// Blocks that a sequence holds after decoding step `now` of the rank.
    pub fn held(&self, growth: &Growth, now: u64) -> u64 {
        let steps = now - growth.joined;
        growth.base + if steps >= growth.first { (steps - growth.first) / self.period + 1 } else { 0 }
    }

    /// A sequence ends to decode: its blocks are freed.
    pub fn leave(&mut self, growth: &Growth, now: u64) {
        if growth.first <= self.period {
            let at = self.slot(growth);
            self.ring[at] -= 1;
        }
        let held = self.held(growth, now);
        self.give(held);
    }

    /// Of a sequence that reserved all its blocks: it never takes more.
    pub fn reserved(base: u64, joined: u64) -> Growth {
        Growth { base, first: u64::MAX / 4, joined }
    }

    /// Blocks that decoding takes in the step after `now`. A sequence that joins within a period takes none before its
    /// turn, since its first turn is at most a period away.
    pub fn demand(&self, now: u64) -> u64 {
        u64::from(self.ring[((now + 1) % self.period) as usize])
    }

    /// Blocks that decoding takes in `steps` steps after `now`.
    pub fn demand_over(&self, now: u64, steps: u64) -> u64 {
        let round: u64 = if steps >= self.period { self.ring.iter().map(|n| u64::from(*n)).sum() } else { 0 };
        let rest = (1..=steps % self.period).map(|at| u64::from(self.ring[((now + at) % self.period) as usize]));
        steps / self.period * round + rest.sum::<u64>()
    }

    /// How many steps after `now`, at most `most`, the free blocks suffice for.
    pub fn lasts(&self, now: u64, most: u64) -> u64 {
        if self.total.is_none() || self.demand_over(now, most) <= self.free() {
            return most;
        }
        let (mut low, mut high) = (0, most);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.demand_over(now, middle) <= self.free() { low = middle } else { high = middle }
        }
        low
    }

    /// Takes what decoding takes in `steps` steps after `now`.
    pub fn advance(&mut self, now: u64, steps: u64) {
        self.used += self.demand_over(now, steps);
    }

    /// Blocks of a resident prefix.
    pub fn resident(&self, id: u32) -> Option<u64> {
        self.prefixes.get(&id).map(|prefix| prefix.blocks)
    }

    /// Begins to use a resident prefix.
    pub fn enter(&mut self, id: u32) {
        self.uses += 1;
        if let Some(prefix) = self.prefixes.get_mut(&id) {
            if prefix.users == 0 {
                self.idle.remove(&(prefix.last, id));
            }
            prefix.users += 1;
            prefix.last = self.uses;
        }
    }

    /// Ends to use a prefix.
    pub fn exit(&mut self, id: u32) {
        if let Some(prefix) = self.prefixes.get_mut(&id) {
            prefix.users = prefix.users.saturating_sub(1);
            if prefix.users == 0 {
                self.idle.insert((prefix.last, id));
            }
        }
    }

    /// A sequence has computed a prefix: its blocks become shared, with the sequence as first user. False where another
    /// one was quicker and the sequence keeps its own copy.
    pub fn share_prefix(&mut self, id: u32, blocks: u64) -> bool {
        if self.prefixes.contains_key(&id) {
            return false;
        }
        self.uses += 1;
        self.prefixes.insert(id, Prefix { blocks, users: 1, last: self.uses });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The ring tells what counting every sequence's tokens tells.
        #[test]
        fn growth_is_what_counting_says(
            block in 1u32..40,
            lengths in prop::collection::vec((1u64..200, 0u64..30), 1..20),
            steps in 1u64..120,
        ) {
            let mut blocks = Blocks::new(block, None, 1.0);
            let mut growths = Vec::new();
            let mut now = 0;
            for (tokens, gap) in &lengths {
                blocks.advance(now, *gap);
                now += gap;
                let base = blocks.needed(*tokens);
                prop_assert!(blocks.take(base, 0));
                growths.push((blocks.join(*tokens, base, now), *tokens));
            }
            blocks.advance(now, steps);
            now += steps;
            let mut sum = 0;
            for (growth, tokens) in &growths {
                let expected = blocks.needed(tokens + (now - growth.joined));
                prop_assert_eq!(blocks.held(growth, now), expected);
                sum += expected;
            }
            prop_assert_eq!(blocks.used(), sum);
            for (growth, _) in &growths {
                blocks.leave(growth, now);
            }
            prop_assert_eq!(blocks.used(), 0);
        }

        /// Free blocks last as long as step-by-step counting says.
        #[test]
        fn blocks_last_as_long_as_they_do(
            lengths in prop::collection::vec(1u64..60, 1..12),
            spare in 0u64..40,
            most in 1u64..200,
        ) {
            let held: u64 = lengths.iter().map(|n| n.div_ceil(16)).sum();
            let mut blocks = Blocks::new(16, Some(held + spare), 1.0);
            for tokens in &lengths {
                let base = blocks.needed(*tokens);
                prop_assert!(blocks.take(base, 0));
                blocks.join(*tokens, base, 0);
            }
            let lasts = blocks.lasts(0, most);
            let mut count = 0;
            let mut step_by_step = blocks.clone();
            while count < most && step_by_step.demand(count) <= step_by_step.free() {
                step_by_step.advance(count, 1);
                count += 1;
            }
            prop_assert_eq!(lasts, count);
        }
    }
}
