//! Lists the catalogue files and bundled systems, so that a new file is built in without naming it anywhere.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let mut code = String::new();
    for (constant, folder) in [("CATALOGUE", "catalogue"), ("SYSTEMS", "systems")] {
        let folder = root.join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files: Vec<_> =
            fs::read_dir(&folder).map(|entries| entries.flatten().map(|e| e.path()).collect()).unwrap_or_default();
        files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
        files.sort();
        writeln!(code, "const {constant}: &[(&str, &str)] = &[").expect("writing to a string");
        for path in files {
            println!("cargo::rerun-if-changed={}", path.display());
            let name = path.file_name().and_then(|n| n.to_str()).expect("file names are UTF-8");
            writeln!(code, "    ({name:?}, include_str!({:?})),", path.canonicalize().expect("exists"))
                .expect("writing to a string");
        }
        writeln!(code, "];").expect("writing to a string");
    }
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("bundled.rs");
    fs::write(out, code).expect("the build folder can be written");
}
