//! Electrical lanes of a plan: from the pieces that the planner added up to a channel, its margin and its errors.
//!
//! The planner chooses media by loss at Nyquist, which is quick; here the chosen lanes are judged by the link engine.
//! Links with the same pieces and lane technology share one answer.

use std::collections::HashMap;

use lanewright_link::com::channel::{ChannelSet, DifferentialChannel};
use lanewright_link::com::differential::differential_channel;
use lanewright_link::eye::EyePicture;
use lanewright_link::reach::path::LanePath;
use lanewright_link::reach::piece::{End, LineDetail, Piece};
use lanewright_link::reach::slicer::SlicerView;
use lanewright_link::reach::verdict::{self, COM_LIMIT_DB, Method, Verdict};
use lanewright_link::reach::{budget, serdes};
use lanewright_link::touchstone;
use lanewright_model::catalogue::protocol::LaneTechnology;
use lanewright_model::figure::Band;
use lanewright_model::problem::Severity;
use lanewright_model::system::System;
use lanewright_model::text::Texts;
use lanewright_model::units::Quantity;
use lanewright_plan::budget::Piece as Planned;
use lanewright_plan::plan::{LinkClass, LossBudget, Plan};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::review::FindingLine;

/// COM is shown no lower than this, in dB: there is no eye left to speak of.
const COM_FLOOR_DB: f64 = -40.0;
/// Points of an insertion loss curve.
const CURVE_POINTS: usize = 60;

/// Bytes of a measured channel's file, or why they could not be read.
pub type MeasuredText = Result<Vec<u8>, String>;

/// The electrical lanes of one class of links.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LaneLine {
    /// Index of the class in `links`.
    pub class: u32,
    /// Link table.
    pub set: String,
    /// Lane technology.
    pub technology: String,
    /// What was chosen.
    pub choice: String,
    /// `com`, `eye` or `loss`: how the lane was judged.
    pub method: String,
    /// Reference receiver, and where its parameters come from.
    pub receiver: String,
    /// Touchstone file that the answer comes from; absent for a modelled channel.
    pub measured: Option<String>,
    /// `measured`, `modelled` (from catalogue parts, an estimate), or `loss-only`.
    pub certainty: String,
    /// `ok`, `at-risk` (broken at the band's bad end), `broken` (by the likely value), by the method's own limit.
    pub status: String,
    /// Why, in one sentence.
    pub why: String,
    /// Nyquist frequency in GHz.
    pub nyquist_ghz: f64,
    /// Pieces of the stretch with the least margin: name and loss at Nyquist in dB (low, likely, high).
    pub pieces: Vec<PieceLine>,
    /// Loss of all pieces at Nyquist in dB: low, likely, high.
    pub loss_db: [f64; 3],
    /// Channel operating margin in dB: low, likely, high.
    pub com_db: Option<[f64; 3]>,
    /// Height of the smallest eye in mV, where lanes are judged by it: low, likely, high.
    pub eye_height_mv: Option<[f64; 3]>,
    /// Width of the narrowest eye in UI, where lanes are judged by it: low, likely, high.
    pub eye_width_ui: Option<[f64; 3]>,
    /// Eye of the likely channel at the slicer, every symbol decided by itself; absent where a lane is judged by loss alone.
    pub eye: Option<EyeLine>,
    /// COM of the likely channel in dB as if every symbol were decided by itself, where the receiver detects sequences.
    pub com_by_symbol_db: Option<f64>,
    /// Bit error ratio before error correction: low, likely, high.
    pub ber: Option<[f64; 3]>,
    /// Share of frames lost behind error correction, bursts counted: low, likely, high.
    pub flr: Option<[f64; 3]>,
    /// Error correction.
    pub fec: Option<String>,
    /// Latency of error correction in ns: low, likely, high.
    pub fec_latency_ns: Option<[f64; 3]>,
    /// SerDes class with the least energy that recovers the likely loss.
    pub serdes: Option<String>,
    /// Its energy at one end in pJ/bit: low, likely, high.
    pub serdes_pj_per_bit: Option<[f64; 3]>,
    /// Insertion loss of the likely channel: GHz and dB.
    pub insertion_loss: Vec<[f64; 2]>,
}

