//! What an endpoint does with packets that arrive.

use super::engine::Engine;
use super::pool::{Form, flag};
use super::receiver::{PROMISED, Receiver};
use crate::network::{EndpointId, NodeId};
use crate::traffic::{TaskId, Work};

/// Credit counters begin here, so that they never fall below zero, in units of 256 bytes.
pub(super) const CREDIT_START: u32 = 1 << 24;

impl Engine<'_> {
    /// A packet is at its endpoint.
    #[inline]
    pub(super) fn deliver(&mut self, packet: u32) {
        #[cfg(test)]
        self.delivered.push(self.pool[packet]);
        match self.pool[packet].form {
            Form::Data if self.pool[packet].flags & flag::TRIMMED != 0 => self.take_trimmed(packet),
            Form::Data => self.take(packet),
            Form::Request => self.take_request(packet),
            Form::Ack | Form::Nack | Form::Pull | Form::Cnp => self.heard(packet),
        }
    }

    /// Makes sure that a message has a receiver; no longer if it is over.
    pub(super) fn open_receiver(&mut self, flow: u32) -> bool {
        self.receiver(flow).is_some()
    }

    fn receiver(&mut self, flow: u32) -> Option<&mut Receiver> {
        if self.receivers.is_over(flow) {
            return None;
        }
        if self.receivers.get_mut(flow).is_none() {
            let Work::Message { from, to, bytes } = self.scene.traffic.tasks[flow as usize].work else { return None };
            let edge = self.link_for(to, from, flow)?;
            let packets = packets_of(bytes, self.scene.params.mss)?;
            self.receivers.insert(flow, Receiver::new(from.0, edge, packets, CREDIT_START));
        }
        self.receivers.get_mut(flow)
    }

    /// The link by which an endpoint sends what belongs to a message.
    pub(super) fn link_for(&self, at: EndpointId, to: EndpointId, flow: u32) -> Option<u32> {
        let scene = self.scene;
        let node: NodeId = scene.network.node_of(at);
        let choices = self.routes.choices(scene.network, node, to);
        choices.get(flow as usize % choices.len().max(1)).map(|edge| edge.0)
    }

    fn take(&mut self, packet: u32) {
        let seen = self.pool[packet];
        let flow = seen.flow;
        let marked = seen.flags & flag::MARKED != 0;
        let prompt = seen.flags & flag::PROMPT != 0;
        if self.scene.params.credit {
            self.wish(flow, seen.sum);
        }
        let params = &self.scene.params;
        if self.receiver(flow).is_some() {
            if params.notify && marked {
                self.notify(flow);
            }
            if params.go_back && self.refuse(packet) {
                return;
            }
        }
        let Some(receiver) = self.receiver(flow) else {
            self.answer_late(packet);
            return;
        };
        // RoCE's receivers tell of marks in packets of their own.
        let marked = marked && !params.notify;
        // A gap is told at once.
        let gap = params.gaps && seen.seq != receiver.expected;
        let promised = if params.acknowledge_all || gap { 0 } else { PROMISED };
        let size = u32::from(seen.size);
        receiver.unacknowledged += size;
        let (due, exact) = if receiver.has(seen.seq) {
            (true, marked)
        } else {
            (receiver.take(seen.seq, size, prompt, marked, promised), marked || prompt)
        };
        let all = receiver.expected == receiver.packets;
        if params.pull && !all {
            self.owe_pull(flow, false);
        }
        let posted = params.posted;
        if due && !posted {
            if let Some(receiver) = self.receivers.get_mut(flow) {
                receiver.unacknowledged = 0;
            }
            self.answer(packet, exact);
        } else {
            self.pool.remove(packet);
        }
        if all {
            self.message_delivered(flow);
            if posted {
                self.message_acknowledged(flow);
            }
        }
    }

    fn take_trimmed(&mut self, packet: u32) {
        let seen = self.pool[packet];
        let flow = seen.flow;
        let Some(receiver) = self.receiver(flow) else {
            self.answer_late(packet);
            return;
        };
        if receiver.has(seen.seq) {
            self.pool[packet].flags &= !flag::MARKED;
            self.answer(packet, false);
            return;
        }
        let (from, edge) = (receiver.from, receiver.edge);
        if self.scene.params.go_back && self.refuse(packet) {
            return;
        }
        if self.scene.params.pull {
            self.owe_pull(flow, true);
        }
        if self.scene.params.credit {
            self.wish(flow, seen.sum);
            self.queue_for_credit(flow);
        }
        let seen = &mut self.pool[packet];
        seen.form = Form::Nack;
        seen.to = from;
        seen.flags &= flag::MARKED | flag::LAST_HOP;
        self.send_header(edge, packet);
    }

    fn take_request(&mut self, packet: u32) {
        let flow = self.pool[packet].flow;
        if self.receiver(flow).is_none() {
            self.answer_late(packet);
            return;
        }
        if self.scene.params.credit {
            let wished = self.pool[packet].sum;
            self.wish(flow, wished);
            self.queue_for_credit(flow);
        }
        if self.scene.params.pull {
            self.owe_pull(flow, true);
        }
        self.pool[packet].flags |= flag::OF_REQUEST;
        self.answer(packet, false);
    }

    /// Turns a packet into its acknowledgement and sends it back.
    fn answer(&mut self, packet: u32, exact: bool) {
        let header = self.scene.params.header as u16;
        let seen = self.pool[packet];
        let Some(receiver) = self.receivers.get_mut(seen.flow) else { return };
        let base = if exact { seen.seq } else { Receiver::base_for(seen.seq, receiver.expected) };
        let map = receiver.map(base);
        let (sum, received, from, edge) = (receiver.expected, receiver.received, receiver.from, receiver.edge);
        let seen = &mut self.pool[packet];
        seen.form = Form::Ack;
        seen.sum = sum;
        seen.received = received;
        seen.to = from;
        seen.size = header;
        seen.flags &= flag::MARKED | flag::AGAIN | flag::OF_REQUEST;
        if exact {
            seen.flags |= flag::EXACT;
        }
        self.pool.set_map(packet, map);
        self.send_header(edge, packet);
    }

    /// Answers for a message that was received long ago: its last acknowledgement may have been lost.
    fn answer_late(&mut self, packet: u32) {
        let flow = self.pool[packet].flow;
        let Work::Message { from, to, bytes } = self.scene.traffic.tasks[flow as usize].work else {
            self.pool.remove(packet);
            return;
        };
        let params = &self.scene.params;
        let (header, packets) = (params.header as u16, packets_of(bytes, params.mss).unwrap_or(u32::MAX));
        let left_out = self.journey.as_deref().and_then(|journey| journey.left_out.get(&flow)).copied().unwrap_or(0);
        let Some(edge) = self.link_for(to, from, flow) else {
            self.pool.remove(packet);
            return;
        };
        let wire = bytes + u64::from(packets) * u64::from(params.header);
        // As the sender counts: what was skipped was never sent.
        let (packets, wire) = (packets - left_out, wire - u64::from(left_out) * u64::from(params.mtu));
        let seen = &mut self.pool[packet];
        seen.form = Form::Ack;
        seen.sum = packets;
        seen.received = wire as u32;
        seen.to = from.0;
        seen.size = header;
        seen.flags &= flag::AGAIN;
        self.pool.set_map(packet, 0);
        self.send_header(edge, packet);
    }

    /// The receiver has everything.
    fn message_delivered(&mut self, flow: u32) {
        let now = crate::time::Time(self.clock());
        let finish = &mut self.finishes[flow as usize];
        if finish.delivered != crate::time::Time::NEVER {
            return;
        }
        finish.delivered = now;
        // Receivers that grant credit may still stand in queues.
        if !self.scene.params.credit {
            self.receivers.remove(flow);
        }
        self.release(TaskId(flow), crate::traffic::When::Delivered);
    }
}

