//! Simulates the inner code of P802.3dj and prints the table that `fec::hamming::table` holds.
//!
//! `cargo run --release -p lanewright-link --example inner_code_table -- [WORDS] [PLACES]`

use lanewright_link::fec::hamming::simulate::{Tally, run};
use lanewright_link::fec::slicer::{Signalling, bit_error_ratio, margin, symbol_error_ratio};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Bit error ratios before decoding, and how many times the base number of words each is simulated with: where wrong
/// words are rare, more are needed.
const ROWS: [(f64, u64); 17] = [
    (2e-2, 1),
    (1.5e-2, 1),
    (1.2e-2, 1),
    (1e-2, 1),
    (8e-3, 2),
    (7e-3, 2),
    (6e-3, 4),
    (5.4e-3, 4),
    (4.85e-3, 4),
    (4.4e-3, 4),
    (4e-3, 8),
    (3.5e-3, 8),
    (3e-3, 16),
    (2.5e-3, 16),
    (2e-3, 32),
    (1.5e-3, 32),
    (1e-3, 64),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().and_then(|a| a.parse().ok()).unwrap_or(default);
    let (words, places) = (number(500_000), number(6) as usize);
    println!("// ber before, words sent, message bits wrong, words with 1, 2, ... 12 symbols wrong");
    for (row, (ber, times)) in ROWS.into_iter().enumerate() {
        // The margin for a bit error ratio, by a few steps from that for symbols.
        let mut m = margin(Signalling::Pam4, 2.0 * ber);
        for _ in 0..20 {
            let off = ber / bit_error_ratio(Signalling::Pam4, m);
            m = margin(Signalling::Pam4, symbol_error_ratio(Signalling::Pam4, m) * off);
        }
        // One generator a row: rows can be made in any order.
        let mut random = ChaCha8Rng::seed_from_u64(1000 + row as u64);
        let tally: Tally = run(words * times, m, places, || random.next_u64());
        println!(
            "({ber:e}, {}, {}, {:?}), // {:.3e} to {:.3e}",
            tally.words,
            tally.wrong_after,
            &tally.symbols[1..],
            tally.ber_before(),
            tally.ber_after(),
        );
    }
}
