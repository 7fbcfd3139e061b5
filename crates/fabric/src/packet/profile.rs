//! What usually goes with a transport: routing, switches, repair.

use super::repair::Repair;
use super::settings::{Settings, Transport};
use super::switching::{Queueing, Red};
use crate::route::Policy;

impl Settings {
    /// The settings that a transport was made for. `bits_per_second`: of the endpoints' links.
    ///
    /// Ultra Ethernet and NDP: trimming switches with queues of one bandwidth-delay product (NDP: eight packets, as in its
    /// paper) and packets sprayed. The others: one way per flow and deep queues (64 bandwidth-delay products, 40 MB at
    /// 400 Gb/s, stand in for pauses where links have none), random early detection and go-back-N with RoCE, plain
    /// drop-tail with Swift and HPCC.
    pub fn of(transport: Transport, bits_per_second: f64) -> Self {
        let base = Self { transport, ..Self::default() };
        let deep = Self { routing: Policy::Ecmp, queue_bdp: 64.0, ..base.clone() };
        match transport {
            Transport::Uec | Transport::UecCredit | Transport::UecBoth => base,
            Transport::Credit => Self { ecn: None, ..base },
            Transport::Ndp => Self { queue_packets: Some(8), ecn: None, ..base },
            Transport::Roce => Self { repair: Repair::GoBackN, ..deep }
                .with_queueing(Queueing::RedDropTail(Red::for_rate(bits_per_second))),
            Transport::Swift | Transport::Hpcc => deep.with_queueing(Queueing::DropTail),
        }
    }
}

/// What a reader of an answer must know about the transport.
pub(super) fn notes(settings: &Settings) -> Option<&'static str> {
    match settings.transport {
        Transport::Swift if settings.swift == super::swift::Swift::default() => {
            Some("Swift's targets are estimates: its paper leaves them to the operator")
        }
        Transport::Roce if settings.dcqcn == super::dcqcn::Dcqcn::default() => Some(
            "DCQCN runs on its paper's timers for 40 Gb/s and estimated steps; vendors' settings differ and matter",
        ),
        _ => None,
    }
}
