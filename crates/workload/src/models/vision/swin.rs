//! Swin transformers (arXiv 2103.14030): attention in windows of 7 x 7, maps halved between stages.

use super::Net;
use super::builder::{Builder, Map};

/// Side of a window, tokens.
const WINDOW: u32 = 7;

/// A Swin classifier for 1000 classes.
pub fn classifier(name: &str, width: u32, depths: [u32; 4], heads: [u32; 4], height: u32, across: u32) -> Net {
    let mut b = Builder::new(1, height, across);
    let maps = backbone(&mut b, width, depths, heads);
    let last = maps.last().copied().unwrap_or(b.input());
    b.norm("norm", last.area(), last.channels);
    b.global_pool("avgpool", last);
    b.linear("head", 1, last.channels, 1000);
    b.build(name)
}

/// The four stages at steps 4, 8, 16 and 32.
pub fn backbone(b: &mut Builder, width: u32, depths: [u32; 4], heads: [u32; 4]) -> Vec<Map> {
    let input = b.input();
    let mut map = b.patches("patch_embed", input, width, 4);
    b.norm("patch_embed.norm", map.area(), width);
    let mut maps = Vec::with_capacity(4);
    for (stage, (depth, heads)) in (0_u32..).zip(depths.into_iter().zip(heads)) {
        if stage > 0 {
            // Four neighbours beside each other, normed, projected to twice the width.
            let merged =
                Map { channels: 2 * map.channels, height: map.height.div_ceil(2), width: map.width.div_ceil(2) };
            b.norm(&format!("layers.{stage}.merge.norm"), merged.area(), 4 * map.channels);
            b.linear_with(&format!("layers.{stage}.merge"), merged.area(), 4 * map.channels, 2 * map.channels, false);
            map = merged;
        }
        for block in 0..depth {
            layer(b, &format!("layers.{stage}.{block}"), map, heads);
        }
        maps.push(map);
    }
    maps
}

fn layer(b: &mut Builder, name: &str, map: Map, heads: u32) {
    let hidden = map.channels;
    // Windows at the border are padded.
    let windows = u64::from(map.height.div_ceil(WINDOW)) * u64::from(map.width.div_ceil(WINDOW));
    let (tokens, inside) = (map.area(), u64::from(WINDOW * WINDOW));
    b.norm(&format!("{name}.norm1"), tokens, hidden);
    b.linear(&format!("{name}.qkv"), windows * inside, hidden, 3 * hidden);
    b.table(&format!("{name}.positions"), u64::from((2 * WINDOW - 1) * (2 * WINDOW - 1)) * u64::from(heads));
    b.attention(&format!("{name}.attention"), windows, inside, inside, heads, hidden / heads);
    b.linear(&format!("{name}.out"), windows * inside, hidden, hidden);
    b.norm(&format!("{name}.norm2"), tokens, hidden);
    b.linear(&format!("{name}.fc1"), tokens, hidden, 4 * hidden);
    b.linear(&format!("{name}.fc2"), tokens, 4 * hidden, hidden);
}