/// An eye at one error ratio.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EyeLine {
    /// Error ratio that it is read at.
    pub error_ratio: f64,
    /// Height of the smallest eye at the sampling instant in mV; negative where it is closed.
    pub height_mv: f64,
    /// Width of the narrowest eye in UI.
    pub width_ui: f64,
    /// Every eye from the bottom: where it is open, as UI from the sampling instant, lower and upper edge in mV.
    pub contours: Vec<Vec<[f64; 3]>>,
}

impl EyeLine {
    fn of(picture: &EyePicture) -> Self {
        let rounded = |value: f64, places: f64| (value * places).round() / places;
        let contours = picture.contours.iter().filter(|contour| contour.error_ratio == picture.target);
        Self {
            error_ratio: picture.target,
            height_mv: picture.height_mv(),
            width_ui: picture.width_ui(),
            contours: contours
                .map(|contour| {
                    let point =
                        |&(ui, low, high): &(f64, f64, f64)| [rounded(ui, 1e5), rounded(low, 1e3), rounded(high, 1e3)];
                    contour.points.iter().map(point).collect()
                })
                .collect(),
        }
    }
}

/// A piece of a lane's path.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PieceLine {
    /// What it is.
    pub name: String,
    /// Loss at Nyquist in dB: low, likely, high.
    pub loss_db: [f64; 3],
    /// Whether it rests on a weak grade.
    pub weak: bool,
}

/// A lane with what only drawings need.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What the review says.
    pub line: LaneLine,
    /// Pulse and eye at the slicer at likely loss.
    pub slicer: Option<SlicerView>,
    /// Insertion loss at the low and the high end of the band: GHz and dB.
    pub bands: [Vec<[f64; 2]>; 2],
    /// A measured channel that could not be used, and why.
    pub unread: Vec<(usize, String)>,
}

fn array(band: Band<f64>) -> [f64; 3] {
    [band.low, band.likely, band.high]
}

/// What one lane needs, and what it is shared by.
struct Question<'a> {
    path: LanePath,
    hosts: [bool; 2],
    technology: &'a LaneTechnology,
    rate_gbps: f64,
}

struct Answer {
    verdict: Verdict,
    curves: [Vec<[f64; 2]>; 3],
}

/// Judges the electrical lanes of every class of links. `measured` holds the contents of the system's channels, in their
/// order.
pub fn judge(system: &System, plan: &Plan, measured: &[MeasuredText]) -> Vec<Lane> {
    let mut questions: Vec<Question<'_>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut asked: Vec<(usize, usize)> = Vec::new();
    for (index, class) in plan.classes.iter().enumerate() {
        let Some(loss) = class.choice.as_ref().map(|choice| &choice.loss).filter(|loss| !loss.path.is_empty()) else {
            continue;
        };
        let technology = technology_of(system, class, loss);
        let rate_gbps = system.catalogue.protocol(class.protocol).rate.get();
        let key = format!("{} {rate_gbps} {:?}", technology.id.value, loss.path);
        let number = *known.entry(key).or_insert_with(|| {
            let (path, hosts) = modelled(system, loss);
            questions.push(Question { path, hosts, technology, rate_gbps });
            questions.len() - 1
        });
        asked.push((index, number));
    }
    let answers: Vec<Answer> = questions.par_iter().map(answer).collect();
    asked
        .into_iter()
        .map(|(index, number)| {
            let class = &plan.classes[index];
            let (question, answer) = (&questions[number], &answers[number]);
            let mut lane = lane(system, index, class, question, answer);
            for (at, channel) in system.channels.iter().enumerate().filter(|(_, channel)| channel.set == class.set) {
                let read = match measured.get(at) {
                    Some(Ok(bytes)) => read(bytes, &channel.touchstone.value),
                    Some(Err(why)) => Err(why.clone()),
                    None => Err("its contents were not handed over".into()),
                };
                let judged = read.and_then(|set| {
                    verdict::of_measured(&set, question.technology, question.rate_gbps).map(|found| (set, found))
                });
                match judged {
                    Ok((set, found)) => replace(&mut lane, &channel.touchstone.value, &set.victim, &found),
                    Err(why) => lane.unread.push((at, why)),
                }
            }
            lane
        })
        .collect()
}

