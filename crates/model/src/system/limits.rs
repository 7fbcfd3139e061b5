//! Limits that make sense.

use super::tables::LimitsTable;
use crate::problem::{Problem, Problems};

/// Reports limits that no system could keep or break.
pub fn check(limits: &LimitsTable, problems: &mut Problems) {
    let positive = [
        ("rack_power_kw_max", limits.rack_power_kw_max.as_ref()),
        ("power_kw_max", limits.power_kw_max.as_ref()),
        ("failures_per_year_max", limits.failures_per_year_max.as_ref()),
        ("ber_max", limits.ber_max.as_ref()),
        ("flr_max", limits.flr_max.as_ref()),
    ];
    for (name, value) in positive {
        if let Some(value) = value.filter(|v| v.value <= 0.0) {
            problems.push(Problem::error(
                "number-range",
                format!("`{name}` must be above zero"),
                value.span,
                "no system can keep it",
            ));
        }
    }
    if let Some(share) = limits.availability_min.as_ref().filter(|v| !(0.0..=1.0).contains(&v.value)) {
        problems.push(
            Problem::error("number-range", "`availability_min` is a share of time", share.span, "not from 0 to 1")
                .help("write 0.999 for three nines"),
        );
    }
}
