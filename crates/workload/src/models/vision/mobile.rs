//! Networks for small devices: inverted residuals with depthwise convolutions.

use super::Net;
use super::builder::{Builder, Kernel, Map, Tail};

/// MobileNetV2 (arXiv 1801.04381, table 2), width 1.
pub fn mobilenet_v2(height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let input = b.input();
    let mut map = b.conv("features.0", input, 32, 3, 2);
    let mut index = 1;
    for (expand, to, count, stride) in
        [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    {
        for repeat in 0..count {
            let stride = if repeat == 0 { stride } else { 1 };
            map = inverted(
                &mut b,
                &format!("features.{index}"),
                map,
                Inverted { expand, to, kernel: 3, stride, squeeze: false },
            );
            index += 1;
        }
    }
    let last = b.conv("features.18", map, 1280, 1, 1);
    b.global_pool("avgpool", last);
    b.linear("classifier", 1, 1280, 1000);
    b.build("mobilenet_v2")
}

/// EfficientNet-B0 (arXiv 1905.11946, table 1), with squeeze and excitation.
pub fn efficientnet_b0(height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let input = b.input();
    let mut map = b.conv("stem", input, 32, 3, 2);
    for (stage, (expand, to, count, stride, kernel)) in (1..).zip([
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ]) {
        for repeat in 0..count {
            let stride = if repeat == 0 { stride } else { 1 };
            let shape = Inverted { expand, to, kernel, stride, squeeze: true };
            map = inverted(&mut b, &format!("blocks.{stage}.{repeat}"), map, shape);
        }
    }
    let last = b.conv("head", map, 1280, 1, 1);
    b.global_pool("avgpool", last);
    b.linear("classifier", 1, 1280, 1000);
    b.build("efficientnet_b0")
}

#[derive(Clone, Copy)]
struct Inverted {
    expand: u32,
    to: u32,
    kernel: u32,
    stride: u32,
    squeeze: bool,
}

fn inverted(b: &mut Builder, name: &str, from: Map, shape: Inverted) -> Map {
    let wide = from.channels * shape.expand;
    let mut map = from;
    if shape.expand > 1 {
        map = b.conv(&format!("{name}.expand"), map, wide, 1, 1);
    }
    map = b.depthwise(&format!("{name}.depthwise"), map, shape.kernel, shape.stride);
    if shape.squeeze {
        let pooled = b.global_pool(&format!("{name}.se.pool"), map);
        let narrow = (from.channels / 4).max(1);
        let down = b.conv_with(&format!("{name}.se.reduce"), pooled, narrow, Kernel::square(1), Tail::Bias);
        b.conv_with(&format!("{name}.se.expand"), down, wide, Kernel::square(1), Tail::Bias);
        b.elementwise(&format!("{name}.se.gate"), map.elements() + u64::from(wide), map.elements());
    }
    let out = b.conv(&format!("{name}.project"), map, shape.to, 1, 1);
    if shape.stride == 1 && from.channels == shape.to {
        b.add(&format!("{name}.add"), out);
    }
    out
}
