//! What timed faults do to ports.

use super::engine::{Engine, per_byte};
use super::port::state;
use crate::fault::Change;
use crate::network::NodeId;

impl Engine<'_> {
    /// A fault acts.
    pub(super) fn fault(&mut self, at: u32) {
        let scene = self.scene;
        if let Some(number) = (at as usize).checked_sub(scene.faults.faults.len()) {
            self.reroute(number);
            return;
        }
        match scene.faults.faults[at as usize].change {
            Change::Down { edge } => self.switch_edge(edge.0, true),
            Change::Up { edge } => self.switch_edge(edge.0, false),
            Change::Rate { edge, share } => {
                let rate = scene.network.edge(edge).rate.share(share);
                self.ports[edge.index()].per_byte = per_byte(rate.bits());
            }
            Change::NodeDown { node } => self.switch_node(node, true),
            Change::NodeUp { node } => self.switch_node(node, false),
            // Said in the outcome's notes.
            Change::BitErrors { .. } => {}
        }
    }

    fn switch_edge(&mut self, edge: u32, down: bool) {
        let port = &mut self.ports[edge as usize];
        port.state = port.state & !state::DOWN | if down { state::DOWN } else { 0 };
    }

    fn switch_node(&mut self, node: NodeId, down: bool) {
        for edge in self.scene.network.out(node) {
            self.switch_edge(edge.0, down);
            self.switch_edge(edge.reverse().0, down);
        }
    }
}
