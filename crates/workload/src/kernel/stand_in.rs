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
        Some(Self { peaks: Peaks::stored(fit), stretch: stretch(device, fit).unwrap_or(OTHER_FORMAT) })
    }
}

/// The fit for a device: its own for the first variant, then its donors', nearest first; then the same for the variants
/// that stand in for it.
pub fn resolve<'a>(fits: &'a OperatorFits, device: &Accelerator, variants: &[&str]) -> Option<Resolved<'a>> {
    let lent = donors(device);
    let devices = || std::iter::once(device.id.as_str()).chain(lent.iter().map(|donor| donor.id));
    fits.resolve(variants.iter().flat_map(|variant| devices().map(move |device| (device, *variant))))
}

/// How a donor's fit carries over to a device; none where the fit is the device's own.
pub fn stretch(device: &Accelerator, fit: &Fitted) -> Option<f64> {
    donors(device).into_iter().find(|donor| donor.id == fit.device).map(|donor| donor.stretch)
}
