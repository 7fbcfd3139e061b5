//! Any bytes as a Touchstone file; what is read must come back from what is written.
#![no_main]

use lanewright_link::touchstone::{
    MatrixFormat, NumberFormat, Parameter, Version, WriteOptions, parse, problems, write,
};
use lanewright_model::text::Texts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let name = if first.is_ascii_digit() { format!("x.s{}p", first - b'0') } else { "x.ts".to_string() };
    let file = match parse(bytes, &name) {
        Ok(file) => file,
        Err(error) => {
            let mut texts = Texts::new();
            let list = problems(&error.faults, &name, bytes, &mut texts);
            lanewright::problems::draw(&list, &texts, false);
            return;
        }
    };
    let options = WriteOptions {
        parameter: Parameter::S,
        format: NumberFormat::RealImaginary,
        matrix_format: MatrixFormat::Full,
        ..WriteOptions::of(&file)
    };
    // Version 1 cannot say everything; version 2 can.
    let text = write(&file, &options)
        .or_else(|_| write(&file, &WriteOptions { version: Version::V2_1, ..options }))
        .expect("what was read can be written");
    let again = parse(text.as_bytes(), &format!("x.s{}p", file.network.ports)).expect("what was written can be read");
    assert_eq!(again.network, file.network);
    assert_eq!(again.modes, file.modes);
    assert_eq!(again.noise.len(), file.noise.len());
    for format in [NumberFormat::MagnitudeAngle, NumberFormat::DecibelAngle] {
        // Rounding may push a number out of range; it must be refused then, and not panic.
        if let Ok(text) = write(&file, &WriteOptions { format, version: Version::V2_0, ..options }) {
            let _ = parse(text.as_bytes(), "x.ts");
        }
    }
});
