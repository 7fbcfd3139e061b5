//! A prediction in words and tables.

use std::fmt::Write as _;

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::energy::bill::Tariff;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::layout::Layout;
use lanewright_workload::predict::anatomy::{Anatomy, PoolAnatomy, Step};
use lanewright_workload::predict::predictor::UNSTATED_WORDS;
use lanewright_workload::predict::steady::STAGES_WORDS;
use lanewright_workload::step::account::Account;

use super::asked::{self, Asked};
use crate::number::{self, figures};
use crate::terminal::table;

/// Operators listed, longest first.
const OPERATORS: usize = 8;

/// Everything about one prediction.
pub struct Shown<'a> {
    /// What was asked for.
    pub asked: &'a Asked,
    /// The device.
    pub device: &'a Accelerator,
    /// What running costs.
    pub tariff: &'a Tariff,
    /// What was found.
    pub anatomy: &'a Anatomy,
}

/// A quantity that is shown: name, unit, values in that unit.
pub struct Quantity {
    /// Name.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Values.
    pub value: Estimate,
}

/// What fills the memory of a device: name, bytes.
pub fn filled(pool: &PoolAnatomy) -> Vec<(&'static str, f64)> {
    let memory = &pool.memory;
    let cache = pool.cache_used.min(memory.cache);
    vec![
        ("weights", memory.weights),
        ("cache of this load", cache),
        ("activations", memory.activations),
        ("runtime and buffers", memory.reserved),
        ("free for more cache", (memory.cache - cache).max(0.0)),
        ("left alone by engines", memory.unused),
    ]
}

/// A layout in words.
pub fn spread(layout: &Layout) -> String {
    let sizes = [("TP", layout.tensor), ("DP", layout.data), ("EP", layout.expert), ("PP", layout.pipeline)];
    let named: Vec<String> =
        sizes.iter().filter(|(_, size)| *size > 1).map(|(name, size)| format!("{name} {size}")).collect();
    if named.is_empty() { "one device".into() } else { named.join(", ") }
}

impl Shown<'_> {
    /// Model, format, device.
    pub fn title(&self) -> String {
        let deployment = &self.asked.deployment;
        format!("{} on {}", deployment.model.name, self.device.name)
    }

    /// Formats, layout, engine, load.
    pub fn lead(&self) -> String {
        let deployment = &self.asked.deployment;
        let pools: Vec<String> = self
            .anatomy
            .pools
            .iter()
            .map(|pool| {
                let count = if pool.workers > 1.0 { format!("{} x ", pool.workers) } else { String::new() };
                format!("{}: {count}{}", pool.role, spread(&pool.layout))
            })
            .collect();
        let version = if deployment.version.is_empty() { String::new() } else { format!(" {}", deployment.version) };
        format!(
            "{}; {}; {}{version}; {} in flight, {} tokens in, {} out",
            asked::words(&deployment.precision, &deployment.model),
            pools.join("; "),
            deployment.backend,
            deployment.concurrency,
            deployment.input,
            deployment.output
        )
    }

    /// The answers.
    pub fn quantities(&self) -> Vec<Quantity> {
        let Anatomy { prediction, itl, tokens_per_s_device, tokens_per_s_user, bill, .. } = self.anatomy;
        let quantity = |name, unit, value: Estimate| Quantity { name, unit, value };
        let mut all = vec![
            quantity("time to the first token (TTFT)", "ms", prediction.ttft.times(1e3)),
            quantity("time per further token (TPOT)", "ms", prediction.tpot.times(1e3)),
            quantity("gap between tokens, mean (ITL)", "ms", itl.times(1e3)),
            quantity("output of all devices", "tokens/s", prediction.tokens_per_s),
            quantity("output per device", "tokens/s", *tokens_per_s_device),
            quantity("output per user", "tokens/s", *tokens_per_s_user),
            quantity("power of all devices", "W", bill.devices_w),
            quantity("energy, devices alone", "J/token", bill.joules_per_token),
            quantity("energy at the meter", "J/token", bill.wall_joules_per_token),
            quantity("electricity", "USD/million", bill.electricity_usd),
        ];
        // Answers of one token have no gaps.
        all.retain(|quantity| quantity.value.likely.is_finite() && quantity.value.likely > 0.0);
        all.extend(bill.devices_usd.map(|usd| quantity("price of the devices", "USD/million", usd)));
        all.extend(bill.usd_per_million.map(|usd| quantity("cost of output tokens", "USD/million", usd)));
        all
    }

    /// What was assumed and what is doubtful.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.asked.notes.clone();
        notes.extend(self.asked.deployment.doubts.iter().map(|doubt| doubt.words().to_string()));
        if self.anatomy.prediction.unstated {
            notes.push(UNSTATED_WORDS.into());
        }
        if self.anatomy.pools.iter().any(|pool| pool.layout.pipeline > 1) {
            notes.push(STAGES_WORDS.into());
        }
        if self.device.weak {
            notes.push(format!("peaks of {} rest on general knowledge or estimates", self.device.name));
        }
        if self.anatomy.calibrated_on.iter().any(|line| line.contains("transferred from")) {
            notes.push(format!(
                "some kernels were not measured on {}: those of the nearest device stand in, see below",
                self.device.name
            ));
        }
        match self.tariff.device_usd {
            Some(usd) => notes.push(format!(
                "cost: {} dollars a device over {} years, {} % in use, {} dollars a kWh; hosts' price left out",
                number::plain(usd),
                self.tariff.life_years,
                number::plain(100.0 * self.tariff.used_share),
                self.tariff.usd_per_kwh
            )),
            None => notes.push("no price of this device is known: see --device-usd".into()),
        }
        for pool in &self.anatomy.pools {
            if pool.cache_used > pool.memory.cache {
                notes.push(format!(
                    "{}: the cache does not hold all requests at once; some wait for a place",
                    pool.role
                ));
            }
        }
        notes
    }

    /// The page of the terminal.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title(), self.lead());
        let rows = self.quantities().into_iter().map(|quantity| {
            let show = |value: f64| figures(value, 3);
            let value = quantity.value;
            vec![quantity.name.into(), show(value.likely), show(value.low), show(value.high), quantity.unit.into()]
        });
        out += &table("PREDICTION", &["what", ">likely", ">low", ">high", "unit"], rows.collect());
        for pool in &self.anatomy.pools {
            let several = self.anatomy.pools.len() > 1;
            let of = if several { format!(", {}", pool.role) } else { String::new() };
            out += &steps(pool, &of);
            if let Some(step) = pool.decode.as_ref().or(pool.prompt.as_ref()) {
                out += &operators(step, &of);
            }
            out += &memory(pool, &of);
        }
        out += "\nBands hold about 80 % of measurements. Steps are what kernels alone say; times above are corrected by\nmeasured engines. Calibrated on:\n";
        for line in &self.anatomy.calibrated_on {
            let _ = writeln!(out, "  {line}");
        }
        for note in self.notes() {
            let _ = writeln!(out, "note: {note}");
        }
        out
    }
}

