//! What must hold within and between the files, and what would work where it does not.

use super::Source;
use super::files::{
    ActivationRecompute, EngineTable, LayoutFile, MemoryTable, ModelFile, NetworkTable, SystemFile, TensorExchange,
    TensorOverlap,
};
use crate::train::fault::{Fault, choices};

/// Greatest value of any count: products of two stay far below 2^64.
const MOST: u64 = 1 << 31;

/// Most layers: each is a place in the pipeline.
const MOST_LAYERS: u64 = 1 << 16;

/// Faults of a model.
pub fn model(file: &ModelFile, source: &Source<'_>) -> Vec<Fault> {
    let counts = [
        ("hidden", file.hidden),
        ("feedforward", file.feedforward),
        ("seq_size", file.seq_size),
        ("attn_heads", file.attn_heads),
        ("attn_size", file.attn_size),
        ("num_blocks", file.num_blocks),
    ];
    let mut faults: Vec<Fault> = counts.iter().filter_map(|(key, value)| count(key, *value, source)).collect();
    if file.num_blocks > MOST_LAYERS {
        let fault =
            Fault::new(format!("`num_blocks` is {}", file.num_blocks), format!("give at most {MOST_LAYERS} layers"));
        faults.push(source.at_key("num_blocks", fault));
    }
    faults
}

fn count(key: &str, value: u64, source: &Source<'_>) -> Option<Fault> {
    let fault = if value == 0 {
        Fault::new(format!("`{key}` is 0"), "give a count of at least 1")
    } else if value > MOST {
        Fault::new(format!("`{key}` is {value}"), format!("give a count of at most {MOST}"))
    } else {
        return None;
    };
    Some(source.at_key(key, fault))
}

/// Faults of a system.
pub fn system(file: &SystemFile, source: &Source<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |key: &str, message: String, help: &str| faults.push(source.at_key(key, Fault::new(message, help)));
    for (name, engines) in [("matrix", &file.matrix), ("vector", &file.vector)] {
        if engines.is_empty() {
            fault(name, format!("`{name}` has no format"), "give a table per datatype, such as \"float16\"");
        }
        for (datatype, EngineTable { tflops, gflops_efficiency }) in engines {
            if !(*tflops > 0.0 && tflops.is_finite()) {
                fault(datatype, format!("`{name}.{datatype}.tflops` is {tflops}"), "give a positive rate");
            }
            if let Some(why) = curve(gflops_efficiency) {
                fault(datatype, format!("`{name}.{datatype}.gflops_efficiency` {why}"), CURVE);
            }
        }
    }
    for (name, MemoryTable { gib, gbps, mb_efficiency }) in [("mem1", &file.mem1), ("mem2", &file.mem2)] {
        if !(*gib > 0.0 && gib.is_finite() && *gbps > 0.0 && gbps.is_finite()) {
            fault(
                name,
                format!("`{name}` has a size or bandwidth that is not positive"),
                "give positive `GiB` and `GBps`",
            );
        }
        if let Some(why) = curve(mb_efficiency) {
            fault(name, format!("`{name}.MB_efficiency` {why}"), CURVE);
        }
    }
    if file.networks.is_empty() {
        fault("networks", "`networks` is empty".into(), "give at least one network");
    }
    for (at, net) in file.networks.iter().enumerate() {
        let NetworkTable { bandwidth, efficiency, size, latency, ops, processor_usage, .. } = net;
        let name = format!("networks[{at}]");
        if !(*bandwidth > 0.0 && bandwidth.is_finite()) {
            fault("networks", format!("`{name}.bandwidth` is {bandwidth}"), "give a positive rate, GB/s");
        }
        if !(*efficiency > 0.0 && *efficiency <= 1.0) {
            fault("networks", format!("`{name}.efficiency` is {efficiency}"), "give a share above 0 and up to 1");
        }
        if *size == 0 {
            fault("networks", format!("`{name}.size` is 0"), "give the number of devices that it joins");
        }
        if !(*latency >= 0.0 && latency.is_finite()) {
            fault("networks", format!("`{name}.latency` is {latency}"), "give seconds, 0 or more");
        }
        if !(*processor_usage >= 0.0 && *processor_usage < 1.0) {
            fault(
                "networks",
                format!("`{name}.processor_usage` is {processor_usage}"),
                "give a share from 0 to below 1",
            );
        }
        for (op, (scale, offset), collective) in [
            ("p2p", ops.p2p, false),
            ("reduce_scatter", ops.reduce_scatter, true),
            ("all_gather", ops.all_gather, true),
            ("all_reduce", ops.all_reduce, true),
        ] {
            if !(scale > 0.0 && scale.is_finite())
                || offset.is_some_and(|o| !o.is_finite())
                || offset.is_some() != collective
            {
                fault(
                    "networks",
                    format!("`{name}.ops.{op}` is [{scale}, {}]", offset.map_or("null".into(), |o| o.to_string())),
                    "give [positive factor, offset]; `p2p` has null for its offset, the others a number",
                );
            }
        }
    }
    faults
}