/// The end whose Nyquist frequency the loss was taken at.
fn technology_of<'a>(system: &'a System, class: &LinkClass, loss: &LossBudget) -> &'a LaneTechnology {
    let set = &system.link_sets[class.set.index()];
    let far = system.catalogue.technology(set.to_protocol);
    let near = system.catalogue.technology(class.protocol);
    if (near.nyquist().get() - loss.nyquist.get()).abs() < 1e-9 { near } else { far }
}

/// The planner's pieces as a path. A piece whose part has no loss points is left out, as the planner counts it as
/// nothing.
fn modelled(system: &System, loss: &LossBudget) -> (LanePath, [bool; 2]) {
    let nyquist = loss.nyquist.get();
    let is_host = |piece: Option<&Planned>| matches!(piece, Some(Planned::Known { host: true, .. }));
    let hosts = [is_host(loss.path.first()), loss.path.len() > 1 && is_host(loss.path.last())];
    let pieces = loss
        .path
        .iter()
        .filter_map(|piece| match piece {
            Planned::Known { name, loss, weak, .. } => Piece::known(name, nyquist, loss.map(Quantity::get), *weak),
            Planned::Lumped { part, count } => Piece::lumped(system.catalogue.part(*part), *count, None),
            Planned::Line { part, length } => {
                Piece::line(system.catalogue.part(*part), length.get(), &LineDetail::default())
            }
        })
        .collect();
    (LanePath { name: "modelled".into(), pieces }, hosts)
}

fn answer(question: &Question<'_>) -> Answer {
    let top = question.technology.symbol_gbd.get() * 1e9;
    let curves = End::ALL.map(|end| curve(&question.path.channel(end, top)));
    Answer {
        verdict: verdict::of_path(&question.path, question.hosts, question.technology, question.rate_gbps),
        curves,
    }
}

/// Insertion loss of a channel at some of its frequencies.
fn curve(channel: &DifferentialChannel) -> Vec<[f64; 2]> {
    let points = channel.frequency_hz.len();
    let step = (points / CURVE_POINTS).max(1);
    let rounded = |value: f64| (value * 1e3).round() / 1e3;
    (0..points)
        .step_by(step)
        .map(|at| {
            let loss = -20.0 * channel.s21[at].norm().max(1e-9).log10();
            [rounded(channel.frequency_hz[at] * 1e-9), rounded(loss)]
        })
        .collect()
}

