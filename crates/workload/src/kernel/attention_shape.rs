//! The shape of an attention layer on one device, from a model or from a row of measurements.

use serde::Serialize;

use super::table::Table;
use crate::accelerator::Accelerator;
use crate::fit::law::Peaks;
use crate::format::{Arithmetic, Format};

/// An attention layer as one device sees it: heads are those of the device, after tensor parallelism.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AttentionShape {
    /// Query heads, at least 1.
    pub heads: u32,
    /// Key and value heads, at least 1.
    pub kv_heads: u32,
    /// Elements of a head.
    pub head_dim: u32,
    /// Tokens that a query sees at most (sliding window).
    pub window: Option<u32>,
    /// What the products are computed in: 16-bit, or 8-bit floating point.
    pub attention: Format,
    /// How keys and values are cached.
    pub cache: Format,
}

impl AttentionShape {
    /// Query heads that share a key head.
    pub fn group(&self) -> f64 {
        f64::from(self.heads.max(1)) / f64::from(self.kv_heads.max(1))
    }

    /// Bytes of one cached element: caches hold 16-bit, 8-bit or 4-bit numbers whatever the weights' scheme is.
    pub fn cache_bytes(&self) -> f64 {
        match self.cache {
            Format::Fp32 => 4.0,
            other => other.activation_bytes(),
        }
    }

    /// Bytes that one token takes in the cache of this layer and device.
    pub fn token_bytes(&self) -> f64 {
        2.0 * f64::from(self.kv_heads.max(1)) * f64::from(self.head_dim.max(1)) * self.cache_bytes()
    }

    /// Which peak bounds the products.
    pub fn arithmetic(&self) -> Arithmetic {
        match self.attention.arithmetic() {
            Arithmetic::Fp8 | Arithmetic::Fp4 => Arithmetic::Fp8,
            Arithmetic::Fp32 => Arithmetic::Fp32,
            Arithmetic::Bf16 | Arithmetic::Int8 => Arithmetic::Bf16,
        }
    }

    /// The peaks of a device for this layer.
    pub fn peaks(&self, device: &Accelerator) -> Peaks {
        Peaks::of(device, self.arithmetic())
    }

    /// The cost of a query-key pair in a head of this size, as a multiple of one of 128 elements. Products grow with the
    /// size; the exponential of a pair does not, and costs about as much as 32 elements: public measurements of
    /// flash-attention kernels on H100 reach 0.7 to 0.8 of the rate of 128 elements at 64 (an estimate for other devices).
    pub fn pair_cost(&self) -> f64 {
        const EXPONENTIAL: f64 = 32.0;
        (f64::from(self.head_dim.max(1)) + EXPONENTIAL) / (128.0 + EXPONENTIAL)
    }

    /// How variants are called in calibration files: `bf16/fp8` is 16-bit products on an 8-bit cache.
    pub fn variant(&self) -> &'static str {
        let narrow = |format: Format| format.activation_bytes() < 1.5;
        match (narrow(self.attention), narrow(self.cache)) {
            (false, false) => "bf16/bf16",
            (false, true) => "bf16/fp8",
            (true, true) => "fp8/fp8",
            (true, false) => "fp8/bf16",
        }
    }

    /// Shape of a row of measured attention.
    pub fn of_row(table: &Table, row: usize) -> Result<Self, String> {
        Ok(Self {
            heads: table.whole(row, "num_heads", 1)?,
            kv_heads: match table.whole(row, "num_key_value_heads", 0)? {
                0 => table.whole(row, "num_heads", 1)?,
                heads => heads,
            },
            head_dim: table.whole(row, "head_dim", 1)?,
            window: match table.optional(row, "window_size") {
                Some(_) => Some(table.whole(row, "window_size", 0)?).filter(|window| *window > 0),
                None => None,
            },
            attention: table.format(row, "attn_dtype")?,
            cache: table.format(row, "kv_cache_dtype")?,
        })
    }
}
