//! Residual networks (arXiv 1512.03385), with the step in the 3x3 convolution as torchvision builds them.

use super::Net;
use super::builder::{Builder, Kernel, Map, Tail};

/// ResNet-50 or -101 for 1000 classes.
pub fn classifier(name: &str, blocks: [u32; 4], height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let map = *backbone(&mut b, blocks, "", false).last().unwrap_or(&b.input());
    let pooled = b.global_pool("avgpool", map);
    b.linear("fc", 1, pooled.channels, 1000);
    b.build(name)
}

/// The four stages at steps 4, 8, 16 and 32; `sampled`: the last two take their taps at learned offsets (DCNv2).
pub fn backbone(b: &mut Builder, blocks: [u32; 4], prefix: &str, sampled: bool) -> Vec<Map> {
    let input = b.input();
    let stem = b.conv_with(&format!("{prefix}conv1"), input, 64, Kernel::square(7).step(2), Tail::Norm);
    let mut map = b.pool(&format!("{prefix}maxpool"), stem, 3, 2);
    let mut maps = Vec::with_capacity(4);
    for (stage, count) in (0_u32..).zip(blocks) {
        let inner = 64 << stage;
        for block in 0..count {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let at = |part: &str| format!("{prefix}layer{}.{block}.{part}", stage + 1);
            let shape = Bottleneck { inner, stride, first: block == 0, sampled: sampled && stage >= 2 };
            map = bottleneck(b, map, shape, at);
        }
        maps.push(map);
    }
    maps
}

#[derive(Clone, Copy)]
struct Bottleneck {
    inner: u32,
    stride: u32,
    first: bool,
    sampled: bool,
}

fn bottleneck(b: &mut Builder, from: Map, shape: Bottleneck, at: impl Fn(&str) -> String) -> Map {
    let narrow = b.conv(&at("conv1"), from, shape.inner, 1, 1);
    if shape.sampled {
        // Where to look: 18 offsets and 9 weights per position.
        b.conv_with(&at("conv2.offset"), narrow, 27, Kernel::square(3).step(shape.stride), Tail::Bias);
    }
    let middle = b.conv(&at("conv2"), narrow, shape.inner, 3, shape.stride);
    if shape.sampled {
        b.sampled();
    }
    let out = b.conv(&at("conv3"), middle, 4 * shape.inner, 1, 1);
    if shape.first {
        b.conv(&at("downsample"), from, 4 * shape.inner, 1, shape.stride);
    }
    b.add(&at("add"), out);
    out
}
