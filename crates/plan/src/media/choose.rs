//! The choice among the candidates.

use lanewright_model::catalogue::part::Medium;
use lanewright_model::system::MediumChoice;

use super::question::{Candidate, Judge, Question};
use super::{board, cable, optics};
use crate::plan::{MediaOption, Rejected};

/// The planner's answer for a class of links.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The choice; `None` when nothing closes.
    pub choice: Option<MediaOption>,
    /// Feasible options that cost more, cheapest first.
    pub alternatives: Vec<MediaOption>,
    /// Options that do not close.
    pub rejected: Vec<Rejected>,
    /// Why.
    pub reason: String,
    /// Why the part that the file names does not work, though it is taken.
    pub forced: Option<String>,
    /// What would help where nothing closes.
    pub help: Option<String>,
}

/// Chooses the option with the least expected cost over the site's life among those that close: its own, and the
/// rework of the share that will not close after all, given how wide the bands of its losses are. Rework is a visit
/// and the cheapest option that is sure to close.
///
/// A part named by the file is taken whatever the margin, and `forced` says what is wrong with it. A medium
/// named by the file leaves only its own candidates. Options without a price cannot compete with options
/// that have one; among unpriced ones the least power, then the lowest name, wins.
pub fn choose(question: &Question<'_>, judge: &Judge<'_>) -> Answer {
    let mut all = gather(question, judge);
    // A cheaper twin of an option (same medium, no better in anything but name) needs no line of its own,
    // but order must not depend on the catalogue's: cost first, then name.
    all.sort_by(|x, y| rank(x).total_cmp(&rank(y)).then_with(|| x.option.name.cmp(&y.option.name)));
    let rejected: Vec<Rejected> = all.iter().filter_map(Candidate::rejected).collect();
    if let MediumChoice::Part(id) = question.medium {
        return given(question, judge, &all, rejected, &judge.catalogue.part(id).name);
    }
    let (mut works, fails): (Vec<Candidate>, Vec<Candidate>) = all.into_iter().partition(|c| c.refusal.is_none());
    let rework =
        works.iter().find(|c| c.option.miss <= SURE).or(works.first()).map_or(0.0, rank) + judge.rates.visit.likely;
    for candidate in &mut works {
        candidate.option.expected_usd += candidate.option.miss * rework;
    }
    let expected = |c: &Candidate| rank(c) + c.option.expected_usd - c.option.life_cost.likely.0;
    works.sort_by(|x, y| expected(x).total_cmp(&expected(y)).then_with(|| x.option.name.cmp(&y.option.name)));
    let mut works = works.into_iter();
    let Some(best) = works.next() else {
        let help = nothing_helps(question, judge, &fails);
        let reason = if fails.is_empty() {
            format!("no part of the catalogue fits {}", subject(question))
        } else {
            format!("none of {} options closes", fails.len())
        };
        return Answer { rejected, reason, help, ..Answer::default() };
    };
    let rest: Vec<Candidate> = works.collect();
    let mut reason = why(question, &best, &rest, &fails, &expected);
    let risky = rest.iter().filter(|c| c.unpriced.is_empty() && rank(c) < rank(&best));
    if let Some(cheaper) = risky.min_by(|x, y| rank(x).total_cmp(&rank(y))) {
        reason.push_str(&format!(
            "; {} costs {} less but {:.0} % of such links would not close",
            cheaper.option.name,
            usd(rank(&best) - rank(cheaper)),
            cheaper.option.miss * 100.0
        ));
    }
    Answer {
        choice: Some(best.option),
        alternatives: rest.into_iter().map(|c| c.option).collect(),
        rejected,
        reason,
        forced: None,
        help: None,
    }
}

/// Options that miss less often than this are sure to close.
const SURE: f64 = 0.001;

fn gather(question: &Question<'_>, judge: &Judge<'_>) -> Vec<Candidate> {
    let mut all = cable::candidates(question, judge);
    all.extend(optics::candidates(question, judge));
    all.extend(board::candidates(question, judge));
    all
}

/// Order of preference: likely life cost; options without a price come after all others, by power.
fn rank(candidate: &Candidate) -> f64 {
    if candidate.unpriced.is_empty() {
        candidate.option.life_cost.likely.0
    } else {
        1e15 + candidate.option.power.likely.0
    }
}

