//! The real catalogue's electrical parts, for tests.

use std::sync::OnceLock;

use lanewright_model::catalogue::{Catalogue, Layer};
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

/// Materials, retimers, SerDes classes and chiplets.
pub fn catalogue() -> Catalogue {
    static READ: OnceLock<Catalogue> = OnceLock::new();
    READ.get_or_init(|| {
        let files = [
            ("sources.toml", include_str!("../../../../catalogue/sources.toml")),
            ("sources-general.toml", include_str!("../../../../catalogue/sources-general.toml")),
            ("materials.toml", include_str!("../../../../catalogue/materials.toml")),
            ("retimers.toml", include_str!("../../../../catalogue/retimers.toml")),
            ("serdes-classes.toml", include_str!("../../../../catalogue/serdes-classes.toml")),
            ("chiplets.toml", include_str!("../../../../catalogue/chiplets.toml")),
        ];
        let layer: Layer = files.map(|(name, text)| (name.to_owned(), text.into())).into();
        let (mut texts, mut problems) = (Texts::new(), Problems::new());
        Catalogue::load(&[layer], &mut texts, &mut problems)
    })
    .clone()
}
