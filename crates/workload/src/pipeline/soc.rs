//! What is taken for known of a chip where neither the file nor the catalogue says it, and where that comes from.

use super::checked::Soc;
use super::tables::SocTable;
use crate::estimate::Estimate;
use lanewright_model::catalogue::part::Part;
use lanewright_model::figure::{Band, Figure};

/// Share of the memory's peak that mixed traffic of cameras and engines gets: row misses, refresh, turns between reads
/// and writes. General knowledge of LPDDR4 and LPDDR5 systems; single streams of weights reach 0.8 to 0.9.
pub const MIXED_TRAFFIC: Estimate = Estimate { low: 0.65, likely: 0.75, high: 0.85 };

/// Energy of LPDDR4X and LPDDR5 traffic, device and interface, J per bit: general knowledge, 4 to 6 pJ at the device.
pub const DRAM_JOULES_PER_BIT: Estimate = Estimate { low: 4e-12, likely: 6e-12, high: 8e-12 };

/// Share of the whole power that a chip draws however little it does, where only its power in use is known. Estimate.
pub const STANDING_SHARE: Estimate = Estimate { low: 0.25, likely: 0.35, high: 0.5 };

/// The chip of a file; the error says what is missing.
pub fn soc(table: &SocTable, part: Option<&Part>) -> Result<Soc, String> {
    let figures = part.map(|part| &part.figures);
    let bandwidth = match (&table.dram_gb_s, figures.and_then(|f| f.bandwidth.as_ref())) {
        (Some(own), _) => own.times(1e9),
        (None, Some(figure)) => estimate(figure, |v| v.0 * 1e9),
        (None, None) => {
            return Err("the memory's bandwidth is not known; write `dram_gb_s = [low, likely, high]`".into());
        }
    };
    if bandwidth.low <= 0.0 {
        return Err("the memory's bandwidth must be above 0".into());
    }
    let efficiency = table.dram_efficiency.as_ref().map_or(MIXED_TRAFFIC, |own| own.value.0);
    if efficiency.low <= 0.0 || efficiency.high > 1.0 {
        return Err("`dram_efficiency` is a share above 0, at most 1".into());
    }
    let weak = match figures {
        Some(f) => {
            let grades = [f.bandwidth.as_ref().map(|x| x.grade), f.power.as_ref().map(|x| x.grade)];
            grades.into_iter().flatten().any(|grade| grade.is_weak())
                || f.int8.as_ref().map(|x| x.grade).or(f.etops.as_ref().map(|x| x.grade)).is_some_and(|g| g.is_weak())
        }
        None => false,
    };
    Ok(Soc {
        part: part.map(|part| part.id.value.clone()),
        name: part.map_or_else(|| "own figures".to_string(), |part| part.name.clone()),
        bandwidth,
        efficiency,
        joules_per_bit: table.dram_pj_per_bit.as_ref().map_or(DRAM_JOULES_PER_BIT, |own| own.times(1e-12)),
        base_w: table.base_w.as_ref().map(|own| own.value.0),
        power_w: figures.and_then(|f| f.power.as_ref()).map(|figure| estimate(figure, |v| v.0)),
        weak,
    })
}

/// A figure of the catalogue as an estimate. Its band holds what is possible, which is more than four in five.
pub fn estimate<Q: Copy>(figure: &Figure<Q>, value: impl Fn(Q) -> f64) -> Estimate {
    let Band { low, likely, high } = figure.band;
    Estimate { low: value(low), likely: value(likely), high: value(high) }
}
