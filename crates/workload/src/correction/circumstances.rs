//! Under what circumstances an engine ran: names that either agree or do not, and numbers that are near or far.

use serde::{Deserialize, Serialize};

/// Groups of names that measured rows may share, from the widest to the narrowest.
pub const LEVELS: usize = 14;

/// Numbers that say how alike two runs are, in powers of two.
pub const NUMBERS: usize = 6;

/// Distance at which likeness falls to 61 %, in powers of two: concurrency, prompt, answer, tensor parallelism, expert
/// parallelism, sequences per attention group. Chosen as [`SHARES`] are.
pub const LENGTHS: [f32; NUMBERS] = [5.3, 4.6, 4.6, 2.0, 2.7, 7.1];

/// Variance of the (logarithmic) factor that rows share through each level. Chosen within the rows that are not held out
/// with seed 1, for the least error where a fifth of the rows, a whole family of models or a whole device is left out: what
/// is narrow weighs most, since factors of one family say little about those of another.
pub const SHARES: [f32; LEVELS] = [0.08, 0.05, 0.01, 0.12, 0.03, 0.2, 0.03, 0.3, 0.02, 0.01, 0.05, 0.01, 0.2, 0.02];

/// Levels in one table of sums.
const HALF_LEVELS: usize = LEVELS / 2;

/// Entries of one table of sums.
const HALF: usize = 1 << HALF_LEVELS;

/// Sums of [`SHARES`] for every set of levels that agree, the first half of the levels and the second: asking takes two
/// look-ups instead of a chain of additions.
const SUMS: [[f32; HALF]; 2] = {
    let mut sums = [[0.0; HALF]; 2];
    let mut set = 0;
    while set < HALF {
        let mut level = 0;
        while level < HALF_LEVELS {
            if set >> level & 1 == 1 {
                sums[0][set] += SHARES[level];
                sums[1][set] += SHARES[level + HALF_LEVELS];
            }
            level += 1;
        }
        set += 1;
    }
    sums
};

/// One over [`LENGTHS`].
const INVERSE: [f32; NUMBERS] = {
    let mut inverse = [0.0; NUMBERS];
    let mut at = 0;
    while at < NUMBERS {
        inverse[at] = 1.0 / LENGTHS[at];
        at += 1;
    }
    inverse
};

/// Variance that all rows share.
pub const COMMON: f32 = 0.004;

/// What is known of a run, in words.
#[derive(Clone, Copy, Debug)]
pub struct Words<'w> {
    /// Kind of the model: attention, and whether it has experts.
    pub kind: &'w str,
    /// Family of the model (models of one shape are one family).
    pub family: &'w str,
    /// Generation of the device's processors.
    pub generation: &'w str,
    /// Device.
    pub device: &'w str,
    /// Serving engine.
    pub backend: &'w str,
    /// Version of the engine; empty where unknown.
    pub version: &'w str,
    /// Precision of the weights.
    pub precision: &'w str,
    /// Aggregated or disaggregated, and how much of the layout is stated.
    pub mode: &'w str,
}

/// What is known of a run, ready to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Hash of the mode: runs of different modes agree on no level.
    pub mode: u32,
    /// One hash per level.
    pub names: [u32; LEVELS],
    /// Powers of two: concurrency, prompt tokens, answer tokens, tensor parallelism, expert parallelism, sequences per
    /// attention group.
    pub numbers: [f32; NUMBERS],
}

impl Circumstances {
    /// From words and numbers (not yet logarithms).
    pub fn new(words: &Words<'_>, numbers: [f64; NUMBERS]) -> Self {
        let Words { kind, family, generation, device, backend, version, precision, mode } = *words;
        let levels: [&[&str]; LEVELS] = [
            // Whoever measures one version measures in one way.
            &[mode, backend, version],
            &[mode, family],
            &[mode, family, device],
            &[mode, family, backend],
            &[mode, device, backend],
            &[mode, family, device, backend],
            &[mode, family, device, backend, precision],
            &[mode, family, device, backend, precision, version],
            // Kernels of one format on one generation err in one way for models of one kind.
            &[mode, generation, precision, kind],
            &[mode, backend, kind],
            &[mode, generation, backend, precision, kind],
            &[mode, family, generation, precision],
            &[mode, family, backend, precision],
            &[mode, family, precision],
        ];
        let mut names = [0; LEVELS];
        for (at, (name, parts)) in names.iter_mut().zip(levels).enumerate() {
            *name = hash(at as u32, parts);
        }
        Self {
            mode: hash(LEVELS as u32, &[mode]),
            names,
            numbers: numbers.map(|number| number.clamp(1.0, 1e9).log2() as f32),
        }
    }

