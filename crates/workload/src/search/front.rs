//! Which of many rows are worth looking at: the best, the front between two aims, the nearest to limits.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::{Limits, Objective, Row};
use crate::format::Format;
use crate::layout::Layout;
use crate::predict::deployment::Mode;

/// More is better.
fn worth(row: &Row, objective: Objective) -> f64 {
    match objective {
        Objective::Throughput => row.per_device.likely,
        Objective::Cost => row.usd_per_million.map_or(f64::NEG_INFINITY, |cost| -cost.likely),
    }
}

/// What makes two rows the same deployment under other loads.
fn shape(row: &Row) -> (Format, Layout, Option<Layout>) {
    match row.mode {
        Mode::Aggregated(pool) => (row.format, pool.layout, None),
        Mode::Disaggregated { prefill, decode } => (row.format, decode.layout, Some(prefill.layout)),
    }
}

/// The best rows within limits, best first; of rows of one layout only the best.
pub fn best(rows: &[Row], objective: Objective, most: usize) -> Vec<Row> {
    let mut order: Vec<&Row> = rows.iter().filter(|row| row.within).collect();
    // Ties go to the faster user; the sort is stable, so that the rest follows the order of enumeration.
    let ahead = |a: &Row, b: &Row| worth(b, objective).total_cmp(&worth(a, objective));
    order.sort_by(|a, b| ahead(a, b).then(a.tpot.likely.total_cmp(&b.tpot.likely)));
    let mut seen = HashSet::new();
    order.into_iter().filter(|row| seen.insert(shape(row))).take(most).cloned().collect()
}

/// Rows that no other beats both for its users and for its devices, fastest user first. The limit of the first token
/// holds; that of tokens does not, since the front shows what it costs.
pub fn front(rows: &[Row], limits: Limits) -> Vec<Row> {
    let in_time = |row: &&Row| limits.ttft.is_none_or(|limit| row.ttft.likely <= limit);
    let mut order: Vec<&Row> = rows.iter().filter(in_time).collect();
    let down = |a: f64, b: f64| -> Ordering { b.total_cmp(&a) };
    order.sort_by(|a, b| {
        down(a.per_user.likely, b.per_user.likely).then(down(a.per_device.likely, b.per_device.likely))
    });
    let mut most = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for row in order {
        if row.per_device.likely > most {
            most = row.per_device.likely;
            kept.push(row.clone());
        }
    }
    kept
}

/// The row that misses the limits by the smallest factor.
pub fn nearest(rows: &[Row], limits: Limits) -> Option<Row> {
    let over = |time: f64, limit: Option<f64>| limit.map_or(1.0, |limit| (time / limit).max(1.0));
    let miss = |row: &Row| over(row.ttft.likely, limits.ttft).max(over(row.tpot.likely, limits.tpot));
    rows.iter().min_by(|a, b| miss(a).total_cmp(&miss(b))).cloned()
}
