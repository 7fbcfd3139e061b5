//! Devices of the catalogue as decoding sees them.

use lanewright_model::catalogue::part::Part;

use super::decode::{Device, PREFILL_SHARE};
use crate::estimate::Estimate;
use crate::pipeline::soc::estimate;
use crate::pipeline::throughput::PER_EQUIVALENT;

/// A part of the catalogue; the error says which figure is missing.
pub fn device(part: &Part) -> Result<Device, String> {
    let figures = &part.figures;
    let Some(bandwidth) = &figures.bandwidth else {
        return Err(format!("part `{}` has no figure `bandwidth`: give --bandwidth-gbps", part.id.value));
    };
    let tops = |figure: &Option<lanewright_model::figure::Figure<lanewright_model::units::Tops>>, factor: f64| {
        figure.as_ref().map(|figure| estimate(figure, |rate| rate.0 * 1e12 * factor))
    };
    // Weights of 4 and 8 bits are multiplied in 16; where only an 8-bit rate is known, half of it.
    let dense = tops(&figures.bf16, 1.0).or_else(|| tops(&figures.int8, 0.5));
    let equivalent = figures.etops.as_ref().map(|figure| estimate(figure, |rate| rate.0 * 1e12));
    let times = |rate: Estimate, share: Estimate| crate::pipeline::throughput::product(rate, share);
    let (operations, operations_basis) = match (dense, equivalent) {
        (Some(dense), _) => (
            Some(times(dense, PREFILL_SHARE)),
            "a share of the dense rate, from two published prompts on Jetson Thor".to_string(),
        ),
        (None, Some(equivalent)) => (
            Some(times(equivalent, PER_EQUIVALENT)),
            format!(
                "the maker's equivalent TOPS taken as {:.2} ({:.2} to {:.2}) sustained operations each: an estimate",
                PER_EQUIVALENT.likely, PER_EQUIVALENT.low, PER_EQUIVALENT.high
            ),
        ),
        (None, None) => (None, String::new()),
    };
    let weak = bandwidth.grade.is_weak() || figures.power.as_ref().is_some_and(|figure| figure.grade.is_weak());
    Ok(Device {
        id: part.id.value.clone(),
        name: part.name.clone(),
        bandwidth: estimate(bandwidth, |rate| rate.0 * 1e9),
        memory: figures.capacity.as_ref().map(|figure| estimate(figure, |size| size.0 * 1e9)),
        power_w: figures.power.as_ref().map(|figure| estimate(figure, |watts| watts.0)),
        operations,
        operations_basis,
        price_usd: figures.price.as_ref().map(|figure| estimate(figure, |price| price.0)),
        weak,
        equivalent: figures.etops.is_some() && figures.int8.is_none() && figures.bf16.is_none(),
    })
}
