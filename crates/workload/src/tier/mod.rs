//! Memory below a device's own, for caches: DDR of the host, CXL behind a controller, flash drives.

pub mod offload;

use lanewright_model::catalogue::part::Part;
use lanewright_model::units::Quantity;
use serde::Serialize;

use crate::estimate::Estimate;

/// One tier: so many equal parts of a node, read together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tier {
    /// Catalogue id of the parts.
    pub part: String,
    /// How many of them.
    pub count: u32,
    /// Bytes of all.
    pub capacity: f64,
    /// Bytes per second of all.
    pub bandwidth: Estimate,
    /// Seconds from asking to the first byte.
    pub latency: Estimate,
    /// Dollars of all; none where unknown.
    pub usd: Option<Estimate>,
    /// Watts of all.
    pub power_w: f64,
    /// Whether capacity, bandwidth, latency or price rests on a weak grade.
    pub weak: bool,
}

impl Tier {
    /// So many parts of the catalogue. `local_s` is added to the latency of parts that state only what they add to the
    /// host's own memory (CXL). The memory behind a bare controller is priced with `usd_per_gb`. The error names the
    /// figure that is missing.
    pub fn from_part(part: &Part, count: u32, local_s: Estimate, usd_per_gb: Option<Estimate>) -> Result<Self, String> {
        if count == 0 {
            return Err(format!("0 parts `{}`; a tier has at least one", part.id.value));
        }
        let figures = &part.figures;
        let missing =
            |what: &str| format!("part `{}` has no figure `{what}`, which a memory tier needs", part.id.value);
        let capacity = figures.capacity.as_ref().ok_or_else(|| missing("capacity"))?;
        let bandwidth = figures.bandwidth.as_ref().ok_or_else(|| missing("bandwidth"))?;
        let latency = figures.latency.as_ref().ok_or_else(|| missing("latency"))?;
        let number = f64::from(count);
        let nanoseconds =
            Estimate { low: latency.band.low.get(), likely: latency.band.likely.get(), high: latency.band.high.get() };
        let capacity_bytes = capacity.band.likely.get() * 1e9 * number;
        let own = figures.price.as_ref().map(|price| Estimate {
            low: price.band.low.get() * number,
            likely: price.band.likely.get() * number,
            high: price.band.high.get() * number,
        });
        let modules = usd_per_gb.map(|usd| usd.times(capacity_bytes * 1e-9));
        Ok(Self {
            part: part.id.value.clone(),
            count,
            capacity: capacity_bytes,
            bandwidth: Estimate {
                low: bandwidth.band.low.get(),
                likely: bandwidth.band.likely.get(),
                high: bandwidth.band.high.get(),
            }
            .times(1e9 * number),
            latency: nanoseconds.times(1e-9).plus(local_s),
            usd: own.map(|own| modules.map_or(own, |modules| own.plus(modules))),
            power_w: figures.power.as_ref().map_or(0.0, |power| power.band.likely.get()) * number,
            weak: [capacity.grade, bandwidth.grade, latency.grade].iter().any(|grade| grade.is_weak())
                || figures.price.as_ref().is_some_and(|price| price.grade.is_weak()),
        })
    }

    /// Dollars per GB of capacity.
    pub fn usd_per_gb(&self) -> Option<Estimate> {
        let gb = self.capacity * 1e-9;
        self.usd.filter(|_| gb > 0.0).map(|usd| usd.times(1.0 / gb))
    }
}
