//! The review: what a rack architect brings to a design meeting.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::problem::{Problems, Severity};
use lanewright_model::system::System;
use lanewright_model::text::Texts;
use lanewright_plan::plan::{Plan, Total};
use schemars::JsonSchema;
use serde::Serialize;

use crate::lanes::{self, Lane, LaneLine, MeasuredText};
use crate::limits;

/// A review of one system. The JSON form has a published schema (`schema/review.schema.json`).
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
    /// Classes of equal links.
    pub links: Vec<LinkLine>,
    /// Electrical lanes of those classes: loss piece by piece, margin, errors. Empty where lanes were not asked for.
    pub lanes: Vec<LaneLine>,
    /// The whole plan, for the report; the JSON form has its own tables.
    #[serde(skip)]
    pub plan: Plan,
    /// The lanes with their curves, for the report.
    #[serde(skip)]
    pub curves: Vec<Lane>,
}

/// What was reviewed, and by what.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
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

/// A class of equal links: same table, ends, protocol, medium and sold length.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LinkLine {
    /// Link table, with its path inside assemblies.
    pub set: String,
    /// Domain.
    pub domain: String,
    /// Protocol at the first end.
    pub protocol: String,
    /// Part and port group at the first end.
    pub from: String,
    /// Part and port group at the second end.
    pub to: String,
    /// Links.
    pub links: u32,
    /// Cables, module pairs or board paths.
    pub cables: u32,
    /// Shortest length, in metres.
    pub length_m_min: f64,
    /// Longest length, in metres; the medium is chosen for it.
    pub length_m_max: f64,
    /// Medium; absent when nothing closes.
    pub medium: Option<String>,
    /// What was chosen.
    pub choice: Option<String>,
    /// Parts of one cable with their numbers.
    pub parts: BTreeMap<String, f64>,
    /// Nyquist frequency of a lane, in GHz.
    pub nyquist_ghz: Option<f64>,
    /// Electrical loss at Nyquist, likely, in dB.
    pub loss_db: Option<f64>,
    /// Margin under the loss budget in dB: low, likely, high.
    pub margin_db: Option<[f64; 3]>,
    /// Price of one cable with all its parts in US dollars: low, likely, high.
    pub capex_usd_each: Option<[f64; 3]>,
    /// Power of one cable with all its parts in watts: low, likely, high.
    pub power_w_each: Option<[f64; 3]>,
    /// Added latency of one pass in nanoseconds, propagation included: low, likely, high.
    pub latency_ns: Option<[f64; 3]>,
    /// Why it was chosen.
    pub reason: String,
    /// The next-best alternative.
    pub next_best: Option<String>,
    /// Share of the likely life cost that rests on weak grades, 0 to 1.
    pub weak_share: Option<f64>,
}

/// One limit of the file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LimitLine {
    /// Key in the file.
    pub name: String,
    /// What it limits: `rack r[3]`, `system`.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
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

/// Reviews a system: plans it, adds it up, and checks its limits. `texts` and `problems` are those of loading it:
/// warnings become findings, places become `file:line:column`.
pub fn review(
    system: &System,
    texts: &Texts,
    problems: &Problems,
    file: &str,
    version: &str,
    inputs_hash: u64,
) -> Review {
    let plan = lanewright_plan::plan_system(system);
    put_together(system, texts, problems, (file, version, inputs_hash), plan, Vec::new(), true)
}

/// The same with the electrical lanes judged: by channel operating margin or eye, from measured channels where the file
/// names them (`measured` holds their texts, in the order of the system's channels) and from modelled ones elsewhere.
pub fn review_with_lanes(
    system: &System,
    texts: &Texts,
    problems: &Problems,
    (file, version, inputs_hash): (&str, &str, u64),
    measured: &[MeasuredText],
) -> Review {
    let plan = lanewright_plan::plan_system(system);
    let lanes = lanes::judge(system, &plan, measured);
    put_together(system, texts, problems, (file, version, inputs_hash), plan, lanes, false)
}

