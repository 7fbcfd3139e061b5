//! Channel operating margin of modelled lanes, at the three ends of their bands, with the errors that follow.

use lanewright_model::figure::Band;
use serde::Serialize;

use super::path::LanePath;
use super::piece::{End, Piece};
use super::receiver::PlanningReceiver;
use super::slicer::SlicerView;
use crate::com::channel::ChannelSet;
use crate::com::distribution::Distribution;
use crate::com::evaluate::case_outcome;
use crate::com::mmse::referred;
use crate::com::outcome::CaseOutcome;
use crate::com::package::{End as PackageEnd, package};
use crate::com::parameters::ComParameters;
use crate::com::prepare::Prepared;
use crate::com::problem::ComProblem;
use crate::com::{evaluate, margin, search};
use crate::normal;

/// Share of a host's loss that its package may take; the rest is board (an estimate).
const PACKAGE_SHARE: f64 = 0.6;
/// Channels are modelled up to this multiple of the symbol rate.
const TOP_OF_BAUD: f64 = 1.0;

/// A lane at one end of its band.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneEnd {
    /// COM in dB.
    pub com_db: f64,
    /// Detector error ratio: the share of symbols that noise and interference carry over one threshold.
    pub detector_error_ratio: f64,
    /// Bit error ratio at the detector, symbols coded after Gray.
    pub bit_error_ratio: f64,
    /// Signal amplitude in mV.
    pub a_s_mv: f64,
    /// Noise and interference at the error ratio of the reference receiver, in mV.
    pub a_ni_mv: f64,
    /// Feedback taps relative to the cursor.
    pub dfe_taps: Vec<f64>,
    /// COM in dB as if every symbol were detected by itself, where the receiver detects sequences.
    pub com_by_symbol_db: Option<f64>,
    /// What the slicer sees; looked at for the likely end alone.
    #[serde(skip)]
    pub slicer: Option<SlicerView>,
    /// Transmit taps by their positions.
    pub tx_taps: Vec<(i32, f64)>,
    /// g_DC and g_DC_HP in dB.
    pub gains_db: (f64, Option<f64>),
}

/// A lane at the three ends of its band.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneMargin {
    /// COM in dB; low is at high loss.
    pub com_db: Band<f64>,
    /// Bit error ratio at the detector; high is at high loss.
    pub bit_error_ratio: Band<f64>,
    /// At likely loss.
    pub likely: LaneEnd,
}

/// Why a lane has no margin.
#[derive(Clone, Debug, PartialEq)]
pub enum NoMargin {
    /// The engine refuses parameters or channel.
    Refused(ComProblem),
    /// No setting of the equalisers can sample the pulse: the channel carries nothing at this rate.
    NothingArrives,
}

/// COM of a modelled path whose first and last pieces are hosts, package included, if `hosts` says so.
pub fn of_path(path: &LanePath, hosts: [bool; 2], receiver: &PlanningReceiver) -> Result<LaneMargin, NoMargin> {
    let at = |end: End, grid: &ComParameters, look: bool| {
        let (inner, parameters) = between_packages(path, hosts, grid, end);
        let set = inner.channel_set(end, parameters.signal.baud_hz * TOP_OF_BAUD);
        of_channels(&set, &parameters, look)
    };
    let likely = at(End::Likely, &receiver.parameters, true)?;
    // The equalisers of the band's ends are looked for beside those of the likely channel: that can only miss some of
    // the optimum, on the safe side.
    let near = beside(&receiver.parameters, &likely);
    let (low, high) = rayon::join(|| at(End::Low, &near, false), || at(End::High, &near, false));
    banded(vec![low, Ok(likely), high])
}

/// The parameters with grids of the values chosen and their neighbours.
fn beside(parameters: &ComParameters, chosen: &LaneEnd) -> ComParameters {
    let mut near = parameters.clone();
    for grid in &mut near.tx_ffe.taps {
        let Some((_, value)) = chosen.tx_taps.iter().find(|(position, _)| *position == grid.position) else { continue };
        let at = nearest(&grid.values, *value);
        grid.values = neighbours(&grid.values, at);
    }
    let gains: Vec<f64> = near.ctle.stages.iter().map(|stage| stage.gain_db).collect();
    near.ctle.stages = neighbours(&near.ctle.stages, nearest(&gains, chosen.gains_db.0));
    if let Some(gain) = chosen.gains_db.1 {
        let gains: Vec<f64> = near.ctle.low_stages.iter().map(|stage| stage.gain_db).collect();
        near.ctle.low_stages = neighbours(&near.ctle.low_stages, nearest(&gains, gain));
    }
    near
}

