//! Whether it can work at all: sums of utilisation, memory before arithmetic.

use serde::Serialize;

use super::checked::Pipeline;
use super::concrete::{Concrete, Pick, values};

/// Use of something shared, as a share of what it has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Load {
    /// Engine, or "memory".
    pub what: String,
    /// With likely figures.
    pub likely: f64,
    /// With every figure at its slow end.
    pub slowest: f64,
    /// Who uses most of it, with its share of the whole.
    pub most: Option<(String, f64)>,
}

/// What the sums say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feasible {
    /// The memory.
    pub memory: Load,
    /// The engines.
    pub engines: Vec<Load>,
    /// What is used most.
    pub tightest: String,
    /// Bytes per second of everything, likely; models that run all the time take what is left and are not in it.
    pub bytes_per_s: f64,
    /// What is needed beyond what there is, in words; none where all fits.
    pub over: Vec<String>,
}

/// Sums up.
pub fn feasible(of: &Pipeline) -> Feasible {
    let (likely, slowest) = (values(of, &mut Pick::Likely), values(of, &mut Pick::Slowest));
    let engines: Vec<Load> = (0..of.engines.len())
        .map(|at| {
            let users = by_engine(of, &likely, at);
            Load {
                what: of.engines[at].id.clone(),
                likely: users.iter().map(|user| user.1).sum(),
                slowest: by_engine(of, &slowest, at).iter().map(|user| user.1).sum(),
                most: users.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)),
            }
        })
        .collect();
    let users = on_memory(of, &likely);
    let total: f64 = users.iter().map(|user| user.1).sum();
    let memory = Load {
        what: "memory".into(),
        likely: total,
        slowest: on_memory(of, &slowest).iter().map(|user| user.1).sum(),
        most: users.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)),
    };
    let mut over = Vec::new();
    for load in std::iter::once(&memory).chain(&engines) {
        // Engines that keep the pace of frames may be at work all the time.
        if load.likely > 1.0 + 1e-9 {
            let most = load.most.as_ref().map(|(who, share)| format!("; most by {who} ({:.0} %)", share * 100.0));
            over.push(format!(
                "{} needs {:.0} % of what it has{}",
                load.what,
                load.likely * 100.0,
                most.unwrap_or_default()
            ));
        }
    }
    let tightest = std::iter::once(&memory).chain(&engines).max_by(|a, b| a.likely.total_cmp(&b.likely));
    Feasible {
        tightest: tightest.map(|load| load.what.clone()).unwrap_or_default(),
        bytes_per_s: total * likely.bandwidth,
        memory,
        engines,
        over,
    }
}

/// Language models that are asked so many times a second: tokens per second, and prompts.
fn asked(of: &Pipeline, llm: usize) -> Option<(f64, f64)> {
    of.llms[llm].period.map(|period| (f64::from(of.llms[llm].output.saturating_sub(1)) / period, 1.0 / period))
}

fn token_bytes(of: &Pipeline, llm: usize) -> f64 {
    let llm = &of.llms[llm];
    llm.weight_bytes + (f64::from(llm.prompt) + 0.5 * f64::from(llm.output)) * llm.kv_bytes
}

fn by_engine(of: &Pipeline, values: &Concrete, engine: usize) -> Vec<(String, f64)> {
    let count = of.engines[engine].count as f64;
    let of_streams = of.stages.iter().filter(|stage| stage.engine == engine).map(|stage| {
        let share: f64 = stage.streams.clone().map(|at| values.alone[at] / of.streams[at].period).sum();
        (stage.id.clone(), share / count)
    });
    let of_models = of.llms.iter().enumerate().filter(|(_, llm)| llm.engine == engine).filter_map(|(at, llm)| {
        let (tokens, prompts) = asked(of, at)?;
        let busy = tokens * token_bytes(of, at) / values.llms[at].rate + prompts * values.llms[at].prompt;
        Some((llm.id.clone(), busy / count))
    });
    of_streams.chain(of_models).collect()
}

fn on_memory(of: &Pipeline, values: &Concrete) -> Vec<(String, f64)> {
    let steady = ("sensors, displays and row-by-row work".to_string(), values.steady / values.bandwidth);
    let of_streams = of.stages.iter().filter(|stage| stage.paced.is_none()).map(|stage| {
        let rate: f64 = stage.streams.clone().map(|at| values.bytes[at] / of.streams[at].period).sum();
        (stage.id.clone(), rate / values.bandwidth)
    });
    let of_models = of.llms.iter().enumerate().filter_map(|(at, llm)| {
        let (tokens, prompts) = asked(of, at)?;
        let rate = tokens * token_bytes(of, at) + prompts * values.llms[at].prompt_bytes;
        Some((llm.id.clone(), rate / values.bandwidth))
    });
    std::iter::once(steady).chain(of_streams).chain(of_models).collect()
}
