//! Which entropy a packet gets: the sender's part in spreading packets over ways.

use std::collections::VecDeque;

use super::random::Chance;
use super::reps::Cache;
use super::settings::Balancer;

/// What came back about an entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Neither mark nor loss.
    Good,
    /// Marked.
    Marked,
    /// Trimmed on the way.
    Trimmed,
    /// Not heard of any more.
    Lost,
}

/// Most that an entropy is passed over.
const MOST: u8 = 15;

/// The balancer of one flow.
#[derive(Clone, Debug)]
pub(super) struct Spray {
    /// Entropies that came back well, the first first.
    good: VecDeque<u16>,
    /// The same with [`Balancer::Reps`].
    cache: Cache,
    /// How often to pass over each; empty for a single one.
    passes: Vec<u8>,
    chance: Chance,
    /// Upper bits of all entropies of the flow.
    upper: u16,
    turn: u16,
    flip: u16,
    paths: u16,
    kind: Balancer,
}

impl Spray {
    pub(super) fn new(kind: Balancer, paths: u16, mut chance: Chance) -> Self {
        let upper = chance.below(0xffff) as u16 & !(paths - 1);
        let flip = chance.below(u32::from(paths)) as u16;
        let passes = if paths > 1 { vec![0; usize::from(paths)] } else { Vec::new() };
        Self { good: VecDeque::new(), cache: Cache::default(), passes, chance, upper, turn: 0, flip, paths, kind }
    }

    /// Takes note of what came back.
    #[inline]
    pub(super) fn learn(&mut self, entropy: u16, word: Word, now: u64) {
        if self.paths == 1 {
            return;
        }
        if self.kind == Balancer::Reps {
            match word {
                Word::Good => self.cache.keep(entropy, now, u32::from(self.paths)),
                Word::Lost => self.cache.fail(now),
                Word::Marked | Word::Trimmed => {}
            }
            return;
        }
        if word == Word::Good {
            if matches!(self.kind, Balancer::Mixed | Balancer::Recycle) {
                self.good.push_back(entropy);
            }
            return;
        }
        let penalty = match word {
            Word::Good => 0,
            Word::Marked => 1,
            Word::Trimmed => 4,
            Word::Lost => MOST,
        };
        let passes = &mut self.passes[usize::from(entropy & (self.paths - 1))];
        *passes = (*passes + penalty).min(MOST);
    }

    /// The entropy of the next packet.
    #[inline]
    pub(super) fn choose(&mut self) -> u16 {
        if self.paths == 1 {
            return self.upper;
        }
        if let Some(good) = self.good.pop_front() {
            return good;
        }
        if self.kind == Balancer::Reps
            && let Some(known) = self.cache.take()
        {
            return known;
        }
        if matches!(self.kind, Balancer::Recycle | Balancer::Reps) {
            return self.upper | self.chance.below(u32::from(self.paths)) as u16;
        }
        let mut at = self.at_turn();
        if self.kind != Balancer::Oblivious && self.passes[usize::from(at)] > 0 {
            // Only the first one passed over is paid off: the others wait for their own turn.
            self.passes[usize::from(at)] -= 1;
            for _ in 0..=self.paths {
                self.next_turn();
                at = self.at_turn();
                if self.passes[usize::from(at)] == 0 {
                    break;
                }
            }
        }
        self.next_turn();
        self.upper | at
    }

    fn at_turn(&self) -> u16 {
        (self.turn ^ self.flip) & (self.paths - 1)
    }

    fn next_turn(&mut self) {
        self.turn += 1;
        if self.turn == self.paths {
            self.turn = 0;
            self.flip = self.chance.below(u32::from(self.paths)) as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_entropies_take_turns() {
        let mut spray = Spray::new(Balancer::Bitmap, 8, Chance::new(1, 2, 3));
        let mut seen: Vec<u16> = (0..8).map(|_| spray.choose() & 7).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
        spray.learn(5, Word::Trimmed, 0);
        let seen: Vec<u16> = (0..7).map(|_| spray.choose() & 7).collect();
        assert!(!seen[..6].contains(&5));
    }

    #[test]
    fn what_came_back_well_is_used_again() {
        let mut spray = Spray::new(Balancer::Mixed, 64, Chance::new(1, 2, 3));
        let first = spray.choose();
        spray.learn(first, Word::Good, 0);
        assert_eq!(spray.choose(), first);
    }
}