fn steps(pool: &PoolAnatomy, of: &str) -> String {
    let mut heads = vec!["part"];
    let mut columns: Vec<&Step> = Vec::new();
    if let Some(step) = &pool.decode {
        heads.extend([">decode, ms", ">share"]);
        columns.push(step);
    }
    if let Some(step) = &pool.prompt {
        heads.extend([">prompt, ms", ">share"]);
        columns.push(step);
    }
    let cells = |seconds: f64, whole: f64| {
        [figures(seconds * 1e3, 3), format!("{:.0} %", 100.0 * seconds / whole.max(f64::MIN_POSITIVE))]
    };
    let Some(first) = columns.first() else { return String::new() };
    let mut rows = Vec::new();
    for (at, (name, _)) in first.parts.iter().enumerate() {
        if columns.iter().any(|step| step.parts[at].1 > 0.0) {
            let values = columns.iter().flat_map(|step| cells(step.parts[at].1, step.seconds));
            rows.push(std::iter::once((*name).to_string()).chain(values).collect());
        }
    }
    let all = columns.iter().flat_map(|step| cells(step.seconds, step.seconds));
    rows.push(std::iter::once("all".to_string()).chain(all).collect());
    let mut out = table(&format!("ONE STEP{}", of.to_uppercase()), &heads, rows);
    for (name, step) in [("decoding", &pool.decode), ("a prompt", &pool.prompt)] {
        let Some(step) = step else { continue };
        let waits: Vec<String> = step
            .bounds
            .iter()
            .filter(|(_, seconds)| *seconds > 0.005 * step.seconds)
            .map(|(bound, seconds)| format!("{} {:.0} %", bound.words(), 100.0 * seconds / step.seconds))
            .collect();
        let _ = writeln!(out, "{name} waits for: {}", waits.join(", "));
    }
    out
}

/// The operators of a step that take longest.
pub fn longest(step: &Step) -> Vec<&Account> {
    let mut all: Vec<&Account> = step.operators.iter().collect();
    all.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    all
}

fn operators(step: &Step, of: &str) -> String {
    let rows = longest(step).into_iter().take(OPERATORS).map(|operator| {
        vec![
            operator.name.into(),
            operator.shape.clone(),
            number::plain(operator.count),
            figures(operator.seconds * 1e3, 3),
            figures(operator.bytes * 1e-6, 3),
            figures(operator.operations * 1e-9, 3),
            operator.bound.words().into(),
        ]
    });
    let heads = ["operator", "sizes", ">times", ">ms", ">MB", ">GFLOP", "waits for"];
    table(&format!("LONGEST OPERATORS{}", of.to_uppercase()), &heads, rows.collect())
}

fn memory(pool: &PoolAnatomy, of: &str) -> String {
    let rows = filled(pool).into_iter().map(|(name, bytes)| {
        vec![
            name.into(),
            figures(bytes * 1e-9, 3),
            format!("{:.0} %", 100.0 * bytes / pool.memory.device.max(f64::MIN_POSITIVE)),
        ]
    });
    let title = format!("MEMORY OF A DEVICE{}, {:.0} GB", of.to_uppercase(), pool.memory.device * 1e-9);
    let mut out = table(&title, &["what", ">GB", ">share"], rows.collect());
    let decoding = match pool.decode {
        Some(_) => format!("{} sequences decode at once, ", number::plain(pool.batch.round())),
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "a group's cache holds {} tokens; {decoding}a device uses {:.0} % of its bandwidth, {:.0} % of its arithmetic",
        number::plain(pool.memory.cache_tokens()),
        100.0 * pool.activity.memory,
        100.0 * pool.activity.arithmetic
    );
    out
}
