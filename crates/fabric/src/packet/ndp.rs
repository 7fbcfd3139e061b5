//! NDP: the first window at line rate, then one packet for every pull that the receiver's pacer lets go.
//!
//! Source: Handley et al., "Re-architecting datacenter networks and stacks for low latency and high performance", SIGCOMM
//! 2017, section 3 (certain): trimming switches, a NACK for every trimmed packet, which the sender sends again when pulled,
//! packets sprayed. Every packet or header that arrives earns its sender a pull; one queue of pulls per endpoint, served in
//! turns among flows, one per packet time of its link. Receivers know a message's length here, so that no pull is sent that
//! the sender has no packet for: in the paper such pulls are taken out when the last packet comes. Pulls count, so that a
//! lost one is made up for by the next.

use std::collections::VecDeque;

use super::engine::Engine;
use super::event::Kind;
use super::pool::{Form, NONE, Packet};
use super::settings::{Params, Settings};

/// Who waits for an endpoint's pulls.
#[derive(Clone, Debug, Default)]
pub(super) struct Puller {
    flows: VecDeque<u32>,
    /// A pull event is under way: the last pull was less than a packet time ago.
    active: bool,
}

/// Entropies that pulls go round, as grants do.
const ENTROPIES: u16 = 128;

/// First window in packets: as set, else what fills the longest way.
pub(super) fn first_window(settings: &Settings, params: &Params) -> u32 {
    let bdp = params.rtt as f64 * 1e-12 * params.host_rate;
    settings.initial_window.unwrap_or((bdp / f64::from(params.mtu)).ceil() as u32).max(1)
}

impl Engine<'_> {
    /// Something of a flow arrived: it has earned a pull. `again`: what it asks for beyond the message itself.
    pub(super) fn owe_pull(&mut self, flow: u32, again: bool) {
        let first = self.scene.params.first_window;
        let Some(receiver) = self.receivers.get_mut(flow) else { return };
        receiver.repeats += u32::from(again);
        // All but the first window and whatever must come again is to be pulled, and no more.
        let most = receiver.packets.saturating_sub(first).saturating_add(receiver.repeats);
        if receiver.wished - receiver.first_grant >= most {
            return;
        }
        receiver.wished += 1;
        if receiver.queued {
            return;
        }
        receiver.queued = true;
        let Some(to) = self.receiver_of(flow) else { return };
        let puller = &mut self.pullers[to as usize];
        puller.flows.push_back(flow);
        if !puller.active {
            puller.active = true;
            self.push(self.now, Kind::Grant, to, 0);
        }
    }

    /// An endpoint may pull again.
    pub(super) fn pull(&mut self, endpoint: u32) {
        let (header, mtu) = (self.scene.params.header as u16, self.scene.params.mtu);
        while let Some(flow) = self.pullers[endpoint as usize].flows.pop_front() {
            // It may be complete by now.
            let Some(receiver) = self.receivers.get_mut(flow) else { continue };
            receiver.granted += 1;
            receiver.queued = receiver.granted < receiver.wished;
            receiver.pulls = (receiver.pulls + 1) % ENTROPIES;
            let edge = receiver.edge;
            let packet = Packet {
                flow,
                to: receiver.from,
                next: NONE,
                sum: receiver.granted,
                size: header,
                entropy: receiver.pulls,
                form: Form::Pull,
                ..Packet::default()
            };
            if receiver.queued {
                self.pullers[endpoint as usize].flows.push_back(flow);
            }
            let packet = self.pool.add(packet);
            self.send_header(edge, packet);
            let time = self.ports[edge as usize].serialise(mtu);
            self.push(self.now + time.max(1), Kind::Grant, endpoint, 0);
            return;
        }
        self.pullers[endpoint as usize].active = false;
    }

    /// A sender is pulled.
    pub(super) fn pulled(&mut self, flow: u32, packet: u32) {
        let mtu = i64::from(self.scene.params.mtu);
        let granted = self.pool[packet].sum;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        if granted > sender.granted {
            sender.credit += i64::from(granted - sender.granted) * mtu;
            sender.granted = granted;
        }
        self.try_send(flow);
    }
}
