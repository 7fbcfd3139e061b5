//! REPS: a few entropies that did well, used once each, and again and again while part of the network seems dead.
//!
//! Source: Bonato et al., "REPS: Recycled Entropy Packet Spraying for Adaptive Load Balancing and Failure Mitigation",
//! arXiv 2407.21625 (the scheme and its eight entries: certain). Freezing begins when a packet times out, which with
//! trimming means a failure and not a full queue, and lasts at least [`FROZEN`] (10 ms in the reference simulator's
//! default; here ten times the paper's claim of 100 us to route around a failure: estimated).

/// Entries.
const ENTRIES: usize = 8;
/// Shortest time frozen, ps.
const FROZEN: u64 = 1_000_000_000;

/// Entropies of acknowledgements without marks.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    entries: [u16; ENTRIES],
    /// Entries ever written, up to `ENTRIES`, and place of the next one.
    filled: usize,
    head: usize,
    /// The latest so many are unused.
    valid: usize,
    /// Frozen until then, ps.
    frozen: Option<u64>,
    /// Packets to send on entropies by chance before freezing again.
    explore: u32,
}

impl Cache {
    /// An entropy did well.
    pub(super) fn keep(&mut self, entropy: u16, now: u64, explore: u32) {
        self.entries[self.head] = entropy;
        self.head = (self.head + 1) % ENTRIES;
        self.filled = (self.filled + 1).min(ENTRIES);
        self.valid = (self.valid + 1).min(ENTRIES);
        if self.frozen.is_some_and(|until| now > until) {
            self.frozen = None;
            self.explore = explore;
        }
    }

    /// A packet was lost for no reason that the network told.
    pub(super) fn fail(&mut self, now: u64) {
        if self.frozen.is_none() && self.explore == 0 {
            self.frozen = Some(now.saturating_add(FROZEN));
        }
    }

    /// The entropy to use. `None`: any.
    pub(super) fn take(&mut self) -> Option<u16> {
        if self.explore > 0 {
            self.explore -= 1;
            return None;
        }
        if self.valid > 0 {
            let at = (self.head + ENTRIES - self.valid) % ENTRIES;
            self.valid -= 1;
            return Some(self.entries[at]);
        }
        if self.frozen.is_none() || self.filled == 0 {
            return None;
        }
        // Frozen: known ones in turn, used or not.
        let at = self.head % self.filled;
        self.head = (self.head + 1) % self.filled;
        Some(self.entries[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_are_used_once_and_again_while_frozen() {
        let mut cache = Cache::default();
        assert_eq!(cache.take(), None);
        for entropy in 0..10 {
            cache.keep(entropy, 0, 4);
        }
        // Ten into eight: the first two are overwritten.
        let taken: Vec<_> = (0..9).map(|_| cache.take()).collect();
        assert_eq!(taken[..8], [2, 3, 4, 5, 6, 7, 8, 9].map(Some));
        assert_eq!(taken[8], None);
        cache.fail(100);
        let again: Vec<_> = (0..16).filter_map(|_| cache.take()).collect();
        assert_eq!(again.len(), 16);
        assert!((2..10).all(|entropy| again.iter().filter(|taken| **taken == entropy).count() == 2));
        // Thaws when something comes back late enough, then explores.
        cache.keep(7, 100 + FROZEN, 2);
        assert!(cache.frozen.is_some());
        cache.keep(8, 101 + FROZEN, 2);
        assert_eq!((cache.frozen, cache.take(), cache.take(), cache.take()), (None, None, None, Some(7)));
        cache.fail(200 + FROZEN);
        assert!(cache.frozen.is_some());
    }

    #[test]
    fn a_few_entries_go_round_as_well() {
        let mut cache = Cache::default();
        cache.keep(3, 0, 4);
        cache.keep(5, 0, 4);
        cache.fail(1);
        let taken: Vec<_> = (0..6).filter_map(|_| cache.take()).collect();
        assert_eq!(taken, [3, 5, 3, 5, 3, 5]);
    }
}
