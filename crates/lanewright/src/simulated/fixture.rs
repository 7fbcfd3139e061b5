//! Small simulations for tests: really run, so that what is shown of them can be compared.

use lanewright_fabric::alone::Framing;
use lanewright_fabric::fault::{Change, Fault, Timeline};
use lanewright_fabric::flow::Ways;
use lanewright_fabric::network::fat_tree::FatTree;
use lanewright_fabric::network::{EdgeId, EndpointId, LinkLayer, Links, Network};
use lanewright_fabric::outcome::{End, Outcome, Sampling, Unobserved};
use lanewright_fabric::packet::{self, Settings};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::{Builder, Traffic, When, Work};

use super::{BandwidthRow, Facts, Simulated};

/// A simulation that owns its parts.
pub(crate) struct Run {
    pub network: Network,
    pub routes: Routes,
    pub traffic: Traffic,
    pub faults: Timeline,
    pub outcome: Outcome,
    pub facts: Facts,
}

impl Run {
    pub fn view(&self) -> Simulated<'_> {
        Simulated {
            network: &self.network,
            routes: &self.routes,
            traffic: &self.traffic,
            faults: &self.faults,
            outcome: &self.outcome,
            end: End::Acknowledged,
            ways: Ways::All,
            crossed: Ways::All,
            framing: Some(Framing { mtu: 4150, header: 64 }),
            facts: &self.facts,
        }
    }
}

pub(crate) fn tree(endpoints: u32, tiers: u8) -> Network {
    FatTree::balanced(endpoints, tiers).expect("a full tree").build(&Links {
        rate: Rate::gbps(400.0).expect("positive"),
        delay: Time::us(1),
        switch_latency: Time::ZERO,
        layer: LinkLayer::Ethernet,
    })
}

pub(crate) fn run(network: Network, traffic: Traffic, faults: Timeline, title: &str) -> Run {
    let routes = Routes::new(&network).expect("connected");
    let edges = (0..network.edges.len() as u32).map(EdgeId).collect();
    let settings = Settings {
        edge_use: true,
        sampling: Some(Sampling { slot: Time::ns(500), edges }),
        end: Time::us(5_000),
        ..Settings::default()
    };
    let outcome = packet::run(&network, &routes, &traffic, &faults, &settings, &mut Unobserved);
    let facts = Facts {
        title: title.into(),
        network: format!("fat tree, {} endpoints", network.endpoints.len()),
        engine: "packet".into(),
        command: format!("lanewright sim --traffic {title} --topology fat-tree --nodes {}", network.endpoints.len()),
        seed: Some(13),
        settings: vec![("transport".into(), "uec".into()), ("routing".into(), "spray".into())],
        cpu_seconds: Some(0.25),
        bandwidths: Vec::new(),
        bands: None,
        notes: vec!["queues of 1 bandwidth-delay product are the reference simulator's default".into()],
    };
    Run { network, routes, traffic, faults, outcome, facts }
}

/// Every host of 16 sends 500 kB to the one five further.
pub(crate) fn permutation() -> Run {
    let network = tree(16, 3);
    let mut builder = Builder::default();
    (0..16).for_each(|from| {
        builder.message(EndpointId(from), EndpointId((from + 5) % 16), 500_000);
    });
    run(network, builder.build(), Timeline::default(), "permutation.cm")
}

/// 15 hosts send to the first; a link of the last slows down for a while; the first computes before and after.
pub(crate) fn incast() -> Run {
    let network = tree(16, 3);
    let slow = network.out(network.endpoints[15])[0];
    let mut builder = Builder::default();
    let compute = builder.task(Work::Delay { at: EndpointId(0), time: Time::us(20) }, Time::ZERO);
    let messages: Vec<_> = (1..16).map(|from| builder.message(EndpointId(from), EndpointId(0), 500_000)).collect();
    builder.after(compute, messages[0], When::Delivered);
    let change = |us, share| Fault { at: Time::us(us), change: Change::Rate { edge: slow, share } };
    let faults = Timeline { faults: vec![change(30, 0.25), change(90, 1.0)], reconvergence: Time::ZERO };
    let mut run = run(network, builder.build(), faults, "incast.cm");
    run.facts.bandwidths = vec![BandwidthRow {
        collective: "gather <direct>".into(),
        ranks: 16,
        bytes: 7_500_000,
        time_us: 160.0,
        algbw_gbytes_per_s: 46.875,
        busbw_gbytes_per_s: 43.945,
    }];
    run
}
