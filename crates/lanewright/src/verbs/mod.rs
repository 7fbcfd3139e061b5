//! One file per verb. A verb returns what to print and how the program ends; only `main` writes to the terminal.

pub mod check;
pub mod link;
pub mod parts;
pub mod plan;
pub mod review;
pub mod schema;
pub mod sim;
pub mod systems;
pub mod workload;

use std::path::PathBuf;

use clap::Args;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Clean,
    /// A limit is broken, or variants differ where they must not.
    Broken,
    /// The input cannot be used.
    BadInput,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Broken => 1,
            Self::BadInput => 2,
        }
    }
}

/// What a verb has to say.
#[derive(Debug)]
pub struct Outcome {
    /// For standard output.
    pub out: String,
    /// For standard error.
    pub err: String,
    /// How the program ends.
    pub exit: Exit,
}

impl Outcome {
    /// Output of a verb that went well.
    pub fn clean(out: String) -> Self {
        Self { out, err: String::new(), exit: Exit::Clean }
    }

    /// A message about bad input.
    pub fn bad_input(err: String) -> Self {
        Self { out: String::new(), err, exit: Exit::BadInput }
    }
}

/// Options of every verb that reads the catalogue.
#[derive(Args, Clone, Debug, Default)]
pub struct CatalogueArgs {
    /// Folder with catalogue files of your own; its parts are added to, or replace, the built-in ones
    #[arg(long, value_name = "DIR", env = "LANEWRIGHT_CATALOGUE", global = true)]
    pub catalogue: Option<PathBuf>,
}

/// A value as indented JSON with a final newline; keys without a value are left out.
pub fn json_text(value: serde_json::Value) -> String {
    let mut value = value;
    drop_nulls(&mut value);
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

fn drop_nulls(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