fn nearest(values: &[f64], value: f64) -> usize {
    let far = |v: &f64| (v - value).abs();
    values.iter().enumerate().min_by(|x, y| far(x.1).total_cmp(&far(y.1))).map_or(0, |found| found.0)
}

fn neighbours<T: Clone>(values: &[T], at: usize) -> Vec<T> {
    values.get(at.saturating_sub(1)..(at + 2).min(values.len())).unwrap_or_default().to_vec()
}

/// COM of a measured channel between the packages of the receiver's own cases: the worst of them is low.
pub fn of_measured(set: &ChannelSet, receiver: &PlanningReceiver) -> Result<LaneEnd, NoMargin> {
    of_channels(set, &receiver.parameters, true)
}

fn banded(ends: Vec<Result<LaneEnd, NoMargin>>) -> Result<LaneMargin, NoMargin> {
    let [low_loss, likely, high_loss]: [Result<LaneEnd, NoMargin>; 3] =
        ends.try_into().map_err(|_| NoMargin::NothingArrives)?;
    let likely = likely?;
    // An end of the band that carries nothing has no margin at all; a path with less loss has at least the likely one.
    let low_loss = low_loss.unwrap_or_else(|_| likely.clone());
    let (worst_com, worst_ber) = match &high_loss {
        Ok(end) => (end.com_db, end.bit_error_ratio),
        Err(_) => (f64::NEG_INFINITY, 0.5),
    };
    Ok(LaneMargin {
        com_db: Band {
            low: worst_com.min(likely.com_db),
            likely: likely.com_db,
            high: low_loss.com_db.max(likely.com_db),
        },
        bit_error_ratio: Band {
            low: low_loss.bit_error_ratio.min(likely.bit_error_ratio),
            likely: likely.bit_error_ratio,
            high: worst_ber.max(likely.bit_error_ratio),
        },
        likely,
    })
}

/// The path from ball to ball, and the parameters with the packages that its hosts have.
fn between_packages(
    path: &LanePath,
    hosts: [bool; 2],
    parameters: &ComParameters,
    end: End,
) -> (LanePath, ComParameters) {
    let (mut inner, mut parameters) = (path.clone(), parameters.clone());
    let nyquist_hz = parameters.signal.baud_hz / 2.0;
    let at_end = |piece: &Piece| {
        let band = piece.loss_db(nyquist_hz * 1e-9);
        [band.low, band.likely, band.high][end as usize]
    };
    let Some(case) = parameters.ends.cases.first().cloned() else { return (inner, parameters) };
    let mut case = case;
    let split = |host_db: f64, tx: bool, longest: &[f64]| -> (f64, f64) {
        let loss = |mm: f64| package_loss(&parameters, tx, mm, longest, nyquist_hz);
        let wanted = host_db * PACKAGE_SHARE;
        let most = longest.first().copied().unwrap_or(0.0);
        let (mut low, mut high) = (1.0_f64.min(most), most);
        if loss(high) > wanted {
            for _ in 0..30 {
                let middle = (low + high) / 2.0;
                if loss(middle) > wanted { high = middle } else { low = middle }
            }
            high = low;
        }
        (high, (host_db - loss(high)).max(0.0))
    };
    let board = |loss_db: f64| Piece::known("host board", nyquist_hz * 1e-9, Band::exact(loss_db), true);
    if hosts[1]
        && let Some(last) = inner.pieces.pop()
    {
        let (mm, rest) = split(at_end(&last), false, &case.rx_mm);
        set_first(&mut case.rx_mm, mm);
        set_first(&mut case.next_mm, mm);
        inner.pieces.extend(board(rest));
    }
    if hosts[0] && !inner.pieces.is_empty() {
        let first = inner.pieces.remove(0);
        let (mm, rest) = split(at_end(&first), true, &case.tx_mm);
        set_first(&mut case.tx_mm, mm);
        set_first(&mut case.fext_mm, mm);
        if let Some(piece) = board(rest) {
            inner.pieces.insert(0, piece);
        }
    }
    parameters.ends.cases = vec![case];
    (inner, parameters)
}

