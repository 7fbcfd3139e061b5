//! An endpoint's link: messages take turns packet by packet, and acknowledgements go between them.

use std::collections::VecDeque;

/// Of eleven packets of a link on which both wait, one is a payload: headers are small.
const TURNS: u8 = 11;

/// Who waits for an endpoint's link.
#[derive(Clone, Debug, Default)]
pub(super) struct Nic {
    /// Messages, in order of their turns.
    pub(super) messages: VecDeque<u32>,
    /// Headers.
    pub(super) headers: VecDeque<u32>,
    turn: u8,
}

impl Nic {
    /// Whether anything waits.
    #[inline]
    pub(super) fn waits(&self) -> bool {
        !self.messages.is_empty() || !self.headers.is_empty()
    }

    /// Whether it is a header's turn.
    #[inline]
    pub(super) fn header_next(&mut self) -> bool {
        if self.messages.is_empty() || self.headers.is_empty() {
            return self.messages.is_empty();
        }
        self.turn = (self.turn + 1) % TURNS;
        self.turn > 0
    }
}
