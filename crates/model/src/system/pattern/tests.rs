//! Every pattern against its closed form, and against the rule that no port is used twice.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// `devices` devices with `ports` ports each, numbered from `first`.
fn devices(devices: usize, ports: usize, first: usize) -> Vec<DevicePorts> {
    (0..devices).map(|d| (0..ports).map(|p| (first + d * ports + p) as u32).collect()).collect()
}

fn assert_no_port_twice(pairs: &[Pair]) {
    let mut seen = HashSet::new();
    for (a, b) in pairs {
        assert_ne!(a, b);
        assert!(seen.insert(*a), "port {a} twice");
        assert!(seen.insert(*b), "port {b} twice");
    }
}

/// Links between each two devices, by device number, for ports numbered as `devices` does.
fn between(pairs: &[Pair], ports: usize) -> std::collections::HashMap<(usize, usize), usize> {
    let mut count = std::collections::HashMap::new();
    for (a, b) in pairs {
        let (x, y) = (*a as usize / ports, *b as usize / ports);
        *count.entry((x.min(y), x.max(y))).or_default() += 1;
    }
    count
}

proptest! {
    #[test]
    fn full_mesh_joins_every_two(n in 2_usize..20, k in 1_u32..4) {
        let ports = (n - 1) * k as usize;
        let pairs = full_mesh(&devices(n, ports, 0), k).expect("fits");
        prop_assert_eq!(pairs.len(), n * (n - 1) / 2 * k as usize);
        assert_no_port_twice(&pairs);
        let count = between(&pairs, ports);
        prop_assert_eq!(count.len(), n * (n - 1) / 2);
        prop_assert!(count.values().all(|c| *c == k as usize));
    }

    #[test]
    fn leaf_spine_is_complete_within_blocks(
        lower in 1_usize..6, upper in 1_usize..6, groups in 1_u32..4, planes in 1_u32..4, k in 1_u32..3,
    ) {
        let blocks = (groups * planes) as usize;
        let ports = upper.max(lower) * k as usize;
        let lowers = devices(lower * blocks, ports, 0);
        let uppers = devices(upper * blocks, ports, lower * blocks * ports);
        let pairs = leaf_spine(&lowers, &uppers, Some(k), groups, planes).expect("fits");
        prop_assert_eq!(pairs.len(), lower * blocks * upper * k as usize);
        assert_no_port_twice(&pairs);
    }

    #[test]
    fn rail_uses_each_host_port_once(hosts in 1_usize..40, rails in 1_usize..9, groups in 1_u32..5) {
        let per_group = hosts.div_ceil(groups as usize);
        let hosts_ports = devices(hosts, rails, 0);
        let leaves = devices(rails * groups as usize, per_group, hosts * rails);
        let pairs = rail(&hosts_ports, &leaves, Some(groups)).expect("fits");
        prop_assert_eq!(pairs.len(), hosts * rails);
        assert_no_port_twice(&pairs);
        for (a, b) in &pairs {
            let (host, r) = (*a as usize / rails, *a as usize % rails);
            let leaf = (*b as usize - hosts * rails) / per_group;
            prop_assert_eq!(leaf, host / per_group * rails + r);
        }
    }

    #[test]
    fn fat_tree_has_full_bisection(half in 1_usize..5, levels in 1_usize..5, pods in 1_usize..4) {
        // Hosts that fill `pods` pods of the height below the top, where the folding divides.
        let radix = 2 * half;
        let pods = if levels == 1 { 1 } else { pods.min(radix) };
        prop_assume!(levels == 1 || radix % pods == 0);
        let hosts = if levels == 1 { radix } else { pods * half.pow(levels as u32 - 1) };
        let mut first = hosts;
        let mut tiers = Vec::new();
        for level in 1..=levels {
            let count = match level {
                l if l == levels && levels == 1 => 1,
                l if l == levels => (half.pow(levels as u32 - 1) * pods).div_ceil(radix),
                _ => hosts / half,
            };
            tiers.push(devices(count, radix, first));
            first += count * radix;
        }
        let pairs = fat_tree(&(0..hosts as u32).collect::<Vec<_>>(), &tiers, None).expect("fits");
        prop_assert_eq!(pairs.len(), levels * hosts);
        assert_no_port_twice(&pairs);
        if levels > 1 {
            let mut short = tiers.clone();
            short.last_mut().expect("has a top").pop();
            prop_assert!(fat_tree(&(0..hosts as u32).collect::<Vec<_>>(), &short, Some(radix as u32)).is_err());
        }
    }

    #[test]
    fn torus_counts(dims in prop::collection::vec(1_u32..6, 1..4), wrap: bool, k in 1_u32..3) {
        let n: usize = dims.iter().map(|d| *d as usize).product();
        let ports = 2 * dims.len() * k as usize;
        let pairs = torus(&devices(n, ports, 0), &dims, wrap, k).expect("fits");
        let expected: usize = dims.iter().map(|d| {
            let side = *d as usize;
            let rings = n / side;
            rings * if wrap && side > 2 { side } else { side - 1 }
        }).sum();
        prop_assert_eq!(pairs.len(), expected * k as usize);
        assert_no_port_twice(&pairs);
    }

    #[test]
    fn dragonfly_counts(a in 1_usize..6, h in 1_usize..4, g in 2_usize..8, k in 1_u32..3) {
        prop_assume!(a * h >= g - 1);
        let ports = (a - 1) * k as usize + h;
        let pairs = dragonfly(&devices(a * g, ports, 0), g as u32, h as u32, k).expect("fits");
        let each = a * h / (g - 1);
        prop_assert_eq!(pairs.len(), g * a * (a - 1) / 2 * k as usize + g * (g - 1) / 2 * each);
        assert_no_port_twice(&pairs);
        let mut groups = std::collections::HashMap::new();
        for (x, y) in &pairs {
            let (x, y) = (*x as usize / ports / a, *y as usize / ports / a);
            if x != y { *groups.entry((x.min(y), x.max(y))).or_insert(0) += 1; }
        }
        prop_assert_eq!(groups.len(), g * (g - 1) / 2);
        prop_assert!(groups.values().all(|c| *c == each));
    }
}

#[test]
fn what_does_not_fit_is_said_with_numbers() {
    let error = in_order(&[1, 2], &[3]).expect_err("unequal");
    assert!(error.message.contains("2 ports") && error.message.contains("selects 1"), "{error:?}");
    assert!(full_mesh(&devices(4, 2, 0), 1).expect_err("ports").message.contains("needs 3 ports"));
    assert!(torus(&devices(7, 6, 0), &[2, 4], true, 1).expect_err("dims").message.contains("grid of 8"));
    assert!(full_mesh(&devices(100_000, 0, 0), 1).expect_err("size").message.contains("4999950000 links"));
}

/// TPU v4: in each 4x4x4 cube the open mesh has 3 x 48 links, as 16 of every 64 places on an axis are at its end;
/// Trainium2: a 4x4 torus has 2 x 16; MI300X: eight GPUs in full mesh have 8 x 7 / 2 (sources S113, S119, S115).
#[test]
fn published_meshes() {
    assert_eq!(torus(&devices(64, 6, 0), &[4, 4, 4], false, 1).expect("fits").len(), 144);
    assert_eq!(torus(&devices(16, 4, 0), &[4, 4], true, 1).expect("fits").len(), 32);
    assert_eq!(full_mesh(&devices(8, 7, 0), 1).expect("fits").len(), 28);
}
