//! Vision transformers (arXiv 2010.11929).

use super::Net;
use super::builder::Builder;

/// ViT-B/16 for 1000 classes.
pub fn base_16(height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let (hidden, heads, layers) = (768_u32, 12_u32, 12);
    let input = b.input();
    let map = b.patches("conv_proj", input, hidden, 16);
    let tokens = map.area() + 1;
    // One more token for the class, and a position for each.
    b.table("positions", u64::from(hidden) * (tokens + 1));
    for layer in 0..layers {
        encoder_layer(&mut b, &format!("encoder.{layer}"), tokens, hidden, heads, 4 * hidden);
    }
    b.norm("ln", tokens, hidden);
    b.linear("head", 1, hidden, 1000);
    b.build("vit_b_16")
}

/// Attention of all tokens and a network of two matrices, each behind a norm.
pub fn encoder_layer(b: &mut Builder, name: &str, tokens: u64, hidden: u32, heads: u32, inner: u32) {
    b.norm(&format!("{name}.norm1"), tokens, hidden);
    b.linear(&format!("{name}.qkv"), tokens, hidden, 3 * hidden);
    b.attention(&format!("{name}.attention"), 1, tokens, tokens, heads, hidden / heads);
    b.linear(&format!("{name}.out"), tokens, hidden, hidden);
    b.norm(&format!("{name}.norm2"), tokens, hidden);
    b.linear(&format!("{name}.fc1"), tokens, hidden, inner);
    b.linear(&format!("{name}.fc2"), tokens, inner, hidden);
}
