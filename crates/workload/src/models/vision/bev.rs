//! Networks that merge cameras into one map from above: BEVDet (arXiv 2112.11790) and BEVFormer (arXiv 2203.17270).

use super::Net;
use super::builder::{Builder, Kernel, Map, Tail};
use super::resnet;

/// Cameras of both networks (nuScenes).
const CAMERAS: u32 = 6;

/// Cells of BEVFormer's map that one camera or another sees, counted once per camera: neighbouring views overlap a
/// little. Estimate; implementations that pad every camera to the longest list compute about half more.
const VIEWS_PER_CELL: f64 = 1.2;

/// BEVDet with ResNet-50: 59 depths of 1 m, 128 x 128 cells of 0.8 m, 64 channels.
pub fn bevdet_r50(height: u32, width: u32) -> Net {
    let mut b = Builder::new(CAMERAS, height, width);
    let maps = resnet::backbone(&mut b, [3, 4, 6, 3], "img_backbone.", false);
    let (c4, c5) = (maps[2], maps[3]);
    // Neck: both maps to 256 channels, the coarser doubled and added, smoothed.
    let fine = b.conv_with("img_neck.lateral.0", c4, 256, Kernel::square(1), Tail::Bias);
    let coarse = b.conv_with("img_neck.lateral.1", c5, 256, Kernel::square(1), Tail::Bias);
    b.resize("img_neck.up", coarse, fine.height, fine.width);
    b.add("img_neck.add", fine);
    let neck = b.conv_with("img_neck.fpn", fine, 256, Kernel::square(3), Tail::Bias);
    let (depths, lifted) = (59, 64);
    b.conv_with("view.depth_net", neck, depths + lifted, Kernel::square(1), Tail::Bias);
    let cells = Map { channels: lifted, height: 128, width: 128 };
    b.view_transform("view.pool", neck.with(lifted), depths, cells);
    b.set_images(1);
    // Encoder from above: three stages of two basic blocks.
    let mut map = cells;
    let mut stages = Vec::new();
    for (stage, channels) in (0..).zip([128, 256, 512]) {
        for block in 0..2 {
            map =
                basic(&mut b, &format!("bev_backbone.{stage}.{block}"), map, channels, if block == 0 { 2 } else { 1 });
        }
        stages.push(map);
    }
    let wide = b.resize("bev_neck.up4", map, stages[0].height, stages[0].width);
    let both = wide.with(wide.channels + stages[0].channels);
    let first = b.conv("bev_neck.conv.0", both, 512, 3, 1);
    let second = b.conv("bev_neck.conv.1", first, 512, 3, 1);
    let up = b.double("bev_neck.up2", second);
    let out = b.conv("bev_neck.up2.conv", up, 256, 3, 1);
    let out = b.conv_with("bev_neck.up2.out", out, 256, Kernel::square(1), Tail::Bias);
    let shared = b.conv("head.shared", out, 64, 3, 1);
    for (part, channels) in [("reg", 2), ("height", 1), ("dim", 3), ("rot", 2), ("vel", 2), ("heatmap", 10)] {
        let inner = b.conv(&format!("head.{part}.0"), shared, 64, 3, 1);
        b.conv_with(&format!("head.{part}.1"), inner, channels, Kernel::square(3), Tail::Bias);
    }
    b.note("one frame, no temporal fusion; suppression of doubles after the network is left out");
    b.build("bevdet_r50")
}

fn basic(b: &mut Builder, name: &str, from: Map, channels: u32, stride: u32) -> Map {
    let first = b.conv(&format!("{name}.conv1"), from, channels, 3, stride);
    let second = b.conv(&format!("{name}.conv2"), first, channels, 3, 1);
    if stride > 1 {
        // The way past is a 3 x 3 convolution there.
        b.conv_with(&format!("{name}.downsample"), from, channels, Kernel::square(3).step(stride), Tail::Bias);
    }
    b.add(&format!("{name}.add"), second);
    second
}

/// A size of BEVFormer.
#[derive(Clone, Copy, Debug)]
pub struct Former {
    /// Blocks of the residual network.
    pub blocks: [u32; 4],
    /// Whether its last two stages sample deformably.
    pub deformable: bool,
    /// Maps that the neck gives (4: from three stages and one coarser; 1: the last).
    pub levels: u32,
    /// Cells of the map along each side.
    pub side: u32,
    /// Encoder layers.
    pub encoders: u32,
}

