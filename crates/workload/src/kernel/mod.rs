//! Kernels: how long one operator takes on one device.

pub mod attention_shape;
pub mod collective;
pub mod context_attention;
pub mod generation_attention;
pub mod table;
