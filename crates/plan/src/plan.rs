//! What a plan holds. Shapes only; the modules beside this one fill it.

use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::figure::Band;
use lanewright_model::problem::Severity;
use lanewright_model::system::{DomainId, LinkSetId, PartId, ProtocolId, RackId};
use lanewright_model::text::Span;
use lanewright_model::units::*;
use serde::Serialize;

use crate::amount::Amount;
use crate::budget::Piece;

/// A sum of figures. Bounds are the sums of the parts' bounds (all low or all high together), the widest
/// band that is still honest without knowing correlations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Total {
    /// Sum of the low ends.
    pub low: f64,
    /// Sum of the likely values.
    pub likely: f64,
    /// Sum of the high ends.
    pub high: f64,
    /// Share of `likely` that rests on figures of a weak grade, 0 to 1.
    pub weak_share: f64,
}

/// A plan of one system.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Classes of equal links (same set, ends, protocol, medium and sold length).
    pub classes: Vec<LinkClass>,
    /// For every link of the system its class.
    pub class_of_link: Vec<u32>,
    /// For every link of the system its length in metres (routed or given).
    pub length_m: Vec<f32>,
    /// Bill of materials, by kind then name.
    pub bom: Vec<BomLine>,
    /// Power.
    pub power: Power,
    /// Money.
    pub cost: Cost,
    /// Latency by class of path.
    pub latency: Vec<PathClass>,
    /// Failures.
    pub reliability: Reliability,
    /// Domains, in the system's order.
    pub domains: Vec<DomainPlan>,
    /// What the planner has to say: links that no medium closes, missing figures, odd choices.
    pub findings: Vec<Finding>,
}

/// Something worth saying about the system.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable short name.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Table of the file that it is about.
    #[serde(skip)]
    pub span: Option<Span>,
}

/// Links that are the same in everything that matters to the planner.
#[derive(Clone, Debug)]
pub struct LinkClass {
    /// Their link set.
    pub set: LinkSetId,
    /// Domain of the set.
    pub domain: DomainId,
    /// Protocol at the first end.
    pub protocol: ProtocolId,
    /// Part and port group at the first end.
    pub a: (PartId, u32),
    /// Part and port group at the second end.
    pub b: (PartId, u32),
    /// Number of links.
    pub links: u32,
    /// Number of cables (or module pairs, or board paths).
    pub cables: u32,
    /// Figures of an assembly that both ends are inside of already contain those of these links.
    pub within: Within,
    /// Shortest routed or given length.
    pub length_min: Metres,
    /// Longest routed or given length; the choice is made for it.
    pub length_max: Metres,
    /// The choice. `None` when nothing closes; `rejected` says why.
    pub choice: Option<MediaOption>,
    /// Feasible options that cost more, cheapest first; the first is the next-best alternative.
    pub alternatives: Vec<MediaOption>,
    /// Options that do not close, with the reason.
    pub rejected: Vec<Rejected>,
    /// Why the choice was made, in one sentence.
    pub reason: String,
}

/// Which figures of an enclosing assembly are of everything in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Within {
    /// The assembly has a power of its own.
    pub power: bool,
    /// The assembly has a price of its own.
    pub price: bool,
    /// The assembly has a failure rate of its own.
    pub fit: bool,
}

/// A way to build the links of a class.
#[derive(Clone, Debug)]
pub struct MediaOption {
    /// Medium.
    pub medium: Medium,
    /// Parts for one cable with their numbers: the cable, or two modules and a fibre, or retimers.
    pub parts: Vec<(PartId, f64)>,
    /// Short name: "AEC 400G 3 m".
    pub name: String,
    /// Sold length of the cable or fibre; for boards the length of the path.
    pub length: Metres,
    /// Retimers or gearboxes on the way (on boards; those inside AECs are not counted).
    pub retimers: u32,
    /// Electrical loss against its budget, worst piece of the path if it is retimed.
    pub loss: LossBudget,
    /// Price of one cable with all its parts.
    pub capex: Band<Usd>,
    /// Power of one cable with all its parts.
    pub power: Band<Watts>,
    /// Added latency of one pass, propagation included, FEC excluded.
    pub latency: Band<Nanoseconds>,
    /// Random failure rate of one cable with all its parts.
    pub fit: Band<Fit>,
    /// Probability that it does not close after all, 0 to 1, from the bands of its loss budget
    /// (see [`LossBudget::miss`]).
    pub miss: f64,
    /// Likely life cost and the expected rework of cables that do not close after all, US dollars of one cable: what
    /// the choice is made by.
    pub expected_usd: f64,
    /// Cost over the site's life of one cable: price, energy with PUE, expected repairs.
    pub life_cost: Band<Usd>,
    /// Share of the likely life cost that rests on weak grades, 0 to 1.
    pub weak_share: f64,
    /// The sums above with their weak shares, and the latency taken apart.
    pub amounts: OptionAmounts,
}

