//! Names of operations and algorithms, and which goes with which.

use serde::Serialize;

/// What a collective does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// The sum of all to all.
    AllReduce,
    /// The sum of all, a part to each.
    ReduceScatter,
    /// The parts of all to all.
    AllGather,
    /// A part from each to each.
    AllToAll,
    /// One to all.
    Broadcast,
    /// Each to its next.
    SendRecv,
}

/// How a collective does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Parts go round from rank to rank (Patarasuk and Yuan 2009).
    Ring,
    /// Binomial tree.
    Tree,
    /// Two binary trees, the inner nodes of one leaves of the other (Sanders, Speck, Träff 2009); the trees are NCCL's.
    DoubleTree,
    /// Recursive halving, then doubling (Rabenseifner 2004; Thakur, Rabenseifner, Gropp 2005).
    HalvingDoubling,
    /// Pairs at doubling distance exchange all they have.
    RecursiveDoubling,
    /// Doubling distance for any number of ranks (Bruck et al. 1997).
    Bruck,
    /// Each sends to each.
    Direct,
    /// Within groups, between groups on every rail, within groups.
    Hierarchical,
    /// Within groups to the member on the right rail, then along the rails.
    RailAware,
    /// Switches add up and copy (SHARP, NVLS).
    InSwitch,
}

impl Operation {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::AllReduce, Self::ReduceScatter, Self::AllGather, Self::AllToAll, Self::Broadcast, Self::SendRecv];

    /// As written: `all-reduce`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllReduce => "all-reduce",
            Self::ReduceScatter => "reduce-scatter",
            Self::AllGather => "all-gather",
            Self::AllToAll => "all-to-all",
            Self::Broadcast => "broadcast",
            Self::SendRecv => "send-recv",
        }
    }

    /// Algorithms that do it.
    pub fn algorithms(self) -> &'static [Algorithm] {
        use Algorithm as A;
        match self {
            Self::AllReduce => &[
                A::Ring,
                A::Tree,
                A::DoubleTree,
                A::HalvingDoubling,
                A::RecursiveDoubling,
                A::Direct,
                A::Hierarchical,
                A::InSwitch,
            ],
            Self::ReduceScatter => &[A::Ring, A::HalvingDoubling, A::Direct, A::Hierarchical, A::InSwitch],
            Self::AllGather => &[A::Ring, A::RecursiveDoubling, A::Bruck, A::Direct, A::Hierarchical, A::InSwitch],
            Self::AllToAll => &[A::Direct, A::Bruck, A::RailAware],
            Self::Broadcast => &[A::Tree, A::Ring, A::DoubleTree, A::Direct, A::InSwitch],
            Self::SendRecv => &[A::Direct],
        }
    }
}

impl Algorithm {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Ring,
        Self::Tree,
        Self::DoubleTree,
        Self::HalvingDoubling,
        Self::RecursiveDoubling,
        Self::Bruck,
        Self::Direct,
        Self::Hierarchical,
        Self::RailAware,
        Self::InSwitch,
    ];

    /// As written: `halving-doubling`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Tree => "tree",
            Self::DoubleTree => "double-tree",
            Self::HalvingDoubling => "halving-doubling",
            Self::RecursiveDoubling => "recursive-doubling",
            Self::Bruck => "bruck",
            Self::Direct => "direct",
            Self::Hierarchical => "hierarchical",
            Self::RailAware => "rail-aware",
            Self::InSwitch => "in-switch",
        }
    }
}

/// Splits `ring-all-reduce` into algorithm and operation; an operation alone takes its first algorithm.
pub fn parse(name: &str) -> Result<(Operation, Algorithm), String> {
    for operation in Operation::ALL {
        let Some(before) = name.strip_suffix(operation.name()) else { continue };
        if before.is_empty() {
            return Ok((operation, operation.algorithms()[0]));
        }
        let before = before.strip_suffix('-').unwrap_or(before);
        if let Some(algorithm) = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == before) {
            return if operation.algorithms().contains(&algorithm) {
                Ok((operation, algorithm))
            } else {
                Err(super::CollectiveError::NotForThis(operation, algorithm).to_string())
            };
        }
        let names: Vec<&str> = operation.algorithms().iter().map(|algorithm| algorithm.name()).collect();
        return Err(format!("no algorithm `{before}`; {} is done by {}", operation.name(), names.join(", ")));
    }
    let names: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    Err(format!(
        "no collective `{name}`; write ALGORITHM-OPERATION, such as ring-all-reduce; operations are {}",
        names.join(", ")
    ))
}
