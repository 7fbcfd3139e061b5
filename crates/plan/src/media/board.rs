//! Candidates soldered in place: board traces, cabled backplanes, die-to-die; with retimers on the way.

use lanewright_model::catalogue::part::{Kind, Medium, Part, Side};
use lanewright_model::system::{MediumChoice, PartId};
use lanewright_model::units::{Gigahertz, Metres, Quantity};

use super::cable::{over_budget, worst};
use super::question::{Candidate, Judge, Question, Refusal};
use super::worth::Draft;
use super::{connector, delay, fit, host};
use crate::amount::Amount;
use crate::budget::{ElectricalPath, Piece, metres};
use crate::loss::{Per, loss_at};
use crate::plan::LossBudget;

/// Material of a board path whose segments the file does not give.
const DEFAULT_MATERIAL: &str = "pcb/megtron-7";
/// Most retimers that are tried on one path.
const MOST_RETIMERS: usize = 4;

/// Board paths that could be asked for: as they are, or with the fewest retimers of each kind that close.
pub(super) fn candidates(question: &Question<'_>, judge: &Judge<'_>) -> Vec<Candidate> {
    let medium = match question.medium {
        MediumChoice::Medium(medium @ (Medium::Pcb | Medium::Backplane | Medium::DieToDie | Medium::Harness)) => medium,
        MediumChoice::Auto if soldered(question) => Medium::Pcb,
        _ => return Vec::new(),
    };
    // A harness without segments is a cable of the catalogue.
    if medium == Medium::Harness && question.segments.is_empty() {
        return Vec::new();
    }
    let Some(path) = BoardPath::new(question, judge) else { return Vec::new() };
    let plain = path.judged(question, judge, medium, &[], None);
    if plain.refusal.is_none() || medium == Medium::DieToDie || medium == Medium::Harness {
        return vec![plain];
    }
    let mut found = vec![plain];
    for (index, part) in judge.catalogue.parts.iter().enumerate() {
        let Some(spec) = part.retimer.as_ref().filter(|_| part.kind == Kind::Retimer && part.auto) else { continue };
        let technology = question.a.technology;
        if spec.gearbox > 1
            || !fit::same_family(&spec.families, technology)
            || !fit::has_rate(&spec.lane_gbps, technology)
        {
            continue;
        }
        let id = PartId(index as u32);
        for count in 1..=MOST_RETIMERS {
            let placed = path.place(judge, id, count);
            let candidate = path.judged(question, judge, medium, &placed, Some((id, count)));
            let closes = candidate.refusal.is_none();
            if closes || count == MOST_RETIMERS {
                found.push(candidate);
            }
            if closes {
                break;
            }
        }
    }
    found
}

/// Whether the two ports are joined by a board when the file leaves it open: neither has a cage that a
/// cable leaves from.
fn soldered(question: &Question<'_>) -> bool {
    let cabled =
        |end: &super::End<'_>| end.group.co_packaged || (end.cage().is_some() && end.group.side != Side::Internal);
    !cabled(&question.a) && !cabled(&question.b)
}

/// The path between two soldered ports, with the retimers that the file itself puts there.
struct BoardPath {
    /// Stretches between retimers, each from one chip to the next.
    stretches: Vec<Vec<Piece>>,
    /// Retimers of the file, one between every two stretches.
    given: Vec<PartId>,
    /// Materials, for propagation.
    lines: Vec<(PartId, Metres)>,
    nyquist: Gigahertz,
}

