//! What one part says of others: sources of its figures, cable stock, connectors, fibres.

use super::load::unknown_part;
use super::part::{Kind, Part};
use super::{Catalogue, figure_list};
use crate::problem::{Problem, Problems, nearest};
use crate::text::Placed;

/// Checks that the sources of a part's figures exist.
pub fn check_sources(part: &Part, catalogue: &Catalogue, problems: &mut Problems) {
    for (_, figure) in figure_list::all(part) {
        let Some(span) = figure.source_span else { continue };
        for id in figure.source.split('+') {
            let id = id.trim();
            if catalogue.sources.iter().any(|s| s.id.value == id) {
                continue;
            }
            let near = nearest(id, catalogue.sources.iter().map(|s| s.id.value.as_str()));
            problems.push(
                Problem::error(
                    "unknown-source",
                    format!("no source is called `{id}`"),
                    span,
                    near.map_or_else(|| "not in the catalogue".into(), |near| format!("did you mean `{near}`?")),
                )
                .help("add a `[[source]]` table, or write `estimate` when nothing public is behind the figure"),
            );
        }
    }
}

/// Checks that the parts that a part names exist and are of the right kind.
pub fn check_references(part: &Part, catalogue: &Catalogue, problems: &mut Problems) {
    let mut check = |name: &Placed<String>, kind: Kind| match catalogue.find_part(name) {
        None => problems.push(unknown_part(name, catalogue)),
        Some(id) if catalogue.part(id).kind != kind => problems.push(Problem::error(
            "wrong-kind",
            format!("`{}` is a {}, not a {kind}", name.value, catalogue.part(id).kind),
            name.span,
            format!("a part of kind `{kind}` is needed"),
        )),
        Some(_) => {}
    };
    if let Some(cable) = &part.cable {
        if let Some(stock) = &cable.stock {
            check(stock, Kind::Twinax);
        }
        if let Some(connector) = &cable.connector {
            check(connector, Kind::Connector);
        }
    }
    if let Some(module) = &part.module {
        check(&module.fibre, Kind::Fibre);
    }
}
