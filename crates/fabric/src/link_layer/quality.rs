//! How good a link is: how often bits arrive wrong behind error correction, and what correction costs.

use serde::Serialize;

use crate::time::Time;

/// Bits of the frame for which Ethernet states its frame loss ratio: 64 octets (IEEE 802.3, for example clause 120.1.4).
const REFERENCE_BITS: f64 = 512.0;

/// Quality of one direction of a link, as an analysis of its lanes gives it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkQuality {
    /// Bit error ratio behind error correction, 0 to 0.5.
    pub bit_errors: f64,
    /// Mean bits from the first to the last wrong bit of an error event, at least 1.
    pub burst: f64,
    /// Loss ratio of frames of 64 octets that comes on top (uncorrectable codewords), 0 to below 1.
    pub frame_loss: f64,
    /// Latency of error correction, on top of the edge's delay.
    pub latency: Time,
    /// Share of the edge's rate that can be used, above 0 and at most 1.
    pub usable: f64,
}

impl Default for LinkQuality {
    fn default() -> Self {
        Self { bit_errors: 0.0, burst: 1.0, frame_loss: 0.0, latency: Time::ZERO, usable: 1.0 }
    }
}

impl LinkQuality {
    /// With this bit error ratio, errors alone.
    pub fn with_bit_errors(ratio: f64) -> Self {
        Self { bit_errors: ratio, ..Self::default() }
    }

    /// Whether the numbers can be; else which is wrong and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if value >= low && value <= high {
                Ok(())
            } else {
                Err(format!("{name} is {value}; it lies from {low} to {high}"))
            }
        };
        within("the bit error ratio of a link", self.bit_errors, 0.0, 0.5)?;
        within("the burst length of a link", self.burst, 1.0, 1e9)?;
        within("the frame loss ratio of a link", self.frame_loss, 0.0, 0.999_999)?;
        within("the usable share of a link", self.usable, 1e-6, 1.0)
    }

    /// Error events per bit.
    pub fn event_ratio(&self) -> f64 {
        let clean = |value: f64, high: f64| if value.is_finite() { value.clamp(0.0, high) } else { 0.0 };
        let events = clean(self.bit_errors, 0.5) / if self.burst >= 1.0 { self.burst } else { 1.0 };
        let lost = clean(self.frame_loss, 0.999_999);
        // 1 - (1 - events)(1 - lost)^(1/512), without losing small numbers.
        -f64::exp_m1(f64::ln_1p(-events) + f64::ln_1p(-lost) / REFERENCE_BITS)
    }

    /// Bits in which an event must begin to spoil a unit of so many: those before it too whose burst reaches into it.
    pub fn exposed_bits(&self, bits: u64) -> u64 {
        bits + (self.burst.clamp(1.0, 1e9) as u64 - 1)
    }

    /// Probability that a unit (frame, flit, packet) of so many bytes is spoilt.
    pub fn corruption(&self, bytes: u32) -> f64 {
        let bits = self.exposed_bits(u64::from(bytes) * 8) as f64;
        -f64::exp_m1(bits * f64::ln_1p(-self.event_ratio()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_errors() {
        // (1 - 1e-6)^5120, by hand: 5120e-6 - 5120*5119/2 e-12 + ...
        let quality = LinkQuality::with_bit_errors(1e-6);
        assert!((quality.corruption(640) - 5.106_917_6e-3).abs() < 1e-9);
        let tiny = LinkQuality::with_bit_errors(1e-15);
        assert!((tiny.corruption(640) / 5.12e-12 - 1.0).abs() < 1e-9);
        assert_eq!(LinkQuality::default().corruption(4150), 0.0);
    }

    #[test]
    fn bursts_spoil_fewer_units() {
        let single = LinkQuality::with_bit_errors(1e-8);
        let bursts = LinkQuality { burst: 10.0, ..single };
        let ratio = single.corruption(640) / bursts.corruption(640);
        assert!((ratio - 10.0 * 5120.0 / 5129.0).abs() < 1e-3, "{ratio}");
    }

    #[test]
    fn frame_loss_is_that_of_64_octets() {
        let quality = LinkQuality { frame_loss: 6.2e-10, ..LinkQuality::default() };
        assert!((quality.corruption(64) / 6.2e-10 - 1.0).abs() < 1e-6);
        assert!((quality.corruption(640) / 6.2e-9 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be() {
        assert!(LinkQuality::with_bit_errors(0.7).check().is_err());
        assert!(LinkQuality::with_bit_errors(f64::NAN).check().is_err());
        assert!(LinkQuality { burst: 0.5, ..LinkQuality::default() }.check().is_err());
        assert_eq!(LinkQuality::default().check(), Ok(()));
        assert_eq!(LinkQuality::with_bit_errors(f64::NAN).event_ratio(), 0.0);
    }
}
