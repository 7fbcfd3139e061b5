//! What timed faults do to ports.

use super::engine::{Engine, per_byte};
use crate::fault::Change;
use crate::network::NodeId;

impl Engine<'_> {
    /// A fault acts.
    pub(super) fn fault(&mut self, at: u32) {
        let scene = self.scene;
        let now = self.clock();
        if let Some(journey) = self.journey.as_deref_mut() {
            journey.disturbs(now);
        }
        if let Some(number) = (at as usize).checked_sub(scene.faults.faults.len()) {
            self.reroute(number);
            return;
        }
        match scene.faults.faults[at as usize].change {
            Change::Down { edge } => self.switch_edge(edge.0, true),
            Change::Up { edge } => self.switch_edge(edge.0, false),
            Change::Rate { edge, share } => {
                let usable = self.layered.as_deref().map_or(1.0, |layered| layered.links[edge.index()].usable);
                let rate = scene.network.edge(edge).rate.share(share * usable);
                self.ports[edge.index()].per_byte = per_byte(rate.bits());
            }
            Change::NodeDown { node } => self.switch_node(node, true),
            Change::NodeUp { node } => self.switch_node(node, false),
            Change::BitErrors { edge, ratio, burst } => {
                let link = self.layered.as_deref_mut().and_then(|layered| layered.links.get_mut(edge.index()));
                if let Some(errors) = link.and_then(|link| link.errors.as_deref_mut()) {
                    errors.set_bit_errors(ratio, burst);
                }
            }
        }
    }

    fn switch_edge(&mut self, edge: u32, down: bool) {
        if down {
            self.goes_down(edge);
        } else {
            self.comes_up(edge);
        }
    }

    fn switch_node(&mut self, node: NodeId, down: bool) {
        for edge in self.scene.network.out(node) {
            self.switch_edge(edge.0, down);
            self.switch_edge(edge.reverse().0, down);
        }
    }
}
