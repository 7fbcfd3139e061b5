//! Constants of the terms for short messages, how far off they are, and for what they hold.
//!
//! All figures of this file come from `cargo run --release -p lanewright-fabric --example short_flow_calibration`, which runs
//! this crate's packet engine, and are certain to what it prints: no hardware was asked. Scenarios were split before anything
//! was fitted; errors and coverage are those of scenarios that neither constants nor bands have seen.

use super::model::Constants;
use super::{Band, Bands};
use crate::fault::Timeline;
use crate::network::{LinkLayer, Network, NodeKind, Shape};
use crate::packet::{Balancer, Forwarding, Settings, Transport};
use crate::route::Policy;
use crate::traffic::{Traffic, Work};

/// How far off a figure was on scenarios that nobody fitted: of the logarithm of predicted over true, so about relative.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Error {
    /// Median size.
    pub median: f64,
    /// Size that nine in ten do not exceed.
    pub p90: f64,
    /// Median with its sign: above 0 where predictions are late.
    pub bias: f64,
    /// Share of the truths within the band.
    pub coverage: f64,
    /// Median size without any correction: of bytes over fair shares.
    pub plain: f64,
}

/// What is known for one transport. Lists hold the median, the 99th percentile, the slowest message, the mean, the makespan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The transport, as written.
    pub name: &'static str,
    /// Constants.
    pub constants: Constants,
    /// Ends of the bands: logarithms of true over predicted, per doubt.
    pub band: [(f64, f64); 5],
    /// Errors.
    pub errors: [Error; 5],
    /// Scenarios for constants, for bands, and held out.
    pub scenarios: [u32; 3],
}

/// Doubt that is left where nothing was added: what simulators of the same thing differ by.
const LEAST_DOUBT: f64 = 0.005;

/// Doubt in units of which bands are stated.
pub fn scale(doubt: f64) -> f64 {
    LEAST_DOUBT + doubt
}

impl Calibration {
    /// Bands of figures in the order of [`super::figures`].
    pub fn bands(&self, figures: [f64; 5], doubt: f64) -> Bands {
        let band = |at: usize| {
            let (low, high) = self.band[at];
            Band { low: figures[at] * (low * scale(doubt)).exp(), high: figures[at] * (high * scale(doubt)).exp() }
        };
        Bands { p50: band(0), p99: band(1), max: band(2), mean: band(3), makespan: band(4) }
    }

    /// One line: for what, from what, how far off.
    pub fn in_words(&self) -> String {
        let [fitted, banded, held_out] = self.scenarios;
        let share = |value: f64| format!("{:.1} %", 100.0 * value);
        let one = |name: &str, error: &Error| {
            format!(
                "{name} {} in the median and {} in nine of ten (without correction {} in the median), band held {:.0} %",
                share(error.median),
                share(error.p90),
                share(error.plain),
                100.0 * error.coverage
            )
        };
        let [p50, p99, max, _, makespan] = &self.errors;
        format!(
            "short flows are corrected by constants fitted to {fitted} runs of this program's packet engine with {}, bands by \
             {banded} more; off on {held_out} others: {}; {}; {}; {}. Times of single messages are draws: only all together mean something",
            self.name,
            one("p50", p50),
            one("p99", p99),
            one("slowest", max),
            one("makespan", makespan)
        )
    }
}

/// What is known, transport by transport.
pub fn all() -> impl Iterator<Item = &'static Calibration> {
    ALL.iter().map(|(_, known)| known)
}

/// What is known for these settings of the packet engine, or why nothing is.
pub fn of(settings: &Settings) -> Result<&'static Calibration, String> {
    let known = ALL.iter().find(|(transport, _)| *transport == settings.transport).map(|(_, known)| known);
    let known = known.ok_or("nothing was fitted for this transport")?;
    let usual = Settings::of(settings.transport, 400e9);
    if settings.routing != Policy::Spray || settings.balancer != Balancer::Mixed || settings.paths != usual.paths {
        return Err("constants were fitted for sprayed packets with the usual entropies".into());
    }
    if settings.queue_bdp != usual.queue_bdp
        || settings.queue_packets != usual.queue_packets
        || settings.trimming != usual.trimming
        || settings.ecn != usual.ecn
        || settings.red.is_some()
        || settings.forwarding != Forwarding::StoreAndForward
    {
        return Err("constants were fitted for the transport's usual queues".into());
    }
    if settings.initial_window.is_some() || settings.target_delay.is_some() || settings.base_rtt.is_some() {
        return Err("constants were fitted for the transport's usual windows".into());
    }
    Ok(known)
}

/// Endpoints, Gb/s, ns per edge, bytes of a packet, and bytes of a message that scenarios had. Trees of 1,024 endpoints were
/// judged and never fitted.
const RANGE: [(f64, f64); 5] = [(16.0, 1_024.0), (100.0, 800.0), (200.0, 2_000.0), (1_500.0, 9_000.0), (1.0, 30e6)];