    /// Covariance of the factors of two runs.
    pub fn likeness(&self, other: &Self) -> f32 {
        if self.mode != other.mode {
            return COMMON;
        }
        let mut agree = 0;
        for at in 0..LEVELS {
            agree |= usize::from(self.names[at] == other.names[at]) << at;
        }
        if agree == 0 {
            return COMMON;
        }
        let shared = SUMS[0][agree % HALF] + SUMS[1][agree / HALF];
        let mut apart = [0.0; NUMBERS];
        for at in 0..NUMBERS {
            let far = (self.numbers[at] - other.numbers[at]) * INVERSE[at];
            apart[at] = far * far;
        }
        let distance = (apart[0] + apart[1]) + (apart[2] + apart[3]) + (apart[4] + apart[5]);
        COMMON + shared * falling(0.5 * distance)
    }

    /// Covariance with itself.
    pub fn own() -> f32 {
        COMMON + SHARES.iter().sum::<f32>()
    }
}

/// `exp(-x)` for `x >= 0`, within 2e-5: a fit wants it smooth, not exact, and asks a thousand times per prediction.
fn falling(x: f32) -> f32 {
    if x > 30.0 {
        return 0.0;
    }
    let power = -x * std::f32::consts::LOG2_E;
    let whole = power.floor();
    let part = power - whole;
    // Least squares over [0, 1): within 3e-6 of 2^part.
    let fraction = 1.0 + part * (0.693_044 + part * (0.241_282_7 + part * (0.052_240_9 + part * 0.013_426_55)));
    f32::from_bits((((whole as i32) + 127) as u32) << 23) * fraction
}

/// FNV-1a over words with a level in front and bounds between.
fn hash(level: u32, parts: &[&str]) -> u32 {
    let mut state = 0x811c_9dc5_u32 ^ level;
    for part in parts {
        for byte in part.bytes().chain([0x1f]) {
            state = (state ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words<'static> {
        Words {
            kind: "dense",
            family: "llama-70b",
            generation: "hopper",
            device: "nvidia/h100-sxm",
            backend: "vllm",
            version: "0.12.0",
            precision: "fp8",
            mode: "aggregated",
        }
    }

    const NUMBERS_OF_ONE: [f64; NUMBERS] = [64.0, 1024.0, 1024.0, 8.0, 1.0, 64.0];

    #[test]
    fn a_run_is_most_like_itself() {
        let one = Circumstances::new(&words(), NUMBERS_OF_ONE);
        assert!((one.likeness(&one) - Circumstances::own()).abs() < 1e-4);
        let other = Circumstances::new(&Words { family: "other", ..words() }, NUMBERS_OF_ONE);
        assert!(one.likeness(&other) < one.likeness(&one));
        let far = Circumstances::new(&words(), [1.0, 1024.0, 1024.0, 8.0, 1.0, 1.0]);
        assert!(one.likeness(&far) < one.likeness(&one));
        assert!(one.likeness(&far) > COMMON);
    }

    #[test]
    fn another_mode_shares_nothing_but_the_common_part() {
        let one = Circumstances::new(&words(), NUMBERS_OF_ONE);
        let other = Circumstances::new(&Words { mode: "disaggregated", ..words() }, NUMBERS_OF_ONE);
        assert!((one.likeness(&other) - COMMON).abs() < 1e-6);
    }

    #[test]
    fn the_exponential_is_close() {
        for step in 0..3000 {
            let x = step as f32 * 0.01;
            let exact = (-x).exp();
            assert!((falling(x) - exact).abs() <= 3e-5 * exact.max(1e-6), "{x}: {} {exact}", falling(x));
        }
        assert!(falling(40.0) == 0.0);
    }
}
