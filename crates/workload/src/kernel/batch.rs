//! Every row of a table answered: the columns of the kernel files in, times with their bands out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::collective::{self, CollectiveModel, CollectiveRow, ReadRow};
use super::context_attention::{self, ContextAttention};
use super::gemm::{self, GemmKernel, GemmQuery};
use super::generation_attention::{self, GenerationAttention};
use super::moe::{self, MoeKernel};
use super::routing::Loads;
use super::table::Table;
use super::{Calibration, stand_in};
use crate::accelerator::Accelerator;
use crate::accelerator::lineage::donors;
use crate::estimate::Estimate;
use crate::fit::calibration::{OperatorFits, Resolved};
use crate::format::Format;

/// A predicted row.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Seconds.
    pub time: Estimate,
    /// What it was calibrated on, in words.
    pub calibrated_on: Arc<str>,
}

/// Operators that rows can be asked of, as files spell them.
pub const NAMES: [&str; 6] = [
    gemm::NAME,
    context_attention::NAME,
    generation_attention::NAME,
    moe::NAME,
    collective::LIBRARY_NAME,
    collective::ENGINE_NAME,
];

/// Predicts every row of a table with the columns of an operator's file. Other columns are ignored, a measured `latency`
/// among them. The error names file, line and column, or the operators that there are.
pub fn predict(
    operator: &str,
    table: &Table,
    device: &Accelerator,
    calibration: &Calibration,
) -> Result<Vec<Answer>, String> {
    let fits = calibration.operator(operator);
    let rows = 0..table.len();
    match operator {
        gemm::NAME => {
            let mut known: BTreeMap<Format, (GemmKernel, Arc<str>)> = BTreeMap::new();
            let answer = |row| {
                let (format, query) = GemmQuery::of_row(table, row)?;
                let (kernel, words) = known.entry(format).or_insert_with(|| {
                    let kernel = GemmKernel::new(device, fits, format);
                    let words = kernel.calibrated_on().into();
                    (kernel, words)
                });
                Ok(Answer { time: kernel.estimate(&query), calibrated_on: words.clone() })
            };
            rows.map(answer).collect()
        }
        moe::NAME => {
            let mut known: BTreeMap<(String, Format), (MoeKernel, Arc<str>)> = BTreeMap::new();
            let mut loads = Loads::default();
            let answer = |row| {
                let (source, format, shape, tokens) = moe::of_row(table, row)?;
                let (kernel, words) = known.entry((source, format)).or_insert_with_key(|(source, format)| {
                    let kernel = MoeKernel::new(device, fits, *format, Some(source));
                    let words = kernel.calibrated_on().into();
                    (kernel, words)
                });
                let load = loads.of(tokens, shape.experts, shape.active, shape.ranks, shape.routing);
                Ok(Answer { time: kernel.time_under(&shape, tokens, load), calibrated_on: words.clone() })
            };
            rows.map(answer).collect()
        }
        context_attention::NAME => {
            let mut known: BTreeMap<&str, (ContextAttention, Arc<str>)> = BTreeMap::new();
            let answer = |row| {
                let (shape, query) = ContextAttention::query(table, row)?;
                let (kernel, words) = known.entry(shape.variant()).or_insert_with(|| {
                    let (kernel, words) = ContextAttention::new(device, fits, &shape);
                    (kernel, words.into())
                });
                Ok(Answer { time: kernel.estimate(&query), calibrated_on: words.clone() })
            };
            rows.map(answer).collect()
        }
        generation_attention::NAME => {
            let mut known: BTreeMap<String, (GenerationAttention, Arc<str>)> = BTreeMap::new();
            let answer = |row| {
                let (shape, query) = GenerationAttention::query(table, row)?;
                let (kernel, words) = known.entry(GenerationAttention::variant(&shape)).or_insert_with(|| {
                    let (kernel, words) = GenerationAttention::new(device, fits, &shape);
                    (kernel, words.into())
                });
                Ok(Answer { time: kernel.estimate(&query), calibrated_on: words.clone() })
            };
            rows.map(answer).collect()
        }
        collective::LIBRARY_NAME => collectives(table, device, fits, collective::library_row),
        collective::ENGINE_NAME => collectives(table, device, fits, collective::engine_row),
        _ => Err(format!("no operator is called `{operator}`; known are {}", NAMES.join(", "))),
    }
}

