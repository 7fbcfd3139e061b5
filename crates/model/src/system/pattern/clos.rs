//! Rail, leaf-spine and fat tree.

use super::{DevicePorts, Pair, PatternError, check_size, fewest, wrong};

/// Port r of host h goes to leaf `g L + r mod L`, where g is the host's group and L the leaves of a group. Hosts are
/// dealt to groups in order. Links: the number of host ports.
pub fn rail(hosts: &[DevicePorts], leaves: &[DevicePorts], groups: Option<u32>) -> Result<Vec<Pair>, PatternError> {
    let rails = hosts.iter().map(Vec::len).max().unwrap_or(0);
    let groups = groups.map_or_else(|| (leaves.len() / rails.max(1)).max(1), |g| g as usize);
    if groups == 0 || !leaves.len().is_multiple_of(groups) {
        return wrong(
            format!("{} leaves cannot be cut into {groups} equal groups", leaves.len()),
            "give `groups` so that it divides the number of leaves",
        );
    }
    let per_group = leaves.len() / groups;
    let hosts_per_group = hosts.len().div_ceil(groups);
    let mut next = vec![0_usize; leaves.len()];
    let mut pairs = Vec::with_capacity(check_size(hosts.len() as u128 * rails as u128)?);
    for (h, host) in hosts.iter().enumerate() {
        let group = h / hosts_per_group;
        for (r, port) in host.iter().enumerate() {
            let leaf = group * per_group + r % per_group;
            let Some(leaf_port) = leaves[leaf].get(next[leaf]) else {
                return wrong(
                    format!(
                        "leaf {leaf} has {} ports selected, too few for the {hosts_per_group} hosts of its group",
                        leaves[leaf].len()
                    ),
                    "select more ports of the leaves, add leaves, or raise `groups`",
                );
            };
            next[leaf] += 1;
            pairs.push((*port, *leaf_port));
        }
    }
    Ok(pairs)
}

/// Every device of `lower` with every device of `upper`, `per_pair` links each (default: as many as fit), within
/// each of `groups` equal runs and, inside those, within each of `planes`: lower device i belongs to plane
/// i mod planes, upper devices are cut into runs. Links: lower x upper x per_pair / groups / planes.
pub fn leaf_spine(
    lower: &[DevicePorts],
    upper: &[DevicePorts],
    per_pair: Option<u32>,
    groups: u32,
    planes: u32,
) -> Result<Vec<Pair>, PatternError> {
    let (groups, planes) = (groups as usize, planes as usize);
    for (side, devices, parts) in [("from", lower, groups * planes), ("to", upper, groups * planes)] {
        if parts == 0 || devices.is_empty() || !devices.len().is_multiple_of(parts) {
            return wrong(
                format!(
                    "`{side}` selects {} devices, which {groups} groups x {planes} planes do not divide",
                    devices.len()
                ),
                "choose `groups` and `planes` that divide the number of devices",
            );
        }
    }
    let (lower_block, upper_block) = (lower.len() / groups / planes, upper.len() / groups / planes);
    let fits = (fewest(lower) / upper_block).min(fewest(upper) / lower_block);
    let k = per_pair.map_or(fits, |k| k as usize);
    if k == 0 || k > fits {
        return wrong(
            format!(
                "each device of `from` meets {upper_block} of `to` and each of `to` meets {lower_block}: {} links a pair need {} and {} ports, but only {} and {} are selected",
                k.max(1),
                k.max(1) * upper_block,
                k.max(1) * lower_block,
                fewest(lower),
                fewest(upper)
            ),
            "select more ports, lower `per_pair`, or use `groups` or `planes`",
        );
    }
    let blocks = groups * planes;
    let links = check_size(blocks as u128 * lower_block as u128 * upper_block as u128 * k as u128)?;
    let mut pairs = Vec::with_capacity(links);
    let lower_group = lower.len() / groups;
    let upper_group = upper.len() / groups;
    for (i, device) in lower.iter().enumerate() {
        let (group, within) = (i / lower_group, i % lower_group);
        let (plane, place) = (within % planes, within / planes);
        for j in 0..upper_block {
            let other = &upper[group * upper_group + plane * upper_block + j];
            for copy in 0..k {
                pairs.push((device[j * k + copy], other[place * k + copy]));
            }
        }
    }
    Ok(pairs)
}