fn lane(system: &System, index: usize, class: &LinkClass, question: &Question<'_>, answer: &Answer) -> Lane {
    let empty = LossBudget::default();
    let choice = class.choice.as_ref();
    let loss = choice.map_or(&empty, |choice| &choice.loss);
    let technology = question.technology;
    let pieces: Vec<PieceLine> = loss
        .items
        .iter()
        .map(|item| PieceLine {
            name: item.name.clone(),
            loss_db: array(item.loss.map(Quantity::get)),
            weak: item.weak,
        })
        .collect();
    let sum = |end: usize| pieces.iter().map(|piece| piece.loss_db[end]).sum::<f64>();
    let loss_db = [sum(0), sum(1), sum(2)];
    let pcie = matches!(technology.family.as_str(), "pcie" | "cxl");
    let classes = serdes::classes(&system.catalogue, budget::line_gbps(technology), loss_db[1], pcie);
    let class_fit = serdes::choose(&classes);
    let found = &answer.verdict;
    let (status, why) = status(found, loss);
    let [low, likely, high] = answer.curves.clone();
    let mut line = LaneLine {
        class: index as u32,
        set: system.link_sets[class.set.index()].name.clone(),
        technology: technology.id.value.clone(),
        choice: choice.map(|choice| choice.name.clone()).unwrap_or_default(),
        method: String::new(),
        receiver: String::new(),
        measured: None,
        certainty: if found.method == Method::Loss { "loss-only".into() } else { "modelled".into() },
        status,
        why,
        nyquist_ghz: loss.nyquist.get(),
        pieces,
        loss_db,
        com_db: None,
        eye_height_mv: None,
        eye_width_ui: None,
        eye: None,
        com_by_symbol_db: None,
        ber: None,
        flr: None,
        fec: None,
        fec_latency_ns: None,
        serdes: class_fit.map(|fit| fit.id.clone()),
        serdes_pj_per_bit: class_fit.and_then(|fit| fit.energy_pj_per_bit).map(array),
        insertion_loss: likely,
    };
    fill(&mut line, found);
    Lane { line, slicer: found.slicer.clone(), bands: [low, high], unread: Vec::new() }
}

fn fill(line: &mut LaneLine, found: &Verdict) {
    line.method = match found.method {
        Method::Com => "com",
        Method::Eye => "eye",
        Method::Loss => "loss",
    }
    .into();
    line.receiver = if found.exact || found.method == Method::Loss {
        found.receiver.clone()
    } else {
        format!("{}; stands in for a receiver that is not public", found.receiver)
    };
    line.com_db = found.com_db.map(|band| array(band).map(|db| db.max(COM_FLOOR_DB)));
    line.eye_height_mv = found.eye_height_mv.map(|(band, _)| array(band));
    line.eye_width_ui = found.eye_width_ui.map(|(band, _)| array(band));
    line.eye = found.slicer.as_ref().and_then(|slicer| slicer.eye.as_ref()).map(EyeLine::of);
    line.com_by_symbol_db = found.com_by_symbol_db;
    line.ber = found.bit_error_ratio.map(array);
    line.flr = found.corrected.as_ref().map(|corrected| array(corrected.frame_loss_ratio));
    line.fec = found.corrected.as_ref().map(|corrected| corrected.scheme.clone());
    line.fec_latency_ns = found.corrected.as_ref().map(|corrected| array(corrected.latency_ns));
}

/// How a lane stands, and why.
fn status(found: &Verdict, loss: &LossBudget) -> (String, String) {
    let word = |likely: bool, worst: bool| match (likely, worst) {
        (false, _) => "broken",
        (true, false) => "at-risk",
        (true, true) => "ok",
    };
    let (holds, why) = match (found.method, found.keeps()) {
        (Method::Com, Some(holds)) => {
            let com = found.com_db.unwrap_or(Band::exact(COM_FLOOR_DB)).map(|db| db.max(COM_FLOOR_DB));
            let text =
                format!("COM {:.1} dB ({:.1} to {:.1}) against {COM_LIMIT_DB:.0} dB", com.likely, com.low, com.high);
            (holds, text)
        }
        (Method::Eye, Some(holds)) => {
            let part = |value: Option<(Band<f64>, f64)>, unit: &str, places: usize| {
                value.map_or_else(String::new, |(band, limit)| {
                    format!(
                        "{:.places$} {unit} ({:.places$} to {:.places$}) against {limit} {unit}",
                        band.likely, band.low, band.high
                    )
                })
            };
            let text = format!("eye {}; {}", part(found.eye_height_mv, "mV", 1), part(found.eye_width_ui, "UI", 2));
            (holds, text)
        }
        _ => {
            let margin = loss.margin;
            let text = format!(
                "loss leaves {:.1} dB ({:.1} to {:.1}), {:.1} dB of it kept in hand",
                margin.likely,
                margin.low,
                margin.high,
                loss.reserve.likely.get()
            );
            ((loss.closes(), margin.low >= 0.0), text)
        }
    };
    (word(holds.0, holds.1).into(), why)
}

