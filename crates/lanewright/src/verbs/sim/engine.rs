//! Flags of the engines, and what they run.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lanewright_fabric::network::Network;
use lanewright_fabric::outcome::{Observer, Progress};
use lanewright_fabric::route::Policy;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::{flow, packet};

use super::links::LinkArgs;
use super::short_flows::ShortFlows;
use super::switches::SwitchArgs;
use super::transport::TransportArgs;
use super::units;

/// Engines by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Every packet through queues and transports
    Packet,
    /// Fair rates of whole messages, without queues
    Flow,
}

/// How close the flow engine tells ends of messages apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolution {
    /// As the engine chooses.
    Auto,
    /// A share of a message's time.
    Share(f64),
}

fn resolution(text: &str) -> Result<Resolution, String> {
    if text == "auto" {
        return Ok(Resolution::Auto);
    }
    let share = text.parse().ok().filter(|share| (0.0..1.0).contains(share));
    share
        .map(Resolution::Share)
        .ok_or_else(|| "write auto, or a resolution from 0 to below 1, such as 0.01".to_string())
}

/// Options of the engines.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// What moves the traffic
    #[arg(long, value_enum, default_value = "packet")]
    pub engine: Engine,
    /// Where all chance comes from
    #[arg(long, default_value_t = 13)]
    pub seed: u64,
    /// Simulated time at which to stop; else when all is done
    #[arg(long, value_name = "US", value_parser = units::microseconds)]
    pub end_us: Option<Time>,
    /// Flow engine: share of a message's time within which ends are handled together; 0 is exact. auto: 0 up to 20,000
    /// messages and where they have few sizes, else 0.01 (the notes say which, and what error it means)
    #[arg(long, value_name = "SHARE", default_value = "auto", value_parser = resolution)]
    pub resolution: Resolution,
    /// Flow engine: what to do about short messages, which fair shares alone flatter
    #[arg(long, value_enum, default_value = "plain")]
    pub short_flows: ShortFlows,
    /// Threads; the answer is the same for any number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Packet engine: skip what goes on in the same way (settled rates of long messages, rounds that repeat) instead of
    /// running every packet. Times are then estimates, within 1 % in runs tried; what was skipped is said. One thread
    #[arg(long)]
    pub fast_forward: bool,
    /// Transports.
    #[command(flatten)]
    pub transport: TransportArgs,
    /// Switches.
    #[command(flatten)]
    pub switches: SwitchArgs,
    /// Link layers.
    #[command(flatten)]
    pub links: LinkArgs,
}

impl EngineArgs {
    /// Settings of the packet engine: those that usually go with the transport, but for what was given. `rate`: of the
    /// endpoints' links.
    pub fn packet(&self, network: &Network, rate: Rate) -> Result<packet::Settings, String> {
        let transport = self.transport.on(network);
        let mut settings = packet::Settings::of(transport, rate.as_gbps() * 1e9);
        self.transport.apply(network, &mut settings)?;
        self.switches.apply(&mut settings, rate)?;
        self.links.apply(&mut settings)?;
        settings.seed = self.seed;
        settings.threads = usize::from(self.threads);
        settings.fast_forward = self.fast_forward;
        settings.end = self.end_us.unwrap_or(Time::NEVER);
        Ok(settings)
    }

    /// Settings of the flow engine: sprayed messages take all ways in equal parts, others one.
    pub fn flow(&self, routing: Policy) -> flow::Settings {
        let ways = match routing {
            Policy::Ecmp | Policy::Static => flow::Ways::One,
            _ => flow::Ways::All,
        };
        let (resolution, automatic) = match self.resolution {
            Resolution::Auto => (0.0, true),
            Resolution::Share(share) => (share, false),
        };
        flow::Settings { ways, resolution, automatic, ..flow::Settings::default() }
    }

    /// What the chosen engine leaves out of what was asked for.
    pub fn unused(&self, of_nics: &[&'static str]) -> Option<String> {
        // Corrections are those of the transport and its usual queues; of others it is said that none are known.
        let shaped = || [self.transport.given(), self.switches.given()].concat();
        let forward = if self.fast_forward { vec!["--fast-forward"] } else { Vec::new() };
        let others = [self.links.given(), of_nics.to_vec(), forward].concat();
        let asked = match self.short_flows {
            ShortFlows::Plain => [shaped(), others].concat(),
            ShortFlows::Corrected => others,
        };
        match self.engine {
            Engine::Packet if self.short_flows == ShortFlows::Corrected => {
                Some("the packet engine needs no corrections: --short-flows changed nothing".to_string())
            }
            Engine::Packet => None,
            Engine::Flow => (!asked.is_empty())
                .then(|| format!("the flow engine shares rates alone: {} changed nothing", asked.join(", "))),
        }
    }

    /// Settings that an answer hangs on, as a report lists them.
    pub fn in_words(&self, settings: &packet::Settings) -> Vec<(String, String)> {
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|value| value.as_str().map(str::to_string)).unwrap_or_default()
        };
        let mut words = vec![("Routing".to_string(), word(serde_json::to_value(settings.routing)))];
        if self.engine == Engine::Packet {
            words.push(("Transport".into(), word(serde_json::to_value(settings.transport))));
            words.push(("Largest packet".into(), format!("{} B", settings.mtu)));
            words.push((
                "Queue".into(),
                match settings.queue_packets {
                    Some(packets) => format!("{packets} packets"),
                    None => format!("{} × bandwidth-delay product", settings.queue_bdp),
                },
            ));
            words.push(("Forwarding".into(), word(serde_json::to_value(settings.forwarding))));
            words.push(("Trimming".into(), if settings.trimming { "yes" } else { "no" }.into()));
        } else if self.short_flows == ShortFlows::Corrected {
            words.push(("Short flows".into(), "corrected".into()));
            words.push(("Transport".into(), word(serde_json::to_value(settings.transport))));
            words.push(("Largest packet".into(), format!("{} B", settings.mtu)));
        }
        words
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