fn put_together(
    system: &System,
    texts: &Texts,
    problems: &Problems,
    (file, version, inputs_hash): (&str, &str, u64),
    plan: Plan,
    lanes: Vec<Lane>,
    without_lanes: bool,
) -> Review {
    let limits = limits::check(system, &plan, &lanes);
    let findings = findings(system, texts, problems, &plan, &limits, (!without_lanes).then_some(&lanes));
    Review {
        system: Subject {
            name: system.name.clone(),
            description: system.description.clone(),
            file: file.to_string(),
            version: version.to_string(),
            inputs_hash: format!("{inputs_hash:016x}"),
            sources: system.sources.clone(),
            assumptions: system.assumptions.clone(),
        },
        totals: totals(system, &plan),
        domains: domains(&plan),
        limits: limits.into_iter().map(|checked| checked.line).collect(),
        findings,
        links: link_lines(system, &plan),
        lanes: lanes.iter().map(|lane| lane.line.clone()).collect(),
        plan,
        curves: lanes,
    }
}

impl Review {
    /// Whether a limit is broken or a finding is an error: the design does not do what the file asks for.
    pub fn is_broken(&self) -> bool {
        self.limits.iter().any(|limit| limit.status == LimitStatus::Broken)
            || self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// The key of a medium in `links_by_medium`.
pub fn medium_key(medium: Medium) -> String {
    medium.word().replace('-', "_")
}

fn totals(system: &System, plan: &Plan) -> Totals {
    let mut links_by_medium: BTreeMap<String, u64> =
        Medium::ALL.iter().map(|medium| (medium_key(*medium), 0)).collect();
    let (mut cables, mut lanes) = (0, 0);
    for class in &plan.classes {
        cables += u64::from(class.cables);
        lanes += u64::from(class.links) * u64::from(system.catalogue.protocol(class.protocol).lanes);
        if let Some(choice) = &class.choice {
            *links_by_medium.entry(medium_key(choice.medium)).or_default() += u64::from(class.links);
        }
    }
    let mut assemblies = 0;
    for set in 0..system.sets.len() {
        let id = lanewright_model::system::SetId(set as u32);
        if system.catalogue.part(system.sets[set].part).kind == Kind::Assembly {
            assemblies += system.set_total(id);
        }
    }
    Totals {
        devices: system.devices.len() as u64 - assemblies,
        assemblies,
        ports: u64::from(system.port_count),
        links: system.links.len() as u64,
        lanes,
        cables,
        links_by_medium,
        power_w: plan.power.equipment,
        site_power_w: plan.power.site,
        capex_usd: plan.cost.capex,
        opex_usd_per_year: plan.cost.opex_per_year,
        failures_per_year: plan.reliability.failures_per_year,
    }
}

fn domains(plan: &Plan) -> Vec<DomainLine> {
    plan.domains
        .iter()
        .map(|domain| DomainLine {
            name: domain.name.clone(),
            links: domain.links,
            lanes: domain.lanes,
            bandwidth_gbps: domain.bandwidth_gbps,
            links_by_medium: domain.links_by_medium.iter().map(|(m, links)| (medium_key(*m), *links)).collect(),
        })
        .collect()
}

fn link_lines(system: &System, plan: &Plan) -> Vec<LinkLine> {
    let catalogue = &system.catalogue;
    let end = |(part, group): (lanewright_model::system::PartId, u32)| {
        let part = catalogue.part(part);
        format!("{}.{}", part.id.value, part.port[group as usize].id.value)
    };
    let band = |low: f64, likely: f64, high: f64| Some([low, likely, high]);
    plan.classes
        .iter()
        .map(|class| {
            let choice = class.choice.as_ref();
            let electrical = choice.map(|c| &c.loss).filter(|loss| !loss.items.is_empty());
            LinkLine {
                set: system.link_sets[class.set.index()].name.clone(),
                domain: system.domains[class.domain.index()].name.clone(),
                protocol: catalogue.protocol(class.protocol).id.clone(),
                from: end(class.a),
                to: end(class.b),
                links: class.links,
                cables: class.cables,
                length_m_min: class.length_min.0,
                length_m_max: class.length_max.0,
                medium: choice.map(|c| medium_key(c.medium)),
                choice: choice.map(|c| c.name.clone()),
                parts: choice
                    .map(|c| c.parts.iter().map(|(id, n)| (catalogue.part(*id).id.value.clone(), *n)).collect())
                    .unwrap_or_default(),
                nyquist_ghz: electrical.map(|loss| loss.nyquist.0),
                loss_db: electrical.map(|loss| loss.items.iter().map(|item| item.loss.likely.0).sum()),
                margin_db: electrical.and_then(|l| band(l.margin.low, l.margin.likely, l.margin.high)),
                capex_usd_each: choice.and_then(|c| band(c.capex.low.0, c.capex.likely.0, c.capex.high.0)),
                power_w_each: choice.and_then(|c| band(c.power.low.0, c.power.likely.0, c.power.high.0)),
                latency_ns: choice.and_then(|c| band(c.latency.low.0, c.latency.likely.0, c.latency.high.0)),
                reason: class.reason.clone(),
                next_best: class.alternatives.first().map(|a| a.name.clone()),
                weak_share: choice.map(|c| c.weak_share),
            }
        })
        .collect()
}

/// Broken limits, then errors, then limits at risk, then warnings; each group in the order of the file.
fn findings(
    system: &System,
    texts: &Texts,
    problems: &Problems,
    plan: &Plan,
    limits: &[limits::Checked],
    lanes: Option<&Vec<Lane>>,
) -> Vec<FindingLine> {
    let limit_line = |checked: &limits::Checked, severity: Severity, verb: &str| {
        let line = &checked.line;
        FindingLine {
            severity,
            code: "limit".into(),
            message: format!(
                "{}: {} {verb} the limit of {} (likely {}, {} to {})",
                line.name,
                line.subject,
                rounded(line.limit),
                rounded(line.found.unwrap_or_default()),
                rounded(line.low.unwrap_or_default()),
                rounded(line.high.unwrap_or_default()),
            ),
            place: checked.span.map(|span| texts.place(span)),
            help: None,
        }
    };
    let of = |status: LimitStatus| limits.iter().filter(move |checked| checked.line.status == status);
    let mut lines: Vec<FindingLine> =
        of(LimitStatus::Broken).map(|checked| limit_line(checked, Severity::Error, "breaks")).collect();
    let planned = |severity: Severity| {
        plan.findings.iter().filter(move |f| f.severity == severity).map(|finding| FindingLine {
            severity: finding.severity,
            code: finding.code.to_string(),
            message: finding.message.clone(),
            place: finding.span.map(|span| texts.place(span)),
            help: finding.help.clone(),
        })
    };
    lines.extend(planned(Severity::Error));
    lines.extend(of(LimitStatus::AtRisk).map(|checked| limit_line(checked, Severity::Warning, "may break")));
    lines.extend(of(LimitStatus::Unknown).map(|checked| FindingLine {
        severity: Severity::Warning,
        code: "limit".into(),
        message: format!("{}: not checked, since no figure for it is computed", checked.line.name),
        place: checked.span.map(|span| texts.place(span)),
        help: None,
    }));
    lines.extend(planned(Severity::Warning));
    match lanes {
        Some(lanes) => lines.extend(lanes::findings(system, texts, lanes)),
        // Nobody is to take the loss budget for a measurement.
        None => lines.extend(system.channels.iter().map(|channel| FindingLine {
            severity: Severity::Warning,
            code: "channel-not-read".into(),
            message: format!(
                "{} is not read: the margin of `{}` comes from a loss budget of its parts",
                channel.touchstone.value,
                system.link_sets[channel.set.index()].name
            ),
            place: Some(texts.place(channel.touchstone.span)),
            help: None,
        })),
    }
    lines.extend(problems.iter().filter(|p| p.severity == Severity::Warning).map(|problem| FindingLine {
        severity: Severity::Warning,
        code: problem.code.to_string(),
        message: problem.message.clone(),
        place: problem.labels.first().map(|(span, _)| texts.place(*span)),
        help: problem.help.clone(),
    }));
    lines
}

/// A number for a sentence: three significant digits, or whole above a thousand.
fn rounded(value: f64) -> String {
    let magnitude = value.abs();
    match magnitude {
        m if m >= 1000.0 => format!("{value:.0}"),
        m if m >= 100.0 => format!("{value:.1}"),
        m if m >= 1.0 || m == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.6}").trim_end_matches('0').to_string(),
    }
}
