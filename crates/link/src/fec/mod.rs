//! Errors of a lane on their way through error correction: from the detector to lost frames and replayed flits.
//!
//! In order of use:
//!
//! - [`process`] says how errors come (alone, in bursts behind feedback taps, in good and bad times), also from a channel
//!   operating margin ([`slicer`]); [`markov`] is what it becomes: a chain over line symbols;
//! - [`scheme`] names the codes; [`codeword`] follows the chain through the symbols of a word, [`flit`] through the bytes
//!   of a flit, [`hamming`] stands for the soft-decoded inner code; [`counts`] keeps the digits of far tails;
//! - [`chain`](mod@chain) joins these into [`LinkErrors`], [`frames`] makes lost frames of them, [`replay`] the cost of
//!   sending flits again, [`latency`] that of correcting;
//! - [`inverse`] asks how many errors a lane may have, [`advice`] what to change, and [`assess`](mod@assess) all of it at
//!   once;
//! - [`reed_solomon`] and [`sampling`] are the real codec and the real errors that all this is checked against.
//!
//! ```
//! use lanewright_link::fec::{ErrorProcess, Scheme, Signalling, chain, unit_loss};
//!
//! // A 100G lane with a COM of 3 dB at a detector error ratio of 1e-4 and a first feedback tap of 0.6.
//! let process = ErrorProcess::of_com(3.0, 1e-4, &[0.6], Signalling::Pam4)?;
//! let scheme = Scheme::named("kp4").expect("known");
//! let errors = chain(&process, &scheme)?;
//! let frames = unit_loss(&errors, &scheme, 64.0, 100.0)?;
//! assert!(frames.loss_ratio < 6.2e-11);
//! # Ok::<(), lanewright_link::fec::Refusal>(())
//! ```

pub mod advice;
pub mod assess;
pub mod chain;
pub mod codeword;
pub mod counts;
pub mod flit;
pub mod frames;
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

pub use assess::{Assessment, Question, assess};
pub use chain::{LinkErrors, chain};
pub use frames::{UnitLoss, unit_loss};
pub use inverse::{Target, allowed};
pub use process::{ErrorProcess, Refusal};
pub use scheme::Scheme;
pub use slicer::Signalling;
