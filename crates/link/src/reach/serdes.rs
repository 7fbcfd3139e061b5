//! The class of SerDes that a path needs, and what it draws: energy per bit grows with reach, so a lane that loses
//! little should not carry a long-reach receiver (XSR, VSR, MR, LR; and die-to-die).
//!
//! Classes are parts of the catalogue (`serdes/112g-vsr`, `generic/ucie-16g-advanced`): the loss at Nyquist that each
//! recovers from bump to bump, and energy with band, grade and source. Only arithmetic is here.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Kind, Part};
use lanewright_model::figure::{Band, Grade};
use lanewright_model::system::PartId;
use lanewright_model::units::Quantity;
use serde::Serialize;

/// A class may be rated this much above a lane's rate: 112G classes carry lanes of 106.25 Gb/s and 100G payloads, a
/// class of twice the rate is another generation.
const RATED_ABOVE: f64 = 1.35;
/// Lanes may run this much above a class's rated speed: 28G classes are said to carry 28.125 Gb/s.
const RATED_BELOW: f64 = 0.97;

/// A class against a loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassFit {
    /// Part.
    #[serde(skip)]
    pub part: PartId,
    /// Id of the part.
    pub id: String,
    /// Name of the part.
    pub name: String,
    /// Rated data rate in Gb/s per lane and direction.
    pub rated_gbps: f64,
    /// Loss at Nyquist that it recovers, in dB; absent for die-to-die parts without such a figure.
    pub recovers_db: Option<Band<f64>>,
    /// What it recovers less the path's likely loss, in dB.
    pub margin_db: Option<f64>,
    /// Energy for each bit in pJ: the transmitter and the receiver of one lane at one end.
    pub energy_pj_per_bit: Option<Band<f64>>,
    /// Grade of the energy.
    pub energy_grade: Option<Grade>,
    /// Source of the energy.
    pub energy_source: Option<String>,
    /// Power of one lane at one end, both directions, in mW at the line rate asked for.
    pub lane_mw: Option<Band<f64>>,
    /// Whether it recovers the likely loss.
    pub closes: bool,
    /// Whether it recovers the likely loss at the good end of its own band.
    pub may_close: bool,
}

/// Classes that run at a line rate in Gb/s, least reach first, judged against a path's likely loss at Nyquist in dB.
/// `pcie` picks the classes of PCI Express, whose names stand for generations.
pub fn classes(catalogue: &Catalogue, line_gbps: f64, loss_db: f64, pcie: bool) -> Vec<ClassFit> {
    let mut found: Vec<ClassFit> = catalogue
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.kind == Kind::Serdes && part.id.value.contains("pcie") == pcie)
        .filter_map(|(index, part)| fit(part, PartId(index as u32), line_gbps, loss_db))
        .collect();
    found.sort_by(|x, y| reach(x).total_cmp(&reach(y)).then_with(|| x.id.cmp(&y.id)));
    found
}

/// The class with the least energy among those that recover the loss; where none does, among those that may.
pub fn choose(classes: &[ClassFit]) -> Option<&ClassFit> {
    let energy = |class: &ClassFit| class.energy_pj_per_bit.map_or(f64::INFINITY, |e| e.likely);
    let least = |wanted: fn(&ClassFit) -> bool| {
        classes.iter().filter(|class| wanted(class)).min_by(|x, y| energy(x).total_cmp(&energy(y)))
    };
    least(|class| class.closes).or_else(|| least(|class| class.may_close))
}

/// Die-to-die parts that reach a length in metres, least energy first.
pub fn die_to_die(catalogue: &Catalogue, line_gbps: f64, length_m: f64) -> Vec<ClassFit> {
    let mut found: Vec<ClassFit> = catalogue
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.kind == Kind::Chiplet && part.id.value.contains("ucie"))
        .filter_map(|(index, part)| {
            let reach = part.figures.reach.as_ref()?.band.likely.get();
            let mut class = fit(part, PartId(index as u32), line_gbps, 0.0)?;
            class.closes = reach + 1e-9 >= length_m;
            class.may_close = class.closes;
            class.margin_db = None;
            Some(class)
        })
        .collect();
    let energy = |class: &ClassFit| class.energy_pj_per_bit.map_or(f64::INFINITY, |e| e.likely);
    found.sort_by(|x, y| energy(x).total_cmp(&energy(y)).then_with(|| x.id.cmp(&y.id)));
    found
}

