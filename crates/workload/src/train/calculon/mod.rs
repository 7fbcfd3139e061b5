//! Files of Calculon (github.com/calculon-ai/calculon): models, systems and layouts as JSON, and the step they describe.
//!
//! The keys and what they mean are theirs; the model behind them is ours. Where it departs: kernels that Megatron fuses
//! (one product for queries, keys and values; dropout with the residual) are one operator; embedding, logits and loss
//! are part of the first and last stage; the optimizer reads and writes all of its state; the pipeline runs pass by pass.

mod check;
mod files;
mod lower;
#[cfg(test)]
mod tests;

pub use files::{ActivationRecompute, LayoutFile, ModelFile, SystemFile, TensorExchange, parse};
pub use lower::{VOCABULARY, recipe};

use super::fault::Fault;

/// A text with its name.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
}

impl Source<'_> {
    /// Puts a fault at the line of a key.
    pub(crate) fn at_key(&self, key: &str, fault: Fault) -> Fault {
        let quoted = format!("\"{key}\"");
        let line = self.text.lines().position(|line| line.contains(&quoted));
        match line {
            Some(at) => {
                let column = self.text.lines().nth(at).and_then(|l| l.find(&quoted)).map_or(1, |byte| byte + 1);
                fault.at(format!("{}:{}:{column}", self.name, at + 1))
            }
            None => fault.at(self.name),
        }
    }
}

/// The three files, read and checked against each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The model.
    pub model: ModelFile,
    /// The system.
    pub system: SystemFile,
    /// The layout.
    pub layout: LayoutFile,
}

impl Case {
    /// Reads and checks the three files; every fault of the first file that has any.
    pub fn read(layout: &Source<'_>, model: &Source<'_>, system: &Source<'_>) -> Result<Self, Vec<Fault>> {
        let one = |fault| vec![fault];
        let case = Self {
            layout: parse(layout, LayoutFile::KEYS).map_err(one)?,
            model: parse(model, ModelFile::KEYS).map_err(one)?,
            system: parse(system, SystemFile::KEYS).map_err(one)?,
        };
        for faults in [
            check::model(&case.model, model),
            check::system(&case.system, system),
            check::layout(&case.layout, &case.model, &case.system, layout),
        ] {
            if !faults.is_empty() {
                return Err(faults);
            }
        }
        Ok(case)
    }
}
