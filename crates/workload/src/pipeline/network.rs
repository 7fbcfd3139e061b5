//! Vision networks as work of an engine: operations and bytes, layer by layer, with what does not stay in the engine's own
//! memory.
//!
//! A layer whose input, output and weights fit into half of that memory (the other half holds the next) moves its weights
//! alone. A larger one is cut: its input is read again for every part of the weights that fits, or the weights for every
//! part of the input, whichever moves less. Reads at learned places hit memory in pieces and count more than once.

use serde::Serialize;

use crate::format::Format;
use crate::models::vision::{self, Net, Operation, UnknownNet};

/// Bytes moved for every byte wanted when taps stand at learned places: effective bandwidths of 0.2 to 0.4 are quoted for
/// deformable attention. General knowledge.
const SCATTERED: f64 = 3.0;

/// A layer, or a whole network where no more is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Operations (a multiply-add is two).
    pub operations: f64,
    /// Bytes that it moves to and from memory.
    pub bytes: f64,
}

/// A network at an input size.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its layers.
    pub layers: Vec<Layer>,
    /// Bytes that one run moves.
    pub bytes: f64,
    /// Images that one run takes at once.
    pub images: u32,
    /// What was simplified against the published network.
    pub notes: Vec<String>,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Unknown {
    /// No such name; those that are known.
    Name(Vec<String>),
    /// The input does not do.
    Input(String),
}

/// A network by name for an input size (width, height; none for the usual one), in a format, on an engine with so many
/// bytes of its own memory.
pub fn find(name: &str, input: &[u32], format: Format, own_memory: f64) -> Result<Network, Unknown> {
    let size = match *input {
        [] => None,
        [width, height] => Some((height, width)),
        _ => return Err(Unknown::Input("`input` has a width and a height".into())),
    };
    match vision::find(name, size) {
        Ok(net) => Ok(network(&net, format, own_memory)),
        Err(UnknownNet::Name { .. }) => Err(Unknown::Name(vision::names().map(str::to_string).collect())),
        Err(UnknownNet::Size { given: (height, width) }) => {
            Err(Unknown::Input(format!("{width} x {height} pixels are no input for a network")))
        }
    }
}

/// A network layer by layer.
pub fn network(net: &Net, format: Format, own_memory: f64) -> Network {
    let fits = own_memory / 2.0;
    let layers: Vec<Layer> = net
        .layers
        .iter()
        // Compilers hide element-by-element work in the layer before.
        .filter(|layer| !layer.operation.fuses())
        .map(|layer| {
            let (weights, input, output) =
                (layer.weight_bytes(format), layer.input_bytes(format), layer.output_bytes(format));
            let scattered = matches!(
                layer.operation,
                Operation::Deformable { .. }
                    | Operation::Convolution { sampled: true, .. }
                    | Operation::ViewTransform { .. }
            );
            let bytes = if weights + input + output <= fits {
                weights
            } else {
                let again = |part: f64| (part / fits).ceil().max(1.0);
                let cut = (input * again(weights) + weights).min(input + weights * again(input));
                output + if scattered { cut + (SCATTERED - 1.0) * input } else { cut }
            };
            Layer { operations: 2.0 * layer.macs as f64, bytes }
        })
        .collect();
    let bytes = layers.iter().map(|layer| layer.bytes).sum();
    Network { layers, bytes, images: net.images.max(1), notes: net.notes.clone() }
}

/// Seconds of one run at so many operations and bytes per second: every layer takes the longer of the two.
pub fn seconds(network: &Network, operations: f64, bandwidth: f64) -> f64 {
    network.layers.iter().map(|layer| (layer.operations / operations).max(layer.bytes / bandwidth)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, own_memory: f64) -> Network {
        find(name, &[], Format::Int8, own_memory).unwrap_or_else(|why| panic!("{why:?}"))
    }

    /// 28.6 GFLOP and 11.2 MB of weights at 640 x 640 (Ultralytics); with all of its own memory only weights move.
    #[test]
    fn yolov8s_by_layers() {
        let roomy = of("yolov8s", 1e9);
        let operations: f64 = roomy.layers.iter().map(|layer| layer.operations).sum();
        assert!((operations * 1e-9 - 28.6).abs() < 0.5, "{operations}");
        assert!((roomy.bytes * 1e-6 - 11.2).abs() < 0.2, "{}", roomy.bytes);
        // With less, more moves, and never less time.
        let (few, none) = (of("yolov8s", 4e6), of("yolov8s", 1e5));
        assert!(few.bytes > 2.0 * roomy.bytes && none.bytes > few.bytes, "{} {}", few.bytes, none.bytes);
        assert!(seconds(&few, 5e12, 20e9) > operations / 5e12);
        assert!(seconds(&few, 5e12, 20e9) >= seconds(&roomy, 5e12, 20e9));
    }

    /// Depthwise networks are bound by memory where dense ones are bound by arithmetic.
    #[test]
    fn depthwise_is_bound_by_memory() {
        let bound = |name: &str| {
            let net = of(name, 1e6);
            let arithmetic: f64 = net.layers.iter().map(|layer| layer.operations).sum::<f64>() / 10e12;
            seconds(&net, 10e12, 25e9) / arithmetic
        };
        assert!(bound("mobilenet_v2") > 3.0 * bound("yolov8l"), "{} {}", bound("mobilenet_v2"), bound("yolov8l"));
    }

    #[test]
    fn unknown_names_and_sizes_are_refused() {
        assert!(matches!(find("yolo99", &[], Format::Int8, 1e6), Err(Unknown::Name(known)) if known.len() > 10));
        assert!(matches!(find("yolov8s", &[640], Format::Int8, 1e6), Err(Unknown::Input(_))));
        assert!(matches!(find("yolov8s", &[1, 1], Format::Int8, 1e6), Err(Unknown::Input(_))));
    }
}
