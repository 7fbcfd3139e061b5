//! A deployment from a row of a table of measured runs: columns may be empty, zero, or contradict each other.

use super::deployment::{Deployment, Doubt, Mode, Pool};
use crate::format::Format;
use crate::kernel::table::Table;
use crate::layout::Layout;
use crate::models;
use crate::models::precision::Precision;
use crate::models::transformer::{Attention, Certainty, Transformer};

/// Devices of the largest aggregated worker: a node of eight.
const NODE: f64 = 8.0;

/// Reads a row with the columns of the end-to-end file. The error names file, line and column.
pub fn deployment(table: &Table, row: usize) -> Result<Deployment, String> {
    let name = table.text(row, "model_path")?;
    let model = models::look_up(name).map_err(|unknown| table.wrong(row, "model_path", &unknown.to_string()))?;
    let mut doubts = Vec::new();
    if model.certainty == Certainty::Guess {
        doubts.push(Doubt::Model);
    }
    let precision_word = word_of_precision(table, row, name);
    let precision = precision(table, row, &model, &precision_word)?;
    let input = table.number(row, "isl", 1.0)?;
    let output = table.number(row, "osl", 1.0)?;
    let disaggregated = match table.text(row, "mode")? {
        "agg" | "aggregated" | "static" | "ifb" => false,
        "disagg" | "disaggregated" => true,
        other => return Err(table.wrong(row, "mode", &format!("is {other:?}; expected agg or disagg"))),
    };
    let known = number(table, row, "concurrency")?;
    let (mode, batch) = if disaggregated {
        let prefill = pool(table, row, "prefill_", &model, &mut doubts)?;
        let decode = pool(table, row, "decode_", &model, &mut doubts)?;
        if decode.workers.is_none() {
            doubts.push(Doubt::Workers);
        }
        let groups = f64::from(decode.layout.data);
        let batch = decode.batch.map(|batch| batch * groups * decode.workers.unwrap_or(1.0));
        (Mode::Disaggregated { prefill, decode }, batch)
    } else {
        let mut pool = pool(table, row, "", &model, &mut doubts)?;
        if let (Some(known), Some(batch)) = (known, pool.batch) {
            // By the groups that the row states, whatever became of them in its layout.
            let groups = number(table, row, "attention_dp_size")?.unwrap_or(1.0);
            let times = known / batch / groups;
            share(&mut pool, times, &model, &mut doubts);
        }
        (Mode::Aggregated(pool), pool.batch)
    };
    let concurrency = match (known, batch) {
        (Some(known), _) => known,
        (None, Some(batch)) => {
            doubts.push(Doubt::Concurrency);
            batch
        }
        (None, None) => {
            return Err(table.wrong(
                row,
                "concurrency",
                "is missing or empty, and so is batch_size; one of them must be given",
            ));
        }
    };
    doubts.sort_unstable();
    doubts.dedup();
    Ok(Deployment {
        model,
        precision,
        precision_word,
        device: table.text(row, "system")?.to_owned(),
        backend: table.text(row, "backend")?.to_ascii_lowercase(),
        version: table.optional(row, "backend_version").unwrap_or_default().to_owned(),
        mode,
        input,
        output,
        concurrency,
        concurrency_known: known.is_some(),
        doubts,
    })
}

/// More requests in flight than one batch holds, so many times over: that many attention groups where they are the devices
/// of a layout with experts, otherwise that many workers.
fn share(pool: &mut Pool, times: f64, model: &Transformer, doubts: &mut Vec<Doubt>) {
    if pool.workers.is_some() || times < 1.5 || (times - times.round()).abs() > 1e-6 {
        return;
    }
    doubts.push(Doubt::Layout);
    let layout = &mut pool.layout;
    if model.has_experts() && layout.data == 1 && (times - f64::from(layout.tensor)).abs() < 0.5 {
        (layout.data, layout.tensor) = (layout.tensor, 1);
    } else {
        pool.workers = Some(times);
    }
}

