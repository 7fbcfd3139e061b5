//! Which measured rows a fit never sees: decided by a hash of the row's inputs, so order and file do not matter.

/// The seed with which the built-in calibration was tested.
pub const SEED: u64 = 1;

/// The share of rows that is held out by default.
pub const SHARE: f64 = 0.3;

/// Whether a row is held out. `columns` are its inputs as they stand in the file, never the measured value: rows that
/// repeat a measurement fall on the same side.
pub fn held_out<'a>(seed: u64, share: f64, columns: impl IntoIterator<Item = &'a str>) -> bool {
    let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut take = |byte: u8| state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for column in columns {
        column.bytes().for_each(&mut take);
        // A separator that no text contains: `12|3` differs from `1|23`.
        take(0xff);
    }
    // FNV leaves the high bits of short texts uneven; the finaliser of splitmix64 spreads them.
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    ((mixed >> 11) as f64) < share * (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_met_and_seeds_differ() {
        let rows: Vec<[String; 3]> =
            (0..20_000).map(|at| [(at % 14).to_string(), (at % 97).to_string(), at.to_string()]).collect();
        let chosen = |seed| -> Vec<bool> {
            rows.iter().map(|row| held_out(seed, SHARE, row.iter().map(String::as_str))).collect()
        };
        let (first, second) = (chosen(1), chosen(2));
        let share = first.iter().filter(|held| **held).count() as f64 / rows.len() as f64;
        assert!((share - SHARE).abs() < 0.01, "{share}");
        // Independent choices agree on 0.7^2 + 0.3^2 = 58 % of rows.
        let alike = first.iter().zip(&second).filter(|(a, b)| a == b).count() as f64 / rows.len() as f64;
        assert!((alike - 0.58).abs() < 0.02, "{alike}");
    }

    #[test]
    fn columns_do_not_run_into_each_other() {
        let differ = (0..64).filter(|seed| held_out(*seed, 0.5, ["12", "3"]) != held_out(*seed, 0.5, ["1", "23"]));
        assert!(differ.count() > 10);
    }

    #[test]
    fn shares_of_none_and_all() {
        assert!(!held_out(1, 0.0, ["x"]));
        assert!(held_out(1, 1.0, ["x"]));
    }
}
