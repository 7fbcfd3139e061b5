//! What filling knows of a class: with a million classes it is memory that takes the time, so this is a quarter of a cache
//! line where the network's edges can be counted by 16 bits.

use super::table::Table;

/// A number of an edge.
pub trait Slot: Copy + Eq {
    /// No edge.
    const END: Self;
    /// The class has more edges than fit, or weights, or an appetite.
    const MANY: Self;
    /// Of an edge.
    fn of(edge: u32) -> Self;
    /// The edge.
    fn edge(self) -> u32;
}

impl Slot for u16 {
    const END: Self = Self::MAX;
    const MANY: Self = Self::MAX - 1;
    fn of(edge: u32) -> Self {
        edge as Self
    }
    fn edge(self) -> u32 {
        u32::from(self)
    }
}

impl Slot for u32 {
    const END: Self = Self::MAX;
    const MANY: Self = Self::MAX - 1;
    fn of(edge: u32) -> Self {
        edge
    }
    fn edge(self) -> u32 {
        self
    }
}

/// A class.
#[derive(Clone, Copy, Debug)]
pub struct Record<S> {
    /// Its edges, then [`Slot::END`]; the first is [`Slot::MANY`] where they are not listed here.
    pub edges: [S; 4],
    /// Its messages; once it is fixed and until that was asked for, their rate.
    pub value: f64,
}

/// All classes.
#[derive(Clone, Debug)]
pub enum Records {
    /// Of networks whose edges can be counted so.
    Short(Vec<Record<u16>>),
    /// Of others.
    Long(Vec<Record<u32>>),
}

impl Default for Records {
    fn default() -> Self {
        Self::Long(Vec::new())
    }
}

fn grow<S: Slot>(records: &mut Vec<Record<S>>, table: &Table) {
    let before = records.len();
    records.resize(table.classes.len(), Record { edges: [S::END; 4], value: 0.0 });
    for (class, record) in records.iter_mut().enumerate().skip(before) {
        let edges = table.classes.edges(class as u32);
        if edges.len() > record.edges.len() || !table.is_plain() {
            record.edges[0] = S::MANY;
        } else {
            record.edges.iter_mut().zip(edges).for_each(|(slot, edge)| *slot = S::of(*edge));
        }
    }
}

impl Records {
    /// For a network of so many edges.
    pub fn new(edges: usize) -> Self {
        if edges < usize::from(u16::MAX - 1) { Self::Short(Vec::new()) } else { Self::Long(Vec::new()) }
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        match self {
            Self::Short(records) => records.len(),
            Self::Long(records) => records.len(),
        }
    }

    /// Adds the classes that the table has beyond those known.
    pub fn grow(&mut self, table: &Table) {
        match self {
            Self::Short(records) => grow(records, table),
            Self::Long(records) => grow(records, table),
        }
    }

    fn value_of(&mut self, class: u32) -> Option<&mut f64> {
        match self {
            Self::Short(records) => records.get_mut(class as usize).map(|record| &mut record.value),
            Self::Long(records) => records.get_mut(class as usize).map(|record| &mut record.value),
        }
    }

    /// A class has so many messages. Classes not known yet are left out.
    pub fn count(&mut self, class: u32, messages: u32) {
        if let Some(value) = self.value_of(class) {
            *value = f64::from(messages);
        }
    }

    /// The rate of a fixed class, which is given back its number of messages.
    pub fn take_rate(&mut self, class: u32, messages: u32) -> f64 {
        self.value_of(class).map_or(0.0, |value| std::mem::replace(value, f64::from(messages)))
    }
}
