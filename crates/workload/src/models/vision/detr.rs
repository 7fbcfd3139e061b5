//! DETR (arXiv 2005.12872): a transformer over the coarsest map of a residual network.

use super::Net;
use super::builder::{Builder, Kernel, Tail};
use super::resnet;
use super::vit::encoder_layer;

/// DETR on ResNet-50: 100 queries, six layers each way, 91 classes and none.
pub fn r50(height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let maps = resnet::backbone(&mut b, [3, 4, 6, 3], "backbone.", false);
    let last = maps.last().copied().unwrap_or(b.input());
    let (hidden, heads, inner, queries) = (256, 8, 2048, 100);
    let map = b.conv_with("input_proj", last, hidden, Kernel::square(1), Tail::Bias);
    let tokens = map.area();
    for layer in 0..6 {
        encoder_layer(&mut b, &format!("encoder.{layer}"), tokens, hidden, heads, inner);
    }
    b.table("query_embed", queries * u64::from(hidden));
    for layer in 0..6 {
        let at = |part: &str| format!("decoder.{layer}.{part}");
        encoder_layer(&mut b, &at("self"), queries, hidden, heads, inner);
        cross_attention(&mut b, &at("cross"), queries, tokens, hidden, heads);
    }
    b.norm("decoder.norm", queries, hidden);
    b.linear("class_embed", queries, hidden, 92);
    b.linear("bbox_embed.0", queries, hidden, hidden);
    b.linear("bbox_embed.1", queries, hidden, hidden);
    b.linear("bbox_embed.2", queries, hidden, 4);
    b.build("detr_r50")
}

/// Queries attend to a map's tokens: own projections, and a norm.
fn cross_attention(b: &mut Builder, name: &str, queries: u64, tokens: u64, hidden: u32, heads: u32) {
    b.linear(&format!("{name}.q"), queries, hidden, hidden);
    b.linear(&format!("{name}.kv"), tokens, hidden, 2 * hidden);
    b.attention(&format!("{name}.attention"), 1, queries, tokens, heads, hidden / heads);
    b.linear(&format!("{name}.out"), queries, hidden, hidden);
    b.norm(&format!("{name}.norm"), queries, hidden);
}
