//! What a NIC takes before a message is on its way: the doorbell, a free queue pair, its turn among messages per second.
//!
//! A message that begins rings the doorbell; the NIC knows of it a while later. It then needs a queue pair, which messages
//! keep until they are acknowledged (others wait in the order in which they rang), and its turn, since a NIC begins only so
//! many messages in a second. Links of scale-up fabrics have none of this: loads and stores go out as they come.

use std::collections::VecDeque;

use serde::Serialize;

use super::engine::{Engine, Scene};
use super::event::Kind;
use super::pool::NONE;
use crate::time::Time;
use crate::traffic::Work;

/// Limits of every NIC, that is of every link by which an endpoint sends messages. Default: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct NicSettings {
    /// From the beginning of a message to the NIC's knowledge of it: doorbell, fetch of the work request and first read of
    /// the data.
    pub doorbell: Time,
    /// Messages that may be under way at once, from the doorbell to the acknowledgement.
    pub queue_pairs: Option<u32>,
    /// Least time from the beginning of one message to that of the next: one over the message rate.
    pub spacing: Time,
}

impl NicSettings {
    /// Whether there is any limit.
    pub fn limits(&self) -> bool {
        self.doorbell > Time::ZERO || self.queue_pairs.is_some() || self.spacing > Time::ZERO
    }
}

/// Messages at one NIC.
#[derive(Clone, Debug, Default)]
pub(super) struct Doorbell {
    /// Messages that hold a queue pair.
    held: u32,
    /// Messages that wait for one.
    waiting: VecDeque<u32>,
    /// When the next may begin, ps.
    free_at: u64,
}

/// Stages of a message at its NIC: what a [`Kind::Post`] event carries.
const RUNG: u32 = 0;
const TURN: u32 = 1;

/// One per link of endpoints; none without limits.
pub(super) fn doorbells(scene: &Scene<'_>) -> Vec<Doorbell> {
    let links = scene.nic_of.iter().filter(|link| **link != NONE).count();
    vec![Doorbell::default(); if scene.settings.nic.limits() { links } else { 0 }]
}

impl Engine<'_> {
    /// The NIC of a message, if it has limits.
    fn nic_with_limits(&self, task: u32) -> Option<usize> {
        if self.doorbells.is_empty() {
            return None;
        }
        let Work::Message { from, to, .. } = self.scene.traffic.tasks[task as usize].work else { return None };
        // By the routes of the whole network: a message keeps its NIC though routes change on the way.
        let choices = self.scene.routes.choices(self.scene.network, self.scene.network.node_of(from), to);
        let edge = choices.get(task as usize % choices.len().max(1))?.index();
        let scale_up = self.scene.network.edges[edge].layer.is_scale_up();
        (!scale_up && self.scene.nic_of[edge] != NONE).then(|| self.scene.nic_of[edge] as usize)
    }

    /// Whether a message that begins now has to pass its NIC first.
    pub(super) fn ring(&mut self, task: u32) -> bool {
        let rings = self.nic_with_limits(task).is_some();
        if rings {
            self.push(self.now.saturating_add(self.scene.settings.nic.doorbell.0), Kind::Post, task, RUNG);
        }
        rings
    }

    /// A message is a stage further at its NIC.
    pub(super) fn post(&mut self, task: u32, stage: u32) {
        if stage == RUNG
            && let Some(nic) = self.nic_with_limits(task)
        {
            let doorbell = &mut self.doorbells[nic];
            if self.scene.settings.nic.queue_pairs.is_some_and(|most| doorbell.held >= most) {
                doorbell.waiting.push_back(task);
            } else {
                self.take_turn(nic, task);
            }
            return;
        }
        self.begin_sending(task);
    }

    /// A message with a queue pair begins when it is its turn.
    fn take_turn(&mut self, nic: usize, task: u32) {
        let doorbell = &mut self.doorbells[nic];
        doorbell.held += 1;
        let at = doorbell.free_at.max(self.now);
        doorbell.free_at = at.saturating_add(self.scene.settings.nic.spacing.0);
        self.push(at, Kind::Post, task, TURN);
    }

    /// A message is acknowledged: its queue pair goes to the next.
    pub(super) fn free_queue_pair(&mut self, task: u32) {
        let Some(nic) = self.nic_with_limits(task) else { return };
        let doorbell = &mut self.doorbells[nic];
        doorbell.held = doorbell.held.saturating_sub(1);
        if let Some(next) = doorbell.waiting.pop_front() {
            self.take_turn(nic, next);
        }
    }
}
