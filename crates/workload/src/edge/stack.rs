//! How a software stack decodes: seconds of a token = bytes / (efficiency x bandwidth) + layers x overhead.
//!
//! Two parameters for a stack on a device, by least squares of relative errors over its measured points; one (no overhead)
//! for processors, whose points do not bear two. A device without measurements gets the geometric mean of the stack's
//! devices, and the band that leaving out one device after the other asks for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;

use super::anchors::{ANCHORS, AX630C, Anchor};
use crate::estimate::Estimate;

/// Software that decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stack {
    /// llama.cpp on a graphics processor.
    LlamaCpp,
    /// Compiled for the device: TensorRT-LLM, TensorRT Edge-LLM.
    Tuned,
    /// llama.cpp or ollama on a host processor.
    Cpu,
    /// A maker's stack on its neural engine, measured (Axera).
    Npu,
    /// A maker's stack that nobody has measured in public.
    Vendor,
}

impl Stack {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::LlamaCpp, Self::Tuned, Self::Cpu, Self::Npu, Self::Vendor];

    /// The spelling of flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::LlamaCpp => "llama.cpp",
            Self::Tuned => "tuned",
            Self::Cpu => "cpu",
            Self::Npu => "npu",
            Self::Vendor => "vendor",
        }
    }

    /// From its spelling; case does not matter.
    pub fn from_name(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "llama.cpp" | "llamacpp" | "llama-cpp" | "gguf" => Some(Self::LlamaCpp),
            "tuned" | "tensorrt" | "trt" | "trt-llm" | "tensorrt-llm" | "tensorrt-edge-llm" | "mlc" => {
                Some(Self::Tuned)
            }
            "cpu" | "ollama-cpu" => Some(Self::Cpu),
            "npu" => Some(Self::Npu),
            "vendor" => Some(Self::Vendor),
            _ => None,
        }
    }
}

/// How a stack decodes on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Law {
    /// The stack.
    pub stack: Stack,
    /// Share of the memory's peak; its band is what predictions are widened by.
    pub efficiency: Estimate,
    /// Seconds that every layer costs beside its bytes.
    pub layer_seconds: f64,
    /// Measured points of this stack on this device.
    pub points: usize,
    /// Measured points of this stack on other devices that it was carried over from.
    pub carried: usize,
    /// Largest relative error of a point that the law was fitted without; none where there were too few.
    pub left_out: Option<f64>,
    /// What it rests on, in a sentence.
    pub basis: String,
}

impl Law {
    /// A law that a user gives: a share of the bandwidth and nothing else.
    pub fn given(efficiency: Estimate) -> Self {
        Self {
            stack: Stack::Vendor,
            efficiency,
            layer_seconds: 0.0,
            points: 0,
            carried: 0,
            left_out: None,
            basis: "share of the bandwidth as given".into(),
        }
    }

    /// Seconds of a token of so many bytes through so many layers at a bandwidth, with the band.
    pub fn seconds(&self, bytes: f64, layers: f64, bandwidth: f64) -> Estimate {
        let overhead = layers * self.layer_seconds;
        let at = |efficiency: f64| bytes / (efficiency * bandwidth) + overhead;
        let likely = at(self.efficiency.likely);
        // The band of the efficiency stands for all of the error, that of the overhead too.
        Estimate::spread(likely, self.efficiency.above(), self.efficiency.below())
    }
}

