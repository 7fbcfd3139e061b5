//! Vision networks as work of an engine: operations and bytes, layer by layer where layers are known.

use serde::Serialize;

/// A layer, or a whole network where no more is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Operations (a multiply-add is two).
    pub operations: f64,
    /// Bytes that it moves: weights, and what lies between layers and does not stay in the engine.
    pub bytes: f64,
}

/// A network at an input size.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its layers.
    pub layers: Vec<Layer>,
    /// Bytes that one run moves beside its input image.
    pub bytes: f64,
    /// Whether one run takes all inputs of a stage at once (networks of several cameras).
    pub takes_all: bool,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Unknown {
    /// No such name; those that are known.
    Name(Vec<String>),
    /// The input does not do.
    Input(String),
}

/// A published network: name, input size, GFLOP at it, millions of parameters, millions of activations written, whether it
/// takes all cameras.
type Published = (&'static str, (u32, u32), f64, f64, f64, bool);

/// Published sizes at the usual input (a multiply-add is two operations); papers of Swin print half of it. Activations of
/// YOLO and BEV networks follow from their shapes, about. General knowledge of the networks' papers and repositories.
const PUBLISHED: [Published; 17] = [
    ("resnet-50", (224, 224), 8.2, 25.6, 11.0, false),
    ("mobilenet-v2", (224, 224), 0.6, 3.5, 6.7, false),
    ("efficientnet-b0", (224, 224), 0.8, 5.3, 6.7, false),
    ("swin-t", (224, 224), 9.0, 28.3, 17.0, false),
    ("swin-b", (224, 224), 30.8, 87.8, 37.0, false),
    ("vit-b-16", (224, 224), 35.0, 86.6, 17.0, false),
    ("yolov5s", (640, 640), 16.5, 7.2, 16.0, false),
    ("yolov8n", (640, 640), 8.7, 3.2, 14.0, false),
    ("yolov8s", (640, 640), 28.6, 11.2, 28.0, false),
    ("yolov8m", (640, 640), 78.9, 25.9, 50.0, false),
    ("yolov8l", (640, 640), 165.0, 43.7, 77.0, false),
    ("yolo11n", (640, 640), 6.5, 2.6, 14.0, false),
    ("yolo11s", (640, 640), 21.5, 9.4, 27.0, false),
    ("yolo11m", (640, 640), 68.0, 20.1, 55.0, false),
    ("bevdet-r50", (704, 256), 430.0, 50.0, 230.0, true),
    ("bevformer-tiny", (800, 450), 400.0, 33.5, 400.0, true),
    ("bevformer-base", (1600, 900), 2600.0, 69.0, 2400.0, true),
];

/// A network by name at an input size (width, height; none for the usual one).
pub fn find(name: &str, input: &[u32]) -> Result<Network, Unknown> {
    let plain =
        |text: &str| -> String { text.to_ascii_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect() };
    let found = PUBLISHED.iter().find(|published| plain(published.0) == plain(name));
    let Some((_, usual, gflop, weights, activations, takes_all)) = found else {
        return Err(Unknown::Name(PUBLISHED.iter().map(|published| published.0.to_string()).collect()));
    };
    let (width, height) = match *input {
        [] => *usual,
        [width, height] if (16..=8192).contains(&width) && (16..=8192).contains(&height) => (width, height),
        _ => return Err(Unknown::Input("`input` has a width and a height, 16 to 8192 pixels each".into())),
    };
    // Convolutions cost by the pixel.
    let scale = f64::from(width) * f64::from(height) / (f64::from(usual.0) * f64::from(usual.1));
    let bytes = weights * 1e6 + 2.0 * activations * 1e6 * scale;
    Ok(Network { layers: vec![Layer { operations: gflop * 1e9 * scale, bytes }], bytes, takes_all: *takes_all })
}
