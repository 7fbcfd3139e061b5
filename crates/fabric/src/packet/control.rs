//! One flow's congestion control, whichever it is: what sending must ask and what answers must tell.

use super::hpcc::{self, Link};
use super::nscc::Nscc;
use super::settings::{Params, Settings, Transport};
use super::{dcqcn, swift};

/// State of a flow's control.
#[derive(Clone, Debug)]
pub(super) enum Control {
    /// Ultra Ethernet; also where credit alone decides, unused then.
    Nscc(Nscc),
    /// RoCE.
    Dcqcn(dcqcn::Flow),
    /// Swift.
    Swift(swift::Flow),
    /// HPCC, large for what links said.
    Hpcc(Box<hpcc::Flow>),
}

/// What an acknowledgement tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) now: u64,
    /// Time since the packet was sent, where that is sure, ps.
    pub(super) round_trip: Option<u64>,
    pub(super) marked: bool,
    /// Bytes newly received, and those on their way.
    pub(super) fresh: u32,
    pub(super) in_flight: i64,
    /// Number of the packet acknowledged, and the first not sent yet.
    pub(super) seq: u32,
    pub(super) next: u32,
}

impl Control {
    /// Control of a flow that begins. `hops`: edges on its way.
    pub(super) fn new(settings: &Settings, params: &Params, bytes_per_second: f64, hops: u32) -> Self {
        let first = settings.initial_window;
        let bdp = bytes_per_second * params.rtt as f64 * 1e-12;
        match settings.transport {
            Transport::Uec | Transport::UecCredit | Transport::UecBoth | Transport::Ndp | Transport::Credit => {
                Self::Nscc(Nscc::new(&params.nscc, bytes_per_second))
            }
            Transport::Roce => Self::Dcqcn(dcqcn::Flow::new(bytes_per_second)),
            Transport::Swift => {
                let constants = swift::Swift { first: settings.swift.first.or(first.map(f64::from)), ..settings.swift };
                let bdp = bdp / f64::from(params.mtu);
                Self::Swift(swift::Flow::new(&constants, hops, bdp, params.rtt, params.mtu))
            }
            Transport::Hpcc => {
                let first = first.map(|packets| f64::from(packets) * f64::from(params.mtu));
                Self::Hpcc(Box::new(hpcc::Flow::new(&settings.hpcc, bytes_per_second, params.rtt, first)))
            }
        }
    }

    /// Window in bytes, where there is one.
    #[inline]
    pub(super) fn window(&self) -> i64 {
        match self {
            Self::Nscc(nscc) => nscc.window,
            Self::Dcqcn(_) => i64::MAX,
            Self::Swift(swift) => swift.bytes(),
            Self::Hpcc(hpcc) => hpcc.bytes(),
        }
    }

    /// Whether the window has room for a packet. Those that pace send one packet however small the window is.
    #[inline]
    pub(super) fn admits(&self, in_flight: i64, size: i64) -> bool {
        match self {
            Self::Nscc(nscc) => nscc.window >= in_flight + size,
            Self::Dcqcn(_) => true,
            Self::Swift(_) | Self::Hpcc(_) => in_flight <= 0 || self.window() >= in_flight + size,
        }
    }

    /// When the next packet may go, ps.
    pub(super) fn due(&self) -> u64 {
        match self {
            Self::Nscc(_) => 0,
            Self::Dcqcn(dcqcn) => dcqcn.due,
            Self::Swift(swift) => swift.due(),
            Self::Hpcc(hpcc) => hpcc.due,
        }
    }

    /// A packet was sent.
    #[inline]
    pub(super) fn sent(&mut self, settings: &Settings, now: u64, size: u32) {
        match self {
            Self::Nscc(_) => {}
            Self::Dcqcn(dcqcn) => dcqcn.sent(&settings.dcqcn, now, size),
            Self::Swift(swift) => swift.sent(now),
            Self::Hpcc(hpcc) => hpcc.sent(now, size),
        }
    }

    /// An acknowledgement; `links`: what the ports on the way said.
    #[inline]
    pub(super) fn acknowledged(&mut self, settings: &Settings, params: &Params, heard: &Heard, links: &[Link]) {
        match self {
            Self::Nscc(nscc) => {
                let delay = nscc.delay(&params.nscc, heard.round_trip, heard.marked);
                if params.window {
                    let (now, marked) = (heard.now, heard.marked);
                    nscc.acknowledged(&params.nscc, now, marked, delay, heard.fresh, heard.in_flight);
                }
            }
            Self::Dcqcn(_) => {}
            Self::Swift(swift) => swift.acknowledged(&settings.swift, heard.now, heard.round_trip, heard.fresh),
            Self::Hpcc(hpcc) => hpcc.acknowledged(&settings.hpcc, heard.seq, heard.next, links, params.mtu),
        }
    }

    /// Bytes that an acknowledgement newly reports.
    #[inline]
    pub(super) fn came_through(&mut self, bytes: u32) {
        if let Self::Nscc(nscc) = self {
            nscc.came_through(bytes);
        }
    }

    /// A packet came without its payload. `spare`: receivers pace anyway and it was lost in front of one.
    pub(super) fn trimmed(
        &mut self,
        settings: &Settings,
        params: &Params,
        now: u64,
        round_trip: u64,
        lost: (u32, i64),
        spare: bool,
    ) {
        match self {
            Self::Nscc(nscc) => nscc.trimmed(&params.nscc, now, round_trip, lost.0, lost.1, spare),
            Self::Dcqcn(_) | Self::Swift(_) | Self::Hpcc(_) => self.lost(settings, now),
        }
    }

    /// A packet turned out to be lost. RoCE and HPCC rely on their rates alone.
    pub(super) fn lost(&mut self, settings: &Settings, now: u64) {
        if let Self::Swift(swift) = self {
            swift.lost(&settings.swift, now);
        }
    }

    /// A packet was given up for lost.
    pub(super) fn timed_out(&mut self, settings: &Settings, params: &Params, now: u64, bytes: u32) {
        match self {
            Self::Nscc(nscc) => nscc.timed_out(&params.nscc, bytes),
            Self::Swift(swift) => swift.timed_out(&settings.swift, now),
            Self::Dcqcn(_) | Self::Hpcc(_) => {}
        }
    }

    /// The receiver saw marks.
    pub(super) fn notified(&mut self, constants: &dcqcn::Dcqcn, now: u64) {
        if let Self::Dcqcn(dcqcn) = self {
            dcqcn.notified(constants, now);
        }
    }
}
