//! Kernels: how long one operator takes on one device.

pub mod attention_shape;
pub mod collective;
pub mod context_attention;
pub mod generation_attention;
pub mod table;
//! Kernels: how long one operator takes on one accelerator.
//!
//! [`Kernels`] holds everything that is known of one device, resolved once, so that a question costs well under a
//! microsecond and allocates nothing. What was not measured on the device is carried over from the nearest that was, with
//! a wider band; every answer can say what it was calibrated on.

pub mod gemm;
pub mod roofline;
pub mod table;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits};
use crate::fit::procedure::Settings;
use crate::format::Format;
use gemm::GemmKernel;
use roofline::Constants;
use table::Table;

/// Measurements of one operator on one device.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The device.
    pub device: Accelerator,
    /// The rows; the name is that of their file.
    pub table: Table,
}

/// Fits an operator on all devices, with trials between them.
pub type Calibrate = fn(&[Measured], Settings) -> Result<OperatorFits, String>;

/// Operators that can be calibrated: the name in files (`h100_sxm_NAME.csv.gz`), and how.
pub const OPERATORS: [(&str, Calibrate); 1] = [(gemm::NAME, gemm::calibrate)];

/// The built-in calibration files, one per operator.
const BUILT_IN: [&str; 1] = [include_str!("../../calibration/gemm.json")];

/// Fits of all operators.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    /// One entry per operator.
    pub operators: Vec<OperatorFits>,
}

impl Calibration {
    /// What is built in: fitted by `lanewright workload calibrate` on the kernels of A100, H100 and B200.
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
}

impl Kernels {
    /// Resolves all kernels of a device.
    pub fn for_device(device: &Accelerator, calibration: &Calibration) -> Self {
        let fits = calibration.operator(gemm::NAME);
        Self {
            device: device.clone(),
            gemms: Format::ALL.iter().map(|format| GemmKernel::new(device, fits, *format)).collect(),
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
}

/// The formats that files may name, for messages.
fn formats_known() -> String {
    format!("a format ({})", Format::ALL.map(Format::name).join(", "))
}

/// As files keep them: with the peaks of the device, so that a transfer knows what the donor's roofline was.
fn stored_constants(constants: &Constants, peak: f64, bandwidth: f64) -> BTreeMap<String, f64> {
    BTreeMap::from([
        ("floor_s".to_string(), constants.floor),
        ("compute_efficiency".to_string(), constants.compute),
        ("memory_efficiency".to_string(), constants.memory),
        ("peak_per_s".to_string(), peak),
        ("bandwidth_per_s".to_string(), bandwidth),
    ])
}

fn constants_of(fit: &Fitted) -> Constants {
    let typical = Constants::UNCALIBRATED;
    Constants {
        floor: fit.constant("floor_s", typical.floor),
        compute: fit.constant("compute_efficiency", typical.compute),
        memory: fit.constant("memory_efficiency", typical.memory),
    }
}

fn peaks_of(fit: &Fitted) -> (f64, f64) {
    (fit.constant("peak_per_s", 1e15), fit.constant("bandwidth_per_s", 1e12))
}
