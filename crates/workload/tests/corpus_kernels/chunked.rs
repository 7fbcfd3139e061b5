//! Prompts in pieces after cached tokens, which the kernel files do not have: profiles of A100 with the attention of early
//! 2024 (Vidur, MIT) at the shape of a 70B model on two devices.

use std::io::Read as _;
use std::path::PathBuf;

use lanewright_workload::fit::calibration::Resolved;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::attention_shape::AttentionShape;
use lanewright_workload::kernel::context_attention::{ContextAttention, ContextQuery};

use super::{HOLD_OUT, device, table};

/// Another library on the same device: its level differs, and is taken out; what remains is how time grows with the
/// lengths of piece and cache, which nothing was fitted to.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: the folder with measured data"]
fn pieces_after_cached_tokens_grow_as_measured() {
    let folder = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS: the folder with measured data");
    let path = PathBuf::from(folder).join("workload/vidur/attention_a100_70Bshape_tp2.csv.gz");
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("gzip of text");

    let device = device("a100_sxm");
    let shape = AttentionShape {
        heads: 32,
        kv_heads: 4,
        head_dim: 128,
        window: None,
        attention: Format::Bf16,
        cache: Format::Bf16,
    };
    let file = table("a100_sxm_context_attention.csv.gz");
    let fits = ContextAttention::fit(&device, &file, HOLD_OUT, true).expect("a fit");
    let model = ContextAttention::of(&device, &Resolved::plain(&fits[0]), &shape);

    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let column = |name: &str| header.iter().position(|one| *one == name).expect("a column");
    let [piece, cached, prompt, time] =
        ["prefill_chunk_size", "kv_cache_size", "is_prefill", "time_stats.attn_prefill.median"].map(column);
    let mut rows = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<f64>().expect("a number");
        if cells[prompt] == "True" && number(time) > 0.0 {
            let query = ContextQuery::uniform(&shape, 1.0, number(piece), number(cached));
            rows.push((number(piece), number(cached), model.likely(&query), number(time) * 1e-3));
        }
    }
    // What cached tokens add to a piece of the same length without any.
    let mut added: Vec<f64> = Vec::new();
    for (piece, _, likely, seconds) in rows.iter().filter(|row| row.1 > 0.0) {
        let alone = rows.iter().find(|row| row.0 == *piece && row.1 == 0.0);
        if let Some((.., likely_alone, seconds_alone)) = alone
            && seconds - seconds_alone > 20e-6
        {
            let ratio = (likely - likely_alone) / (seconds - seconds_alone);
            added.push(ratio);
        }
    }
    added.sort_by(f64::total_cmp);
    let part = |share: f64| added[(share * (added.len() - 1) as f64) as usize];
    println!("{} rows: {:.2} {:.2} {:.2}", added.len(), part(0.1), part(0.5), part(0.9));
    assert!((0.7..1.5).contains(&part(0.5)), "{}", part(0.5));
}
