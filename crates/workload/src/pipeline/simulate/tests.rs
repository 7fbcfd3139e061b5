//! Tests of the simulation against arithmetic by hand.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;

use super::*;
use crate::pipeline::concrete::{Pick, values};

fn of(text: &str) -> (Pipeline, Run) {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("test.toml", text);
    let catalogue = Catalogue::load(&[], &mut Texts::new(), &mut Problems::new());
    let made = crate::pipeline::read(file, &texts, &catalogue, &mut problems);
    let made = made.unwrap_or_else(|| panic!("{:?}", problems.iter().map(|p| &p.message).collect::<Vec<_>>()));
    let likely = values(&made, &mut Pick::Likely);
    let run = run(&made, &likely, 3);
    (made, run)
}

const CHIP: &str = "[pipeline]\nseconds = 10\n[soc]\ndram_gb_s = 10\ndram_efficiency = 1\n";

fn camera(count: u32) -> String {
    format!(
        "[[camera]]\nid = \"c\"\ncount = {count}\nwidth = 1000\nheight = 1000\nfps = 10\nexposure_ms = 10\nreadout_ms = 20\n\
         link_ms = 1\ndrift_ppm = 0\nphase = \"together\"\nraw_to_memory = false\n"
    )
}

fn close(found: Option<f64>, wanted: f64) {
    assert!(found.is_some_and(|found| (found - wanted).abs() < 1e-9), "{found:?}, wanted {wanted}");
}

/// Half the exposure, the read-out, the link and the job: 5 + 20 + 1 + 7 ms.
#[test]
fn one_stage_alone() {
    let stage = "[[engine]]\nid = \"e\"\nkind = \"nn\"\n[[stage]]\nid = \"s\"\nfrom = [\"c\"]\nengine = \"e\"\ntime_ms = 7\nreads = 0\nwrites = 0\n";
    let (_, run) = of(&format!("{CHIP}{}{stage}", camera(1)));
    close(run.chains[0].latencies.first().copied(), 0.033);
    close(run.chains[0].latencies.last().copied(), 0.033);
    // Just before the next frame its age is a period more.
    close(run.chains[0].ages.last().copied(), 0.133);
    assert!((run.chains[0].mean_age().unwrap_or(0.0) - 0.083).abs() < 1e-3);
    assert!((run.busy[0] / run.seconds - 0.07).abs() < 0.001, "{}", run.busy[0]);
}

/// Three frames at one instant on one engine: the last waits for two others.
#[test]
fn frames_queue_for_an_engine() {
    let stage = "[[engine]]\nid = \"e\"\nkind = \"nn\"\n[[stage]]\nid = \"s\"\nfrom = [\"c\"]\nengine = \"e\"\ntime_ms = 7\nreads = 0\nwrites = 0\n";
    let (_, run) = of(&format!("{CHIP}{}{stage}", camera(3)));
    close(run.chains[0].latencies.first().copied(), 0.033);
    close(rank(&run.chains[0].latencies, 0.5), 0.040);
    close(run.chains[0].latencies.last().copied(), 0.047);
    let (_, two) = of(&format!("{CHIP}{}{}", camera(3), stage.replace("kind = \"nn\"", "kind = \"nn\"\ncount = 3")));
    close(two.chains[0].latencies.last().copied(), 0.033);
}

/// Two engines that each want 8 of 10 GB/s get 5: 8 ms of work take 12.8 ms.
#[test]
fn memory_slows_both() {
    let engines = "[[engine]]\nid = \"a\"\nkind = \"nn\"\n[[engine]]\nid = \"b\"\nkind = \"gpu\"\n";
    let stage = |id: &str, engine: &str| {
        format!(
            "[[stage]]\nid = \"{id}\"\nfrom = [\"c\"]\nengine = \"{engine}\"\ntime_ms = 8\nreads = 0\nwrites = 0\nextra_mb = 64\n"
        )
    };
    let (_, run) = of(&format!("{CHIP}{}{engines}{}{}", camera(1), stage("s", "a"), stage("t", "b")));
    for chain in &run.chains {
        close(chain.latencies.last().copied(), 0.026 + 0.0128);
    }
    assert!((run.stalled[0] / run.busy[0] - 0.375).abs() < 1e-6, "{:?}", run.stalled);
    // The realtime engine is served first; the other gets 2 GB/s until it is done, then 8.
    let first = engines.replace("kind = \"nn\"", "kind = \"nn\"\nrealtime = true");
    let (_, run) = of(&format!("{CHIP}{}{first}{}{}", camera(1), stage("s", "a"), stage("t", "b")));
    close(run.chains[0].latencies.last().copied(), 0.026 + 0.008);
    close(run.chains[1].latencies.last().copied(), 0.026 + 0.008 + (0.064 - 0.016) / 8.0);
}

