//! Loss budget of a path in words: piece by piece, against what the lane technology allows, with the SerDes class that
//! would do and the retimers or gearboxes that help where it does not close.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Kind, Part};
use lanewright_model::catalogue::protocol::{LaneTechnology, Modulation};
use lanewright_model::figure::Band;
use lanewright_model::system::PartId;
use lanewright_model::units::Quantity;
use serde::Serialize;

use super::path::LanePath;
use super::piece::Piece;
use super::retimer::{self, NoPlacement, StageBudget};
use super::segments::{self, Segment};
use super::serdes::{self, ClassFit};

/// Share of the budget that a chip's package and ball take where the path does not say (low, likely, high): the same
/// assumption as for soldered ports of a plan (an estimate).
const ASSUMED_PACKAGE: Band<f64> = Band { low: 0.04, likely: 0.08, high: 0.15 };

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Parts.
    pub catalogue: &'a Catalogue,
    /// The path, transmitter first.
    pub segments: &'a [Segment],
    /// Lane technology at the transmitter.
    pub technology: &'a LaneTechnology,
    /// Lane technology at the receiver; another one asks for a gearbox.
    pub far: &'a LaneTechnology,
    /// Lanes side by side at the transmitter, which share chips.
    pub lanes: u32,
}

/// One piece of the budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PieceLoss {
    /// What it is.
    pub name: String,
    /// Loss at Nyquist in dB.
    pub loss_db: Band<f64>,
    /// Whether it rests on a weak grade.
    pub weak: bool,
}

/// Loss of a path against its budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossSheet {
    /// Lane technology at the transmitter.
    pub technology: String,
    /// Nyquist frequency in GHz.
    pub nyquist_ghz: f64,
    /// Pieces, transmitter first.
    pub pieces: Vec<PieceLoss>,
    /// Sum in dB.
    pub loss_db: Band<f64>,
    /// What may be lost from bump to bump, in dB.
    pub budget_db: Band<f64>,
    /// What a design keeps in hand of it, in dB.
    pub reserve_db: f64,
    /// Budget less loss in dB; low is the worst case.
    pub margin_db: Band<f64>,
    /// Whether the likely margin leaves the reserve.
    pub closes: bool,
    /// One-way delay of the pieces in ns.
    pub delay_ns: f64,
    /// Share of the likely loss that rests on weak grades, 0 to 1.
    pub weak_share: f64,
    /// SerDes classes of the lane rate, least reach first.
    pub classes: Vec<ClassFit>,
    /// Id of the class with the least energy that recovers the likely loss.
    pub class: Option<String>,
}

/// A path with chips on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retimed {
    /// Part.
    #[serde(skip)]
    pub part: PartId,
    /// Id of the part that sits at every place.
    pub id: String,
    /// Name of the part.
    pub name: String,
    /// Where they sit, in metres from the path's start, with the piece that each sits in or before.
    pub places: Vec<ChipPlace>,
    /// Loss and budget of every stretch in dB, packages counted.
    pub stretches_db: Vec<[f64; 2]>,
    /// Least of budget less loss over the stretches, in dB.
    pub least_margin_db: f64,
    /// Chips for all lanes; a chip wider than the link is counted by its share.
    pub chips: f64,
    /// Latency that they add in ns.
    pub latency_ns: Option<Band<f64>>,
    /// Power that they draw in W, for all lanes and both directions.
    pub power_w: Option<Band<f64>>,
}

/// Where a chip sits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChipPlace {
    /// `retimer` or `gearbox`.
    pub kind: &'static str,
    /// Metres from the path's start.
    pub at_m: f64,
    /// In words: "117 mm into `trace megtron-7 250mm`", "before `connector`".
    pub place: String,
}

