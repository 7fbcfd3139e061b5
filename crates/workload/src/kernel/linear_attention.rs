//! Linear attention: a state of fixed size per head instead of a cache (gated delta rule, lightning attention, state-space
//! layers), and the short convolution before it.
//!
//! Nothing in the calibration measures these kernels; both laws are physics with shares of the peaks that are estimates.
//! Decoding reads and writes every state once: bound by memory. Prompts run in chunks of 64 tokens: products within a
//! chunk and with the state, `4 * tokens * heads * (dk * dv + chunk * (dk + dv) / 2)` operations, twice that for rules that
//! solve a triangle per chunk (delta rule); public kernels reach a fifth to a third of the peak.

use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::format::Arithmetic;

/// A linear-attention layer as one device sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearShape {
    /// Heads of values (and of states) on this device.
    pub heads: u32,
    /// Heads of keys and queries on this device.
    pub key_heads: u32,
    /// Elements of a key.
    pub key_dim: u32,
    /// Elements of a value.
    pub value_dim: u32,
    /// Taps of the convolution before it; 0 for none.
    pub convolution: u32,
}

/// Bytes of an element of a state: engines keep 32 bits.
const STATE_BYTES: f64 = 4.0;

/// Tokens of a chunk.
const CHUNK: f64 = 64.0;

/// Share of the peak of 16-bit products (estimate).
const PRODUCT_SHARE: f64 = 0.25;

/// Share of the memory's peak (estimate).
const MEMORY_SHARE: f64 = 0.75;

/// Floor of a decoding step and of a prompt (several kernels in a row), seconds (estimates).
const FLOORS: (f64, f64) = (6e-6, 30e-6);

/// Factor of the band each way: nothing was measured.
const BAND: f64 = 1.8;

impl LinearShape {
    /// Bytes of the states of one sequence in this layer, the window of the convolution included.
    pub fn state_bytes(&self) -> f64 {
        let state = f64::from(self.heads) * f64::from(self.key_dim) * f64::from(self.value_dim) * STATE_BYTES;
        state + f64::from(self.convolution.saturating_sub(1)) * self.channels() * 2.0
    }

    /// Elements that pass through the convolution per token.
    fn channels(&self) -> f64 {
        2.0 * f64::from(self.key_heads) * f64::from(self.key_dim) + f64::from(self.heads) * f64::from(self.value_dim)
    }

    /// Seconds of `sequences` sequences that decode one token each.
    pub fn decode(&self, device: &Accelerator, sequences: f64) -> Estimate {
        if sequences <= 0.0 {
            return Estimate::exact(0.0);
        }
        let bytes = sequences * (2.0 * self.state_bytes() + 4.0 * self.channels());
        Estimate::spread(FLOORS.0 + bytes / (device.bandwidth * MEMORY_SHARE).max(1.0), BAND, BAND)
    }

    /// Seconds of prompts with `tokens` new tokens together in `pieces` pieces.
    pub fn prefill(&self, device: &Accelerator, pieces: f64, tokens: f64) -> Estimate {
        if tokens <= 0.0 {
            return Estimate::exact(0.0);
        }
        let (key, value) = (f64::from(self.key_dim), f64::from(self.value_dim));
        let operations = 2.0 * 4.0 * tokens * f64::from(self.heads) * (key * value + CHUNK * (key + value) / 2.0);
        let bytes = tokens * self.channels() * 2.0 * 4.0 + pieces.max(1.0) * 2.0 * self.state_bytes();
        let rate = device.peak(Arithmetic::Bf16).unwrap_or(f64::INFINITY) * PRODUCT_SHARE;
        let work = (operations / rate).max(bytes / (device.bandwidth * MEMORY_SHARE).max(1.0));
        Estimate::spread(FLOORS.1 + work, BAND, BAND)
    }
}