fn collectives(
    table: &Table,
    device: &Accelerator,
    fits: Option<&OperatorFits>,
    of_row: ReadRow,
) -> Result<Vec<Answer>, String> {
    let mut known: BTreeMap<(String, Option<String>), (CollectiveModel, Arc<str>)> = BTreeMap::new();
    let answer = |at| {
        let row = of_row(table, at)?;
        let (model, words) = known
            .entry((row.variant.clone(), row.version.clone()))
            .or_insert_with(|| collective_model(device, fits, &row));
        Ok(Answer { time: model.estimate(row.ranks, row.bytes, row.integer), calibrated_on: words.clone() })
    };
    (0..table.len()).map(answer).collect()
}

/// The device's own fit of a kernel or collective, else the nearest donor's; else another kernel of the device for the same
/// collective; else the law alone.
fn collective_model(
    device: &Accelerator,
    fits: Option<&OperatorFits>,
    row: &CollectiveRow,
) -> (CollectiveModel, Arc<str>) {
    let lent = donors(device);
    let ids: Vec<&str> = std::iter::once(device.id.as_str()).chain(lent.iter().map(|donor| donor.id)).collect();
    let version = row.version.as_deref();
    let found = fits.and_then(|fits| {
        let own = |id: &&str| CollectiveModel::choose(&fits.fits, id, &row.variant, version);
        let other = |id: &&str| fits.fits.iter().find(|fit| fit.device == **id);
        let fit = ids.iter().find_map(own).or_else(|| ids.iter().find_map(other))?;
        let named = fit.variant.split('/').next() == Some(row.variant.as_str());
        let measured = fit.device == device.id && named;
        let spread = match measured {
            true => fit.spread.clone(),
            false => fit.spread.widened(fits.transfer_band(fit, &device.id)),
        };
        Some(Resolved { fit, spread, measured })
    });
    match found {
        Some(found) => (CollectiveModel::of(device, &found, row.collective, version), found.words().into()),
        None => (CollectiveModel::unfitted(device, row.collective), stand_in::NOTHING.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::tests::plain;

    fn ask(operator: &str, text: &str) -> Result<Vec<Answer>, String> {
        let table = Table::read("rows.csv", text)?;
        predict(operator, &table, &plain("nvidia/h200-sxm", 989e12, 4.8e12), Calibration::built_in())
    }

    #[test]
    fn every_operator_answers_for_a_device_without_kernels() {
        let rows = [
            ("gemm", "k,n,m,gemm_dtype,latency\n8192,8192,1,bfloat16,99\n"),
            (
                "context_attention",
                "batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,kv_cache_dtype,step\n1,4096,32,8,128,bfloat16,fp8,0\n",
            ),
            (
                "generation_attention",
                "batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,kv_cache_dtype,step\n8,1,32,8,128,bfloat16,bfloat16,4095\n",
            ),
            (
                "moe",
                "kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution\nmoe_torch_flow_cutlass,fp8,64,7168,2048,8,256,1,8,power_law_1.2\n",
            ),
            ("nccl", "op_name,nccl_dtype,num_gpus,message_size,nccl_version\nall_gather,half,8,1048576,2.27.3\n"),
            (
                "custom_allreduce",
                "fw,kernel_source,allreduce_dtype,num_gpus,message_size\nx/1,unheard_of,bfloat16,8,8192\n",
            ),
        ];
        for (operator, text) in rows {
            let answer = &ask(operator, text).expect(operator)[0];
            let time = answer.time;
            assert!(1e-6 < time.low && time.low < time.likely && time.likely < time.high, "{operator}: {answer:?}");
            assert!(time.high < 2e-3 && !answer.calibrated_on.is_empty(), "{operator}: {answer:?}");
        }
        let gemm = &ask("gemm", rows[0].1).expect("gemm")[0];
        assert!(gemm.calibrated_on.starts_with("transferred from nvidia/h100-sxm"), "{gemm:?}");
        // 134 MB at 4.8 TB/s are 28 us; the table of H200 in general use has 76 to 82 % of the bandwidth here.
        let share = 134.2e6 / 4.8e12 / gemm.time.likely;
        assert!((0.72..0.86).contains(&share), "{share}");
    }

    #[test]
    fn bad_rows_are_named() {
        let wrong = ask("gemm", "gemm_dtype,m,n,k\nbf16,1,2,3\nbf16,1,0,3\n").expect_err("zero");
        assert!(wrong.contains("rows.csv: line 3, column n"), "{wrong}");
        assert!(ask("gemm", "m,n,k\n1,2,3\n").expect_err("no format").contains("gemm_dtype"));
        assert!(ask("gem", "m\n1\n").expect_err("unknown").contains("context_attention"));
    }
}
