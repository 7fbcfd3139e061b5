//! Channels from Touchstone files.

use std::path::{Path, PathBuf};

use lanewright_link::com::channel::{ChannelSet, DifferentialChannel};
use lanewright_link::com::differential::differential_channel;
use lanewright_link::touchstone;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use crate::problems;

/// Reads one channel. The error is a message ready to be shown.
pub fn read(path: &Path, port_order: [usize; 4], colour: bool) -> Result<(DifferentialChannel, Vec<String>), String> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {name}: {error}\n"))?;
    let file = touchstone::parse(&bytes, &name).map_err(|error| {
        let mut texts = Texts::new();
        let found: Problems = touchstone::problems(&error.faults, &name, &bytes, &mut texts);
        problems::draw(&found, &texts, colour)
    })?;
    let short = path.file_name().map_or_else(|| name.clone(), |n| n.to_string_lossy().into_owned());
    let channel = differential_channel(&short, &file.network, port_order).map_err(|problem| format!("{problem}\n"))?;
    Ok((channel, file.warnings.iter().map(|w| format!("{short}, {w}")).collect()))
}

/// Reads a victim with its aggressors, and what was odd about their files.
pub fn read_set(
    thru: &Path,
    fext: &[PathBuf],
    next: &[PathBuf],
    port_order: [usize; 4],
    colour: bool,
) -> Result<(ChannelSet, Vec<String>), String> {
    let mut warnings = Vec::new();
    let mut one = |path: &Path| {
        let (channel, found) = read(path, port_order, colour)?;
        warnings.extend(found);
        Ok::<_, String>(channel)
    };
    let victim = one(thru)?;
    let fext = fext.iter().map(|path| one(path)).collect::<Result<_, _>>()?;
    let next = next.iter().map(|path| one(path)).collect::<Result<_, _>>()?;
    Ok((ChannelSet { victim, fext, next }, warnings))
}
