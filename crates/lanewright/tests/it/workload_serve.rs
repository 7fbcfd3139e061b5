//! `lanewright workload serve` as a user types it.

use crate::command::Folder;

const LOG: &str = r#"{"request_id": "a", "input_toks": 900, "output_toks": 30, "arrival_time": 100.0, "queued_ts": 7.0, "scheduled_ts": 7.1, "first_token_ts": 7.2, "last_token_ts": 7.9}
{"request_id": "b", "input_toks": 300, "output_toks": 40, "arrival_time": 100.2, "queued_ts": 7.2, "scheduled_ts": 7.2, "first_token_ts": 7.3, "last_token_ts": 8.1}
"#;

const CONFIG: &str = r#"{"num_nodes": 1, "link_bw": 16, "link_latency": 20000, "nodes": [{"num_instances": 1, "instances": [
  {"model_name": "meta-llama/Llama-3.1-8B", "hardware": "RTXPRO6000",
   "npu_mem": {"mem_size": 96, "mem_bw": 1597, "mem_latency": 0, "mem_util": 0.9}, "num_npus": 1, "tp_size": 1, "pd_type": null}]}]}"#;

const MADE: &[&str] = &["workload", "serve", "--model", "llama-3.1-8b", "--device", "h100-sxm", "--input", "512..1024"];

fn json(folder: &Folder, args: &[&str]) -> serde_json::Value {
    let run = folder.run(args);
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).expect("JSON")
}

#[test]
fn a_log_is_replayed_beside_its_own_times() {
    let folder = Folder::new();
    folder.write("log.jsonl", LOG);
    folder.write("c.json", CONFIG);
    let answer = json(&folder, &["workload", "serve", "--replay", "log.jsonl", "--config", "c.json", "--json"]);
    assert_eq!(answer["metrics"]["requests"], 2);
    // 0.2 s and 0.1 s to the first token, as logged.
    assert!((answer["measured"]["ttft_s"]["measured"]["mean"].as_f64().expect("mean") - 0.15).abs() < 1e-9);
    let tpot = answer["metrics"]["tpot_s"]["mean"].as_f64().expect("TPOT");
    // 16 GB of weights at 1597 GB/s are 10 ms; nothing else takes half as long with two sequences.
    assert!((0.010..0.020).contains(&tpot), "{tpot}");
    assert!(answer["calibrated_on"].as_str().is_some_and(|words| words.contains("one log")));
    let text = folder.run(&["workload", "serve", "--replay", "log.jsonl", "--config", "c.json"]);
    for expected in ["AGAINST THE LOG", "TTFT, measured", "TPOT, simulated", "cache of a rank"] {
        assert!(text.out.contains(expected), "{expected} in {}", text.out);
    }
}

#[test]
fn made_requests_write_tables_and_pages() {
    let folder = Folder::new();
    let more =
        ["--rate", "4", "--output", "64", "--requests", "200", "--ttft-limit-ms", "200", "--tpot-limit-ms", "20"];
    let files = ["--usd-per-hour", "2.5", "--requests-out", "r.csv", "-o", "page.html", "--json"];
    let args = [MADE, &more, &files].concat();
    let answer = json(&folder, &args);
    let metrics = &answer["metrics"];
    let share = metrics["within_limits"].as_f64().expect("a share");
    assert!((0.9..=1.0).contains(&share), "{metrics}");
    assert!(metrics["joules_per_token"].as_f64().expect("joules") > 0.0);
    assert!(metrics["usd_per_million_tokens"].as_f64().expect("dollars") > 0.0);
    let rows = std::fs::read_to_string(folder.path("r.csv")).expect("it was written");
    assert_eq!(rows.lines().count(), 201);
    let page = std::fs::read_to_string(folder.path("page.html")).expect("it was written");
    for expected in ["Times", "Over time", "Lives of", "Single gaps between tokens"] {
        assert!(page.contains(expected), "{expected}");
    }
    // The same seed gives the same bytes.
    assert_eq!(folder.run(&args).out, folder.run(&args).out);
    // Written times are a log that can be replayed.
    let lines = [MADE, &["--concurrency", "8", "--requests", "40", "--requests-out", "r.jsonl"]].concat();
    assert_eq!(folder.run(&lines).code, 0);
    let again =
        ["workload", "serve", "--model", "llama-3.1-8b", "--device", "h100-sxm", "--replay", "r.jsonl", "--json"];
    let again = json(&folder, &again);
    assert!(again["measured"]["tpot_s"]["mean_error"].as_f64().expect("error").abs() < 0.1, "{}", again["measured"]);
}

