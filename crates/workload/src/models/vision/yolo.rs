//! Detectors of the YOLO line as Ultralytics publishes them (v5 6.x, v8, 11), 80 classes.

use super::Net;
use super::builder::{Builder, Kernel, Map, Tail};

/// Classes that are told apart.
const CLASSES: u32 = 80;

/// How one size of a version differs from the next.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Factor of repeats.
    pub depth: f64,
    /// Factor of channels.
    pub width: f64,
    /// Most channels before the factor.
    pub most: u32,
    /// Whether every repeated part is itself one of three convolutions (YOLO11 m and larger).
    pub deep: bool,
}

impl Scale {
    fn channels(&self, count: u32) -> u32 {
        let wanted = f64::from(count.min(self.most)) * self.width;
        ((wanted / 8.0).ceil() as u32).max(1) * 8
    }

    fn repeats(&self, count: u32) -> u32 {
        ((f64::from(count) * self.depth).round() as u32).max(1)
    }
}

/// Three maps that heads look at, and what the upward and downward passes do at each.
type Block = dyn Fn(&mut Builder, &str, Map, u32, u32, bool) -> Map;

/// YOLOv5.
pub fn v5(name: &str, scale: Scale, height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let c = |count| scale.channels(count);
    let n = |count| scale.repeats(count);
    let input = b.input();
    let stem = b.conv("0", input, c(64), 6, 2);
    let mut map = b.conv("1", stem, c(128), 3, 2);
    let mut maps = Vec::new();
    for (index, (channels, repeats)) in (0_u32..).zip([(128, 3), (256, 6), (512, 9), (1024, 3)]) {
        if index > 0 {
            map = b.conv(&format!("{}", 2 * index + 1), map, c(channels), 3, 2);
        }
        map = c3(&mut b, &format!("{}", 2 * index + 2), map, c(channels), n(repeats), 1);
        maps.push(map);
    }
    let p5 = sppf(&mut b, "9", map, c(1024));
    let (p4, p3) = (maps[2], maps[1]);
    let top = b.conv("10", p5, c(512), 1, 1);
    let up = b.double("11", top);
    let mid = c3(&mut b, "13", beside(up, p4), c(512), n(3), 1);
    let mid = b.conv("14", mid, c(256), 1, 1);
    let up = b.double("15", mid);
    let small = c3(&mut b, "17", beside(up, p3), c(256), n(3), 1);
    let down = b.conv("18", small, c(256), 3, 2);
    let medium = c3(&mut b, "20", beside(down, mid), c(512), n(3), 1);
    let down = b.conv("21", medium, c(512), 3, 2);
    let large = c3(&mut b, "23", beside(down, top), c(1024), n(3), 1);
    for (index, map) in [small, medium, large].into_iter().enumerate() {
        b.conv_with(&format!("24.m.{index}"), map, 3 * (CLASSES + 5), Kernel::square(1), Tail::Bias);
    }
    b.build(name)
}

/// YOLOv8.
pub fn v8(name: &str, scale: Scale, height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let block = |b: &mut Builder, name: &str, from: Map, to: u32, repeats: u32, _: bool| {
        c2f(b, name, from, to, to / 2, repeats, &|b, name, map| {
            let inner = b.conv(&format!("{name}.cv1"), map, map.channels, 3, 1);
            b.conv(&format!("{name}.cv2"), inner, map.channels, 3, 1)
        })
    };
    let stem_channels = [(128, 3), (256, 6), (512, 6), (1024, 3)];
    let maps = trunk(&mut b, scale, stem_channels, [true; 4], &block);
    let p5 = sppf(&mut b, "9", maps[3], scale.channels(1024));
    let heads = neck(&mut b, scale, 10, [maps[1], maps[2], p5], 3, &block);
    detect(&mut b, "22", heads, false);
    b.build(name)
}