/// The part that the file names, taken whether it works or not.
fn given(question: &Question<'_>, judge: &Judge<'_>, all: &[Candidate], rejected: Vec<Rejected>, name: &str) -> Answer {
    let Some(at) = all.iter().position(|c| c.refusal.is_none()).or(if all.is_empty() { None } else { Some(0) }) else {
        return Answer {
            reason: format!("{name} is no cable or module that could carry {}", subject(question)),
            forced: Some(format!("{name} cannot carry {}", subject(question))),
            rejected,
            ..Answer::default()
        };
    };
    let chosen = all[at].clone();
    let forced = chosen.refusal.as_ref().map(|r| r.reason.clone());
    let help = chosen.refusal.as_ref().and_then(|r| r.help.clone());
    let open = Question { medium: MediumChoice::Auto, ..*question };
    let mut others: Vec<Candidate> = gather(&open, judge)
        .into_iter()
        .filter(|c| c.refusal.is_none() && c.option.name != chosen.option.name)
        .collect();
    others.sort_by(|x, y| rank(x).total_cmp(&rank(y)).then_with(|| x.option.name.cmp(&y.option.name)));
    let mut reason = "given in the file".to_owned();
    if let Some(cheaper) = others.first().filter(|c| c.unpriced.is_empty() && rank(c) < rank(&chosen)) {
        reason.push_str(&format!(
            "; {} would close for {} less over the life",
            cheaper.option.name,
            usd(rank(&chosen) - rank(cheaper))
        ));
    }
    Answer {
        choice: Some(chosen.option),
        alternatives: others.into_iter().map(|c| c.option).collect(),
        rejected,
        reason,
        forced,
        help,
    }
}

/// Why the best option is the best.
fn why(
    question: &Question<'_>,
    best: &Candidate,
    rest: &[Candidate],
    fails: &[Candidate],
    expected: &dyn Fn(&Candidate) -> f64,
) -> String {
    let mut text = match question.medium {
        MediumChoice::Medium(medium) => format!("cheapest {medium} that closes"),
        _ => "cheapest that closes".to_owned(),
    };
    if !best.unpriced.is_empty() {
        text = format!("no option has a price ({} is unknown); least power", best.unpriced.join(", "));
    }
    match rest.iter().find(|c| c.unpriced.is_empty()) {
        Some(next) if best.unpriced.is_empty() => {
            let saved = expected(next) - expected(best);
            if saved < 0.005 * rank(best) {
                text.push_str(&format!(", level with {}", next.option.name));
            } else {
                text.push_str(&format!(": {} less over the life than {}", usd(saved), next.option.name));
            }
        }
        _ if rest.is_empty() => text.push_str(": nothing else does"),
        _ => {}
    }
    // Cheaper-looking options by medium: the one that came closest to working speaks for its medium.
    let mut fallen: Vec<(&Candidate, Medium)> = Vec::new();
    for candidate in fails.iter().filter(|c| rank(c) < rank(best)) {
        let distance = |c: &Candidate| c.refusal.as_ref().map_or(f64::INFINITY, |r| r.distance);
        match fallen.iter_mut().find(|(_, medium)| *medium == candidate.option.medium) {
            Some(entry) if distance(candidate) < distance(entry.0) => entry.0 = candidate,
            Some(_) => {}
            None => fallen.push((candidate, candidate.option.medium)),
        }
    }
    for (candidate, _) in fallen {
        if let Some(refusal) = &candidate.refusal {
            text.push_str(&format!("; {} fell out: {}", candidate.option.name, refusal.reason));
        }
    }
    text
}

/// What would help where nothing closes: the least-bad option, or a medium that the file does not allow.
fn nothing_helps(question: &Question<'_>, judge: &Judge<'_>, fails: &[Candidate]) -> Option<String> {
    let mut parts = Vec::new();
    let distance = |c: &Candidate| c.refusal.as_ref().map_or(f64::INFINITY, |r| r.distance);
    if let Some(least) =
        fails.iter().min_by(|x, y| distance(x).total_cmp(&distance(y)).then(rank(x).total_cmp(&rank(y))))
        && let Some(refusal) = &least.refusal
    {
        let mut text = format!("nearest: {} ({})", least.option.name, refusal.reason);
        if let Some(help) = &refusal.help {
            text.push_str(&format!("; {help}"));
        }
        parts.push(text);
    }
    if question.medium != MediumChoice::Auto {
        let open = Question { medium: MediumChoice::Auto, ..*question };
        let mut others: Vec<Candidate> = gather(&open, judge).into_iter().filter(|c| c.refusal.is_none()).collect();
        others.sort_by(|x, y| rank(x).total_cmp(&rank(y)).then_with(|| x.option.name.cmp(&y.option.name)));
        if let Some(other) = others.first() {
            parts.push(format!("with `medium = \"auto\"` {} closes", other.option.name));
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What is to be carried.
fn subject(question: &Question<'_>) -> String {
    let form = |end: &super::End<'_>| match (end.group.co_packaged, end.cage()) {
        (true, _) => "co-packaged".to_owned(),
        (false, Some(cage)) => cage.to_owned(),
        (false, None) => "soldered".to_owned(),
    };
    let media = match question.medium {
        MediumChoice::Medium(medium) => format!(" by {medium}"),
        _ => String::new(),
    };
    format!(
        "{}{media} over {} between {} and {} ports",
        question.a.protocol.id,
        crate::budget::metres(question.length),
        form(&question.a),
        form(&question.b)
    )
}

/// Dollars as people read them.
fn usd(value: f64) -> String {
    if value >= 100.0 { format!("${value:.0}") } else { format!("${value:.2}") }
}
