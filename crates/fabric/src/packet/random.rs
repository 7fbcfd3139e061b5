//! Chance, one stream per entity: what one queue draws never shifts what another draws.

/// A stream of pseudo-random numbers (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(u64);

/// Mixes a number so that all bits of the result depend on all of the input.
#[inline]
pub(super) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Chance {
    /// The stream of an entity.
    pub(super) fn new(seed: u64, what: u32, entity: u32) -> Self {
        Self(mix(seed ^ mix((u64::from(what) << 32 | u64::from(entity)).wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// The next number.
    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Evenly below `bound`.
    #[inline]
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}
