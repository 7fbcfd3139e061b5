//! Why nothing can run on the devices at hand, by how much, and what would.

use super::candidates::{layouts, memory, refused};
use super::{MOST_DEVICES, Question, Reasons};
use crate::accelerator::Accelerator;
use crate::format::Format;
use crate::layout::Layout;
use crate::models::precision::Precision;
use crate::predict::row::checkpoint;

/// In words, what is missing and what would help.
pub fn of(question: &Question<'_>, device: &Accelerator, reasons: &Reasons) -> String {
    let name = &question.model.name;
    let machine = format!("{} of {}", plural(question.devices), device.name);
    if reasons.prompts_too_slow > 0 || reasons.deployments == 0 && reasons.not_fitting < 1 && divides(question) {
        return format!(
            "{machine} cannot run {name} in pools apart: prompts would come faster than their pool takes them, or there are \
             too few devices for two pools\n  help: allow workers that do both, or give more devices"
        );
    }
    let Some((format, layout, missing)) = nearest(question, device) else {
        return format!(
            "no way to spread {name} over {machine} divides its heads, layers and experts within domains of {}\n  help: \
             give a number of devices such as {}",
            question.domain,
            if question.devices < 8 { "8".to_owned() } else { (question.devices.next_power_of_two()).to_string() }
        );
    };
    if missing <= 0.0 {
        return format!(
            "{machine} hold {name}, but not as two pools: every pool needs a whole copy\n  help: allow workers that do \
             both, or give twice the devices"
        );
    }
    let mut ways = Vec::new();
    if let Some(devices) = more_devices(question, device) {
        ways.push(format!("{devices} devices in {}", names(question.formats)));
    }
    if let Some(format) = narrower(question, device) {
        ways.push(format!("{} on as many devices", format.name()));
    }
    let help = if ways.is_empty() { "take devices with more memory".to_owned() } else { ways.join(", or ") };
    format!(
        "{name} does not fit {machine}: what comes nearest ({} with tensor {}, data {}, expert {}, pipeline {}) lacks \
         {:.1} GB on every device\n  help: {help}",
        format.name(),
        layout.tensor,
        layout.data,
        layout.expert,
        layout.pipeline,
        missing * 1e-9
    )
}

fn plural(devices: u32) -> String {
    if devices == 1 { "1 device".into() } else { format!("{devices} devices") }
}

fn names(formats: &[Format]) -> String {
    formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(" or ")
}

fn divides(question: &Question<'_>) -> bool {
    layouts(question.model, question.devices)
        .iter()
        .any(|layout| refused(question.model, layout, question.domain).is_none())
}

/// Bytes that a layout lacks on a device; not above zero: fits.
fn missing(question: &Question<'_>, layout: &Layout, precision: &Precision, device: &Accelerator) -> f64 {
    let memory = memory(question, layout, precision, device);
    memory.cache_per_token * (question.input + question.output) - memory.cache
}

/// Layout and format that lack least.
fn nearest(question: &Question<'_>, device: &Accelerator) -> Option<(Format, Layout, f64)> {
    let mut least: Option<(Format, Layout, f64)> = None;
    for format in question.formats {
        let precision = checkpoint(question.model, *format, *format);
        for layout in layouts(question.model, question.devices) {
            if refused(question.model, &layout, question.domain).is_some() {
                continue;
            }
            let lacks = missing(question, &layout, &precision, device);
            if least.is_none_or(|(.., known)| lacks < known) {
                least = Some((*format, layout, lacks));
            }
        }
    }
    least
}

/// The next doubling of the devices that holds the model in a format that is allowed.
fn more_devices(question: &Question<'_>, device: &Accelerator) -> Option<u32> {
    let mut devices = question.devices.next_power_of_two();
    for _ in 0..6 {
        devices = if devices == question.devices { devices * 2 } else { devices };
        if devices > MOST_DEVICES.min(512) {
            return None;
        }
        let wider = Question { devices, ..question.clone() };
        if nearest(&wider, device).is_some_and(|(.., lacks)| lacks <= 0.0) {
            return Some(devices);
        }
        devices *= 2;
    }
    None
}

/// A narrower format that fits as many devices.
fn narrower(question: &Question<'_>, device: &Accelerator) -> Option<Format> {
    let narrowest = question.formats.iter().map(|format| format.weight_bytes()).fold(f64::INFINITY, f64::min);
    device.narrower_formats().into_iter().filter(|format| format.weight_bytes() < narrowest).find(|format| {
        let formats = [*format];
        let other = Question { formats: &formats, ..question.clone() };
        nearest(&other, device).is_some_and(|(.., lacks)| lacks <= 0.0)
    })
}
