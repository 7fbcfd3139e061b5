//! How to get the same answer again.

use super::survey::Survey;
use crate::number;
use crate::report::escape::Escaped;
use crate::report::page::Page;

/// Writes the section.
pub fn write(survey: &Survey<'_>, page: &mut Page) {
    let (facts, outcome) = (survey.run.facts, survey.run.outcome);
    page.section("reproduce", "The same again", |out| {
        put!(out, "<p class=\"command\"><code>{}</code></p><dl class=\"facts\">", Escaped(&facts.command));
        let mut fact =
            |name: &str, value: &str| put!(out, "<div><dt>{}</dt><dd>{}</dd></div>", Escaped(name), Escaped(value));
        fact("Program", concat!("lanewright ", env!("CARGO_PKG_VERSION")));
        fact("Engine", &facts.engine);
        if let Some(seed) = facts.seed {
            fact("Seed", &seed.to_string());
        }
        for (name, value) in &facts.settings {
            fact(name, value);
        }
        fact("Hash of all times", &format!("{:016x}", outcome.hash()));
        if let Some(seconds) = facts.cpu_seconds {
            let speed = if seconds > 0.0 {
                format!(
                    ", {} million events per second",
                    number::plain(outcome.counters.events as f64 / seconds * 1e-6)
                )
            } else {
                String::new()
            };
            fact("Processor time", &format!("{} s{speed}", number::decimals(seconds, 2)));
        }
        put!(out, "</dl><p class=\"note\">Equal answers have equal hashes, on any number of threads.</p>");
    });
}
