//! A step of any model on accelerators of the catalogue.

use std::path::Path;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::text::Texts;
use lanewright_model::units::Quantity;
use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::{Calibration, Kernels};
use lanewright_workload::models::transformer::{Certainty, Transformer};
use lanewright_workload::models::{config, names};
use lanewright_workload::train::fault::Fault;
use lanewright_workload::train::goodput::Failures;
use lanewright_workload::train::layer::{Overlap, Recompute};
use lanewright_workload::train::plan::Plan;
use lanewright_workload::train::recipe::Sharding;
use lanewright_workload::train::schedule::Order;

use super::output::{self, Answer, Costs, Kept};
use super::{OverlapArg, RecomputeArg, ScheduleArg, TrainArgs, search};
use crate::verbs::Outcome;
use crate::{disk, problems};

/// Greatest size of a config.json, bytes.
const LIMIT_BYTES: usize = 4 << 20;

/// Interruptions of all causes per failure of a GPU: 419 to 148 in 54 days of Llama 3 (arXiv 2407.21783, table 5).
const ALL_CAUSES: f64 = 419.0 / 148.0;

/// Share of interruptions after which a part was replaced, and hours until it is back (estimates).
const REPLACED: (f64, f64) = (0.35, 24.0);

/// Reads what is asked, chooses what is not said, and predicts.
pub fn run(args: &TrainArgs, colour: bool) -> Outcome {
    let (mut texts, mut found) = (Texts::new(), Problems::new());
    let catalogue = disk::catalogue(args.catalogue.catalogue.as_deref(), &mut texts, &mut found);
    if found.has_errors() {
        return Outcome::bad_input(problems::draw(&found, &texts, colour));
    }
    match asked(args, &catalogue) {
        Ok(answer) => output::finish(args, &answer),
        Err(message) => Outcome::bad_input(message),
    }
}

fn faults(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("error: {fault}\n")).collect()
}

/// A built-in model, or that of a config.json.
fn model(name: &str) -> Result<(Transformer, Vec<String>), String> {
    let path = Path::new(name);
    if !path.is_file() {
        return names::look_up(name).map(|model| (model, Vec::new())).map_err(|unknown| format!("error: {unknown}\n"));
    }
    let text = disk::read_at_most(path, LIMIT_BYTES).map_err(|why| format!("error: cannot read {name}: {why}\n"))?;
    let stem =
        path.parent().and_then(Path::file_name).map_or_else(|| name.to_string(), |s| s.to_string_lossy().into_owned());
    let read = config::parse(&text, &stem).map_err(|error| format!("error: {}\n", error.in_file(name)))?;
    Ok((read.model, read.notes))
}

fn asked(args: &TrainArgs, catalogue: &Catalogue) -> Result<Answer, String> {
    let machine = &args.machine;
    let (model, mut notes) = model(args.model.as_deref().unwrap_or("meta-llama/Llama-3.1-8B"))?;
    let device = Accelerator::find(catalogue, machine.device.as_deref().unwrap_or("h100-sxm"))
        .map_err(|why| format!("error: {why}\n"))?;
    positive(args)?;
    let format = Format::from_name(&machine.format)
        .filter(|f| matches!(f, Format::Bf16 | Format::Fp8 | Format::Fp8Block))
        .ok_or_else(|| {
            format!(
                "error: --format {} is no format to train in\n  help: give bf16, fp8 or fp8_block\n",
                machine.format
            )
        })?;
    let first = first_plan(args, &device, format);
    let calibration = Calibration::built_in();
    let free = search::Free::new(args, &model, &first);
    let chosen = search::best(&first, &free, &model, &device, calibration).map_err(|found| faults(&found))?;
    if free.any() {
        notes.push(format!(
            "Not said and chosen, the fastest of {} layouts that was found: {}.",
            chosen.tried,
            free.words(&chosen.plan)
        ));
    }
    let plan = chosen.plan;
    if !chosen.step.fits && !chosen.remedies.is_empty() {
        notes.push("No layout of the free choices fits.".into());
    }
    let kernels = Kernels::for_device(&device, calibration);
    notes.push(format!("Products: {}.", kernels.gemm_kernel(format).calibrated_on()));
    notes.push(format!(
            "Attention, element-wise work and networks rest on shares of their peaks (docs/workload.md); a factor of {:.2} for \
             sustained clocks, stragglers and host{}, and the band, on 21 published runs.",
            chosen.recipe.stretch,
            if model.has_experts() { " and uneven experts" } else { "" }
        ));
    if model.certainty == Certainty::Guess {
        notes.push(format!("{} is not built in: its shape is a guess from its name.", model.name));
    }
    if device.weak {
        notes.push(format!(
            "Rates of {} rest on weak grades of the catalogue (not read from the maker's own documents here).",
            device.name
        ));
    }
    let part = catalogue.parts.iter().find(|part| part.id.value == device.id);
    let fit = part.and_then(|part| part.figures.fit.as_ref()).map(|f| f.band.likely.get());
    let parameters = model.parameters().total() as f64;
    let goodput = failures(args, &plan, parameters, fit, &mut notes);
    let costs = Costs::new(&device, machine.dollars_per_hour);
    Ok(Answer {
        model: model.name.clone(),
        system: device.name.clone(),
        layout: words(&plan),
        recipe: chosen.recipe,
        step: chosen.step,
        remedies: chosen.remedies,
        notes,
        plan: Some(plan),
        costs: Some(costs),
        goodput,
    })
}

