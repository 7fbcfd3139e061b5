//! The best point of a grid, found best bound first.
//!
//! Every point gets an upper bound; exact values are then worked out from the highest bound downwards, until no bound
//! reaches the best value found; where exact values are costly, closer bounds come first. What is left cannot be better, so the answer is that of an exhaustive search, ties
//! included: of equal points the first in the grid's order wins.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rayon::prelude::*;

/// A grid of settings (costly to prepare) and points within each (many).
pub trait Landscape: Sync {
    /// A prepared setting.
    type Setting: Send + Sync;
    /// Scratch memory of a thread.
    type Scratch: Default;

    /// Number of settings.
    fn settings(&self) -> usize;

    /// Number of points in every setting.
    fn points(&self) -> usize;

    /// Prepares a setting; `None` where the grid leaves it out.
    fn prepare(&self, setting: usize) -> Option<Self::Setting>;

    /// Upper bound of a point's merit; may stop being sharp once it is below `enough`. `None` where the point has no
    /// merit at all.
    fn bound(&self, setting: &Self::Setting, point: usize, enough: f64, scratch: &mut Self::Scratch) -> Option<f64>;

    /// A closer and costlier upper bound, from level 0 on; `None` where there is no such level.
    fn closer(&self, _setting: &Self::Setting, _point: usize, _level: usize) -> Option<f64> {
        None
    }

    /// Merit of a point; `None` where it has none.
    fn merit(&self, setting: &Self::Setting, point: usize) -> Option<f64>;
}

/// The best point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Setting.
    pub setting: usize,
    /// Point.
    pub point: usize,
    /// Its merit.
    pub merit: f64,
}

/// What a search found, and what it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The best point; `None` where no point has merit.
    pub best: Option<Best>,
    /// Points of the grid.
    pub searched: u64,
    /// Points that were worked out exactly.
    pub evaluated: u64,
}

/// A point that may be the best one. The greatest has the highest bound; of equals, it is the first in the grid's order.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    bound: f64,
    setting: usize,
    point: usize,
    /// How many of the closer bounds it has.
    level: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |c: &Self| (c.setting, c.point);
        self.bound.total_cmp(&other.bound).then_with(|| place(other).cmp(&place(self)))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// What a closer look at a candidate gave.
enum Look {
    Closer(f64),
    Exact(Option<f64>),
}

/// Settings and points of a first sparse look, whose best gives the floor that most of the grid is below.
const SPARSE_SETTINGS: usize = 16;
const SPARSE_POINTS: usize = 512;
/// Candidates looked at closer at a time: a fixed number, so that the count does not depend on threads.
const BATCH: usize = 16;

/// Searches the whole grid.
pub fn search<L: Landscape>(landscape: &L) -> Found {
    let mut evaluated = 0;
    let floor = sparse_floor(landscape, &mut evaluated);
    let looked: Vec<_> = (0..landscape.settings())
        .into_par_iter()
        .map_init(L::Scratch::default, |scratch, setting| {
            let prepared = landscape.prepare(setting)?;
            let mut candidates = Vec::new();
            for point in 0..landscape.points() {
                if let Some(bound) = landscape.bound(&prepared, point, floor, scratch)
                    && bound >= floor
                {
                    candidates.push(Candidate { bound, setting, point, level: 0 });
                }
            }
            // Most settings are ruled out as a whole: their memory serves the next.
            Some(((!candidates.is_empty()).then_some(prepared), candidates))
        })
        .collect();
    let settings = looked.iter().flatten().count();
    let searched = settings as u64 * landscape.points() as u64;
    let mut candidates: BinaryHeap<Candidate> =
        looked.iter().flatten().flat_map(|(_, candidates)| candidates.iter().copied()).collect();
    let mut best: Option<Best> = None;
    loop {
        let batch: Vec<Candidate> = std::iter::from_fn(|| {
            let may_win = candidates.peek().is_some_and(|c| best.is_none_or(|best| c.bound >= best.merit));
            may_win.then(|| candidates.pop()).flatten()
        })
        .take(BATCH)
        .collect();
        if batch.is_empty() {
            break;
        }
        let looks: Vec<Look> = batch
            .par_iter()
            .map(|candidate| {
                let Some((Some(prepared), _)) = looked[candidate.setting].as_ref() else { return Look::Exact(None) };
                match landscape.closer(prepared, candidate.point, candidate.level) {
                    Some(bound) => Look::Closer(bound),
                    None => Look::Exact(landscape.merit(prepared, candidate.point)),
                }
            })
            .collect();
        for (candidate, look) in batch.into_iter().zip(looks) {
            match look {
                Look::Closer(bound) => {
                    let bound = candidate.bound.min(bound);
                    candidates.push(Candidate { bound, level: candidate.level + 1, ..candidate });
                }
                Look::Exact(merit) => {
                    evaluated += 1;
                    let Some(merit) = merit.filter(|merit| !merit.is_nan()) else { continue };
                    let better = best.is_none_or(|best| {
                        let first = (candidate.setting, candidate.point) < (best.setting, best.point);
                        merit > best.merit || (merit == best.merit && first)
                    });
                    if better {
                        best = Some(Best { setting: candidate.setting, point: candidate.point, merit });
                    }
                }
            }
        }
    }
    Found { best, searched, evaluated }
}

