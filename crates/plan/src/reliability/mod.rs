//! Failures: random ones (FIT) and wear-out (Weibull), never turned into each other.

mod wearout;

pub use wearout::{renewals, worn_by};