/// Two parameters by least squares of relative errors: 1 / efficiency and seconds per layer.
fn fit(points: &[&Anchor]) -> Option<(f64, f64)> {
    let overheads = points.iter().all(|point| point.stack != Stack::Cpu) && points.len() > 1;
    let rows = points.iter().map(|point| {
        let time = 1.0 / point.tokens_per_s;
        (point.at_peak() / time, if overheads { point.shape.layers / time } else { 0.0 })
    });
    let (mut aa, mut ab, mut bb, mut a, mut b) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (x, y) in rows {
        aa += x * x;
        ab += x * y;
        bb += y * y;
        a += x;
        b += y;
    }
    if aa <= 0.0 {
        return None;
    }
    let determinant = aa * bb - ab * ab;
    if determinant > 1e-9 * aa * bb {
        let (inverse, layer) = ((a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant);
        if inverse > 0.0 && layer >= 0.0 {
            return Some((inverse, layer));
        }
    }
    Some((a / aa, 0.0))
}

fn error((inverse, layer): (f64, f64), point: &Anchor) -> f64 {
    (point.at_peak() * inverse + point.shape.layers * layer) * point.tokens_per_s - 1.0
}

/// Parameters of all devices of a stack but one, as geometric means.
fn carried(stack: Stack, but: &str) -> Option<((f64, f64), usize)> {
    let mut devices: BTreeMap<&str, Vec<&Anchor>> = BTreeMap::new();
    for point in ANCHORS.iter().filter(|point| point.stack == stack && point.device != but) {
        devices.entry(point.device).or_default().push(point);
    }
    let fits: Vec<(f64, f64)> = devices.values().filter_map(|points| fit(points)).collect();
    if fits.is_empty() {
        return None;
    }
    let count = fits.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| (fits.iter().map(|f| of(f).max(1e-9).ln()).sum::<f64>() / count).exp();
    let layer = if fits.iter().all(|fit| fit.1 == 0.0) { 0.0 } else { mean(|fit| fit.1) };
    Some(((mean(|fit| fit.0), layer), devices.values().map(Vec::len).sum()))
}

/// Band of an efficiency from a root-mean-square error of predictions: 1.28 of them either way, and never under 5 %.
fn band(efficiency: f64, rms: f64) -> Estimate {
    let room = 1.0 + (1.28 * rms).max(0.05);
    Estimate::spread(efficiency, room, room)
}

fn measured(stack: Stack, points: &[&Anchor]) -> Option<Law> {
    let (inverse, layer) = fit(points)?;
    let left_out: Vec<f64> = (0..points.len())
        .filter(|_| points.len() > 2)
        .filter_map(|out| {
            let rest: Vec<&Anchor> = points.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, p)| *p).collect();
            fit(&rest).map(|law| error(law, points[out]))
        })
        .collect();
    let most = left_out.iter().map(|e| e.abs()).fold(None, |most: Option<f64>, e| Some(most.map_or(e, |m| m.max(e))));
    let rms = if left_out.is_empty() {
        // Two points bear two parameters exactly: the stack's spread on devices with more points.
        0.1
    } else {
        (left_out.iter().map(|e| e * e).sum::<f64>() / left_out.len() as f64).sqrt()
    };
    let sources: Vec<&str> = {
        let mut sources: Vec<&str> = points.iter().map(|point| point.source).collect();
        sources.dedup();
        sources
    };
    let parameters = if layer > 0.0 { "two parameters" } else { "one parameter" };
    let held = most.map_or_else(
        || "too few to leave one out".to_string(),
        |most| format!("largest error of a point left out {:.0} %", 100.0 * most),
    );
    Some(Law {
        stack,
        efficiency: band(1.0 / inverse, rms),
        layer_seconds: layer,
        points: points.len(),
        carried: 0,
        left_out: most,
        basis: format!(
            "{parameters} on {} measured points of this device ({}); {held}",
            points.len(),
            sources.join(", ")
        ),
    })
}

