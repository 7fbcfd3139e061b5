//! What links carried, as tables: in all, and over time.

use lanewright_fabric::network::EdgeId;
use lanewright_fabric::time::Time;

use super::{Names, Simulated};
use crate::parquet::Column;

fn whole(value: u64) -> Option<i64> {
    i64::try_from(value).ok()
}

fn us(time: Time) -> f64 {
    time.0 as f64 / 1e6
}

/// One row per direction of a link: `edge` (the other direction is the number with its last bit turned), `from`, `to`,
/// `domain`, `gbps`, `bytes`, `utilisation` (0 to 1, of the healthy rate over the whole run), `queue_bytes_max`,
/// `paused_us`, `replays`, `lost`. Empty where links were not counted.
pub fn totals(run: &Simulated<'_>) -> Vec<(String, Column)> {
    let names = Names::new(run.network);
    let used = &run.outcome.edges;
    let ids: Vec<EdgeId> = (0..used.len().min(run.network.edges.len()) as u32).map(EdgeId).collect();
    let text = |of: &dyn Fn(EdgeId) -> Option<String>| Column::Text(ids.iter().map(|id| of(*id)).collect());
    let number = |of: &dyn Fn(EdgeId) -> Option<f64>| Column::Number(ids.iter().map(|id| of(*id)).collect());
    let count = |of: &dyn Fn(EdgeId) -> u64| Column::Whole(ids.iter().map(|id| whole(of(*id))).collect());
    let edge = |id: EdgeId| run.network.edge(id);
    vec![
        ("edge".into(), count(&|id| u64::from(id.0))),
        ("from".into(), text(&|id| Some(names.node(edge(id).from)))),
        ("to".into(), text(&|id| Some(names.node(edge(id).to)))),
        ("domain".into(), text(&|id| run.network.domains.get(edge(id).domain.index()).cloned())),
        ("gbps".into(), number(&|id| Some(edge(id).rate.as_gbps()))),
        ("bytes".into(), count(&|id| used[id.index()].bytes)),
        ("utilisation".into(), number(&|id| run.utilisation(id))),
        ("queue_bytes_max".into(), count(&|id| used[id.index()].queue_bytes_max)),
        ("paused_us".into(), number(&|id| Some(us(used[id.index()].paused)))),
        ("replays".into(), count(&|id| used[id.index()].replays)),
        ("lost".into(), count(&|id| used[id.index()].lost)),
    ]
}

/// One row per watched direction of a link and slot of time: `edge`, `from`, `to`, `start_us`, `slot_us`, `bytes`, `gbps`
/// (mean over the slot), `utilisation` (0 to 1), `queue_bytes_max`. Slots at the end of a run in which a link was idle may
/// be missing. A packet counts in the slot in which it begins, so that a short slot may show more than the rate.
pub fn over_time(run: &Simulated<'_>) -> Vec<(String, Column)> {
    let names = Names::new(run.network);
    let series = &run.outcome.series;
    let slot_us = us(series.slot);
    let (mut edges, mut from, mut to, mut start) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut bytes, mut gbps, mut share, mut queue) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, id) in series.edges.iter().enumerate() {
        let edge = run.network.edge(*id);
        let (sender, receiver) = (names.node(edge.from), names.node(edge.to));
        let none = Vec::new();
        let (sent, waiting) = (series.bytes.get(place).unwrap_or(&none), series.queue.get(place).unwrap_or(&none));
        for slot in 0..sent.len().max(waiting.len()) {
            let here = sent.get(slot).copied().unwrap_or(0);
            edges.push(Some(i64::from(id.0)));
            from.push(Some(sender.clone()));
            to.push(Some(receiver.clone()));
            start.push(Some((slot as u64).saturating_mul(series.slot.0) as f64 / 1e6));
            bytes.push(whole(here));
            let rate = (slot_us > 0.0).then(|| here as f64 * 8.0 / slot_us * 1e-3);
            gbps.push(rate);
            share.push(rate.map(|rate| rate / edge.rate.as_gbps()));
            queue.push(whole(waiting.get(slot).copied().unwrap_or(0)));
        }
    }
    let slots = vec![Some(slot_us); edges.len()];
    vec![
        ("edge".into(), Column::Whole(edges)),
        ("from".into(), Column::Text(from)),
        ("to".into(), Column::Text(to)),
        ("start_us".into(), Column::Number(start)),
        ("slot_us".into(), Column::Number(slots)),
        ("bytes".into(), Column::Whole(bytes)),
        ("gbps".into(), Column::Number(gbps)),
        ("utilisation".into(), Column::Number(share)),
        ("queue_bytes_max".into(), Column::Whole(queue)),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn sum(columns: &[(String, Column)], name: &str) -> i64 {
        let column = columns.iter().find(|(column, _)| column == name).map(|(_, column)| column);
        let Some(Column::Whole(values)) = column else { panic!("{name} holds whole numbers") };
        values.iter().flatten().sum()
    }

    #[test]
    fn bytes_over_time_add_up_to_those_in_all() {
        let run = fixture::permutation();
        let view = run.view();
        assert_eq!(run.outcome.series.edges.len(), run.network.edges.len(), "all links are watched");
        let (all, slots) = (totals(&view), over_time(&view));
        assert!(sum(&all, "bytes") > 0);
        assert_eq!(sum(&all, "bytes"), sum(&slots, "bytes"));
        let most = run.outcome.edges.iter().map(|used| used.queue_bytes_max).max();
        let seen = run.outcome.series.queue.iter().flatten().copied().max();
        assert_eq!(most, seen);
    }

    #[test]
    fn no_link_is_above_its_rate() {
        let run = fixture::permutation();
        let (_, Column::Number(shares)) = &totals(&run.view())[6] else { panic!("utilisation is a number") };
        assert!(shares.iter().flatten().all(|share| (0.0..=1.0).contains(share)));
        // Every host sent its 500 kB over its only link.
        for host in &run.network.endpoints {
            assert!(run.outcome.edges[run.network.out(*host)[0].index()].bytes >= 500_000);
        }
    }
}
