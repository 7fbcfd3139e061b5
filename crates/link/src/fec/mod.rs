//! Errors of a lane on their way through error correction: from the detector to lost frames and replayed flits.

pub mod advice;
pub mod assess;
pub mod chain;
pub mod codeword;
pub mod counts;
pub mod flit;
pub mod frames;
pub mod gaussian;
pub mod hamming;
pub mod inverse;
pub mod latency;
pub mod markov;
pub mod process;
pub mod reed_solomon;
pub mod replay;
pub mod sampling;
pub mod scheme;
pub mod slicer;
