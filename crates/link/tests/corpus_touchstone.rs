//! Reading measured channels. They are not part of the repository; LANEWRIGHT_CORPUS names the folder that holds them.

use std::path::{Path, PathBuf};

use lanewright_link::touchstone::{self, NumberFormat, TouchstoneFile, WriteOptions};
use num_complex::Complex64;

fn channels() -> PathBuf {
    let folder = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder of measured channels");
    Path::new(&folder).join("channels")
}

fn all() -> Vec<(PathBuf, Vec<u8>)> {
    let mut list = Vec::new();
    for folder in ["backplane", "pychopmarg_example2", "synthetic"] {
        let folder = channels().join(folder);
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if touchstone::is_touchstone_name(&path.to_string_lossy()) {
                let bytes = std::fs::read(&path).expect("can be read");
                list.push((path, bytes));
            }
        }
    }
    assert!(list.len() >= 17, "the corpus has seventeen channels, {} were found", list.len());
    list
}

fn parse(path: &Path, bytes: &[u8]) -> TouchstoneFile {
    touchstone::parse(bytes, &path.to_string_lossy()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_every_channel_is_read_and_written_again() {
    for (path, bytes) in all() {
        let file = parse(&path, &bytes);
        assert_eq!(file.network.ports, 4, "{}", path.display());
        assert!(file.network.points() >= 1000, "{}", path.display());
        let options = WriteOptions { format: NumberFormat::RealImaginary, ..WriteOptions::of(&file) };
        let text = touchstone::write(&file, &options).expect("can be written");
        let again = parse(Path::new("again.s4p"), text.as_bytes());
        assert_eq!(again.network, file.network, "{}", path.display());
        assert_eq!(again.comments, file.comments, "{}", path.display());
        // The shape of the data alone tells the number of ports, too.
        assert_eq!(parse(Path::new("no ending"), &bytes).network, file.network);
    }
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_values_are_those_of_the_files() {
    // Read off the files with an editor.
    let path = channels().join("pychopmarg_example2/example2_THRU.s4p");
    let bytes = std::fs::read(&path).expect("can be read");
    let network = parse(&path, &bytes).network;
    assert_eq!(network.points(), 4001);
    assert_eq!((network.frequency_hz[0], network.frequency_hz[4000]), (0.0, 40e9));
    let want = Complex64::from_polar(0.908_159_185_074_954_1, (-20.232_978_705_209_998f64).to_radians());
    assert!((network.at(1, 0, 1) - want).norm() < 1e-15);
    let path = channels().join("backplane/peters_01_0605_B12_thru.s4p");
    let bytes = std::fs::read(&path).expect("can be read");
    let network = parse(&path, &bytes).network;
    assert_eq!(network.frequency_hz[0], 5e7);
    assert_eq!(network.at(0, 2, 1), Complex64::new(-5.232_561_483_269e-3, 2.047_794_258_173e-3));
}
