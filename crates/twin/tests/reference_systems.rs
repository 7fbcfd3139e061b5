//! The bundled systems against what is published of them. Source ids are those of the catalogue.

mod bundle;

use std::collections::{BTreeMap, HashMap, HashSet};

use bundle::{count, domain_gbps, lanes, links, set, system};
use lanewright_model::catalogue::part::Kind;
use lanewright_model::system::{PortId, SetId, System};

/// Gigabytes per second and direction that the links of a domain carry from and to each device of a part.
fn gigabytes_per_device(system: &System, domain: &str, part: &str) -> Vec<f64> {
    let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
    for set in system.link_sets.iter().filter(|s| system.domains[s.domain.index()].name == domain) {
        let rate = system.catalogue.protocol(set.protocol).rate.0 / 8.0;
        for link in &system.links[set.links.start as usize..set.links.end as usize] {
            for port in [link.a, link.b] {
                let device = system.port(port).device;
                if system.part_of(device).id.value == part {
                    *sums.entry(device.0).or_default() += rate;
                }
            }
        }
    }
    sums.into_values().collect()
}

/// Devices at the ends of a link set's links, as (a, b).
fn ends(system: &System, name: &str) -> Vec<(u32, u32)> {
    let (id, _) = set(system, name);
    let device = |port: PortId| system.port(port).device.0;
    system.links_of(id).iter().map(|l| (device(l.a), device(l.b))).collect()
}

/// NVIDIA's SuperPOD reference architecture for H100, table 4 [S21]: nodes, GPUs, leaf and spine switches, cables
/// from nodes and UFM to leaves, cables from leaves to spines.
#[test]
fn superpod_table() {
    let table = [
        ("dgx-superpod-1su", 31, 248, 8, 4, 252, 256),
        ("dgx-superpod-2su", 63, 504, 16, 8, 508, 512),
        ("dgx-superpod-3su", 95, 760, 24, 16, 764, 768),
        ("dgx-superpod-4su", 127, 1016, 32, 16, 1020, 1024),
    ];
    for (name, nodes, gpus, leaves, spines, compute, spine_leaf) in table {
        let system = system(name);
        assert_eq!(count(&system, "reference/dgx-h100"), nodes, "{name}: nodes");
        assert_eq!(count(&system, "nvidia/h100-sxm"), gpus, "{name}: GPUs");
        let switches = |set: &str| system.sets.iter().find(|s| s.name == set).map_or(0, |s| s.count);
        assert_eq!((switches("leaf"), switches("spine")), (leaves, spines), "{name}: switches");
        assert_eq!(links(&system, "compute") + links(&system, "ufm"), compute, "{name}: compute and UFM cables");
        assert_eq!(links(&system, "spine-leaf"), spine_leaf, "{name}: spine-leaf cables");
        // Rail-optimised: the nodes of a unit meet on a leaf in the NIC of one number.
        let (id, _) = set(&system, "compute");
        let mut rails: HashMap<u32, HashSet<u32>> = HashMap::new();
        for link in system.links_of(id) {
            let nic = system.port(link.a);
            // A cage holds two NICs.
            let rail = 2 * system.devices[nic.device.index()].index + nic.shape.index;
            rails.entry(system.port(link.b).device.0).or_default().insert(rail);
        }
        assert_eq!(rails.len(), leaves as usize, "{name}: every leaf has nodes");
        assert!(rails.values().all(|nics| nics.len() == 1), "{name}: one rail per leaf");
    }
}

/// H100 nodes: 18 NVLinks from each GPU, spread 5, 4, 4, 5 over four switches; 900 GB/s both ways.
#[test]
fn dgx_h100_nvlinks() {
    let system = system("dgx-superpod-1su");
    let both = links(&system, "node.nvlink-outer") + links(&system, "node.nvlink-inner");
    assert_eq!(both, 31 * 8 * 18);
    let mut spread: HashMap<(u32, u32), usize> = HashMap::new();
    for pair in ends(&system, "node.nvlink-outer").into_iter().chain(ends(&system, "node.nvlink-inner")) {
        *spread.entry(pair).or_default() += 1;
    }
    let mut of_gpu: HashMap<u32, Vec<usize>> = HashMap::new();
    for ((gpu, switch), n) in &spread {
        let of = of_gpu.entry(*gpu).or_insert_with(|| vec![0; 4]);
        of[system.devices[*switch as usize].index as usize] = *n;
    }
    assert_eq!(of_gpu.len(), 248);
    assert!(of_gpu.values().all(|n| n == &[5, 4, 4, 5]));
    assert!(
        gigabytes_per_device(&system, "scale-up", "nvidia/h100-sxm").iter().all(|gb| (2.0 * gb - 900.0).abs() < 1e-6)
    );
}

