//! Senders that hold packets back until they are due.

use super::engine::Engine;
use super::event::Kind;

impl Engine<'_> {
    /// Whether a flow's next packet is due; if not, it will be looked at when it is.
    pub(super) fn is_due(&mut self, flow: u32) -> bool {
        let now = self.now;
        let Some(sender) = self.senders.get_mut(flow) else { return false };
        let due = sender.control.due();
        if due <= now {
            return true;
        }
        if !sender.pacing {
            sender.pacing = true;
            self.push(due, Kind::Pace, flow, 0);
        }
        false
    }

    /// A packet is due, or was to be before the rate changed.
    pub(super) fn pace(&mut self, flow: u32) {
        if let Some(sender) = self.senders.get_mut(flow) {
            sender.pacing = false;
            self.try_send(flow);
        }
    }
}
