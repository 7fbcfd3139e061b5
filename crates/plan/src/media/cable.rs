//! Candidates sold as a cable with its plugs: DAC, ACC, AEC, AOC, harness, cabled backplane.

use lanewright_model::catalogue::part::{CableSpec, Kind, Medium, Part, Shape};
use lanewright_model::figure::Band;
use lanewright_model::system::{MediumChoice, PartId};
use lanewright_model::units::{Decibels, Metres, Quantity};

use super::question::{Candidate, End, Judge, Question, Refusal};
use super::worth::Draft;
use super::{connector, delay, fit, host, line_card};
use crate::amount::Amount;
use crate::budget::{ElectricalPath, Piece, metres, trim};
use crate::plan::LossBudget;

/// Every cable of the catalogue that could be asked for, judged. A cable named by the file is judged even
/// if it does not fit; others that do not fit are left out, as nobody would have thought of them.
pub(super) fn candidates(question: &Question<'_>, judge: &Judge<'_>) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (index, part) in judge.catalogue.parts.iter().enumerate() {
        let id = PartId(index as u32);
        let Some(cable) = part.cable.as_ref().filter(|_| part.kind == Kind::Cable) else { continue };
        let named = question.medium == MediumChoice::Part(id);
        if !named && (!part.auto || !question.wants(cable.medium)) {
            continue;
        }
        match count_per_cable(question, cable) {
            Ok(count) => found.push(judged(question, judge, id, part, cable, count, None)),
            Err(refusal) if named => {
                found.push(judged(question, judge, id, part, cable, 1.0, Some(refusal)));
            }
            Err(_) => {}
        }
    }
    found
}

/// How many of this cable the links of one cable of the link table need; an error when it does not fit.
fn count_per_cable(question: &Question<'_>, cable: &CableSpec) -> Result<f64, Refusal> {
    let never = |reason: String| Err(Refusal::never(reason));
    for end in [&question.a, &question.b] {
        if end.group.co_packaged {
            return never("the port is co-packaged optics".into());
        }
        if !fit::same_family(&cable.families, end.technology) {
            return never(format!("it does not carry {}", end.technology.family));
        }
        if !fit::has_rate(&cable.lane_gbps, end.technology) {
            return never(format!("it does not carry {} Gb/s lanes", trim(end.technology.lane_gbps.get(), 2)));
        }
        match end.cage() {
            Some(cage) if !cable.plugs.iter().any(|plug| fit::form_fits(plug, cage)) => {
                return never(format!("its plugs ({}) do not fit a {cage} cage", cable.plugs.join(", ")));
            }
            // A medium or part of the file may end on soldered connectors that the catalogue has no cage for.
            None if !matches!(cable.medium, Medium::Harness | Medium::Backplane)
                && question.medium == MediumChoice::Auto =>
            {
                return never("the port has no cage".into());
            }
            _ => {}
        }
    }
    let (a_lanes, b_lanes) = (question.a.protocol.lanes.max(1), question.b.protocol.lanes.max(1));
    let ratio = a_lanes.max(b_lanes) / a_lanes.min(b_lanes);
    if ratio != cable.gearbox.max(1) || a_lanes.max(b_lanes) % a_lanes.min(b_lanes) != 0 {
        return never(format!("it joins lanes {} to 1, the link needs {ratio} to 1", cable.gearbox));
    }
    let wide = |links: f64| links * f64::from(a_lanes.min(b_lanes));
    let enough = |links: f64| {
        if f64::from(cable.lanes) + 1e-9 < wide(links) {
            let reason = format!("it has {} lanes, {} are needed", cable.lanes, wide(links));
            return Err(Refusal::never(reason));
        }
        Ok(())
    };
    if question.shape == Shape::Parallel {
        return Ok((wide(question.links_per_cable) / f64::from(cable.lanes.max(1))).ceil().max(1.0));
    }
    if question.shape != Shape::Straight {
        let same = cable.shape == question.shape
            || matches!((cable.shape, question.shape), (Shape::Y, Shape::Splitter) if cable.far_plugs == 2)
            || matches!((cable.shape, question.shape), (Shape::Splitter, Shape::Y) if cable.far_plugs == 2);
        if !same {
            return never(format!("it is a {} cable", cable.shape.word()));
        }
        enough(question.links_per_cable)?;
        return Ok(1.0);
    }
    // Straight links: what a cable must look like follows from how the links share cages.
    let use_ = question.cages;
    let (most, least) = (use_.a_links.max(use_.b_links), use_.a_links.min(use_.b_links));
    let links = f64::from(most);
    let (shape_fits, need) = if most == 1 {
        (cable.shape == Shape::Straight, "one link")
    } else if least == most && use_.paired {
        (cable.shape == Shape::Straight, "every cage shares all its links with one other cage")
    } else if least == 1 {
        let splits = matches!(cable.shape, Shape::Y | Shape::Splitter) && cable.far_plugs == most;
        (splits, "one cage's links go to several cages")
    } else {
        (cable.shape == Shape::X && most == 2, "links cross between shared cages")
    };
    if !shape_fits {
        return never(format!("it is a {} cable, but {need}", cable.shape.word()));
    }
    enough(links)?;
    let carried = if cable.shape == Shape::X { links * 2.0 } else { links };
    Ok(question.links_per_cable / carried)
}

