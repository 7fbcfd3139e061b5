//! When tasks begin and end.

use super::accept::{CREDIT_START, packets_of};
use super::credit::first_credit;
use super::engine::Engine;
use super::event::Kind;
use super::nscc::Nscc;
use super::port::Port;
use super::random::Chance;
use super::sender::{Sender, Window};
use super::spray::Spray;
use crate::network::EndpointId;
use crate::time::Time;
use crate::traffic::{TaskId, When, Work};

impl Engine<'_> {
    /// A task begins.
    pub(super) fn begin(&mut self, task: u32) {
        let scene = self.scene;
        self.finishes[task as usize].start = Time(self.now);
        match scene.traffic.tasks[task as usize].work {
            Work::Delay { time, .. } => self.push(self.now.saturating_add(time.0), Kind::Elapsed, task, 0),
            // Said in the outcome's notes.
            Work::InNetwork { .. } => {}
            Work::Message { from, to, bytes } => self.begin_message(task, from, to, bytes),
        }
    }

    fn begin_message(&mut self, task: u32, from: EndpointId, to: EndpointId, bytes: u64) {
        let scene = self.scene;
        let params = &scene.params;
        let Some(edge) = self.link_for(from, to, task) else { return };
        let Some(packets) = packets_of(bytes, params.mss) else { return };
        let last_size = (bytes - u64::from(packets - 1) * u64::from(params.mss)) as u32 + params.header;
        let settings = scene.settings;
        let sender = Sender {
            to: to.0,
            edge,
            packets,
            last_size,
            blocked: false,
            timer: false,
            trusting: true,
            window: Window::default(),
            again: 0,
            again_bytes: 0,
            again_from: 0,
            in_flight: 0,
            received: 0,
            credit: first_credit(params),
            granted: CREDIT_START,
            asked: 0,
            spray: Spray::new(settings.balancer, params.paths, Chance::new(settings.seed, 2, task)),
            control: Nscc::new(&params.nscc, rate_of(&self.ports[edge as usize])),
        };
        self.senders.insert(task, sender);
        self.try_send(task);
    }

    /// A delay is over.
    pub(super) fn elapsed(&mut self, task: u32) {
        let finish = &mut self.finishes[task as usize];
        finish.delivered = Time(self.now);
        finish.acknowledged = Time(self.now);
        self.done += 1;
        self.release(TaskId(task), When::Delivered);
        self.release(TaskId(task), When::Acknowledged);
    }

    /// A sender knows that its message has arrived.
    pub(super) fn message_acknowledged(&mut self, task: u32) {
        self.finishes[task as usize].acknowledged = Time(self.now);
        self.senders.remove(task);
        self.done += 1;
        self.release(TaskId(task), When::Acknowledged);
    }

    /// Lets those go on that waited for this.
    pub(super) fn release(&mut self, task: TaskId, when: When) {
        let traffic = self.scene.traffic;
        for follower in traffic.followers_of(task).iter().filter(|follower| follower.when == when) {
            let waits = &mut self.waits[follower.task.index()];
            *waits -= 1;
            if *waits == 0 {
                let at = traffic.tasks[follower.task.index()].not_before.0.max(self.now);
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
