//! What short messages take longer than their fair share says.
//!
//! Max-min sharing is reached at once and without queues; real transports ramp up, and sprayed packets collide. That costs
//! messages of a few bandwidth-delay products most. [`Correction`] is the place where such a cost, fitted to the packet
//! engine, enters; without one the flow engine gives the plain fluid answer.

use crate::time::{Rate, Time};

/// What a correction may depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circumstances {
    /// Payload in bytes.
    pub bytes: f64,
    /// Delay of the way, one direction.
    pub delay: Time,
    /// The lowest rate of any edge of the way.
    pub line_rate: Rate,
    /// What the message takes without a correction, delay included.
    pub span: Time,
}

impl Circumstances {
    /// Bandwidth-delay product of the way and back, in bytes.
    pub fn bandwidth_delay(&self) -> f64 {
        self.line_rate.bytes_per_second() * 2.0 * self.delay.as_seconds()
    }

    /// Mean rate of the message over the line rate, 0 to 1.
    pub fn share(&self) -> f64 {
        let busy = self.span.saturating_sub(self.delay).as_seconds();
        if busy > 0.0 { (self.bytes / busy / self.line_rate.bytes_per_second()).min(1.0) } else { 1.0 }
    }
}

/// Time added to the end of every message.
#[derive(Clone, Copy, Debug)]
pub struct Correction {
    /// The time to add.
    pub added: fn(&Circumstances) -> Time,
    /// What it rests on and how far off it is; the outcome says so.
    pub basis: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_a_few_products() {
        // A permutation of 2 MB messages at 400 Gb/s over 6 us one way; 2 · 6 us · 50e9 B/s = 600 kB.
        let line_rate = Rate::gbps(400.0).expect("positive");
        let one = Circumstances { bytes: 2e6, delay: Time::us(6), line_rate, span: Time::us(46) };
        assert!((one.bandwidth_delay() - 600_000.0).abs() < 1e-6);
        assert!((one.share() - 1.0).abs() < 1e-12);
        assert!((Circumstances { span: Time::us(86), ..one }.share() - 0.5).abs() < 1e-12);
    }
}
