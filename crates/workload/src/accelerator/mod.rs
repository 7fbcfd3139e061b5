//! What a device can do at best: peak rates, memory, links of the scale-up domain, power.

pub mod lineage;
pub mod names;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::Part;
use lanewright_model::units::Quantity;
use serde::Serialize;

use crate::format::{Arithmetic, Format};

/// Peaks of one device. Rates are dense, per device; links are per direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accelerator {
    /// Id of the catalogue part, `nvidia/h100-sxm`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Floating-point operations per second with 32-bit operands (as tensor cores take them); none where unknown.
    pub fp32: Option<f64>,
    /// Operations per second, 16-bit floating point.
    pub bf16: Option<f64>,
    /// Operations per second, 8-bit floating point.
    pub fp8: Option<f64>,
    /// Operations per second, 8-bit integers.
    pub int8: Option<f64>,
    /// Operations per second, 4-bit floating point.
    pub fp4: Option<f64>,
    /// Equivalent operations per second by the maker's own count (eTOPS x 1e12), which are no operations: never used
    /// without a calibration factor.
    pub equivalent: Option<f64>,
    /// Memory, bytes.
    pub memory_bytes: f64,
    /// Memory bandwidth, bytes per second.
    pub bandwidth: f64,
    /// Bytes per second and direction to the other devices of the scale-up domain; 0 without one.
    pub scale_up: f64,
    /// Processors (SMs, compute units) that share work in waves; none where unknown.
    pub processors: Option<u32>,
    /// Power limit, W.
    pub power_w: f64,
    /// Price, USD; none where unknown.
    pub price_usd: Option<f64>,
    /// Whether one of the rates or the bandwidth rests on a weak grade (company call, general knowledge, estimate).
    pub weak: bool,
}

/// Families of protocols that join accelerators of one scale-up domain.
const SCALE_UP: [&str; 6] = ["nvlink/", "xgmi/", "ici/", "neuronlink/", "ualink/", "infinity/"];

impl Accelerator {
    /// From a part of the catalogue. The error is one clause: which figure is missing.
    pub fn from_part(part: &Part, catalogue: &Catalogue) -> Result<Self, String> {
        let figures = &part.figures;
        let missing = |what: &str| format!("part `{}` has no figure `{what}`, which a prediction needs", part.id.value);
        let bandwidth = figures.bandwidth.as_ref().ok_or_else(|| missing("bandwidth"))?;
        let memory = figures.capacity.as_ref().ok_or_else(|| missing("capacity"))?;
        let rate = |figure: &Option<lanewright_model::figure::Figure<lanewright_model::units::Tops>>| {
            figure.as_ref().map(|figure| figure.band.likely.get() * 1e12)
        };
        let weak = [&figures.bf16, &figures.fp8, &figures.fp4, &figures.int8]
            .into_iter()
            .flatten()
            .any(|figure| figure.grade.is_weak())
            || bandwidth.grade.is_weak();
        let rate_of = |name: &str| {
            let known = |protocol: &&lanewright_model::catalogue::protocol::Protocol| {
                protocol.id == name || name.strip_suffix('*').is_some_and(|family| protocol.id.starts_with(family))
            };
            catalogue.protocols.iter().filter(known).map(|protocol| protocol.rate.get()).fold(0.0, f64::max)
        };
        let joins = |name: &str| SCALE_UP.iter().any(|family| name.starts_with(family));
        let groups = |of: &dyn Fn(&str) -> bool| -> f64 {
            part.port
                .iter()
                .filter_map(|group| {
                    let best = group.protocols.iter().map(|name| name.value.as_str()).filter(|name| of(name));
                    best.map(rate_of).reduce(f64::max).map(|rate| rate * f64::from(group.count))
                })
                .sum()
        };
        // Ports that speak Ethernet join accelerators that bring many of them; a host's one or two do not.
        let ports: u32 = part.port.iter().filter(|group| group.id.value == "port").map(|group| group.count).sum();
        let mut gbps = groups(&joins);
        if gbps == 0.0 && ports >= 8 {
            gbps = groups(&|name| name.starts_with("ethernet/"));
        }
        Ok(Self {
            id: part.id.value.clone(),
            name: part.name.clone(),
            fp32: None,
            bf16: rate(&figures.bf16),
            fp8: rate(&figures.fp8),
            int8: rate(&figures.int8),
            fp4: rate(&figures.fp4),
            equivalent: figures.etops.as_ref().map(|figure| figure.band.likely.get() * 1e12),
            memory_bytes: memory.band.likely.get() * 1e9,
            bandwidth: bandwidth.band.likely.get() * 1e9,
            scale_up: gbps * 1e9 / 8.0,
            processors: part.compute.as_ref().and_then(|compute| compute.processors),
            power_w: figures.power.as_ref().map_or(0.0, |figure| figure.band.likely.get()),
            price_usd: figures.price.as_ref().map(|figure| figure.band.likely.get()),
            weak,
        })
    }

    /// Peak of an arithmetic, operations per second; formats that a device has no units for run at the next wider one.
    pub fn peak(&self, arithmetic: Arithmetic) -> Option<f64> {
        match arithmetic {
            Arithmetic::Fp32 => self.fp32.or(self.bf16.map(|rate| rate / 2.0)),
            Arithmetic::Bf16 => self.bf16,
            Arithmetic::Fp8 => self.fp8.or(self.bf16),
            Arithmetic::Int8 => self.int8.or(self.fp8).or(self.bf16),
            Arithmetic::Fp4 => self.fp4.or(self.fp8).or(self.bf16),
        }
    }

    /// Formats of weights to try where wider ones do not fit, widest first; 4-bit weights are multiplied as such where the
    /// device can, and otherwise widened as they are read.
    pub fn narrower_formats(&self) -> [Format; 2] {
        [Format::Fp8, if self.fp4.is_some() { Format::Nvfp4 } else { Format::Int4Weight }]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A device with nothing but 16-bit units (8-bit at twice the rate) and memory.
    pub(crate) fn plain(id: &str, bf16: f64, bandwidth: f64) -> Accelerator {
        Accelerator {
            id: id.into(),
            name: id.into(),
            fp32: None,
            bf16: Some(bf16),
            fp8: Some(2.0 * bf16),
            int8: Some(2.0 * bf16),
            fp4: None,
            equivalent: None,
            memory_bytes: 80e9,
            bandwidth,
            scale_up: 450e9,
            processors: Some(132),
            power_w: 700.0,
            price_usd: None,
            weak: false,
        }
    }
}