const CURVE: &str = "give rows [size, share] with sizes that fall to 0 and shares above 0 and up to 1";

/// What is wrong with an efficiency curve.
fn curve(rows: &[(f64, f64)]) -> Option<&'static str> {
    match rows.last() {
        None => return Some("is empty"),
        Some((from, _)) if *from != 0.0 => return Some("does not reach down to size 0"),
        Some(_) => {}
    }
    if rows.iter().any(|(_, share)| !(*share > 0.0 && *share <= 1.0)) {
        return Some("has a share that is not above 0 and up to 1");
    }
    rows.windows(2)
        .any(|w| w[0].0.partial_cmp(&w[1].0) != Some(std::cmp::Ordering::Greater))
        .then_some("has sizes that do not fall")
}

/// Faults of a layout for its model and system.
pub fn layout(file: &LayoutFile, model: &ModelFile, system: &SystemFile, source: &Source<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = [
        ("num_procs", file.num_procs),
        ("tensor_par", file.tensor_par),
        ("pipeline_par", file.pipeline_par),
        ("data_par", file.data_par),
        ("batch_size", file.batch_size),
        ("microbatch_size", file.microbatch_size),
        ("pipeline_interleaving", file.pipeline_interleaving),
    ]
    .iter()
    .filter_map(|(key, value)| count(key, *value, source))
    .collect();
    if !faults.is_empty() {
        return faults;
    }
    divide(file, model, source, &mut faults);
    combine(file, source, &mut faults);
    networks(file, system, source, &mut faults);
    faults
}