/// Hosts on a folded Clos of `tiers.len()` tiers of switches with `radix` ports each, half down and half up (the top
/// tier all down). Follows the k-ary n-tree: a pod of height l has (k/2)^(l-1) switches at its top. When fewer pods
/// than k are there, top switches are folded so that all their ports are used. Links: tiers x hosts when the hosts
/// fill their pods.
pub fn fat_tree(hosts: &[u32], tiers: &[Vec<DevicePorts>], radix: Option<u32>) -> Result<Vec<Pair>, PatternError> {
    let levels = tiers.len();
    let selected = tiers.iter().flatten().map(Vec::len).min().unwrap_or(0);
    let radix = radix.map_or(selected, |r| r as usize);
    let half = radix / 2;
    if levels == 0 || half == 0 || selected < radix {
        return wrong(
            format!("a fat tree of radix {radix} needs {radix} ports on each switch, but one has {selected} selected"),
            "select the ports of every tier, or give a smaller `radix`",
        );
    }
    let n = hosts.len();
    check_size(n as u128 * levels as u128)?;
    // Pods of height l hold half^l hosts; the top joins up to `radix` pods of height levels - 1.
    let power = |exponent: usize| (half as u128).saturating_pow(exponent as u32);
    let capacity = if levels == 1 { radix as u128 } else { radix as u128 * power(levels - 1) };
    if n as u128 > capacity {
        return wrong(
            format!("{n} host ports are more than the {capacity} that {levels} tiers of radix {radix} can hold"),
            "add a tier to `via`, or use switches with more ports",
        );
    }
    let pods_at = |level: usize| (n as u128).div_ceil(power(level)) as usize;
    let top_pods = if levels == 1 { 1 } else { pods_at(levels - 1) };
    // Folding: a top switch serves as many positions of the full tree as its ports allow.
    let fold_at_top = (radix / top_pods.max(1)).max(1);
    let needed: Vec<usize> = (1..=levels)
        .map(|level| match level {
            l if l == levels && levels == 1 => 1,
            l if l == levels => power(levels - 1).div_ceil(fold_at_top as u128) as usize,
            l => pods_at(l) * power(l - 1) as usize,
        })
        .collect();
    for (level, (tier, count)) in tiers.iter().zip(&needed).enumerate() {
        if tier.len() < *count {
            let list: Vec<String> = needed.iter().map(ToString::to_string).collect();
            return wrong(
                format!(
                    "tier {} needs {count} switches of radix {radix} for {n} host ports, but {} are selected",
                    level + 1,
                    tier.len()
                ),
                format!("switches needed from the lowest tier up: {}", list.join(", ")),
            );
        }
    }
    let mut pairs = Vec::with_capacity(n * levels);
    let down = if levels == 1 { radix } else { half };
    for (i, host) in hosts.iter().enumerate() {
        pairs.push((*host, tiers[0][i / down][i % down]));
    }
    for level in 2..=levels {
        let top = level == levels;
        let below_per_pod = power(level - 2) as usize; // switches at the top of a pod of height level - 1
        let pods = pods_at(level - 1);
        let fold = if top { fold_at_top } else { 1 };
        for pod in 0..pods {
            let (parent, child) = if top { (0, pod) } else { (pod / half, pod % half) };
            for s in 0..below_per_pod {
                for q in 0..half {
                    let position = s * half + q;
                    let above = parent * power(level - 1) as usize + position / fold;
                    let lower_port = tiers[level - 2][pod * below_per_pod + s][half + q];
                    let upper_port = tiers[level - 1][above][child * fold + position % fold];
                    pairs.push((lower_port, upper_port));
                }
            }
        }
    }
    Ok(pairs)
}
