//! Fitting mixtures of experts: constants, two layers and the offsets of layouts, turn by turn.

use std::collections::BTreeMap;

use super::moe::{MoeKernel, MoeLaw, MoeQuery, NAME, format_of, of_row, variant};
use super::routing::Loads;
use super::table::Table;
use super::{Measured, donor_trials, gemm};
use crate::accelerator::Accelerator;
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits, Origin, Resolved};
use crate::fit::constants::fit_constants;
use crate::fit::law::{HoldOut, Law, Peaks, REGIONS};
use crate::fit::split::held_out;
use crate::fit::spread::{Errors, Spread};
use crate::fit::surface::{Row as Point, Surface};
use crate::format::Format;
use rayon::prelude::*;

/// A measured row, ready to be fitted.
struct MoeRow {
    query: MoeQuery,
    layout: String,
    slot: Option<usize>,
    seconds: f64,
    held_out: bool,
}

/// Fits every variant of a file. Without `all_rows` what is kept was fitted without the held-out rows.
pub fn fit(device: &Accelerator, table: &Table, hold_out: HoldOut, all_rows: bool) -> Result<Vec<Fitted>, String> {
    let mut variants: BTreeMap<String, (Format, Vec<MoeRow>)> = BTreeMap::new();
    // Rows of all shapes share few routings, and a routing costs more than everything else.
    let mut loads = Loads::default();
    for row in 0..table.len() {
        let (source, format, shape, tokens) = of_row(table, row)?;
        let load = loads.of(tokens, shape.experts, shape.active, shape.ranks, shape.routing);
        let row = MoeRow {
            query: MoeQuery::with(format, &shape, tokens, load),
            layout: shape.key(),
            slot: shape.slot(),
            seconds: table.milliseconds(row, "latency")?,
            held_out: held_out(hold_out.seed, hold_out.share, table.cells_without(row, "latency")),
        };
        variants.entry(variant(&source, format)).or_insert_with(|| (format, Vec::new())).1.push(row);
    }
    let fitted = |(variant, (format, rows)): (&String, &(Format, Vec<MoeRow>))| {
        let peaks = gemm::peaks(device, *format);
        let kept = Solved::of(&peaks, &rows.iter().collect::<Vec<_>>());
        let train: Vec<&MoeRow> = rows.iter().filter(|row| !row.held_out).collect();
        let trial = Solved::of(&peaks, &train)?;
        let held: Vec<&MoeRow> = rows.iter().filter(|row| row.held_out).collect();
        let residuals: Vec<(usize, f64)> = held
            .iter()
            .map(|row| {
                let (region, likely) = trial.likely(&peaks, row);
                (region, (row.seconds / likely).ln())
            })
            .collect();
        let spread = Spread::of(&residuals, REGIONS)?;
        // Each half of the held-out rows is tried with the band of the other.
        let half = |odd: usize| residuals.iter().skip(odd).step_by(2).copied().collect::<Vec<_>>();
        let halves = [1, 0].map(|odd| Spread::of(&half(odd), REGIONS).unwrap_or_else(|| spread.clone()));
        let pairs: Vec<(Estimate, f64)> = held
            .iter()
            .zip(&residuals)
            .enumerate()
            .map(|(at, (row, (region, log)))| {
                (halves[at % 2].region(*region).around(row.seconds / libm::exp(*log)), row.seconds)
            })
            .collect();
        let kept = if all_rows { kept? } else { trial };
        Some(Fitted {
            device: device.id.clone(),
            variant: variant.clone(),
            origin: Origin {
                file: table.file().into(),
                rows: rows.len(),
                seed: hold_out.seed,
                hold_out: hold_out.share,
            },
            constants: MoeLaw
                .constants()
                .map(|constant| constant.0)
                .into_iter()
                .zip(kept.constants)
                .chain(peaks.stores())
                .map(|(name, value)| (name.to_string(), value))
                .collect(),
            surfaces: MoeLaw.layers().into_iter().map(|layer| layer.name).zip(kept.layers).collect(),
            offsets: kept.offsets,
            spread,
            errors: Errors::of(&pairs),
        })
    };
    Ok(variants.par_iter().map(fitted).collect::<Vec<_>>().into_iter().flatten().collect())
}

/// What some rows gave.
struct Solved {
    constants: [f64; 3],
    layers: Vec<Surface>,
    offsets: BTreeMap<String, Vec<i32>>,
}

/// Turns of layers and offsets: after the third, held-out errors moved by less than 0.1 %.
const TURNS: usize = 3;

/// Rows that a layout's mean, and that of one of its routings, weigh against zero. Not searched: a layout has about fourteen
/// rows and a routing five, of which one or two may be odd.
const LAYOUT_PRIOR: f64 = 2.0;
const ROUTING_PRIOR: f64 = 0.7;

