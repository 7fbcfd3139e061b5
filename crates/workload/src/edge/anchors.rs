//! Published decode rates of single streams, with what is read for a token.

use serde::Serialize;

use super::stack::Stack;

/// A model as its decode reads it. Counts of parameters from the published shapes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shape {
    /// Name.
    pub name: &'static str,
    /// Weights of all layers.
    pub body: f64,
    /// Weights of the matrix of logits (the embedding itself where they are tied).
    pub head: f64,
    /// Layers.
    pub layers: f64,
    /// Cache of a token, elements.
    pub kv_elements: f64,
}

const LLAMA2_7B: Shape =
    Shape { name: "llama-2-7b", body: 6.476e9, head: 0.131e9, layers: 32.0, kv_elements: 262_144.0 };
const LLAMA2_13B: Shape =
    Shape { name: "llama-2-13b", body: 12.688e9, head: 0.164e9, layers: 40.0, kv_elements: 409_600.0 };
const LLAMA2_70B: Shape =
    Shape { name: "llama-2-70b", body: 68.452e9, head: 0.262e9, layers: 80.0, kv_elements: 163_840.0 };
const LLAMA31_8B: Shape =
    Shape { name: "llama-3.1-8b", body: 6.980e9, head: 0.525e9, layers: 32.0, kv_elements: 65_536.0 };
const LLAMA32_3B: Shape =
    Shape { name: "llama-3.2-3b", body: 2.819e9, head: 0.394e9, layers: 28.0, kv_elements: 57_344.0 };
const QWEN25_05B: Shape =
    Shape { name: "qwen2.5-0.5b", body: 0.358e9, head: 0.136e9, layers: 24.0, kv_elements: 6_144.0 };
const QWEN25_15B: Shape =
    Shape { name: "qwen2.5-1.5b", body: 1.311e9, head: 0.233e9, layers: 28.0, kv_elements: 14_336.0 };
const QWEN25_3B: Shape =
    Shape { name: "qwen2.5-3b", body: 2.775e9, head: 0.311e9, layers: 36.0, kv_elements: 18_432.0 };
const QWEN3_4B: Shape = Shape { name: "qwen3-4b", body: 3.633e9, head: 0.389e9, layers: 36.0, kv_elements: 73_728.0 };
const QWEN3_06B: Shape =
    Shape { name: "qwen3-0.6b", body: 0.440e9, head: 0.156e9, layers: 28.0, kv_elements: 57_344.0 };

/// A measured decode rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Anchor {
    /// Software.
    pub stack: Stack,
    /// Device, as catalogue part where there is one.
    pub device: &'static str,
    /// Peak of its memory, bytes per second (general knowledge of the makers' documents).
    pub bandwidth: f64,
    /// Model.
    pub shape: Shape,
    /// Bytes per weight of the layers, scales included.
    pub body_bytes: f64,
    /// Bytes per weight of the matrix of logits.
    pub head_bytes: f64,
    /// Tokens per second.
    pub tokens_per_s: f64,
    /// Where it was published.
    pub source: &'static str,
}

/// Tokens in the cache where a source does not say: half of a short answer to a short prompt.
pub const CONTEXT: f64 = 256.0;

impl Anchor {
    /// Bytes read for a token.
    pub fn bytes(&self) -> f64 {
        self.shape.body * self.body_bytes + self.shape.head * self.head_bytes + CONTEXT * self.shape.kv_elements * 2.0
    }

    /// Seconds of a token at the memory's peak.
    pub fn at_peak(&self) -> f64 {
        self.bytes() / self.bandwidth
    }
}

const fn of(
    stack: Stack,
    device: &'static str,
    gb_s: f64,
    shape: Shape,
    (body_bytes, head_bytes): (f64, f64),
    tokens_per_s: f64,
    source: &'static str,
) -> Anchor {
    Anchor { stack, device, bandwidth: gb_s * 1e9, shape, body_bytes, head_bytes, tokens_per_s, source }
}

/// Blocks of 32 with a 16-bit scale: what 4-bit files of llama.cpp hold for Llama 2, and its mean for K-quants.
const Q4: (f64, f64) = (4.5 / 8.0, 4.5 / 8.0);
/// Mixed K-quants of 4 bits.
const Q4_K: (f64, f64) = (4.85 / 8.0, 4.85 / 8.0);
/// Groups of 128 with a 16-bit scale and zero, logits in 16 bits.
const AWQ: (f64, f64) = (4.25 / 8.0, 2.0);

