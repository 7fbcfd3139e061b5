//! Kernels: how long one operator takes on one accelerator.
//!
//! [`Kernels`] holds everything that is known of one device, resolved once, so that a question costs well under a
//! microsecond and allocates nothing. What was not measured on the device is carried over from the nearest that was, with
//! a wider band; every answer can say what it was calibrated on.

pub mod attention;
pub mod attention_shape;
pub mod batch;
pub mod collective;
pub mod communication;
pub mod context_attention;
pub mod element_wise;
pub mod gemm;
pub mod generation_attention;
pub mod latent_attention;
pub mod launch;
pub mod linear_attention;
pub mod moe;
pub mod moe_fit;
pub mod point_to_point;
pub mod roofline;
pub mod routing;
pub mod stand_in;
pub mod table;

use std::sync::LazyLock;

use rayon::prelude::*;

use crate::accelerator::Accelerator;
use crate::accelerator::lineage::donors;
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits, Trial};
use crate::fit::law::HoldOut;
use crate::format::Format;
use attention::Attention;
use communication::{Communication, Software};
use gemm::GemmKernel;
use launch::Launch;
use moe::MoeKernel;
use table::Table;

/// Measurements of one operator on one device: a file.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The device.
    pub device: Accelerator,
    /// Its rows.
    pub table: Table,
}

/// Fits an operator on all devices, with trials between them.
pub type Calibrate = fn(&[Measured], HoldOut) -> Result<OperatorFits, String>;

/// Operators that can be calibrated: the name in files (`h100_sxm_NAME.csv.gz`), and how.
pub const OPERATORS: [(&str, Calibrate); 6] = [
    (gemm::NAME, gemm::calibrate),
    (moe::NAME, moe_fit::calibrate),
    (context_attention::NAME, context_attention::calibrate),
    (generation_attention::NAME, generation_attention::calibrate),
    (collective::LIBRARY_NAME, collective::calibrate_library),
    (collective::ENGINE_NAME, collective::calibrate_engine),
];

/// The built-in calibration files, one per operator.
const BUILT_IN: [&str; 6] = [
    include_str!("../../calibration/gemm.json"),
    include_str!("../../calibration/moe.json"),
    include_str!("../../calibration/context_attention.json"),
    include_str!("../../calibration/generation_attention.json"),
    include_str!("../../calibration/nccl.json"),
    include_str!("../../calibration/custom_allreduce.json"),
];

/// Fits of all operators.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    /// One entry per operator.
    pub operators: Vec<OperatorFits>,
}

impl Calibration {
    /// What is built in: fitted by `lanewright workload calibrate`.
    pub fn built_in() -> &'static Self {
        static READ: LazyLock<Calibration> = LazyLock::new(|| Calibration {
            // Written by this program and held by a test to be readable.
            operators: BUILT_IN.iter().filter_map(|text| OperatorFits::read(text).ok()).collect(),
        });
        &READ
    }

    /// The fits of an operator.
    pub fn operator(&self, name: &str) -> Option<&OperatorFits> {
        self.operators.iter().find(|fits| fits.operator == name)
    }
}

/// Every kernel of one device.
#[derive(Clone, Debug)]
pub struct Kernels {
    /// The device.
    pub device: Accelerator,
    gemms: Vec<GemmKernel>,
    /// Per format: experts with a gate, then without.
    experts: Vec<[MoeKernel; 2]>,
    /// Attention.
    pub attention: Attention,
    /// Collectives and sends.
    pub communication: Communication,
    /// How kernels follow each other in a step.
    pub launch: Launch,
}

impl Kernels {
    /// Resolves all kernels of a device, with NCCL's collectives only.
    pub fn for_device(device: &Accelerator, calibration: &Calibration) -> Self {
        Self::with_software(device, calibration, &Software::default())
    }

    /// Resolves all kernels of a device under an engine.
    pub fn with_software(device: &Accelerator, calibration: &Calibration, software: &Software<'_>) -> Self {
        let fits = |name| calibration.operator(name);
        let (gemm, experts) = (fits(gemm::NAME), fits(moe::NAME));
        // An engine takes the quickest kernels that it has; NVFP4 has two kinds, these at half the time of the others.
        let sources = [Some("moe_torch_flow_min_latency"), Some("moe_torch_flow_nongated")];
        Self {
            device: device.clone(),
            gemms: Format::ALL.iter().map(|format| GemmKernel::new(device, gemm, *format)).collect(),
            experts: Format::ALL
                .iter()
                .map(|format| sources.map(|source| MoeKernel::new(device, experts, *format, source)))
                .collect(),
            attention: Attention::new(device, fits(context_attention::NAME), fits(generation_attention::NAME)),
            communication: Communication::new(
                device,
                fits(collective::LIBRARY_NAME),
                fits(collective::ENGINE_NAME),
                software,
            ),
            launch: Launch::of(device, software.engine),
        }
    }

    /// The dense products of a format.
    pub fn gemm_kernel(&self, format: Format) -> &GemmKernel {
        // `Format::ALL` is in the order of declaration; a test holds it to that.
        &self.gemms[format as usize]
    }