fn carried_over(stack: Stack) -> Option<Law> {
    let ((inverse, layer), points) = carried(stack, "")?;
    // What leaving out one device after the other shows of predictions for new ones.
    let errors: Vec<f64> = ANCHORS
        .iter()
        .filter(|point| point.stack == stack)
        .filter_map(|point| carried(stack, point.device).map(|(law, _)| (1.0 + error(law, point)).ln()))
        .collect();
    let rms = if errors.is_empty() {
        0.35
    } else {
        (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt().exp() - 1.0
    };
    Some(Law {
        stack,
        efficiency: band(1.0 / inverse, rms),
        layer_seconds: layer,
        points: 0,
        carried: points,
        left_out: (!errors.is_empty()).then(|| errors.iter().map(|e| e.exp_m1().abs()).fold(0.0, f64::max)),
        basis: format!("no point of this device: carried over from {points} points of this stack on other devices"),
    })
}

static CARRIED: LazyLock<BTreeMap<Stack, Law>> =
    LazyLock::new(|| Stack::ALL.into_iter().filter_map(|stack| carried_over(stack).map(|law| (stack, law))).collect());

static MEASURED: LazyLock<BTreeMap<(Stack, &'static str), Law>> = LazyLock::new(|| {
    let mut points: BTreeMap<(Stack, &'static str), Vec<&Anchor>> = BTreeMap::new();
    for point in ANCHORS.iter().chain(&AX630C) {
        points.entry((point.stack, point.device)).or_default().push(point);
    }
    points.into_iter().filter_map(|(key, points)| measured(key.0, &points).map(|law| (key, law))).collect()
});

/// The law of a stack on a device, by its catalogue id.
pub fn law(stack: Stack, device: &str) -> Law {
    if let Some(law) = MEASURED.iter().find(|((of, on), _)| *of == stack && *on == device).map(|(_, law)| law) {
        return law.clone();
    }
    if let Some(law) = CARRIED.get(&stack) {
        return law.clone();
    }
    Law {
        stack,
        // Between what llama.cpp makes of a device and what compiled stacks do.
        efficiency: Estimate { low: 0.55, likely: 0.75, high: 0.88 },
        layer_seconds: 0.0,
        points: 0,
        carried: 0,
        left_out: None,
        basis: "nobody has published a measurement of this stack: an estimate between llama.cpp and compiled stacks"
            .into(),
    }
}

/// The stack that is taken where none is named: the measured one of the device that does best, else the maker's on chips
/// with equivalent TOPS, else compiled code.
pub fn usual(device: &str, equivalent: bool) -> Stack {
    let measured = MEASURED.iter().filter(|((_, on), _)| *on == device).map(|((stack, _), _)| *stack);
    // The plain stack first: it is what most people run, and its points are the ones that are quoted.
    let first = measured.min();
    first.unwrap_or(if equivalent { Stack::Vendor } else { Stack::Tuned })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(stack: Stack, device: &str) -> Vec<&'static Anchor> {
        ANCHORS.iter().filter(|p| p.stack == stack && p.device == device).collect()
    }

    fn predicted(stack: Stack, point: &Anchor) -> f64 {
        1.0 / law(stack, point.device).seconds(point.bytes(), point.shape.layers, point.bandwidth).likely
    }

    /// llama.cpp on Jetson Orin: 22.5, 13.3 and 3.0 tokens a second for 7B, 13B and 70B at 4 bits (holohub#170).
    #[test]
    fn orin_follows_two_parameters() {
        for (point, wanted) in points(Stack::LlamaCpp, "nvidia/orin").into_iter().zip([22.5, 13.3, 3.0]) {
            let found = predicted(Stack::LlamaCpp, point);
            assert!((found / wanted - 1.0).abs() < 0.02, "{}: {found} for {wanted}", point.shape.name);
        }
        let law = law(Stack::LlamaCpp, "nvidia/orin");
        assert!((law.efficiency.likely - 0.64).abs() < 0.01 && (law.layer_seconds - 0.468e-3).abs() < 5e-6, "{law:?}");
        assert!(law.left_out.is_some_and(|most| most < 0.05), "{law:?}");
    }

    /// Every measured device within 15 % of each of its points, each left out in its turn too, but where two points of
    /// three cannot bear two parameters.
    #[test]
    fn measured_devices_are_met() {
        for point in &ANCHORS {
            let found = predicted(point.stack, point);
            assert!(
                (found / point.tokens_per_s - 1.0).abs() < 0.08,
                "{} on {}: {found}",
                point.shape.name,
                point.device
            );
        }
        for device in ["nvidia/orin", "nvidia/a6000", "nvidia/a6000-ada"] {
            assert!(law(Stack::LlamaCpp, device).left_out.is_some_and(|most| most < 0.15), "{device}");
        }
        let orin = law(Stack::Tuned, "nvidia/orin");
        assert!(orin.left_out.is_some_and(|most| most < 0.12), "{orin:?}");
    }

    /// A law for a device without points, from others of the stack: compiled stacks carry over, llama.cpp only in its band.
    #[test]
    fn laws_carry_over_with_their_band() {
        for (stack, most) in [(Stack::Tuned, 0.2), (Stack::LlamaCpp, 0.6)] {
            let law = law(stack, "unheard/of");
            assert_eq!(law.points, 0);
            assert!(law.left_out.is_some_and(|error| error < most), "{law:?}");
        }
        let band = |stack| law(stack, "unheard/of").efficiency.above();
        assert!(band(Stack::Tuned) < 1.2 && band(Stack::LlamaCpp) > 1.3);
        let mut held = 0;
        let tuned: Vec<&Anchor> = ANCHORS.iter().filter(|p| p.stack == Stack::Tuned).collect();
        for point in &tuned {
            let Some((inverse_layer, _)) = carried(Stack::Tuned, point.device) else { continue };
            let room = band(Stack::Tuned);
            let off = 1.0 + error(inverse_layer, point);
            held += usize::from(off < room && off > 1.0 / room);
        }
        assert!(held * 10 >= tuned.len() * 7, "{held} of {}", tuned.len());
    }

    /// AX630C: 10.3 and 3.6 tokens a second of 0.5B and 1.5B at 8 bits (StackFlow).
    #[test]
    fn an_npu_with_two_points() {
        for point in &AX630C {
            let found = predicted(Stack::Npu, point);
            assert!((found / point.tokens_per_s - 1.0).abs() < 0.02, "{found}");
        }
        assert!(law(Stack::Npu, "axera/ax630c").left_out.is_none());
    }
}
