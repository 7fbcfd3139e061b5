#[macro_use]
pub mod read;
pub mod catalogue;
pub mod figure;
pub mod problem;
pub mod system;
pub mod text;
pub mod units;