/// A cable that fits, judged by length and loss.
fn judged(
    question: &Question<'_>,
    judge: &Judge<'_>,
    id: PartId,
    part: &Part,
    cable: &CableSpec,
    count: f64,
    mut refusal: Option<Refusal>,
) -> Candidate {
    let sold =
        cable.lengths_m.iter().copied().filter(|l| *l + 1e-6 >= question.length.get()).fold(f64::INFINITY, f64::min);
    let longest = cable.lengths_m.iter().copied().fold(0.0, f64::max);
    let length = if sold.is_finite() { Metres(sold) } else { question.length };
    if refusal.is_none() && !sold.is_finite() {
        refusal = Some(Refusal::too_long("longest sold length", longest, question.length));
    }
    if let (None, Some(reach)) = (&refusal, &part.figures.reach)
        && reach.band.likely.get() + 1e-6 < question.length.get()
    {
        refusal = Some(Refusal::too_long("reach", reach.band.likely.get(), question.length));
    }
    let passive = matches!(cable.medium, Medium::Dac | Medium::Acc | Medium::Harness | Medium::Backplane);
    let scope = [&question.a, &question.b].into_iter().filter_map(|e| e.technology.copper_reach_m).map(|m| m.get());
    let scope = scope.fold(f64::INFINITY, f64::min);
    if refusal.is_none() && passive && scope + 1e-6 < length.get() {
        refusal = Some(Refusal::too_long("copper reach of the protocol", scope, length));
    }
    let loss = match cable.medium {
        Medium::Aec => retimed(question, judge, part, cable, length),
        // A redriver's budget is the host's side of it; what the cable loses it equalises within its lengths.
        Medium::Acc if part.figures.loss_budget.is_none() => end_to_end(question, judge, cable, length),
        Medium::Aoc | Medium::Acc => {
            worst([&question.a, &question.b].map(|end| to_plug(end, judge, part, cable)).into_iter().collect())
        }
        _ => end_to_end(question, judge, cable, length),
    };
    if refusal.is_none() && !loss.closes() {
        refusal = Some(too_lossy(&loss, judge, cable, length));
    }
    let line = delay::over(Some(part), if cable.medium == Medium::Aoc { delay::FIBRE } else { delay::COPPER }, length);
    let mut draft = Draft {
        medium: cable.medium,
        name: name(part, length),
        parts: vec![(id, count, Some(length))],
        length,
        retimers: 0,
        loss,
        propagation: line,
        electronics: part.figures.latency.as_ref().map_or(Amount::ZERO, Amount::of),
        retimer_latency: Amount::ZERO,
        macsec: Amount::ZERO,
        refusal,
    };
    line_card::pass_chips(question, judge, &mut draft);
    draft.finish(judge)
}

/// The part's name with its sold length, unless the name already gives it.
fn name(part: &Part, length: Metres) -> String {
    let length = metres(length);
    if part.name.contains(&length) { part.name.clone() } else { format!("{}, {length}", part.name) }
}

/// A linear cable: one path from SerDes to SerDes.
fn end_to_end(question: &Question<'_>, judge: &Judge<'_>, cable: &CableSpec, length: Metres) -> LossBudget {
    let technology = slower_budget(&question.a, &question.b);
    let nyquist = technology.technology.nyquist();
    let named = cable.connector.as_ref().map(|c| c.value.as_str());
    let plug = |end: &End<'_>| {
        connector::piece(
            judge.catalogue,
            named,
            end.cage().or(cable.plugs.first().map(String::as_str)).unwrap_or("plug"),
            nyquist,
        )
    };
    let mut pieces = vec![question.a.host_piece("host"), plug(&question.a)];
    pieces.extend(stock(judge, cable, length));
    pieces.extend([plug(&question.b), question.b.host_piece("far host")]);
    let budget = host::tighter(question.a.budget(), question.b.budget());
    judge.margin.check(&ElectricalPath {
        technology: technology.technology,
        pieces,
        budget,
        reserve: technology.reserve(),
    })
}

