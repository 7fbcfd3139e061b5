//! Errors of a lane on their way through error correction: from the detector to lost frames and replayed flits.

pub mod codeword;
pub mod counts;
pub mod gaussian;
pub mod markov;
pub mod process;
pub mod reed_solomon;
pub mod scheme;
pub mod slicer;