fn set_first(lengths: &mut [f64], mm: f64) {
    if let Some(first) = lengths.first_mut() {
        *first = mm;
    }
}

/// Loss of a package with a first stage of `mm` at a frequency, in dB, between matched ends.
fn package_loss(parameters: &ComParameters, tx: bool, mm: f64, lengths: &[f64], hz: f64) -> f64 {
    let ends = &parameters.ends;
    let mut length_mm = lengths.to_vec();
    set_first(&mut length_mm, mm);
    let end = PackageEnd {
        die: if tx { &ends.die.tx } else { &ends.die.rx },
        bump_f: if tx { ends.bump_f.tx } else { ends.bump_f.rx },
        via_f: if tx { ends.via_f.tx } else { ends.via_f.rx },
        ball_f: if tx { ends.ball_f.tx } else { ends.ball_f.rx },
        line: if tx { &ends.package.tx } else { &ends.package.rx },
        length_mm: &length_mm,
        reference_ohm: ends.reference_ohm,
    };
    package(&[hz], &end).first().map_or(0.0, |point| -20.0 * point.s21.norm().max(1e-9).log10())
}

/// What annex 178A's receivers say of a channel; their distributions stay inside, so errors beyond the target follow the
/// normal law.
fn forward(set: &ChannelSet, parameters: &ComParameters, look: bool) -> Result<LaneEnd, NoMargin> {
    let outcome = evaluate(parameters, set).map_err(NoMargin::Refused)?;
    let worst = outcome.cases.iter().enumerate().min_by(|x, y| x.1.com_db.total_cmp(&y.1.com_db));
    let (at, case) = worst.filter(|(_, case)| case.com_db.is_finite()).ok_or(NoMargin::NothingArrives)?;
    let target = parameters.signal.detector_error_ratio;
    let ratio = normal::tail(normal::quantile(target) * 10_f64.powf(case.com_db / 20.0));
    let slicer = if look {
        let channels = referred(parameters, set).map_err(NoMargin::Refused)?;
        let package = parameters.ends.cases.get(at).ok_or(NoMargin::NothingArrives)?;
        let prepared = Prepared::new(parameters, &channels, package).map_err(NoMargin::Refused)?;
        SlicerView::of_case(&prepared, case)
    } else {
        None
    };
    Ok(LaneEnd::of_case(case, ratio, parameters, slicer))
}

/// Taps with their positions from the cursor.
fn placed(taps: &[f64], cursor: usize) -> Vec<(i32, f64)> {
    taps.iter().enumerate().map(|(at, tap)| (at as i32 - cursor as i32, *tap)).collect()
}

/// Every threshold can be crossed from two sides but the outer levels' from one; a crossing is one bit of a symbol's.
fn bits_wrong(ratio: f64, parameters: &ComParameters) -> f64 {
    let levels = f64::from(parameters.signal.levels);
    (2.0 * (levels - 1.0) / levels * ratio / levels.log2()).min(0.5)
}

