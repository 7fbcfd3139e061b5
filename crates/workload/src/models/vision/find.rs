//! The built-in networks by name, and the totals that their makers print.

use std::fmt;

use super::bev::Former;
use super::yolo::Scale;
use super::{Net, bev, detr, mobile, resnet, swin, vit, yolo};

/// Largest height or width of an image, pixels.
const LARGEST: u32 = 16_384;

/// Totals of a network as published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// Name in lower case.
    pub name: &'static str,
    /// Height and width that the totals hold for, pixels.
    pub input: (u32, u32),
    /// Multiply-accumulates, billions, deformable convolutions left out where that source leaves them out; none where no
    /// source gives them for this variant.
    pub gmacs: Option<f64>,
    /// Parameters, millions.
    pub parameters_m: Option<f64>,
    /// Where they come from, and which convention that source prints.
    pub source: &'static str,
}

/// Why there is no network of that name or size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownNet {
    /// The name stands for none.
    Name {
        /// As given.
        name: String,
        /// One near it.
        near: Option<&'static str>,
    },
    /// The image is too small or too large.
    Size {
        /// Height and width as given.
        given: (u32, u32),
    },
}

impl fmt::Display for UnknownNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name, near } => {
                write!(f, "no network {name:?} is built in\n  ")?;
                if let Some(near) = near {
                    write!(f, "did you mean {near}? ")?;
                }
                write!(f, "there are: {}", names().collect::<Vec<_>>().join(", "))
            }
            Self::Size { given: (height, width) } => {
                write!(f, "an image of {height} x {width} does not fit\n  expected 32 to {LARGEST} pixels a side")
            }
        }
    }
}

const TORCHVISION: &str = "torchvision's table of models (its GFLOPS are GMACs)";
const ULTRALYTICS: &str = "Ultralytics' tables (their GFLOPs are twice the MACs)";

/// Every built-in network with its published totals.
pub fn published() -> &'static [Published] {
    const fn row(
        name: &'static str,
        input: (u32, u32),
        gmacs: f64,
        parameters_m: f64,
        source: &'static str,
    ) -> Published {
        Published { name, input, gmacs: Some(gmacs), parameters_m: Some(parameters_m), source }
    }
    const ROWS: [Published; 22] = [
        row("resnet50", (224, 224), 4.09, 25.557_032, TORCHVISION),
        row("resnet101", (224, 224), 7.80, 44.549_160, TORCHVISION),
        row("mobilenet_v2", (224, 224), 0.30, 3.504_872, TORCHVISION),
        row("efficientnet_b0", (224, 224), 0.39, 5.288_548, TORCHVISION),
        row("swin_t", (224, 224), 4.49, 28.288_354, TORCHVISION),
        row("swin_b", (224, 224), 15.43, 87.768_224, TORCHVISION),
        row("vit_b_16", (224, 224), 17.56, 86.567_656, TORCHVISION),
        row("yolov5s", (640, 640), 8.25, 7.235_389, ULTRALYTICS),
        row("yolov8n", (640, 640), 4.35, 3.157_200, ULTRALYTICS),
        row("yolov8s", (640, 640), 14.3, 11.166_560, ULTRALYTICS),
        row("yolov8m", (640, 640), 39.45, 25.902_640, ULTRALYTICS),
        row("yolov8l", (640, 640), 82.6, 43.691_520, ULTRALYTICS),
        row("yolov8x", (640, 640), 128.9, 68.229_648, ULTRALYTICS),
        row("yolo11n", (640, 640), 3.25, 2.624_080, ULTRALYTICS),
        row("yolo11s", (640, 640), 10.75, 9.458_752, ULTRALYTICS),
        row("yolo11m", (640, 640), 34.0, 20.114_688, ULTRALYTICS),
        row(
            "detr_r50",
            (800, 1066),
            86.0,
            41.3,
            "arXiv 2005.12872, table 1: mean of 100 images of COCO, most wider than this (its GFLOPS are GMACs)",
        ),
        row("yolo11l", (640, 640), 43.45, 25.372_160, ULTRALYTICS),
        Published {
            name: "bevdet_r50",
            input: (256, 704),
            gmacs: None,
            parameters_m: None,
            source: "configuration bevdet-r50 of the repository of BEVDet; arXiv 2112.11790 gives 215 GMAC and 54 M for \
                     another neck and Swin-T",
        },
        Published {
            name: "bevformer_tiny",
            input: (450, 800),
            gmacs: None,
            parameters_m: Some(33.5),
            source: "configuration and table of the repository of BEVFormer",
        },
        Published {
            name: "bevformer_small",
            input: (720, 1280),
            gmacs: None,
            parameters_m: Some(59.5),
            source: "configuration and table of the repository of BEVFormer",
        },
        row(
            "bevformer_base",
            (900, 1600),
            1303.5,
            69.0,
            "arXiv 2203.17270, whose counter does not see deformable convolutions (GMACs)",
        ),
    ];
    &ROWS
}

