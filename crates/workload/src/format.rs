//! Number formats: how weights, activations and caches are stored, and which arithmetic they use.

use serde::Serialize;

/// How an operator's operands are stored and multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point (bfloat16 or float16: same rates everywhere that matters here).
    Bf16,
    /// 8-bit floating point, one scale per tensor, weights and activations.
    Fp8,
    /// 8-bit floating point, one scale per block of 128, weights and activations.
    Fp8Block,
    /// 8-bit integers, weights and activations (SmoothQuant).
    Int8,
    /// 8-bit integer weights, 16-bit arithmetic.
    Int8Weight,
    /// 4-bit integer weights (groups of 128 with a 16-bit scale), 16-bit arithmetic.
    Int4Weight,
    /// 4-bit floating point in blocks of 16 with an 8-bit scale, weights and activations.
    Nvfp4,
    /// 4-bit floating-point weights in blocks of 32 with an 8-bit scale, 16-bit arithmetic.
    Mxfp4Weight,
    /// 4-bit floating-point weights in blocks of 32 with an 8-bit scale, 8-bit arithmetic.
    Mxfp4Fp8,
}

/// Which peak rate of an accelerator bounds an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// 32-bit (tensor cores with reduced mantissa where a device has them).
    Fp32,
    /// 16-bit floating point.
    Bf16,
    /// 8-bit floating point.
    Fp8,
    /// 8-bit integer.
    Int8,
    /// 4-bit floating point.
    Fp4,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Fp32,
        Self::Bf16,
        Self::Fp8,
        Self::Fp8Block,
        Self::Int8,
        Self::Int8Weight,
        Self::Int4Weight,
        Self::Nvfp4,
        Self::Mxfp4Weight,
        Self::Mxfp4Fp8,
    ];

    /// Bytes per weight, scales included.
    pub fn weight_bytes(self) -> f64 {
        match self {
            Self::Fp32 => 4.0,
            Self::Bf16 => 2.0,
            Self::Fp8 | Self::Int8 | Self::Int8Weight => 1.0,
            Self::Fp8Block => 1.0 + 4.0 / (128.0 * 128.0),
            Self::Int4Weight => 0.5 + 2.0 / 128.0,
            Self::Nvfp4 => 0.5 + 1.0 / 16.0,
            Self::Mxfp4Weight | Self::Mxfp4Fp8 => 0.5 + 1.0 / 32.0,
        }
    }

    /// Bytes per element of the activations that enter a product, scales included.
    pub fn activation_bytes(self) -> f64 {
        match self {
            Self::Fp32 => 4.0,
            Self::Bf16 | Self::Int8Weight | Self::Int4Weight | Self::Mxfp4Weight => 2.0,
            Self::Fp8 | Self::Int8 => 1.0,
            Self::Fp8Block | Self::Mxfp4Fp8 => 1.0 + 4.0 / 128.0,
            Self::Nvfp4 => 0.5 + 1.0 / 16.0,
        }
    }

    /// Which arithmetic multiplies.
    pub fn arithmetic(self) -> Arithmetic {
        match self {
            Self::Fp32 => Arithmetic::Fp32,
            Self::Bf16 | Self::Int8Weight | Self::Int4Weight | Self::Mxfp4Weight => Arithmetic::Bf16,
            Self::Fp8 | Self::Fp8Block | Self::Mxfp4Fp8 => Arithmetic::Fp8,
            Self::Int8 => Arithmetic::Int8,
            Self::Nvfp4 => Arithmetic::Fp4,
        }
    }

    /// The spelling of reports and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Fp8Block => "fp8_block",
            Self::Int8 => "int8",
            Self::Int8Weight => "int8_wo",
            Self::Int4Weight => "int4_wo",
            Self::Nvfp4 => "nvfp4",
            Self::Mxfp4Weight => "w4a16_mxfp4",
            Self::Mxfp4Fp8 => "w4a8_mxfp4_mxfp8",
        }
    }

    /// From any spelling in use; case does not matter.
    pub fn from_name(text: &str) -> Option<Self> {
        Some(match text.trim().to_ascii_lowercase().as_str() {
            "fp32" | "float32" | "f32" => Self::Fp32,
            "bf16" | "bfloat16" | "fp16" | "float16" | "half" | "f16" => Self::Bf16,
            "fp8" | "float8" | "fp8_static" | "fp8_e4m3" | "f8" | "w8a8_fp8" => Self::Fp8,
            "fp8_block" | "fp8-block" | "fp8_blockwise" => Self::Fp8Block,
            "int8" | "sq" | "w8a8" | "smoothquant" => Self::Int8,
            "int8_wo" | "int8-wo" | "w8a16" => Self::Int8Weight,
            "int4" | "int4_wo" | "int4-wo" | "w4a16" | "awq" | "gptq" | "q4" => Self::Int4Weight,
            "nvfp4" | "fp4" | "w4a4" => Self::Nvfp4,
            "mxfp4" | "w4a16_mxfp4" => Self::Mxfp4Weight,
            "w4a8_mxfp4_mxfp8" | "w4a8_mxfp4_fp8" | "w4a8_mxfp4" => Self::Mxfp4Fp8,
            _ => return None,
        })
    }
}
