//! The grid of a sheet's equalisers as something to search: CTLE settings, and transmit settings within each.

use crate::com::exhaustive::{Best, Found};
use crate::com::figure_of_merit::{Bench, Demand, assess};
use crate::com::prepare::{CtleSetting, Prepared};
use crate::com::window::{self, Share};
use crate::normal;

use super::best_first::{self, Landscape};
use super::bound::{Bound, BoundRules, EyeRules, Scratch, SettingBound};
use super::crosstalk_bound::CosineBands;

/// Room for rounding between bound and evaluation, as a ratio of powers.
const ROUNDING: f64 = 1.0 + 1e-9;
/// Interfering symbols that a first bound of an eye puts at their worst, at most.
const SYMBOLS_AT_WORST: i32 = 7;
/// Interfering symbols whose distribution a second bound works out.
const LARGEST_SYMBOLS: usize = 16;

/// How many times as wide bins are where a bound takes the eye's middle, and where it takes all of its window.
const MIDDLE_BINS: i64 = 4;
const ALL_BINS: i64 = 3;

/// A CTLE setting with what its points share.
#[derive(Debug)]
pub struct Ready<'a> {
    setting: CtleSetting,
    bound: SettingBound<'a>,
}

/// A prepared case as a landscape. Merits are figures of merit in dB.
struct EqualiserGrid<'a> {
    prepared: &'a Prepared<'a>,
    /// Least eye height in mV, where settings are judged by that.
    eye_height_mv: Option<f64>,
    rules: &'a BoundRules,
    crosstalk: CosineBands,
}

/// The best setting of the whole grid. With an eye height in mV, settings are judged by their eye, and those with a lower
/// one are passed over. `None` where no setting is left.
pub fn search(prepared: &Prepared, eye_height_mv: Option<f64>) -> Option<Found> {
    let rules = rules(prepared, eye_height_mv.is_some());
    let grid = EqualiserGrid::new(prepared, &rules, eye_height_mv);
    let found = best_first::search(&grid);
    let best = found.best?;
    let setting = prepared.ctle_setting(&prepared.ctle_grid[best.setting].2);
    let taps = prepared.tx_grid.setting(best.point);
    let point = assess(prepared, &setting, taps, grid.demand(), None, &mut Bench::default())?;
    Some(Found { best: Best { ctle: best.setting, tx: best.point, point }, evaluated: found.evaluated })
}

/// Best figure of merit in dB by noise terms behind every setting of [`Prepared::ctle_grid`], for a map over both gains.
pub fn map(prepared: &Prepared) -> Vec<Option<f64>> {
    let rules = rules(prepared, false);
    let grid = EqualiserGrid::new(prepared, &rules, None);
    best_first::best_of_each(&grid).into_iter().map(|best| best.map(|best| best.merit)).collect()
}

/// What the points of a case have in common.
fn rules(prepared: &Prepared, by_eye: bool) -> BoundRules {
    let p = prepared.parameters;
    let eye = p.module_eye.as_ref().filter(|_| by_eye).map(|eye| {
        let tail = 2.0 * window::middle_tail(p, eye);
        let levels = f64::from(p.signal.levels);
        let tails = (0..SYMBOLS_AT_WORST).map(|k| tail * levels.powi(k)).take_while(|tail| *tail < 0.5);
        EyeRules { quantiles: tails.map(normal::quantile).collect(), bin_v: p.numerics.bin_v }
    });
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
        eye,
    }
}

impl<'a> EqualiserGrid<'a> {
    fn new(prepared: &'a Prepared<'a>, rules: &'a BoundRules, eye_height_mv: Option<f64>) -> Self {
        let turn = 2.0 * std::f64::consts::PI / prepared.parameters.signal.baud_hz;
        let angles: Vec<f64> =
            prepared.frequency_hz.iter().take(prepared.crosstalk.far.len()).map(|f| f * turn).collect();
        Self { prepared, eye_height_mv, rules, crosstalk: CosineBands::new(rules.tx_taps, &angles) }
    }

    fn demand(&self) -> Demand {
        Demand { eye_height_mv: self.eye_height_mv, ..Demand::NONE }
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
        // An eye is searched without crosstalk.
        let near = if self.eye_height_mv.is_some() { 0.0 } else { setting.next_sigma2 };
        let fixed = setting.sigma_n * setting.sigma_n + near;
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

    fn closer(&self, ready: &Ready<'a>, point: usize, level: usize) -> Option<f64> {
        self.eye_height_mv?;
        let eye = self.prepared.parameters.module_eye.as_ref()?;
        // With several instants to try, a bound would have to hold for each.
        if self.rules.adjustment != (0, 0) {
            return None;
        }
        if level > 2 {
            return None;
        }
        let taps = self.prepared.tx_grid.setting(point);
        let mut bench = Bench::default();
        let found = assess(self.prepared, &ready.setting, taps, Demand::NONE, None, &mut bench);
        // A setting that cannot be sampled loses to every other.
        let Some(found) = found else { return Some(f64::NEG_INFINITY) };
        match level {
            0 => window::search_bound_db(self.prepared, eye, &bench, &found, Share::Largest(LARGEST_SYMBOLS)),
            1 => window::search_height_bound_db(self.prepared, eye, &bench, &found, false, MIDDLE_BINS),
            _ => window::search_height_bound_db(self.prepared, eye, &bench, &found, true, ALL_BINS),
        }
    }

    fn merit(&self, ready: &Ready<'a>, point: usize) -> Option<f64> {
        let taps = self.prepared.tx_grid.setting(point);
        assess(self.prepared, &ready.setting, taps, self.demand(), None, &mut Bench::default()).map(|p| p.fom_db)
    }
}
