//! Patterns: from the selected ports to pairs of ports. Pure functions over lists of port numbers.

mod clos;
mod direct;
mod grid;

pub use clos::{fat_tree, leaf_spine, rail};
pub use direct::{full_mesh, in_order};
pub use grid::{dragonfly, torus};

/// Ports of one device, in order.
pub type DevicePorts = Vec<u32>;

/// A pair of ports.
pub type Pair = (u32, u32);

/// Why a pattern cannot be laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternError {
    /// What does not fit, with the numbers.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Shorthand for an error.
fn wrong<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, PatternError> {
    Err(PatternError { message: message.into(), help: help.into() })
}

/// Fails when a pattern would make more links than anyone can mean.
fn check_size(links: u128) -> Result<usize, PatternError> {
    if links > u128::from(super::expand::LINK_LIMIT) {
        return wrong(
            format!("the pattern makes {links} links; the limit is {}", super::expand::LINK_LIMIT),
            "select fewer devices, or model one part of the system",
        );
    }
    Ok(links as usize)
}

/// Fewest ports that any of the devices has.
fn fewest(devices: &[DevicePorts]) -> usize {
    devices.iter().map(Vec::len).min().unwrap_or(0)
}

#[cfg(test)]
mod tests;
