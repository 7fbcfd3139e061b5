//! Published distributions of flow sizes.
//!
//! Points of a cumulative distribution with straight lines between them, as the simulators that use these workloads draw
//! from them. The papers print curves, not tables: the points are those that went round with later papers' simulators, read
//! off the curves, and are certain to a few percent of the papers at best.

use serde::Serialize;

use super::random::Random;

/// A distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowSizes {
    /// A web search cluster: Alizadeh et al., "Data Center TCP (DCTCP)", SIGCOMM 2010, figure 4, in the points published with
    /// HPCC (SIGCOMM 2019).
    WebSearch,
    /// A Hadoop cluster of Facebook: Roy et al., "Inside the Social Network's (Datacenter) Network", SIGCOMM 2015, in the
    /// points published with HPCC (SIGCOMM 2019).
    Hadoop,
    /// A data mining cluster: Greenberg et al., "VL2", SIGCOMM 2009, figure 2, in the points that went round with pFabric
    /// (SIGCOMM 2013), in packets of 1,460 bytes. (Another reading of the figure, in use with other tools, has a heavier tail:
    /// 2 % of the flows up to 1 GB instead of 1 % up to 973 MB.)
    DataMining,
}

/// Size in bytes up to which this share of the flows goes.
type Point = (f64, f64);

const WEB_SEARCH: [Point; 12] = [
    (0.0, 0.0),
    (10e3, 0.15),
    (20e3, 0.20),
    (30e3, 0.30),
    (50e3, 0.40),
    (80e3, 0.53),
    (200e3, 0.60),
    (1e6, 0.70),
    (2e6, 0.80),
    (5e6, 0.90),
    (10e6, 0.97),
    (30e6, 1.0),
];

const HADOOP: [Point; 20] = [
    (0.0, 0.0),
    (100.0, 0.01),
    (200.0, 0.02),
    (300.0, 0.05),
    (350.0, 0.15),
    (400.0, 0.20),
    (500.0, 0.30),
    (600.0, 0.40),
    (700.0, 0.50),
    (1e3, 0.60),
    (2e3, 0.67),
    (7e3, 0.70),
    (30e3, 0.72),
    (50e3, 0.82),
    (80e3, 0.87),
    (120e3, 0.90),
    (300e3, 0.95),
    (1e6, 0.975),
    (2e6, 0.99),
    (10e6, 1.0),
];

/// Bytes of a packet in the data mining table.
const PACKET: f64 = 1460.0;

const DATA_MINING: [Point; 9] = [
    (PACKET, 0.0),
    (PACKET, 0.5),
    (2.0 * PACKET, 0.6),
    (3.0 * PACKET, 0.7),
    (7.0 * PACKET, 0.8),
    (267.0 * PACKET, 0.9),
    (2_107.0 * PACKET, 0.95),
    (66_667.0 * PACKET, 0.99),
    (666_667.0 * PACKET, 1.0),
];

impl FlowSizes {
    /// All.
    pub const ALL: [Self; 3] = [Self::WebSearch, Self::Hadoop, Self::DataMining];

    /// As written: `web-search`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSearch => "web-search",
            Self::Hadoop => "hadoop",
            Self::DataMining => "data-mining",
        }
    }

    fn points(self) -> &'static [Point] {
        match self {
            Self::WebSearch => &WEB_SEARCH,
            Self::Hadoop => &HADOOP,
            Self::DataMining => &DATA_MINING,
        }
    }

    /// Mean size in bytes.
    pub fn mean(self) -> f64 {
        self.points().windows(2).map(|pair| (pair[1].1 - pair[0].1) * (pair[0].0 + pair[1].0) / 2.0).sum()
    }

    /// Size in bytes that this share (0 to 1) of the flows does not exceed.
    pub fn quantile(self, share: f64) -> u64 {
        let points = self.points();
        let share = share.clamp(0.0, 1.0);
        let at = points.partition_point(|point| point.1 < share).clamp(1, points.len() - 1);
        let (low, high) = (points[at - 1], points[at]);
        let way = if high.1 > low.1 { ((share - low.1) / (high.1 - low.1)).clamp(0.0, 1.0) } else { 1.0 };
        ((low.0 + way * (high.0 - low.0)).round() as u64).max(1)
    }

    /// A size in bytes, at least 1.
    pub fn draw(self, random: &mut Random) -> u64 {
        self.quantile(random.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_that_are_quoted() {
        // 5,117 packets of 1,460 bytes is what scripts for this workload state as its mean.
        let data_mining = FlowSizes::DataMining.mean() / PACKET;
        assert!((data_mining - 5_117.0).abs() < 1.0, "{data_mining}");
        // 1.71 MB: the sum of the table by hand.
        assert!((FlowSizes::WebSearch.mean() - 1.711e6).abs() < 1e3, "{}", FlowSizes::WebSearch.mean());
    }

    #[test]
    fn quantiles_meet_the_points_and_draws_the_mean() {
        for sizes in FlowSizes::ALL {
            assert!(sizes.points().windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
            for (size, share) in sizes.points() {
                let found = sizes.quantile(*share) as f64;
                assert!(found <= size.max(1.0) + 0.5, "{sizes:?} {share}: {found} {size}");
            }
        }
        assert_eq!(FlowSizes::WebSearch.quantile(0.6), 200_000);
        assert_eq!(FlowSizes::Hadoop.quantile(1.0), 10_000_000);
        let mut random = Random::new(3);
        let count = 200_000;
        let mean: f64 =
            (0..count).map(|_| FlowSizes::WebSearch.draw(&mut random) as f64).sum::<f64>() / f64::from(count);
        // The standard deviation of a draw is below 4 MB, so that of the mean is below 9 kB.
        assert!((mean - FlowSizes::WebSearch.mean()).abs() < 45e3, "{mean}");
    }
}
