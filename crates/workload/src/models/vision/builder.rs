//! Puts networks together: every method appends one layer and says what comes out.

use super::{Layer, Net, Operation};

/// A feature map of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    /// Channels.
    pub channels: u32,
    /// Height.
    pub height: u32,
    /// Width.
    pub width: u32,
}

impl Map {
    /// Positions.
    pub fn area(self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }

    /// Elements.
    pub fn elements(self) -> u64 {
        self.area() * u64::from(self.channels)
    }

    /// The same size with other channels.
    pub fn with(self, channels: u32) -> Self {
        Self { channels, ..self }
    }
}

/// What a convolution adds to its sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// A batch norm, folded: scale and shift of every channel.
    Norm,
    /// A bias.
    Bias,
}

/// Where a convolution looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    size: u32,
    stride: u32,
    groups: u32,
}

impl Kernel {
    /// So many positions each way, at every position.
    pub fn square(size: u32) -> Self {
        Self { size, stride: 1, groups: 1 }
    }

    /// At every so many positions.
    pub fn step(self, stride: u32) -> Self {
        Self { stride, ..self }
    }

    /// In groups of channels that do not see each other.
    pub fn groups(self, groups: u32) -> Self {
        Self { groups, ..self }
    }
}

/// What a layer costs per image; parameters once for all.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    macs: u64,
    weights: u64,
    vectors: u64,
    inputs: u64,
    outputs: u64,
}

impl Cost {
    fn moved(inputs: u64, outputs: u64) -> Self {
        Self { inputs, outputs, ..Self::default() }
    }
}

/// A network in the making.
pub struct Builder {
    layers: Vec<Layer>,
    notes: Vec<String>,
    images: u64,
    image: (u32, u32, u32),
}

impl Builder {
    /// Says that the convolution just appended takes its taps at learned offsets.
    pub fn sampled(&mut self) {
        if let Some(Layer { operation: Operation::Convolution { sampled, .. }, .. }) = self.layers.last_mut() {
            *sampled = true;
        }
    }

    /// Begins with so many images of this size.
    pub fn new(images: u32, height: u32, width: u32) -> Self {
        Self { layers: Vec::new(), notes: Vec::new(), images: u64::from(images), image: (images, height, width) }
    }

    /// The images themselves, three channels.
    pub fn input(&self) -> Map {
        Map { channels: 3, height: self.image.1, width: self.image.2 }
    }

    /// How many maps the layers that follow work on (cameras before they are merged, 1 after).
    pub fn set_images(&mut self, images: u32) {
        self.images = u64::from(images);
    }

    /// Says what was simplified.
    pub fn note(&mut self, text: &str) {
        self.notes.push(text.to_string());
    }

    /// Ends.
    pub fn build(self, name: &str) -> Net {
        let (images, height, width) = self.image;
        Net { name: name.to_string(), images, height, width, layers: self.layers, notes: self.notes }
    }

    fn push(&mut self, name: &str, operation: Operation, cost: Cost) {
        self.layers.push(Layer {
            name: name.to_string(),
            operation,
            macs: cost.macs * self.images,
            weights: cost.weights,
            vectors: cost.vectors,
            inputs: cost.inputs * self.images,
            outputs: cost.outputs * self.images,
        });
    }

    /// A convolution with a batch norm, padded so that a step of 1 keeps the size.
    pub fn conv(&mut self, name: &str, from: Map, to: u32, kernel: u32, stride: u32) -> Map {
        self.conv_with(name, from, to, Kernel::square(kernel).step(stride), Tail::Norm)
    }

    /// One group per channel, with a batch norm.
    pub fn depthwise(&mut self, name: &str, from: Map, kernel: u32, stride: u32) -> Map {
        let kernel = Kernel::square(kernel).step(stride).groups(from.channels);
        self.conv_with(name, from, from.channels, kernel, Tail::Norm)
    }

    /// Any convolution, padded so that a step of 1 keeps the size (a step of 2 halves it, rounded up).
    pub fn conv_with(&mut self, name: &str, from: Map, to: u32, kernel: Kernel, tail: Tail) -> Map {
        let steps = |size: u32| size.div_ceil(kernel.stride);
        let map = Map { channels: to, height: steps(from.height), width: steps(from.width) };
        self.convolve(name, from, map, kernel, tail);
        map
    }

    /// A convolution whose steps are its kernel's size: patches that do not overlap.
    pub fn patches(&mut self, name: &str, from: Map, to: u32, size: u32) -> Map {
        let map = Map { channels: to, height: from.height / size, width: from.width / size };
        self.convolve(name, from, map, Kernel::square(size).step(size), Tail::Bias);
        map
    }

    fn convolve(&mut self, name: &str, from: Map, map: Map, kernel: Kernel, tail: Tail) {
        let Kernel { size, stride, groups } = kernel;
        let to = u64::from(map.channels);
        let taps = u64::from(from.channels / groups.max(1)) * u64::from(size) * u64::from(size);
        let vectors = match tail {
            Tail::Norm => 2 * to,
            Tail::Bias => to,
        };
        let operation = Operation::Convolution {
            from: from.channels,
            to: map.channels,
            kernel: (size, size),
            stride,
            groups,
            sampled: false,
        };
        let cost = Cost { macs: map.area() * to * taps, weights: to * taps, vectors, ..Cost::default() };
        self.push(name, operation, Cost { inputs: from.elements(), outputs: map.elements(), ..cost });
    }

