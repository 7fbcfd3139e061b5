//! In order and full mesh.

use super::{DevicePorts, Pair, PatternError, check_size, fewest, wrong};

/// First port with first port. Links: the number of ports on either side.
pub fn in_order(from: &[u32], to: &[u32]) -> Result<Vec<Pair>, PatternError> {
    if from.len() != to.len() {
        return wrong(
            format!("`from` selects {} ports and `to` selects {}", from.len(), to.len()),
            "in-order pairs first with first, so both must select the same number; slice one with `[0-7]`",
        );
    }
    Ok(from.iter().copied().zip(to.iter().copied()).collect())
}

/// Every two devices, `per_pair` links each. Links: n (n - 1) / 2 x per_pair.
pub fn full_mesh(devices: &[DevicePorts], per_pair: u32) -> Result<Vec<Pair>, PatternError> {
    let (n, k) = (devices.len(), per_pair as usize);
    if n < 2 || k == 0 {
        return wrong(format!("a full mesh of {n} devices with {k} links each has no links"), "select two or more");
    }
    let links = check_size(n as u128 * (n as u128 - 1) / 2 * k as u128)?;
    let needed = (n - 1) * k;
    if fewest(devices) < needed {
        return wrong(
            format!("a full mesh of {n} devices needs {needed} ports on each, but one has {}", fewest(devices)),
            "select more ports, or lower `per_pair`",
        );
    }
    let mut pairs = Vec::with_capacity(links);
    for i in 0..n {
        for j in i + 1..n {
            for copy in 0..k {
                // Device i meets j as its (j-1)th partner; j meets i as its ith.
                pairs.push((devices[i][(j - 1) * k + copy], devices[j][i * k + copy]));
            }
        }
    }
    Ok(pairs)
}
