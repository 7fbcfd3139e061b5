//! The attention of a layer from the keys of its family.

use serde_json::Value;

use super::fields::{Fault, Fields};
use super::pattern::Mixer;
use super::style::{QueryNorm, Style};
use crate::models::parameters::product;
use crate::models::transformer::{Attention, SparseIndex};

/// What all layers share.
pub struct Shape<'a> {
    /// The configuration.
    pub fields: Fields<'a>,
    /// Its family.
    pub model_type: &'a str,
    /// Habits of the family.
    pub style: Style,
    /// Width of the stream.
    pub hidden: u32,
}

impl Shape<'_> {
    fn is(&self, families: &[&str]) -> bool {
        families.contains(&self.model_type.trim_end_matches("_text"))
    }

    /// How layer `layer` looks back, and its parameters outside matrices.
    pub fn attention(&self, layer: u32, mixer: Mixer) -> Result<(Attention, u64), Fault> {
        match mixer {
            Mixer::None => Ok((Attention::None, 0)),
            Mixer::Full => self.full(layer),
            Mixer::Window(window) => self.grouped(layer, Some(window)),
            Mixer::Linear => self.linear(),
            Mixer::StateSpace => self.state_space(),
            Mixer::Convolution => self.short_convolution(),
            Mixer::Compressed(ratio) => self.compressed(ratio),
        }
    }

    fn full(&self, layer: u32) -> Result<(Attention, u64), Fault> {
        if self.fields.positive(&["kv_lora_rank"])?.is_some() { self.latent(layer) } else { self.grouped(layer, None) }
    }

    fn grouped(&self, layer: u32, window: Option<u32>) -> Result<(Attention, u64), Fault> {
        let fields = &self.fields;
        let sliding = window.is_some();
        // Some families give their sliding layers other heads.
        let own = |key: &'static str| if sliding { fields.positive(&[key]) } else { Ok(None) };
        let heads = match own("swa_num_attention_heads")? {
            Some(heads) => heads,
            None => {
                fields.need("count of attention heads", &["num_attention_heads", "n_head", "n_heads", "num_heads"])?
            }
        };
        let wide = if sliding { None } else { fields.positive(&["global_head_dim"])? };
        let head_dim = match own("swa_head_dim")?.or(wide) {
            Some(head_dim) => head_dim,
            None => self.head_dim(heads)?,
        };
        let value_dim = own("swa_v_head_dim")?.or(fields.positive(&["v_head_dim"])?).unwrap_or(head_dim);
        let kv_heads = match own("swa_num_key_value_heads")? {
            Some(kv_heads) => kv_heads,
            None => self.kv_heads(heads, sliding)?,
        };
        if kv_heads > heads || !heads.is_multiple_of(kv_heads) {
            return Err(fields.fault(
                "num_key_value_heads",
                format!("is {kv_heads}, which does not divide {heads} attention heads"),
                "expected a divisor of num_attention_heads, so that every key-value head serves equally many queries",
            ));
        }
        let gated = fields.flag("attn_output_gate") == Some(true) || self.is(&["qwen3_next"]);
        let (queries, keys, values) =
            (product(&[heads, head_dim]), product(&[kv_heads, head_dim]), product(&[kv_heads, value_dim]));
        let (input_bias, output_bias) = self.biases();
        let mut other = 0;
        if input_bias {
            other += queries + keys + values;
        }
        if output_bias {
            other += u64::from(self.hidden);
        }
        other += match self.query_norm() {
            QueryNorm::None => 0,
            QueryNorm::Head => 2 * u64::from(head_dim),
            QueryNorm::Layer => queries + keys,
        };
        if self.is(&["gpt_oss"]) || (sliding && fields.flag("add_swa_attention_sink_bias") == Some(true)) {
            other += u64::from(heads);
        }
        let sparse = self.block_index(layer)?;
        if let Some(index) = sparse {
            other += 2 * u64::from(index.dim);
        }
        Ok((Attention::Grouped { heads, kv_heads, head_dim, value_dim, window, gated, sparse }, other))
    }

    /// Biases before and behind attention: what the file says, else what the family does.
    fn biases(&self) -> (bool, bool) {
        let fields = &self.fields;
        let said = fields.flag("attention_bias").or(fields.flag("qkv_bias")).or(fields.flag("add_qkv_bias"));
        let said = said.or(fields.flag("use_bias")).or(fields.flag("use_qkv_bias"));
        let input = said.unwrap_or(self.style.input_bias);
        // In these families the switch is for queries, keys and values alone.
        let inputs_only = self.is(&["glm4_moe", "glm4v_moe", "glm4", "glm", "chatglm", "qwen2", "qwen2_moe", "mimo"]);
        let output = match fields.flag("attention_out_bias").or(fields.flag("attention_output_bias")) {
            Some(said) => said,
            None if inputs_only => false,
            None if fields.flag("attention_bias") == Some(true) => true,
            None => self.style.output_bias && input,
        };
        (input, output)
    }

    fn query_norm(&self) -> QueryNorm {
        let fields = &self.fields;
        match (fields.flag("use_qk_norm").or(fields.flag("qk_layernorm")), fields.text("qk_norm_type")) {
            (Some(false), _) if !self.is(&["qwen3_next"]) => QueryNorm::None,
            (_, Some("per_layer")) => QueryNorm::Layer,
            (Some(true), _) if self.is(&["cohere"]) => QueryNorm::Layer,
            (Some(true), _) if self.is(&["llama4"]) => QueryNorm::None,
            (Some(true), _) if self.style.query_norm == QueryNorm::None => QueryNorm::Head,
            _ => self.style.query_norm,
        }
    }

    fn kv_heads(&self, heads: u32, sliding: bool) -> Result<u32, Fault> {
        let fields = &self.fields;
        if !sliding && let Some(kv_heads) = fields.positive(&["num_global_key_value_heads"])? {
            return Ok(kv_heads);
        }
        if fields.flag("multi_query") == Some(true) && fields.flag("new_decoder_architecture") != Some(true) {
            return Ok(1);
        }
        let keys = [
            "num_key_value_heads",
            "num_kv_heads",
            "n_kv_heads",
            "n_head_kv",
            "multi_query_group_num",
            "num_query_groups",
            "num_attention_groups",
        ];
        if let Some(kv_heads) = fields.positive(&keys)? {
            return Ok(kv_heads);
        }
        let nested = fields.object("attn_config").map(|object| Fields::new(object, "attn_config"));
        Ok(match nested {
            Some(nested) => nested.positive(&["kv_n_heads"])?.unwrap_or(heads),
            None => heads,
        })
    }

    fn head_dim(&self, heads: u32) -> Result<u32, Fault> {
        let fields = &self.fields;
        if let Some(head_dim) = fields.positive(&["head_dim", "attention_head_dim", "kv_channels"])? {
            return Ok(head_dim);
        }
        if !self.hidden.is_multiple_of(heads) {
            return Err(fields.fault(
                "num_attention_heads",
                format!("is {heads}, which does not divide the width of {}", self.hidden),
                "add head_dim, or expected a divisor of hidden_size",
            ));
        }
        Ok(self.hidden / heads)
    }

    fn latent(&self, layer: u32) -> Result<(Attention, u64), Fault> {
        let fields = &self.fields;
        let heads = fields.need("count of attention heads", &["num_attention_heads"])?;
        let kv_rank = fields.need("rank of keys and values", &["kv_lora_rank"])?;
        let query_rank = fields.positive(&["q_lora_rank"])?;
        let rope_dim = fields.need("size of the part with positions", &["qk_rope_head_dim"])?;
        let nope_dim = fields.need("size of the part without positions", &["qk_nope_head_dim"])?;
        let value_dim = fields.need("size of value heads", &["v_head_dim"])?;
        // Some layers take what an earlier one chose.
        let shared = fields.list("indexer_types").and_then(|list| list.get(layer as usize)).and_then(Value::as_str);
        let sparse = match fields.positive(&["index_topk"])? {
            Some(kept) if shared == Some("shared") => Some(SparseIndex { heads: 0, dim: 0, kept, block: 1 }),
            Some(kept) => Some(SparseIndex {
                heads: fields.need("count of indexer heads", &["index_n_heads"])?,
                dim: fields.need("size of indexer heads", &["index_head_dim"])?,
                kept,
                block: 1,
            }),
            None => None,
        };
        let mut other = u64::from(query_rank.unwrap_or(0)) + u64::from(kv_rank);
        other += sparse.map_or(0, |index| 2 * u64::from(index.dim));
        if fields.flag("mla_use_output_gate") == Some(true) {
            other += product(&[self.hidden, heads, value_dim]);
        }
        Ok((Attention::Latent { heads, query_rank, kv_rank, rope_dim, nope_dim, value_dim, sparse }, other))
    }

    /// Selection by blocks (MiniMax-M3): an indexer per layer that has one.
    fn block_index(&self, layer: u32) -> Result<Option<SparseIndex>, Fault> {
        let Some(object) = self.fields.object("sparse_attention_config") else { return Ok(None) };
        let fields = Fields::new(object, "sparse_attention_config");
        if fields.flag("use_sparse_attention") == Some(false) {
            return Ok(None);
        }
        let on = fields.list("sparse_attention_freq").and_then(|list| list.get(layer as usize));
        if on.is_some_and(|value| value.as_u64() == Some(0)) {
            return Ok(None);
        }
        let block = fields.need("size of blocks", &["sparse_block_size"])?;
        let blocks = fields.need("count of blocks kept", &["sparse_topk_blocks"])?;
        Ok(Some(SparseIndex {
            heads: fields.need("count of indexer heads", &["sparse_num_index_heads"])?,
            dim: fields.need("size of indexer heads", &["sparse_index_dim"])?,
            kept: blocks.saturating_mul(block),
            block,
        }))
    }

    fn compressed(&self, ratio: u32) -> Result<(Attention, u64), Fault> {
        let fields = &self.fields;
        let heads = fields.need("count of attention heads", &["num_attention_heads"])?;
        let head_dim = fields.need("size of heads", &["head_dim"])?;
        let query_rank = fields.need("rank of queries", &["q_lora_rank"])?;
        // Single vectors are selected where groups are small; large groups are all read.
        let sparse = if ratio > 0 && ratio <= 16 {
            Some(SparseIndex {
                heads: fields.need("count of indexer heads", &["index_n_heads"])?,
                dim: fields.need("size of indexer heads", &["index_head_dim"])?,
                kept: fields.need("count of vectors kept", &["index_topk"])?,
                block: 1,
            })
        } else {
            None
        };
        let twice = if sparse.is_some() { 2 } else { 1 };
        let mut other = u64::from(query_rank) + u64::from(head_dim) + u64::from(heads);
        if ratio > 0 {
            // Positions within a group, and the norm of what is stored.
            other += product(&[ratio, head_dim, twice]) + u64::from(head_dim);
        }
        if let Some(index) = sparse {
            other += product(&[ratio, index.dim, 2]) + u64::from(index.dim);
        }
        Ok((
            Attention::Compressed {
                heads,
                head_dim,
                query_rank,
                output_groups: fields.need("count of output groups", &["o_groups"])?,
                output_rank: fields.need("rank of the output", &["o_lora_rank"])?,
                ratio,
                window: fields.need("window", &["sliding_window"])?,
                sparse,
            },
            other,
        ))
    }

    fn linear(&self) -> Result<(Attention, u64), Fault> {
        let fields = &self.fields;
        if let Some(object) = fields.object("linear_attn_config") {
            return self.delta_per_channel(&Fields::new(object, "linear_attn_config"));
        }
        if fields.positive(&["linear_num_value_heads"])?.is_some() {
            let key_heads = fields.need("count of linear key heads", &["linear_num_key_heads"])?;
            let value_heads = fields.need("count of linear value heads", &["linear_num_value_heads"])?;
            let key_dim = fields.need("size of linear key heads", &["linear_key_head_dim"])?;
            let value_dim = fields.need("size of linear value heads", &["linear_value_head_dim"])?;
            let convolution = fields.count(&["linear_conv_kernel_dim"])?.unwrap_or(0);
            let channels = 2 * product(&[key_heads, key_dim]) + product(&[value_heads, value_dim]);
            let other =
                channels.saturating_mul(u64::from(convolution)) + 2 * u64::from(value_heads) + u64::from(value_dim);
            return Ok((
                Attention::Linear {
                    key_heads,
                    value_heads,
                    key_dim,
                    value_dim,
                    convolution,
                    gated: true,
                    head_gates: 2,
                },
                other,
            ));
        }
        // Lightning attention: as many heads as attention has, a gate and a norm of their width.
        let heads = fields.need("count of attention heads", &["num_attention_heads"])?;
        let dim = self.head_dim(heads)?;
        Ok((
            Attention::Linear {
                key_heads: heads,
                value_heads: heads,
                key_dim: dim,
                value_dim: dim,
                convolution: 0,
                gated: true,
                head_gates: 0,
            },
            product(&[heads, dim]),
        ))
    }

    /// Delta rule with a decay per channel (Kimi).
    fn delta_per_channel(&self, fields: &Fields) -> Result<(Attention, u64), Fault> {
        let heads = fields.need("count of linear heads", &["num_heads"])?;
        let dim = fields.need("size of linear heads", &["head_dim"])?;
        let convolution = fields.count(&["short_conv_kernel_size"])?.unwrap_or(0);
        let gated = fields.flag("use_full_rank_gate") == Some(true);
        let inner = product(&[heads, dim]);
        // The decay passes a rank of one head; so does the gate, where it is not of full rank.
        let low_rank = product(&[self.hidden, dim]).saturating_add(inner.saturating_mul(u64::from(dim)));
        let mut other = low_rank + 3 * inner * u64::from(convolution) + inner + u64::from(heads) + u64::from(dim);
        if !gated {
            other += low_rank;
        }
        Ok((
            Attention::Linear {
                key_heads: heads,
                value_heads: heads,
                key_dim: dim,
                value_dim: dim,
                convolution,
                gated,
                head_gates: 1,
            },
            other,
        ))
    }

    fn state_space(&self) -> Result<(Attention, u64), Fault> {
        let fields = &self.fields;
        let value_heads = fields.need("count of state-space heads", &["mamba_num_heads", "mamba_n_heads"])?;
        let value_dim = fields.need("size of state-space heads", &["mamba_head_dim", "mamba_d_head"])?;
        let key_dim = fields.need("size of the state", &["ssm_state_size", "mamba_d_state", "state_size"])?;
        let key_heads = fields.positive(&["n_groups", "mamba_n_groups"])?.unwrap_or(1);
        let convolution = fields.count(&["conv_kernel", "mamba_d_conv"])?.unwrap_or(4);
        let inner = product(&[value_heads, value_dim]);
        let channels = inner.saturating_add(product(&[2, key_heads, key_dim]));
        let bias = fields.flag("use_conv_bias").or(fields.flag("mamba_conv_bias")).unwrap_or(true);
        let other =
            channels.saturating_mul(u64::from(convolution) + u64::from(bias)) + 3 * u64::from(value_heads) + inner;
        Ok((
            Attention::Linear { key_heads, value_heads, key_dim, value_dim, convolution, gated: true, head_gates: 1 },
            other,
        ))
    }

    /// A gated convolution over a few tokens: three projections of the stream's width and one back.
    fn short_convolution(&self) -> Result<(Attention, u64), Fault> {
        let taps = self.fields.count(&["conv_L_cache", "conv_kernel"])?.unwrap_or(3);
        Ok((
            Attention::Linear {
                key_heads: 1,
                value_heads: 1,
                key_dim: self.hidden / 2,
                value_dim: self.hidden,
                convolution: taps,
                gated: true,
                head_gates: 0,
            },
            product(&[self.hidden, taps]),
        ))
    }
}