    /// A matrix times every one of `tokens` tokens per image, with a bias.
    pub fn linear(&mut self, name: &str, tokens: u64, from: u32, to: u32) {
        self.linear_with(name, tokens, from, to, true);
    }

    /// A matrix with or without a bias.
    pub fn linear_with(&mut self, name: &str, tokens: u64, from: u32, to: u32, bias: bool) {
        let weights = u64::from(from) * u64::from(to);
        let operation = Operation::Linear { tokens: tokens * self.images, from, to };
        let vectors = if bias { u64::from(to) } else { 0 };
        let cost = Cost::moved(tokens * u64::from(from), tokens * u64::from(to));
        self.push(name, operation, Cost { macs: tokens * weights, weights, vectors, ..cost });
    }

    /// Attention in `pieces` pieces per image.
    pub fn attention(&mut self, name: &str, pieces: u64, queries: u64, keys: u64, heads: u32, head_dim: u32) {
        let width = u64::from(heads) * u64::from(head_dim);
        let operation = Operation::Attention { pieces: pieces * self.images, queries, keys, heads, head_dim };
        let macs = 2 * pieces * queries * keys * width;
        let cost = Cost::moved(pieces * (queries + 2 * keys) * width, pieces * queries * width);
        self.push(name, operation, Cost { macs, ..cost });
    }

    /// Attention over sampled points: each is interpolated between four neighbours and weighted.
    pub fn deformable(&mut self, name: &str, queries: u64, heads: u32, points: u32, head_dim: u32) {
        let samples = queries * u64::from(heads) * u64::from(points);
        let width = u64::from(heads) * u64::from(head_dim);
        let operation = Operation::Deformable { queries: queries * self.images, heads, points, head_dim };
        // Four taps and the weight of the sample.
        let macs = samples * 5 * u64::from(head_dim);
        // Two offsets and a weight per sample beside the taps.
        let cost = Cost::moved(samples * (4 * u64::from(head_dim) + 3), queries * width);
        self.push(name, operation, Cost { macs, ..cost });
    }

    /// A largest or mean value of neighbours, padded likewise.
    pub fn pool(&mut self, name: &str, from: Map, kernel: u32, stride: u32) -> Map {
        let map = Map { height: from.height.div_ceil(stride), width: from.width.div_ceil(stride), ..from };
        let cost = Cost::moved(from.elements(), map.elements());
        self.push(name, Operation::Pooling { kernel: (kernel, kernel) }, cost);
        map
    }

    /// The mean of every channel.
    pub fn global_pool(&mut self, name: &str, from: Map) -> Map {
        let kernel = (from.height, from.width);
        let cost = Cost::moved(from.elements(), u64::from(from.channels));
        self.push(name, Operation::Pooling { kernel }, cost);
        Map { height: 1, width: 1, ..from }
    }

    /// Twice the height and width by repetition.
    pub fn double(&mut self, name: &str, from: Map) -> Map {
        self.resize(name, from, from.height * 2, from.width * 2)
    }

    /// Another height and width.
    pub fn resize(&mut self, name: &str, from: Map, height: u32, width: u32) -> Map {
        let map = Map { height, width, ..from };
        self.push(name, Operation::Resize, Cost::moved(from.elements(), map.elements()));
        map
    }

    /// Two or more maps added, a norm, a gate: `reads` elements in, `writes` out, per image.
    pub fn elementwise(&mut self, name: &str, reads: u64, writes: u64) {
        self.push(name, Operation::Elementwise, Cost::moved(reads, writes));
    }

    /// Two maps of the same size added.
    pub fn add(&mut self, name: &str, map: Map) {
        self.elementwise(name, 2 * map.elements(), map.elements());
    }

    /// A layer norm over tokens.
    pub fn norm(&mut self, name: &str, tokens: u64, width: u32) {
        let elements = tokens * u64::from(width);
        let vectors = 2 * u64::from(width);
        self.push(name, Operation::Elementwise, Cost { vectors, ..Cost::moved(elements, elements) });
    }

    /// Parameters without arithmetic: positions, query embeddings.
    pub fn table(&mut self, name: &str, elements: u64) {
        self.push(name, Operation::Elementwise, Cost { vectors: elements, ..Cost::default() });
    }

    /// Features of all images lifted to `depths` and summed into `cells` cells of a map.
    pub fn view_transform(&mut self, name: &str, from: Map, depths: u32, cells: Map) {
        let points = from.area() * u64::from(depths) * self.images;
        let channels = u64::from(from.channels);
        let operation = Operation::ViewTransform { points, channels: from.channels };
        self.layers.push(Layer {
            name: name.to_string(),
            operation,
            macs: points * channels,
            weights: 0,
            vectors: 0,
            // Features once, depths, and an index per point.
            inputs: self.images * from.elements() + 2 * points,
            outputs: cells.elements(),
        });
    }
}