#[test]
fn pools_drafts_and_prefixes_change_what_they_should() {
    let folder = Folder::new();
    let closed = ["--concurrency", "32", "--output", "64..128", "--requests", "300", "--json"];
    let tpot = |answer: &serde_json::Value| answer["metrics"]["tpot_s"]["mean"].as_f64().expect("TPOT");
    let plain = json(&folder, &[MADE, &closed].concat());
    let drafted = json(&folder, &[MADE, &closed, &["--draft-tokens", "3", "--acceptance", "0.8"]].concat());
    assert!(tpot(&drafted) < 0.7 * tpot(&plain), "{} {}", tpot(&drafted), tpot(&plain));
    let apart = json(&folder, &[MADE, &closed, &["--prefill-replicas", "1", "--decode-replicas", "1"]].concat());
    assert!(tpot(&apart) < tpot(&plain));
    assert!(apart["metrics"]["moved_bytes"].as_f64().is_some_and(|bytes| bytes > 1e9));
    let shared = json(&folder, &[MADE, &closed, &["--prefixes", "2", "--prefix-tokens", "512"]].concat());
    assert!(shared["metrics"]["cache_hits"].as_f64().is_some_and(|share| share > 0.3));
}

#[test]
fn what_cannot_be_used_is_said() {
    let folder = Folder::new();
    folder.write("log.jsonl", LOG);
    folder.write("late.jsonl", LOG.replace("100.2", "99.0"));
    folder.write("zero.jsonl", LOG.replace("\"input_toks\": 300", "\"input_toks\": 0"));
    folder.write("nan.csv", "arrived_at,num_prefill_tokens,num_decode_tokens\n0,10,10\nNaN,10,10\n");
    folder.write("c.json", CONFIG);
    folder.write("bad.json", CONFIG.replace("mem_util", "mem_utli"));
    folder.write("pipe.json", CONFIG.replace("\"num_npus\": 1, \"tp_size\": 1", "\"num_npus\": 2, \"pp_size\": 2"));
    let replay = |file: &'static str, config: &'static str| vec!["--replay", file, "--config", config];
    for (args, expected) in [
        (replay("late.jsonl", "c.json"), "late.jsonl:2: it arrives 1.000000 s before the request above it"),
        (replay("zero.jsonl", "c.json"), "zero.jsonl:2: `input_toks` is 0"),
        (replay("nan.csv", "c.json"), "nan.csv:3: `arrived_at` is \"NaN\""),
        (replay("log.jsonl", "bad.json"), "npu_mem.mem_utli: unknown key `mem_utli`"),
        (replay("log.jsonl", "bad.json"), "did you mean `mem_util`?"),
        (replay("log.jsonl", "pipe.json"), "pp_size"),
        (replay("none.jsonl", "c.json"), "there is no such file"),
        (vec!["--model", "llama-3.1-70b", "--device", "h100-sxm", "--rate", "1"], "does not fit: 141.1 GB"),
        (vec!["--model", "llama-3.1-70b", "--device", "h100-sxm", "--rate", "1"], "--tp 4"),
        (vec!["--model", "llama-3.1-8b", "--device", "h100-sxm"], "--rate PER_S"),
        (vec!["--model", "llama-3.1-8b", "--device", "h100-sxm", "--tp", "3", "--rate", "1"], "do not divide"),
        (vec!["--model", "llama-3.1-8b", "--rate", "1"], "--device NAME"),
        (vec!["--model", "llama-3.1-8b", "--device", "h100-sxm", "--rate=-1"], "--rate is -1"),
        (vec!["--model", "llama-3.1-8b", "--device", "h100-sxm", "--rate", "1", "--requests-out", "x.txt"], ".jsonl"),
    ] {
        let run = folder.run(&[&["workload", "serve"], args.as_slice()].concat());
        assert_eq!(run.code, 2, "{args:?}: {}", run.err);
        assert!(run.err.contains(expected), "{expected} in {}", run.err);
    }
}

/// Both measured logs of the corpus, as a script replays them.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn corpus_logs_replay_within_fifteen_percent() {
    let corpus = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder with measured data");
    for name in ["RTXPRO6000_Llama-3.1-8B", "RTXPRO6000_Qwen3-30B-A3B-Instruct-2507"] {
        let file = |end: &str| format!("{corpus}/workload/llmservingsim/{name}_{end}");
        let (log, config) = (file("requests.jsonl.gz"), file("config.json"));
        let answer = json(&Folder::new(), &["workload", "serve", "--replay", &log, "--config", &config, "--json"]);
        for time in ["ttft_s", "tpot_s", "latency_s"] {
            let error = answer["measured"][time]["mean_error"].as_f64().expect("an error");
            assert!(error.abs() < 0.15, "{name} {time}: {error}");
        }
    }
}
