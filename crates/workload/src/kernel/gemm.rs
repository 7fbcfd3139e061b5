//! Dense matrix products: `m x k` activations times `k x n` weights.
//!
//! Operations are `2 m n k`, bytes are activations and weights in their formats and 16-bit results. What tiles, waves,
//! split-k and quantisation passes of activations cost is in the surface over `log2 m, log2 n, log2 k`: explicit tile and
//! wave factors made held-out errors larger (mean over all variants: median 3.4 % against 3.0 %), because libraries choose
//! tiles and splits by shape.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Measured;
use super::roofline::{Constants, Ideal, REGIONS, carried};
use super::table::Table;
use crate::accelerator::Accelerator;
use crate::accelerator::lineage::donors;
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits, Trial};
use crate::fit::procedure::{self, Operator, Settings};
use crate::fit::spread::{Band, Spread};
use crate::fit::surface::{Axis, Row as Point, Stiffness, Surface};
use crate::format::Format;

/// The operator's name in files.
pub const NAME: &str = "gemm";

/// A measured product.
#[derive(Clone, Debug, PartialEq)]
pub struct GemmRow {
    /// Format of weights and activations.
    pub format: Format,
    /// Rows of the activations (tokens).
    pub m: u64,
    /// Columns of the result.
    pub n: u64,
    /// Depth.
    pub k: u64,
    /// Measured, seconds; 0 where a table has no such column.
    pub seconds: f64,
}

/// Reads a table with the columns `gemm_dtype`, `m`, `n`, `k` and, where `measured`, `latency` in milliseconds.
pub fn rows(table: &Table, measured: bool) -> Result<Vec<GemmRow>, String> {
    let [format, m, n, k] = ["gemm_dtype", "m", "n", "k"].map(|name| table.column(name));
    let (format, m, n, k) = (format?, m?, n?, k?);
    let latency = if measured { Some(table.column("latency")?) } else { None };
    let row = |row: &csv::StringRecord| {
        Ok(GemmRow {
            format: Format::from_name(row.get(format).unwrap_or_default())
                .ok_or_else(|| table.wrong(row, format, &super::formats_known()))?,
            m: table.whole(row, m, 1)?,
            n: table.whole(row, n, 1)?,
            k: table.whole(row, k, 1)?,
            seconds: latency.map_or(Ok(0.0), |column| table.positive(row, column).map(|ms| ms * 1e-3))?,
        })
    };
    table.rows.iter().map(row).collect()
}

/// What a product asks of a device in seconds at its peaks.
pub fn ideal(format: Format, peak: f64, bandwidth: f64, m: f64, n: f64, k: f64) -> Ideal {
    let bytes = m * k * format.activation_bytes() + n * k * format.weight_bytes() + m * n * 2.0;
    Ideal { compute: 2.0 * m * n * k / peak, memory: bytes / bandwidth }
}

fn place(m: f64, n: f64, k: f64) -> [f32; 4] {
    [m.log2() as f32, n.log2() as f32, k.log2() as f32, 0.0]
}

/// What a fit of one format on one device gives.
#[derive(Clone, Debug)]
pub struct GemmFit {
    /// Constants of the physics.
    pub constants: Constants,
    /// Correction over the shape.
    pub surface: Surface,
}

/// The operator for one format on one device.
pub struct GemmOperator {
    /// Format.
    pub format: Format,
    /// Operations per second.
    pub peak: f64,
    /// Bytes per second.
    pub bandwidth: f64,
}

impl GemmOperator {
    fn ideal(&self, row: &GemmRow) -> Ideal {
        ideal(self.format, self.peak, self.bandwidth, row.m as f64, row.n as f64, row.k as f64)
    }
}

impl Operator for GemmOperator {
    type Row = GemmRow;
    type Model = GemmFit;
    const REGIONS: usize = REGIONS;

    fn inputs(row: &GemmRow) -> Vec<String> {
        vec![row.format.name().into(), row.m.to_string(), row.n.to_string(), row.k.to_string()]
    }

    fn measured(row: &GemmRow) -> f64 {
        row.seconds
    }

