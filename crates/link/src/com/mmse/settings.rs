//! The settings of the transmit equaliser as a tree, so that many can be passed over at once.
//!
//! A receiver's feed-forward taps behind a transmit equaliser `T` make one longer equaliser `V = W T`, and whatever noise
//! goes through `W` alone is at least what would go through `V` with the noise divided by `|T|²`. For a set of settings
//! the largest `|T|²` at every frequency therefore gives one problem whose least error no setting of the set goes below.

use super::correlation::autocorrelation;

/// Frequencies that share one value of `|T|²`, at most.
const BAND: usize = 16;
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
    /// The same for taps over their cursor, which suits noise that grows with the signal; zero where a cursor is not
    /// above zero.
    pub relief_over_cursor: Vec<f64>,
    /// Mean of the settings' taps.
    pub centre: Vec<f64>,
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
    /// Index of the cursor.
    pub cursor: usize,
}

impl Settings {
    /// Builds the tree over settings of `width` taps each, the cursor at `cursor`, for spectra of `turn` frequencies
    /// around the circle.
    pub fn new(taps: Vec<f64>, width: usize, cursor: usize, turn: usize) -> Self {
        let count = taps.len() / width.max(1);
        let mut own = Vec::with_capacity(taps.len());
        for setting in taps.chunks_exact(width.max(1)) {
            own.extend(autocorrelation(setting, width));
        }
        let cosines = (0..turn).map(|at| (std::f64::consts::TAU * at as f64 / turn as f64).cos()).collect();
        let mut settings =
            Self { taps, own, width, order: (0..count).collect(), nodes: Vec::new(), turn, cosines, cursor };
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

    /// Settings that differ from one in a single tap and the cursor, which makes up for it; itself among them.
    pub fn line(&self, setting: usize, axis: usize) -> impl Iterator<Item = usize> + '_ {
        let same = move |other: &usize| {
            let pairs = self.taps(*other).iter().zip(self.taps(setting)).enumerate();
            pairs.filter(|(at, _)| *at != axis && *at != self.cursor).all(|(_, (one, other))| one == other)
        };
        (0..self.count()).filter(same)
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
        let mut centre = vec![0.0; self.width];
        for &setting in &self.order[first..end] {
            for (sum, tap) in centre.iter_mut().zip(self.taps(setting)) {
                *sum += tap / (end - first) as f64;
            }
        }
        let node = Node { first, end, halves: None, relief: Vec::new(), relief_over_cursor: Vec::new(), centre };
        self.nodes.push(node);
        let widest = (0..self.width).max_by(|&a, &b| (high[a] - low[a]).total_cmp(&(high[b] - low[b])));
        let (relief, over_cursor) = match widest {
            Some(axis) if end - first > LEAF && high[axis] > low[axis] => {
                let (taps, width) = (&self.taps, self.width);
                self.order[first..end]
                    .sort_by(|&a, &b| taps[a * width + axis].total_cmp(&taps[b * width + axis]).then(a.cmp(&b)));
                let middle = first + (end - first) / 2;
                let lower = self.grow(first, middle);
                let upper = self.grow(middle, end);
                self.nodes[index].halves = Some((lower, upper));
                let (lower, upper) = (&self.nodes[lower], &self.nodes[upper]);
                let least = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a.min(*b)).collect::<Vec<f64>>();
                (least(&lower.relief, &upper.relief), least(&lower.relief_over_cursor, &upper.relief_over_cursor))
            }
            _ => {
                let mut relief = vec![f64::INFINITY; self.bands()];
                let mut over_cursor = relief.clone();
                for &setting in &self.order[first..end] {
                    let own = self.own(setting);
                    let cursor = self.taps(setting)[self.cursor].max(0.0);
                    for frequency in 0..=self.turn / 2 {
                        let above: f64 = own
                            .iter()
                            .enumerate()
                            .skip(1)
                            .map(|(lag, tap)| tap * self.cosines[frequency * lag % self.turn])
                            .sum();
                        let inverse = 1.0 / (own[0] + 2.0 * above).max(1e-12);
                        let band = Self::band(frequency);
                        relief[band] = relief[band].min(inverse);
                        over_cursor[band] = over_cursor[band].min(cursor * cursor * inverse);
                    }
                }
                (relief, over_cursor)
            }
        };
        self.nodes[index].relief_over_cursor = over_cursor;
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
        let settings = Settings::new(taps, 3, 1, 64);
        assert_eq!(settings.count(), 20);
        let mut seen = settings.order.clone();
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        // Settings 4 to 7 share their first tap, every fourth one its last.
        assert_eq!(settings.line(5, 2).collect::<Vec<_>>(), [4, 5, 6, 7]);
        assert_eq!(settings.line(5, 0).collect::<Vec<_>>(), [1, 5, 9, 13, 17]);
        for node in &settings.nodes {
            for &setting in &settings.order[node.first..node.end] {
                for frequency in 0..=32 {
                    let angle = std::f64::consts::TAU * frequency as f64 / 64.0;
                    let (mut re, mut im) = (0.0, 0.0);
                    for (at, tap) in settings.taps(setting).iter().enumerate() {
                        re += tap * (angle * at as f64).cos();
                        im += tap * (angle * at as f64).sin();
                    }
                    let power = re * re + im * im;
                    assert!(node.relief[Settings::band(frequency)] * power <= 1.0 + 1e-9);
                    let cursor = settings.taps(setting)[1];
                    assert!(
                        node.relief_over_cursor[Settings::band(frequency)] * power <= cursor * cursor * (1.0 + 1e-9)
                    );
                }
            }
        }
    }
}