/// Packets of a message. `None` when there are too many to count.
pub(super) fn packets_of(bytes: u64, mss: u32) -> Option<u32> {
    u32::try_from(bytes.div_ceil(u64::from(mss))).ok().filter(|packets| *packets < u32::MAX - 128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Timeline;
    use crate::network::LinkLayer;
    use crate::network::fat_tree::{FatTree, Links};
    use crate::outcome::Unobserved;
    use crate::packet::engine::Scene;
    use crate::packet::settings::Settings;
    use crate::route::Routes;
    use crate::time::{Rate, Time};
    use crate::traffic::Builder;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// What one message sends by one entropy takes one path; in one class none overtakes another on it.
        #[test]
        fn packets_of_one_path_and_class_keep_their_order(
            list in prop::collection::vec((0u32..16, 0u32..16, 1u64..400_000), 1..30),
            queue in 2u32..80,
            paths in 0u32..6,
        ) {
            let rate = Rate::gbps(100.0).expect("positive");
            let links =
                Links { rate, delay: Time::us(1), switch_latency: Time::ZERO, layer: LinkLayer::Ethernet };
            let network = FatTree::balanced(16, 3).expect("a balanced size").build(&links);
            let routes = Routes::new(&network).expect("connected");
            let mut builder = Builder::default();
            for (from, to, bytes) in list.into_iter().filter(|(from, to, _)| from != to) {
                builder.message(EndpointId(from), EndpointId(to), bytes);
            }
            let traffic = builder.build();
            let settings = Settings { queue_packets: Some(queue), paths: 1 << paths, ..Settings::default() };
            let faults = Timeline::default();
            let scene = Scene::new(&network, &routes, &traffic, &faults, &settings);
            let mut engine = Engine::new(&scene);
            engine.prime(|_| true, true);
            prop_assert!(engine.run_before(u64::MAX, &mut Unobserved).is_continue());
            let (mut data, mut answers) = (HashMap::new(), HashMap::new());
            for packet in &engine.delivered {
                let path = (packet.flow, packet.entropy);
                match packet.form {
                    Form::Data if packet.flags & (flag::AGAIN | flag::TRIMMED) == 0 => {
                        let before = data.insert(path, packet.seq);
                        prop_assert!(before.is_none_or(|before| before < packet.seq), "{before:?} before {packet:?}");
                    }
                    Form::Ack => {
                        let before = answers.insert(path, packet.received);
                        prop_assert!(before.is_none_or(|before| before <= packet.received));
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(traffic.tasks.is_empty(), data.is_empty());
        }
    }
}
