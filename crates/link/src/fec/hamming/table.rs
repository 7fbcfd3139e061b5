//! The inner code of P802.3dj simulated: soft (Chase) decoding with the six least reliable places tried both ways, on
//! PAM4 with white Gaussian noise and Gray coding.
//!
//! Made by `cargo run --release -p lanewright-link --example inner_code_table` (seeds 1000 and up, ChaCha8); about four
//! minutes on one core. Certainty: simulation, one standard error being one over the root of the words that went wrong
//! (0.5 % at 4.85e-3, 3 % in the lowest row). Eight places instead of six lower the output by about 3 %, four raise it
//! by a quarter.

use super::simulate::SYMBOLS;

/// Bit error ratio before decoding, words sent, message bits wrong after decoding, and words with 1, 2, ... 12 of their
/// ten-bit symbols wrong.
pub type Row = (f64, u64, u64, [u64; SYMBOLS]);

/// Rows, falling.
pub const ROWS: [Row; 17] = [
    (2e-2, 500_000, 943_433, [445, 11_808, 35_943, 79_385, 40_852, 20_908, 3_867, 1_003, 80, 4, 0, 0]),
    (1.5e-2, 500_000, 494_077, [309, 7_450, 22_654, 47_580, 18_831, 8_932, 1_141, 245, 17, 1, 0, 0]),
    (1.2e-2, 500_000, 275_841, [165, 4_810, 14_090, 28_915, 9_189, 4_140, 415, 89, 6, 0, 0, 0]),
    (1e-2, 500_000, 163_525, [108, 3_060, 8_892, 18_171, 4_818, 2_203, 150, 39, 0, 0, 0, 0]),
    (8e-3, 1_000_000, 163_343, [121, 3_376, 9_390, 19_115, 4_326, 1_774, 103, 24, 0, 0, 0, 0]),
    (7e-3, 1_000_000, 106_369, [93, 2_234, 6_424, 12_800, 2_491, 1_080, 52, 7, 0, 0, 0, 0]),
    (6e-3, 2_000_000, 129_086, [96, 2_922, 8_207, 15_956, 2_700, 1_080, 56, 11, 0, 0, 0, 0]),
    (5.4e-3, 2_000_000, 90_143, [77, 2_107, 5_838, 11_472, 1_670, 696, 21, 3, 0, 0, 0, 0]),
    (4.85e-3, 2_000_000, 61_556, [63, 1_434, 4_186, 7_881, 1_049, 434, 8, 4, 0, 0, 0, 0]),
    (4.4e-3, 2_000_000, 43_834, [33, 1_055, 3_051, 5_676, 680, 283, 5, 1, 0, 0, 0, 0]),
    (4e-3, 4_000_000, 62_920, [53, 1_535, 4_339, 8_399, 881, 372, 8, 0, 0, 0, 0, 0]),
    (3.5e-3, 4_000_000, 37_826, [32, 952, 2_667, 5_115, 460, 205, 6, 1, 0, 0, 0, 0]),
    (3e-3, 8_000_000, 44_152, [42, 1_122, 3_185, 6_083, 470, 179, 5, 1, 0, 0, 0, 0]),
    (2.5e-3, 8_000_000, 22_829, [24, 570, 1_661, 3_242, 188, 86, 2, 1, 0, 0, 0, 0]),
    (2e-3, 16_000_000, 20_252, [18, 533, 1_536, 2_885, 131, 57, 1, 0, 0, 0, 0, 0]),
    (1.5e-3, 16_000_000, 6_852, [9, 187, 533, 1_000, 33, 8, 0, 0, 0, 0, 0, 0]),
    (1e-3, 32_000_000, 3_124, [7, 103, 253, 444, 10, 0, 0, 0, 0, 0, 0, 0]),
];