/// Numbers that must be positive.
fn positive(args: &TrainArgs) -> Result<(), String> {
    let f = &args.failures;
    for (flag, value, zero) in [
        ("network", args.machine.network, false),
        ("dollars-per-hour", args.machine.dollars_per_hour, true),
        ("mtbf", f.mtbf, false),
        ("checkpoint", f.checkpoint, true),
        ("storage", f.storage, false),
        ("interval", f.interval, false),
        ("restart", Some(f.restart), true),
    ] {
        if let Some(value) = value
            && !(value.is_finite() && (value > 0.0 || (zero && value == 0.0)))
        {
            return Err(format!(
                "error: --{flag} is {value}\n  help: give a positive number{}\n",
                if zero { " or 0" } else { "" }
            ));
        }
    }
    Ok(())
}

/// The plan with defaults for what is not said and not searched.
fn first_plan(args: &TrainArgs, device: &Accelerator, format: Format) -> Plan {
    let m = &args.machine;
    let product = [m.tp, m.pp, m.cp, m.dp].iter().fold(1_u64, |all, n| all.saturating_mul(n.unwrap_or(1)));
    let all_said = m.tp.is_some() && m.pp.is_some() && m.dp.is_some();
    let devices = m.devices.unwrap_or(if all_said { product } else { product.max(64) });
    let sequence = m.seq.unwrap_or(8192);
    let domain = m.domain.unwrap_or(if device.id.contains("gb200") || device.id.contains("gb300") { 72 } else { 8 });
    let slow = device.bf16.unwrap_or(0.0) < 500e12;
    Plan {
        devices,
        tensor: m.tp.unwrap_or(1),
        pipeline: m.pp.unwrap_or(1),
        context: m.cp.unwrap_or(1),
        data: m.dp.unwrap_or(1),
        expert: m.ep.unwrap_or(1),
        batch: m.batch.unwrap_or(0),
        micro_batch: m.micro_batch.unwrap_or(1),
        sequence,
        chunks: m.interleave.unwrap_or(1),
        order: match m.schedule {
            ScheduleArg::OneForwardOneBackward => Order::OneForwardOneBackward,
            ScheduleArg::ZeroBubble => Order::ZeroBubble,
        },
        recompute: recompute(m.recompute.unwrap_or(RecomputeArg::None)),
        sharding: match m.zero {
            Some(0) => Sharding::None,
            Some(2) => Sharding::Gradients,
            Some(3) => Sharding::Weights,
            _ => Sharding::Optimizer,
        },
        sequence_parallel: !m.no_sp,
        overlap: match m.tp_overlap {
            OverlapArg::None => Overlap::None,
            OverlapArg::Ring => Overlap::Ring,
            OverlapArg::Pipe => Overlap::Pipe,
        },
        data_overlap: !m.no_dp_overlap,
        format,
        domain,
        network: m.network.unwrap_or(if slow { 25.0 } else { 50.0 }) * 1e9,
    }
}

fn recompute(arg: RecomputeArg) -> Recompute {
    match arg {
        RecomputeArg::None => Recompute::None,
        RecomputeArg::Selective => Recompute::Selective,
        RecomputeArg::Full => Recompute::Full,
    }
}

/// A plan in words.
pub fn words(plan: &Plan) -> String {
    let mut out = format!("{} devices: TP{} PP{}", plan.devices, plan.tensor, plan.pipeline);
    for (name, n) in [("CP", plan.context), ("EP", plan.expert)] {
        if n > 1 {
            out += &format!(" {name}{n}");
        }
    }
    out += &format!(" DP{}, ", plan.data);
    if plan.chunks > 1 {
        out += &format!("{} chunks per stage, ", plan.chunks);
    }
    out += match plan.order {
        Order::OneForwardOneBackward => "1F1B",
        Order::ZeroBubble => "zero bubble",
    };
    out += match plan.sharding {
        Sharding::None => "",
        Sharding::Optimizer => ", ZeRO 1",
        Sharding::Gradients => ", ZeRO 2",
        Sharding::Weights => ", ZeRO 3",
    };
    out += match plan.recompute {
        Recompute::None => "",
        Recompute::Selective => ", selective recomputation",
        Recompute::Full => ", full recomputation",
    };
    out + &format!(
        "; {} sequences of {} tokens in micro-batches of {}; {}",
        plan.batch,
        plan.sequence,
        plan.micro_batch,
        plan.format.name()
    )
}

fn failures(args: &TrainArgs, plan: &Plan, parameters: f64, fit: Option<f64>, notes: &mut Vec<String>) -> Option<Kept> {
    let f = &args.failures;
    let mtbf = match (f.mtbf, fit) {
        (Some(hours), _) => hours,
        (None, Some(fit)) if fit > 0.0 => {
            notes.push(format!(
                "Failures: {fit:.0} FIT per device from the catalogue, times {ALL_CAUSES:.2} for what else stops a job (Llama 3: 419 \
                 interruptions, 148 of them GPUs)."
            ));
            1e9 / fit / ALL_CAUSES
        }
        _ => return None,
    };
    let storage = f.storage.unwrap_or(0.122 * plan.devices as f64) * 1e9;
    let failures = Failures {
        per_hour: plan.devices as f64 / mtbf,
        checkpoint_seconds: f.checkpoint.unwrap_or(14.0 * parameters / storage),
        restart_seconds: f.restart,
        repair_hours: REPLACED.1,
        replaced_share: REPLACED.0,
    };
    let goodput = failures.goodput(f.interval);
    let spares = f.spares.unwrap_or(goodput.spares_for_99);
    Some(Kept { failures, goodput, spares, whole: failures.covered(spares) })
}
