//! How cost grows with size: description to checked system, checked system to plan, and the whole main job.
//!
//! `cargo bench -p lanewright`; figures go into BENCHMARKS.md.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use lanewright::report;
use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::system::{NoFiles, System, load_system};
use lanewright_model::text::Texts;
use lanewright_plan::plan_system;
use lanewright_twin::bundled;
use lanewright_twin::review::review;

/// Accelerators, and how they are cut: groups of 64 nodes with 8 leaf switches, pods of such groups, core switches of
/// each of 64 planes.
const SIZES: &[(u32, u32, u32, u32)] =
    &[(1_024, 1, 2, 1), (10_240, 4, 5, 2), (102_400, 25, 8, 16), (131_072, 32, 8, 16), (524_288, 128, 8, 64)];

/// A rail-optimised fabric of three tiers, as the bundled `cluster-131072` but of any size.
fn cluster(pods: u32, groups_per_pod: u32, cores_per_plane: u32) -> String {
    let groups = pods * groups_per_pod;
    let (nodes, leaves, spines, cores) = (groups * 64, groups * 8, pods * 64, cores_per_plane * 64);
    let rack = |id: &str, count: u32, row: u32| {
        format!("[[rack]]\nid = \"{id}\"\nframe = \"eia/rack-48u\"\ncount = {count}\nper_row = 64\nrow = {row}\n")
    };
    let switch = |id: &str, count: u32| {
        format!(
            "[[device]]\nid = \"{id}\"\npart = \"nvidia/sn5600\"\nrack = \"{id}_rack[*]\"\ncount = {count}\nper_rack = 16\nposition_u = {{ start = 1, step = 3 }}\nsplit = {{ port = \"2x4\" }}\n"
        )
    };
    let mut text = String::from("[system]\nname = \"Cluster\"\n");
    let racks = [("node_rack", nodes / 4), ("leaf_rack", leaves), ("spine_rack", spines), ("core_rack", cores)];
    let mut row = 0;
    for (id, devices) in racks {
        let count = if id == "node_rack" { devices } else { devices.div_ceil(16) };
        text.push_str(&rack(id, count, row));
        row += count.div_ceil(64);
    }
    text.push_str(&format!(
        "[[device]]\nid = \"node\"\npart = \"reference/cloud-node-8gpu\"\nrack = \"node_rack[*]\"\ncount = {nodes}\nper_rack = 4\nposition_u = {{ start = 3, step = 10 }}\n"
    ));
    for (id, count) in [("leaf", leaves), ("spine", spines), ("core", cores)] {
        text.push_str(&switch(id, count));
    }
    let link = |id: &str, from: &str, to: &str, rest: &str| {
        format!(
            "[[link]]\nid = \"{id}\"\nfrom = \"{from}\"\nto = \"{to}\"\nprotocol = \"ethernet/400gbase-r4\"\ndomain = \"back-end\"\n{rest}\n"
        )
    };
    text.push_str(&link(
        "rail",
        "node[*].back_end[*]",
        "leaf[*].port[0-63]",
        &format!("pattern = \"rail\"\ngroups = {groups}"),
    ));
    text.push_str(&link(
        "leaf-spine",
        "leaf[*].port[64-127]",
        "spine[*].port[0-63]",
        &format!("pattern = \"leaf-spine\"\ngroups = {pods}\nper_pair = 1"),
    ));
    text.push_str(&link(
        "spine-core",
        "spine[*].port[64-127]",
        "core[*].port[*]",
        &format!("pattern = \"leaf-spine\"\nplanes = 64\nper_pair = {}", 64 / cores_per_plane),
    ));
    text
}

fn catalogue() -> Arc<Catalogue> {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = Catalogue::load(&[bundled::catalogue_layer()], &mut texts, &mut problems);
    assert!(!problems.has_errors());
    Arc::new(catalogue)
}

fn load(text: &str, catalogue: &Arc<Catalogue>) -> System {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("cluster.toml", text);
    load_system(file, &mut texts, catalogue, &mut NoFiles, &mut problems)
        .unwrap_or_else(|| panic!("the cluster is sound: {problems:?}"))
}

fn scale(criterion: &mut Criterion) {
    let catalogue = catalogue();
    let mut group = criterion.benchmark_group("scale");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    for (accelerators, pods, groups, cores) in SIZES {
        let text = cluster(*pods, *groups, *cores);
        let system = load(&text, &catalogue);
        println!(
            "{accelerators} accelerators: {} devices, {} ports, {} links",
            system.devices.len(),
            system.port_count,
            system.links.len()
        );
        group.bench_function(BenchmarkId::new("parse, expand, check", accelerators), |bench| {
            bench.iter_batched(|| (), |()| load(black_box(&text), &catalogue), BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::new("plan", accelerators), |bench| {
            bench.iter_batched(|| (), |()| plan_system(black_box(&system)), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn main_job(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("main job");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    let (_, text) = bundled::systems().find(|(name, _)| *name == "gb200-nvl72").expect("it is bundled");
    group.bench_function("read the catalogue", |bench| bench.iter(catalogue));
    let known = catalogue();
    let whole = |catalogue: &Arc<Catalogue>| {
        let (mut texts, mut problems) = (Texts::new(), Problems::new());
        let file = texts.add("gb200-nvl72.toml", text);
        let system = load_system(file, &mut texts, catalogue, &mut NoFiles, &mut problems).expect("it is sound");
        let review = review(&system, &texts, &problems, "gb200-nvl72", "bench", 0);
        report::html(&system, &review)
    };
    group.bench_function("review and render gb200-nvl72", |bench| bench.iter(|| whole(black_box(&known))));
    group.finish();
}

criterion_group!(benches, scale, main_job);
criterion_main!(benches);
