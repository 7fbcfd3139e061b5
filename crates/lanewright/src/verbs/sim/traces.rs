//! A folder of Chakra traces, one per rank, as traffic.

use std::fs;
use std::path::{Path, PathBuf};

use lanewright_fabric::traffic::Traffic;
use lanewright_fabric::traffic::chakra;
use lanewright_fabric::traffic::program::{Lowering, SendDone};
use lanewright_model::problem::Problems;

use super::Refusal;
use super::traffic::TrafficArgs;

/// Largest folder that is read, in bytes of its traces together.
const LIMIT_BYTES: u64 = 4 << 30;

/// Ranks and traffic of the traces of a folder. The number at the end of a name is the rank: `job.0.et`, `rank12.et`.
pub fn read(folder: &Path, args: &TrafficArgs, found: &mut Problems) -> Result<(u32, Traffic), Refusal> {
    let files = files(folder)?;
    let mut read = Vec::with_capacity(files.len());
    let mut total = 0u64;
    for path in &files {
        let bytes = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        total += bytes.len() as u64;
        if total > LIMIT_BYTES {
            return Err(format!("{}: at most {} GiB of traces are read", folder.display(), LIMIT_BYTES >> 30).into());
        }
        read.push((path.display().to_string(), bytes));
    }
    let named: Vec<(&str, &[u8])> = read.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let Some(job) = chakra::job(&named, found) else { return Err(Refusal::Problems) };
    let how =
        Lowering { send_done: SendDone::Acknowledged, algorithm: &args.algorithm(), template: Some(args.template()) };
    match job.programs.traffic(&how) {
        Ok((traffic, _)) => Ok((job.programs.ranks, traffic)),
        Err(errors) => {
            errors.iter().for_each(|error| found.push(job.problem(error)));
            Err(Refusal::Problems)
        }
    }
}

/// Paths of the traces by rank, from 0 on without a gap.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let shown = folder.display();
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let mut ranked = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("cannot read {shown}: {error}"))?.path();
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("et")) {
            continue;
        }
        let Some(rank) = rank(&path) else {
            return Err(
                format!("{}: no rank\n  help: let a number stand at the end, as in job.0.et", path.display()).into()
            );
        };
        ranked.push((rank, path));
    }
    if ranked.is_empty() {
        return Err(format!("{shown} has no trace\n  help: Chakra's traces end in .et, one file per rank").into());
    }
    ranked.sort();
    for (wanted, (rank, path)) in ranked.iter().enumerate() {
        if *rank != wanted as u64 {
            let why = if *rank < wanted as u64 {
                format!("{} is a second trace of rank {rank}", path.display())
            } else {
                format!("{shown} has no trace of rank {wanted}, but one of rank {rank}")
            };
            return Err(format!("{why}\n  help: every rank from 0 on has one file").into());
        }
    }
    Ok(ranked.into_iter().map(|(_, path)| path).collect())
}

/// The number at the end of a name.
fn rank(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    stem[stem.len() - digits..].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_stand_at_the_end() {
        assert_eq!(rank(Path::new("a/job2.14.et")), Some(14));
        assert_eq!(rank(Path::new("rank007.et")), Some(7));
        assert_eq!((rank(Path::new("job.et")), rank(Path::new("99999999999999999999999.et"))), (None, None));
    }
}
