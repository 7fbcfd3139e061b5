//! The time of a kernel from peaks: a floor, and the greater of arithmetic and memory traffic, joined smoothly; and how a
//! donor's kernel becomes another device's.

use crate::fit::search;

/// Sharpness of the corner between arithmetic and memory: `(a^3 + b^3)^(1/3)` lies 26 % above the corner itself, which is
/// what the measured GEMMs show there (2 better than no smoothing on all three devices, 30 % hold-out).
fn joined(a: f64, b: f64) -> f64 {
    (a * a * a + b * b * b).cbrt()
}

/// The best that kernels of any measured device reach, as shares of peak: what lies above this is overhead that does not
/// scale with the peaks. The upper decile of large GEMMs is 0.83 to 0.86 of the 16-bit peak, that of large decodes 0.88 to
/// 0.9 of the memory's bandwidth.
const BEST_COMPUTE: f64 = 0.85;
const BEST_MEMORY: f64 = 0.9;

/// What an operator asks of a device, in seconds at its peaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ideal {
    /// Operations over the peak rate.
    pub compute: f64,
    /// Bytes over the memory's bandwidth.
    pub memory: f64,
}

impl Ideal {
    /// The time that the best kernels reach.
    pub fn reachable(self) -> f64 {
        (self.compute / BEST_COMPUTE).max(self.memory / BEST_MEMORY)
    }
}

/// Constants of a kernel's physics on one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// Time of an empty kernel, seconds.
    pub floor: f64,
    /// Share of the arithmetic peak that large shapes reach.
    pub compute: f64,
    /// Share of the memory's bandwidth that large shapes reach.
    pub memory: f64,
}

impl Constants {
    /// For a device of which nothing is known: middle values of those fitted.
    pub const UNCALIBRATED: Self = Self { floor: 5e-6, compute: 0.65, memory: 0.75 };

    /// Constants that fit best, from `(ideal, ln(measured))`: least sum of `|ln(measured / expected)|`. None with fewer
    /// than ten rows.
    pub fn fit(rows: &[(Ideal, f64)]) -> Option<Self> {
        let cost = |x: &[f64; 3]| {
            let constants = Self { floor: x[0], compute: x[1], memory: x[2] };
            rows.iter().map(|(ideal, measured)| (measured - constants.expected(*ideal).ln()).abs()).sum::<f64>()
        };
        let typical = Self::UNCALIBRATED;
        let start = [typical.floor, typical.compute, typical.memory];
        let [floor, compute, memory] = search::minimise(start, [1e-7, 0.02, 0.05], [1e-3, 1.0, 1.0], cost);
        // As stored: four digits.
        let rounded = |value: f64| format!("{value:.3e}").parse().unwrap_or(value);
        let fitted = Self { floor: rounded(floor), compute: rounded(compute), memory: rounded(memory) };
        (rows.len() >= 10).then_some(fitted)
    }

    /// Expected time, seconds.
    pub fn expected(&self, ideal: Ideal) -> f64 {
        self.floor + joined(ideal.compute / self.compute, ideal.memory / self.memory)
    }

    /// Which of the three rules: 0 the floor, 1 memory, 2 arithmetic. Bands are kept per region.
    pub fn region(&self, ideal: Ideal) -> usize {
        let (compute, memory) = (ideal.compute / self.compute, ideal.memory / self.memory);
        if self.floor > compute.max(memory) { 0 } else { 1 + usize::from(compute > memory) }
    }
}

/// Regions that [`Constants::region`] tells apart.
pub const REGIONS: usize = 3;

/// Carries a donor's time over to a target: the roofline is the target's, what lies above the donor's is kept, stretched
/// by the ratio of the rooflines to a power between 0 (overhead is latency) and 1 (overhead is inefficiency).
pub fn carried(donor_time: f64, donor: Ideal, target: Ideal, stretch: f64) -> f64 {
    let (from, to) = (donor.reachable(), target.reachable());
    let above = (donor_time - from).max(0.0);
    let ratio = if stretch == 0.0 || from <= 0.0 { 1.0 } else { (to / from).powf(stretch) };
    to + above * ratio
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_kernel_carried_to_its_own_device_stays() {
        let ideal = Ideal { compute: 10e-6, memory: 4e-6 };
        assert!((carried(15e-6, ideal, ideal, 0.75) - 15e-6).abs() < 1e-12);
    }

    #[test]
    fn more_bandwidth_shortens_what_memory_bounds_alone() {
        let slow = Ideal { compute: 1e-6, memory: 10e-6 };
        let fast = Ideal { memory: 7e-6, ..slow };
        let saved = 14e-6 - carried(14e-6, slow, fast, 0.0);
        assert!((saved - 3e-6 / 0.9).abs() < 1e-9, "{saved}");
        let bound = Ideal { compute: 100e-6, memory: 10e-6 };
        assert_eq!(carried(150e-6, bound, Ideal { memory: 7e-6, ..bound }, 0.0), 150e-6);
    }

    proptest! {
        /// No transfer beats the target's own roofline, and more work never takes less time.
        #[test]
        fn never_below_the_roofline(c in 1e-9f64..1.0, m in 1e-9f64..1.0, f in 0.1f64..10.0, t in 1e-6f64..2.0, s in 0.0f64..1.0) {
            let (donor, target) = (Ideal { compute: c, memory: m }, Ideal { compute: c * f, memory: m / f });
            prop_assert!(carried(t, donor, target, s) >= target.compute.max(target.memory));
            let twice = Ideal { compute: 2.0 * c, memory: 2.0 * m };
            let constants = Constants::UNCALIBRATED;
            prop_assert!(constants.expected(twice) > constants.expected(donor));
        }
    }
}
