//! A step that files of Calculon describe.

use std::path::Path;

use lanewright_workload::train::calculon::{self, Case, Source};
use lanewright_workload::train::step::predict;

use super::TrainArgs;
use super::output::{self, Answer};
use crate::disk;
use crate::verbs::Outcome;

/// Greatest size of a file, bytes: the largest known has 2 KB.
const LIMIT_BYTES: usize = 1 << 20;

/// Reads the files and predicts the step.
pub fn run(args: &TrainArgs, layout: &Path) -> Outcome {
    let (Some(model), Some(system)) = (&args.model, &args.system) else {
        return Outcome::bad_input(
            "error: --layout needs --model and --system\n  help: give three files of Calculon: a layout, a model, a system\n".into(),
        );
    };
    let mut texts = Vec::with_capacity(3);
    for path in [layout, Path::new(model), system.as_path()] {
        match disk::read_at_most(path, LIMIT_BYTES) {
            Ok(text) => texts.push((path.display().to_string(), text)),
            Err(why) => return Outcome::bad_input(format!("error: cannot read {}: {why}\n", path.display())),
        }
    }
    let source = |at: usize| Source { name: &texts[at].0, text: &texts[at].1 };
    let case = match Case::read(&source(0), &source(1), &source(2)) {
        Ok(case) => case,
        Err(faults) => return Outcome::bad_input(faults.iter().map(|fault| format!("error: {fault}\n")).collect()),
    };
    let vocabulary = args.vocabulary.unwrap_or(calculon::VOCABULARY);
    let Some(recipe) = calculon::recipe(&case, vocabulary) else {
        return Outcome::bad_input(format!("error: {} has no units for the layout's datatype\n", texts[2].0));
    };
    let name =
        |at: usize| Path::new(&texts[at].0).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let mut notes = vec![
        "Efficiencies are those of the system file. A factor of 1.02 for stragglers and host, and the band, rest on the \
         22B and 175B steps of arXiv 2205.05198, table 5."
            .to_string(),
    ];
    if args.vocabulary.is_none() {
        notes.push(format!(
            "The model file names no vocabulary: {vocabulary} tokens taken for embedding and logits (--vocabulary)."
        ));
    }
    let l = &case.layout;
    let answer = Answer {
        model: name(1),
        system: name(2),
        layout: format!(
            "{} devices: TP{} PP{} DP{}, {} chunks per stage, batch {} in micro-batches of {}",
            l.num_procs,
            l.tensor_par,
            l.pipeline_par,
            l.data_par,
            l.pipeline_interleaving,
            l.batch_size,
            l.microbatch_size
        ),
        remedies: remedies(&case, vocabulary),
        step: predict(&recipe),
        recipe,
        notes,
        plan: None,
        costs: None,
        goodput: None,
    };
    output::finish(args, &answer)
}

/// Changes of one or two keys with which the step would fit.
fn remedies(case: &Case, vocabulary: u64) -> Vec<String> {
    use calculon::{ActivationRecompute as Again, LayoutFile, TensorExchange};
    type Change = fn(&mut LayoutFile);
    let changes: [(&str, Change); 5] = [
        ("`activation_recompute` \"attn_only\"", |l| l.activation_recompute = Again::AttnOnly),
        (
            "`activation_recompute` \"attn_only\" with `tensor_par_comm_type` \"rs_ag\" and `seq_par_ag_redo` true",
            |l| {
                l.activation_recompute = Again::AttnOnly;
                l.tensor_par_comm_type = TensorExchange::RsAg;
                l.seq_par_ag_redo = true;
            },
        ),
        ("`activation_recompute` \"full\"", |l| {
            l.activation_recompute = Again::Full;
            l.seq_par_ag_redo = false;
        }),
        ("`optimizer_offload` true", |l| l.optimizer_offload = true),
        ("`activation_recompute` \"full\" and `optimizer_offload` true", |l| {
            l.activation_recompute = Again::Full;
            l.seq_par_ag_redo = false;
            l.optimizer_offload = true;
        }),
    ];
    if !case.layout.training {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (words, change) in changes {
        let mut other = case.clone();
        change(&mut other.layout);
        if other == *case || (other.layout.tensor_par_comm_type == TensorExchange::RsAg && other.layout.tensor_par == 1)
        {
            continue;
        }
        let Some(recipe) = calculon::recipe(&other, vocabulary) else { continue };
        let step = predict(&recipe);
        if step.fits {
            let memory = step.fullest_memory().total / output::GIB;
            found.push(format!("{words} ({memory:.1} GiB, {})", output::seconds(step.seconds.likely)));
        }
    }
    found
}
