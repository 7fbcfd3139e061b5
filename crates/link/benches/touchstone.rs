//! Reading and writing of a 4-port file of 4001 points (2.5 MB), generated here.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lanewright_link::touchstone::{NumberFormat, WriteOptions, parse, write};

/// A file with as many digits as Python's `repr` writes, which are the slowest to read exactly.
fn file(format: NumberFormat) -> String {
    let mut text = format!("! generated\n# MHz S {} R 50\n", format.word());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for point in 0..4001 {
        let _ = write!(text, "{}.0", point * 10);
        for at in 0..16 {
            let (magnitude, angle) = (random(), random() * 360.0 - 180.0);
            let (a, b) = match format {
                NumberFormat::MagnitudeAngle => (magnitude, angle),
                NumberFormat::DecibelAngle => (20.0 * magnitude.log10(), angle),
                NumberFormat::RealImaginary => (random() * 2.0 - 1.0, random() * 2.0 - 1.0),
            };
            let _ = write!(text, " {a:.16} {b:.14}");
            if at % 4 == 3 {
                text.push('\n');
            }
        }
    }
    text
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("touchstone");
    for format in [NumberFormat::MagnitudeAngle, NumberFormat::RealImaginary, NumberFormat::DecibelAngle] {
        let text = file(format);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("read 4-port {}", format.word()), |bench| {
            bench.iter(|| parse(black_box(text.as_bytes()), "x.s4p").expect("a good file"));
        });
    }
    let text = file(NumberFormat::RealImaginary);
    let parsed = parse(text.as_bytes(), "x.s4p").expect("a good file");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("write 4-port RI", |bench| {
        bench.iter(|| write(black_box(&parsed), &WriteOptions::of(&parsed)).expect("can be written"));
    });
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
