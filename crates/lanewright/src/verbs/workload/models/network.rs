//! Vision networks: one row each, or one in full.

use std::fmt::Write as _;

use lanewright_workload::format::Format;
use lanewright_workload::models::vision::{self, Net, Operation, Published};
use serde_json::{Value, json};

use super::words;
use crate::verbs::json_text;
use crate::{number, terminal};

/// One network as text or JSON.
pub fn show(net: &Net, layers: bool, json: bool) -> String {
    let published = vision::published().iter().find(|row| row.name == net.name);
    if json {
        let mut value = summary(net, published);
        if let Value::Object(object) = &mut value {
            object.insert("layers".into(), json!(net.layers));
        }
        return json_text(value);
    }
    let mut out = format!("{}, {}: ", net.name, images(net));
    let _ = writeln!(
        out,
        "{} multiply-accumulates ({} GFLOP), {} parameters",
        words::amount(net.macs() as f64),
        number::figures(2.0 * net.macs() as f64 / 1e9, 3),
        words::amount(net.parameters() as f64),
    );
    if let Some(row) = published {
        let _ = writeln!(out, "totals checked against {}", row.source);
    }
    for note in &net.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out.push_str(&kinds(net));
    let bytes = |format: Format| {
        vec![
            format.name().to_string(),
            words::bytes(net.weight_bytes(format)),
            words::bytes(net.activation_bytes(format)),
            words::bytes(net.working_set_bytes(format)),
        ]
    };
    out.push_str(&terminal::table(
        "BYTES OF ONE PASS",
        &["format", ">weights", ">read and written", ">most in one layer"],
        [Format::Bf16, Format::Int8].into_iter().map(bytes).collect(),
    ));
    if layers {
        out.push_str(&each(net));
    }
    out
}

fn images(net: &Net) -> String {
    let size = format!("{} x {}", net.height, net.width);
    if net.images == 1 { size } else { format!("{} images of {size}", net.images) }
}

fn kinds(net: &Net) -> String {
    let kind = |operation: &Operation| match operation {
        Operation::Convolution { sampled: true, .. } => "deformable convolution",
        Operation::Convolution { .. } if operation.is_depthwise() => "depthwise convolution",
        Operation::Convolution { kernel: (1, 1), .. } => "1 x 1 convolution",
        Operation::Convolution { .. } => "convolution",
        Operation::Linear { .. } => "linear",
        Operation::Attention { .. } => "attention",
        Operation::Deformable { .. } => "deformable attention",
        Operation::Pooling { .. } => "pooling",
        Operation::Resize => "resize",
        Operation::ViewTransform { .. } => "view transform",
        Operation::Elementwise => "element by element",
    };
    let mut rows: Vec<(&str, usize, u64, u64, u64)> = Vec::new();
    for layer in &net.layers {
        let name = kind(&layer.operation);
        let moved = layer.inputs + layer.outputs;
        match rows.iter_mut().find(|row| row.0 == name) {
            Some(row) => {
                (row.1, row.2, row.3, row.4) =
                    (row.1 + 1, row.2 + layer.macs, row.3 + layer.parameters(), row.4 + moved);
            }
            None => rows.push((name, 1, layer.macs, layer.parameters(), moved)),
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.2));
    let rows = rows
        .into_iter()
        .map(|(name, layers, macs, parameters, moved)| {
            let part = |count: u64| if count > 0 { words::amount(count as f64) } else { String::new() };
            vec![name.to_string(), layers.to_string(), part(macs), part(parameters), part(moved)]
        })
        .collect();
    terminal::table("LAYERS BY KIND", &["kind", ">layers", ">MACs", ">parameters", ">elements moved"], rows)
}

fn each(net: &Net) -> String {
    let rows = net
        .layers
        .iter()
        .map(|layer| {
            let part = |count: u64| if count > 0 { words::amount(count as f64) } else { String::new() };
            vec![
                layer.name.clone(),
                part(layer.macs),
                part(layer.parameters()),
                part(layer.inputs),
                part(layer.outputs),
            ]
        })
        .collect();
    terminal::table("LAYERS", &["layer", ">MACs", ">parameters", ">elements in", ">elements out"], rows)
}

fn summary(net: &Net, published: Option<&Published>) -> Value {
    json!({
        "name": net.name,
        "images": net.images,
        "height": net.height,
        "width": net.width,
        "macs": net.macs(),
        "parameters": net.parameters(),
        "weight_bytes_int8": net.weight_bytes(Format::Int8),
        "activation_bytes_int8": net.activation_bytes(Format::Int8),
        "working_set_bytes_int8": net.working_set_bytes(Format::Int8),
        "published": published.map(|row| json!({
            "input": row.input,
            "gmacs": row.gmacs,
            "parameters_m": row.parameters_m,
            "source": row.source,
        })),
        "notes": net.notes,
    })
}

/// The row of the list as JSON.
pub fn row_json(row: &Published) -> Option<Value> {
    vision::find(row.name, None).ok().map(|net| summary(&net, Some(row)))
}

/// The list.
pub fn table(rows: &[&Published]) -> String {
    let rows = rows
        .iter()
        .filter_map(|row| {
            let net = vision::find(row.name, None).ok()?;
            Some(vec![
                row.name.to_string(),
                images(&net),
                words::amount(net.macs() as f64),
                words::amount(net.parameters() as f64),
                words::bytes(net.weight_bytes(Format::Int8)),
                words::bytes(net.activation_bytes(Format::Int8)),
            ])
        })
        .collect();
    terminal::table(
        "VISION NETWORKS (FLOP = 2 x MAC)",
        &["network", "input", ">MACs", ">parameters", ">int8 weights", ">int8 moved"],
        rows,
    )
}
