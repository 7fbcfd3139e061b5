//! Which measured device stands in for one without measurements, and how what it spends beyond the roofline carries over.

use super::Accelerator;

/// Devices of which kernels were measured, and what is known of them here: 16-bit operations and bytes per second (as in
/// the catalogue; only their ratios to a device's own peaks are used, to find the nearest).
const MEASURED: [(&str, f64, f64); 5] = [
    ("nvidia/a100-sxm", 312e12, 2.04e12),
    ("nvidia/h100-sxm", 989e12, 3.35e12),
    ("nvidia/h200-sxm", 989e12, 4.8e12),
    ("nvidia/b200", 2250e12, 8.0e12),
    ("nvidia/gb200-gpu", 2500e12, 8.0e12),
];

/// A device that stands in for another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Donor {
    /// Catalogue id.
    pub id: &'static str,
    /// What the donor's kernels take beyond the roofline grows on the target as the ratio of the two rooflines to this
    /// power: 0 keeps it (the same processors at the same clock), 1 keeps the efficiency.
    pub stretch: f64,
}

/// Devices by which processors they have: members of one family differ in memory, power and packaging alone.
fn family(id: &str) -> Option<u8> {
    Some(match id {
        "nvidia/h100-sxm" | "nvidia/h200-sxm" => 0,
        "nvidia/b200" | "nvidia/gb200-gpu" | "nvidia/b300" | "nvidia/gb300-gpu" => 1,
        _ => return None,
    })
}

/// Whether two devices (catalogue ids) have the same processors.
pub fn kin(a: &str, b: &str) -> bool {
    a == b || family(a).is_some_and(|own| family(b) == Some(own))
}

/// The generation of a device's processors: its own id where it has no kin here.
pub fn generation(id: &str) -> &str {
    match family(id) {
        Some(0) => "hopper",
        Some(1) => "blackwell",
        _ => id,
    }
}

/// Whether kernels of a device (catalogue id) start while their predecessors end.
pub fn starts_early(id: &str) -> bool {
    family(id) == Some(1)
}

/// Who stands in for a device, best first, all measured devices but itself. Members of its family come first, then those
/// whose peaks are nearest (distance of logarithms).
pub fn donors(device: &Accelerator) -> Vec<Donor> {
    let rate = device.bf16.or(device.fp8.map(|rate| rate / 2.0)).or(device.int8.map(|rate| rate / 2.0)).unwrap_or(1e12);
    let mut all: Vec<(bool, f64, Donor)> = MEASURED
        .iter()
        .filter(|(id, ..)| *id != device.id)
        .map(|&(id, bf16, bandwidth)| {
            let kin = kin(&device.id, id);
            let distance = (rate / bf16).ln().abs() + (device.bandwidth / bandwidth).ln().abs();
            (!kin, distance, Donor { id, stretch: stretch(device, id, kin) })
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    all.into_iter().map(|(_, _, donor)| donor).collect()
}

/// From trials between measured devices (`workload calibrate` prints them): Hopper and Blackwell predict each other best
/// at about 0.05, A100 and H100 at about 0.75. Within a family only memory differs, and what a kernel spends beside it
/// stays.
fn stretch(device: &Accelerator, donor: &str, kin: bool) -> f64 {
    let newest = |id: &str| family(id).is_some();
    match (kin, newest(&device.id) && newest(donor)) {
        (true, _) => 0.0,
        (false, true) => 0.05,
        (false, false) => 0.75,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plain;
    use super::*;

    #[test]
    fn kin_come_first() {
        let h200 = donors(&plain("nvidia/h200-sxm", 989e12, 4.8e12));
        assert_eq!((h200[0].id, h200[0].stretch), ("nvidia/h100-sxm", 0.0));
        assert!(h200.iter().all(|donor| donor.id != "nvidia/h200-sxm"));
        let gb300 = donors(&plain("nvidia/gb300-gpu", 2500e12, 8e12));
        assert_eq!(gb300[0].stretch, 0.0);
        let b200 = donors(&plain("nvidia/b200", 2250e12, 8e12));
        assert_eq!(b200[0].id, "nvidia/gb200-gpu");
    }

    #[test]
    fn strangers_take_the_nearest_by_peaks() {
        assert_eq!(donors(&plain("nvidia/l40s", 362e12, 0.864e12))[0].id, "nvidia/a100-sxm");
        assert_eq!(donors(&plain("amd/mi300x", 1307e12, 5.3e12))[0].id, "nvidia/h200-sxm");
        assert_eq!(donors(&plain("x/unknown", 0.0, 0.0)).len(), 5);
    }
}