/// A long job of low rank: a preemptive engine sets it aside, another lets the urgent one wait to its end, or to the end of
/// a piece.
#[test]
fn urgent_work_waits_for_what_cannot_be_set_aside() {
    let text = |engine: &str, long: &str| {
        format!(
            "{CHIP}{}[[camera]]\nid = \"d\"\nwidth = 10\nheight = 10\nfps = 10\nexposure_ms = 10\nreadout_ms = 30\nlink_ms = 1\n\
             drift_ppm = 0\nphase = \"together\"\nraw_to_memory = false\n[[engine]]\nid = \"e\"\nkind = \"nn\"\n{engine}\n\
             [[stage]]\nid = \"long\"\nfrom = [\"c\"]\nengine = \"e\"\ntime_ms = 40\nreads = 0\nwrites = 0\n{long}\n\
             [[stage]]\nid = \"urgent\"\nfrom = [\"d\"]\nengine = \"e\"\ntime_ms = 5\nreads = 0\nwrites = 0\npriority = 1\n",
            camera(1)
        )
    };
    // The long job starts at 31 ms of a frame and the urgent one could at 41 ms.
    let urgent = |engine: &str, long: &str| of(&text(engine, long)).1.chains[1].latencies.last().copied();
    close(urgent("", ""), 0.036 + 0.030 + 0.005);
    close(urgent("preemptive = true", ""), 0.036 + 0.005);
    close(urgent("", "pieces = 10"), 0.036 + 0.002 + 0.005);
    let long = of(&text("preemptive = true", "")).1.chains[0].latencies.last().copied();
    close(long, 0.026 + 0.045);
}

/// Work of 150 ms for frames every 100 ms: two of three frames can be done, the freshest or the oldest.
#[test]
fn late_frames_are_lost() {
    let text = |late: &str| {
        format!(
            "{CHIP}{}[[engine]]\nid = \"e\"\nkind = \"nn\"\n[[stage]]\nid = \"s\"\nfrom = [\"c\"]\nengine = \"e\"\ntime_ms = 150\nreads = 0\nwrites = 0\nlate = \"{late}\"\n",
            camera(1)
        )
    };
    for late in ["drop-oldest", "drop-newest"] {
        let (_, run) = of(&text(late));
        let lost = run.stages[0].dropped as f64 / run.stages[0].came as f64;
        assert!((lost - 1.0 / 3.0).abs() < 0.03, "{late}: {lost}");
    }
    let (_, queue) = of(&text("queue"));
    assert_eq!(queue.stages[0].dropped, 0);
    let latencies = &queue.chains[0].latencies;
    assert!(latencies.last() > latencies.first().map(|first| first + 2.0).as_ref(), "a queue grows");
}

/// A stage over two cameras waits for both; one with its own clock takes the newest.
#[test]
fn fused_stages() {
    let text = |how: &str| {
        format!(
            "{CHIP}{}{}[[engine]]\nid = \"e\"\nkind = \"nn\"\n[[stage]]\nid = \"s\"\nfrom = [\"c\"]\nengine = \"e\"\ntime_ms = 5\nreads = 0\nwrites = 0\nfuse = true\n{how}\n[[chain]]\nfrom = \"c\"\nto = \"s\"\n",
            camera(2).replace("together", "even"),
            ""
        )
    };
    // Cameras half a frame apart: the older waits 50 ms for the younger.
    let (_, run) = of(&text(""));
    close(run.chains[0].latencies.last().copied(), 0.026 + 0.05 + 0.005);
    let (_, run) = of(&text("hz = 40"));
    let (least, most) = (run.chains[0].latencies.first().copied(), run.chains[0].latencies.last().copied());
    assert!(least.is_some_and(|least| least >= 0.031 + 0.05 - 1e-9), "{least:?}");
    assert!(most.is_some_and(|most| most <= 0.031 + 0.05 + 0.0251), "{most:?}");
}

/// A language model that keeps the engine for a request makes vision wait for all of it (a chip with a single vector
/// processor: speech recognition of 348 ms took 24 s under a model that was answering); by the layer it hardly waits.
#[test]
fn a_language_model_on_a_single_engine() {
    let text = |hold: &str| {
        format!(
            "[pipeline]\nseconds = 60\n[soc]\ndram_gb_s = 100\ndram_efficiency = 1\n{}[[engine]]\nid = \"e\"\nkind = \"nn\"\n\
             [[stage]]\nid = \"s\"\nfrom = [\"c\"]\nengine = \"e\"\ntime_ms = 10\nreads = 0\nwrites = 0\npriority = 5\n\
             [[llm]]\nid = \"l\"\nweights_gb = 4\nlayers = 40\nkv_kb = 1\nengine = \"e\"\nprompt = 8\noutput = 100\nefficiency = 0.8\nhold = \"{hold}\"\n\
             [[chain]]\nfrom = \"c\"\nto = \"s\"\n",
            camera(1)
        )
    };
    let worst = |hold: &str| {
        let (_, run) = of(&text(hold));
        assert!(run.llms[0].tokens > 100, "{hold}: {}", run.llms[0].tokens);
        let most = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
        let chain = &run.chains[0];
        (most(&chain.latencies), most(&chain.ages), run.llms[0].tokens as f64 / run.seconds)
    };
    // A token reads 4 GB at 80 GB/s: 50 ms, 1.25 ms a layer, 5 s a request.
    let (layer, _, rate) = worst("layer");
    assert!(layer <= 0.036 + 0.00126, "{layer}");
    // A tenth of the engine goes to vision.
    assert!((rate - 18.0).abs() < 0.5, "{rate}");
    let (token, ..) = worst("token");
    assert!(token > 0.05 && token <= 0.036 + 0.0501, "{token}");
    // Frames that wait are replaced by fresher ones, so that it is the age that grows.
    let (_, age, _) = worst("request");
    assert!(age > 4.8 && age < 5.3, "{age}");
}
