//! One rank sends to another: activations between pipeline stages, and caches between prefill and decode.
//!
//! `t = start + bytes / (link * share)`. Within a scale-up domain the two constants are fitted to send-receive pairs
//! measured with NCCL in 2024 (A100 and H100, 2 KB to 64 MB; Vidur's profiles). Across nodes one A100 pair reached 7.8 GB/s
//! and one H100 pair 34.6 GB/s; as the network cards behind them are not recorded, the share of a card's rate is an estimate.

use crate::accelerator::Accelerator;
use crate::estimate::Estimate;

/// A network between nodes, as one rank sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Bytes per second and direction that one rank can send, cards of a node divided among its ranks.
    pub bytes_per_second: f64,
    /// Seconds from a send to the first byte at the far rank, software included.
    pub latency: f64,
}

impl Network {
    /// A network of cards with so many bits per second per rank: 400e9 is one 400G card for each. Latency of RDMA with
    /// proxies as NCCL uses it, 8 us (an estimate: public measurements lie between 5 and 15 us).
    pub fn of_cards(bits_per_second: f64) -> Self {
        Self { bytes_per_second: bits_per_second / 8.0, latency: 8e-6 }
    }

    /// Seconds for a message at the rate that large messages reach.
    pub fn seconds(&self, bytes: f64) -> f64 {
        self.latency + bytes / (self.bytes_per_second * NETWORK_SHARE).max(1.0)
    }
}

/// Share of a card's rate that large messages reach (estimate; 0.69 was the least that may have been measured, 0.95 is the
/// rate without headers).
pub const NETWORK_SHARE: f64 = 0.85;

/// Start of a send within the domain, seconds (fitted).
const START: f64 = 9.0e-6;

/// Share of the link that one pair reaches (fitted: 0.72 to 0.80 on A100 and H100).
const SHARE: f64 = 0.78;

/// Half-width of the band within the domain, and across nodes.
const BAND: (f64, f64) = (1.25, 1.6);

/// Seconds for `bytes` from one rank to another, within the scale-up domain of `device`, or across `network` where one
/// is given. Nothing to send takes no time.
pub fn send(device: &Accelerator, network: Option<&Network>, bytes: f64) -> Estimate {
    if bytes <= 0.0 {
        return Estimate::exact(0.0);
    }
    match network {
        Some(network) => Estimate::spread(START + network.seconds(bytes), BAND.1, BAND.1),
        // A device without links to others copies through memory of the host: a lane set of PCIe 4.0 x16.
        None => {
            let link = if device.scale_up > 0.0 { device.scale_up } else { 32e9 };
            Estimate::spread(START + bytes / (link * SHARE), BAND.0, BAND.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_messages_run_at_the_share_of_the_link() {
        let network = Network::of_cards(400e9);
        assert!((network.seconds(1e9) - 1e9 / 42.5e9 - 8e-6).abs() < 1e-9);
        assert!(network.seconds(0.0) > 0.0);
    }
}
