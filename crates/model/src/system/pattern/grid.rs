//! Torus and dragonfly.

use super::{DevicePorts, Pair, PatternError, check_size, fewest, wrong};

/// Devices on a grid of `dims` (fastest first), each with its neighbours. Ports in order +x, -x, +y, -y, ...,
/// `per_pair` of each; a side of 2 takes one direction only, a side of 1 none. Links: for each side of length n,
/// devices x (1 when closed and n > 2, else (n - 1) / n) x per_pair.
pub fn torus(devices: &[DevicePorts], dims: &[u32], wrap: bool, per_pair: u32) -> Result<Vec<Pair>, PatternError> {
    let k = per_pair as usize;
    let product = dims.iter().fold(1_u128, |product, side| product.saturating_mul(u128::from(*side)));
    if dims.is_empty() || dims.len() > 8 || product != devices.len() as u128 || k == 0 {
        return wrong(
            format!("dims {dims:?} make a grid of {product}, but {} devices are selected", devices.len()),
            "the product of `dims` must be the number of devices selected by `from`",
        );
    }
    let directions: usize = dims.iter().map(|d| (*d as usize - 1).min(2)).sum();
    if fewest(devices) < directions * k {
        return wrong(
            format!(
                "this grid needs {} ports on each device, but one has {} selected",
                directions * k,
                fewest(devices)
            ),
            "select more ports, or lower `per_pair`",
        );
    }
    check_size(product * dims.len() as u128 * k as u128)?;
    let mut pairs = Vec::new();
    let (mut stride, mut first_port) = (1_usize, 0_usize);
    for side in dims.iter().map(|d| *d as usize) {
        for (i, device) in devices.iter().enumerate() {
            let place = i / stride % side;
            let closes = place + 1 == side;
            if side == 1 || (closes && (!wrap || side == 2)) {
                continue;
            }
            let next = if closes { i - place * stride } else { i + stride };
            // With a side of 2 both ends use the one direction there is.
            let back = if side == 2 { first_port } else { first_port + k };
            for copy in 0..k {
                pairs.push((device[first_port + copy], devices[next][back + copy]));
            }
        }
        first_port += (side - 1).min(2) * k;
        stride *= side;
    }
    Ok(pairs)
}

/// Routers in `groups` equal groups: all-to-all within a group (`per_pair` links), then `global_ports` of each
/// router dealt evenly to the other groups (Kim, Dally, Scott, Abts, ISCA 2008, relative arrangement).
/// Links: groups x a (a - 1) / 2 x per_pair + groups (groups - 1) / 2 x floor(a h / (groups - 1)).
pub fn dragonfly(
    routers: &[DevicePorts],
    groups: u32,
    global_ports: u32,
    per_pair: u32,
) -> Result<Vec<Pair>, PatternError> {
    let (g, h, k) = (groups as usize, global_ports as usize, per_pair as usize);
    if g < 2 || routers.is_empty() || !routers.len().is_multiple_of(g) || h == 0 {
        return wrong(
            format!("{} routers cannot be cut into {g} equal groups with {h} global ports each", routers.len()),
            "give `groups` (2 or more, dividing the number of routers) and `global_ports`",
        );
    }
    let a = routers.len() / g;
    let local = (a - 1) * k;
    if fewest(routers) < local + h {
        return wrong(
            format!("each router needs {local} local and {h} global ports, but one has {} selected", fewest(routers)),
            "select more ports, or make the groups smaller",
        );
    }
    let between = a * h / (g - 1);
    if between == 0 {
        return wrong(
            format!("the {} global ports of a group do not reach the {} other groups", a * h, g - 1),
            "raise `global_ports`, or make fewer groups",
        );
    }
    let links =
        g as u128 * (a as u128 * (a as u128 - 1) / 2) * k as u128 + g as u128 * (g as u128 - 1) / 2 * between as u128;
    let mut pairs = Vec::with_capacity(check_size(links)?);
    for group in routers.chunks(a) {
        for i in 0..a {
            for j in i + 1..a {
                for copy in 0..k {
                    pairs.push((group[i][(j - 1) * k + copy], group[j][i * k + copy]));
                }
            }
        }
    }
    let global = |group: usize, slot: usize| routers[group * a + slot / h][local + slot % h];
    for i in 0..g {
        for j in i + 1..g {
            let distance = j - i;
            for copy in 0..between {
                pairs
                    .push((global(i, (distance - 1) * between + copy), global(j, (g - distance - 1) * between + copy)));
            }
        }
    }
    Ok(pairs)
}