impl BoardPath {
    fn new(question: &Question<'_>, judge: &Judge<'_>) -> Option<Self> {
        let catalogue = judge.catalogue;
        let mut stretch = vec![question.a.host_piece("chip and package")];
        let (mut stretches, mut given, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        if question.segments.is_empty() {
            let nyquist = question.a.technology.nyquist();
            let plug = |cage: Option<&str>| {
                cage.and_then(|cage| {
                    connector::of_form(catalogue, cage).map(|_| connector::piece(catalogue, None, cage, nyquist))
                })
            };
            let material = catalogue.find_part(DEFAULT_MATERIAL)?;
            stretch.extend(plug(question.a.cage()));
            stretch.push(Piece::Line { part: material, length: question.length });
            stretch.extend(plug(question.b.cage()));
            lines.push((material, question.length));
        }
        for segment in question.segments {
            let part = catalogue.part(segment.part);
            if matches!(part.kind, Kind::Retimer | Kind::Gearbox | Kind::Phy) {
                for _ in 0..segment.count.max(1) {
                    given.push(segment.part);
                    stretches.push(std::mem::take(&mut stretch));
                }
            } else if let Some(length) = segment.length {
                let length = length * f64::from(segment.count.max(1));
                stretch.push(Piece::Line { part: segment.part, length });
                lines.push((segment.part, length));
            } else {
                stretch.push(Piece::Lumped { part: segment.part, count: segment.count.max(1) });
            }
        }
        stretch.push(question.b.host_piece("far chip and package"));
        stretches.push(stretch);
        Some(Self { stretches, given, lines, nyquist: question.a.technology.nyquist() })
    }

    /// Splits the longest-suffering stretch by so many retimers: their places make the greatest loss of any
    /// piece as small as can be, lines being cut anywhere and everything else only between pieces.
    fn place(&self, judge: &Judge<'_>, retimer: PartId, count: usize) -> Vec<Placed> {
        let losses: Vec<Vec<f64>> =
            self.stretches.iter().map(|s| s.iter().map(|p| self.loss(judge, p)).collect()).collect();
        let total = |s: &Vec<f64>| s.iter().sum::<f64>();
        let Some(which) = (0..losses.len()).max_by(|x, y| total(&losses[*x]).total_cmp(&total(&losses[*y]))) else {
            return Vec::new();
        };
        let (pieces, loss) = (&self.stretches[which], &losses[which]);
        let (mut low, mut high) = (0.0, total(loss));
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if cut(pieces, loss, middle).is_some_and(|parts| parts.len() <= count + 1) {
                high = middle
            } else {
                low = middle
            }
        }
        cut(pieces, loss, high)
            .unwrap_or_else(|| vec![pieces.clone()])
            .into_iter()
            .map(|pieces| Placed { stretch: which, pieces, retimer })
            .collect()
    }

    fn loss(&self, judge: &Judge<'_>, piece: &Piece) -> f64 {
        // Only proportions matter for placing; the check itself is made on the finished stretches.
        let nyquist = self.nyquist;
        match piece {
            Piece::Known { loss, .. } => loss.likely.get(),
            Piece::Lumped { part, count } => loss_at(&judge.catalogue.part(*part).loss, nyquist, Per::Piece)
                .map_or(0.0, |at| at.band.likely * f64::from(*count)),
            Piece::Line { part, length } => loss_at(&judge.catalogue.part(*part).loss, nyquist, Per::Metre)
                .map_or(0.0, |at| at.band.likely * length.get()),
        }
    }

    fn judged(
        &self,
        question: &Question<'_>,
        judge: &Judge<'_>,
        medium: Medium,
        placed: &[Placed],
        added: Option<(PartId, usize)>,
    ) -> Candidate {
        let catalogue = judge.catalogue;
        // Chips along the path, in order, and the stretches between them.
        let mut stretches: Vec<&[Piece]> = Vec::new();
        let mut chips: Vec<PartId> = Vec::new();
        for (index, stretch) in self.stretches.iter().enumerate() {
            if index > 0 {
                chips.push(self.given[index - 1]);
            }
            let cuts: Vec<&Placed> = placed.iter().filter(|p| p.stretch == index).collect();
            if cuts.is_empty() {
                stretches.push(stretch);
            }
            for (number, cut) in cuts.into_iter().enumerate() {
                if number > 0 {
                    chips.push(cut.retimer);
                }
                stretches.push(&cut.pieces);
            }
        }
        let technology = question.a.technology;
        let own = |chip: Option<&PartId>| {
            chip.and_then(|id| catalogue.part(*id).figures.loss_budget.as_ref()).map(|f| f.band)
        };
        let last = stretches.len().saturating_sub(1);
        let checks: Vec<LossBudget> = stretches
            .iter()
            .enumerate()
            .map(|(index, pieces)| {
                let before = if index == 0 { Some(question.a.budget()) } else { own(chips.get(index - 1)) };
                let after = if index == last { Some(question.b.budget()) } else { own(chips.get(index)) };
                let standard = technology.loss_budget.band;
                let budget = host::tighter(before.unwrap_or(standard), after.unwrap_or(standard));
                judge.margin.check(&ElectricalPath {
                    technology,
                    pieces: pieces.to_vec(),
                    budget,
                    reserve: question.a.reserve(),
                })
            })
            .collect();
        let loss = worst(checks);
        let mut refusal = (!loss.closes()).then(|| over_budget(&loss));
        let copper = technology.copper_reach_m.map_or(f64::INFINITY, |m| m.get());
        let length = if question.segments.is_empty() {
            question.length
        } else {
            Metres(self.lines.iter().map(|(_, l)| l.get()).sum::<f64>().max(question.length.get()))
        };
        if refusal.is_none() && copper + 1e-6 < length.get() && chips.is_empty() {
            refusal = Some(Refusal::too_long("copper reach of the protocol", copper, length));
        }
        self.draft(question, judge, medium, &chips, added, loss, length, refusal).finish(judge)
    }