    fn fit(&self, rows: &[&GemmRow]) -> Option<GemmFit> {
        let ideals: Vec<(Ideal, f64)> = rows.iter().map(|row| (self.ideal(row), row.seconds.ln())).collect();
        let constants = Constants::fit(&ideals)?;
        let points: Vec<Point> = rows
            .iter()
            .zip(&ideals)
            .map(|(row, (ideal, measured))| Point {
                at: place(row.m as f64, row.n as f64, row.k as f64),
                log_ratio: measured - constants.expected(*ideal).ln(),
                weight: 1.0,
            })
            .collect();
        let wide = |last: f64| Axis::spanning(5.0, last, 1.0);
        let axes = [Axis::spanning(0.0, 13.0, 1.0), wide(16.0), wide(16.0)];
        let stiffness = Stiffness { bend: 0.1, ..Stiffness::default() };
        Some(GemmFit { constants, surface: Surface::fit(&axes, &points, stiffness)? })
    }

    fn predict(&self, fit: &GemmFit, row: &GemmRow) -> (f64, usize) {
        let ideal = self.ideal(row);
        let correction = f64::from(fit.surface.at(place(row.m as f64, row.n as f64, row.k as f64)));
        (fit.constants.expected(ideal) * correction.exp(), fit.constants.region(ideal))
    }
}

/// Fits every format of every device, and tries every fit on the other devices.
pub fn calibrate(measured: &[Measured], settings: Settings) -> Result<OperatorFits, String> {
    let mut parts: Vec<(&Measured, GemmOperator, Vec<GemmRow>)> = Vec::new();
    for measured in measured {
        let mut by_format: BTreeMap<Format, Vec<GemmRow>> = BTreeMap::new();
        for row in rows(&measured.table, true)? {
            by_format.entry(row.format).or_default().push(row);
        }
        let device = &measured.device;
        for (format, rows) in by_format {
            let peak = device.peak(format.arithmetic()).unwrap_or(1e12);
            parts.push((measured, GemmOperator { format, peak, bandwidth: device.bandwidth }, rows));
        }
    }
    let fit = |(measured, operator, rows): &(&Measured, GemmOperator, Vec<GemmRow>)| {
        let done = procedure::calibrate(operator, rows, &measured.table.name, settings)?;
        Some(Fitted {
            device: measured.device.id.clone(),
            variant: operator.format.name().into(),
            origin: done.origin,
            constants: super::stored_constants(&done.model.constants, operator.peak, operator.bandwidth),
            surfaces: BTreeMap::from([("time".to_string(), done.model.surface)]),
            spread: done.spread,
            errors: done.errors,
        })
    };
    let fits: Vec<Fitted> = parts.par_iter().map(fit).collect::<Vec<_>>().into_iter().flatten().collect();
    let trials = parts.par_iter().flat_map_iter(|(measured, operator, rows)| {
        let lent = donors(&measured.device);
        let fits = &fits;
        lent.into_iter().filter_map(move |donor| {
            let fit = fits.iter().find(|fit| fit.device == donor.id && fit.variant == operator.format.name())?;
            let kernel = GemmKernel::lent(operator, fit, donor.stretch)?;
            let pairs = rows.iter().map(|row| (kernel.time(row.m as f64, row.n as f64, row.k as f64), row.seconds));
            Trial::of(donor.id, &measured.device.id, &fit.variant, &pairs.collect::<Vec<_>>())
        })
    });
    let trials = trials.collect();
    Ok(OperatorFits { operator: NAME.into(), fits, trials })
}

/// Products of one format on one device: ready to be asked.
#[derive(Clone, Debug)]
pub struct GemmKernel {
    format: Format,
    peak: f64,
    bandwidth: f64,
    constants: Constants,
    surface: Option<Surface>,
    /// Format, peak and bandwidth of the device that the fit was made on, and the stretch; none for the device's own.
    donor: Option<(Format, f64, f64, f64)>,
    spread: Spread,
    calibrated_on: String,
}

/// Formats that stand in for one that was never measured, best first: the same kernels but for the width of operands.
fn stand_ins(format: Format) -> &'static [Format] {
    match format {
        Format::Bf16 => &[],
        Format::Fp32 | Format::Int8Weight => &[Format::Bf16],
        Format::Int4Weight | Format::Mxfp4Weight => &[Format::Int8Weight, Format::Bf16],
        Format::Fp8Block | Format::Mxfp4Fp8 | Format::Nvfp4 | Format::Int8 => &[Format::Fp8, Format::Bf16],
        Format::Fp8 => &[Format::Int8, Format::Bf16],
    }
}