    /// Time of `m x k` activations times `k x n` weights, seconds.
    pub fn gemm(&self, format: Format, m: f64, n: f64, k: f64) -> Estimate {
        self.gemm_kernel(format).time(m, n, k)
    }

    /// Seconds of a product in a step. Where activations are brought to a narrower format, measured products contain that
    /// pass (their floors on H100 and B200: 12 us in FP8, 2 to 3 us in 16 bits), which is an operator of its own in a step.
    pub fn product_seconds(&self, format: Format, m: f64, n: f64, k: f64) -> f64 {
        let kernel = self.gemm_kernel(format);
        let measured = kernel.likely(m, n, k);
        if format.activation_bytes() >= 2.0 {
            return measured;
        }
        let floor = self.gemm_kernel(Format::Bf16).floor();
        let pass = (kernel.floor() - floor).max(0.0);
        (measured - pass).max(floor.min(measured))
    }

    /// The experts of a format, with or without a gate; ask it for the [`moe::MoeCurve`] of a shape once, and that for
    /// times. For another source of kernels than the device's usual one see [`MoeKernel::new`].
    pub fn moe_kernel(&self, format: Format, gated: bool) -> &MoeKernel {
        &self.experts[format as usize][usize::from(!gated)]
    }
}

/// Predictions of a table's rows with a fit made elsewhere, each with what was measured, seconds.
type Pairs = Vec<(Estimate, f64)>;

/// Fits every file, then tries every fit of a donor on the rows of each device, as if that had none.
fn donor_trials(
    operator: &str,
    measured: &[Measured],
    fit: impl Fn(&Measured) -> Result<Vec<Fitted>, String> + Sync,
    pairs: impl Fn(&Accelerator, &Table, &Fitted) -> Result<Pairs, String> + Sync,
) -> Result<OperatorFits, String> {
    let fits: Vec<Fitted> =
        measured.par_iter().map(&fit).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let tried = |one: &Measured| {
        let mut trials = Vec::new();
        for donor in donors(&one.device) {
            for fit in fits.iter().filter(|fit| fit.device == donor.id) {
                trials.extend(Trial::of(donor.id, &one.device.id, &fit.variant, &pairs(&one.device, &one.table, fit)?));
            }
        }
        Ok(trials)
    };
    let trials: Vec<Vec<Trial>> = measured.par_iter().map(tried).collect::<Result<_, String>>()?;
    Ok(OperatorFits { operator: operator.into(), fits, trials: trials.into_iter().flatten().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_in_the_order_of_declaration() {
        for (at, format) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format as usize, at);
        }
    }

    #[test]
    fn attention_and_collectives_of_any_device_are_plausible() {
        use crate::accelerator::tests::plain;
        use attention_shape::AttentionShape;
        use communication::Engine;

        let shape = AttentionShape {
            heads: 8,
            kv_heads: 1,
            head_dim: 128,
            window: None,
            attention: Format::Bf16,
            cache: Format::Bf16,
        };
        let software = Software { engine: Some(Engine::Vllm), ..Software::default() };
        for (id, rate, bandwidth) in [
            ("nvidia/h100-sxm", 989e12, 3.35e12),
            ("nvidia/h200-sxm", 989e12, 4.8e12),
            ("amd/mi300x", 1307e12, 5.3e12),
            ("nvidia/orin", 42e12, 0.2048e12),
        ] {
            let device = plain(id, rate, bandwidth);
            for calibration in [Calibration::built_in(), &Calibration::default()] {
                let kernels = Kernels::with_software(&device, calibration, &software);
                // 64 sequences of 8192 tokens: 64 * 8192 * 512 bytes, 80 us on an H100 at its peak.
                let bytes = 64.0 * 8192.0 * 512.0;
                let decode = kernels.attention.generation(&shape, 64.0, 64.0 * 8192.0);
                assert!(
                    decode.likely > bytes / bandwidth && decode.likely < 3.0 * bytes / bandwidth + 50e-6,
                    "{id}: {decode:?}"
                );
                let pairs = 8192.0 * 8193.0 / 2.0;
                let prompt = kernels.attention.context(&shape, 1.0, 8192.0, pairs, 0.0);
                let work = 4.0 * 8.0 * 128.0 * pairs / rate;
                assert!(prompt.likely > work && prompt.likely < 4.0 * work + 100e-6, "{id}: {prompt:?}");
                assert!(prompt.low < prompt.likely && prompt.likely < prompt.high);
                let small = kernels.communication.all_reduce(8.0, 16384.0, true);
                assert!(small.likely > 1e-6 && small.likely < 60e-6, "{id}: {small:?}");
            }
        }
        let h100 =
            Kernels::with_software(&plain("nvidia/h100-sxm", 989e12, 3.35e12), Calibration::built_in(), &software);
        let (context, generation) = h100.attention.calibrated_on(&shape);
        assert!(context.starts_with("nvidia/h100-sxm") && generation.contains("grouped"), "{context} {generation}");
    }

    #[test]
    fn built_in_files_can_be_read() {
        for text in BUILT_IN {
            let fits = OperatorFits::read(text).expect("as written by calibrate");
            assert_eq!(fits.write(), text, "{}", fits.operator);
        }
        assert_eq!(Calibration::built_in().operators.len(), BUILT_IN.len());
    }
}