/// Reads a channel of four ports; pairs are those through which more arrives at low frequencies.
fn read(bytes: &[u8], name: &str) -> Result<ChannelSet, String> {
    let file = touchstone::parse(bytes, name).map_err(|error| error.to_string())?;
    let mut best: Option<(f64, DifferentialChannel)> = None;
    for order in [[1, 3, 2, 4], [1, 2, 3, 4]] {
        let channel = differential_channel(name, &file.network, order).map_err(|why| why.to_string())?;
        let some = (channel.s21.len() / 10).clamp(1, 50);
        let through: f64 = channel.s21.iter().take(some).map(|s| s.norm()).sum();
        if best.as_ref().is_none_or(|(most, _)| through > *most) {
            best = Some((through, channel));
        }
    }
    let (_, victim) = best.ok_or("it has no channel")?;
    Ok(ChannelSet { victim, fext: Vec::new(), next: Vec::new() })
}

/// Puts a measurement in place of the model; of several, the one with the least margin stays.
fn replace(lane: &mut Lane, file: &str, victim: &DifferentialChannel, found: &Verdict) {
    let com = |line: &LaneLine| line.com_db.map_or(f64::INFINITY, |com| com[1]);
    let now = found.com_db.map_or(COM_FLOOR_DB, |band| band.likely.max(COM_FLOOR_DB));
    if lane.line.measured.is_some() && com(&lane.line) <= now {
        return;
    }
    fill(&mut lane.line, found);
    let (status, why) = status(found, &LossBudget::default());
    lane.line.status = status;
    lane.line.why = format!("{why}, from {file} without crosstalk");
    lane.line.measured = Some(file.to_owned());
    lane.line.certainty = "measured".into();
    lane.line.insertion_loss = curve(victim);
    lane.bands = [Vec::new(), Vec::new()];
    lane.slicer = found.slicer.clone();
}

/// What there is to say of lanes: broken ones, and channels that could not be used.
pub(crate) fn findings(system: &System, texts: &Texts, lanes: &[Lane]) -> Vec<FindingLine> {
    let mut lines = Vec::new();
    for lane in lanes.iter().filter(|lane| lane.line.status == "broken" && lane.line.method != "loss") {
        let line = &lane.line;
        lines.push(FindingLine {
            severity: Severity::Warning,
            code: "lane-margin".into(),
            message: format!("{} over {}: {}", line.set, line.choice, line.why),
            place: system.link_sets.iter().find(|set| set.name == line.set).map(|set| texts.place(set.span)),
            help: Some(match line.pieces.iter().max_by(|x, y| x.loss_db[1].total_cmp(&y.loss_db[1])) {
                Some(piece) => format!(
                    "the lane loses {:.1} dB at {:.1} GHz, most of it in {} ({:.1} dB): shorten that, or retime on the way",
                    line.loss_db[1], line.nyquist_ghz, piece.name, piece.loss_db[1]
                ),
                None => "retime on the way".into(),
            }),
        });
    }
    for (at, channel) in system.channels.iter().enumerate() {
        let used = lanes.iter().any(|lane| {
            system.link_sets[channel.set.index()].name == lane.line.set
                && !lane.unread.iter().any(|(index, _)| *index == at)
        });
        if used {
            continue;
        }
        let why = lanes
            .iter()
            .find_map(|lane| lane.unread.iter().find(|(index, _)| *index == at))
            .map_or("its links have no electrical lane", |(_, why)| why.as_str());
        lines.push(FindingLine {
            severity: Severity::Warning,
            code: "channel-not-read".into(),
            message: format!(
                "{} is not used for `{}`: {why}",
                channel.touchstone.value,
                system.link_sets[channel.set.index()].name
            ),
            place: Some(texts.place(channel.touchstone.span)),
            help: None,
        });
    }
    lines
}
