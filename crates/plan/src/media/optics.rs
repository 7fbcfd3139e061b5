//! Candidates made of two optical modules and a fibre: pluggable, linear, coherent, co-packaged.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{FibreSpec, Kind, Medium, ModuleSpec, Part};
use lanewright_model::figure::Band;
use lanewright_model::system::{MediumChoice, PartId};
use lanewright_model::units::{Decibels, Metres, Quantity};

use super::cable::{over_budget, worst};
use super::question::{Candidate, End, Judge, Question, Refusal};
use super::worth::Draft;
use super::{connector, delay, fit, host, line_card};
use crate::amount::Amount;
use crate::budget::{ElectricalPath, metres, trim};
use crate::plan::LossBudget;

/// A module that can sit at an end, with how many of them one link takes.
#[derive(Clone, Copy)]
struct Seated<'a> {
    id: PartId,
    part: &'a Part,
    spec: &'a ModuleSpec,
    per_link: f64,
}

impl Seated<'_> {
    /// Whether it is no module but a bare fibre end (a port of an optical circuit switch): it draws no power,
    /// so there is no electrical lane at its end.
    fn is_bare(&self) -> bool {
        self.part.figures.power_per_end.as_ref().is_some_and(|f| f.band.high.get() <= 0.0)
    }
}

/// Every pair of modules that share a fibre, judged.
pub(super) fn candidates(question: &Question<'_>, judge: &Judge<'_>) -> Vec<Candidate> {
    let named = match question.medium {
        MediumChoice::Part(id) => Some(id),
        _ => None,
    };
    if named.is_some_and(|id| judge.catalogue.part(id).module.is_none()) {
        return Vec::new();
    }
    let near = seats(&question.a, question.cages.a_links, question.cages.a_cages, named, judge);
    let far = seats(&question.b, question.cages.b_links, question.cages.b_cages, named, judge);
    let mut found = Vec::new();
    for a in &near {
        // The same part at both ends where it fits both; another one only where it must.
        let same = far.iter().find(|b| b.id == a.id);
        let partners: Vec<&Seated<'_>> = match same {
            Some(same) => vec![same],
            None => far
                .iter()
                .filter(|b| near.iter().all(|x| x.id != b.id) && interwork(a, b, question, judge.catalogue))
                .collect(),
        };
        // Two bare fibre ends make no link: there is no transmitter.
        for b in partners.into_iter().filter(|b| !(a.is_bare() && b.is_bare())) {
            let medium = medium_of(a, b);
            let wanted = match named {
                Some(id) => a.id == id || b.id == id,
                None => question.wants(medium),
            };
            if wanted {
                found.push(judged(question, judge, a, b, medium));
            }
        }
    }
    if let (Some(id), true) = (named, found.is_empty()) {
        found.extend(misfit(question, judge, id));
    }
    found
}

/// The medium that a pair counts as: co-packaged if either end is.
fn medium_of(a: &Seated<'_>, b: &Seated<'_>) -> Medium {
    if a.spec.medium == Medium::Cpo || b.spec.medium == Medium::Cpo { Medium::Cpo } else { a.spec.medium }
}

/// Whether two different modules understand each other: the same kind of optics (a co-packaged engine speaks
/// to retimed pluggables), the same glass with as many fibres for the same rate, and the same optical budget,
/// which differs between wavelength plans (DR, FR, LR). Trunks of other plugs are joined by breakout cords. A
/// bare fibre end takes any module that ends in its fibre.
fn interwork(a: &Seated<'_>, b: &Seated<'_>, question: &Question<'_>, catalogue: &Catalogue) -> bool {
    let engine = |m: Medium| if m == Medium::Cpo { Medium::Optics } else { m };
    if engine(a.spec.medium) != engine(b.spec.medium) {
        return false;
    }
    if a.is_bare() || b.is_bare() {
        return a.spec.fibre.value == b.spec.fibre.value;
    }
    let fibre =
        |x: &Seated<'_>| catalogue.find_part(&x.spec.fibre.value).and_then(|id| catalogue.part(id).fibre.as_ref());
    let (Some(near), Some(far)) = (fibre(a), fibre(b)) else { return false };
    let per_gbps = |f: &FibreSpec, x: &Seated<'_>, end: &End<'_>| {
        f64::from(f.fibres) / (f64::from(x.spec.lanes.max(1)) * end.technology.lane_gbps.get().max(1e-9))
    };
    let (here, there) = (per_gbps(near, a, &question.a), per_gbps(far, b, &question.b));
    let budget = |x: &Seated<'_>| x.part.figures.optical_budget.as_ref().map(|f| f.band.likely.get());
    let same_budget = match (budget(a), budget(b)) {
        (Some(x), Some(y)) => (x - y).abs() <= 0.25,
        _ => true,
    };
    near.glass == far.glass && (here - there).abs() <= 0.01 * here && same_budget
}