/// A positive number; none where the cell is empty or 0, which the tables use for "does not apply".
fn number(table: &Table, row: usize, column: &str) -> Result<Option<f64>, String> {
    match table.optional(row, column) {
        None => Ok(None),
        Some(_) => Ok(Some(table.number(row, column, 0.0)?).filter(|value| *value > 0.0)),
    }
}

fn word_of_precision(table: &Table, row: usize, name: &str) -> String {
    if let Some(word) = table.optional(row, "precision") {
        return word.to_ascii_lowercase();
    }
    if let Some(format) = table.optional(row, "gemm_quant_mode").and_then(Format::from_name) {
        return format.name().to_owned();
    }
    let name = name.to_ascii_lowercase();
    for (part, word) in [("nvfp4", "fp4"), ("fp4", "fp4"), ("fp8", "fp8"), ("int4", "int4"), ("awq", "int4")] {
        if name.contains(part) {
            return word.to_owned();
        }
    }
    "bf16".to_owned()
}

fn precision(table: &Table, row: usize, model: &Transformer, word: &str) -> Result<Precision, String> {
    let column = |column: &str| -> Result<Option<Format>, String> {
        match table.optional(row, column) {
            None => Ok(None),
            Some(_) => table.format(row, column).map(Some),
        }
    };
    let named = Format::from_name(word);
    let gemm = column("gemm_quant_mode")?.or(named).unwrap_or(Format::Bf16);
    let experts = column("moe_quant_mode")?.or(named).unwrap_or(gemm);
    Ok(checkpoint(model, gemm, experts))
}

/// How a checkpoint of such formats is stored: what its makers leave at 16 bits, blocks of scales where they ship them, and
/// an 8-bit cache beside 8-bit or narrower weights.
pub fn checkpoint(model: &Transformer, gemm: Format, experts: Format) -> Precision {
    let latent = model.blocks.iter().any(|block| matches!(block.attention, Attention::Latent { .. }));
    // Checkpoints with latent attention ship 8-bit weights in blocks, whatever tables call them.
    let blocks = |format: Format| if latent && format == Format::Fp8 { Format::Fp8Block } else { format };
    let mut precision = if model.has_experts() {
        let customary = Precision::customary(blocks(experts), model);
        if gemm.weight_bytes() >= 1.0 && customary.attention == Format::Bf16 {
            let mixed = Precision::mixed(blocks(gemm), blocks(experts));
            Precision { embedding: customary.embedding, logits: customary.logits, ..mixed }
        } else {
            customary
        }
    } else {
        Precision::uniform(gemm)
    };
    if model.name.to_ascii_lowercase().contains("gpt-oss") {
        // Published in mxfp4 alone; other precisions name the arithmetic.
        let narrow = if experts.weight_bytes() < 1.0 { Format::Mxfp4Fp8 } else { Format::Mxfp4Weight };
        precision = Precision::mixed(Format::Bf16, narrow);
    }
    if experts.weight_bytes() <= 1.1 && experts != Format::Int4Weight {
        precision = precision.with_cache(Format::Fp8);
    }
    precision
}

/// Sizes of a pool's layout; what contradicts is made to fit and noted.
fn pool(table: &Table, row: usize, prefix: &str, model: &Transformer, doubts: &mut Vec<Doubt>) -> Result<Pool, String> {
    let size = |name: &str| number(table, row, &format!("{prefix}{name}"));
    let tensor = size("tp_size")?.unwrap_or(1.0);
    let data = size("attention_dp_size")?.unwrap_or(1.0);
    let slices = size("moe_tp_size")?;
    let ways = size("moe_ep_size")?;
    let pipeline = size("pp_size")?.unwrap_or(1.0);
    let layout = reconcile(model, (tensor, data), (slices, ways), pipeline, doubts);
    Ok(Pool { layout, workers: size("num_workers")?, batch: size("batch_size")? })
}