/// What must divide what.
fn divide(file: &LayoutFile, model: &ModelFile, source: &Source<'_>, faults: &mut Vec<Fault>) {
    let mut fault =
        |key: &str, message: String, help: String| faults.push(source.at_key(key, Fault::new(message, help)));
    let (t, p, d) = (file.tensor_par, file.pipeline_par, file.data_par);
    let product = u128::from(t) * u128::from(p) * u128::from(d);
    if product != u128::from(file.num_procs) {
        let shared = t * p;
        let help = if file.num_procs.is_multiple_of(shared) {
            format!("`data_par`: {} would use all of them, or `num_procs`: {product}", file.num_procs / shared)
        } else {
            format!(
                "set `num_procs` to {product}, or choose factors of {}: {}",
                file.num_procs,
                choices(file.num_procs, t)
            )
        };
        fault(
            "num_procs",
            format!(
                "`tensor_par` x `pipeline_par` x `data_par` = {t} x {p} x {d} = {product}, but `num_procs` is {}",
                file.num_procs
            ),
            help,
        );
    }
    for (key, name, value) in [
        ("tensor_par", "attn_heads", model.attn_heads),
        ("tensor_par", "hidden", model.hidden),
        ("tensor_par", "feedforward", model.feedforward),
    ] {
        if value % t != 0 {
            let common = gcd(gcd(model.attn_heads, model.hidden), model.feedforward);
            let help = format!("`tensor_par` can be {}", choices(common, t));
            fault(key, format!("`{name}` of the model, {value}, does not divide by `tensor_par` {t}"), help);
        }
    }
    let chunks = p * file.pipeline_interleaving;
    if !model.num_blocks.is_multiple_of(chunks) {
        let help = if model.num_blocks.is_multiple_of(p) {
            format!(
                "with `pipeline_par` {p}, `pipeline_interleaving` can be {}",
                choices(model.num_blocks / p, file.pipeline_interleaving)
            )
        } else {
            format!("`pipeline_par` x `pipeline_interleaving` can be {}", choices(model.num_blocks, chunks))
        };
        fault(
            "pipeline_par",
            format!(
                "`num_blocks` of the model, {}, does not divide by `pipeline_par` x `pipeline_interleaving` = {p} x {} = {chunks}",
                model.num_blocks, file.pipeline_interleaving
            ),
            help,
        );
    }
    let (batch, micro) = (file.batch_size, file.microbatch_size);
    if batch % d != 0 {
        let help = format!(
            "`data_par` can be {}, or `batch_size` {} or {}",
            choices(batch, d),
            (batch / d).max(1) * d,
            (batch / d + 1) * d
        );
        fault("batch_size", format!("`batch_size` {batch} does not divide by `data_par` {d}"), help);
    } else if (batch / d) % micro != 0 {
        let help = format!("`microbatch_size` can be {}", choices(batch / d, micro));
        fault(
            "microbatch_size",
            format!(
                "a rank's share of the batch, {} sequences, does not divide by `microbatch_size` {micro}",
                batch / d
            ),
            help,
        );
    }
    let tokens = micro * model.seq_size;
    if file.tensor_par_comm_type != TensorExchange::Ar && !tokens.is_multiple_of(t) {
        let help = format!("`tensor_par` can be {}, or use `tensor_par_comm_type` \"ar\"", choices(tokens, t));
        fault(
            "tensor_par",
            format!("{tokens} tokens of a micro-batch do not divide by `tensor_par` {t} for sequence parallelism"),
            help,
        );
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Settings that exclude each other.
fn combine(file: &LayoutFile, source: &Source<'_>, faults: &mut Vec<Fault>) {
    let mut fault = |key: &str, message: &str, help: &str| faults.push(source.at_key(key, Fault::new(message, help)));
    if file.pipeline_par == 1 && file.pipeline_interleaving != 1 {
        fault(
            "pipeline_interleaving",
            "`pipeline_interleaving` needs more than one stage",
            "set it to 1, or raise `pipeline_par`",
        );
    }
    if file.optimizer_sharding && file.data_par == 1 {
        fault(
            "optimizer_sharding",
            "`optimizer_sharding` has nobody to share with: `data_par` is 1",
            "set it to false",
        );
    }
    if file.data_par_overlap && file.data_par == 1 {
        fault("data_par_overlap", "`data_par_overlap` has nothing to overlap: `data_par` is 1", "set it to false");
    }
    if file.tensor_par_overlap != TensorOverlap::None && file.tensor_par == 1 {
        fault(
            "tensor_par_overlap",
            "`tensor_par_overlap` has nothing to overlap: `tensor_par` is 1",
            "set it to \"none\"",
        );
    }
    if file.seq_par_ag_redo && file.tensor_par_comm_type != TensorExchange::RsAg {
        fault(
            "seq_par_ag_redo",
            "`seq_par_ag_redo` needs `tensor_par_comm_type` \"rs_ag\"",
            "set it to false, or the type to \"rs_ag\"",
        );
    }
    if file.seq_par_ag_redo && file.activation_recompute == ActivationRecompute::Full {
        fault(
            "seq_par_ag_redo",
            "full recomputation gathers everything again as it is",
            "set `seq_par_ag_redo` to false",
        );
    }
    if !file.training {
        if file.activation_recompute != ActivationRecompute::None {
            fault("activation_recompute", "nothing is recomputed without training", "set it to \"none\"");
        }
        if file.optimizer_offload || file.optimizer_sharding || file.data_par_overlap {
            fault(
                "training",
                "there is no optimizer and no gradient without training",
                "set `optimizer_offload`, `optimizer_sharding` and `data_par_overlap` to false",
            );
        }
    }
}

/// Networks and formats of the system.
fn networks(file: &LayoutFile, system: &SystemFile, source: &Source<'_>, faults: &mut Vec<Fault>) {
    let mut fault =
        |key: &str, message: String, help: String| faults.push(source.at_key(key, Fault::new(message, help)));
    let name = file.datatype.name();
    for (part, engines) in [("matrix", &system.matrix), ("vector", &system.vector)] {
        if !engines.contains_key(name) {
            let known: Vec<&str> = engines.keys().map(String::as_str).collect();
            fault(
                "datatype",
                format!("the system has no `{part}` units for {name}"),
                format!("`datatype` can be {}", known.join(", ")),
            );
        }
    }
    let mut sizes = vec![1_u128; system.networks.len()];
    let mut used = vec![false; system.networks.len()];
    for (key, net, ranks) in [
        ("tensor_par_net", file.tensor_par_net, file.tensor_par),
        ("pipeline_par_net", file.pipeline_par_net, file.pipeline_par),
        ("data_par_net", file.data_par_net, file.data_par),
    ] {
        match sizes.get_mut(net) {
            None => fault(
                key,
                format!("`{key}` is {net}, but the system has {} networks", system.networks.len()),
                format!("give 0 to {}", system.networks.len().saturating_sub(1)),
            ),
            Some(size) if ranks > 1 => {
                *size *= u128::from(ranks);
                used[net] = true;
            }
            Some(_) => {}
        }
    }
    for (at, network) in system.networks.iter().enumerate() {
        let (joined, size) = (sizes[at], network.size);
        if !used[at] {
            continue;
        }
        if joined > u128::from(size) {
            fault(
                "num_procs",
                format!("network {at} joins {size} devices, but the layout puts {joined} on it"),
                format!(
                    "keep the product of the parallelisms on network {at} to {size}, or move one to another network"
                ),
            );
        } else if network.must_be_filled && u128::from(size) % joined != 0 {
            fault(
                "tensor_par",
                format!("network {at} of {size} devices must be filled, but {joined} does not divide {size}"),
                format!("the product on it can be {}", choices(size, joined as u64)),
            );
        }
    }
}
