//! Touchstone files: S-parameters as text, versions 1.0, 1.1, 2.0 and 2.1 of the IBIS Open Forum's specification.
//!
//! [`parse`] takes a file's bytes and gives [`TouchstoneFile`]: a [`Network`] of scattering parameters whatever the file
//! holds, and everything else that the file says. [`write()`] is its inverse.

mod fault;
mod keyword;
mod option_line;
mod parameter;
mod polar;
mod port_comments;
mod read;
mod records;
mod scan;
mod write;

#[cfg(test)]
mod tests;

pub use fault::{Fault, TouchstoneError, problems};
pub use option_line::{FrequencyUnit, NumberFormat, OptionLine, Parameter};
pub use polar::{from_decibels, from_degrees};
pub use port_comments::PortComments;
pub use write::{WriteOptions, write};

use num_complex::Complex64;

use crate::network::Network;
pub use crate::network::PortMode;

/// Largest number of ports that is read. The widest connectors and packages have a few hundred.
pub const PORTS_LIMIT: usize = 2048;

/// A Touchstone file.
#[derive(Clone, Debug, PartialEq)]
pub struct TouchstoneFile {
    /// Version of the format.
    pub version: Version,
    /// Option line as written, or its defaults.
    pub options: OptionLine,
    /// Scattering parameters, in the file's port order, whatever kind of parameter the file holds.
    pub network: Network,
    /// What each port of the network is: single-ended, or a mode of a pair.
    pub modes: Vec<PortMode>,
    /// Storage of a two-port's parameters; always 21 before 12 in version 1.
    pub two_port_order: TwoPortOrder,
    /// Which part of the matrices the file holds.
    pub matrix_format: MatrixFormat,
    /// Noise parameters of a two-port, kept as they are.
    pub noise: Vec<NoisePoint>,
    /// Comments with their places.
    pub comments: Vec<Comment>,
    /// Lines between `[Begin Information]` and `[End Information]`.
    pub information: Vec<String>,
    /// Port impedances and propagation constants that field solvers write as comments.
    pub port_comments: PortComments,
    /// What was odd, but did no harm.
    pub warnings: Vec<Fault>,
}

/// Version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Version {
    /// 1.0, and 1.1 with a reference per port on the option line: no keywords.
    #[serde(rename = "1")]
    V1,
    /// 2.0.
    #[serde(rename = "2.0")]
    V2_0,
    /// 2.1.
    #[serde(rename = "2.1")]
    V2_1,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V1 => "1",
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
        })
    }
}

/// Storage of a two-port's parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwoPortOrder {
    /// 11, 21, 12, 22: all files of version 1.
    #[default]
    TwentyOneFirst,
    /// 11, 12, 21, 22.
    TwelveFirst,
}

/// Which part of the matrices a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatrixFormat {
    /// All of them.
    #[default]
    Full,
    /// Diagonal and below; the matrices are symmetric.
    Lower,
    /// Diagonal and above; the matrices are symmetric.
    Upper,
}

/// Noise parameters of a two-port at one frequency, as in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoisePoint {
    /// Frequency in Hz.
    pub frequency_hz: f64,
    /// Least noise figure in dB.
    pub figure_db: f64,
    /// Source reflection of the least noise figure.
    pub optimum: Complex64,
    /// Effective noise resistance over the reference resistance.
    pub resistance: f64,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Text after the `!`.
    pub text: String,
    /// Where it stands.
    pub place: CommentPlace,
}

/// Where a comment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommentPlace {
    /// Before the option line.
    Start,
    /// Between the option line and the data.
    BeforeData,
    /// In or behind the data of the point of this index.
    Point(usize),
    /// Behind the data.
    End,
}

/// Reads a Touchstone file. `name` is its name, whose ending (`.s4p`) tells the number of ports of version 1; without
/// one the number is found from the shape of the data.
///
/// # Errors
/// Every fault that keeps the file from being used, with line and column; at most fifty.
pub fn parse(bytes: &[u8], name: &str) -> Result<TouchstoneFile, TouchstoneError> {
    read::read(bytes, name)
}

/// Number of ports that a file's name tells: `x.s4p` has 4.
pub fn ports_of_name(name: &str) -> Option<usize> {
    let ending = name.rsplit('.').next().filter(|ending| ending.len() < name.len())?;
    let lower = ending.to_ascii_lowercase();
    // Some programs name files after the parameters they hold: .y2p, .z2p, .h2p, .g2p.
    let digits = lower.strip_prefix(['s', 'y', 'z', 'g', 'h'])?.strip_suffix('p')?;
    digits.parse().ok().filter(|ports| (1..=PORTS_LIMIT).contains(ports))
}

/// Whether a file's name is one of a Touchstone file: `.sNp`, `.yNp`, `.zNp`, `.gNp`, `.hNp` or `.ts`.
pub fn is_touchstone_name(name: &str) -> bool {
    ports_of_name(name).is_some() || name.to_ascii_lowercase().ends_with(".ts")
}
