//! A step as a file for fabrics: our own JSON, or Chakra traces.

use std::fs;
use std::path::Path;

use lanewright_fabric::traffic::chakra;
use lanewright_model::job::Job;
use lanewright_workload::train::job::job;

use super::output::Answer;
use crate::disk;

/// Most ranks of a folder of traces: each is a file.
const RANK_LIMIT: u32 = 4096;

/// Writes the job of a step to a `.json` file, or as traces into a folder that is not there yet.
pub fn write(answer: &Answer, path: &Path) -> Result<(), String> {
    let job = job(&answer.recipe, &answer.step.timeline, &format!("{}, {}", answer.model, answer.layout))
        .map_err(|fault| fault.to_string())?;
    put(&job, path)
}

/// Writes a job likewise.
pub fn put(job: &Job, path: &Path) -> Result<(), String> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        let text = serde_json::to_string(job).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        return disk::write(path, text.as_bytes());
    }
    if job.ranks > RANK_LIMIT {
        return Err(format!(
            "{} ranks would be as many files\n  help: at most {RANK_LIMIT} traces are written; give a .json file to --job",
            job.ranks
        ));
    }
    let traces = chakra::from_job(job).map_err(|error| error.to_string())?;
    let shown = path.display();
    // Whole or not at all: a folder of its own, renamed when all is there.
    if path.exists() {
        return Err(format!("{shown} is there already\n  help: give --job a folder that is not, or a .json file"));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = fs::create_dir_all(&temporary).and_then(|()| {
        for (rank, trace) in traces.iter().enumerate() {
            fs::write(temporary.join(format!("rank.{rank}.et")), trace.write())?;
        }
        fs::rename(&temporary, path)
    });
    written.map_err(|error| {
        // The folder may never have come to be.
        let _ = fs::remove_dir_all(&temporary);
        format!("cannot write {shown}: {error}")
    })
}
