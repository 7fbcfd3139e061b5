//! Fitting kernel models to measurements: what is held back, how physics is corrected, how wide the band is, and where
//! the result is kept.
//!
//! Every operator follows the same way. A formula of physics gives a time `t_p` from the peaks of the device; a smooth
//! [`surface::Surface`] over the logarithms of the shape corrects it: `t = t_p * exp(surface)`. [`split`] decides which
//! rows the fit never sees, [`spread`] turns their residuals into a band and a summary of errors, and
//! [`calibration`] keeps the result with its origin and finds one for a device without measurements.

pub mod calibration;
pub mod constants;
pub mod law;
pub mod split;
pub mod spread;
pub mod surface;
