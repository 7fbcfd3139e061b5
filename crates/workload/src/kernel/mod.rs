//! Kernels: how long one operator takes on one device.

pub mod attention;
pub mod attention_shape;
pub mod collective;
pub mod communication;
pub mod context_attention;
pub mod element_wise;
pub mod generation_attention;
pub mod latent_attention;
pub mod linear_attention;
pub mod point_to_point;
pub mod table;
