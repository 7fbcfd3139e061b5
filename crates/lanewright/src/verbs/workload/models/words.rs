//! Parts of a layer in a few words, and counts in billions.

use lanewright_workload::models::transformer::{Attention, Certainty, FeedForward};

use crate::number;

/// `64 heads of 128, 8 key-value heads`.
pub fn attention(attention: &Attention) -> String {
    match *attention {
        Attention::Grouped { heads, kv_heads, head_dim, value_dim, window, gated, sparse } => {
            let mut text = format!("{heads} heads of {head_dim}, {kv_heads} for keys and values");
            if value_dim != head_dim {
                text.push_str(&format!(" (values of {value_dim})"));
            }
            if let Some(window) = window {
                text.push_str(&format!(", window of {}", number::count(window.into())));
            }
            if gated {
                text.push_str(", gated");
            }
            if let Some(index) = sparse {
                text.push_str(&format!(
                    ", {} keys chosen in blocks of {}",
                    number::count(index.kept.into()),
                    index.block
                ));
            }
            text
        }
        Attention::Latent { heads, query_rank, kv_rank, rope_dim, nope_dim, value_dim, sparse } => {
            let mut text = format!(
                "latent: {heads} heads of {nope_dim} + {rope_dim}, values of {value_dim}, keys and values in {kv_rank} + {rope_dim}"
            );
            if let Some(rank) = query_rank {
                text.push_str(&format!(", queries in {rank}"));
            }
            match sparse {
                Some(index) if index.heads == 0 => {
                    text.push_str(&format!(", {} keys as chosen before", number::count(index.kept.into())));
                }
                Some(index) => text.push_str(&format!(", {} keys chosen", number::count(index.kept.into()))),
                None => {}
            }
            text
        }
        Attention::Compressed { heads, head_dim, ratio, window, sparse, .. } => {
            let mut text = format!("compressed: {heads} heads of {head_dim}, window of {window}");
            if ratio > 0 {
                text.push_str(&format!(", one vector per {ratio} tokens"));
            }
            if let Some(index) = sparse {
                text.push_str(&format!(", {} of them chosen", number::count(index.kept.into())));
            }
            text
        }
        Attention::Linear { key_heads, value_heads, key_dim, value_dim, convolution, .. } => {
            let mut text = format!("state: {value_heads} x {key_dim} x {value_dim}, {key_heads} key heads");
            if convolution > 0 {
                text.push_str(&format!(", {convolution} taps"));
            }
            text
        }
        Attention::None => "none".into(),
    }
}

/// `8 of 256 experts of 2,048, 2,048 shared`.
pub fn feed_forward(network: &FeedForward) -> String {
    match *network {
        FeedForward::Dense { inner, gated } => {
            format!("{}{}", number::count(inner.into()), if gated { "" } else { ", no gate" })
        }
        FeedForward::Experts { experts, active, inner, shared_inner, latent, gated } => {
            let mut text = format!("{active} of {experts} experts of {}", number::count(inner.into()));
            if shared_inner > 0 {
                text.push_str(&format!(", {} shared", number::count(shared_inner.into())));
            }
            if let Some(latent) = latent {
                text.push_str(&format!(", at width {}", number::count(latent.into())));
            }
            if !gated {
                text.push_str(", no gate");
            }
            text
        }
        FeedForward::None => "none".into(),
    }
}

/// A count of parameters: `70.6 B`, `134 M`, `1.03 T`.
pub fn amount(count: f64) -> String {
    scaled(count, [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")], "")
}

/// Bytes in decimal units: `141 GB`, `328 kB`.
pub fn bytes(count: f64) -> String {
    scaled(count, [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")], "B")
}

fn scaled(count: f64, units: [(f64, &str); 4], plain: &str) -> String {
    let (factor, unit) = units.into_iter().find(|(factor, _)| count >= *factor).unwrap_or((1.0, plain));
    let value = count / factor;
    let places = match value {
        v if v >= 100.0 || v.fract() == 0.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{} {unit}", number::decimals(value, places)).trim_end().to_string()
}

/// How well a shape is known, in words.
pub fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Published => "published",
        Certainty::Secondary => "second-hand",
        Certainty::Guess => "a guess",
    }
}
