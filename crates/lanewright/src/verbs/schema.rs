//! `lanewright schema`: JSON Schemas of the files that users write and of the review, generated
//! from the types that read and write them.

use clap::{Args, ValueEnum};
use lanewright_fabric::traffic::job::JobFile;
use lanewright_model::catalogue::CatalogueFile;
use lanewright_model::read::SchemaBook;
use lanewright_model::system::tables::SystemFile;
use lanewright_twin::review::Review;
use lanewright_workload::pipeline::tables::PipelineFile;

use super::{Outcome, json_text};

/// Options of `schema`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lanewright schema system > system.schema.json
  In an editor with Taplo:  #:schema https://github.com/lanewright/lanewright/raw/main/schema/system.schema.json")]
pub struct SchemaArgs {
    /// Whose schema
    pub file: SchemaFile,
}

/// Files that have a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaFile {
    /// A system file
    System,
    /// A catalogue file
    Catalogue,
    /// A traffic file of `lanewright sim --traffic`
    Traffic,
    /// A pipeline file of `lanewright workload pipeline`
    Pipeline,
    /// The JSON of `lanewright review --json`
    Review,
}

/// The schema as text.
pub fn text(file: SchemaFile) -> String {
    let base = "https://github.com/lanewright/lanewright/raw/main/schema";
    json_text(match file {
        SchemaFile::System => {
            let mut schema =
                SchemaBook::document::<SystemFile>("Lanewright system", &format!("{base}/system.schema.json"));
            // Files that are included, or that extend another, need no `[system]` of their own.
            if let Some(file) = schema["$defs"]["SystemFile"].as_object_mut() {
                file.remove("required");
            }
            schema
        }
        SchemaFile::Catalogue => {
            SchemaBook::document::<CatalogueFile>("Lanewright catalogue", &format!("{base}/catalogue.schema.json"))
        }
        SchemaFile::Traffic => {
            SchemaBook::document::<JobFile>("Lanewright traffic", &format!("{base}/traffic.schema.json"))
        }
        SchemaFile::Pipeline => {
            SchemaBook::document::<PipelineFile>("Lanewright camera pipeline", &format!("{base}/pipeline.schema.json"))
        }
        SchemaFile::Review => {
            let mut schema = schemars::schema_for!(Review).to_value();
            schema["$id"] = format!("{base}/review.schema.json").into();
            schema
        }
    })
}

/// Runs `schema`.
pub fn run(args: &SchemaArgs) -> Outcome {
    Outcome::clean(text(args.file))
}
