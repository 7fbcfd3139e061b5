//! What goes wrong, and when.

use serde::Serialize;

use crate::network::{EdgeId, NodeId};
use crate::time::Time;

/// A change of the network's state at a time. Faults on an edge act on that direction alone: to take a link down, name
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Change {
    /// The edge carries nothing; what is on it is lost.
    Down {
        /// Which.
        edge: EdgeId,
    },
    /// The edge carries again, after whatever training took.
    Up {
        /// Which.
        edge: EdgeId,
    },
    /// The edge sends at a share of its rate: lanes lost (1/2, 1/4), a slow link.
    Rate {
        /// Which.
        edge: EdgeId,
        /// Share of the healthy rate, above 0 and at most 1.
        share: f64,
    },
    /// Bits behind error correction arrive wrong with this probability.
    BitErrors {
        /// Which.
        edge: EdgeId,
        /// Residual bit error ratio, 0 to 0.5.
        ratio: f64,
        /// Mean bits wrong per error event, at least 1: errors in bursts spoil fewer packets than as many single ones.
        burst: f64,
    },
    /// A switch, NIC or accelerator stops.
    NodeDown {
        /// Which.
        node: NodeId,
    },
    /// It comes back.
    NodeUp {
        /// Which.
        node: NodeId,
    },
}

/// A change and its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fault {
    /// When.
    pub at: Time,
    /// What.
    pub change: Change,
}

/// Changes over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// Changes in order of time; those of one time act in the order given.
    pub faults: Vec<Fault>,
    /// Time from a failure to routes that avoid it. Until then packets into a dead edge are lost.
    pub reconvergence: Time,
}

impl Timeline {
    /// Brings the changes into order of time.
    pub fn sorted(mut self) -> Self {
        self.faults.sort_by_key(|fault| fault.at);
        self
    }
}