const HOLOHUB: &str = "nvidia-holoscan/holohub#170";
const GEERLING: &str = "geerlingguy/ai-benchmarks#13";
const EDGE_LLM: &str = "NVIDIA/TensorRT-Edge-LLM#60";
const EDGE_LLM_THOR: &str = "TensorRT Edge-LLM 0.4.0, published performance benchmarks";
const STACK_FLOW: &str = "m5stack/StackFlow benchmark/RESULTS.md";

/// Every measurement that the laws are fitted on.
pub const ANCHORS: [Anchor; 25] = [
    of(Stack::LlamaCpp, "nvidia/orin", 204.8, LLAMA2_7B, Q4, 22.5, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/orin", 204.8, LLAMA2_13B, Q4, 13.3, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/orin", 204.8, LLAMA2_70B, Q4, 3.0, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/a6000", 768.0, LLAMA2_7B, Q4, 102.8, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/a6000", 768.0, LLAMA2_13B, Q4, 63.5, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/a6000", 768.0, LLAMA2_70B, Q4, 14.0, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/a6000-ada", 960.0, LLAMA2_7B, Q4, 114.1, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/a6000-ada", 960.0, LLAMA2_13B, Q4, 66.3, HOLOHUB),
    of(Stack::LlamaCpp, "nvidia/a6000-ada", 960.0, LLAMA2_70B, Q4, 16.73, HOLOHUB),
    of(Stack::Tuned, "nvidia/a6000", 768.0, LLAMA2_7B, AWQ, 137.56, HOLOHUB),
    of(Stack::Tuned, "nvidia/a6000", 768.0, LLAMA2_13B, AWQ, 77.5, HOLOHUB),
    of(Stack::Tuned, "nvidia/a6000-ada", 960.0, LLAMA2_7B, AWQ, 186.583, HOLOHUB),
    of(Stack::Tuned, "nvidia/a6000-ada", 960.0, LLAMA2_13B, AWQ, 105.275, HOLOHUB),
    of(Stack::Tuned, "nvidia/orin", 204.8, QWEN3_4B, (2.0, 2.0), 20.2, EDGE_LLM),
    of(Stack::Tuned, "nvidia/orin", 204.8, QWEN3_4B, (1.0, 2.0), 35.5, EDGE_LLM),
    of(Stack::Tuned, "nvidia/orin", 204.8, QWEN3_4B, AWQ, 52.2, EDGE_LLM),
    of(Stack::Tuned, "nvidia/orin", 204.8, QWEN25_3B, (2.0, 2.0), 27.2, EDGE_LLM),
    of(Stack::Tuned, "nvidia/orin", 204.8, QWEN25_3B, (1.0, 2.0), 45.2, EDGE_LLM),
    of(Stack::Tuned, "nvidia/orin", 204.8, QWEN25_3B, AWQ, 71.8, EDGE_LLM),
    of(Stack::Tuned, "nvidia/thor", 273.0, LLAMA31_8B, AWQ, 50.8, EDGE_LLM_THOR),
    of(Stack::Tuned, "nvidia/thor", 273.0, QWEN3_4B, AWQ, 76.4, EDGE_LLM_THOR),
    of(Stack::Tuned, "nvidia/thor", 273.0, QWEN3_06B, AWQ, 270.2, EDGE_LLM_THOR),
    of(Stack::Cpu, "radxa/orion-o6", 96.0, LLAMA32_3B, Q4_K, 16.49, GEERLING),
    of(Stack::Cpu, "radxa/orion-o6", 96.0, LLAMA31_8B, Q4_K, 7.6, GEERLING),
    of(Stack::Cpu, "radxa/orion-o6", 96.0, LLAMA2_13B, Q4, 4.17, GEERLING),
];

/// Two more, on a device whose memory is not published: enough for a law of its own there, and nothing else.
pub const AX630C: [Anchor; 2] = [
    of(Stack::Npu, "axera/ax630c", 17.0, QWEN25_05B, (1.0, 1.0), 10.3, STACK_FLOW),
    of(Stack::Npu, "axera/ax630c", 17.0, QWEN25_15B, (1.0, 1.0), 3.6, STACK_FLOW),
];
