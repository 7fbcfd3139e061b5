//! How much of a chip's arithmetic vision networks get: the share of the dense rate that was measured, and what a vendor's
//! equivalent TOPS may stand for.

use serde::Serialize;

use crate::estimate::Estimate;

/// A measured network on a known chip.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Anchor {
    /// What ran where.
    pub what: &'static str,
    /// Operations of one inference (a multiply-add is two).
    pub operations: f64,
    /// Inferences per second.
    pub per_second: f64,
    /// Dense rate of the arithmetic used, operations per second.
    pub peak: f64,
    /// Where it was published.
    pub source: &'static str,
}

impl Anchor {
    /// Share of the dense rate.
    pub fn share(&self) -> f64 {
        self.operations * self.per_second / self.peak
    }
}

/// Whole networks, measured by their publishers. Operations of BEVFormer-tiny are an estimate; dense rates are general
/// knowledge of the makers' documents (128 and 560 TOP/s for the Journey 6M and 6P, 71 and 35.6 TFLOP/s for the RTX 3090
/// with 16-bit inputs and 32-bit sums, and with 32-bit inputs).
pub const ANCHORS: [Anchor; 4] = [
    Anchor {
        what: "BEV LSS, ResNet-50, 6 cameras of 256 x 704, 8 bits, Horizon Journey 6M",
        operations: 0.43e12,
        per_second: 62.0,
        peak: 128e12,
        source: "OpenExplorer bev_vtv2_resnet50 model card",
    },
    Anchor {
        what: "BEV LSS, ResNet-50, 6 cameras of 256 x 704, 8 bits, Horizon Journey 6P",
        operations: 0.43e12,
        per_second: 347.0,
        peak: 560e12,
        source: "OpenExplorer bev_vtv2_resnet50 model card",
    },
    Anchor {
        what: "BEVFormer-tiny, TensorRT, 16 bits, RTX 3090",
        operations: 0.4e12,
        per_second: 69.2,
        peak: 71e12,
        source: "DerryHub/BEVFormer_tensorrt",
    },
    Anchor {
        what: "BEVFormer-tiny, TensorRT, 32 bits, RTX 3090",
        operations: 0.4e12,
        per_second: 37.9,
        peak: 35.6e12,
        source: "DerryHub/BEVFormer_tensorrt",
    },
];

/// Sustained vision operations per equivalent operation (eTOPS x 1e12). A maker that counts in equivalents says that a
/// graphics processor needs that many TOPS for the same frames per second; such processors sustain [`vision_share`] of their
/// dense rate, and half of that where sparse rates are counted. No network has been measured in public on a chip whose dense
/// rate and equivalent rate are both known: an estimate with a band that holds both readings.
pub const PER_EQUIVALENT: Estimate = Estimate { low: 0.1, likely: 0.22, high: 0.45 };

/// Share of the dense rate that a vision network gets: geometric mean of [`ANCHORS`], and a band of 1.28 standard
/// deviations of a new one (their spread, widened for there being so few).
pub fn vision_share() -> Estimate {
    let logs = ANCHORS.map(|anchor| anchor.share().ln());
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // Student's t of three degrees of freedom at 90 %, and a new draw beside an uncertain mean.
    let room = (1.638 * (variance * (1.0 + 1.0 / count)).sqrt()).exp();
    Estimate::spread(mean.exp(), room, room)
}

/// Product of two bands whose errors have nothing to do with each other: distances from the middle add as squares of
/// their logarithms.
pub fn product(a: Estimate, b: Estimate) -> Estimate {
    let joined = |x: f64, y: f64| (x.ln().powi(2) + y.ln().powi(2)).sqrt().exp();
    Estimate::spread(a.likely * b.likely, joined(a.below(), b.below()), joined(a.above(), b.above()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Journey 6M sustains 26 TFLOP/s on its published run.
    #[test]
    fn anchors_give_a_share_below_a_half() {
        assert!((ANCHORS[0].operations * ANCHORS[0].per_second * 1e-12 - 26.7).abs() < 0.1);
        let share = vision_share();
        assert!(share.likely > 0.25 && share.likely < 0.36, "{share:?}");
        assert!(share.low < 0.2 && share.high > 0.45 && share.high < 1.0, "{share:?}");
        for anchor in ANCHORS {
            assert!(share.low < anchor.share() && anchor.share() < share.high, "{}", anchor.what);
        }
    }

    /// Operations behind the anchors are those of the networks' shapes, give or take what their publishers changed.
    #[test]
    fn anchors_have_the_operations_of_networks() {
        for (anchor, net, size) in [(0, "bevdet_r50", (256, 704)), (2, "bevformer_tiny", (450, 800))] {
            let net = crate::models::vision::find(net, Some(size)).unwrap_or_else(|why| panic!("{why:?}"));
            let ratio = 2.0 * net.macs() as f64 / ANCHORS[anchor].operations;
            assert!((0.6..1.6).contains(&ratio), "{}: {ratio}", ANCHORS[anchor].what);
        }
    }

    /// Each anchor lies in the band that the three others give.
    #[test]
    fn bands_hold_the_anchor_left_out() {
        for (out, left_out) in ANCHORS.iter().enumerate() {
            let logs: Vec<f64> =
                ANCHORS.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, a)| a.share().ln()).collect();
            let mean = logs.iter().sum::<f64>() / 3.0;
            let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / 2.0;
            let room = 1.886 * (variance * (1.0 + 1.0 / 3.0)).sqrt();
            assert!((left_out.share().ln() - mean).abs() < room, "{}", left_out.what);
        }
    }
}
