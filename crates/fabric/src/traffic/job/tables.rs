//! The traffic file as written: every table with every key, places kept.

use lanewright_model::text::Placed;
use lanewright_model::{record, words};

use super::forms::{Bytes, Ranks};
use crate::collective::{Algorithm, Operation};
use crate::time::Time;
use crate::traffic::flow_sizes::FlowSizes;

words! {
    /// Whom a step waits for.
    pub enum Wait ("way of waiting") {
        /// Every rank waits for what it took part in itself; a rank that took no part waits for all of it.
        Own = "own",
        /// Every rank waits for all of it.
        All = "all",
    }

    /// Who sends to whom.
    pub enum Rule ("pattern") {
        /// Rank i to rank i + `by`, modulo their number (by default half of them).
        Shift = "shift",
        /// Each to one other, each from one other, by chance.
        Permutation = "permutation",
        /// The last `senders` ranks (else all others) to rank `to`.
        Incast = "incast",
        /// Rank `from` to the last `receivers` ranks (else all others).
        Outcast = "outcast",
        /// Each to each.
        AllToAll = "all-to-all",
        /// Each to its next.
        Ring = "ring",
        /// `messages`, senders and receivers by chance.
        Random = "random",
        /// Each once: a `share` of the ranks to rank `to`, the others by chance.
        Hotspot = "hotspot",
        /// At random times that offer a `load` for a `duration`, senders and receivers by chance.
        Poisson = "poisson",
    }

    /// What a memory operation does.
    pub enum Access ("operation") {
        /// The response brings the data.
        Load = "load",
        /// The request brings the data, the response says that they are stored.
        Store = "store",
        /// Both bring them.
        Atomic = "atomic",
    }
}

record! {
    /// The traffic file.
    pub struct JobFile {
        /// What it is, and whose ranks it speaks of.
        job: opt JobTable,
        /// Ranks that go by one name.
        group: list GroupTable,
        /// Steps that begin and end together, and may be repeated.
        phase: list Placed<PhaseTable>,
        /// Messages.
        message: list Placed<MessageTable>,
        /// Messages by a rule.
        pattern: list Placed<PatternTable>,
        /// Collective operations.
        collective: list Placed<CollectiveTable>,
        /// Work of ranks that sends nothing.
        compute: list Placed<ComputeTable>,
        /// Loads, stores and atomic operations on the memory of other ranks.
        memory: list Placed<MemoryTable>,
    }

    /// What the traffic is.
    pub struct JobTable {
        /// Its name in results.
        name: opt String,
        /// In a sentence or two.
        description: opt String,
        /// Number of ranks, from 0 on; else as many as the network has for them.
        ranks: opt Placed<u32>,
        /// Endpoints (accelerators of a system) that the ranks are, in order: "[0-126:2]"; else rank r is endpoint r.
        endpoints: opt Placed<Ranks>,
    }

    /// Ranks that go by one name.
    pub struct GroupTable {
        /// The name, to be written where ranks are.
        id: req Placed<String>,
        /// The ranks, in order.
        ranks: req Placed<Ranks>,
    }
}

/// Keys that every step has.
#[derive(Clone, Debug)]
pub struct Usual {
    /// Name.
    pub id: Option<Placed<String>>,
    /// The phase that it belongs to.
    pub phase: Option<Placed<String>>,
    /// Names of what it waits for.
    pub after: Vec<Placed<String>>,
    /// Whom it waits for.
    pub wait: Wait,
    /// Earliest start.
    pub start: Time,
    /// Time that it waits longer.
    pub delay: Time,
    /// How often.
    pub repeat: Placed<u32>,
    /// Time between repetitions that do not wait for each other.
    pub every: Option<Placed<Time>>,
    /// Done when senders know.
    pub acknowledged: bool,
    /// Priority or virtual lane.
    pub class: Option<Placed<u32>>,
}

