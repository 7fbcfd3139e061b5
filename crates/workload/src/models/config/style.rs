//! What families of models do that their configurations leave unsaid: biases, norms, gates, shared tables.
//!
//! Each line restates what the published modelling code of that family builds; the totals of model cards check them.

/// How queries and keys are normalised before they meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryNorm {
    /// Not at all.
    None,
    /// One scale per element of a head, shared by heads.
    Head,
    /// One scale per element of all heads together.
    Layer,
}

/// Habits of a family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Norms of a layer, outside attention.
    pub norms: u32,
    /// Parameters of a norm per element of the stream: 1 (scale), 2 (scale and shift), 0 (none are learned).
    pub norm_width: u32,
    /// Biases of the projections to queries, keys and values.
    pub input_bias: bool,
    /// Bias of the projection behind attention.
    pub output_bias: bool,
    /// Biases of the feed-forward network.
    pub inner_bias: bool,
    /// Whether the feed-forward network has a gate.
    pub gated: bool,
    /// Whether logits reuse the embedding where nothing is said.
    pub tied: bool,
    /// Norms of queries and keys.
    pub query_norm: QueryNorm,
    /// Whether positions are a learned table.
    pub positions: bool,
    /// Whether the family is known here by name.
    pub known: bool,
}

/// RMS norms, no biases, gated: what most models since Llama do.
const LLAMA: Style = Style {
    norms: 2,
    norm_width: 1,
    input_bias: false,
    output_bias: false,
    inner_bias: false,
    gated: true,
    tied: false,
    query_norm: QueryNorm::None,
    positions: false,
    known: true,
};

/// Layer norms with shifts, biases everywhere, no gate: what models did before.
const GPT: Style = Style {
    norms: 2,
    norm_width: 2,
    input_bias: true,
    output_bias: true,
    inner_bias: true,
    gated: false,
    tied: true,
    query_norm: QueryNorm::None,
    positions: false,
    known: true,
};

/// The habits of a `model_type` (that of the text part where there are several).
pub fn of(model_type: &str) -> Style {
    let plain = model_type.trim_end_matches("_text");
    let plain = if plain == "minimax_m3_vl" { "minimax_m3" } else { plain };
    match plain {
        "llama" | "llama4" | "mistral" | "mistral3" | "ministral" | "ministral3" | "mixtral" | "deepseek"
        | "deepseek_v2" | "deepseek_v3" | "deepseek_v32" | "deepseek_v4" | "deepseek_ref" | "deepseek_vl_v2"
        | "kimi_k2" | "kimi_k25" | "kimi_linear" | "kimi_k3" | "glm_moe_dsa" | "glm4_moe_lite" | "minimax"
        | "minimax_text_01" | "minimax_m1" | "phi3" | "phi4mm" | "phi4_multimodal" | "internlm" | "internlm2"
        | "baichuan" | "yi" | "aquila" | "granite" | "granitemoe" | "granitemoehybrid" | "granitemoeshared"
        | "smollm3" | "nemotron-nas" | "deci" | "step3" | "longcat_flash" | "ernie4_5" | "ernie4_5_moe"
        | "ernie4_5_vl" | "ernie4_5_vl_moe" | "exaone" | "mimo_v2_flash" | "arctic" | "laguna" | "solar" | "lfm2"
        | "lfm2_moe" | "bamba" | "jamba" | "zamba2" | "nemotron_h" => {
            Style { tied: matches!(plain, "smollm3" | "lfm2" | "lfm2_moe"), ..LLAMA }
        }
        "mimo" | "qwen2" | "qwen2_moe" | "qwen2_vl" | "qwen2_5_vl" | "qwen2_audio" | "qwen2_5_omni" | "seed_oss" => {
            Style { input_bias: true, ..LLAMA }
        }
        "chatglm" => Style { input_bias: true, ..LLAMA },
        "glm" => Style { input_bias: true, ..LLAMA },
        "glm4" => Style { input_bias: true, norms: 4, ..LLAMA },
        "glm4_moe" | "glm4v_moe" => Style { input_bias: true, ..LLAMA },
        "qwen3" | "qwen3_moe" | "qwen3_vl" | "qwen3_vl_moe" | "qwen3_next" | "qwen3_5" | "qwen3_5_moe"
        | "qwen3_omni_moe" | "hunyuan" | "hunyuan_v1_dense" | "hunyuan_v1_moe" | "minimax_m3" | "step3p5"
        | "step3p7" | "bailing_moe" | "bailing_moe_v2" | "exaone4" | "apertus" => {
            Style { query_norm: QueryNorm::Head, ..LLAMA }
        }
        "minimax_m2" => Style { query_norm: QueryNorm::Layer, ..LLAMA },
        "gpt_oss" => Style { input_bias: true, output_bias: true, inner_bias: true, ..LLAMA },
        "gemma" => Style { tied: true, ..LLAMA },
        "gemma2" => Style { tied: true, norms: 4, ..LLAMA },
        "gemma3" | "gemma3n" | "gemma4" => Style { tied: true, norms: 4, query_norm: QueryNorm::Head, ..LLAMA },
        "olmo" => Style { norm_width: 0, ..LLAMA },
        "olmo2" | "olmo3" | "olmoe" | "flex_olmo" => Style { query_norm: QueryNorm::Layer, ..LLAMA },
        "cohere" | "cohere2" | "command-r" => Style { norms: 1, tied: true, ..LLAMA },
        "phimoe" => Style { norm_width: 2, input_bias: true, output_bias: true, ..LLAMA },
        "stablelm" => Style { norm_width: 2, ..LLAMA },
        "dbrx" => Style { norm_width: 1, ..LLAMA },
        "grok-1" | "grok" | "grok_1" => Style { norms: 4, ..LLAMA },
        "nemotron" => Style { norm_width: 2, gated: false, ..LLAMA },
        "falcon" | "refinedweb" | "refinedwebmodel" => {
            Style { norms: 1, input_bias: false, output_bias: false, inner_bias: false, ..GPT }
        }
        "mpt" => Style { norm_width: 1, input_bias: false, output_bias: false, inner_bias: false, ..GPT },
        "phi" | "phi-msft" => Style { norms: 1, tied: false, ..GPT },
        "gptj" => Style { norms: 1, input_bias: false, output_bias: false, tied: false, ..GPT },
        "gpt_neox" => Style { tied: false, ..GPT },
        "starcoder2" | "bloom" | "gpt_bigcode" => Style { positions: plain == "gpt_bigcode", ..GPT },
        "gpt2" | "opt" | "megatron" | "gpt_neo" => Style { positions: true, ..GPT },
        _ => Style { known: false, ..LLAMA },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_parts_share_the_habits_of_their_family() {
        assert_eq!(of("gemma3_text"), of("gemma3"));
        assert_eq!(of("qwen3_5_moe_text"), of("qwen3_5_moe"));
        assert!(!of("a_model_of_tomorrow").known);
    }
}
