//! What edges carry over time.

use proptest::prelude::*;

use super::*;
use crate::fault::{Change, Fault};
use crate::flow::Ways;
use crate::network::EdgeId;
use crate::outcome::{Sampling, Series};

fn sampled(network: &Network, traffic: &Traffic, faults: &Timeline, ways: Ways, slot: Option<Time>) -> Outcome {
    let routes = Routes::new(network).expect("connected");
    let edges = (0..network.edges.len() as u32).map(EdgeId).collect();
    let sampling = slot.map(|slot| Sampling { slot, edges });
    let settings = Settings { ways, edges: true, sampling, ..Settings::default() };
    run(network, &routes, traffic, faults, &settings, &mut Unobserved).expect("traffic that can run")
}

fn slots(series: &Series, edge: usize) -> &[u64] {
    assert_eq!(series.edges[edge], EdgeId(edge as u32));
    &series.bytes[edge]
}

/// One switch, 2 us of delay, 50 kB per us: 1 MB from host 0 to 2 from 2 us on, as much from host 1 from 12 us on. By then
/// half of the first is through; then each has half the rate, and from 32 us on the second has all of it.
#[test]
fn two_messages_share_an_edge() {
    let network = tree(4, 1);
    let mut builder = Builder::default();
    builder.message(EndpointId(0), EndpointId(2), 1_000_000);
    let work = Work::Message { from: EndpointId(1), to: EndpointId(2), bytes: 1_000_000 };
    builder.task(work, Time::us(10));
    let outcome = sampled(&network, &builder.build(), &Timeline::default(), Ways::One, Some(Time::us(4)));
    let series = &outcome.series;
    let first = network.out(network.endpoints[0])[0].index();
    let second = network.out(network.endpoints[1])[0].index();
    let last = network.out(network.endpoints[2])[0].reverse().index();
    let k = 1000;
    assert_eq!(slots(series, first), [100 * k, 200 * k, 200 * k, 100 * k, 100 * k, 100 * k, 100 * k, 100 * k, 0]);
    assert_eq!(slots(series, second)[..4], [0, 0, 0, 100 * k]);
    assert_eq!(
        slots(series, last)[..10],
        [100 * k, 200 * k, 200 * k, 200 * k, 200 * k, 200 * k, 200 * k, 200 * k, 200 * k, 200 * k]
    );
    assert_eq!(slots(series, last).iter().sum::<u64>(), 2_000_000);
    assert!(series.queue.iter().all(Vec::is_empty), "there are no queues");
}

#[test]
fn a_link_that_is_down_carries_nothing() {
    let network = tree(4, 1);
    let traffic = messages([(0, 1, 2_000_000)]);
    let edge = network.out(network.endpoints[0])[0];
    let fault = |us, change| Fault { at: Time::us(us), change };
    let faults = Timeline {
        faults: vec![
            fault(10, Change::Rate { edge, share: 0.5 }),
            fault(20, Change::Down { edge }),
            fault(50, Change::Up { edge }),
        ],
        reconvergence: Time::ZERO,
    };
    let series = sampled(&network, &traffic, &faults, Ways::One, Some(Time::us(10))).series;
    // Two of the first ten us are delay; the share of 0.5 stays when the link comes up again.
    assert_eq!(slots(&series, edge.index())[..6], [400_000, 250_000, 0, 0, 0, 250_000]);
    assert_eq!(slots(&series, edge.index()).iter().sum::<u64>(), 2_000_000);
}

fn traffic(endpoints: u32) -> impl Strategy<Value = Traffic> {
    let one = (0..endpoints, 1..endpoints, 1_000u64..3_000_000, 0u64..100);
    proptest::collection::vec(one, 1..60).prop_map(move |list| {
        let mut builder = Builder::default();
        for (from, shift, bytes, start) in list {
            let to = (from + shift) % endpoints;
            builder.task(Work::Message { from: EndpointId(from), to: EndpointId(to), bytes }, Time::us(start));
        }
        builder.build()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn bytes_over_time_are_those_in_all(
        traffic in traffic(16), all in any::<bool>(), slot in 1u64..50_000_000, down in proptest::option::of(0u32..16),
    ) {
        let network = tree(16, 3);
        let ways = if all { Ways::All } else { Ways::One };
        let mut faults = Timeline::default();
        if let Some(host) = down {
            // Above the switch of this host there are other ways.
            let up = network.edge(network.out(network.endpoints[host as usize])[0]).to;
            let edge = network.out(up)[2];
            faults.faults = vec![
                Fault { at: Time::us(20), change: Change::Down { edge } },
                Fault { at: Time::us(90), change: Change::Up { edge } },
            ];
            faults.reconvergence = Time::us(5);
        }
        let slot = Time(slot);
        let outcome = sampled(&network, &traffic, &faults, ways, Some(slot));
        let unwatched = sampled(&network, &traffic, &faults, ways, None);
        prop_assert_eq!(outcome.hash(), unwatched.hash(), "who watches changes nothing");
        for edge in 0..network.edges.len() {
            let (sent, used) = (slots(&outcome.series, edge), outcome.edges[edge].bytes);
            let capacity = network.edges[edge].rate.bytes_per_second() * slot.as_seconds();
            prop_assert!(sent.iter().all(|bytes| *bytes as f64 <= capacity * (1.0 + 1e-9) + 1.0));
            // Of messages that changed their way all bytes are counted with the way that they ended on.
            if down.is_none() {
                prop_assert!(sent.iter().sum::<u64>().abs_diff(used) <= 1, "edge {}: {} {}", edge, sent.iter().sum::<u64>(), used);
            }
        }
        let hosts: u64 = (0..16).map(|host| slots(&outcome.series, network.out(network.endpoints[host])[0].index()).iter().sum::<u64>()).sum();
        let bytes: u64 = traffic.tasks.iter().map(|task| if let Work::Message { bytes, .. } = task.work { bytes } else { 0 }).sum();
        prop_assert!(hosts.abs_diff(bytes) <= 16, "{} {}", hosts, bytes);
    }
}
