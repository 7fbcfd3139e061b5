//! One device as a training step sees it: products, element-wise work and memory, each with its efficiency.

use crate::kernel::gemm::GemmKernel;

/// What a piece of work asks of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// Which units do the arithmetic.
    pub unit: Unit,
    /// Of one product with weights: `m`, `n`, `k` as kernels take them.
    pub shape: Option<[f64; 3]>,
}

/// Units of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Vector units: element-wise work.
    #[default]
    Vector,
    /// Matrix units in the format of the products with weights.
    Matrix,
    /// Matrix units in 16 bits, whatever the products' format: logits.
    Wide,
    /// Matrix units within fused attention.
    Attention,
}

impl Work {
    /// A product on the matrix units: `m x k` by `k x n`, elements of `width` bytes.
    pub fn product(m: f64, k: f64, n: f64, width: f64) -> Self {
        Self {
            flops: 2.0 * m * k * n,
            bytes: (m * k + k * n + m * n) * width,
            unit: Unit::Matrix,
            shape: Some([m, n, k]),
        }
    }

    /// The same so many times at once (attention heads).
    #[must_use]
    pub fn batched(self, count: f64) -> Self {
        Self { flops: self.flops * count, bytes: self.bytes * count, shape: None, ..self }
    }

    /// Fused attention.
    pub fn attention(flops: f64, bytes: f64) -> Self {
        Self { flops, bytes, unit: Unit::Attention, shape: None }
    }

    /// Element-wise work on the vector units.
    pub fn element_wise(flops: f64, bytes: f64) -> Self {
        Self { flops, bytes, unit: Unit::Vector, shape: None }
    }
}

/// How much of a peak a piece of work reaches, by its size.
#[derive(Clone, Debug, PartialEq)]
pub enum Efficiency {
    /// Rows of (size from which it holds, share of the peak), largest size first, the last from 0.
    Steps(Vec<(f64, f64)>),
    /// `best * size / (size + half)`: time is a start-up plus a rate, so more work never takes less time.
    Ramp {
        /// Share of the peak that large work reaches.
        best: f64,
        /// Size at which half of that is reached.
        half: f64,
    },
}

impl Efficiency {
    /// Share of the peak at a size.
    pub fn at(&self, size: f64) -> f64 {
        match self {
            Self::Steps(rows) => rows.iter().find(|(from, _)| size >= *from).or(rows.last()).map_or(1.0, |row| row.1),
            Self::Ramp { best, half } => {
                if size > 0.0 {
                    best * size / (size + half)
                } else {
                    *best
                }
            }
        }
    }
}

/// A peak rate with its efficiency.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Operations or bytes per second at best.
    pub peak: f64,
    /// Share of it by size.
    pub efficiency: Efficiency,
}

impl Rate {
    /// Seconds of so many operations or bytes in one piece.
    pub fn seconds(&self, size: f64) -> f64 {
        if size > 0.0 { size / (self.peak * self.efficiency.at(size)) } else { 0.0 }
    }
}

/// One device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Matrix units in the format of the products with weights.
    pub matrix: Rate,
    /// Matrix units in 16 bits.
    pub wide: Rate,
    /// Matrix units within fused attention.
    pub attention: Rate,
    /// Vector units.
    pub vector: Rate,
    /// Memory, bytes per second.
    pub memory: Rate,
    /// Whether arithmetic and memory overlap (the longer counts) or add up.
    pub overlaps: bool,
    /// Seconds that every kernel takes at least, beside its work.
    pub floor: f64,
    /// Kernels of products with weights, where they were measured or carried over: in the format trained in, and in 16 bits.
    /// They take the place of `matrix` and `wide`.
    pub products: Option<Box<[GemmKernel; 2]>>,
}

impl Device {
    /// Seconds of arithmetic of a piece of work.
    pub fn arithmetic_seconds(&self, work: &Work) -> f64 {
        let rate = match work.unit {
            Unit::Vector => &self.vector,
            Unit::Matrix => &self.matrix,
            Unit::Wide => &self.wide,
            Unit::Attention => &self.attention,
        };
        rate.seconds(work.flops)
    }

    /// Seconds of a piece of work, one kernel.
    pub fn seconds(&self, work: &Work) -> f64 {
        self.seconds_slowed(work, 0.0)
    }

    /// The same while a share of the processors (0 to 1) moves data for a collective.
    pub fn seconds_slowed(&self, work: &Work, taken: f64) -> f64 {
        let arithmetic = self.arithmetic_seconds(work) / (1.0 - taken);
        let memory = self.memory.seconds(work.bytes);
        if let (Some(kernels), Some([m, n, k])) = (&self.products, work.shape) {
            let kernel = &kernels[usize::from(work.unit == Unit::Wide)];
            // Bytes beyond those of one product are the weights of further experts.
            return (kernel.time(m, n, k).likely / (1.0 - taken)).max(memory);
        }
        if arithmetic <= 0.0 && memory <= 0.0 {
            return 0.0;
        }
        self.floor + if self.overlaps { arithmetic.max(memory) } else { arithmetic + memory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn device(peak: f64, bandwidth: f64, overlaps: bool) -> Device {
        let ramp = |peak| Rate { peak, efficiency: Efficiency::Ramp { best: 0.8, half: 5e9 } };
        Device {
            matrix: ramp(peak),
            wide: ramp(peak),
            attention: ramp(peak),
            vector: ramp(peak / 10.0),
            memory: Rate { peak: bandwidth, efficiency: Efficiency::Ramp { best: 0.9, half: 5e6 } },
            overlaps,
            floor: 2e-6,
            products: None,
        }
    }

    #[test]
    fn steps_hold_from_their_size_on() {
        let curve = Efficiency::Steps(vec![(100.0, 0.9), (10.0, 0.7), (0.0, 0.3)]);
        assert_eq!(curve.at(100.0), 0.9);
        assert_eq!(curve.at(99.0), 0.7);
        assert_eq!(curve.at(0.0), 0.3);
    }

    proptest! {
        #[test]
        fn a_faster_device_is_never_slower(
            m in 1.0..1e5_f64, k in 1.0..1e5_f64, n in 1.0..1e5_f64, more in 1.0..4.0_f64, overlaps: bool,
        ) {
            let work = Work::product(m, k, n, 2.0);
            let base = device(3e14, 2e12, overlaps).seconds(&work);
            prop_assert!(device(3e14 * more, 2e12, overlaps).seconds(&work) <= base);
            prop_assert!(device(3e14, 2e12 * more, overlaps).seconds(&work) <= base);
            prop_assert!(device(3e14, 2e12, overlaps).seconds_slowed(&work, 0.2) >= base);
        }

        #[test]
        fn more_work_never_takes_less_on_a_ramp(flops in 1.0..1e15_f64, more in 1.0..8.0_f64) {
            let rate = Rate { peak: 3e14, efficiency: Efficiency::Ramp { best: 0.8, half: 5e9 } };
            prop_assert!(rate.seconds(flops * more) >= rate.seconds(flops));
        }
    }
}
