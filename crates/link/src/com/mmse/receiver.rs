//! What the receiver may do: its feed-forward and feedback taps and their limits.

use crate::com::parameters::{Dfe, RxFfe, RxFfeMethod};

/// Taps of a receiver and their limits.
///
/// Feed-forward taps are counted by position: 0 is the first precursor tap, `pre` the cursor, and positions from
/// `fixed` to `span - 1` are open to floating groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// d_w: taps before the cursor.
    pub pre: usize,
    /// N_fix: taps that are always there.
    pub fixed: usize,
    /// N_max: positions that a tap can have.
    pub span: usize,
    /// N_wg: floating groups.
    pub groups: usize,
    /// N_wf: taps in a floating group.
    pub per_group: usize,
    /// w_max of the fixed taps as a share of the cursor's; the lower limits are their negatives, but for the cursor.
    pub tap_max: Vec<f64>,
    /// w_max of floating taps as a share of the cursor's.
    pub floating_max: f64,
    /// b_max, one per feedback tap.
    pub feedback_max: Vec<f64>,
    /// b_min, one per feedback tap.
    pub feedback_min: Vec<f64>,
    /// How the groups' places are removed from the list once one is taken: as the script does it, which can remove too
    /// much when a third group is placed, or only where groups would overlap, as the drafts have it.
    pub removes_by_count: bool,
}

impl Receiver {
    /// The receiver of a sheet or preset.
    ///
    /// # Errors
    /// When the numbers cannot belong to a receiver; the text says which.
    pub fn new(ffe: &RxFfe, dfe: &Dfe) -> Result<Self, String> {
        let fixed = ffe.pre + 1 + ffe.post;
        if fixed > 512 {
            return Err(format!("a receive equaliser of {fixed} taps: at most 512 are worked with"));
        }
        if dfe.max.len() != dfe.min.len() {
            return Err(format!("{} upper and {} lower limits of feedback taps", dfe.max.len(), dfe.min.len()));
        }
        if dfe.max.len() > 64 {
            return Err(format!(
                "{} feedback taps behind a receive equaliser: at most 64 are worked with",
                dfe.max.len()
            ));
        }
        if let Some(at) =
            (0..dfe.max.len()).find(|&at| dfe.min[at].is_nan() || dfe.max[at].is_nan() || dfe.min[at] > dfe.max[at])
        {
            return Err(format!("feedback tap {}: b_min {} above b_max {}", at + 1, dfe.min[at], dfe.max[at]));
        }
        let mut tap_max = vec![ffe.max; fixed];
        if ffe.pre > 0 {
            tap_max[ffe.pre - 1] = ffe.pre1_max;
        }
        if ffe.post > 0 {
            tap_max[ffe.pre + 1] = ffe.post1_max;
        }
        tap_max[ffe.pre] = 1.0;
        let mut receiver = Self {
            pre: ffe.pre,
            fixed,
            span: fixed,
            groups: 0,
            per_group: 0,
            tap_max,
            floating_max: 0.0,
            feedback_max: dfe.max.clone(),
            feedback_min: dfe.min.clone(),
            removes_by_count: ffe.method == RxFfeMethod::MinimumError,
        };
        if let Some(floating) = ffe.floating.filter(|floating| floating.groups > 0) {
            if floating.tail_start == 0 || floating.last < floating.tail_start {
                return Err(format!(
                    "floating taps of the receive equaliser from {} to {}: N_tail_start must be at least 1 and at most N_f",
                    floating.tail_start, floating.last
                ));
            }
            // The script puts position `N_tail_start` right behind the fixed taps, whatever their number.
            receiver.span = fixed + floating.last - floating.tail_start + 1;
            receiver.groups = floating.groups;
            receiver.per_group = floating.taps_per_group;
            receiver.floating_max = floating.max;
            if receiver.span > 1024
                || floating.taps_per_group == 0
                || fixed + floating.groups * floating.taps_per_group > 512
            {
                return Err("floating groups of the receive equaliser: too many or too long".to_owned());
            }
            if receiver.span - fixed < floating.groups * floating.taps_per_group {
                return Err(format!(
                    "{} floating groups of {} taps do not fit between {} and {}",
                    floating.groups, floating.taps_per_group, floating.tail_start, floating.last
                ));
            }
        }
        Ok(receiver)
    }

    /// Limit of the tap at a position, as a share of the cursor's.
    pub fn limit(&self, position: usize) -> f64 {
        self.tap_max.get(position).copied().unwrap_or(self.floating_max)
    }

    /// N_b: feedback taps.
    pub fn feedback(&self) -> usize {
        self.feedback_max.len()
    }
}
