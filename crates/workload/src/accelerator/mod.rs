//! What a device can do at best: peak rates, memory, links of the scale-up domain, power.

use serde::Serialize;

use crate::format::Arithmetic;

/// Peaks of one device. Rates are dense, per device; links are per direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accelerator {
    /// Id of the catalogue part, `nvidia/h100-sxm`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Floating-point operations per second with 32-bit operands (as tensor cores take them); none where unknown.
    pub fp32: Option<f64>,
    /// Operations per second, 16-bit floating point.
    pub bf16: Option<f64>,
    /// Operations per second, 8-bit floating point.
    pub fp8: Option<f64>,
    /// Operations per second, 8-bit integers.
    pub int8: Option<f64>,
    /// Operations per second, 4-bit floating point.
    pub fp4: Option<f64>,
    /// Equivalent operations per second by the maker's own count (eTOPS x 1e12), which are no operations: never used
    /// without a calibration factor.
    pub equivalent: Option<f64>,
    /// Memory, bytes.
    pub memory_bytes: f64,
    /// Memory bandwidth, bytes per second.
    pub bandwidth: f64,
    /// Bytes per second and direction to the other devices of the scale-up domain; 0 without one.
    pub scale_up: f64,
    /// Processors (SMs, compute units) that share work in waves; none where unknown.
    pub processors: Option<u32>,
    /// Power limit, W.
    pub power_w: f64,
    /// Price, USD; none where unknown.
    pub price_usd: Option<f64>,
    /// Whether one of the rates or the bandwidth rests on a weak grade (company call, general knowledge, estimate).
    pub weak: bool,
}

impl Accelerator {
    /// Peak of an arithmetic, operations per second; formats that a device has no units for run at the next wider one.
    pub fn peak(&self, arithmetic: Arithmetic) -> Option<f64> {
        match arithmetic {
            Arithmetic::Fp32 => self.fp32.or(self.bf16.map(|rate| rate / 2.0)),
            Arithmetic::Bf16 => self.bf16,
            Arithmetic::Fp8 => self.fp8.or(self.bf16),
            Arithmetic::Int8 => self.int8.or(self.fp8).or(self.bf16),
            Arithmetic::Fp4 => self.fp4.or(self.fp8).or(self.bf16),
        }
    }
}
