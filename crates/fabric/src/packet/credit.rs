//! Credit from receivers: every endpoint grants, in turns, no more than its link can take in.

use std::collections::VecDeque;

use super::accept::CREDIT_START;
use super::engine::Engine;
use super::event::Kind;
use super::pool::{Form, NONE, Packet};
use super::sender::Sender;

/// Credit is counted in units of so many bytes (a power of two).
const UNIT_SHIFT: u32 = 8;
/// Units in one grant: four packets of 4,096 bytes.
const PER_GRANT: u32 = (4 * 4096) >> UNIT_SHIFT;
/// Share of the link's rate that is granted, so that queues in front of it drain.
const SHARE: f64 = 0.99;
/// Entropies that grants go round.
const ENTROPIES: u16 = 128;

/// Who waits for an endpoint's credit.
#[derive(Clone, Debug, Default)]
pub(super) struct Pacer {
    /// Messages that wish for credit, and those that get some though they do not.
    wishing: VecDeque<u32>,
    idle: VecDeque<u32>,
    active: bool,
}

impl Sender {
    /// The receiver was heard: what was sent on trust is over.
    pub(super) fn stop_trusting(&mut self) {
        if self.trusting {
            self.trusting = false;
            self.credit = self.credit.min(0);
        }
    }
}

impl Engine<'_> {
    /// Credit that a sender would like to have been granted in all, in units.
    pub(super) fn credit_wish(&mut self, flow: u32) -> u32 {
        let params = &self.scene.params;
        let Some(sender) = self.senders.get_mut(flow) else { return CREDIT_START };
        let mut wish = sender.backlog(params.mtu) + sender.again_bytes;
        if params.window {
            wish = wish.min(sender.control.window() + i64::from(params.mtu));
        }
        wish = wish.min(first_credit(params)) - sender.credit;
        if sender.trusting && wish < i64::from(params.mtu) && sender.window.next < sender.packets {
            wish = i64::from(params.mtu);
        }
        let (edge, granted) = (sender.edge, sender.granted);
        let link = self.scene.nic_of[edge as usize];
        let others = self.nics[link as usize].messages.len() as i64;
        if others > 1 {
            wish /= others;
        }
        let unit = 1i64 << UNIT_SHIFT;
        (i64::from(granted) + (wish + unit - 1).div_euclid(unit)).clamp(0, i64::from(u32::MAX)) as u32
    }

    /// A sender hears how much it was granted in all.
    pub(super) fn granted(&mut self, flow: u32, packet: u32) {
        let most = first_credit(&self.scene.params);
        let granted = self.pool[packet].sum;
        let Some(sender) = self.senders.get_mut(flow) else { return };
        sender.stop_trusting();
        if granted > sender.granted {
            sender.credit = (sender.credit + (i64::from(granted - sender.granted) << UNIT_SHIFT)).min(most);
            sender.granted = granted;
        }
        self.try_send(flow);
    }

    /// A receiver hears how much its sender would like.
    pub(super) fn wish(&mut self, flow: u32, wished: u32) {
        let Some(receiver) = self.receivers.get_mut(flow) else {
            // The first packet of the message: the receiver is made with it.
            if !self.receivers.is_over(flow) && self.open_receiver(flow) {
                self.wish(flow, wished);
            }
            return;
        };
        if wished > receiver.wished {
            receiver.wished = wished;
            self.queue_for_credit(flow);
        }
    }

    /// Puts a message into its receiver's queue for credit.
    pub(super) fn queue_for_credit(&mut self, flow: u32) {
        let Some(receiver) = self.receivers.get_mut(flow) else { return };
        if receiver.queued {
            return;
        }
        receiver.queued = true;
        let Some(to) = self.receiver_of(flow) else { return };
        let pacer = &mut self.pacers[to as usize];
        pacer.wishing.push_back(flow);
        if !pacer.active {
            pacer.active = true;
            self.push(self.now, Kind::Grant, to, 0);
        }
    }

    /// An endpoint may grant again.
    pub(super) fn grant(&mut self, endpoint: u32) {
        let window = (first_credit(&self.scene.params) >> UNIT_SHIFT) as u32;
        let header = self.scene.params.header as u16;
        let pacer = &mut self.pacers[endpoint as usize];
        let (flow, wishing) = match (pacer.wishing.pop_front(), pacer.idle.front()) {
            (Some(flow), _) => (flow, true),
            (None, Some(flow)) => (*flow, false),
            (None, None) => {
                pacer.active = false;
                return;
            }
        };
        if !wishing {
            pacer.idle.pop_front();
        }
        let Some(receiver) = self.receivers.get_mut(flow) else { return };
        let before = receiver.granted;
        if wishing {
            // No more than asked for, but never back.
            receiver.granted = (before + PER_GRANT).min(receiver.wished.max(before));
            let more = receiver.wished > receiver.granted;
            if more {
                pacer.wishing.push_back(flow);
            } else {
                receiver.queued = false;
                receiver.idling = true;
                pacer.idle.push_back(flow);
            }
        } else {
            receiver.granted += PER_GRANT;
            let ahead = receiver.granted.saturating_sub(receiver.wished);
            if receiver.granted >= receiver.wished && ahead < window {
                receiver.idling = true;
                pacer.idle.push_back(flow);
            } else {
                receiver.idling = false;
                receiver.queued = false;
            }
        }
        receiver.pulls = (receiver.pulls + 1) % ENTROPIES;
        let (units, edge) = (receiver.granted - before, receiver.edge);
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
        let packet = self.pool.add(packet);
        self.send_header(edge, packet);
        // Some time passes even when nothing was granted.
        let units = if units == 0 { 1024 >> UNIT_SHIFT } else { units };
        let rate = 65_536e12 / self.ports[edge as usize].per_byte as f64 * 1e-12;
        let per_unit = (f64::from(1u32 << UNIT_SHIFT) / rate / SHARE) as u64;
        self.push(self.now + (per_unit * u64::from(units)).max(1), Kind::Grant, endpoint, 0);
    }
}

/// What may be sent on trust, and the most credit that a sender keeps, in bytes.
pub(super) fn first_credit(params: &super::settings::Params) -> i64 {
    (1.5 * (params.rtt as f64 * 1e-12 * params.host_rate).floor()) as i64
}