fn reach(class: &ClassFit) -> f64 {
    class.recovers_db.map_or(0.0, |band| band.likely)
}

fn fit(part: &Part, id: PartId, line_gbps: f64, loss_db: f64) -> Option<ClassFit> {
    let rated = part.figures.data_rate.as_ref()?.band.likely.get();
    if !(line_gbps > 0.0 && line_gbps <= rated / RATED_BELOW && rated <= line_gbps * RATED_ABOVE) {
        return None;
    }
    let recovers = part.figures.loss_budget.as_ref().map(|f| f.band.map(Quantity::get));
    let energy = part.figures.energy_per_bit.as_ref();
    Some(ClassFit {
        part: id,
        id: part.id.value.clone(),
        name: part.name.clone(),
        rated_gbps: rated,
        recovers_db: recovers,
        margin_db: recovers.map(|band| band.likely - loss_db),
        energy_pj_per_bit: energy.map(|f| f.band.map(Quantity::get)),
        energy_grade: energy.map(|f| f.grade),
        energy_source: energy.map(|f| f.source.clone()),
        lane_mw: energy.map(|f| f.band.map(|x| x.get() * line_gbps)),
        closes: recovers.is_some_and(|band| band.likely + 1e-9 >= loss_db),
        may_close: recovers.is_some_and(|band| band.high + 1e-9 >= loss_db),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::catalogue;
    use super::*;

    #[test]
    fn the_class_follows_the_loss() {
        let catalogue = catalogue();
        for (rate, loss, expected) in [
            (106.25, 6.0, Some("serdes/112g-xsr")),
            (106.25, 12.0, Some("serdes/112g-xsr-plus")),
            (106.25, 15.0, Some("serdes/112g-vsr")),
            (106.25, 19.0, Some("serdes/112g-mr")),
            (106.25, 27.0, Some("serdes/112g-lr")),
            (106.25, 34.0, Some("serdes/112g-lr")),
            (106.25, 45.0, None),
            (212.5, 30.0, Some("serdes/224g-lr")),
            (53.125, 9.0, Some("serdes/56g-vsr")),
            (25.781_25, 19.0, Some("serdes/28g-mr")),
        ] {
            let classes = classes(&catalogue, rate, loss, false);
            assert_eq!(choose(&classes).map(|class| class.id.as_str()), expected, "{rate} Gb/s, {loss} dB");
        }
        let pcie = classes(&catalogue, 64.0, 20.0, true);
        assert_eq!(choose(&pcie).map(|class| class.id.as_str()), Some("serdes/pcie-6"));
    }

    /// C12: what long reach costs. Planning bands of the catalogue: 112G XSR 1.25 pJ/bit, LR 5.5 pJ/bit.
    #[test]
    fn energy_grows_with_reach() {
        let classes = classes(&catalogue(), 106.25, 5.0, false);
        let energy: Vec<f64> = classes.iter().filter_map(|c| c.energy_pj_per_bit).map(|e| e.likely).collect();
        assert!(energy.len() >= 5 && energy.windows(2).all(|w| w[0] < w[1]), "{energy:?}");
        let xsr = &classes[0];
        assert!((xsr.lane_mw.expect("energy").likely - 1.25 * 106.25).abs() < 1e-9);
    }

    #[test]
    fn advanced_packages_reach_less_and_draw_less() {
        let near = die_to_die(&catalogue(), 16.0, 0.001);
        assert!(near.first().is_some_and(|class| class.id.contains("advanced") && class.closes), "{near:?}");
        let far = die_to_die(&catalogue(), 16.0, 0.02);
        assert!(far.iter().find(|class| class.closes).is_some_and(|class| class.id.contains("standard")), "{far:?}");
    }
}
