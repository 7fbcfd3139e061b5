//! Dense matrix products: `m x k` activations times `k x n` weights.
//!
//! Operations are `2 m n k`; bytes are activations and weights in their formats, and 16-bit results. What tiles, waves,
//! split-k and the passes that quantise activations cost is in the surface over `log2 m, log2 n, log2 k`: explicit factors
//! for tiles and waves made held-out errors larger (mean over all variants: median 3.1 % instead of 2.8 %), because
//! libraries choose tiles and splits by shape.

use super::roofline::{Ideal, carried, joined};
use super::stand_in::{self, Lent};
use super::table::{Table, fit_tables};
use super::{Measured, donor_trials};
use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits, Resolved};
use crate::fit::law::{Corrected, HoldOut, Law, Layer, Peaks};
use crate::fit::spread::Band;
use crate::fit::surface::{AXES, Axis, Stiffness};
use crate::format::Format;

/// The operator's name in files.
pub const NAME: &str = "gemm";

/// A product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GemmQuery {
    /// Rows of the activations (tokens).
    pub m: f64,
    /// Columns of the result.
    pub n: f64,
    /// Depth.
    pub k: f64,
    /// Operations.
    pub operations: f64,
    /// Bytes to and from memory.
    pub bytes: f64,
}

impl GemmQuery {
    /// `m x k` activations times `k x n` weights in a format.
    pub fn new(format: Format, m: f64, n: f64, k: f64) -> Self {
        let bytes = m * k * format.activation_bytes() + n * k * format.weight_bytes() + m * n * 2.0;
        Self { m, n, k, operations: 2.0 * m * n * k, bytes }
    }

    /// At a device's peaks.
    pub fn ideal(&self, peaks: &Peaks) -> Ideal {
        Ideal { compute: self.operations / peaks.rate, memory: self.bytes / peaks.bandwidth }
    }

    /// A row of a file: columns `gemm_dtype`, `m`, `n`, `k`.
    pub fn of_row(table: &Table, row: usize) -> Result<(Format, Self), String> {
        let format = table.format(row, "gemm_dtype")?;
        let size = |column: &str| table.whole(row, column, 1).map(f64::from);
        Ok((format, Self::new(format, size("m")?, size("n")?, size("k")?)))
    }
}

/// Floor, share of the arithmetic peak, share of the memory's bandwidth; one layer over the shape.
pub struct GemmLaw;

impl Law<3, 1> for GemmLaw {
    type Query = GemmQuery;

    fn constants(&self) -> [(&'static str, f64); 3] {
        [("floor_s", 5e-6), ("compute_share", 0.65), ("memory_share", 0.75)]
    }

    fn layers(&self) -> Vec<Layer> {
        let wide = Axis::spanning(5.0, 16.0, 1.0);
        let axes = [Axis::spanning(0.0, 13.0, 1.0), wide, wide];
        vec![Layer::new("shape", 0, &axes, Stiffness { bend: 0.1, ..Stiffness::default() })]
    }

    fn seconds(&[floor, compute, memory]: &[f64; 3], peaks: &Peaks, query: &GemmQuery) -> f64 {
        let ideal = query.ideal(peaks);
        floor + joined(ideal.compute / compute, ideal.memory / memory)
    }

    fn reachable(peaks: &Peaks, query: &GemmQuery) -> f64 {
        query.ideal(peaks).reachable()
    }

    fn places(query: &GemmQuery) -> [Option<[f32; AXES]>; 1] {
        let [m, n, k] = [query.m, query.n, query.k].map(|size| libm::log2(size) as f32);
        [Some([m, n, k, 0.0])]
    }
}

/// Fits every format of a file; see [`crate::fit::law::fit`] for `all_rows`.
pub fn fit(device: &Accelerator, table: &Table, hold_out: HoldOut, all_rows: bool) -> Result<Vec<Fitted>, String> {
    let of_row = |table: &Table, row: usize| {
        let (format, query) = GemmQuery::of_row(table, row)?;
        Ok(Some((format.name().to_string(), peaks(device, format), query)))
    };
    fit_tables(&GemmLaw, &device.id, (std::slice::from_ref(table), hold_out), all_rows, of_row)
}

/// Fits every file, and tries every fit on the other devices.
pub fn calibrate(measured: &[Measured], hold_out: HoldOut) -> Result<OperatorFits, String> {
    let fit = |one: &Measured| fit(&one.device, &one.table, hold_out, true);
    let pairs = |device: &Accelerator, table: &Table, fit: &Fitted| {
        let mut pairs = Vec::new();
        let Some(format) = Format::from_name(&fit.variant) else { return Ok(pairs) };
        let kernel = GemmKernel::of(device, &Resolved::plain(fit), format);
        for row in 0..table.len() {
            let (own, query) = GemmQuery::of_row(table, row)?;
            if own == format {
                pairs.push((kernel.estimate(&query), table.milliseconds(row, "latency")?));
            }
        }
        Ok(pairs)
    };
    donor_trials(NAME, measured, fit, pairs)
}

/// Peaks for a format.
pub(super) fn peaks(device: &Accelerator, format: Format) -> Peaks {
    Peaks::of(device, format.arithmetic())
}

/// Products of one format on one device: ready to be asked.
#[derive(Clone, Debug)]
pub struct GemmKernel {
    format: Format,
    peaks: Peaks,
    fitted: Option<Corrected<3, 1>>,
    /// Whose fit it is, where it is not the device's own, and in which format.
    lent: Option<(Lent, Format)>,
    calibrated_on: String,
}

/// Formats that stand in for one that was never measured, best first: the same kernels but for the width of operands.
pub fn stand_ins(format: Format) -> &'static [Format] {
    match format {
        Format::Bf16 => &[],
        Format::Fp32 | Format::Int8Weight => &[Format::Bf16],
        Format::Int4Weight | Format::Mxfp4Weight => &[Format::Int8Weight, Format::Bf16],
        Format::Fp8Block | Format::Mxfp4Fp8 | Format::Nvfp4 | Format::Int8 => &[Format::Fp8, Format::Bf16],
        Format::Fp8 => &[Format::Int8, Format::Bf16],
    }
}

