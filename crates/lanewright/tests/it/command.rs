//! Running the program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a run did.
pub struct Run {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// An empty folder that is removed with the value.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one under the build folder.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("run-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the build folder can be written");
        Self(path)
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), contents).expect("the folder can be written");
    }

    /// Path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Names of the files in it.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("it exists");
        let mut names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs `lanewright` in it.
    pub fn run(&self, args: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_lanewright"))
            .args(args)
            .current_dir(&self.0)
            .env_remove("LANEWRIGHT_CATALOGUE")
            .output()
            .expect("the program starts");
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind is only clutter.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A small sound system over the built-in catalogue.
pub const SMALL: &str = r#"
[system]
name = "Small"

[[rack]]
id = "r"
frame = "eia/rack-48u"

[[device]]
id = "host"
part = "nvidia/connectx-7"
count = 2
rack = "r"
position_u = { start = 1, step = 4 }

[[device]]
id = "tor"
part = "nvidia/sn5600"
rack = "r"
position_u = 20
split = { port = "2x4" }

[[link]]
id = "net"
from = "host[*].port"
to = "tor.port[0-1]"
protocol = "ethernet/400gbase-r4"
"#;