/// Sums over one cable with all its parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct OptionAmounts {
    /// Purchase, in US dollars.
    pub capex: Amount,
    /// Electrical power, in watts.
    pub power: Amount,
    /// Random failure rate, in FIT.
    pub fit: Amount,
    /// Cost over the site's life, in US dollars.
    pub life_cost: Amount,
    /// Latency of propagation along the cable, in nanoseconds.
    pub propagation: Amount,
    /// Latency of the electronics in the cable or modules, in nanoseconds.
    pub electronics: Amount,
    /// Latency of retimers and gearboxes on boards, in nanoseconds.
    pub retimers: Amount,
    /// Latency of PHYs on the way that encrypt (MACsec), in nanoseconds.
    pub macsec: Amount,
}

/// An option that does not work.
#[derive(Clone, Debug, Serialize)]
pub struct Rejected {
    /// Short name.
    pub name: String,
    /// Medium.
    pub medium: Medium,
    /// Why: "loss 41.2 dB is over the budget of 35.1 dB", "reach 3 m is under 7.2 m".
    pub reason: String,
    /// How far it is from working, as a share of what it can do: 0.2 is a fifth too long or too lossy. Infinite
    /// when it does not fit at all.
    #[serde(skip)]
    pub distance: f64,
}

/// Insertion loss at Nyquist, piece by piece, against what the SerDes recovers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LossBudget {
    /// Nyquist frequency of the lane.
    pub nyquist: Gigahertz,
    /// Pieces from one bump to the other.
    pub items: Vec<LossItem>,
    /// Loss that may be.
    pub budget: Band<Decibels>,
    /// Budget minus loss, likely values; `low` is the worst case (low budget, high losses).
    pub margin: Band<f64>,
    /// Part of the budget that a design keeps in hand: the path closes when the margin is at least this.
    pub reserve: Band<Decibels>,
    /// Share of the likely loss that rests on weak grades, 0 to 1.
    pub weak_share: f64,
    /// What the items were worked out from, for engines that look beyond loss at Nyquist.
    #[serde(skip)]
    pub path: Vec<Piece>,
}

/// One piece of a loss budget.
#[derive(Clone, Debug, Serialize)]
pub struct LossItem {
    /// What it is: "host trace", "plug", "30 AWG, 2.0 m".
    pub name: String,
    /// Its loss.
    pub loss: Band<Decibels>,
    /// Whether it rests on a weak grade.
    pub weak: bool,
}

/// A line of the bill of materials.
#[derive(Clone, Debug, Serialize)]
pub struct BomLine {
    /// Part, or `None` for things without one.
    #[serde(skip)]
    pub part: PartId,
    /// Id of the part.
    pub id: String,
    /// Name of the part.
    pub name: String,
    /// Family.
    pub kind: Kind,
    /// Sold length, for cables and fibres.
    pub length: Option<Metres>,
    /// Number of pieces.
    pub count: f64,
    /// Price of one; `None` when no figure is known.
    pub unit_price: Option<Band<Usd>>,
    /// Price of all.
    pub price: Total,
    /// Whether its price is contained in that of the assembly it is part of (listed, not added).
    pub inside_assembly: bool,
}

/// Power of a system, in watts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Power {
    /// All equipment, without PUE.
    pub equipment: Total,
    /// All equipment with conversion and cooling (PUE).
    pub site: Total,
    /// By rack, in the system's order.
    pub racks: Vec<RackPower>,
    /// Links alone, by domain, in the system's order.
    pub links_by_domain: Vec<Total>,
    /// By family of part; links under `cable` and `module`.
    pub by_kind: Vec<(Kind, Total)>,
    /// Devices that stand in no rack, and their cables.
    pub unplaced: Total,
}

/// Power of one rack.
#[derive(Clone, Debug, Serialize)]
pub struct RackPower {
    /// Rack.
    pub rack: RackId,
    /// Name.
    pub name: String,
    /// Power drawn, in watts.
    pub power: Total,
    /// Power that its feed delivers, in watts.
    pub feed_w: Option<f64>,
}

