//! Error correction: the programme over a word, its inverse, the codec and the soft decoder.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lanewright_link::fec::codeword::{Layout, Muxing, wrong_symbols};
use lanewright_link::fec::hamming::simulate::run;
use lanewright_link::fec::inverse::{Target, allowed};
use lanewright_link::fec::process::ErrorProcess;
use lanewright_link::fec::reed_solomon::Codec;
use lanewright_link::fec::scheme::{KP4, Scheme};
use lanewright_link::fec::slicer::Signalling;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

fn words(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fec words");
    group.sample_size(20);
    let tap = ErrorProcess::OneTap { start: 1e-4, propagation: 0.5 };
    let taps = ErrorProcess::Feedback { start: 1e-4, taps: vec![0.7, 0.2, -0.1, 0.05, 0.03] };
    let mux = Layout { interleave: 2, lanes: 4, muxing: Muxing::Bit { streams: 4 } };
    for (name, process, layout) in
        [("one tap", &tap, Layout::PLAIN), ("one tap, bit mux 4", &tap, mux), ("five taps", &taps, Layout::PLAIN)]
    {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let chain = process.chain(Signalling::Pam4, true).expect("sound");
                black_box(wrong_symbols(&chain, &KP4, &layout).expect("sound").over())
            });
        });
    }
    let scheme = Scheme::named("kp4").expect("known");
    group.bench_function("limit, random", |bench| {
        let process = ErrorProcess::Random { ber: 1e-5 };
        bench
            .iter(|| black_box(allowed(&process, &scheme, Target::PostFecBer(1e-15)).expect("reachable").detector_ber));
    });
    group.finish();
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fec codec");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let codec = Codec::new(KP4).expect("exists");
    let message: Vec<u16> = (0..KP4.message).map(|_| (random.next_u32() % 1024) as u16).collect();
    let sent = codec.encode(&message).expect("right length");
    let mut received = sent.clone();
    for place in 0..15 {
        received[place * 36] ^= 1 + place as u16;
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("KP4 encode", |bench| bench.iter(|| black_box(codec.encode(&message).expect("right length"))));
    group.bench_function("KP4 decode 15 errors", |bench| {
        bench.iter(|| {
            let mut word = received.clone();
            black_box(codec.decode(&mut word))
        });
    });
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("inner code, 1000 words sent and decoded", |bench| {
        bench.iter(|| black_box(run(1_000, 2.7, 6, || random.next_u64())));
    });
    group.finish();
}

criterion_group!(benches, words, codec);
criterion_main!(benches);
