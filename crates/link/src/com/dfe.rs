//! Decision feedback: fixed taps, floating groups, limits, and the limit on the tail (93A-26, 93A-27, 162.11).

use crate::com::floating::place_groups;
use crate::com::parameters::Dfe;

/// Feedback at one setting and instant. Vectors are kept from one use to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feedback {
    /// Taps relative to the cursor, from the first on.
    pub taps: Vec<f64>,
    /// Upper limits that were applied, relative to the cursor.
    pub max: Vec<f64>,
    /// Lower limits that were applied.
    pub min: Vec<f64>,
    /// Positions of the floating taps from the cursor, rising.
    pub floating: Vec<usize>,
    /// Root of the sum of squares of the tail's taps before it was limited; 0 where there is no tail.
    pub tail_rss: f64,
}

/// Number of taps that feedback reaches: fixed ones, or up to the last that may float.
pub fn reach(dfe: &Dfe) -> usize {
    dfe.floating.as_ref().filter(|f| f.groups > 0).map_or(dfe.max.len(), |f| f.last.max(dfe.max.len()))
}

/// A value cut down to whole steps; as it is when there are none.
pub fn in_steps(value: f64, cursor: f64, step: f64) -> f64 {
    if step == 0.0 || value == 0.0 {
        value
    } else {
        ((value / cursor).abs() / step).floor() * step * value.signum() * cursor
    }
}

impl Feedback {
    /// Works the taps out from the pulse's values at 1, 2, .. unit intervals behind the cursor: at least `reach` many.
    pub fn settle(&mut self, dfe: &Dfe, cursor: f64, post: &[f64]) {
        let count = reach(dfe);
        let fixed = dfe.max.len();
        self.max.clear();
        self.max.extend_from_slice(&dfe.max);
        self.max.resize(count, 0.0);
        self.min.clear();
        self.min.extend_from_slice(&dfe.min);
        self.min.resize(count, 0.0);
        self.floating.clear();
        if let Some(floating) = dfe.floating.as_ref().filter(|f| f.groups > 0) {
            self.floating = place_groups(post, fixed, floating, cursor);
            self.floating.sort_unstable();
            for &position in &self.floating {
                self.max[position - 1] = floating.max;
                self.min[position - 1] = -floating.max;
            }
        }
        self.clip(cursor, post, dfe.step);
        self.tail_rss = 0.0;
        if let Some(floating) = &dfe.floating
            && (1..=count).contains(&floating.tail_start)
        {
            let tail = floating.tail_start - 1..count;
            let rss = self.taps[tail.clone()].iter().map(|b| b * b).sum::<f64>().sqrt();
            self.tail_rss = rss;
            if rss != 0.0 && rss >= floating.tail_rss_max {
                for k in tail {
                    let limit = floating.tail_rss_max * self.taps[k].abs() / rss;
                    self.max[k] = limit;
                    self.min[k] = -limit;
                }
                self.clip(cursor, post, dfe.step);
            }
        }
    }

    fn clip(&mut self, cursor: f64, post: &[f64], step: f64) {
        self.taps.clear();
        for ((&max, &min), &h) in self.max.iter().zip(&self.min).zip(post) {
            let h = in_steps(h, cursor, step);
            let (top, bottom) = (cursor * max, cursor * min);
            let mut clipped = h;
            if h > top {
                clipped = top;
            }
            if h < bottom {
                clipped = bottom;
            }
            self.taps.push(clipped / cursor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::com::parameters::FloatingTaps;
    use proptest::prelude::*;

    fn fixed() -> Dfe {
        Dfe { max: vec![0.85, 0.3], min: vec![0.3, -0.03], step: 0.0, floating: None }
    }

    #[test]
    fn taps_are_held_between_their_limits() {
        let mut f = Feedback::default();
        f.settle(&fixed(), 2.0, &[1.9, -0.5, 0.7]);
        assert_eq!(f.taps, [0.85, -0.03]);
        f.settle(&fixed(), 2.0, &[0.1, 0.2, 0.7]);
        assert_eq!(f.taps, [0.3, 0.1], "a lower limit above zero raises the tap");
    }

    #[test]
    fn taps_come_in_steps_where_the_sheet_says_so() {
        let mut dfe = fixed();
        dfe.step = 0.02;
        let mut f = Feedback::default();
        f.settle(&dfe, 1.0, &[0.531, -0.0299]);
        assert!((f.taps[0] - 0.52).abs() < 1e-12 && (f.taps[1] + 0.02).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_tail_keeps_its_limit(post in proptest::collection::vec(-0.04..0.04f64, 40..60)) {
            let floating = FloatingTaps { groups: 3, taps_per_group: 3, last: 40, max: 0.05, tail_start: 25, tail_rss_max: 0.02 };
            let dfe = Dfe { max: vec![0.5; 12], min: vec![-0.5; 12], step: 0.0, floating: Some(floating) };
            let mut f = Feedback::default();
            f.settle(&dfe, 0.7, &post);
            let rss = f.taps[24..].iter().map(|b| b * b).sum::<f64>().sqrt();
            prop_assert!(rss <= 0.02 + 1e-12);
            prop_assert_eq!(f.taps.iter().skip(12).filter(|b| **b != 0.0).count() <= 9, true);
        }
    }
}
