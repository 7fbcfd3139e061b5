//! The settings of the transmit equaliser as a tree, so that many can be passed over at once.
//!
//! A receiver's feed-forward taps behind a transmit equaliser `T` make one longer equaliser `V = W T`, and whatever noise
//! goes through `W` alone is at least what would go through `V` with the noise divided by `|T|²`. For a set of settings
//! the largest `|T|²` at every frequency therefore gives one problem whose least error no setting of the set goes below.

use super::correlation::autocorrelation;

/// Frequencies that share one value of `|T|²`, at most.
const BAND: usize = 8;
/// Settings in a leaf, at most.
const LEAF: usize = 6;

/// A set of settings.
#[derive(Clone, Debug)]
pub struct Node {
    /// The settings, as a part of [`Settings::order`].
    pub first: usize,
    /// One past the last.
    pub end: usize,
    /// Two halves; `None` for a leaf.
    pub halves: Option<(usize, usize)>,
    /// `1 / max |T|²` per band.
    pub relief: Vec<f64>,
    /// Least value of every tap.
    pub low: Vec<f64>,
    /// Largest value of every tap.
    pub high: Vec<f64>,
}

/// All settings of a transmit equaliser.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Taps, one setting after the other, in the order of the grid.
    taps: Vec<f64>,
    /// Autocorrelation of every setting's taps.
    own: Vec<f64>,
    /// Taps of a setting.
    pub width: usize,
    /// Settings in the order of the tree.
    pub order: Vec<usize>,
    /// Nodes; the first holds everything.
    pub nodes: Vec<Node>,
    /// Frequencies of a turn.
    pub turn: usize,
    /// Cosine over a turn.
    pub cosines: Vec<f64>,
}

impl Settings {
    /// Builds the tree over settings of `width` taps each, for spectra of `turn` frequencies around the circle.
    pub fn new(taps: Vec<f64>, width: usize, turn: usize) -> Self {
        let count = taps.len() / width.max(1);
        let mut own = Vec::with_capacity(taps.len());
        for setting in taps.chunks_exact(width.max(1)) {
            own.extend(autocorrelation(setting, width));
        }
        let cosines = (0..turn).map(|at| (std::f64::consts::TAU * at as f64 / turn as f64).cos()).collect();
        let mut settings = Self { taps, own, width, order: (0..count).collect(), nodes: Vec::new(), turn, cosines };
        if count > 0 {
            settings.grow(0, count);
        }
        settings
    }

    /// Number of settings.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// Taps of a setting.
    pub fn taps(&self, setting: usize) -> &[f64] {
        &self.taps[setting * self.width..(setting + 1) * self.width]
    }

    /// Autocorrelation of a setting's taps.
    pub fn own(&self, setting: usize) -> &[f64] {
        &self.own[setting * self.width..(setting + 1) * self.width]
    }

    /// Number of bands over the first half of the circle.
    pub fn bands(&self) -> usize {
        (self.turn / 2 + 1).div_ceil(BAND)
    }

    /// Band of a frequency.
    pub fn band(frequency: usize) -> usize {
        frequency / BAND
    }

    fn grow(&mut self, first: usize, end: usize) -> usize {
        let (mut low, mut high) = (vec![f64::INFINITY; self.width], vec![f64::NEG_INFINITY; self.width]);
        for &setting in &self.order[first..end] {
            for (at, &tap) in self.taps[setting * self.width..(setting + 1) * self.width].iter().enumerate() {
                low[at] = low[at].min(tap);
                high[at] = high[at].max(tap);
            }
        }
        let index = self.nodes.len();
        self.nodes.push(Node { first, end, halves: None, relief: Vec::new(), low, high });
        let node = &self.nodes[index];
        let widest =
            (0..self.width).max_by(|&a, &b| (node.high[a] - node.low[a]).total_cmp(&(node.high[b] - node.low[b])));
        let relief = match widest {
            Some(axis) if end - first > LEAF && node.high[axis] > node.low[axis] => {
                let (taps, width) = (&self.taps, self.width);
                self.order[first..end]
                    .sort_by(|&a, &b| taps[a * width + axis].total_cmp(&taps[b * width + axis]).then(a.cmp(&b)));
                let middle = first + (end - first) / 2;
                let lower = self.grow(first, middle);
                let upper = self.grow(middle, end);
                self.nodes[index].halves = Some((lower, upper));
                self.nodes[lower].relief.iter().zip(&self.nodes[upper].relief).map(|(a, b)| a.min(*b)).collect()
            }
            _ => {
                let mut relief = vec![f64::INFINITY; self.bands()];
                for at in first..end {
                    let own = self.own(self.order[at]);
                    for frequency in 0..=self.turn / 2 {
                        let above: f64 = own
                            .iter()
                            .enumerate()
                            .skip(1)
                            .map(|(lag, tap)| tap * self.cosines[frequency * lag % self.turn])
                            .sum();
                        let power = own[0] + 2.0 * above;
                        let band = Self::band(frequency);
                        relief[band] = relief[band].min(1.0 / power.max(1e-12));
                    }
                }
                relief
            }
        };
        self.nodes[index].relief = relief;
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_covers_every_one_of_its_settings() {
        let mut taps = Vec::new();
        for a in 0..5 {
            for b in 0..4 {
                let (pre, post) = (-0.05 * f64::from(a), -0.04 * f64::from(b));
                taps.extend([pre, 1.0 + pre + post, post]);
            }
        }
        let settings = Settings::new(taps, 3, 64);
        assert_eq!(settings.count(), 20);
        let mut seen = settings.order.clone();
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        for node in &settings.nodes {
            for &setting in &settings.order[node.first..node.end] {
                for frequency in 0..=32 {
                    let angle = std::f64::consts::TAU * frequency as f64 / 64.0;
                    let (mut re, mut im) = (0.0, 0.0);
                    for (at, tap) in settings.taps(setting).iter().enumerate() {
                        re += tap * (angle * at as f64).cos();
                        im += tap * (angle * at as f64).sin();
                    }
                    assert!(node.relief[Settings::band(frequency)] * (re * re + im * im) <= 1.0 + 1e-9);
                }
                for (at, tap) in settings.taps(setting).iter().enumerate() {
                    assert!(node.low[at] <= *tap && *tap <= node.high[at]);
                }
            }
        }
    }
}