/// A layout from sizes that may contradict each other.
fn reconcile(
    model: &Transformer,
    (tensor, data): (f64, f64),
    (slices, ways): (Option<f64>, Option<f64>),
    pipeline: f64,
    doubts: &mut Vec<Doubt>,
) -> Layout {
    let (mut tensor, mut data) = (tensor, data);
    let mut ways_wanted = ways.unwrap_or(1.0);
    let slices_wanted = slices.unwrap_or(1.0);
    let squared = ways_wanted > 1.0 && (slices_wanted * ways_wanted - tensor * data).abs() < 0.5;
    if squared && (slices_wanted - ways_wanted).abs() < 0.5 && tensor * data > ways_wanted {
        // Told twice: every expert whole on `ways` devices of as many.
        doubts.push(Doubt::Layout);
        if data > 1.0 && tensor <= 1.0 { data = ways_wanted } else { tensor = ways_wanted }
    } else if data > 1.0 && tensor > 1.0 && tensor * data > NODE && (ways_wanted - tensor * data).abs() < 0.5 {
        // Attention groups of one device each over as many devices as a tensor group would have.
        doubts.push(Doubt::Layout);
        (tensor, ways_wanted) = (1.0, data);
    } else if ways_wanted * slices_wanted > tensor * data * 1.001 && ways_wanted > tensor * data {
        // Experts on more devices than attention has: groups of attention make up the rest.
        data = (ways_wanted / tensor).max(1.0);
    }
    // Attention of a latent cache over more devices than a node has runs in groups, one device each.
    let latent = model.blocks.iter().any(|block| matches!(block.attention, Attention::Latent { .. }));
    if tensor > 2.0 * NODE || latent && tensor > NODE && tensor.log2().fract() > 0.0 {
        doubts.push(Doubt::WholeSystem);
        data *= tensor;
        tensor = 1.0;
        ways_wanted = data;
    }
    let whole = |value: f64| value.round().clamp(1.0, 1e6) as u32;
    let mut layout =
        Layout { tensor: whole(tensor), data: whole(data), expert: whole(ways_wanted), pipeline: whole(pipeline) };
    if !model.has_experts() {
        layout.expert = 1;
    } else if !layout.stage_devices().is_multiple_of(layout.expert) {
        doubts.push(Doubt::Layout);
        layout.expert = layout.stage_devices();
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(model: &str, sizes: &str) -> Deployment {
        let head = "backend,model_path,system,precision,mode,isl,osl,batch_size,tp_size,attention_dp_size,moe_ep_size,concurrency";
        let text = format!("{head}\ntrtllm,{model},b200_sxm,fp4,agg,4000,1000,{sizes}\n");
        deployment(&Table::read("rows.csv", &text).expect("a table"), 0).expect("a deployment")
    }

    fn pool_of(deployment: &Deployment) -> Pool {
        match deployment.mode {
            Mode::Aggregated(pool) => pool,
            Mode::Disaggregated { .. } => panic!("aggregated was asked for"),
        }
    }

    /// More requests in flight than one batch holds stand for workers, or for attention groups over a layout's devices.
    #[test]
    fn batches_count_workers_and_groups() {
        let dense = pool_of(&read("Qwen/Qwen3-32B", "13,2,1,1,416"));
        assert_eq!((dense.workers, dense.layout.tensor), (Some(32.0), 2));
        let plain = read("Qwen/Qwen3-32B", "64,2,1,1,64");
        assert_eq!((pool_of(&plain).workers, plain.doubts.is_empty()), (None, true));
        let groups = read("deepseek-ai/DeepSeek-V3", "56,8,,8,448");
        let pool = pool_of(&groups);
        assert_eq!((pool.workers, pool.layout.data, pool.layout.tensor), (None, 8, 1));
        assert!(groups.doubts.contains(&Doubt::Layout));
        // Groups that the row states are no workers.
        assert_eq!(pool_of(&read("deepseek-ai/DeepSeek-V3", "8,1,8,8,64")).workers, None);
        // Neither are counts that do not divide.
        assert_eq!(pool_of(&read("Qwen/Qwen3-32B", "100,2,1,1,250")).workers, None);
    }
}
