//! Flags of the engines, and what they run.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lanewright_fabric::outcome::{Observer, Progress};
use lanewright_fabric::route::Policy;
use lanewright_fabric::time::Time;
use lanewright_fabric::{flow, packet};

use super::units;

/// Engines by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Every packet through queues and transports
    Packet,
    /// Fair rates of whole messages, without queues
    Flow,
}

/// Transports by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// Ultra Ethernet, sender-based (NSCC)
    Uec,
    /// Ultra Ethernet, credit granted by receivers (as EQDS and NDP)
    UecCredit,
    /// Both of these
    UecBoth,
}

/// Ways to choose among equal ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Routing {
    /// Every packet its own way
    Spray,
    /// Every flow one way, by a hash
    Ecmp,
    /// The shortest queue at every switch
    Adaptive,
    /// By destination alone (D-mod-k)
    Static,
}

/// Load balancers of senders that spray.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Balancer {
    /// Entropies that came back unmarked again, else in turn past marked ones
    Mixed,
    /// In turn, past marked ones
    Bitmap,
    /// Entropies that came back unmarked again, else any (REPS)
    Reps,
    /// In turn, whatever comes back
    Oblivious,
}

/// Options of the engines.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// What moves the traffic
    #[arg(long, value_enum, default_value = "packet")]
    pub engine: Engine,
    /// How senders find their rate and repair losses
    #[arg(long, value_enum, default_value = "uec")]
    pub transport: Transport,
    /// How switches choose among equal ways
    #[arg(long, value_enum, default_value = "spray")]
    pub routing: Routing,
    /// How senders that spray choose
    #[arg(long, value_enum, default_value = "mixed")]
    pub balancer: Balancer,
    /// Largest packet on the wire in bytes, with its 64 bytes of header
    #[arg(long, value_name = "BYTES", default_value_t = 4150, value_parser = clap::value_parser!(u16).range(128..))]
    pub mtu: u16,
    /// Queue of a switch port, in bandwidth-delay products of the longest way
    #[arg(long, value_name = "X", default_value = "1", value_parser = units::positive)]
    pub queue_bdp: f64,
    /// Queue of a switch port in packets, in place of --queue-bdp
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub queue_packets: Option<u32>,
    /// Shares of the queue where marks for congestion begin and are certain
    #[arg(long, value_name = "LOW,HIGH", default_value = "0.2,0.8", value_parser = units::shares)]
    pub ecn: (f64, f64),
    /// No marks for congestion
    #[arg(long)]
    pub no_ecn: bool,
    /// Full queues drop packets, and do not trim them
    #[arg(long)]
    pub no_trim: bool,
    /// Entropies per flow that sprays
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=16384))]
    pub paths: u16,
    /// First window in packets; else 1.5 bandwidth-delay products
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub window: Option<u32>,
    /// Queueing delay that senders aim at; else three quarters of the round trip
    #[arg(long, value_name = "US", value_parser = units::microseconds)]
    pub target_delay_us: Option<Time>,
    /// Where all chance comes from
    #[arg(long, default_value_t = 13)]
    pub seed: u64,
    /// Simulated time at which to stop; else when all is done
    #[arg(long, value_name = "US", value_parser = units::microseconds)]
    pub end_us: Option<Time>,
    /// Flow engine: share of a time within which ends of messages are handled together; 0 is exact, 0.001 much faster
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub resolution: f64,
    /// Threads; the answer is the same for any number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
}

impl EngineArgs {
    /// Settings of the packet engine.
    pub fn packet(&self) -> packet::Settings {
        packet::Settings {
            transport: match self.transport {
                Transport::Uec => packet::Transport::Uec,
                Transport::UecCredit => packet::Transport::UecCredit,
                Transport::UecBoth => packet::Transport::UecBoth,
            },
            routing: self.policy(),
            balancer: match self.balancer {
                Balancer::Mixed => packet::Balancer::Mixed,
                Balancer::Bitmap => packet::Balancer::Bitmap,
                Balancer::Reps => packet::Balancer::Recycle,
                Balancer::Oblivious => packet::Balancer::Oblivious,
            },
            mtu: self.mtu,
            queue_bdp: self.queue_bdp,
            queue_packets: self.queue_packets,
            ecn: (!self.no_ecn).then_some(self.ecn),
            paths: self.paths,
            seed: self.seed,
            initial_window: self.window,
            trimming: !self.no_trim,
            target_delay: self.target_delay_us,
            threads: usize::from(self.threads),
            end: self.end_us.unwrap_or(Time::NEVER),
            ..packet::Settings::default()
        }
    }

    /// Settings of the flow engine: sprayed messages take all ways in equal parts, others one.
    pub fn flow(&self) -> flow::Settings {
        let ways = match self.routing {
            Routing::Spray | Routing::Adaptive => flow::Ways::All,
            Routing::Ecmp | Routing::Static => flow::Ways::One,
        };
        flow::Settings { ways, resolution: self.resolution, ..flow::Settings::default() }
    }

    /// Settings that an answer hangs on, as a report lists them.
    pub fn in_words(&self) -> Vec<(String, String)> {
        let word = |value: Option<clap::builder::PossibleValue>| value.map(|value| value.get_name().to_string());
        let mut words = vec![("Routing".to_string(), word(self.routing.to_possible_value()).unwrap_or_default())];
        if self.engine == Engine::Packet {
            words.push(("Transport".into(), word(self.transport.to_possible_value()).unwrap_or_default()));
            words.push(("Largest packet".into(), format!("{} B", self.mtu)));
            words.push((
                "Queue".into(),
                match self.queue_packets {
                    Some(packets) => format!("{packets} packets"),
                    None => format!("{} × bandwidth-delay product", self.queue_bdp),
                },
            ));
            words.push(("Trimming".into(), if self.no_trim { "no" } else { "yes" }.into()));
        }
        words
    }

    fn policy(&self) -> Policy {
        match self.routing {
            Routing::Spray => Policy::Spray,
            Routing::Ecmp => Policy::Ecmp,
            Routing::Adaptive => Policy::Adaptive,
            Routing::Static => Policy::Static,
        }
    }
}

/// Shows how far a run is, and ends it when the user asks for it.
pub struct Watch {
    bar: ProgressBar,
    start: Instant,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// Starts to watch. Ctrl-C ends the run with what is finished.
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        // Without a handler Ctrl-C ends the program, which is no worse than usual.
        let _ = ctrlc::set_handler(move || {
            // Who presses it twice means it.
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let bar = ProgressBar::new(1000);
        // Drawn for people only: a log wants no redrawn lines.
        if !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent}% {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, start: Instant::now(), stop }
    }

    /// Takes the bar away; wall-clock seconds since the start.
    pub fn finish(&self) -> f64 {
        self.bar.finish_and_clear();
        self.start.elapsed().as_secs_f64()
    }
}

impl Observer for Watch {
    fn report(&mut self, progress: &Progress) -> ControlFlow<()> {
        let done = progress.done as f64 / progress.tasks.max(1) as f64;
        self.bar.set_position((progress.share.max(done) * 1000.0) as u64);
        let rate = progress.events as f64 / self.start.elapsed().as_secs_f64().max(1e-9);
        self.bar.set_message(format!(
            "{:.1} µs, {} of {} done, {:.2} M events/s",
            progress.now.as_us(),
            progress.done,
            progress.tasks,
            rate * 1e-6
        ));
        if self.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Processor seconds that this process has used, all threads together; `None` where the system does not say.
pub fn cpu_seconds() -> Option<f64> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }
    #[cfg(not(unix))]
    None
}