impl GemmKernel {
    /// The kernel of a device: its own fit, or the nearest donor's, or bare physics.
    pub fn new(device: &Accelerator, fits: Option<&OperatorFits>, format: Format) -> Self {
        let peak = device.peak(format.arithmetic()).filter(|peak| *peak > 0.0).unwrap_or(1e12);
        let bandwidth = if device.bandwidth > 0.0 { device.bandwidth } else { 1e10 };
        let lent = donors(device);
        let own = std::iter::once((device.id.as_str(), 0.0)).chain(lent.iter().map(|donor| (donor.id, donor.stretch)));
        let candidates: Vec<(&str, f64, Format)> = std::iter::once(format)
            .chain(stand_ins(format).iter().copied())
            .flat_map(|format| own.clone().map(move |(id, stretch)| (id, stretch, format)))
            .collect();
        let found = fits.and_then(|fits| fits.resolve(candidates.iter().map(|(id, _, format)| (*id, format.name()))));
        let plain = |format| Self {
            format,
            peak,
            bandwidth,
            constants: Constants::UNCALIBRATED,
            surface: None,
            donor: None,
            spread: Spread { all: Band { below: 2.0, above: 2.0 }, regions: vec![] },
            calibrated_on: "nothing: peaks and typical efficiencies".into(),
        };
        let Some(found) = found else { return plain(format) };
        let (constants, surface) = (super::constants_of(found.fit), found.fit.surfaces.get("time").cloned());
        let chosen =
            candidates.iter().find(|(id, _, format)| *id == found.fit.device && format.name() == found.fit.variant);
        let donor = chosen.filter(|_| !found.measured).map(|(_, stretch, format)| {
            let (peak, bandwidth) = super::peaks_of(found.fit);
            (*format, peak, bandwidth, *stretch)
        });
        let calibrated_on = found.words();
        Self { constants, surface, donor, spread: found.spread, calibrated_on, ..plain(format) }
    }

    /// A donor's fit on the physics of an operator's device, as if that had none.
    fn lent(operator: &GemmOperator, fit: &Fitted, stretch: f64) -> Option<Self> {
        let (peak, bandwidth) = super::peaks_of(fit);
        Some(Self {
            format: operator.format,
            peak: operator.peak,
            bandwidth: operator.bandwidth,
            constants: super::constants_of(fit),
            surface: fit.surfaces.get("time").cloned(),
            donor: Some((Format::from_name(&fit.variant)?, peak, bandwidth, stretch)),
            spread: fit.spread.clone(),
            calibrated_on: String::new(),
        })
    }

    /// Time of a product, seconds. Sizes of 0 take no time.
    pub fn time(&self, m: f64, n: f64, k: f64) -> Estimate {
        if !(m > 0.0 && n > 0.0 && k > 0.0) {
            return Estimate::default();
        }
        let own = ideal(self.format, self.peak, self.bandwidth, m, n, k);
        let base = match self.donor {
            None => own,
            Some((format, peak, bandwidth, _)) => ideal(format, peak, bandwidth, m, n, k),
        };
        let correction = self.surface.as_ref().map_or(0.0, |surface| f64::from(surface.at(place(m, n, k))));
        let fitted = self.constants.expected(base) * correction.exp();
        let likely = match self.donor {
            None => fitted,
            Some((.., stretch)) => carried(fitted, base, own, stretch),
        };
        self.spread.region(self.constants.region(base)).around(likely)
    }

    /// What it asks of the device at its peaks.
    pub fn ideal(&self, m: f64, n: f64, k: f64) -> Ideal {
        ideal(self.format, self.peak, self.bandwidth, m, n, k)
    }

    /// Constants of the physics beneath.
    pub fn constants(&self) -> Constants {
        self.constants
    }

    /// What it was calibrated on, in words.
    pub fn calibrated_on(&self) -> &str {
        &self.calibrated_on
    }
}