/// GB200 NVL72: 72 GPUs, 36 Grace, 18 switch chips [S108] [S43]; 1,296 links, 5,184 differential pairs [S22];
/// 1.8 TB/s per GPU and 130 TB/s in all, both directions together [S83].
#[test]
fn nvl72_links_pairs_and_bandwidth() {
    let system = system("gb200-nvl72");
    assert_eq!(count(&system, "nvidia/gb200-gpu"), 72);
    assert_eq!(count(&system, "nvidia/grace"), 36);
    assert_eq!(count(&system, "nvidia/nvswitch-4"), 18);
    assert_eq!(links(&system, "nvlink"), 1296);
    assert_eq!(lanes(&system, "nvlink"), 2592);
    assert_eq!(2 * lanes(&system, "nvlink"), 5184, "a lane has one pair for each direction");
    let per_gpu = gigabytes_per_device(&system, "scale-up", "nvidia/gb200-gpu");
    assert_eq!(per_gpu.len(), 72);
    assert!(per_gpu.iter().all(|gb| (2.0 * gb - 1800.0).abs() < 1e-6), "1.8 TB/s per GPU");
    let total = 2.0 * domain_gbps(&system, "scale-up") / 8.0 / 1000.0;
    assert!((total - 129.6).abs() < 1e-6 && total.round() == 130.0, "{total} TB/s");
    // Every GPU meets every switch chip once.
    let pairs: HashSet<(u32, u32)> = ends(&system, "nvlink").into_iter().collect();
    assert_eq!(pairs.len(), 72 * 18);
    assert_eq!(links(&system, "back-end"), 72);
}

/// TPU v4 pod: 64 cubes, 4,096 chips, 48 circuit switches [S119]; 144 electrical links in a cube, 6,144 optical
/// links [S120], which is 1.5 per chip [S121].
#[test]
fn tpu_v4_optical_and_electrical_links() {
    let system = system("tpu-v4-pod");
    assert_eq!(count(&system, "google/tpu-v4"), 4096);
    assert_eq!(count(&system, "google/ocs-palomar"), 48);
    assert_eq!(links(&system, "optical"), 6144);
    assert_eq!(links(&system, "cube.mesh"), 64 * 144);
    // Opposite faces of every cube meet in the same switch, so that it can close every ring.
    let (id, _) = set(&system, "optical");
    let mut axes: HashMap<u32, HashMap<u32, usize>> = HashMap::new();
    for link in system.links_of(id) {
        let axis = system.port(link.a).shape.index / 2;
        *axes.entry(system.port(link.b).device.0).or_default().entry(axis).or_default() += 1;
    }
    assert_eq!(axes.len(), 48);
    assert!(axes.values().all(|a| a.len() == 1 && a.values().all(|n| *n == 128)), "one axis and 128 ends each");
}

/// Trainium2 UltraServer: 64 chips as a 4 x 4 x 4 torus [S113] [S114]: 128 links in servers and 64 between them;
/// four links of 128 GB/s and two of 64 GB/s are 640 GB/s per chip and direction.
#[test]
fn trn2_torus() {
    let system = system("trn2-ultraserver");
    assert_eq!(count(&system, "aws/trainium2"), 64);
    assert_eq!((links(&system, "server.torus"), links(&system, "z-ring")), (128, 64));
    let per_chip = gigabytes_per_device(&system, "scale-up", "aws/trainium2");
    assert_eq!(per_chip.len(), 64);
    assert!(per_chip.iter().all(|gb| (gb - 640.0).abs() < 1e-6), "{per_chip:?}");
    // Z rings: every chip has two different neighbours in other servers, at the same place.
    for (a, b) in ends(&system, "z-ring") {
        let (a, b) = (&system.devices[a as usize], &system.devices[b as usize]);
        assert_eq!(a.index, b.index);
        assert_ne!(a.parent, b.parent);
    }
}

