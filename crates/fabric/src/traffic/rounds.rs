//! Traffic in rounds: every endpoint sends what a round asks of it when all that earlier rounds sent to it has arrived.
//!
//! That is how collectives of many steps work, and it needs no list of messages: a ring all-reduce over 16,384 servers has
//! 4 billion of them, and one round that comes back 32,766 times.

use crate::network::EndpointId;

/// A message of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// Who sends: place in the group.
    pub from: u32,
    /// Who receives; not the sender.
    pub to: u32,
    /// Payload in bytes, at least 1.
    pub bytes: u64,
}

/// A round, several times over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Groups that do the same, each within itself: indices into [`Rounds::members`], as many in each.
    pub groups: Vec<Vec<u32>>,
    /// What is sent within each group in each round.
    pub sends: Vec<Send>,
    /// Number of rounds.
    pub times: u64,
}

/// Traffic in rounds. A member begins a round when it has begun the one before and has received all that earlier rounds
/// sent to it; all its messages of a round start then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// Who takes part.
    pub members: Vec<EndpointId>,
    /// What is done, one after another.
    pub phases: Vec<Phase>,
    /// Whether all members begin a round together: when all that earlier rounds sent has arrived.
    pub lockstep: bool,
    /// Whether messages carry up to a byte more than they would where parts are only nearly equal.
    pub rounded_up: bool,
}

impl Rounds {
    /// Number of messages.
    pub fn messages(&self) -> u64 {
        let once = |phase: &Phase| (phase.sends.len() as u64).saturating_mul(phase.groups.len() as u64);
        let of = |phase: &Phase| once(phase).saturating_mul(phase.times);
        self.phases.iter().map(of).fold(0, u64::saturating_add)
    }
}
