//! `lanewright workload predict --batch` and the calibration of engines, as a user types them.

use std::path::PathBuf;

use serde_json::Value;

use crate::command::Folder;

/// The folder with measured data; the tests that need it are ignored without it.
fn corpus() -> PathBuf {
    let folder = std::env::var_os("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder with measured data");
    PathBuf::from(folder).join("workload")
}

const HEAD: &str = "backend,backend_version,model_path,system,precision,mode,isl,osl,batch_size,tp_size,concurrency";

#[test]
fn a_batch_adds_columns_and_keeps_the_rest() {
    let folder = Folder::new();
    let rows = "vllm,0.12.0,Qwen/Qwen3-32B,h100_sxm,fp8,agg,1024,128,16,2,16\n\
                trtllm,,made-up/Model-70B,h200_sxm,fp8,agg,1024,1024,8,4,8\n";
    folder.write("rows.csv", format!("{HEAD}\n{rows}"));
    let done = folder.run(&["workload", "predict", "--batch", "rows.csv", "-o", "out.csv"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let out = std::fs::read_to_string(folder.path("out.csv")).expect("written");
    let mut lines = out.lines();
    let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let place = |name: &str| head.iter().position(|column| *column == name).expect("a column");
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |name: &str| cells[place(name)].parse::<f64>().expect("a number");
        let (low, likely, high) = (number("tpot_low_ms"), number("predicted_tpot_ms"), number("tpot_high_ms"));
        assert!(0.5 < low && low < likely && likely < high && high < 500.0, "{line}");
        assert!(number("predicted_ttft_ms") > likely, "{line}");
    }
    assert!(out.contains("scaled from another"), "a guessed shape says so: {out}");
}

#[test]
fn a_bad_row_is_named_by_file_line_and_column() {
    let folder = Folder::new();
    for (row, wanted) in [
        ("vllm,,Qwen/Qwen3-32B,h100_sxm,fp8,agg,-5,128,16,2,16", "isl"),
        ("vllm,,Qwen/Qwen3-32B,no-such-device,fp8,agg,1024,128,16,2,16", "system"),
        ("vllm,,nameless,h100_sxm,fp8,agg,1024,128,16,2,16", "model_path"),
        ("vllm,,Qwen/Qwen3-32B,h100_sxm,fp8,sideways,1024,128,16,2,16", "mode"),
    ] {
        folder.write("rows.csv", format!("{HEAD}\n{row}\n"));
        let done = folder.run(&["workload", "predict", "--batch", "rows.csv", "-o", "out.csv"]);
        assert_eq!(done.code, 2, "{}", done.err);
        assert!(done.err.contains("rows.csv") && done.err.contains('2') && done.err.contains(wanted), "{}", done.err);
        assert!(!folder.path("out.csv").exists());
    }
}

/// Limits: TPOT over all rows within 15 % on average and 9 % in the median, TTFT within 35 % on average, every row
/// predicted by a fit that has not seen its measurement; bands that hold about 80 %.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_engines_are_predicted_within_limits() {
    let folder = corpus();
    let folder = folder.to_str().expect("a plain path");
    let done = Folder::new().run(&["workload", "calibrate", "--data", folder, "--operator", "engines", "--json"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let found: Value = serde_json::from_str(&done.out).expect("JSON");
    let all = |list: &str| -> Value {
        let groups = found["engines"][list].as_array().expect("groups");
        groups.iter().find(|group| group["by"] == "all").expect("all rows").clone()
    };
    let number = |value: &Value| value.as_f64().expect("a number");
    let folds = all("folds");
    assert_eq!(folds["tpot"]["rows"], 2193);
    assert!(number(&folds["tpot"]["mean"]) <= 0.15, "{folds}");
    assert!(number(&folds["tpot"]["median"]) <= 0.09, "{folds}");
    assert!(number(&folds["ttft"]["mean"]) <= 0.35, "{folds}");
    let held_out = all("groups");
    for quantity in ["tpot", "ttft"] {
        let inside = number(&held_out[quantity]["inside"]);
        assert!((0.75..=0.87).contains(&inside), "{held_out}");
    }
}

/// Every measured row gets a prediction.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_rows_are_all_covered() {
    let folder = Folder::new();
    let rows = corpus().join("end_to_end_silicon_sample.csv.gz");
    let done = folder.run(&["workload", "predict", "--batch", rows.to_str().expect("a plain path"), "-o", "out.csv"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let out = std::fs::read_to_string(folder.path("out.csv")).expect("written");
    assert_eq!(out.lines().count(), 2194);
}
