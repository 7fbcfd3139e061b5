//! Pipelines that come with the program.

/// Name and text of each.
pub const ALL: [(&str, &str); 2] = [
    ("cms-mirror-30", include_str!("../../pipelines/cms-mirror-30.toml")),
    ("cms-mirror-60", include_str!("../../pipelines/cms-mirror-60.toml")),
];

/// The text of a bundled pipeline.
pub fn find(name: &str) -> Option<&'static str> {
    let name = name.strip_suffix(".toml").unwrap_or(name);
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