/// BEVFormer: queries of a map sample the cameras' features; 900 queries find objects in it.
pub fn bevformer(name: &str, size: Former, height: u32, width: u32) -> Net {
    // Images are padded to a multiple of 32.
    let mut b = Builder::new(CAMERAS, height.div_ceil(32) * 32, width.div_ceil(32) * 32);
    let (hidden, heads, inner) = (256_u32, 8_u32, 512_u32);
    let maps = resnet::backbone(&mut b, size.blocks, "img_backbone.", size.deformable);
    let mut features = Vec::new();
    let kept = if size.levels > 1 { &maps[1..] } else { &maps[3..] };
    for (level, map) in kept.iter().enumerate() {
        let lateral = b.conv_with(&format!("img_neck.lateral.{level}"), *map, hidden, Kernel::square(1), Tail::Bias);
        features.push(b.conv_with(&format!("img_neck.fpn.{level}"), lateral, hidden, Kernel::square(3), Tail::Bias));
    }
    if let Some(last) = features.last().copied().filter(|_| size.levels > 1) {
        features.push(b.conv_with("img_neck.fpn.extra", last, hidden, Kernel::square(3).step(2), Tail::Bias));
    }
    let levels = features.len() as u32;
    let tokens: u64 = features.iter().map(|map| map.area()).sum();
    let cells = u64::from(size.side) * u64::from(size.side);
    b.set_images(1);
    b.table("bev_embedding", cells * u64::from(hidden) + u64::from(2 * size.side) * u64::from(hidden / 2));
    b.table("query_embedding", 900 * u64::from(2 * hidden));
    b.table("level_and_camera_embeds", u64::from((levels + CAMERAS) * hidden));
    b.linear("can_bus.0", 1, 18, hidden / 2);
    b.linear("can_bus.1", 1, hidden / 2, hidden);
    for layer in 0..size.encoders {
        let at = |part: &str| format!("encoder.{layer}.{part}");
        // Temporal: this map and the last one, 4 points each; offsets and weights come from both beside each other.
        let points = heads * 4 * 2;
        b.linear(&at("temporal.offsets"), cells, 2 * hidden, 2 * points);
        b.linear(&at("temporal.weights"), cells, 2 * hidden, points);
        b.linear(&at("temporal.value"), 2 * cells, hidden, hidden);
        b.deformable(&at("temporal"), cells, heads, 8, hidden / heads);
        b.linear(&at("temporal.out"), cells, hidden, hidden);
        b.norm(&at("norm1"), cells, hidden);
        // Spatial: 8 points per level in every camera that sees the cell.
        let seen = (cells as f64 * VIEWS_PER_CELL) as u64;
        let points = heads * levels * 8;
        b.linear(&at("spatial.offsets"), seen, hidden, 2 * points);
        b.linear(&at("spatial.weights"), seen, hidden, points);
        b.linear(&at("spatial.value"), tokens * u64::from(CAMERAS), hidden, hidden);
        b.deformable(&at("spatial"), seen, heads, levels * 8, hidden / heads);
        b.linear(&at("spatial.out"), cells, hidden, hidden);
        b.norm(&at("norm2"), cells, hidden);
        b.linear(&at("ffn.0"), cells, hidden, inner);
        b.linear(&at("ffn.1"), cells, inner, hidden);
        b.norm(&at("norm3"), cells, hidden);
    }
    decoder(&mut b, cells, hidden, heads, inner);
    b.note("cells are taken to be seen by 1.2 cameras on average (estimate)");
    let mut net = b.build(name);
    (net.height, net.width) = (height, width);
    net
}

fn decoder(b: &mut Builder, cells: u64, hidden: u32, heads: u32, inner: u32) {
    let queries = 900;
    b.linear("reference_points", queries, hidden, 3);
    for layer in 0..6 {
        let at = |part: &str| format!("decoder.{layer}.{part}");
        b.linear(&at("self.qkv"), queries, hidden, 3 * hidden);
        b.attention(&at("self"), 1, queries, queries, heads, hidden / heads);
        b.linear(&at("self.out"), queries, hidden, hidden);
        b.norm(&at("norm1"), queries, hidden);
        b.linear(&at("cross.offsets"), queries, hidden, heads * 4 * 2);
        b.linear(&at("cross.weights"), queries, hidden, heads * 4);
        b.linear(&at("cross.value"), cells, hidden, hidden);
        b.deformable(&at("cross"), queries, heads, 4, hidden / heads);
        b.linear(&at("cross.out"), queries, hidden, hidden);
        b.norm(&at("norm2"), queries, hidden);
        b.linear(&at("ffn.0"), queries, hidden, inner);
        b.linear(&at("ffn.1"), queries, inner, hidden);
        b.norm(&at("norm3"), queries, hidden);
        // Classes and boxes after every layer.
        for (part, to) in [("class", 10), ("box", 10)] {
            b.linear(&at(&format!("{part}.0")), queries, hidden, hidden);
            b.linear(&at(&format!("{part}.1")), queries, hidden, hidden);
            b.linear(&at(&format!("{part}.2")), queries, hidden, to);
        }
    }
}
