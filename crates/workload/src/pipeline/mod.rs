//! Camera pipelines on a system on a chip: periodic work on shared engines and one memory.
//!
//! A pipeline file (TOML) says what there is; [`read`] finds everything that is wrong with it. From inside out:
//!
//! - `tables` and `forms` are the file as written; `plan`, `stages`, `llms` and `watch` make a [`checked::Pipeline`] of it;
//! - [`image`] and [`network`] are bytes and operations, [`soc`] and [`throughput`] what is known of chips;
//! - [`concrete`] picks a value for every figure, [`share`] splits the memory's bandwidth, [`simulate`] runs events;
//! - [`feasible`] sums up utilisation first, [`bound`] says what no run can exceed, [`glass`] is the budget from light to
//!   light, [`power`] the watts; [`outcome`] puts all of it together, with bands from draws.

pub mod bound;
pub mod bundled;
pub mod checked;
pub mod concrete;
pub mod feasible;
mod forms;
pub mod glass;
pub mod image;
mod llms;
pub mod network;
pub mod outcome;
mod plan;
pub mod power;
pub mod share;
pub mod simulate;
pub mod soc;
mod stages;
pub mod tables;
pub mod throughput;
pub mod watch;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::read::{Document, FromNode, Reader};
use lanewright_model::text::{FileId, Texts};

/// Reads a text that is in `texts`. Every error becomes a problem; `None` when there was one.
pub fn read(file: FileId, texts: &Texts, catalogue: &Catalogue, problems: &mut Problems) -> Option<checked::Pipeline> {
    let before = problems.errors();
    let document = Document::parse(file, texts, problems);
    let file = tables::PipelineFile::from_node(&document.root, &mut Reader { problems });
    let file = file.filter(|_| problems.errors() == before)?;
    plan::pipeline(&file, catalogue, problems).filter(|_| problems.errors() == before)
}

#[cfg(test)]
mod tests;