fn of_channels(set: &ChannelSet, parameters: &ComParameters, look: bool) -> Result<LaneEnd, NoMargin> {
    if parameters.rx_ffe.is_some() {
        return forward(set, parameters, look);
    }
    let mut worst: Option<(Prepared<'_>, CaseOutcome, f64)> = None;
    for case in &parameters.ends.cases {
        let prepared = Prepared::new(parameters, set, case).map_err(NoMargin::Refused)?;
        let found = search::best_setting(&prepared).ok_or(NoMargin::NothingArrives)?;
        let concluded = margin::conclude(&prepared, &found.best).ok_or(NoMargin::NothingArrives)?;
        if worst.as_ref().is_none_or(|(_, worst, _)| concluded.com_db < worst.com_db) {
            let ratio = error_ratio(&concluded.distributions.total, concluded.a_s, concluded.a_ni, parameters);
            let outcome = case_outcome(&prepared, &found, &concluded);
            worst = Some((prepared, outcome, ratio));
        }
    }
    let (prepared, outcome, ratio) = worst.ok_or(NoMargin::NothingArrives)?;
    let slicer = if look { SlicerView::of_case(&prepared, &outcome) } else { None };
    Ok(LaneEnd::of_case(&outcome, ratio, parameters, slicer))
}

impl LaneEnd {
    fn of_case(case: &CaseOutcome, ratio: f64, parameters: &ComParameters, slicer: Option<SlicerView>) -> Self {
        Self {
            com_db: case.com_db,
            com_by_symbol_db: case.com_by_symbol_db,
            detector_error_ratio: ratio,
            bit_error_ratio: bits_wrong(ratio, parameters),
            a_s_mv: case.a_s_mv,
            a_ni_mv: case.a_ni_mv,
            dfe_taps: case.dfe_taps.clone(),
            slicer,
            tx_taps: placed(&case.tx_taps, case.tx_cursor),
            gains_db: (case.g_dc_db, case.g_dc2_db),
        }
    }
}

/// Probability that noise and interference exceed the signal. Within the distribution's support it is summed; beyond it,
/// where the Gaussian part was cut, all of it is taken to widen like a normal distribution through A_ni, which errs on
/// the side of errors, since interference is bounded.
fn error_ratio(total: &Distribution, a_s: f64, a_ni: f64, parameters: &ComParameters) -> f64 {
    let limit = (-a_s / total.bin_v).floor() as i64;
    let bins = usize::try_from((limit - total.first).max(0)).unwrap_or(0);
    let below: f64 = total.probability.iter().take(bins).sum();
    // The convolution's rounding leaves some 1e-17 in every bin.
    if below > 1e-13 {
        return below.min(0.5);
    }
    let target = parameters.signal.detector_error_ratio;
    normal::tail(normal::quantile(target) * a_s / a_ni.max(1e-12))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::catalogue;
    use super::super::receiver::for_lane;
    use super::super::segments::{self, parse};
    use super::*;

    fn margin(text: &str, baud: f64, levels: u32) -> LaneMargin {
        let segments = parse(text, &catalogue(), baud / 2.0).expect("good path");
        let path = segments::path("test", &segments);
        let receiver = for_lane(baud, levels, true).expect("known lane");
        of_path(&path, [true, true], &receiver).expect("a margin")
    }

    /// What is drawn is the case that COM judged: its signal, and its interference but for jitter, which COM takes as noise
    /// in proportion to the slope of every symbol while the eye moves all at once.
    #[test]
    fn the_slicer_sees_the_case_that_com_judged() {
        for (text, baud) in [
            ("host 6dB, connector osfp, twinax 26awg 1m, connector osfp, host 6dB", 53.125),
            ("host 6dB, connector osfp, twinax 26awg 0.5m, connector osfp, host 6dB", 106.25),
        ] {
            let found = margin(text, baud, 4).likely;
            let view = found.slicer.expect("the likely end is looked at");
            // R_LM of both receivers is 0.95; PAM4 has three steps.
            let signal = 0.95 * view.pulse_mv[view.cursor] / 3.0;
            assert!((signal / found.a_s_mv - 1.0).abs() < 1e-6, "{baud}: {signal} {}", found.a_s_mv);
            let eye = view.eye.expect("a signal arrives");
            assert_eq!((eye.openings.len(), eye.contours.len(), eye.shades.len()), (3, 3, eye.columns * eye.rows));
            let expected = 2.0 * (found.a_s_mv - found.a_ni_mv);
            assert!((eye.height_mv() - expected).abs() < 0.1 * found.a_s_mv, "{baud}: {} {expected}", eye.height_mv());
        }
    }

    /// A copper cable of 802.3ck's own class closes: 2 m between short hosts, and 4 m does not.
    #[test]
    fn cables_close_up_to_about_their_reach() {
        let path = |metres: f64| format!("host 6dB, connector osfp, twinax 26awg {metres}m, connector osfp, host 6dB");
        let coms: Vec<Band<f64>> = [1.0, 2.0, 4.0].map(|m| margin(&path(m), 53.125, 4).com_db).to_vec();

        assert!(coms[0].likely > 3.0 && coms[2].likely < 3.0, "{coms:?}");
        assert!(coms.windows(2).all(|w| w[0].likely > w[1].likely));
        assert!(coms.iter().all(|band| band.low <= band.likely && band.likely <= band.high));
    }
}
