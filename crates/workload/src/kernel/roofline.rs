//! The roofline of a kernel, and how a donor's kernel becomes another device's.

/// Joins what arithmetic and memory take: `(a^3 + b^3)^(1/3)` lies 26 % above the corner itself. Measured products are
/// a little nearer to this than to the bare maximum on all three devices (without corrections, on 30 % held out, mean
/// over devices and formats: median error 11.5 % against 12.1 %).
pub fn joined(compute: f64, memory: f64) -> f64 {
    libm::cbrt(compute * compute * compute + memory * memory * memory)
}

/// The best that kernels of any measured device reach, as shares of peak: what lies above this is overhead that does not
/// scale with the peaks. The upper decile of large 16-bit products is 0.83 to 0.86 of the peak; large decodes take 0.88 to
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

/// Carries a donor's time over to a target: the roofline is the target's, what lies above the donor's is kept, stretched
/// by the ratio of the rooflines to a power between 0 (overhead is latency) and 1 (overhead is inefficiency).
pub fn carried(donor_time: f64, donor: Ideal, target: Ideal, stretch: f64) -> f64 {
    let (from, to) = (donor.reachable(), target.reachable());
    let above = (donor_time - from).max(0.0);
    let ratio = if stretch == 0.0 || from <= 0.0 { 1.0 } else { libm::pow(to / from, stretch) };
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
        assert!((carried(150e-6, bound, Ideal { memory: 7e-6, ..bound }, 0.0) - 150e-6).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn never_below_the_roofline(
            c in 1e-9f64..1.0, m in 1e-9f64..1.0, f in 0.1f64..10.0, t in 1e-6f64..2.0, s in 0.0f64..1.0,
        ) {
            let (donor, target) = (Ideal { compute: c, memory: m }, Ideal { compute: c * f, memory: m / f });
            prop_assert!(carried(t, donor, target, s) >= target.compute.max(target.memory));
            prop_assert!(joined(c, m) >= c.max(m) * 0.999_999);
        }
    }
}
