//! Why each class of links got its medium, and what else was weighed.

use lanewright_model::system::LinkSetId;
use lanewright_plan::plan::{LinkClass, MediaOption};

use super::escape::Name;
use super::page::Page;
use super::survey::Survey;
use super::waterfall::set_names;
use super::words;
use crate::number::{self, Measure};

/// Classes shown before the rest is folded away.
const OPEN_CLASSES: usize = 16;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let mut stories: Vec<Story<'_>> = Vec::new();
    for class in &survey.plan().classes {
        match stories.iter_mut().find(|story| same_story(story.class, class)) {
            Some(story) => story.add(class),
            None => {
                let lengths = (class.length_min.0, class.length_max.0);
                stories.push(Story { class, sets: vec![class.set], links: 0, cables: 0, lengths });
                if let Some(story) = stories.last_mut() {
                    story.add(class);
                }
            }
        }
    }
    if stories.is_empty() {
        return;
    }
    // What does not close first, then where most money goes.
    let spent = |story: &Story<'_>| {
        story.class.choice.as_ref().map_or(f64::INFINITY, |c| c.life_cost.likely.0 * story.cables as f64)
    };
    stories.sort_by(|a, b| spent(b).total_cmp(&spent(a)));
    page.section("media", "Why this medium", |out| {
        put!(
            out,
            "<p class=\"note\">The cheapest option over the site's life that closes its loss budget. Costs are of one \
             cable over {}: price, energy with PUE, repairs.</p>",
            Measure::Years.show(survey.system.site.life.0)
        );
        let (open, folded) = stories.split_at(stories.len().min(OPEN_CLASSES));
        list(survey, open, out);
        if !folded.is_empty() {
            put!(out, "<details><summary>{} more</summary>", words::plural(folded.len() as u64, "choice"));
            list(survey, folded, out);
            put!(out, "</details>");
        }
    });
}

/// Classes that got the same for the same reason.
struct Story<'a> {
    class: &'a LinkClass,
    sets: Vec<LinkSetId>,
    links: u64,
    cables: u64,
    lengths: (f64, f64),
}

impl Story<'_> {
    fn add(&mut self, class: &LinkClass) {
        if !self.sets.contains(&class.set) {
            self.sets.push(class.set);
        }
        self.links += u64::from(class.links);
        self.cables += u64::from(class.cables);
        self.lengths = (self.lengths.0.min(class.length_min.0), self.lengths.1.max(class.length_max.0));
    }
}

fn same_story(a: &LinkClass, b: &LinkClass) -> bool {
    let choice = |class: &LinkClass| class.choice.as_ref().map(|c| (c.name.clone(), c.life_cost.likely.0.to_bits()));
    let next = |class: &LinkClass| class.alternatives.first().map(|c| (c.name.clone(), c.life_cost.likely.0.to_bits()));
    a.domain == b.domain
        && a.protocol == b.protocol
        && a.reason == b.reason
        && choice(a) == choice(b)
        && next(a) == next(b)
        && a.alternatives.len() == b.alternatives.len()
        && a.rejected.len() == b.rejected.len()
        && a.rejected.iter().zip(&b.rejected).all(|(a, b)| a.name == b.name && a.reason == b.reason)
}

fn list(survey: &Survey<'_>, stories: &[Story<'_>], out: &mut String) {
    put!(out, "<div class=\"choices\">");
    for story in stories {
        let class = story.class;
        put!(
            out,
            "<article><h3>{} <span class=\"note\">{} · {} · {}</span></h3>",
            set_names(survey, &story.sets),
            words::plural(story.links, "link"),
            Name(survey.protocol(class).0),
            Measure::Metres.range(story.lengths.0, story.lengths.1)
        );
        match &class.choice {
            Some(choice) => put!(
                out,
                "<p class=\"option\"><i class=\"dot {}\"></i><b>{}</b><span class=\"cost\">{}</span></p>",
                words::medium_class(Some(choice.medium)),
                Name(&choice.name),
                Measure::Usd.show(choice.life_cost.likely.0)
            ),
            None => put!(out, "<p class=\"chosen\"><span class=\"badge bad\">nothing closes</span></p>"),
        }
        // Reasons go through the options that fell out, too; those are listed below.
        let told = |clause: &&str| !class.rejected.iter().any(|option| clause.starts_with(option.name.as_str()));
        let reason = class.reason.split("; ").filter(told).collect::<Vec<_>>().join("; ");
        put!(out, "<p>{}</p>", Name(&reason));
        alternatives(class, out);
        rejected(class, out);
        put!(out, "</article>");
    }
    put!(out, "</div>");
}

fn alternatives(class: &LinkClass, out: &mut String) {
    let Some(next) = class.alternatives.first() else { return };
    let dearer = |option: &MediaOption| {
        let Some(choice) = &class.choice else { return Measure::Usd.show(option.life_cost.likely.0) };
        let (base, cost) = (choice.life_cost.likely.0, option.life_cost.likely.0);
        let sign = if cost >= base { "+" } else { "" };
        if base > 0.0 {
            let share = (cost - base) / base * 100.0;
            format!("{sign}{} ({sign}{} %)", Measure::Usd.show(cost - base), number::decimals(share, 0))
        } else {
            format!("{sign}{}", Measure::Usd.show(cost - base))
        }
    };
    put!(
        out,
        "<p class=\"option\"><i class=\"dot {}\"></i><span><span class=\"note\">next best</span> {}</span><span class=\"cost\">{}</span></p>",
        words::medium_class(Some(next.medium)),
        Name(&next.name),
        dearer(next)
    );
    let others = &class.alternatives[1..];
    if !others.is_empty() {
        put!(
            out,
            "<details><summary>{} more that would do</summary><ul class=\"options\">",
            words::plural(others.len() as u64, "option")
        );
        for option in others {
            put!(
                out,
                "<li class=\"option\"><i class=\"dot {}\"></i><span>{}</span><span class=\"cost\">{}</span></li>",
                words::medium_class(Some(option.medium)),
                Name(&option.name),
                dearer(option)
            );
        }
        put!(out, "</ul></details>");
    }
}

fn rejected(class: &LinkClass, out: &mut String) {
    if class.rejected.is_empty() {
        return;
    }
    let open = if class.choice.is_none() { " open" } else { "" };
    put!(
        out,
        "<details{open}><summary>{} rejected</summary><ul class=\"options\">",
        words::plural(class.rejected.len() as u64, "option")
    );
    for option in &class.rejected {
        put!(
            out,
            "<li class=\"option\"><i class=\"dot {}\"></i><span>{} <span class=\"note\">{}</span></span></li>",
            words::medium_class(Some(option.medium)),
            Name(&option.name),
            Name(&option.reason)
        );
    }
    put!(out, "</ul></details>");
}