/// Modules that can sit in the cage of an end (or in its package).
fn seats<'a>(
    end: &End<'_>,
    links: u32,
    cages_per_link: f64,
    named: Option<PartId>,
    judge: &Judge<'a>,
) -> Vec<Seated<'a>> {
    let catalogue = judge.catalogue;
    let mut found = Vec::new();
    for (index, part) in catalogue.parts.iter().enumerate() {
        let Some(spec) = part.module.as_ref().filter(|_| part.kind == Kind::Module) else { continue };
        if !part.auto && named != Some(PartId(index as u32)) {
            continue;
        }
        if let Ok(per_link) = seat(end, links, cages_per_link, spec) {
            found.push(Seated { id: PartId(index as u32), part, spec, per_link });
        }
    }
    found
}

/// How many such modules one link takes at an end; an error when it does not fit there.
fn seat(end: &End<'_>, links: u32, cages_per_link: f64, spec: &ModuleSpec) -> Result<f64, String> {
    let technology = end.technology;
    if !fit::same_family(&spec.families, technology) {
        return Err(format!("it does not carry {}", technology.family));
    }
    if !fit::has_rate(&spec.lane_gbps, technology) {
        return Err(format!("it does not take {} Gb/s lanes", trim(technology.lane_gbps.get(), 2)));
    }
    let lanes = end.protocol.lanes.max(1);
    if end.group.co_packaged {
        if spec.medium != Medium::Cpo {
            return Err("the port is co-packaged optics".into());
        }
        // Engines are shared by as many ports as they have lanes for.
        return Ok(f64::from(lanes) / f64::from(spec.lanes.max(1)));
    }
    if spec.medium == Medium::Cpo {
        return Err("the port is not co-packaged optics".into());
    }
    let Some(cage) = end.cage() else { return Err("the port has no cage".into()) };
    if !spec.plugs.iter().any(|plug| fit::form_fits(plug, cage)) {
        return Err(format!("its plugs ({}) do not fit a {cage} cage", spec.plugs.join(", ")));
    }
    if spec.lanes < lanes * links {
        return Err(format!("it has {} lanes, its cage needs {}", spec.lanes, lanes * links));
    }
    if spec.lanes > end.cage_lanes() {
        return Err(format!("it has {} lanes, its cage {}", spec.lanes, end.cage_lanes()));
    }
    Ok(cages_per_link)
}

/// A pair with its fibre, judged by reach and electrical loss at both ends.
fn judged(question: &Question<'_>, judge: &Judge<'_>, a: &Seated<'_>, b: &Seated<'_>, medium: Medium) -> Candidate {
    let catalogue = judge.catalogue;
    let length = Metres(sold_fibre(question.length.get()));
    let (fibre, fibres_per_link) = fibre_of(question, catalogue, a, b);
    let mut refusal = None;
    let reach = [a.part, b.part].into_iter().filter_map(|p| p.figures.reach.as_ref()).map(|f| f.band.likely.get());
    let reach = reach.fold(f64::INFINITY, f64::min);
    if reach + 1e-6 < question.length.get() {
        refusal = Some(Refusal::too_long("reach", reach, question.length));
    }
    let glass = fibre.and_then(|id| catalogue.part(id).fibre.as_ref());
    if let (None, Some(glass)) = (&refusal, glass) {
        refusal = optical_refusal(a, b, glass, question.length);
    }
    let seated = [(&question.a, a), (&question.b, b)].into_iter().filter(|(_, seated)| !seated.is_bare());
    let loss = worst(seated.map(|(end, seated)| to_module(end, judge, seated.spec)).collect());
    if refusal.is_none() && !loss.closes() {
        refusal = Some(over_budget(&loss));
    }
    let mut parts = Vec::with_capacity(3);
    let (near, far) = (a.per_link * question.links_per_cable, b.per_link * question.links_per_cable);
    if a.id == b.id {
        parts.push((a.id, near + far, None));
    } else {
        parts.extend([(a.id, near, None), (b.id, far, None)]);
    }
    if let Some(fibre) = fibre {
        parts.push((fibre, fibres_per_link * question.links_per_cable, Some(length)));
    }
    let electronics = [a.part, b.part].iter().filter_map(|p| p.figures.latency.as_ref()).map(Amount::of).sum();
    let modules = if a.id == b.id { a.part.name.clone() } else { format!("{} to {}", a.part.name, b.part.name) };
    let mut draft = Draft {
        medium,
        name: format!("{modules}, {} of fibre", metres(length)),
        parts,
        length,
        retimers: 0,
        loss,
        propagation: delay::over(fibre.map(|id| catalogue.part(id)), delay::FIBRE, length),
        electronics,
        retimer_latency: Amount::ZERO,
        macsec: Amount::ZERO,
        refusal,
    };
    line_card::pass_chips(question, judge, &mut draft);
    draft.finish(judge)
}

