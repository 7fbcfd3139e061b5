//! Flags of switches: when they forward, and what queues do when they fill.

use clap::{Args, ValueEnum};
use lanewright_fabric::packet::{Forwarding, Queueing, Red, Settings};
use lanewright_fabric::time::{Rate, Time};

use super::units;

/// When switches send on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switching {
    /// When a packet has come in whole
    StoreAndForward,
    /// When its header has
    CutThrough,
}

/// What queues do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QueueKind {
    /// Full queues drop; no marks
    DropTail,
    /// Full queues drop; marks above --mark-above bytes
    Ecn,
    /// Full queues drop; random early marks between two thresholds (--red)
    Red,
    /// Full queues cut off payloads; marks by --ecn
    Trimming,
}

/// Options of switches.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Switches")]
pub struct SwitchArgs {
    /// When switches send a packet on
    #[arg(long, value_enum, default_value = "store-and-forward")]
    pub switching: Switching,
    /// What queues do when they fill; else what goes with the transport: trimming, red with roce, drop-tail with swift and hpcc
    #[arg(long, value_enum)]
    pub queueing: Option<QueueKind>,
    /// Queue of a switch port, in bandwidth-delay products of the longest way; else 1 (ndp: 8 packets; roce, swift, hpcc: 64)
    #[arg(long, value_name = "X", value_parser = units::positive)]
    pub queue_bdp: Option<f64>,
    /// Queue of a switch port in packets, in place of --queue-bdp
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub queue_packets: Option<u32>,
    /// Shares of the queue where marks for congestion begin and are certain; else 0.2,0.8 where queues trim
    #[arg(long, value_name = "LOW,HIGH", value_parser = units::shares, conflicts_with_all = ["no_ecn", "red", "mark_above"])]
    pub ecn: Option<(f64, f64)>,
    /// No marks for congestion
    #[arg(long, conflicts_with_all = ["red", "mark_above"])]
    pub no_ecn: bool,
    /// Random early marks: from this queue, to that one with this probability, and certain beyond; else
    /// 800kB,3200kB,0.2 at 400 Gb/s and in proportion
    #[arg(long, value_name = "SIZE,SIZE,SHARE", value_parser = units::red, conflicts_with = "mark_above")]
    pub red: Option<(u64, u64, f64)>,
    /// Queue above which every packet is marked
    #[arg(long, value_name = "SIZE", value_parser = units::bytes)]
    pub mark_above: Option<u64>,
    /// Full queues drop packets, and do not trim them
    #[arg(long)]
    pub no_trim: bool,
    /// Time that a switch takes to add up a segment of an in-switch collective, beside its latency; else none, the best case
    #[arg(long, value_name = "NS", value_parser = units::nanoseconds)]
    pub reduction_ns: Option<Time>,
}

impl SwitchArgs {
    /// Sets what was given.
    pub fn apply(&self, settings: &mut Settings, rate: Rate) -> Result<(), String> {
        if self.switching == Switching::CutThrough {
            settings.forwarding = Forwarding::CutThrough;
        }
        let narrow = |bytes: u64| u32::try_from(bytes).map_err(|_| "a queue's threshold is at most 4 GiB".to_string());
        let red = match (self.red, self.mark_above) {
            (Some((from, to, most)), _) => Some(Red { from: narrow(from)?, to: narrow(to)?, most }),
            (None, Some(above)) => Some(Red { from: narrow(above)?, to: narrow(above)?, most: 1.0 }),
            (None, None) => None,
        };
        if let Some(kind) = self.queueing {
            let queueing = match kind {
                QueueKind::DropTail => Queueing::DropTail,
                QueueKind::Trimming => Queueing::Trimming,
                QueueKind::Red => Queueing::RedDropTail(red.unwrap_or(Red::for_rate(rate.as_gbps() * 1e9))),
                QueueKind::Ecn => match self.mark_above {
                    Some(above) => Queueing::EcnDropTail { threshold: narrow(above)? },
                    None => return Err("--queueing ecn needs the queue above which to mark: --mark-above 100kB".into()),
                },
            };
            *settings = settings.clone().with_queueing(queueing);
        }
        if red.is_some() {
            settings.red = red;
        }
        if let Some(shares) = self.ecn {
            (settings.ecn, settings.red) = (Some(shares), None);
        }
        if self.no_ecn {
            (settings.ecn, settings.red) = (None, None);
        }
        settings.trimming &= !self.no_trim;
        if let Some(queue) = self.queue_bdp {
            (settings.queue_bdp, settings.queue_packets) = (queue, None);
        }
        settings.queue_packets = self.queue_packets.or(settings.queue_packets);
        settings.reduction.latency = self.reduction_ns.unwrap_or(Time::ZERO);
        Ok(())
    }

    /// Flags that were given and that only packets know.
    pub fn given(&self) -> Vec<&'static str> {
        let flags = [
            (self.switching == Switching::CutThrough, "--switching"),
            (self.queueing.is_some(), "--queueing"),
            (self.queue_packets.is_some(), "--queue-packets"),
            (self.ecn.is_some(), "--ecn"),
            (self.no_ecn, "--no-ecn"),
            (self.red.is_some(), "--red"),
            (self.mark_above.is_some(), "--mark-above"),
            (self.no_trim, "--no-trim"),
            (self.reduction_ns.is_some(), "--reduction-ns"),
        ];
        flags.into_iter().filter_map(|(given, name)| given.then_some(name)).collect()
    }
}
