//! Transmit equaliser: which settings the grid holds and in which order, and its effect on a pulse.

use crate::com::parameters::TxFfe;
use crate::com::problem::ComProblem;

/// Most settings that a grid may hold, against sheets that ask for more than can be searched.
const MOST_SETTINGS: usize = 50_000_000;

/// All settings of the transmit equaliser in the script's order, those whose cursor falls below its minimum left out.
#[derive(Clone, Debug, PartialEq)]
pub struct TxGrid {
    /// Taps per setting, one setting after another, `width` each.
    taps: Vec<f64>,
    /// Taps of one setting.
    pub width: usize,
    /// Index of the cursor within a setting.
    pub cursor: usize,
    /// Settings of the whole grid before the cursor's minimum is applied.
    pub before_minimum: usize,
    /// Place of every setting along every tap's values, `axes.len()` each, and the number of values per tap.
    places: Vec<u16>,
    /// Number of values of every tap of the sheet, from the first precursor to the last postcursor.
    pub axes: Vec<usize>,
}

impl TxGrid {
    /// Lays the grid out.
    ///
    /// As in the script, precursors that only hold a zero are left out from the far end inwards; the first postcursor is
    /// kept if there are precursors, and later ones that only hold a zero are left out.
    pub fn new(ffe: &TxFfe) -> Result<Self, ComProblem> {
        let row = |position: i32| format!("c({position})");
        let far = |sign: i32| ffe.taps.iter().map(|t| t.position * sign).max().unwrap_or(0).max(0);
        let (pre, post) = (far(-1), far(1));
        if pre > 64 || post > 64 {
            return Err(ComProblem::Parameter {
                row: row(pre.max(post)),
                what: "more than 64 taps are not supported".into(),
            });
        }
        let mut axes: Vec<(i32, Vec<f64>)> = Vec::new();
        for position in (-pre..=post).filter(|p| *p != 0) {
            let values =
                ffe.taps.iter().find(|t| t.position == position).map_or_else(|| vec![0.0], |t| t.values.clone());
            if values.is_empty() || values.len() > usize::from(u16::MAX) || values.iter().any(|v| !v.is_finite()) {
                return Err(ComProblem::Parameter {
                    row: row(position),
                    what: "expected one or more finite values".into(),
                });
            }
            axes.push((position, values));
        }
        let mut kept_pre = Vec::new();
        let mut kept_post = Vec::new();
        let mut counting = false;
        for (index, (position, values)) in axes.iter().enumerate() {
            if !counting && values.as_slice() == [0.0] {
                continue;
            }
            if *position < 0 {
                counting = true;
                kept_pre.push(index);
            } else {
                counting = false;
                kept_post.push(index);
            }
        }
        if let (Some(&first), Some(&last)) = (kept_post.first(), kept_post.last()) {
            if axes[first].0 != 1 {
                // The script would take this tap for c(1).
                return Err(ComProblem::Parameter {
                    row: row(1),
                    what: format!("only zero, while {} has values: give c(1) a range too", row(axes[first].0)),
                });
            }
            kept_post = (first..=last).collect();
        }
        let total = axes.iter().try_fold(1usize, |n, (_, v)| n.checked_mul(v.len())).filter(|n| *n <= MOST_SETTINGS);
        let Some(total) = total else {
            return Err(ComProblem::Parameter {
                row: row(-1),
                what: format!("the transmit taps make more than {MOST_SETTINGS} settings: use coarser steps"),
            });
        };
        let width = kept_pre.len() + 1 + kept_post.len();
        let cursor = kept_pre.len();
        let mut grid = Self {
            taps: Vec::new(),
            width,
            cursor,
            before_minimum: total,
            places: Vec::new(),
            axes: axes.iter().map(|(_, v)| v.len()).collect(),
        };
        let mut place = vec![0usize; axes.len()];
        for _ in 0..total {
            let others: f64 = axes.iter().zip(&place).map(|((_, v), &p)| v[p].abs()).sum();
            let c0 = 1.0 - others;
            if c0 >= ffe.cursor_min {
                let value = |&index: &usize| axes[index].1[place[index]];
                grid.taps.extend(kept_pre.iter().map(value));
                grid.taps.push(c0);
                grid.taps.extend(kept_post.iter().map(value));
                grid.places.extend(place.iter().map(|&p| p as u16));
            }
            for axis in (0..axes.len()).rev() {
                place[axis] += 1;
                if place[axis] < axes[axis].1.len() {
                    break;
                }
                place[axis] = 0;
            }
        }
        if grid.taps.is_empty() {
            return Err(ComProblem::Parameter {
                row: "c(0)".into(),
                what: format!("no setting of the transmit taps leaves a cursor of {}", ffe.cursor_min),
            });
        }
        Ok(grid)
    }

