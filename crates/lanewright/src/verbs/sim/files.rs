//! Files that a run can write: report, trace, tables of flows and links.

use std::path::PathBuf;

use clap::Args;
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow::Ways;
use lanewright_fabric::network::Network;
use lanewright_fabric::outcome::Sampling;
use lanewright_fabric::route::Routes;
use lanewright_fabric::traffic::Traffic;

use super::results::Bandwidth;
use crate::columns::{Form, encode};
use crate::disk;
use crate::report;
use crate::simulated::{BandwidthRow, Simulated, flow_rows, link_rows, trace, watch};

/// Links recorded over time at most; all of a smaller network.
const WATCHED: usize = 256;

/// Options that name files.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Files")]
pub struct FileArgs {
    /// Write an HTML report: completion times, links over the topology and over time, faults, counters
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write a trace for Perfetto or Chrome's trace viewer (JSON)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write all messages and delays with their times (.csv, .json or .parquet)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write what each direction of a link carried (.csv, .json or .parquet)
    #[arg(long, value_name = "FILE")]
    pub links: Option<PathBuf>,
    /// Write rate and queue of the links that the traffic loads most, over time (.csv, .json or .parquet); the flow engine has no queues
    #[arg(long, value_name = "FILE")]
    pub links_over_time: Option<PathBuf>,
}

impl FileArgs {
    /// Whether names can be used; asked before a run, since it may take long.
    pub fn check(&self) -> Result<(), String> {
        for path in [&self.out, &self.links, &self.links_over_time].into_iter().flatten() {
            form(path)?;
        }
        Ok(())
    }

    /// Whether any file is to be written.
    pub fn any(&self) -> bool {
        let named = [&self.output, &self.trace, &self.out, &self.links, &self.links_over_time];
        named.into_iter().any(Option::is_some)
    }

    /// Whether what each link carries is to be counted.
    pub fn count_links(&self) -> bool {
        self.output.is_some() || self.links.is_some()
    }

    /// What to record over time, if anything.
    pub fn sampling(
        &self,
        network: &Network,
        routes: &Routes,
        traffic: &Traffic,
        faults: &Timeline,
        ways: Ways,
    ) -> Option<Sampling> {
        let wanted = self.output.is_some() || self.trace.is_some() || self.links_over_time.is_some();
        wanted.then(|| {
            let chosen = watch::choose(network, routes, traffic, faults, ways, WATCHED);
            Sampling { slot: chosen.slot, edges: chosen.edges }
        })
    }

    /// Writes what was asked for.
    pub fn write(&self, run: &Simulated<'_>) -> Result<(), String> {
        if let Some(path) = &self.output {
            disk::write(path, report::sim::html(run).as_bytes())?;
        }
        if let Some(path) = &self.trace {
            disk::write(path, trace::write(run, trace::Limits::default()).as_bytes())?;
        }
        if let Some(path) = &self.out {
            disk::write(path, &encode(form(path)?, &flow_rows::columns(run)))?;
        }
        if let Some(path) = &self.links {
            disk::write(path, &encode(form(path)?, &link_rows::totals(run)))?;
        }
        if let Some(path) = &self.links_over_time {
            disk::write(path, &encode(form(path)?, &link_rows::over_time(run)))?;
        }
        Ok(())
    }
}

/// The form of a table's file; the message stands behind "error: ".
fn form(path: &std::path::Path) -> Result<Form, String> {
    Form::of(path).map_err(|why| why.trim_start_matches("error: ").trim_end().to_string())
}

/// The bandwidth as the report lists it.
pub fn bandwidth_row(found: &Bandwidth) -> BandwidthRow {
    BandwidthRow {
        collective: found.collective.clone(),
        ranks: found.ranks,
        bytes: found.bytes,
        time_us: if found.algbw > 0.0 { found.bytes as f64 / found.algbw * 1e-3 } else { f64::NAN },
        algbw_gbytes_per_s: found.algbw,
        busbw_gbytes_per_s: found.busbw,
    }
}

/// The command as it was typed, fit to be typed again.
pub fn command() -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%@".contains(c);
    let quoted = |word: String| {
        if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    // Arguments that are no text cannot be shown; the others can.
    let typed = std::env::args_os().skip(1).map(|word| quoted(word.to_string_lossy().into_owned()));
    std::iter::once("lanewright".to_string()).chain(typed).collect::<Vec<_>>().join(" ")
}
