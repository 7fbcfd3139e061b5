//! The review: what a rack architect brings to a design meeting.

use std::collections::BTreeMap;

use lanewright_model::problem::Severity;
use lanewright_plan::plan::{Plan, Total};
use serde::Serialize;

/// A review of one system. The JSON form has a published schema (`schema/review.schema.json`).
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// What was reviewed.
    pub system: Subject,
    /// Sums over the whole system.
    pub totals: Totals,
    /// Domains, in natural order of their names.
    pub domains: Vec<DomainLine>,
    /// Limits of the file, each with what was found.
    pub limits: Vec<LimitLine>,
    /// Findings: broken limits and errors first.
    pub findings: Vec<FindingLine>,
    /// The whole plan, for the report; the JSON form has its own tables.
    #[serde(skip)]
    pub plan: Plan,
}

/// What was reviewed, and by what.
#[derive(Clone, Debug, Serialize)]
pub struct Subject {
    /// Name of the system.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// File as given.
    pub file: String,
    /// Version of the program.
    pub version: String,
    /// Hash of every input text (FNV-1a, 64 bits, hexadecimal).
    pub inputs_hash: String,
    /// Where its facts come from.
    pub sources: Vec<String>,
    /// What in it is assumed.
    pub assumptions: Vec<String>,
}

/// Sums over the whole system.
#[derive(Clone, Debug, Serialize)]
pub struct Totals {
    /// Devices that are not assemblies.
    pub devices: u64,
    /// Assemblies.
    pub assemblies: u64,
    /// Ports, in use or free.
    pub ports: u64,
    /// Links.
    pub links: u64,
    /// Lanes of all links, each with both directions.
    pub lanes: u64,
    /// Cables, module pairs and board paths.
    pub cables: u64,
    /// Links by medium: every medium is there, with 0 where it is not used.
    pub links_by_medium: BTreeMap<String, u64>,
    /// Power of all equipment without PUE, in watts.
    pub power_w: Total,
    /// Power of the site with PUE, in watts.
    pub site_power_w: Total,
    /// Purchase, in US dollars.
    pub capex_usd: Total,
    /// Energy and repairs, in US dollars per year.
    pub opex_usd_per_year: Total,
    /// Random failures expected per year.
    pub failures_per_year: Total,
}

/// One domain.
#[derive(Clone, Debug, Serialize)]
pub struct DomainLine {
    /// Name.
    pub name: String,
    /// Links.
    pub links: u64,
    /// Lanes, each with both directions.
    pub lanes: u64,
    /// Sum of the links' rates, Gb/s per direction.
    pub bandwidth_gbps: f64,
    /// Links by medium (only those used).
    pub links_by_medium: BTreeMap<String, u64>,
}

/// One limit of the file.
#[derive(Clone, Debug, Serialize)]
pub struct LimitLine {
    /// Key in the file.
    pub name: String,
    /// What it limits: "rack r[3]", "system".
    pub subject: String,
    /// The limit, in the unit of its key.
    pub limit: f64,
    /// What was found (likely value), in the unit of its key; absent when it could not be computed.
    pub found: Option<f64>,
    /// Low end of what was found.
    pub low: Option<f64>,
    /// High end of what was found.
    pub high: Option<f64>,
    /// `ok`, `at-risk` (broken at the band's bad end), `broken` (by the likely value), `unknown`.
    pub status: LimitStatus,
}

/// How a limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitStatus {
    /// Kept over the whole band.
    Ok,
    /// Kept by the likely value, broken at the bad end of the band.
    AtRisk,
    /// Broken by the likely value.
    Broken,
    /// Not computed.
    Unknown,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct FindingLine {
    /// How bad it is.
    pub severity: Severity,
    /// Stable short name.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// `file:line:column` of the table that it is about.
    pub place: Option<String>,
    /// What to do.
    pub help: Option<String>,
}
