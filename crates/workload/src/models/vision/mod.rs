//! Networks that look at images, layer by layer: what each multiplies, reads and writes.
//!
//! Counts are multiply-accumulates (MACs): the literature's "GFLOPs" are MACs in half of the papers and twice that in
//! the other half. Batch norms are folded into the convolution before them, as every deployment does; their two numbers
//! per channel count as parameters, so totals are those that makers print.

mod bev;
mod builder;
mod detr;
mod find;
mod mobile;
mod resnet;
mod swin;
mod vit;
mod yolo;

use serde::Serialize;

pub use self::find::{Published, UnknownNet, find, names, published};
use crate::format::Format;

/// A network at one input size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Net {
    /// Name in lower case, `yolov8s`.
    pub name: String,
    /// Images that one pass looks at together (cameras).
    pub images: u32,
    /// Height of an image, pixels.
    pub height: u32,
    /// Width of an image, pixels.
    pub width: u32,
    /// Layers in order of execution.
    pub layers: Vec<Layer>,
    /// What was simplified against the published network; empty where nothing was.
    pub notes: Vec<String>,
}

/// One layer: what it does and what that costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Where it stands, `layer3.2.conv1`.
    pub name: String,
    /// What it does.
    pub operation: Operation,
    /// Multiply-accumulates of one pass.
    pub macs: u64,
    /// Weights of matrices and kernels.
    pub weights: u64,
    /// Biases, norms, positions: kept at full width when weights are quantised.
    pub vectors: u64,
    /// Elements read, weights apart.
    pub inputs: u64,
    /// Elements written.
    pub outputs: u64,
}

/// What a layer does, with the sizes that decide how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A convolution, grouped or not; one group per channel is a depthwise one.
    Convolution {
        /// Channels read.
        from: u32,
        /// Channels written.
        to: u32,
        /// Height and width of the kernel.
        kernel: (u32, u32),
        /// Step.
        stride: u32,
        /// Groups of channels that do not see each other.
        groups: u32,
        /// Whether its taps stand at learned offsets (deformable convolution): reads are scattered.
        sampled: bool,
    },
    /// A matrix times every token.
    Linear {
        /// Tokens of all images.
        tokens: u64,
        /// Elements read per token.
        from: u32,
        /// Elements written per token.
        to: u32,
    },
    /// Attention of queries over keys: scores and weighted sum (projections are linear layers).
    Attention {
        /// Independent pieces: images, or windows of them.
        pieces: u64,
        /// Queries of a piece.
        queries: u64,
        /// Keys of a piece.
        keys: u64,
        /// Heads.
        heads: u32,
        /// Elements of a head.
        head_dim: u32,
    },
    /// Attention that reads a few sampled points of feature maps.
    Deformable {
        /// Queries that sample.
        queries: u64,
        /// Heads.
        heads: u32,
        /// Points per query and head, over all maps.
        points: u32,
        /// Elements of a head.
        head_dim: u32,
    },
    /// A largest or mean value of neighbours.
    Pooling {
        /// Height and width of the neighbourhood.
        kernel: (u32, u32),
    },
    /// Interpolation to another size, or copies beside each other.
    Resize,
    /// Image features lifted by depth and summed into the cells of a map from above.
    ViewTransform {
        /// Points (pixels times depths) that are summed.
        points: u64,
        /// Channels.
        channels: u32,
    },
    /// Sums, norms, softmax, gates: element by element.
    Elementwise,
}

impl Operation {
    /// Whether compilers hide it in the layer before it.
    pub fn fuses(&self) -> bool {
        matches!(self, Self::Elementwise)
    }

    /// Whether each channel is by itself: bound by memory, not by arithmetic.
    pub fn is_depthwise(&self) -> bool {
        matches!(self, Self::Convolution { from, groups, .. } if *groups > 1 && groups == from)
    }
}

impl Layer {
    /// Parameters.
    pub fn parameters(&self) -> u64 {
        self.weights + self.vectors
    }

    /// Bytes of the parameters: weights in this format, vectors at 16 bits or more.
    pub fn weight_bytes(&self, format: Format) -> f64 {
        self.weights as f64 * format.weight_bytes() + self.vectors as f64 * format.weight_bytes().max(2.0)
    }

    /// Bytes read, weights apart.
    pub fn input_bytes(&self, format: Format) -> f64 {
        self.inputs as f64 * format.activation_bytes()
    }

    /// Bytes written.
    pub fn output_bytes(&self, format: Format) -> f64 {
        self.outputs as f64 * format.activation_bytes()
    }
}

impl Net {
    /// Multiply-accumulates of one pass over all its images.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.macs).sum()
    }

    /// Parameters.
    pub fn parameters(&self) -> u64 {
        self.layers.iter().map(Layer::parameters).sum()
    }

    /// Bytes of all parameters.
    pub fn weight_bytes(&self, format: Format) -> f64 {
        self.layers.iter().map(|layer| layer.weight_bytes(format)).sum()
    }

    /// Bytes that go to memory and back if every layer that does not fuse reads and writes it: the most that a pass
    /// moves, weights apart.
    pub fn activation_bytes(&self, format: Format) -> f64 {
        let kept = self.layers.iter().filter(|layer| !layer.operation.fuses());
        kept.map(|layer| layer.input_bytes(format) + layer.output_bytes(format)).sum()
    }

    /// The most that one layer holds at once: what it reads, writes and weighs.
    pub fn working_set_bytes(&self, format: Format) -> f64 {
        let set = |layer: &Layer| layer.input_bytes(format) + layer.output_bytes(format) + layer.weight_bytes(format);
        self.layers.iter().map(set).fold(0.0, f64::max)
    }
}