/// The best point of every setting; `None` where a setting is left out or has no point with merit.
pub fn best_of_each<L: Landscape>(landscape: &L) -> Vec<Option<Best>> {
    (0..landscape.settings())
        .into_par_iter()
        .map_init(L::Scratch::default, |scratch, setting| {
            let prepared = landscape.prepare(setting)?;
            let mut candidates: Vec<Candidate> = (0..landscape.points())
                .filter_map(|point| {
                    let bound = landscape.bound(&prepared, point, f64::NEG_INFINITY, scratch)?;
                    Some(Candidate { bound, setting, point, level: 0 })
                })
                .collect();
            candidates.sort_unstable_by(|a, b| b.cmp(a));
            let mut best: Option<Best> = None;
            for candidate in candidates {
                if best.is_some_and(|best| candidate.bound < best.merit) {
                    break;
                }
                if let Some(merit) = landscape.merit(&prepared, candidate.point).filter(|merit| !merit.is_nan())
                    && best.is_none_or(|b| merit > b.merit || (merit == b.merit && candidate.point < b.point))
                {
                    best = Some(Best { setting, point: candidate.point, merit });
                }
            }
            best
        })
        .collect()
}

/// Every point worked out: what [`search`] must agree with.
pub fn exhaustive<L: Landscape>(landscape: &L) -> Found {
    let each: Vec<(u64, Option<Best>)> = (0..landscape.settings())
        .into_par_iter()
        .map(|setting| {
            let Some(prepared) = landscape.prepare(setting) else { return (0, None) };
            let mut best: Option<Best> = None;
            for point in 0..landscape.points() {
                if let Some(merit) = landscape.merit(&prepared, point)
                    && best.is_none_or(|best| merit > best.merit)
                {
                    best = Some(Best { setting, point, merit });
                }
            }
            (landscape.points() as u64, best)
        })
        .collect();
    let searched = each.iter().map(|(count, _)| count).sum();
    let best = each.into_iter().filter_map(|(_, best)| best).reduce(|a, b| if b.merit > a.merit { b } else { a });
    Found { best, searched, evaluated: searched }
}

/// A merit that some point has: the best of a sparse sample, chosen by bound.
fn sparse_floor<L: Landscape>(landscape: &L, evaluated: &mut u64) -> f64 {
    let (settings, points) = (landscape.settings(), landscape.points());
    // Fewer points than the sample are searched at once.
    if settings <= SPARSE_SETTINGS || points <= 8 {
        return f64::NEG_INFINITY;
    }
    let (setting_step, point_step) = (settings.div_ceil(SPARSE_SETTINGS), points.div_ceil(SPARSE_POINTS));
    let samples: Vec<usize> = (setting_step / 2..settings).step_by(setting_step).collect();
    let merits: Vec<Option<f64>> = samples
        .par_iter()
        .map_init(L::Scratch::default, |scratch, setting| {
            let prepared = landscape.prepare(*setting)?;
            let mut top: Option<(f64, usize)> = None;
            for point in (0..points).step_by(point_step) {
                let enough = top.map_or(f64::NEG_INFINITY, |(bound, _)| bound);
                if let Some(bound) = landscape.bound(&prepared, point, enough, scratch)
                    && bound > enough
                {
                    top = Some((bound, point));
                }
            }
            landscape.merit(&prepared, top?.1)
        })
        .collect();
    *evaluated += merits.iter().flatten().count() as u64;
    merits.into_iter().flatten().filter(|merit| !merit.is_nan()).fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Merits with plenty of ties, bounds above them by a hashed amount, some settings and points missing.
    struct Rough {
        settings: usize,
        points: usize,
        seed: u64,
    }

    impl Rough {
        fn noise(&self, setting: usize, point: usize, salt: u64) -> u64 {
            let mut x = self.seed ^ salt ^ ((setting as u64) << 32) ^ point as u64;
            for _ in 0..3 {
                x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            }
            x >> 40
        }
    }

    impl Landscape for Rough {
        type Setting = usize;
        type Scratch = ();
        fn settings(&self) -> usize {
            self.settings
        }
        fn points(&self) -> usize {
            self.points
        }
        fn prepare(&self, setting: usize) -> Option<usize> {
            (!self.noise(setting, 0, 3).is_multiple_of(7)).then_some(setting)
        }
        fn bound(&self, setting: &usize, point: usize, enough: f64, (): &mut ()) -> Option<f64> {
            let merit = self.merit(setting, point)?;
            let sharp = merit + (self.noise(*setting, point, 2) % 4) as f64;
            Some(if sharp < enough { (sharp + 0.5).min(enough) } else { sharp })
        }
        fn closer(&self, setting: &usize, point: usize, level: usize) -> Option<f64> {
            let levels = self.seed as usize % 3;
            (level < levels).then(|| self.merit(setting, point).unwrap_or(-1.0) + (2 - level) as f64)
        }
        fn merit(&self, setting: &usize, point: usize) -> Option<f64> {
            let noise = self.noise(*setting, point, 1);
            (!noise.is_multiple_of(11)).then_some((noise % 50) as f64)
        }
    }

    proptest! {
        #[test]
        fn pruned_is_exhaustive(settings in 0_usize..60, points in 0_usize..200, seed: u64) {
            let rough = Rough { settings, points, seed };
            let (pruned, all) = (search(&rough), exhaustive(&rough));
            prop_assert_eq!(pruned.best, all.best);
            prop_assert_eq!(pruned.searched, all.searched);
            let each = best_of_each(&rough);
            let first = each.iter().flatten().copied().reduce(|a, b| if b.merit > a.merit { b } else { a });
            prop_assert_eq!(first, all.best);
        }
    }
}