/// Declares records of steps: with the keys that all have.
macro_rules! steps {
    ($( $(#[doc = $doc:literal])* pub struct $name:ident { $($own:tt)* } )+) => {
        record! {$(
            $(#[doc = $doc])*
            pub struct $name {
                /// Name for others' `after`, unique in the file.
                id: opt Placed<String>,
                /// The phase that it belongs to; else it stands by itself.
                phase: opt Placed<String>,
                /// Names of steps of the same phase that must be done before.
                after: list Placed<String>,
                /// Whom it waits for: "own" (what each rank itself took part in) or "all".
                wait: opt Wait,
                /// Earliest start in simulated time: "20us"; numbers are microseconds.
                start: or_default Time,
                /// Time that it waits longer, once all before it is done and `start` has come.
                delay: or_default Time,
                /// How often, each time after the time before; patterns by chance are drawn anew.
                repeat: opt Placed<u32>,
                /// Time from one repetition to the next, which then do not wait for each other.
                every: opt Placed<Time>,
                /// Whether its messages are done only when their senders know of it, not on receipt.
                acknowledged: def bool = false,
                /// Priority or virtual lane, 0 to 6; 0 (the ordinary one) by default.
                class: opt Placed<u32>,
                $($own)*
            }
        )+}

        $(impl HasUsual for Placed<$name> {
            fn usual(&self) -> Usual {
                Usual {
                    id: self.id.clone(),
                    phase: self.phase.clone(),
                    after: self.after.clone(),
                    wait: self.wait.unwrap_or(Wait::Own),
                    start: self.start,
                    delay: self.delay,
                    repeat: self.repeat.clone().unwrap_or_else(|| Placed::new(1, self.span)),
                    every: self.every.clone(),
                    acknowledged: self.acknowledged,
                    class: self.class.clone(),
                }
            }
        })+
    };
}

steps! {
    /// Steps that begin and end together. What belongs to it says so by `phase`.
    pub struct PhaseTable {}

    /// Messages: one, or one from each to each where several ranks are named.
    pub struct MessageTable {
        /// Who sends: 3, "[0-7]" or the name of a group.
        from: req Placed<Ranks>,
        /// Who receives; nobody sends to itself.
        to: req Placed<Ranks>,
        /// Payload of each: "2MB", "64KiB" or a number of bytes.
        bytes: req Bytes,
    }

    /// Messages by a rule.
    pub struct PatternTable {
        /// The rule.
        kind: req Placed<Rule>,
        /// Who takes part, in order; else all.
        ranks: opt Placed<Ranks>,
        /// Payload of each message; else from `sizes`.
        bytes: opt Placed<Bytes>,
        /// Published distribution of sizes instead of `bytes`.
        sizes: opt Placed<FlowSizes>,
        /// shift: how far.
        by: opt Placed<u32>,
        /// incast, hotspot: the rank that receives; else the first.
        to: opt Placed<u32>,
        /// outcast: the rank that sends; else the first.
        from: opt Placed<u32>,
        /// incast: how many send, the last of `ranks`; else all others.
        senders: opt Placed<u32>,
        /// outcast: how many receive, the last of `ranks`; else all others.
        receivers: opt Placed<u32>,
        /// random: how many.
        messages: opt Placed<u32>,
        /// hotspot: share of the ranks that send to `to`, 0 to 1.
        share: opt Placed<f64>,
        /// poisson: share of the ranks' sending rate that is offered, above 0.
        load: opt Placed<f64>,
        /// poisson: how long messages start.
        duration: opt Placed<Time>,
        /// Where its chance comes from; else from the seed of the run and the name of the step.
        seed: opt Placed<u32>,
    }

    /// A collective operation.
    pub struct CollectiveTable {
        /// What is done.
        operation: req Placed<Operation>,
        /// How; else the command's choice for the operation.
        algorithm: opt Placed<Algorithm>,
        /// Who takes part, in order of rank; else all.
        ranks: opt Placed<Ranks>,
        /// So many ranks in a row do it among themselves: "[0-31]" within 8 are four collectives.
        within: opt Placed<u32>,
        /// Ranks at the same place of every so many do it among themselves: "[0-31]" across 8 are eight collectives.
        across: opt Placed<u32>,
        /// Bytes as NCCL's tests count them: one rank's buffer of all-reduce and broadcast, the whole of the others.
        bytes: opt Bytes,
        /// all-to-all of unequal parts: bytes from each rank (a row) to each (a column), instead of `bytes`.
        parts: list Vec<u32>,
        /// Pieces that follow each other through it.
        chunks: def u32 = 1,
        /// Parallel instances that share the bytes.
        channels: def u32 = 1,
        /// Pieces that one rank may have on the way to another at once; 0 for no limit.
        in_flight: def u32 = 2,
        /// hierarchical, rail-aware: ranks per group.
        group: def u32 = 8,
        /// hierarchical, rail-aware: how groups work together, ring, halving-doubling or direct.
        outer: opt Algorithm,
        /// broadcast: position of the source among the ranks.
        root: def u32 = 0,
    }

    /// Work of ranks that sends nothing: computing, or waiting.
    pub struct ComputeTable {
        /// Who; else all.
        ranks: opt Placed<Ranks>,
        /// How long: "150us"; numbers are microseconds.
        time: req Time,
        /// Each rank takes up to this longer, evenly by chance.
        jitter: or_default Time,
        /// Where its chance comes from; else from the seed of the run and the name of the step.
        seed: opt Placed<u32>,
    }

    /// Operations of ranks on the memory of others.
    pub struct MemoryTable {
        /// Who asks.
        from: req Placed<Ranks>,
        /// Whose memory it is; nobody asks itself.
        to: req Placed<Ranks>,
        /// What every operation does.
        operation: req Access,
        /// Data of one operation: 64 to 256 bytes in scale-up fabrics.
        bytes: req Bytes,
        /// Operations of each pair.
        count: def u32 = 1,
        /// Most of a pair that wait for their response at once.
        outstanding: def u32 = 16,
        /// Time that the memory takes.
        latency: or_default Time,
    }
}

/// A table with the keys that every step has.
pub trait HasUsual {
    /// Those keys.
    fn usual(&self) -> Usual;
}