/// The fibre of a pair, and how many of it one link takes: that of the module with fewer fibres, shared by
/// as many links as its fibres serve.
fn fibre_of(question: &Question<'_>, catalogue: &Catalogue, a: &Seated<'_>, b: &Seated<'_>) -> (Option<PartId>, f64) {
    let both = [(a, &question.a), (b, &question.b)].map(|(seated, end)| {
        let id = catalogue.find_part(&seated.spec.fibre.value)?;
        let fibres = catalogue.part(id).fibre.as_ref().map_or(1, |f| f.fibres).max(1);
        let needed = f64::from(fibres) * f64::from(end.protocol.lanes) / f64::from(seated.spec.lanes.max(1));
        Some((id, fibres, needed))
    });
    let fewest = both.into_iter().flatten().min_by_key(|(_, fibres, _)| *fibres);
    match fewest {
        // A bare fibre end says nothing of lanes.
        Some((id, ..)) if a.is_bare() || b.is_bare() => (Some(id), 1.0),
        Some((id, fibres, needed)) => (Some(id), needed / f64::from(fibres)),
        None => (None, 0.0),
    }
}

/// Fibre loss over the length, with a connector pair at each end, against the modules' optical budget.
fn optical_refusal(a: &Seated<'_>, b: &Seated<'_>, glass: &FibreSpec, length: Metres) -> Option<Refusal> {
    let budgets = [a.part, b.part].into_iter().filter_map(|p| p.figures.optical_budget.as_ref());
    let budget = budgets.map(|f| f.band.likely.get()).fold(f64::INFINITY, f64::min);
    let lost = glass.loss.band.likely.get() * length.get() + 2.0 * glass.connector_loss.band.likely.get();
    (lost > budget + 1e-9).then(|| Refusal {
        reason: format!("optical loss {lost:.1} dB is over the budget of {budget:.1} dB"),
        distance: lost / budget.max(1e-9) - 1.0,
        help: Some("use modules with a larger optical budget".into()),
    })
}

/// From a host's SerDes to its module.
fn to_module(end: &End<'_>, judge: &Judge<'_>, spec: &ModuleSpec) -> LossBudget {
    let mut pieces = vec![end.host_piece("host")];
    if !end.group.co_packaged {
        let form = end.cage().unwrap_or("plug");
        pieces.push(connector::piece(judge.catalogue, None, form, end.technology.nyquist()));
    }
    // The module's figure already is what may be used, so the technology's reserve, meant for a whole
    // link, is not kept again.
    let budget = host::tighter(spec.host_loss_max.band, end.budget());
    judge.margin.check(&ElectricalPath {
        technology: end.technology,
        pieces,
        budget,
        reserve: Band::exact(Decibels(0.0)),
    })
}

/// A module named by the file that does not fit.
fn misfit(question: &Question<'_>, judge: &Judge<'_>, id: PartId) -> Option<Candidate> {
    let part = judge.catalogue.part(id);
    let spec = part.module.as_ref()?;
    let why = [
        seat(&question.a, question.cages.a_links, question.cages.a_cages, spec),
        seat(&question.b, question.cages.b_links, question.cages.b_cages, spec),
    ];
    let reason =
        why.into_iter().find_map(Result::err).unwrap_or_else(|| "no module at the other end shares its fibre".into());
    let seated = Seated { id, part, spec, per_link: 1.0 };
    let mut candidate = judged(question, judge, &seated, &seated, spec.medium);
    candidate.refusal = Some(Refusal::never(reason));
    Some(candidate)
}

/// Length in which fibre is bought: the next step of 1, 2, 3, 5, 7 metres, their tens and hundreds.
pub(crate) fn sold_fibre(length: f64) -> f64 {
    let mut decade = 1.0;
    loop {
        for step in [1.0, 2.0, 3.0, 5.0, 7.0] {
            if step * decade + 1e-6 >= length {
                return step * decade;
            }
        }
        decade *= 10.0;
        if decade > 1e7 {
            return length;
        }
    }
}