    #[allow(clippy::too_many_arguments)]
    fn draft(
        &self,
        question: &Question<'_>,
        judge: &Judge<'_>,
        medium: Medium,
        chips: &[PartId],
        added: Option<(PartId, usize)>,
        loss: LossBudget,
        length: Metres,
        refusal: Option<Refusal>,
    ) -> Draft {
        let catalogue = judge.catalogue;
        let lanes = f64::from(question.a.protocol.lanes) * question.links_per_cable;
        let mut parts: Vec<(PartId, f64, Option<Metres>)> = Vec::new();
        for chip in chips {
            // A chip wider than the link is shared with its neighbours; a narrower one is used several times.
            let wide = catalogue.part(*chip).retimer.as_ref().map_or(1, |r| r.lanes).max(1);
            let share = lanes / f64::from(wide);
            match parts.iter_mut().find(|(id, _, _)| id == chip) {
                Some(entry) => entry.1 += share,
                None => parts.push((*chip, share, None)),
            }
        }
        // Boards are bought with their devices; cable stock is bought by the metre of pair, two pairs a lane.
        for (id, length) in self.lines.iter().filter(|(id, _)| catalogue.part(*id).kind == Kind::Twinax) {
            parts.push((*id, 2.0 * lanes * length.get(), None));
        }
        let latency = |chip: &PartId| catalogue.part(*chip).figures.latency.as_ref().map_or(Amount::ZERO, Amount::of);
        let encrypts = |chip: &PartId| catalogue.part(*chip).retimer.as_ref().is_some_and(|r| r.macsec);
        let propagation = if self.lines.is_empty() {
            delay::over(None, delay::BOARD, length)
        } else {
            self.lines.iter().map(|(part, length)| line_delay(catalogue.part(*part), *length)).sum()
        };
        let what = match medium {
            Medium::DieToDie => "die to die",
            Medium::Backplane => "backplane",
            Medium::Harness => "harness",
            _ => "board",
        };
        let material = match self.lines.first() {
            Some((part, _)) if medium != Medium::DieToDie => format!(" of {}", catalogue.part(*part).name),
            _ => String::new(),
        };
        let with = match added {
            Some((id, count)) => format!(", {count} x {}", catalogue.part(id).name),
            None if chips.is_empty() => String::new(),
            None => format!(", {} retimers as given", chips.len()),
        };
        Draft {
            medium,
            name: format!("{what}{material}, {}{with}", metres(length)),
            parts,
            length,
            retimers: chips.len() as u32,
            loss,
            propagation,
            electronics: Amount::ZERO,
            retimer_latency: chips.iter().filter(|chip| !encrypts(chip)).map(latency).sum(),
            macsec: chips.iter().filter(|chip| encrypts(chip)).map(latency).sum(),
            refusal,
        }
    }
}

fn line_delay(part: &Part, length: Metres) -> Amount {
    delay::over(Some(part), if part.kind == Kind::Twinax { delay::COPPER } else { delay::BOARD }, length)
}

/// A piece of a stretch after retimers were placed in it.
struct Placed {
    stretch: usize,
    pieces: Vec<Piece>,
    retimer: PartId,
}

/// Cuts a stretch from its start into pieces that lose at most `most` each; `None` if one piece that cannot
/// be cut loses more.
fn cut(pieces: &[Piece], losses: &[f64], most: f64) -> Option<Vec<Vec<Piece>>> {
    let mut done = Vec::new();
    let (mut open, mut used) = (Vec::new(), 0.0);
    for (piece, &loss) in pieces.iter().zip(losses) {
        let Piece::Line { part, length } = piece else {
            if loss > most {
                return None;
            }
            if used + loss > most + 1e-12 {
                done.push(std::mem::take(&mut open));
                used = 0.0;
            }
            used += loss;
            open.push(piece.clone());
            continue;
        };
        let (mut left, mut metres) = (loss, length.get());
        while used + left > most + 1e-12 {
            let room = (most - used).max(0.0);
            if most <= 0.0 || done.len() > 64 {
                return None;
            }
            let share = metres * room / left;
            if share > 0.0 {
                open.push(Piece::Line { part: *part, length: Metres(share) });
            }
            done.push(std::mem::take(&mut open));
            (left, metres, used) = (left - room, metres - share, 0.0);
        }
        used += left;
        open.push(Piece::Line { part: *part, length: Metres(metres) });
    }
    done.push(open);
    Some(done)
}