/// The path with the packages of its hosts, where it does not give them itself.
pub fn whole_path(question: &Question<'_>) -> LanePath {
    let mut path = segments::path("path", question.segments);
    let package = |technology: &LaneTechnology, name: &str| {
        let budget = technology.loss_budget.band.likely.get();
        Piece::known(name, technology.nyquist().get(), ASSUMED_PACKAGE.map(|share| share * budget), true)
    };
    if !question.segments.first().is_some_and(|segment| segment.host)
        && let Some(piece) = package(question.technology, "package (assumed)")
    {
        path.pieces.insert(0, piece);
    }
    if !question.segments.last().is_some_and(|segment| segment.host)
        && let Some(piece) = package(question.far, "far package (assumed)")
    {
        path.pieces.push(piece);
    }
    path
}

/// Loss of the path against its budget.
pub fn sheet(question: &Question<'_>) -> LossSheet {
    let path = whole_path(question);
    let technology = question.technology;
    let nyquist_ghz = technology.nyquist().get();
    let pieces: Vec<PieceLoss> = path
        .pieces
        .iter()
        .map(|piece| PieceLoss {
            name: if piece.count > 1 { format!("{} x {}", piece.count, piece.name) } else { piece.name.clone() },
            loss_db: piece.loss_db(nyquist_ghz),
            weak: piece.weak,
        })
        .collect();
    let loss_db = path.loss_db(nyquist_ghz);
    let budget_db = technology.loss_budget.band.map(Quantity::get);
    let reserve_db = technology.design_margin.as_ref().map_or(0.0, |figure| figure.band.likely.get());
    let margin_db = Band {
        low: budget_db.low - loss_db.high,
        likely: budget_db.likely - loss_db.likely,
        high: budget_db.high - loss_db.low,
    };
    let pcie = matches!(technology.family.as_str(), "pcie" | "cxl");
    let classes = serdes::classes(question.catalogue, line_gbps(technology), loss_db.likely, pcie);
    let class = serdes::choose(&classes).map(|class| class.id.clone());
    LossSheet {
        technology: technology.id.value.clone(),
        nyquist_ghz,
        pieces,
        loss_db,
        budget_db,
        reserve_db,
        margin_db,
        closes: margin_db.likely - reserve_db >= -1e-9,
        delay_ns: path.delay_s() * 1e9,
        weak_share: path.weak_share(nyquist_ghz),
        classes,
        class,
    }
}

/// Line rate of a lane in Gb/s: symbols times bits, coding and error correction included.
pub fn line_gbps(technology: &LaneTechnology) -> f64 {
    technology.symbol_gbd.get()
        * match technology.modulation {
            Modulation::Nrz => 1.0,
            Modulation::Pam4 => 2.0,
            Modulation::CPhy => 16.0 / 7.0,
            Modulation::Pam3 => 3.0_f64.log2(),
            Modulation::DpQam => 8.0,
        }
}