/// Money, in US dollars.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cost {
    /// Purchase.
    pub capex: Total,
    /// Running, per year: energy, repairs and wear-out.
    pub opex_per_year: Total,
    /// Energy, per year.
    pub energy_per_year: Total,
    /// Repairs, per year: parts and visits of expected random failures.
    pub repair_per_year: Total,
    /// Parts and visits for worn-out parts, per year on the average over the site's life.
    pub wearout_per_year: Total,
    /// Expected cost of scale-up domains out of service, per year.
    pub outage_per_year: Total,
    /// Purchase plus running and outages over the site's life.
    pub life: Total,
    /// Purchase by family of part.
    pub capex_by_kind: Vec<(Kind, Total)>,
    /// Parts whose price is unknown, with their number: the totals are without them.
    pub unpriced: Vec<(String, f64)>,
}

/// One-way latency of a class of path: same domain, same ends, same number of switches.
#[derive(Clone, Debug, Serialize)]
pub struct PathClass {
    /// Domain.
    pub domain: String,
    /// Name of the part at the first end.
    pub from: String,
    /// Name of the part at the second end.
    pub to: String,
    /// Families of the parts at both ends.
    pub kinds: (Kind, Kind),
    /// Switches passed.
    pub switches: u32,
    /// Links passed.
    pub links: u32,
    /// How many ends one `from` device reaches in this way.
    pub reached: u64,
    /// Pieces: propagation, cable or module electronics, FEC, retimers, MACsec, switches.
    pub items: Vec<LatencyItem>,
    /// Sum, in nanoseconds.
    pub total: Total,
}

/// One piece of a path's latency, in nanoseconds.
#[derive(Clone, Debug, Serialize)]
pub struct LatencyItem {
    /// What it is.
    pub name: String,
    /// Latency.
    pub latency: Total,
}

/// Failures of a system. Random failures (FIT) and wear-out (Weibull) are kept apart.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reliability {
    /// Random failures expected per year.
    pub failures_per_year: Total,
    /// The same by family of part.
    pub by_kind: Vec<(Kind, Total)>,
    /// Random failures by part.
    pub parts: Vec<PartFailures>,
    /// Wear-out by part that has a Weibull life.
    pub wearout: Vec<Wearout>,
    /// Availability of scale-up domains.
    pub availability: Vec<Availability>,
    /// Parts whose failure rate is unknown, with their number: the totals are without them.
    pub unrated: Vec<(String, f64)>,
}

/// Random failures of all pieces of one part.
#[derive(Clone, Debug, Serialize)]
pub struct PartFailures {
    /// Id of the part.
    pub id: String,
    /// Family.
    pub kind: Kind,
    /// Number in service.
    pub count: f64,
    /// Failures expected per year, all pieces together.
    pub failures_per_year: Total,
    /// Spares to hold for the site's service level over its lead time.
    pub spares: u32,
    /// What a failure takes down: "one of 9 links of an accelerator", "64 accelerators".
    pub effect: String,
    /// How soon it must be repaired.
    pub urgency: Urgency,
}

/// How soon a failure must be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// A scale-up domain or several devices are out of service.
    Urgent,
    /// Capacity is lower until it is repaired.
    Soon,
    /// Redundancy hides it.
    Planned,
}

/// Wear-out of all pieces of one part (two-parameter Weibull).
#[derive(Clone, Debug, Serialize)]
pub struct Wearout {
    /// Id of the part.
    pub id: String,
    /// Number in service.
    pub count: f64,
    /// Characteristic life.
    pub life: Band<Years>,
    /// Shape.
    pub shape: f64,
    /// Share worn out by the end of the site's life, 0 to 1 (low, likely, high).
    pub worn_by_end: Band<f64>,
    /// Replacements over the site's life if worn parts are replaced by new ones (renewal), all pieces.
    pub replacements: Band<f64>,
    /// Whether the life rests on a weak grade.
    pub weak: bool,
}

/// Availability of one scale-up domain instance.
#[derive(Clone, Debug, Serialize)]
pub struct Availability {
    /// Domain.
    pub domain: String,
    /// Accelerators in the instance.
    pub accelerators: u32,
    /// Accelerators that it needs.
    pub needed: u32,
    /// Equal instances of it in the system.
    pub instances: u32,
    /// Share of time in service (low, likely, high).
    pub availability: Band<f64>,
    /// Hours out of service per year, likely.
    pub down_hours_per_year: f64,
}

/// Sums over one domain.
#[derive(Clone, Debug, Serialize)]
pub struct DomainPlan {
    /// Domain.
    #[serde(skip)]
    pub domain: DomainId,
    /// Name.
    pub name: String,
    /// Links.
    pub links: u64,
    /// Lanes, each with both directions.
    pub lanes: u64,
    /// Sum of the links' rates, Gb/s per direction.
    pub bandwidth_gbps: f64,
    /// Links by medium.
    pub links_by_medium: Vec<(Medium, u64)>,
}
