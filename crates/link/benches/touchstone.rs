//! Reading and writing of a 4-port file of 4001 points (2.5 MB), generated here, and the algebra on such networks.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lanewright_link::network::{Interpolation, Network, cascade, interpolate, renormalise, to_mixed};
use lanewright_link::quality::{self, LaneNeeds, Tolerances};
use lanewright_link::touchstone::{NumberFormat, WriteOptions, parse, write};
use num_complex::Complex64;

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

/// Two lossy coupled lines, ports 1 and 2 at one end, 3 and 4 at the other.
fn lines() -> Network {
    let frequency: Vec<f64> = (0..4001).map(|k| f64::from(k) * 10e6).collect();
    let mut s = Vec::with_capacity(frequency.len() * 16);
    for f in &frequency {
        let loss = (-f / 2e10).exp();
        let through = Complex64::from_polar(0.95 * loss, -std::f64::consts::TAU * f * 3e-9);
        let near = Complex64::from_polar(0.02 * loss, -std::f64::consts::TAU * f * 0.05e-9);
        let (far, back) = (through * 0.01, near * 2.0);
        s.extend([
            back, near, through, far, near, back, far, through, through, far, back, near, far, through, near, back,
        ]);
    }
    Network::new(4, frequency, s, vec![Complex64::from(50.0); 4]).expect("a good network")
}

fn algebra(criterion: &mut Criterion) {
    let network = lines();
    let mut group = criterion.benchmark_group("network of 4 ports, 4001 points");
    group.bench_function("cascade", |bench| bench.iter(|| cascade(black_box(&network), &network).expect("possible")));
    let reference = [Complex64::from(46.25); 4];
    group.bench_function("renormalise", |bench| {
        bench.iter(|| renormalise(black_box(&network), &reference).expect("possible"));
    });
    group.bench_function("mixed mode", |bench| {
        bench.iter(|| to_mixed(black_box(&network), &[(0, 1), (2, 3)]).expect("possible"));
    });
    let grid: Vec<f64> = (0..8001).map(|k| f64::from(k) * 5e6).collect();
    group.bench_function("cubic to 8001 points", |bench| {
        bench.iter(|| interpolate(black_box(&network), &grid, Interpolation::Cubic).expect("within"));
    });
    group.bench_function("all checks", |bench| {
        bench
            .iter(|| quality::check(black_box(&network), &Tolerances::default(), &LaneNeeds::default()).expect("good"));
    });
    group.finish();
}

criterion_group!(benches, reading, algebra);
criterion_main!(benches);
