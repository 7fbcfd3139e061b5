//! Fits for devices and formats that were never measured: whose is taken, and what is carried over from it.

use crate::accelerator::Accelerator;
use crate::accelerator::lineage::donors;
use crate::fit::calibration::{Fitted, OperatorFits, Resolved};
use crate::fit::law::Peaks;

/// What outputs say of a prediction without any fit.
pub const NOTHING: &str = "no measurement: peaks with typical shares";

/// A fit that was made on another device, or in another format.
#[derive(Clone, Copy, Debug)]
pub struct Lent {
    /// Peaks that it was fitted with.
    pub peaks: Peaks,
    /// See [`super::roofline::carried`].
    pub stretch: f64,
}

/// Within one device, between formats: what lies beyond the roofline is launches and quantisation, which stay.
const OTHER_FORMAT: f64 = 0.15;

impl Lent {
    /// None where the fit is the device's and variant's own.
    pub fn of(device: &Accelerator, found: &Resolved<'_>, variant: &str) -> Option<Self> {
        let fit = found.fit;
        if fit.device == device.id && fit.variant == variant {
            return None;
        }
        let donor = donors(device).into_iter().find(|donor| donor.id == fit.device);
        Some(Self {
            peaks: Peaks {
                rate: fit.constant(RATE, 1e15),
                bandwidth: fit.constant(BANDWIDTH, 2e12),
                processors: fit.constant(PROCESSORS, 128.0),
                scale_up: fit.constant(SCALE_UP, 0.0),
            },
            stretch: donor.map_or(OTHER_FORMAT, |donor| donor.stretch),
        })
    }
}

/// The fit for a device: its own for the first variant, then its donors', nearest first; then the same for the variants
/// that stand in for it.
pub fn resolve<'a>(fits: &'a OperatorFits, device: &Accelerator, variants: &[&str]) -> Option<Resolved<'a>> {
    let lent = donors(device);
    let devices = || std::iter::once(device.id.as_str()).chain(lent.iter().map(|donor| donor.id));
    fits.resolve(variants.iter().flat_map(|variant| devices().map(move |device| (device, *variant))))
}

const RATE: &str = "peak_rate";
const BANDWIDTH: &str = "peak_bandwidth";
const PROCESSORS: &str = "peak_processors";
const SCALE_UP: &str = "peak_scale_up";

/// Writes the peaks of the device into its fits, so that whoever borrows one knows the roofline it lies above.
pub fn note_peaks(fits: &mut [Fitted], peaks: impl Fn(&str) -> Option<Peaks>) {
    for fit in fits {
        if let Some(peaks) = peaks(&fit.variant).filter(|peaks| peaks.rate.is_finite()) {
            let all = [
                (RATE, peaks.rate),
                (BANDWIDTH, peaks.bandwidth),
                (PROCESSORS, peaks.processors),
                (SCALE_UP, peaks.scale_up),
            ];
            fit.constants.extend(all.map(|(name, value)| (name.to_string(), value)));
        }
    }
}