/// The path with every retimer (or gearbox, where the lane rates differ) of the catalogue that fits, or with the one
/// named: fewest chips first, then least power. The error is that of the part that came nearest.
pub fn retimed(question: &Question<'_>, only: Option<&str>) -> Result<Vec<Retimed>, Option<NoPlacement>> {
    let (near, far) = (question.technology, question.far);
    let gearbox = near.lane_gbps != far.lane_gbps;
    let path = whole_path(question);
    let first = path.pieces.first().filter(|_| !question.segments.first().is_some_and(|s| s.host));
    let last = path.pieces.last().filter(|_| !question.segments.last().is_some_and(|s| s.host));
    let nyquist = [near.nyquist().get(), far.nyquist().get()];
    let stretches = segments::stretches(question.segments, nyquist, |band| band.likely);
    let reserve = [near, far].into_iter().filter_map(|t| t.design_margin.as_ref()).map(|f| f.band.likely.get());
    let reserve = reserve.fold(0.0, f64::max);
    let hosts = [near, far].map(|technology| technology.loss_budget.band.likely.get());
    // Packages at both ends of a stretch come off its budget.
    let ends = [
        first.map_or(0.0, |piece| piece.loss_db(nyquist[0]).likely),
        last.map_or(0.0, |piece| piece.loss_db(nyquist[1]).likely),
    ];
    let mut found = Vec::new();
    let mut failed = None;
    for (index, part) in question.catalogue.parts.iter().enumerate() {
        let Some(spec) = &part.retimer else { continue };
        let named = only.is_some_and(|id| id == part.id.value);
        let wanted = match only {
            Some(_) => named,
            None => part.auto && !spec.macsec && fits(part, near, far, gearbox),
        };
        if !wanted {
            continue;
        }
        let own = part.figures.loss_budget.as_ref().map(|figure| figure.band.likely.get());
        let recovers = |host: f64| own.map_or(host, |own| own.min(host));
        let package = |budget: f64| budget * ASSUMED_PACKAGE.likely;
        let chip = own.unwrap_or(hosts[0].min(hosts[1]));
        let budget = StageBudget {
            host_to_host: hosts[0].min(hosts[1]) - ends[0] - ends[1],
            host_to_retimer: recovers(hosts[0]) - ends[0] - package(chip),
            between: chip - 2.0 * package(chip),
            retimer_to_host: recovers(hosts[1]) - ends[1] - package(chip),
        };
        let placed = if gearbox {
            retimer::place_gearbox(&stretches, &budget, reserve)
        } else {
            retimer::place(&stretches, &budget, reserve)
        };
        match placed {
            Ok(placement) => found.push(describe(question, part, PartId(index as u32), &placement)),
            Err(why) => failed = Some(why),
        }
    }
    if found.is_empty() {
        return Err(failed);
    }
    let power = |x: &Retimed| x.power_w.map_or(f64::INFINITY, |band| band.likely);
    found.sort_by(|x, y| {
        x.places.len().cmp(&y.places.len()).then(power(x).total_cmp(&power(y))).then_with(|| x.id.cmp(&y.id))
    });
    Ok(found)
}

fn fits(part: &Part, near: &LaneTechnology, far: &LaneTechnology, gearbox: bool) -> bool {
    let Some(spec) = &part.retimer else { return false };
    let family = |technology: &LaneTechnology| {
        spec.families.iter().any(|known| *known == technology.family || (known == "pcie" && technology.family == "cxl"))
    };
    let rate =
        |technology: &LaneTechnology| spec.lane_gbps.iter().any(|r| (r - technology.lane_gbps.get()).abs() < 1e-6);
    let kind = if gearbox { part.kind == Kind::Gearbox } else { part.kind == Kind::Retimer && spec.gearbox <= 1 };
    kind && family(near) && family(far) && rate(near) && rate(far)
}

fn describe(question: &Question<'_>, part: &Part, id: PartId, placement: &retimer::Placement) -> Retimed {
    let places: Vec<ChipPlace> = placement
        .chips
        .iter()
        .map(|chip| {
            let text = |index: usize| question.segments.get(index).map_or("the end", |segment| segment.text.as_str());
            let place = if chip.share > 0.0 {
                let into = question.segments.get(chip.piece).map_or(0.0, |segment| segment.length_m) * chip.share;
                format!("{:.0} mm into `{}`", into * 1e3, text(chip.piece))
            } else if chip.piece < question.segments.len() {
                format!("before `{}`", text(chip.piece))
            } else {
                "beside the far host".into()
            };
            ChipPlace { kind: if chip.gearbox { "gearbox" } else { "retimer" }, at_m: chip.at_m, place }
        })
        .collect();
    let wide = part.retimer.as_ref().map_or(1, |spec| spec.lanes).max(1);
    let chips = places.len() as f64 * f64::from(question.lanes) / f64::from(wide);
    let count = places.len() as f64;
    Retimed {
        part: id,
        id: part.id.value.clone(),
        name: part.name.clone(),
        places,
        stretches_db: placement
            .loss_db
            .iter()
            .zip(&placement.budget_db)
            .map(|(loss, budget)| [*loss, *budget])
            .collect(),
        least_margin_db: placement.least_margin_db,
        chips,
        latency_ns: part.figures.latency.as_ref().map(|figure| figure.band.map(|x| x.get() * count)),
        power_w: part.figures.power.as_ref().map(|figure| figure.band.map(|x| x.get() * chips)),
    }
}
