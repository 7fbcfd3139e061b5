//! Pipelines that come with the program.

/// Names the file of each.
macro_rules! bundled {
    ($($name:literal),+ $(,)?) => {
        /// Name and text of each.
        pub const ALL: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../pipelines/", $name, ".toml")))),+];
    };
}

bundled!("bev-cv3", "cms-mirror-30", "cms-mirror-60", "l2-10v5r", "l2-5v5r", "orin-robot", "security-360");

/// The text of a bundled pipeline.
pub fn find(name: &str) -> Option<&'static str> {
    let name = name.strip_suffix(".toml").unwrap_or(name);
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
