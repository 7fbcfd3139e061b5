//! The grid of a sheet's equalisers as something to search: CTLE settings, and transmit settings within each.

use crate::com::exhaustive::{Best, Found};
use crate::com::figure_of_merit::{Bench, Demand, assess};
use crate::com::prepare::{CtleSetting, Prepared};

use super::best_first::{self, Landscape};
use super::bound::{Bound, BoundRules, MOST_TAPS, Scratch, SettingBound};
use super::crosstalk_bound::CosineBands;

/// Room for rounding between bound and evaluation, as a ratio of powers.
const ROUNDING: f64 = 1.0 + 1e-9;

/// A CTLE setting with what its points share.
#[derive(Debug)]
pub struct Ready<'a> {
    setting: CtleSetting,
    bound: SettingBound<'a>,
}

/// A prepared case as a landscape. Merits are figures of merit in dB.
struct EqualiserGrid<'a> {
    prepared: &'a Prepared<'a>,
    rules: &'a BoundRules,
    crosstalk: CosineBands,
}

/// The best setting of the whole grid, for receivers that are judged by their noise terms. `None` where no setting can
/// be sampled.
pub fn search(prepared: &Prepared) -> Option<Found> {
    if prepared.tx_grid.width > MOST_TAPS {
        return crate::com::exhaustive::search(prepared);
    }
    let rules = rules(prepared);
    let grid = EqualiserGrid::new(prepared, &rules);
    let found = best_first::search(&grid);
    let best = found.best?;
    let setting = prepared.ctle_setting(&prepared.ctle_grid[best.setting].2);
    let taps = prepared.tx_grid.setting(best.point);
    let point = assess(prepared, &setting, taps, Demand::NONE, None, &mut Bench::default())?;
    Some(Found { best: Best { ctle: best.setting, tx: best.point, point }, evaluated: found.evaluated })
}

/// What the points of a case have in common.
fn rules(prepared: &Prepared) -> BoundRules {
    let p = prepared.parameters;
    let range = &prepared.clock.peak_range;
    BoundRules {
        samples_per_ui: prepared.clock.samples_per_ui,
        peak_range: (*range.start(), *range.end()),
        tx_cursor: prepared.tx_grid.cursor,
        tx_taps: prepared.tx_grid.width,
        dfe_max: p.dfe.max.clone(),
        dfe_min: p.dfe.min.clone(),
        dfe_step: p.dfe.step,
        floating: p.dfe.floating.filter(|floating| floating.groups > 0),
        anchor: p.sampling.anchor,
        adjustment: p.sampling.adjustment,
        symbol_power: prepared.sigma_x * prepared.sigma_x,
        jitter_power: p.noise.dual_dirac_ui.powi(2) + p.noise.random_jitter_ui.powi(2),
        signal_share: p.signal.level_mismatch / (f64::from(p.signal.levels) - 1.0),
        tx_noise_share: 10_f64.powf(-prepared.case.tx_snr_db / 10.0),
        tx_noise_by_cursor: p.noise.tx_noise_by_cursor,
    }
}

impl<'a> EqualiserGrid<'a> {
    fn new(prepared: &'a Prepared<'a>, rules: &'a BoundRules) -> Self {
        let turn = 2.0 * std::f64::consts::PI / prepared.parameters.signal.baud_hz;
        let angles: Vec<f64> =
            prepared.frequency_hz.iter().take(prepared.crosstalk.far.len()).map(|f| f * turn).collect();
        Self { prepared, rules, crosstalk: CosineBands::new(rules.tx_taps, &angles) }
    }
}

impl<'a> Landscape for EqualiserGrid<'a> {
    type Setting = Ready<'a>;
    type Scratch = Scratch;

    fn settings(&self) -> usize {
        self.prepared.ctle_grid.len()
    }

    fn points(&self) -> usize {
        self.prepared.tx_grid.len()
    }

    fn prepare(&self, setting: usize) -> Option<Ready<'a>> {
        let setting = self.prepared.ctle_setting(&self.prepared.ctle_grid[setting].2);
        let crosstalk = (!setting.fext_weight.is_empty()).then(|| self.crosstalk.bound(&setting.fext_weight));
        let fixed = setting.sigma_n * setting.sigma_n + setting.next_sigma2;
        let bound = SettingBound::new(self.rules, &setting.pulse, fixed, crosstalk);
        Some(Ready { setting, bound })
    }

    fn bound(&self, ready: &Ready<'a>, point: usize, enough: f64, scratch: &mut Scratch) -> Option<f64> {
        if scratch.enough.0 != enough {
            scratch.enough = (enough, 10_f64.powf(enough / 10.0) / ROUNDING);
        }
        let ratio = scratch.enough.1;
        match ready.bound.bound(self.prepared.tx_grid.setting(point), ratio, scratch) {
            // No need for a logarithm.
            Bound::AtMost(below) if below < ratio => None,
            Bound::Void => None,
            Bound::AtMost(ratio) => Some(10.0 * (ratio * ROUNDING).log10()),
        }
    }

    fn merit(&self, ready: &Ready<'a>, point: usize) -> Option<f64> {
        let taps = self.prepared.tx_grid.setting(point);
        assess(self.prepared, &ready.setting, taps, Demand::NONE, None, &mut Bench::default()).map(|p| p.fom_db)
    }
}
