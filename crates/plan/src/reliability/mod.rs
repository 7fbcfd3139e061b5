//! Failures: random ones (FIT) and wear-out (Weibull), never turned into each other.

mod availability;
mod chances;
mod effect;
mod failures;
mod wearout;

pub use availability::{availability, is_scale_up};
pub use chances::{annual_failure_rate, binomial, expected_failures, poisson_quantile, unavailability};
pub use effect::{Effect, Effects};
pub use failures::reliability;
pub use wearout::{renewals, worn_by};

/// Weibull shape of a wear-out life without a figure of its own: a clear wear-out, not a random failure.
/// An engineering estimate; results that rest on it are weak.
pub const DEFAULT_SHAPE: f64 = 3.0;
