//! What is built into the program: the catalogue and the reference systems.

use lanewright_model::catalogue::Layer;

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The built-in catalogue as the first layer of [`lanewright_model::catalogue::Catalogue::load`]; files are named
/// `catalogue/NAME.toml`.
pub fn catalogue_layer() -> Layer {
    CATALOGUE.iter().map(|(name, text)| (format!("catalogue/{name}"), (*text).into())).collect()
}

/// The bundled systems: name without `.toml`, and text.
pub fn systems() -> impl Iterator<Item = (&'static str, &'static str)> {
    SYSTEMS.iter().map(|(name, text)| (name.strip_suffix(".toml").unwrap_or(name), *text))
}
