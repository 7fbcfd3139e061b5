//! `lanewright workload tiers` as a user types it.

use crate::command::Folder;

const LLAMA: [&str; 10] =
    ["workload", "tiers", "--model", "llama-3.1-70b", "--device", "h100-sxm", "--tp", "8", "--input", "8192"];

#[test]
fn tiers_are_compared_from_the_catalogue() {
    let run = Folder::new().run(&[&LLAMA[..], &["--format", "bf16", "--hit-ratio", "0.6", "--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let found: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let tier = |name: &str| {
        let tiers = found["tiers"].as_array().expect("a list");
        tiers.iter().find(|tier| tier["name"] == name).cloned().expect("asked for")
    };
    // 6144 tokens of 327,680 bytes; four Leo controllers of 2 TB and 63 GB/s.
    let cxl = tier("cxl");
    assert_eq!(cxl["prefix_bytes"].as_f64().map(f64::round), Some(6144.0 * 327_680.0));
    assert_eq!(cxl["capacity_bytes"], 8e12);
    assert_eq!(cxl["bandwidth_bytes_per_s"]["likely"], 252e9);
    assert_eq!(cxl["prefixes"].as_f64(), Some((8e12 / (6144.0 * 327_680.0_f64)).floor()));
    let load = |name: &str| tier(name)["load_s"]["likely"].as_f64().expect("a time");
    assert!(load("ddr") < load("cxl") && load("cxl") < load("nvme"));
    assert!(cxl["ttft_with_s"]["likely"].as_f64() < cxl["ttft_without_s"]["likely"].as_f64());
    assert!(tier("hbm")["prefixes"].as_f64() < cxl["prefixes"].as_f64());
}

#[test]
fn a_table_is_drawn_and_wrong_words_are_refused() {
    let run = Folder::new().run(&LLAMA);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("astera/leo-p") && run.out.contains("EVEN AT"), "{}", run.out);
    for (more, word) in [
        (["--tier", "tape"], "tape"),
        (["--tier", "ddr:0"], "ddr:0"),
        (["--hit-ratio", "1.5"], "hit ratio"),
        (["--prefix", "8192"], "prefix"),
    ] {
        let run = Folder::new().run(&[&LLAMA[..], &more].concat());
        assert_eq!(run.code, 2, "{more:?}");
        assert!(run.err.contains(word), "{}", run.err);
    }
}
