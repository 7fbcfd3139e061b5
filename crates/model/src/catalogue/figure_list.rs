//! Every figure of a part in one list, whatever its quantity: for checks, tables and reports.

use super::part::{Figures, Part};
use crate::figure::{Band, Figure, Grade};
use crate::text::Span;
use crate::units::Quantity;

/// A figure without its type: values in the canonical unit, which is named.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PlainFigure {
    /// Low, likely and high value.
    pub band: Band<f64>,
    /// Canonical unit of the values.
    pub unit: &'static str,
    /// How certain it is.
    pub grade: Grade,
    /// Source ids, joined by `+`.
    pub source: String,
    /// Remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the source id stands.
    #[serde(skip)]
    pub source_span: Option<Span>,
}

fn plain<Q: Quantity>(figure: &Figure<Q>) -> PlainFigure {
    PlainFigure {
        band: figure.band.map(Q::get),
        unit: Q::UNITS[0].0,
        grade: figure.grade,
        source: figure.source.clone(),
        note: figure.note.clone(),
        source_span: figure.source_span,
    }
}

/// Every figure of a part with its name, in the order of the schema.
pub fn all(part: &Part) -> Vec<(String, PlainFigure)> {
    let mut list: Vec<(String, PlainFigure)> = Vec::new();
    macro_rules! push {
        ($($name:ident),+ $(,)?) => {
            let Figures { $($name),+ } = &part.figures;
            $( if let Some(figure) = $name { list.push((stringify!($name).to_string(), plain(figure))); } )+
        };
    }
    // A figure that is added to `Figures` and not named here does not compile.
    push!(
        power,
        power_per_end,
        price,
        price_per_m,
        latency,
        delay_per_m,
        fit,
        wearout_life,
        wearout_shape,
        repair_time,
        mass,
        reach,
        loss_budget,
        energy_per_bit,
        switching,
        packet_rate,
        power_capacity,
        efficiency,
        protocol_efficiency,
        pre_fec_ber,
        optical_budget,
        capacity,
        bandwidth,
        bf16,
        fp8,
        fp4,
        int8,
        etops,
        image_size,
        frame_rate,
        data_rate,
    );
    for group in &part.port {
        if let Some(figure) = &group.host_loss {
            list.push((format!("port.{}.host_loss", group.id.value), plain(figure)));
        }
        if let Some(figure) = &group.loss_budget {
            list.push((format!("port.{}.loss_budget", group.id.value), plain(figure)));
        }
    }
    for point in &part.loss {
        if let Some(figure) = &point.per_m {
            list.push((format!("loss at {} GHz", point.at_ghz.0), plain(figure)));
        }
        if let Some(figure) = &point.each {
            list.push((format!("loss at {} GHz", point.at_ghz.0), plain(figure)));
        }
    }
    if let Some(module) = &part.module {
        list.push(("module.host_loss_max".to_string(), plain(&module.host_loss_max)));
    }
    if let Some(fibre) = &part.fibre {
        list.push(("fibre.loss".to_string(), plain(&fibre.loss)));
        list.push(("fibre.connector_loss".to_string(), plain(&fibre.connector_loss)));
    }
    list
}
