//! When tasks begin and end.

use super::accept::{CREDIT_START, packets_of};
use super::control::Control;
use super::credit::first_credit;
use super::engine::Engine;
use super::event::Kind;
use super::port::Port;
use super::random::Chance;
use super::sender::Sender;
use super::settings::Transport;
use super::spray::Spray;
use crate::network::EndpointId;
use crate::time::Time;
use crate::traffic::{TaskId, When, Work};

impl Engine<'_> {
    /// A task begins.
    pub(super) fn begin(&mut self, task: u32) {
        let scene = self.scene;
        self.finishes[task as usize].start = Time(self.clock());
        match scene.traffic.tasks[task as usize].work {
            Work::Delay { time, .. } => self.push(self.now.saturating_add(time.0), Kind::Elapsed, task, 0),
            Work::InNetwork { group, bytes } => self.begin_in_network(task, group, bytes),
            Work::Message { .. } if self.ring(task) => {}
            Work::Message { .. } => self.begin_sending(task),
        }
    }

    /// A message goes to its link.
    pub(super) fn begin_sending(&mut self, task: u32) {
        if let Work::Message { from, to, bytes } = self.scene.traffic.tasks[task as usize].work {
            self.begin_message(task, from, to, bytes);
        }
    }

    fn begin_message(&mut self, task: u32, from: EndpointId, to: EndpointId, bytes: u64) {
        let scene = self.scene;
        let params = &scene.params;
        let Some(edge) = self.link_for(from, to, task) else { return };
        let Some(packets) = packets_of(bytes, params.mss) else { return };
        let last_size = (bytes - u64::from(packets - 1) * u64::from(params.mss)) as u32 + params.header;
        let settings = scene.settings;
        let choices = self.routes.choices(scene.network, scene.network.node_of(from), to);
        let links = if scene.side_by_side { choices.len() } else { 1 };
        let rate = rate_of(&self.ports[edge as usize]) * links as f64;
        let control = Control::new(settings, params, rate, self.hops(from, to));
        let spray = Spray::new(settings.balancer, params.paths, Chance::new(settings.seed, 2, task));
        let sender = Sender {
            to: to.0,
            edge,
            packets,
            last_size,
            trusting: !params.pull,
            credit: if params.pull {
                i64::from(params.first_window) * i64::from(params.mtu)
            } else {
                first_credit(params)
            },
            granted: CREDIT_START,
            ..Sender::new(control, spray)
        };
        self.senders.insert(task, sender);
        if let Some(journey) = self.journey.as_deref_mut() {
            journey.begins(task);
        }
        self.try_send(task);
    }

    /// Edges on a shortest way, where the congestion control asks.
    fn hops(&self, from: EndpointId, to: EndpointId) -> u32 {
        let (network, mut node, mut hops) = (self.scene.network, self.scene.network.node_of(from), 0);
        if self.scene.settings.transport != Transport::Swift {
            return 0;
        }
        // No shortest way has more edges than there are nodes.
        while node != network.node_of(to) && (hops as usize) < network.nodes.len() {
            let Some(edge) = self.routes.choices(network, node, to).first() else { break };
            node = network.edge(*edge).to;
            hops += 1;
        }
        hops
    }

    /// A delay is over.
    pub(super) fn elapsed(&mut self, task: u32) {
        let now = Time(self.clock());
        let finish = &mut self.finishes[task as usize];
        finish.delivered = now;
        finish.acknowledged = now;
        self.done += 1;
        self.release(TaskId(task), When::Delivered);
        self.release(TaskId(task), When::Acknowledged);
    }

    /// A sender knows that its message has arrived.
    pub(super) fn message_acknowledged(&mut self, task: u32) {
        self.finishes[task as usize].acknowledged = Time(self.clock());
        if let Some(journey) = self.journey.as_deref_mut() {
            journey.ends(task);
        }
        self.senders.remove(task);
        self.done += 1;
        self.free_queue_pair(task);
        self.release(TaskId(task), When::Acknowledged);
    }

    /// Lets those go on that waited for this.
    pub(super) fn release(&mut self, task: TaskId, when: When) {
        let traffic = self.scene.traffic;
        for follower in traffic.followers_of(task).iter().filter(|follower| follower.when == when) {
            let waits = &mut self.waits[follower.task.index()];
            *waits -= 1;
            if *waits == 0 {
                let earliest = traffic.tasks[follower.task.index()].not_before.0;
                let at = earliest.saturating_sub(self.ahead).max(self.now);
                self.push(at, Kind::Start, follower.task.0, 0);
            }
        }
    }

    /// The endpoint where a message goes.
    pub(super) fn receiver_of(&self, task: u32) -> Option<u32> {
        match self.scene.traffic.tasks[task as usize].work {
            Work::Message { to, .. } => Some(to.0),
            Work::InNetwork { .. } | Work::Delay { .. } => None,
        }
    }
}

/// Bytes per second of a port.
fn rate_of(port: &Port) -> f64 {
    65_536e12 / port.per_byte as f64
}