impl Solved {
    fn of(peaks: &Peaks, rows: &[&MoeRow]) -> Option<Self> {
        if rows.len() < 10 {
            return None;
        }
        let rounded = |value: f64| format!("{value:.5e}").parse().unwrap_or(value);
        let constants = fit_constants(MoeLaw.constants().map(|constant| constant.1), rows.len(), |constants, at| {
            (MoeLaw::seconds(constants, peaks, &rows[at].query) / rows[at].seconds).ln()
        })
        .map(rounded);
        let logs: Vec<f64> =
            rows.iter().map(|row| (row.seconds / MoeLaw::seconds(&constants, peaks, &row.query)).ln()).collect();
        let mut layers: Vec<Option<Surface>> = MoeLaw.layers().iter().map(|_| None).collect();
        let mut parts = vec![vec![0.0; rows.len()]; layers.len() + 1];
        let mut offsets = BTreeMap::new();
        for _ in 0..TURNS {
            for (at, layer) in MoeLaw.layers().iter().enumerate() {
                let points: Vec<Point> = rows
                    .iter()
                    .enumerate()
                    .filter_map(|(row, measured)| {
                        let others: f64 =
                            (0..parts.len()).filter(|part| *part != at).map(|part| parts[part][row]).sum();
                        let place = MoeLaw::places(&measured.query)[at]?;
                        Some(Point { at: place, log_ratio: logs[row] - others, weight: 1.0 })
                    })
                    .collect();
                let surface = Surface::fit(&layer.axes, &points, layer.stiffness)?;
                for (row, measured) in rows.iter().enumerate() {
                    let place = MoeLaw::places(&measured.query)[at];
                    parts[at][row] = place.map_or(0.0, |place| f64::from(surface.at(place)));
                }
                layers[at] = Some(surface);
            }
            let left: Vec<f64> = (0..rows.len()).map(|row| logs[row] - parts[0][row] - parts[1][row]).collect();
            offsets = Self::offsets(rows, &left);
            for (row, measured) in rows.iter().enumerate() {
                parts[2][row] = offset(&offsets, measured);
            }
        }
        Some(Self { constants, layers: layers.into_iter().flatten().collect(), offsets })
    }

    /// Means of what is left per layout, drawn towards zero, and per routing of a layout, drawn towards the layout's.
    fn offsets(rows: &[&MoeRow], left: &[f64]) -> BTreeMap<String, Vec<i32>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            groups.entry(&row.layout).or_default().push(at);
        }
        let drawn = |values: &[f64], prior: f64| values.iter().sum::<f64>() / (values.len() as f64 + prior);
        groups
            .into_iter()
            .map(|(layout, members)| {
                let all: Vec<f64> = members.iter().map(|at| left[*at]).collect();
                let mean = drawn(&all, LAYOUT_PRIOR);
                let of_routing = |slot: usize| {
                    let own = members.iter().filter(|at| rows[**at].slot == Some(slot));
                    let own: Vec<f64> = own.map(|at| left[*at] - mean).collect();
                    ((mean + drawn(&own, ROUTING_PRIOR)) * 1e3).round() as i32
                };
                (layout.to_string(), (0..3).map(of_routing).collect())
            })
            .collect()
    }

    fn likely(&self, peaks: &Peaks, row: &MoeRow) -> (usize, f64) {
        let base = MoeLaw::seconds(&self.constants, peaks, &row.query);
        let places = MoeLaw::places(&row.query);
        let layers = self.layers.iter().zip(places);
        let log: f64 = layers.filter_map(|(layer, place)| Some(f64::from(layer.at(place?)))).sum();
        let region = MoeLaw::region(base, self.constants[0]);
        (region, base * libm::exp(log + offset(&self.offsets, row)))
    }
}

fn offset(offsets: &BTreeMap<String, Vec<i32>>, row: &MoeRow) -> f64 {
    let own = row.slot.and_then(|slot| offsets.get(&row.layout)?.get(slot).copied());
    f64::from(own.unwrap_or(0)) * 1e-3
}

/// Fits every file, and tries every fit on the other devices.
pub fn calibrate(measured: &[Measured], hold_out: HoldOut) -> Result<OperatorFits, String> {
    let fit = |one: &Measured| fit(&one.device, &one.table, hold_out, true);
    let pairs = |device: &Accelerator, table: &Table, fit: &Fitted| {
        let mut pairs = Vec::new();
        let Some(format) = format_of(&fit.variant) else { return Ok(pairs) };
        let kernel = MoeKernel::of(device, &Resolved::plain(fit), format);
        for row in 0..table.len() {
            let (source, own, shape, tokens) = of_row(table, row)?;
            if variant(&source, own) == fit.variant {
                pairs.push((kernel.time(&shape, tokens), table.milliseconds(row, "latency")?));
            }
        }
        Ok(pairs)
    };
    donor_trials(NAME, measured, fit, pairs)
}