/// YOLO11.
pub fn v11(name: &str, scale: Scale, height: u32, width: u32) -> Net {
    let mut b = Builder::new(1, height, width);
    let deep = scale.deep;
    // `nested`: a part of three convolutions in place of two.
    let block = move |b: &mut Builder, name: &str, from: Map, to: u32, repeats: u32, nested: bool| {
        // The first two stages are narrower inside; they are those that widen.
        let quarter = from.channels < to && (name == "2" || name == "4");
        let inside = if quarter { to / 4 } else { to / 2 };
        c2f(b, name, from, to, inside, repeats, &|b, name, map| {
            if nested || deep {
                return c3(b, name, map, map.channels, 2, 3);
            }
            let inner = b.conv(&format!("{name}.cv1"), map, map.channels / 2, 3, 1);
            b.conv(&format!("{name}.cv2"), inner, map.channels, 3, 1)
        })
    };
    let maps = trunk_11(&mut b, scale, &block);
    let p5 = sppf(&mut b, "9", maps[3], scale.channels(1024));
    let p5 = c2psa(&mut b, "10", p5, scale.repeats(2));
    let heads = neck(&mut b, scale, 11, [maps[1], maps[2], p5], 2, &block);
    detect(&mut b, "23", heads, true);
    b.build(name)
}

fn trunk(b: &mut Builder, scale: Scale, stages: [(u32, u32); 4], nested: [bool; 4], block: &Block) -> Vec<Map> {
    let input = b.input();
    let mut map = b.conv("0", input, scale.channels(64), 3, 2);
    let mut maps = Vec::new();
    for (index, ((channels, repeats), nested)) in (0_u32..).zip(stages.into_iter().zip(nested)) {
        map = b.conv(&format!("{}", 2 * index + 1), map, scale.channels(channels), 3, 2);
        map = block(b, &format!("{}", 2 * index + 2), map, scale.channels(channels), scale.repeats(repeats), nested);
        maps.push(map);
    }
    maps
}

/// As [`trunk`], but the blocks of the first two stages widen.
fn trunk_11(b: &mut Builder, scale: Scale, block: &Block) -> Vec<Map> {
    let input = b.input();
    let mut map = b.conv("0", input, scale.channels(64), 3, 2);
    let mut maps = Vec::new();
    for (index, (enter, leave, nested)) in
        (0_u32..).zip([(128, 256, false), (256, 512, false), (512, 512, true), (1024, 1024, true)])
    {
        map = b.conv(&format!("{}", 2 * index + 1), map, scale.channels(enter), 3, 2);
        map = block(b, &format!("{}", 2 * index + 2), map, scale.channels(leave), scale.repeats(2), nested);
        maps.push(map);
    }
    maps
}

/// Up from the coarsest map and down again; layers are numbered from `first`.
fn neck(b: &mut Builder, scale: Scale, first: u32, maps: [Map; 3], repeats: u32, block: &Block) -> [Map; 3] {
    let [p3, p4, p5] = maps;
    let (c, n) = (|count| scale.channels(count), scale.repeats(repeats));
    let at = |offset: u32| format!("{}", first + offset);
    let up = b.double(&at(0), p5);
    let mid = block(b, &at(2), beside(up, p4), c(512), n, false);
    let up = b.double(&at(3), mid);
    let small = block(b, &at(5), beside(up, p3), c(256), n, false);
    let down = b.conv(&at(6), small, c(256), 3, 2);
    let medium = block(b, &at(8), beside(down, mid), c(512), n, false);
    let down = b.conv(&at(9), medium, c(512), 3, 2);
    let large = block(b, &at(11), beside(down, p5), c(1024), n, true);
    [small, medium, large]
}

/// Two maps of one size as one: no copy, the second convolution reads both. Where an image is no multiple of 32, the
/// finer map's size holds.
fn beside(up: Map, lateral: Map) -> Map {
    lateral.with(up.channels + lateral.channels)
}