/// The end whose lane is the faster, whose loss is the higher.
fn slower_budget<'q, 'a>(a: &'q End<'a>, b: &'q End<'a>) -> &'q End<'a> {
    if b.technology.symbol_gbd.get() > a.technology.symbol_gbd.get() { b } else { a }
}

/// The stock as a piece, if the catalogue gives it.
fn stock(judge: &Judge<'_>, cable: &CableSpec, length: Metres) -> Option<Piece> {
    let part = judge.catalogue.find_part(&cable.stock.as_ref()?.value)?;
    Some(Piece::Line { part, length })
}

/// From a host's SerDes to the electronics in the plug. The cable's own loss budget, if given, is what its
/// retimer or module recovers there.
fn to_plug(end: &End<'_>, judge: &Judge<'_>, part: &Part, cable: &CableSpec) -> LossBudget {
    let named = cable.connector.as_ref().map(|c| c.value.as_str());
    let form = end.cage().or(cable.plugs.first().map(String::as_str)).unwrap_or("plug");
    let plug = connector::piece(judge.catalogue, named, form, end.technology.nyquist());
    let own = part.figures.loss_budget.as_ref().map(|f| f.band);
    let budget = own.map_or(end.budget(), |own| host::tighter(own, end.budget()));
    judge.margin.check(&ElectricalPath {
        technology: end.technology,
        pieces: vec![end.host_piece("host"), plug],
        budget,
        reserve: end.reserve(),
    })
}

/// A cable with retimers at both ends: three separate paths, of which the worst counts.
fn retimed(question: &Question<'_>, judge: &Judge<'_>, part: &Part, cable: &CableSpec, length: Metres) -> LossBudget {
    let mut paths = vec![to_plug(&question.a, judge, part, cable), to_plug(&question.b, judge, part, cable)];
    if let Some(stock) = stock(judge, cable, length) {
        // Between its own retimers a cable is a link of the technology like any other, without the hosts'
        // share. The faster lane rate is taken, which errs on the side of loss where a gearbox sits.
        let end = slower_budget(&question.a, &question.b);
        let budget = end.technology.loss_budget.band;
        let zero = Band::exact(Decibels(0.0));
        paths.push(judge.margin.check(&ElectricalPath {
            technology: end.technology,
            pieces: vec![stock],
            budget,
            reserve: zero,
        }));
    }
    worst(paths)
}

/// The path with the least margin over its reserve.
pub(super) fn worst(paths: Vec<LossBudget>) -> LossBudget {
    paths.into_iter().max_by(|x, y| x.shortfall().total_cmp(&y.shortfall())).unwrap_or_default()
}

/// "loss 41.2 dB is over the budget of 35.1 dB", with what would help.
fn too_lossy(loss: &LossBudget, judge: &Judge<'_>, cable: &CableSpec, length: Metres) -> Refusal {
    let mut refusal = over_budget(loss);
    if let Some(Piece::Line { part, .. }) = stock(judge, cable, length) {
        let points = &judge.catalogue.part(part).loss;
        if let Some(at) = crate::loss::loss_at(points, loss.nyquist, crate::loss::Per::Metre) {
            let closing = length.get() - loss.shortfall() / at.band.likely.max(1e-9);
            if closing > 0.0 {
                refusal.help =
                    Some(format!("this cable closes up to {}", metres(Metres((closing * 100.0).floor() / 100.0))));
            }
        }
    }
    refusal
}

/// A path that loses too much.
pub(super) fn over_budget(loss: &LossBudget) -> Refusal {
    let (budget, reserve) = (loss.budget.likely.get(), loss.reserve.likely.get());
    let kept = if reserve > 0.0 { format!(" less {} dB kept in hand", trim(reserve, 1)) } else { String::new() };
    Refusal {
        reason: format!("loss {:.1} dB is over the budget of {budget:.1} dB{kept}", loss.loss()),
        distance: loss.shortfall() / budget.max(1e-9),
        help: Some(format!("save {:.1} dB of loss, or retime on the way", loss.shortfall())),
    }
}