/// Without any fit: shares and floor in the middle of those fitted, and a band of a factor of two (an estimate).
const UNFITTED: ([f64; 3], Band) = ([5e-6, 0.65, 0.75], Band { below: 2.0, above: 2.0 });

impl GemmKernel {
    /// The kernel of a device: its own fit, or the nearest donor's, or bare physics.
    pub fn new(device: &Accelerator, fits: Option<&OperatorFits>, format: Format) -> Self {
        let formats: Vec<&str> =
            std::iter::once(&format).chain(stand_ins(format)).map(|format| format.name()).collect();
        match fits.and_then(|fits| stand_in::resolve(fits, device, &formats)) {
            Some(found) => Self::of(device, &found, format),
            None => Self {
                format,
                peaks: peaks(device, format),
                fitted: None,
                lent: None,
                calibrated_on: stand_in::NOTHING.into(),
            },
        }
    }

    fn of(device: &Accelerator, found: &Resolved<'_>, format: Format) -> Self {
        let lent = Lent::of(device, found, format.name())
            .map(|lent| (lent, Format::from_name(&found.fit.variant).unwrap_or(format)));
        let peaks = peaks(device, format);
        let base = lent.as_ref().map_or(peaks, |(lent, _)| lent.peaks);
        Self {
            format,
            peaks,
            fitted: Some(Corrected::of(&GemmLaw, found, (&device.id, base), None, 0)),
            lent,
            calibrated_on: found.words(),
        }
    }

    /// Time of a product, seconds. Sizes of 0 take no time.
    pub fn time(&self, m: f64, n: f64, k: f64) -> Estimate {
        if m > 0.0 && n > 0.0 && k > 0.0 {
            self.estimate(&GemmQuery::new(self.format, m, n, k))
        } else {
            Estimate::default()
        }
    }

    /// Likely time of a product, seconds, without its band.
    pub fn likely(&self, m: f64, n: f64, k: f64) -> f64 {
        match (&self.fitted, &self.lent) {
            (Some(fitted), None) if m > 0.0 && n > 0.0 && k > 0.0 => {
                fitted.likely::<GemmLaw>(&GemmQuery::new(self.format, m, n, k))
            }
            _ => self.time(m, n, k).likely,
        }
    }

    /// Time of a product of this format, seconds.
    pub fn estimate(&self, query: &GemmQuery) -> Estimate {
        let Some(fitted) = &self.fitted else {
            return UNFITTED.1.around(GemmLaw::seconds(&UNFITTED.0, &self.peaks, query));
        };
        let Some((lent, format)) = &self.lent else { return fitted.estimate::<GemmLaw>(query) };
        let base = GemmQuery::new(*format, query.m, query.n, query.k);
        let donor = fitted.estimate::<GemmLaw>(&base);
        let likely = carried(donor.likely, base.ideal(&lent.peaks), query.ideal(&self.peaks), lent.stretch);
        donor.times(likely / donor.likely)
    }

    /// What a product asks of the device at its peaks.
    pub fn ideal(&self, m: f64, n: f64, k: f64) -> Ideal {
        GemmQuery::new(self.format, m, n, k).ideal(&self.peaks)
    }

    /// Time of an empty kernel, seconds.
    pub fn floor(&self) -> f64 {
        self.fitted.as_ref().map_or(UNFITTED.0[0], |fitted| fitted.constants()[0])
    }

    /// What it was calibrated on, in words.
    pub fn calibrated_on(&self) -> &str {
        &self.calibrated_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::tests::plain;

    #[test]
    fn bytes_and_operations() {
        let query = GemmQuery::new(Format::Bf16, 2.0, 3.0, 5.0);
        assert_eq!((query.operations, query.bytes), (60.0, 2.0 * (10.0 + 15.0 + 6.0)));
        let nvfp4 = GemmQuery::new(Format::Nvfp4, 1.0, 1024.0, 1024.0);
        assert!((nvfp4.bytes / (0.5625 * 1024.0 * 1024.0) - 1.0).abs() < 0.01);
    }

    #[test]
    fn nothing_takes_no_time_and_nothing_known_still_answers() {
        let kernel = GemmKernel::new(&plain("x/y", 1e14, 1e12), None, Format::Bf16);
        assert_eq!(kernel.time(0.0, 4.0, 4.0), Estimate::default());
        let time = kernel.time(1.0, 8192.0, 8192.0);
        assert!(time.likely > 134e6 / 1e12 && time.high > 1.9 * time.likely);
        assert!(kernel.calibrated_on().contains("no measurement"));
    }
}