/// Three convolutions around a chain of bottlenecks, the first kernel of which has this size.
fn c3(b: &mut Builder, name: &str, from: Map, to: u32, repeats: u32, kernel: u32) -> Map {
    let inner = to / 2;
    let mut chain = b.conv(&format!("{name}.cv1"), from, inner, 1, 1);
    for index in 0..repeats {
        let middle = b.conv(&format!("{name}.m.{index}.cv1"), chain, inner, kernel, 1);
        chain = b.conv(&format!("{name}.m.{index}.cv2"), middle, inner, 3, 1);
    }
    b.conv(&format!("{name}.cv2"), from, inner, 1, 1);
    b.conv(&format!("{name}.cv3"), chain.with(2 * inner), to, 1, 1)
}

/// A chain whose every link goes into the last convolution.
fn c2f(
    b: &mut Builder,
    name: &str,
    from: Map,
    to: u32,
    inner: u32,
    repeats: u32,
    link: &dyn Fn(&mut Builder, &str, Map) -> Map,
) -> Map {
    let both = b.conv(&format!("{name}.cv1"), from, 2 * inner, 1, 1);
    let mut chain = both.with(inner);
    for index in 0..repeats {
        chain = link(b, &format!("{name}.m.{index}"), chain);
    }
    b.conv(&format!("{name}.cv2"), both.with((2 + repeats) * inner), to, 1, 1)
}

/// Pooling at three sizes, one after another.
fn sppf(b: &mut Builder, name: &str, from: Map, to: u32) -> Map {
    let inner = b.conv(&format!("{name}.cv1"), from, from.channels / 2, 1, 1);
    for index in 0..3 {
        b.pool(&format!("{name}.m.{index}"), inner, 5, 1);
    }
    b.conv(&format!("{name}.cv2"), inner.with(4 * inner.channels), to, 1, 1)
}

/// Attention over all positions of half of the channels.
fn c2psa(b: &mut Builder, name: &str, from: Map, repeats: u32) -> Map {
    let inner = from.channels / 2;
    let both = b.conv(&format!("{name}.cv1"), from, 2 * inner, 1, 1);
    let map = both.with(inner);
    let heads = (inner / 64).max(1);
    let head_dim = inner / heads;
    for index in 0..repeats {
        let at = |part: &str| format!("{name}.m.{index}.{part}");
        // Keys are half as wide as values.
        b.conv(&at("attn.qkv"), map, 2 * inner, 1, 1);
        b.attention(&at("attn"), 1, map.area(), map.area(), heads, head_dim * 3 / 4);
        b.depthwise(&at("attn.pe"), map, 3, 1);
        b.conv(&at("attn.proj"), map, inner, 1, 1);
        let wide = b.conv(&at("ffn.0"), map, 2 * inner, 1, 1);
        b.conv(&at("ffn.1"), wide, inner, 1, 1);
    }
    b.conv(&format!("{name}.cv2"), both, from.channels, 1, 1)
}

/// Boxes as distributions over 16 distances a side, and classes, at every position of three maps.
fn detect(b: &mut Builder, name: &str, maps: [Map; 3], depthwise: bool) {
    let (bins, finest) = (16, maps[0].channels);
    let boxes = (finest / 4).max(4 * bins).max(16);
    let classes = finest.max(CLASSES.min(100));
    for (index, map) in maps.into_iter().enumerate() {
        let at = |part: &str| format!("{name}.{part}.{index}");
        let first = b.conv(&at("box.0"), map, boxes, 3, 1);
        let second = b.conv(&at("box.1"), first, boxes, 3, 1);
        b.conv_with(&at("box.2"), second, 4 * bins, Kernel::square(1), Tail::Bias);
        let last = if depthwise {
            let first = b.depthwise(&at("class.0.dw"), map, 3, 1);
            let first = b.conv(&at("class.0"), first, classes, 1, 1);
            let second = b.depthwise(&at("class.1.dw"), first, 3, 1);
            b.conv(&at("class.1"), second, classes, 1, 1)
        } else {
            let first = b.conv(&at("class.0"), map, classes, 3, 1);
            b.conv(&at("class.1"), first, classes, 3, 1)
        };
        b.conv_with(&at("class.2"), last, CLASSES, Kernel::square(1), Tail::Bias);
    }
    // The mean of each side's distribution: 16 fixed weights.
    b.table(&format!("{name}.dfl"), u64::from(bins));
}
