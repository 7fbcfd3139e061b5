//! What watched edges carry over time.
//!
//! Rates are constant between solutions, so bytes per slot are exact sums of rate times time. A message is on all edges of
//! its way at once, from when it begins to take its share until its end: what is still under way behind that (the delay of
//! the edges) is counted a little late on the first edges of a way and just in time on the last.

use super::engine::NONE;
use super::table::Lists;
use crate::network::EdgeId;
use crate::outcome::{Sampling, Series};
use crate::time::Time;

/// Most slots of an edge: 32 MB of them. What comes later is not recorded.
const MOST_SLOTS: usize = 1 << 22;

/// A class that is at work.
#[derive(Clone, Debug, Default)]
struct Working {
    /// Bytes per ps and message.
    rate: f64,
    /// Up to when its bytes are written down, in ps.
    since: f64,
    /// Ways of its messages, each with how many messages it has.
    ways: Vec<(u32, u32)>,
}

/// Watched edges, and the classes at work.
#[derive(Clone, Debug)]
pub struct Recorder {
    slot: f64,
    edges: Vec<EdgeId>,
    /// Place of every edge of the network among the watched ones.
    watched: Vec<u32>,
    /// Bytes per watched edge and slot.
    bytes: Vec<Vec<f64>>,
    classes: Vec<Working>,
    /// Place of every way in the list of its class.
    place: Vec<u32>,
}

impl Recorder {
    /// `edges` in all. `None` where slots have no length.
    pub fn new(sampling: &Sampling, edges: usize) -> Option<Self> {
        let mut watched = vec![NONE; edges];
        for (at, edge) in sampling.edges.iter().enumerate() {
            if let Some(place) = watched.get_mut(edge.index()) {
                *place = at as u32;
            }
        }
        (sampling.slot.0 > 0).then(|| Self {
            slot: sampling.slot.0 as f64,
            edges: sampling.edges.clone(),
            watched,
            bytes: vec![Vec::new(); sampling.edges.len()],
            classes: Vec::new(),
            place: Vec::new(),
        })
    }

    /// A message on `way` begins.
    pub fn join(&mut self, ways: &Lists, class: u32, way: u32, time: f64) {
        self.write(ways, class, time);
        if self.classes.len() <= class as usize {
            self.classes.resize(class as usize + 1, Working::default());
        }
        if self.place.len() <= way as usize {
            self.place.resize(way as usize + 1, NONE);
        }
        let known = &mut self.classes[class as usize];
        if known.ways.is_empty() {
            (known.rate, known.since) = (0.0, time);
        }
        let place = &mut self.place[way as usize];
        if *place == NONE {
            *place = known.ways.len() as u32;
            known.ways.push((way, 0));
        }
        known.ways[*place as usize].1 += 1;
    }

    /// A message on `way` ends, or goes on elsewhere.
    pub fn part(&mut self, ways: &Lists, class: u32, way: u32, time: f64) {
        self.write(ways, class, time);
        let Some(known) = self.classes.get_mut(class as usize) else { return };
        let Some(place) = self.place.get(way as usize).copied().filter(|place| *place != NONE) else { return };
        let messages = &mut known.ways[place as usize].1;
        *messages -= 1;
        if *messages == 0 {
            known.ways.swap_remove(place as usize);
            self.place[way as usize] = NONE;
            if let Some((moved, _)) = known.ways.get(place as usize) {
                self.place[*moved as usize] = place;
            }
        }
    }

    /// Messages of a class have another rate from now on.
    pub fn rate(&mut self, ways: &Lists, class: u32, rate: f64, time: f64) {
        self.write(ways, class, time);
        if let Some(known) = self.classes.get_mut(class as usize) {
            known.rate = rate;
        }
    }

    /// Writes down what a class has carried up to a time.
    fn write(&mut self, ways: &Lists, class: u32, to: f64) {
        let Some(known) = self.classes.get_mut(class as usize) else { return };
        let from = known.since;
        if to <= from {
            return;
        }
        known.since = to;
        if known.rate <= 0.0 {
            return;
        }
        for (way, messages) in &known.ways {
            let rate = known.rate * f64::from(*messages);
            for place in ways.range(*way) {
                if let Some(bytes) = self.bytes.get_mut(self.watched[ways.edge(place) as usize] as usize) {
                    spread(bytes, self.slot, (from, to), rate * ways.weight(place));
                }
            }
        }
    }

    /// All that was recorded up to a time.
    pub fn finish(mut self, ways: &Lists, time: f64) -> Series {
        for class in 0..self.classes.len() as u32 {
            self.write(ways, class, time);
        }
        Series {
            slot: Time(self.slot as u64),
            queue: vec![Vec::new(); self.edges.len()],
            edges: self.edges,
            bytes: self.bytes.into_iter().map(|bytes| whole(&bytes)).collect(),
        }
    }
}

/// Adds `rate` bytes per ps from one time to another.
fn spread(bytes: &mut Vec<f64>, slot: f64, (from, to): (f64, f64), rate: f64) {
    let first = ((from / slot) as usize).min(MOST_SLOTS);
    let last = ((to / slot) as usize).min(MOST_SLOTS - 1);
    if first > last {
        return;
    }
    if bytes.len() <= last {
        bytes.resize(last + 1, 0.0);
    }
    for (at, bytes) in bytes[first..=last].iter_mut().enumerate() {
        let start = (first + at) as f64 * slot;
        *bytes += rate * (to.min(start + slot) - from.max(start)).max(0.0);
    }
}

/// Whole bytes per slot whose sums stay within one half of the true ones.
fn whole(bytes: &[f64]) -> Vec<u64> {
    let (mut sum, mut written) = (0.0, 0u64);
    bytes
        .iter()
        .map(|bytes| {
            sum += bytes;
            let now = (sum.round() as u64).saturating_sub(written);
            written += now;
            now
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_get_their_parts() {
        let mut bytes = Vec::new();
        spread(&mut bytes, 10.0, (5.0, 32.0), 2.0);
        assert_eq!(bytes, [10.0, 20.0, 20.0, 4.0]);
        spread(&mut bytes, 10.0, (11.0, 14.0), 1.0);
        assert_eq!(bytes, [10.0, 23.0, 20.0, 4.0]);
        // An end on a border takes nothing from the slot behind it.
        spread(&mut bytes, 10.0, (38.0, 40.0), 1.0);
        assert_eq!(bytes, [10.0, 23.0, 20.0, 6.0, 0.0]);
    }

    #[test]
    fn rounding_loses_nothing() {
        assert_eq!(whole(&[0.4, 0.4, 0.4, 0.4, 0.4]), [0, 1, 0, 1, 0]);
        assert_eq!(whole(&[1.0, 2.5, 2.5]), [1, 3, 2]);
    }
}
