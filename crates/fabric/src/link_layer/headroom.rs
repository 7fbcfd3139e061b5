//! Headroom of a pause: what still arrives after a receiver has asked for silence.

use crate::time::{Rate, Time};

/// A hop on which a receiver pauses its sender (IEEE 802.1Qbb; its worst case is reckoned as in Annex O there).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PauseHop {
    /// Rate of the direction that is paused, and of the one that carries the pause.
    pub rate: Rate,
    /// See `rate`.
    pub back_rate: Rate,
    /// From a last bit's departure to its count in the receiver's buffer: the link's delay and the switch's latency.
    pub delay: Time,
    /// Delay of the way back.
    pub back_delay: Time,
    /// From the pause's arrival to its effect.
    pub reaction: Time,
    /// Largest frame on the wire of both directions, bytes, with whatever framing counts.
    pub frame: u32,
    /// The pause on the wire, bytes.
    pub pause: u32,
    /// Bytes that such a frame takes in the buffer.
    pub stored: u32,
}

impl PauseHop {
    /// Most frames that need room beyond the threshold.
    ///
    /// One triggers the pause. The pause then waits for a frame that has just begun on the way back, is sent, travels and
    /// takes effect; frames that end after the trigger's end or begin before the effect arrive nonetheless. They follow each
    /// other without gaps, so between the trigger's end (a delay ago) and the effect
    /// `delay + frame + pause + back_delay + reaction` pass, in which that many frames *begin*; the one under way at the
    /// effect ends, which is the rounding up.
    pub fn frames(&self) -> u64 {
        let waits = self.back_rate.serialise(u64::from(self.frame)) + self.back_rate.serialise(u64::from(self.pause));
        let span = self.delay + waits + self.back_delay + self.reaction;
        let frame = self.rate.serialise(u64::from(self.frame)).0.max(1);
        // A frame that would begin at the very moment of the effect begins.
        1 + span.0 / frame + 1
    }

    /// Bytes of headroom per paused class so that no frame is lost.
    pub fn bytes(&self) -> u64 {
        self.frames() * u64::from(self.stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_delay_and_two_frames() {
        let rate = Rate::gbps(400.0).expect("positive");
        let hop = PauseHop {
            rate,
            back_rate: rate,
            delay: Time::ns(500),
            back_delay: Time::ns(500),
            reaction: Time::ZERO,
            frame: 4150,
            pause: 84,
            stored: 4150,
        };
        // 1 us are 12.05 frames of 83 ns; one waits, the pause is 0.02: 13.07 begin, so 14, and the trigger.
        assert_eq!(hop.frames(), 15);
        // The rule of thumb: 2 delays times the rate, two frames, the pause; rounded up to frames.
        let rule = 2.0 * 500e-9 * 50e9 + 2.0 * 4150.0 + 84.0;
        assert!(hop.bytes() as f64 >= rule && (hop.bytes() as f64) < rule + 2.0 * 4150.0);
    }
}
