//! Where requests come from: a file, or chance.

use clap::Args;
use lanewright_workload::serve::arrival::{Arrivals, Length, Made};
use lanewright_workload::serve::log::{self, Trace};

use super::ServeArgs;
use crate::disk;

/// Most bytes of a trace, unpacked.
const LIMIT_BYTES: usize = 1 << 30;

/// Flags of made requests.
#[derive(Args, Debug)]
pub struct SourceArgs {
    /// Requests per second, at random times
    #[arg(long, value_name = "PER_S", conflicts_with = "concurrency")]
    pub rate: Option<f64>,
    /// Deviation of the gaps over their mean: 1 is Poisson, more comes in bursts
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "rate")]
    pub burstiness: f64,
    /// Requests in flight: the next is sent when one ends
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrency: Option<u32>,
    /// How many requests
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub requests: u32,
    /// Tokens of a prompt
    #[arg(long, value_name = "LENGTH", default_value = "1024", value_parser = Length::parse)]
    pub input: Length,
    /// Tokens of an answer
    #[arg(long = "output", value_name = "LENGTH", default_value = "256", value_parser = Length::parse)]
    pub output_tokens: Length,
    /// Share of every prompt that a prefix cache holds
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub prefix_hit: f64,
    /// Different prefixes that requests share, kept and given up by the simulated cache
    #[arg(long, value_name = "N", default_value_t = 0, requires = "prefix_tokens")]
    pub prefixes: u32,
    /// Tokens of a shared prefix, in front of a prompt's own
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub prefix_tokens: u32,
    /// Seed of all chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Requests, and what they are in words.
pub struct Source {
    /// The requests, with measured times where a log has them.
    pub trace: Trace,
    /// In words.
    pub title: String,
    /// Requests in flight of a closed loop.
    pub closed: Option<u32>,
}

/// Reads or makes the requests.
pub fn read(args: &ServeArgs) -> Result<Source, String> {
    let flags = &args.source;
    if let Some(path) = &args.replay {
        let name = path.display();
        let text = disk::read_packed(path, LIMIT_BYTES).map_err(|why| format!("cannot read {name}: {why}"))?;
        let trace = log::parse(&text).map_err(|error| format!("{name}:{error}"))?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let title = format!("{} requests of {file}", trace.requests.len());
        return Ok(Source { trace, title, closed: None });
    }
    if !(0.0..1.0).contains(&flags.prefix_hit) {
        return Err("--prefix-hit is a share of the prompt, 0 or more and less than 1".into());
    }
    let arrivals = match (flags.rate, flags.concurrency) {
        (Some(rate), _) if !(rate.is_finite() && rate > 0.0) => {
            return Err(format!("--rate is {rate}: more than 0 requests per second are needed"));
        }
        (Some(_), _) if !(0.05..=20.0).contains(&flags.burstiness) => {
            return Err("--burstiness is the deviation of the gaps over their mean, 0.05 to 20".into());
        }
        (Some(rate), _) if (flags.burstiness - 1.0).abs() < 1e-9 => Arrivals::Poisson { rate },
        (Some(rate), _) => Arrivals::Bursty { rate, burstiness: flags.burstiness },
        (None, Some(_)) => Arrivals::AtOnce,
        (None, None) => {
            return Err("say how requests come: --rate PER_S, --concurrency N, or --replay FILE".into());
        }
    };
    let made = Made {
        requests: flags.requests,
        arrivals,
        input: flags.input,
        output: flags.output_tokens,
        hit_ratio: flags.prefix_hit,
        prefixes: flags.prefixes,
        prefix_tokens: flags.prefix_tokens,
        seed: flags.seed,
    };
    let how = match (flags.rate, flags.concurrency) {
        (Some(rate), _) => format!("at {rate} per second"),
        (None, Some(count)) => format!("{count} in flight"),
        (None, None) => String::new(),
    };
    let title = format!("{} requests {how}", flags.requests);
    let trace = Trace { requests: made.requests(), ..Trace::default() };
    Ok(Source { trace, title, closed: flags.concurrency.filter(|_| flags.rate.is_none()) })
}