/// Why a run lies outside what was fitted; none where it lies within.
pub fn outside(network: &Network, traffic: &Traffic, faults: &Timeline, mtu: u16) -> Option<String> {
    let Shape::FatTree(tree) = network.shape else { return Some("the network is no fat tree".into()) };
    if tree.tiers < 2 || tree.up_from_leaf * 2 < tree.per_leaf {
        return Some("the tree has one tier, or more than 2:1 oversubscription".into());
    }
    if !faults.faults.is_empty() {
        return Some("something fails".into());
    }
    if network.edges.iter().any(|edge| edge.layer != LinkLayer::Ethernet) {
        return Some("links are not plain Ethernet".into());
    }
    if network.nodes.iter().any(|node| node.kind == NodeKind::Switch && node.latency.0 > 2_000_000) {
        return Some("switches take more than 2 us".into());
    }
    let within = |value: f64, at: usize| (RANGE[at].0 * 0.999..=RANGE[at].1 * 1.001).contains(&value);
    if !within(network.endpoints.len() as f64, 0) {
        return Some(format!("{} endpoints, not {} to {}", network.endpoints.len(), RANGE[0].0, RANGE[0].1));
    }
    if let Some(edge) = network.edges.iter().find(|edge| !within(edge.rate.as_gbps(), 1)) {
        return Some(format!("links of {} Gb/s, not {} to {}", edge.rate.as_gbps(), RANGE[1].0, RANGE[1].1));
    }
    if let Some(edge) = network.edges.iter().find(|edge| !within(edge.delay.0 as f64 / 1e3, 2)) {
        return Some(format!("links of {} ns, not {} to {}", edge.delay.0 as f64 / 1e3, RANGE[2].0, RANGE[2].1));
    }
    if !within(f64::from(mtu), 3) {
        return Some(format!("packets of {mtu} B, not {} to {}", RANGE[3].0, RANGE[3].1));
    }
    let large = |work: &Work| match work {
        Work::Message { bytes, .. } => !within(*bytes as f64, 4),
        Work::InNetwork { .. } => true,
        Work::Delay { .. } => false,
    };
    traffic
        .tasks
        .iter()
        .any(|task| large(&task.work))
        .then(|| format!("messages of more than {:.0} MB, or operations of switches", RANGE[4].1 / 1e6))
}

/// All that is known, as the example printed it. NDP was tried and is left out: one held-out run in ten was off by half and
/// more, for queues of eight packets make incasts that these terms do not describe.
const ALL: [(Transport, Calibration); 3] = [
    (
        Transport::Uec,
        Calibration {
            name: "uec",
            constants: Constants {
                collisions: 12.25,
                load_power: 1.225,
                growth: 0.6179,
                relax: 0.5511,
                fan_power: 0.166,
                thin: 0.3279,
                fair_packets: 28.99,
                ramp: 0.3674,
                turns: 0.0263,
                scatter: 0.0903,
            },
            band: [(-1.211, 4.424), (-0.72, 2.955), (-0.522, 2.559), (-1.147, 1.992), (-0.441, 1.987)],
            errors: [
                Error { median: 0.0149, p90: 0.0939, bias: -0.0012, coverage: 0.8095, plain: 0.4303 },
                Error { median: 0.0092, p90: 0.0569, bias: -0.0020, coverage: 0.8452, plain: 0.1854 },
                Error { median: 0.0078, p90: 0.0677, bias: -0.0019, coverage: 0.7896, plain: 0.1819 },
                Error { median: 0.0111, p90: 0.0700, bias: 0.0, coverage: 0.8015, plain: 0.2729 },
                Error { median: 0.0066, p90: 0.0567, bias: -0.0019, coverage: 0.8452, plain: 0.1516 },
            ],
            scenarios: [420, 168, 252],
        },
    ),
    (
        Transport::UecCredit,
        Calibration {
            name: "uec-credit",
            constants: Constants {
                collisions: 11.07,
                load_power: 1.426,
                growth: 0.6179,
                relax: 0.0592,
                fan_power: 0.0602,
                thin: 0.0156,
                fair_packets: 957.3,
                ramp: 0.0031,
                turns: 0.4278,
                scatter: 0.1355,
            },
            band: [(-1.166, 4.85), (-0.733, 6.352), (-0.699, 4.984), (-1.147, 2.899), (-0.617, 4.554)],
            errors: [
                Error { median: 0.0148, p90: 0.0958, bias: -0.0039, coverage: 0.8412, plain: 0.4471 },
                Error { median: 0.0151, p90: 0.1029, bias: -0.0026, coverage: 0.8253, plain: 0.2076 },
                Error { median: 0.0132, p90: 0.1041, bias: -0.0028, coverage: 0.8134, plain: 0.2076 },
                Error { median: 0.0126, p90: 0.0612, bias: -0.0018, coverage: 0.8769, plain: 0.2955 },
                Error { median: 0.0096, p90: 0.1012, bias: -0.0026, coverage: 0.8333, plain: 0.1773 },
            ],
            scenarios: [420, 168, 252],
        },
    ),
    (
        Transport::UecBoth,
        Calibration {
            name: "uec-both",
            constants: Constants {
                collisions: 11.07,
                load_power: 1.355,
                growth: 0.65,
                relax: 0.0845,
                fan_power: 0.0633,
                thin: 0.2078,
                fair_packets: 495.3,
                ramp: 0.0136,
                turns: 0.8267,
                scatter: 0.1355,
            },
            band: [(-1.222, 4.886), (-0.762, 8.042), (-0.68, 6.066), (-1.22, 2.899), (-0.636, 5.964)],
            errors: [
                Error { median: 0.0149, p90: 0.0978, bias: -0.0028, coverage: 0.8293, plain: 0.4472 },
                Error { median: 0.0155, p90: 0.1048, bias: -0.0012, coverage: 0.8333, plain: 0.2132 },
                Error { median: 0.0145, p90: 0.1156, bias: -0.0016, coverage: 0.8253, plain: 0.2223 },
                Error { median: 0.0121, p90: 0.0614, bias: -0.0008, coverage: 0.8769, plain: 0.2908 },
                Error { median: 0.0104, p90: 0.1029, bias: -0.0015, coverage: 0.8452, plain: 0.2018 },
            ],
            scenarios: [420, 168, 252],
        },
    ),
];