/// MI300X: 28 links between 8 GPUs; 7 links of 128 GB/s both ways are 896 GB/s per GPU [S115].
#[test]
fn mi300x_mesh() {
    let system = system("mi300x-node");
    assert_eq!(count(&system, "amd/mi300x"), 8);
    assert_eq!(links(&system, "node.xgmi"), 28);
    let per_gpu = gigabytes_per_device(&system, "scale-up", "amd/mi300x");
    assert!(per_gpu.len() == 8 && per_gpu.iter().all(|gb| (2.0 * gb - 896.0).abs() < 1e-6), "{per_gpu:?}");
    let pairs: HashSet<(u32, u32)> = ends(&system, "node.xgmi").into_iter().collect();
    assert_eq!(pairs.len(), 28);
}

/// UALink: 64 accelerators on planes of 64-port switches [S20], none blocking: the ports of every switch are full.
#[test]
fn ualink_planes_are_full() {
    let system = system("ualink-64");
    assert_eq!(count(&system, "generic/ualink-accelerator"), 64);
    assert_eq!(links(&system, "ualink"), 64 * 4);
    let pairs: HashSet<(u32, u32)> = ends(&system, "ualink").into_iter().collect();
    assert_eq!(pairs.len(), 64 * 4, "every accelerator meets every switch once");
}

/// PCIe 6: a 320-lane switch reaches up to 80 accelerators over x4 [S66]; here 64, on four switches.
#[test]
fn pcie6_planes() {
    let system = system("pcie6-64");
    assert_eq!(count(&system, "generic/pcie6-accelerator"), 64);
    assert_eq!(links(&system, "fabric"), 64 * 4);
    let pairs: HashSet<(u32, u32)> = ends(&system, "fabric").into_iter().collect();
    assert_eq!(pairs.len(), 64 * 4);
}

/// Head node: every GPU, NIC and drive hangs on a PCIe 6 fabric switch, and every host has CXL memory.
#[test]
fn head_node_fabric() {
    let system = system("head-node");
    assert_eq!(count(&system, "astera/scorpio-p"), 8);
    assert_eq!(count(&system, "astera/leo-p"), 4);
    for name in ["node.gpu-pcie", "node.nic-pcie", "node.host-pcie"] {
        assert_eq!(links(&system, name), 8, "{name}");
    }
    assert!(links(&system, "node.ssd-pcie") >= 8);
    assert_eq!(links(&system, "node.cxl"), 4);
}

/// A cluster of 131,072 accelerators: three tiers at full bisection carry each accelerator's 400G three times.
#[test]
fn cluster_of_131072() {
    let system = system("cluster-131072");
    assert_eq!(count(&system, "amd/mi300x"), 131_072);
    for tier in ["rail", "leaf-spine", "spine-core"] {
        assert_eq!(links(&system, tier), 131_072, "{tier}");
    }
    // Every core switch reaches every pod: a spine of each of the 32 pods.
    let (id, _) = set(&system, "spine-core");
    let mut pods: HashMap<u32, HashSet<u32>> = HashMap::new();
    for link in system.links_of(id) {
        let spine = system.port(link.a).device;
        pods.entry(system.port(link.b).device.0).or_default().insert(system.devices[spine.index()].index / 64);
    }
    assert_eq!(pods.len(), 1024);
    assert!(pods.values().all(|p| p.len() == 32));
}

/// L2+ car: 5 to 11 cameras and 5 radars on one SoC (said of CV72 in Ambarella's fiscal 2024 Q2 call).
#[test]
fn car_sensors_on_one_soc() {
    let system = system("adas-car");
    let of_kind = |kind: Kind| {
        let kind_of = |set: &SetId| system.catalogue.part(system.sets[set.index()].part).kind;
        system.devices.iter().filter(|d| kind_of(&d.set) == kind).count()
    };
    assert_eq!((of_kind(Kind::Camera), of_kind(Kind::Sensor), of_kind(Kind::Soc)), (11, 5, 1));
    let cameras = ["front-cameras", "rear-camera", "side-cameras", "surround-cameras"];
    assert_eq!(cameras.iter().map(|name| links(&system, name)).sum::<usize>(), 11);
}

/// Security camera: four sensors on one SoC, 32 MP in all.
#[test]
fn camera_with_four_sensors() {
    let system = system("security-camera");
    let sensor = system.sets.iter().find(|s| s.name == "sensor").expect("sensors");
    let size = system.catalogue.part(sensor.part).figures.image_size.as_ref().expect("image size").band.likely.0;
    assert_eq!(sensor.count, 4);
    assert!((f64::from(sensor.count) * size - 32.0).abs() < 1.5, "{size} MP each");
    assert_eq!(links(&system, "mipi"), 4);
}
