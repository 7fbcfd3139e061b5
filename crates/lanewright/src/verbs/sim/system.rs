//! The network of a system, for a simulation.

use lanewright_fabric::network::system;

use super::super::CatalogueArgs;
use super::super::review::bad_system;
use super::Refusal;
use super::topology::Made;
use crate::disk;

/// Loads a system and makes its network; accelerators are the first ranks.
pub fn load(name: &str, catalogue: &CatalogueArgs, json: bool, colour: bool) -> Result<Made, Refusal> {
    let mut loaded = disk::load(name, catalogue.catalogue.as_deref());
    loaded.problems.sort();
    let Some(checked) = &loaded.system else { return Err(Refusal::System(bad_system(&loaded, json, colour))) };
    let made = system::build(checked).map_err(|error| error.to_string())?;
    let title = format!(
        "{}, {} accelerators and {} other endpoints",
        checked.name,
        made.accelerators,
        made.kinds.len() as u64 - u64::from(made.accelerators)
    );
    let ranks = if made.accelerators > 0 { made.accelerators } else { made.kinds.len() as u32 };
    Ok(Made { network: made.network, closed: Vec::new(), notes: made.notes, title, ranks })
}