    /// Number of settings.
    pub fn len(&self) -> usize {
        self.taps.len() / self.width
    }

    /// Whether there is none: never, once the grid is made.
    pub fn is_empty(&self) -> bool {
        self.taps.is_empty()
    }

    /// Taps of a setting, from the first precursor on.
    pub fn setting(&self, index: usize) -> &[f64] {
        &self.taps[index * self.width..(index + 1) * self.width]
    }

    /// Where along every tap's values a setting lies, from 0.
    pub fn place(&self, index: usize) -> &[u16] {
        &self.places[index * self.axes.len()..(index + 1) * self.axes.len()]
    }

    /// All settings in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.taps.chunks_exact(self.width)
    }
}

/// `out` becomes the pulse behind the transmit equaliser: taps before `cursor` act early, those after it late. As in the
/// script the pulse is shifted in a circle, so that what leaves at one end comes in at the other.
pub fn apply(pulse: &[f64], taps: &[f64], cursor: usize, samples_per_ui: usize, out: &mut Vec<f64>) {
    out.clear();
    out.resize(pulse.len(), 0.0);
    let n = pulse.len() as i64;
    if n == 0 {
        return;
    }
    for (index, &tap) in taps.iter().enumerate() {
        if tap == 0.0 {
            continue;
        }
        let shift = ((index as i64 - cursor as i64) * samples_per_ui as i64).rem_euclid(n) as usize;
        let (late, early) = out.split_at_mut(shift);
        let keep = pulse.len() - shift;
        for (o, p) in early.iter_mut().zip(&pulse[..keep]) {
            *o += p * tap;
        }
        for (o, p) in late.iter_mut().zip(&pulse[keep..]) {
            *o += p * tap;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::com::parameters::TapGrid;
    use proptest::prelude::*;

    fn ffe(taps: &[(i32, &[f64])], cursor_min: f64) -> TxFfe {
        let taps =
            taps.iter().map(|(position, values)| TapGrid { position: *position, values: values.to_vec() }).collect();
        TxFfe { taps, cursor_min }
    }

    #[test]
    fn the_last_tap_turns_fastest_and_small_cursors_are_left_out() {
        let grid = TxGrid::new(&ffe(&[(-1, &[-0.3, 0.0]), (1, &[-0.2, -0.1])], 0.55)).expect("a grid");
        let settings: Vec<Vec<f64>> = grid.iter().map(<[f64]>::to_vec).collect();
        assert_eq!(settings.len(), 3, "-0.3 with -0.2 leaves a cursor of 0.5");
        assert_eq!(settings[0], [-0.3, 1.0 - (0.3 + 0.1), -0.1]);
        assert_eq!(settings[1], [0.0, 0.8, -0.2]);
        assert_eq!(grid.cursor, 1);
        assert_eq!(grid.place(0), [0, 1]);
        assert_eq!(grid.before_minimum, 4);
    }

    #[test]
    fn taps_without_a_range_are_left_out_from_outside_inwards() {
        let grid = TxGrid::new(&ffe(&[(-3, &[0.0]), (-2, &[0.0, 0.04]), (-1, &[0.0]), (1, &[0.0]), (2, &[0.0])], 0.5));
        let grid = grid.expect("a grid");
        assert_eq!((grid.width, grid.cursor), (4, 2), "c(-2) c(-1) c(0) c(1)");
        let plain = TxGrid::new(&ffe(&[(-1, &[0.0]), (1, &[0.0])], 0.5)).expect("a grid");
        assert_eq!(plain.setting(0), [1.0]);
    }

    #[test]
    fn grids_that_cannot_be_are_refused() {
        assert!(TxGrid::new(&ffe(&[(-1, &[-0.3])], 0.9)).is_err());
        assert!(TxGrid::new(&ffe(&[(-1, &[])], 0.5)).is_err());
        assert!(TxGrid::new(&ffe(&[(2, &[0.0, 0.1])], 0.5)).is_err());
    }

    proptest! {
        #[test]
        fn equalising_shifts_in_a_circle(n in 1usize..200, m in 1usize..40, seed in 0u64..1000) {
            let pulse: Vec<f64> = (0..n).map(|k| ((k as u64 * 7919 + seed) % 101) as f64).collect();
            let taps = [-0.1, 0.7, -0.2];
            let mut out = Vec::new();
            apply(&pulse, &taps, 1, m, &mut out);
            for (k, o) in out.iter().enumerate() {
                let expected: f64 = taps.iter().enumerate()
                    .map(|(i, t)| t * pulse[(k as i64 - (i as i64 - 1) * m as i64).rem_euclid(n as i64) as usize])
                    .sum();
                prop_assert!((o - expected).abs() < 1e-9);
            }
        }
    }
}