/// Names of all.
pub fn names() -> impl Iterator<Item = &'static str> {
    published().iter().map(|row| row.name)
}

/// A built-in network for images of this height and width; none takes the size of its paper.
pub fn find(name: &str, size: Option<(u32, u32)>) -> Result<Net, UnknownNet> {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(name);
    let wanted = wanted.strip_prefix("ultralytics").unwrap_or(&wanted);
    let row = published().iter().find(|row| plain(row.name) == wanted).ok_or_else(|| UnknownNet::Name {
        name: name.chars().take(100).collect(),
        near: lanewright_model::problem::nearest(name, names()),
    })?;
    let (height, width) = size.unwrap_or(row.input);
    if !(32..=LARGEST).contains(&height) || !(32..=LARGEST).contains(&width) {
        return Err(UnknownNet::Size { given: (height, width) });
    }
    let scale = |depth, width, most, deep| Scale { depth, width, most, deep };
    Ok(match row.name {
        "resnet101" => resnet::classifier(row.name, [3, 4, 23, 3], height, width),
        "mobilenet_v2" => mobile::mobilenet_v2(height, width),
        "efficientnet_b0" => mobile::efficientnet_b0(height, width),
        "swin_t" => swin::classifier(row.name, 96, [2, 2, 6, 2], [3, 6, 12, 24], height, width),
        "swin_b" => swin::classifier(row.name, 128, [2, 2, 18, 2], [4, 8, 16, 32], height, width),
        "vit_b_16" => vit::base_16(height, width),
        "yolov5s" => yolo::v5(row.name, scale(0.33, 0.5, 1024, false), height, width),
        "yolov8n" => yolo::v8(row.name, scale(0.33, 0.25, 1024, false), height, width),
        "yolov8s" => yolo::v8(row.name, scale(0.33, 0.5, 1024, false), height, width),
        "yolov8m" => yolo::v8(row.name, scale(0.67, 0.75, 768, false), height, width),
        "yolov8l" => yolo::v8(row.name, scale(1.0, 1.0, 512, false), height, width),
        "yolov8x" => yolo::v8(row.name, scale(1.0, 1.25, 512, false), height, width),
        "yolo11n" => yolo::v11(row.name, scale(0.5, 0.25, 1024, false), height, width),
        "yolo11s" => yolo::v11(row.name, scale(0.5, 0.5, 1024, false), height, width),
        "yolo11m" => yolo::v11(row.name, scale(0.5, 1.0, 512, true), height, width),
        "yolo11l" => yolo::v11(row.name, scale(1.0, 1.0, 512, true), height, width),
        "detr_r50" => detr::r50(height, width),
        "bevdet_r50" => bev::bevdet_r50(height, width),
        "bevformer_tiny" => {
            let size = Former { blocks: [3, 4, 6, 3], deformable: false, levels: 1, side: 50, encoders: 3 };
            bev::bevformer(row.name, size, height, width)
        }
        "bevformer_small" => {
            let size = Former { blocks: [3, 4, 23, 3], deformable: true, levels: 1, side: 150, encoders: 3 };
            bev::bevformer(row.name, size, height, width)
        }
        "bevformer_base" => {
            let size = Former { blocks: [3, 4, 23, 3], deformable: true, levels: 4, side: 200, encoders: 6 };
            bev::bevformer(row.name, size, height, width)
        }
        _ => resnet::classifier(row.name, [3, 4, 6, 3], height, width),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::models::vision::Operation;

    /// Exact parameters where the table gives every digit, else 3 %; operations to 2.5 % of what is printed in two or
    /// three digits, DETR to 7 % (its number is a mean over images of other sizes),
    /// BEVFormer to 5 % (how many cameras see a cell is an estimate).
    #[test]
    fn networks_meet_their_published_totals() {
        let mut wrong = Vec::new();
        for row in published() {
            let net = find(row.name, None).expect(row.name);
            if let Some(published) = row.parameters_m {
                let counted = net.parameters() as f64 / 1e6;
                let limit = if (published * 10.0).fract() > 1e-6 { 1e-6 } else { 0.03 };
                if (counted / published - 1.0).abs() > limit {
                    wrong.push(format!("{}: {counted:.6} M against {published:.6}", row.name));
                }
            }
            if let Some(published) = row.gmacs {
                let seen = net
                    .layers
                    .iter()
                    .filter(|layer| !matches!(layer.operation, Operation::Convolution { sampled: true, .. }));
                let counted = seen.map(|layer| layer.macs).sum::<u64>() as f64 / 1e9;
                let limit = match row.name {
                    "detr_r50" => 0.07,
                    "bevformer_base" => 0.05,
                    _ => 0.025,
                };
                if (counted / published - 1.0).abs() > limit {
                    wrong.push(format!("{}: {counted:.3} GMAC against {published}", row.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn convolutions_scale_with_the_image_and_bytes_with_the_format() {
        let small = find("YOLOv8s", None).expect("built in");
        let large = find("yolov8-s", Some((1280, 1280))).expect("built in");
        assert!((large.macs() as f64 / small.macs() as f64 - 4.0).abs() < 1e-9);
        assert_eq!(small.parameters(), large.parameters());
        assert!((small.activation_bytes(Format::Bf16) / small.activation_bytes(Format::Int8) - 2.0).abs() < 1e-9);
        assert!(small.weight_bytes(Format::Int8) < 0.51 * small.weight_bytes(Format::Bf16) + 2e5);
        let conv = &small.layers[0];
        // 320 x 320 x 32 outputs of 3 x 3 x 3 products.
        assert_eq!(conv.macs, 320 * 320 * 32 * 27);
        assert_eq!((conv.inputs, conv.outputs), (3 * 640 * 640, 32 * 320 * 320));
    }

    #[test]
    fn depthwise_layers_do_little_per_byte() {
        let net = find("mobilenet_v2", None).expect("built in");
        let intensity = |deep: bool| {
            let layers = net.layers.iter().filter(|layer| {
                matches!(layer.operation, Operation::Convolution { .. }) && layer.operation.is_depthwise() == deep
            });
            let (macs, bytes) = layers.fold((0, 0), |(macs, bytes), layer| {
                (macs + layer.macs, bytes + layer.inputs + layer.outputs + layer.weights)
            });
            macs as f64 / bytes as f64
        };
        assert!(intensity(true) < 9.0 && intensity(false) > 20.0, "{} {}", intensity(true), intensity(false));
    }

    #[test]
    fn wrong_names_and_sizes_are_refused() {
        assert!(find("yolov9000", None).expect_err("no such").to_string().contains("yolov8"));
        assert!(find("resnet50", Some((8, 8))).is_err());
        assert!(find("resnet50", Some((u32::MAX, 224))).is_err());
        for name in names() {
            let net = find(name, Some((LARGEST, LARGEST))).expect(name);
            assert!(net.macs() > 0);
            find(name, Some((33, 47))).expect(name);
        }
    }
}
