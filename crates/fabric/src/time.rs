//! Simulated time in whole picoseconds, and data rates.

use serde::Serialize;

/// A point in simulated time, or a span of it, in picoseconds. 2^64 ps are 213 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The start of a simulation.
    pub const ZERO: Self = Self(0);
    /// Never.
    pub const NEVER: Self = Self(u64::MAX);

    /// From picoseconds.
    pub const fn ps(value: u64) -> Self {
        Self(value)
    }

    /// From nanoseconds.
    pub const fn ns(value: u64) -> Self {
        Self(value.saturating_mul(1_000))
    }

    /// From microseconds.
    pub const fn us(value: u64) -> Self {
        Self(value.saturating_mul(1_000_000))
    }

    /// From seconds, to the nearest picosecond. `None` when negative, not finite or beyond the range.
    pub fn from_seconds(value: f64) -> Option<Self> {
        let ps = (value * 1e12).round();
        (ps >= 0.0 && ps < u64::MAX as f64).then_some(Self(ps as u64))
    }

    /// In microseconds.
    pub fn as_us(self) -> f64 {
        self.0 as f64 * 1e-6
    }

    /// In seconds.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 * 1e-12
    }

    /// The sum, or [`Time::NEVER`] beyond the range.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Add for Time {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Time {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// A data rate in bits per second and direction, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Rate(u64);

impl Rate {
    /// From bits per second. `None` when zero.
    pub const fn bits_per_second(value: u64) -> Option<Self> {
        if value == 0 { None } else { Some(Self(value)) }
    }

    /// From gigabits per second. `None` when not positive, not finite or below 1 bit/s.
    pub fn gbps(value: f64) -> Option<Self> {
        let bits = (value * 1e9).round();
        (bits >= 1.0 && bits < u64::MAX as f64).then_some(Self(bits as u64))
    }

    /// In bits per second.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// In bytes per second.
    pub fn bytes_per_second(self) -> f64 {
        self.0 as f64 / 8.0
    }

    /// In gigabits per second.
    pub fn as_gbps(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// Time that so many bytes take on the wire, to the nearest picosecond.
    pub fn serialise(self, bytes: u64) -> Time {
        let ps = (u128::from(bytes) * 8_000_000_000_000 + u128::from(self.0 / 2)) / u128::from(self.0);
        Time(u64::try_from(ps).unwrap_or(u64::MAX))
    }

    /// This share of the rate (at least 1 bit/s). `share` is clamped to 0 to 1.
    pub fn share(self, share: f64) -> Self {
        Self(((self.0 as f64 * share.clamp(0.0, 1.0)).round() as u64).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_at_400_gbps() {
        let rate = Rate::gbps(400.0).expect("positive");
        assert_eq!(rate.serialise(4150), Time::ps(83_000));
        assert_eq!(rate.share(0.5).serialise(1), Time::ps(40));
        assert_eq!(Rate::gbps(0.0), None);
        assert_eq!(Rate::gbps(f64::NAN), None);
    }

    #[test]
    fn seconds_to_picoseconds() {
        assert_eq!(Time::from_seconds(1e-6), Some(Time::us(1)));
        assert_eq!(Time::from_seconds(-1.0), None);
        assert_eq!(Time::from_seconds(1e30), None);
    }
}
