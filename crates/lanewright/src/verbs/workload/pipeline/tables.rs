//! What `workload pipeline` shows on the terminal.

use std::fmt::Write as _;

use lanewright_workload::estimate::Estimate;
use lanewright_workload::pipeline::outcome::Outcome;

use crate::terminal::table;

/// "12.3 (11.0 to 14.1)", or the likely value alone.
pub fn band(value: Estimate, places: usize) -> String {
    if value.likely.is_nan() {
        return "-".into();
    }
    if value.low == value.high {
        return format!("{:.places$}", value.likely);
    }
    format!("{:.places$} ({:.places$} to {:.places$})", value.likely, value.low, value.high)
}

fn optional(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.places$}"))
}

/// The tables of an outcome.
pub fn draw(seen: &Outcome) -> String {
    let mut out = format!("{}\n{}\n", seen.name, seen.description);
    let _ = writeln!(
        out,
        "{}; {} s simulated, {} draws for bands (80 %), seed {}.",
        seen.soc.name, seen.seconds, seen.draws, seen.seed
    );
    sums(seen, &mut out);
    let rows = seen
        .chains
        .iter()
        .map(|chain| {
            let limits = [
                chain.limit_ms.map(|ms| format!("latency {ms:.0}")),
                chain.age_limit_ms.map(|ms| format!("age {ms:.0}")),
                chain.holds_in.map(|share| format!("in {:.0} % of draws", share * 100.0)),
            ];
            vec![
                chain.id.clone(),
                band(chain.p50_ms, 1),
                band(chain.p99_ms, 1),
                band(chain.worst_ms, 1),
                optional(chain.bound_ms, 1),
                band(chain.age_worst_ms, 0),
                limits.into_iter().flatten().collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    let heads = ["CHAIN", ">MEDIAN", ">p99", ">WORST", ">BOUND", ">AGE, WORST", "LIMITS"];
    out.push_str(&table("LATENCY from light to sink, ms", &heads, rows));
    let rows = seen
        .stages
        .iter()
        .map(|stage| {
            vec![
                stage.id.clone(),
                format!(
                    "{}{}",
                    stage.engine,
                    if stage.streams > 1 { format!(", {} streams", stage.streams) } else { String::new() }
                ),
                format!("{:.1}", stage.per_second),
                format!("{:.2}", stage.alone_ms),
                format!("{:.1}", stage.mb),
                if stage.p99_ms.is_nan() { "-".into() } else { format!("{:.1}", stage.p99_ms) },
                percent(stage.dropped),
                percent(stage.missed),
            ]
        })
        .collect();
    let heads = ["STAGE", "ENGINE", ">JOBS/s", ">ALONE ms", ">MB", ">p99 ms", ">LOST", ">LATE"];
    out.push_str(&table("STAGES", &heads, rows));
    let mut rows: Vec<Vec<String>> = seen
        .engines
        .iter()
        .map(|engine| {
            let many = if engine.count > 1 { format!(" x {}", engine.count) } else { String::new() };
            let waits = if engine.stalled > 0.005 {
                format!("{:.0} % of it waiting for memory", engine.stalled * 100.0)
            } else {
                String::new()
            };
            vec![format!("{}{many}", engine.id), percent(engine.busy), waits]
        })
        .collect();
    rows.push(vec!["memory".into(), percent(seen.memory_share), format!("{} GB/s", band(seen.memory_gb_s, 1))]);
    out.push_str(&table("AT WORK", &["ENGINE", ">SHARE OF TIME", ""], rows));
    if !seen.llms.is_empty() {
        let rows = seen
            .llms
            .iter()
            .map(|llm| {
                vec![
                    llm.id.clone(),
                    llm.what.clone(),
                    band(llm.tokens_per_s, 1),
                    format!("{:.1}", llm.alone_tokens_per_s),
                    optional(llm.first_ms, 0),
                    optional(llm.between_p99_ms, 0),
                ]
            })
            .collect();
        let heads = ["MODEL", "", ">TOKENS/s", ">ALONE", ">FIRST ms", ">BETWEEN p99 ms"];
        out.push_str(&table("LANGUAGE MODELS", &heads, rows));
    }
    if !seen.displays.is_empty() {
        let rows = seen.displays.iter().map(|display| {
            let counts = &display.counts;
            vec![
                display.id.clone(),
                counts.pictures.to_string(),
                counts.repeated.to_string(),
                counts.unseen.to_string(),
            ]
        });
        out.push_str(&table(
            "DISPLAYS",
            &["DISPLAY", ">PICTURES", ">SHOWN AGAIN", ">FRAMES NEVER SHOWN"],
            rows.collect(),
        ));
    }
    for budget in seen.budgets.iter().filter(|budget| !budget.checks.is_empty()) {
        let ms = |seconds: f64| if seconds.is_finite() { format!("{:.1}", seconds * 1e3) } else { "no bound".into() };
        let mut rows: Vec<Vec<String>> = budget
            .parts
            .iter()
            .map(|part| vec![part.what.clone(), ms(part.seconds.low), ms(part.seconds.likely), ms(part.seconds.high)])
            .collect();
        rows.push(vec!["sum".into(), ms(budget.total.low), ms(budget.total.likely), ms(budget.total.high)]);
        out.push_str(&table(&format!("BUDGET of {}, ms", budget.chain), &["PART", ">BEST", ">LIKELY", ">WORST"], rows));
        for check in &budget.checks {
            let verdict = if check.holds {
                "holds"
            } else if check.holds_likely {
                "holds as likely, not at worst"
            } else {
                "does not hold"
            };
            let _ = writeln!(out, "{}: {}; {verdict}.", check.what, check.words);
        }
    }
    watts(seen, &mut out);
    for note in seen.notes.iter().chain(&seen.assumptions) {
        let _ = writeln!(out, "Rests on: {note}.");
    }
    if seen.holds {
        out.push_str("\nEvery limit holds.\n");
    } else {
        out.push_str("\nBROKEN\n");
        seen.broken.iter().for_each(|words| {
            let _ = writeln!(out, "  {words}");
        });
    }
    out
}

fn sums(seen: &Outcome, out: &mut String) {
    let sums = &seen.feasible;
    let _ = writeln!(
        out,
        "Sums first: {:.1} GB/s of memory traffic, {:.0} % of what the memory carries; tightest is {}.",
        sums.bytes_per_s * 1e-9,
        sums.memory.likely * 100.0,
        sums.tightest
    );
    for load in std::iter::once(&sums.memory)
        .chain(&sums.engines)
        .filter(|load| load.slowest > 1.0 + 1e-9 && load.likely <= 1.0 + 1e-9)
    {
        let _ =
            writeln!(out, "With every figure at its slow end, {} would need {:.0} %.", load.what, load.slowest * 100.0);
    }
}

fn watts(seen: &Outcome, out: &mut String) {
    let parts: Vec<String> = seen
        .power
        .parts
        .iter()
        .filter(|part| part.1 >= 0.005)
        .map(|(what, watts)| format!("{what} {watts:.2}"))
        .collect();
    let _ = writeln!(out, "\nPower: {} W ({}); {}.", band(seen.watts, 2), parts.join(", "), seen.power.basis);
    if seen.panels_w.high > 0.0 {
        let _ = writeln!(out, "Displays beside it: {} W.", band(seen.panels_w, 1));
    }
}

fn percent(share: Estimate) -> String {
    let share = share.times(100.0);
    let places = usize::from(share.likely > 0.0 && share.likely < 10.0);
    if share.likely.is_nan() { "-".into() } else { format!("{} %", band(share, places)) }
}
