//! The mated connector at a port's plug.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::figure::Band;
use lanewright_model::system::PartId;
use lanewright_model::units::{Decibels, Gigahertz, Quantity};

use crate::budget::Piece;

/// Catalogue names of connectors by the start of the plug form.
const BY_FORM: &[(&str, &str)] = &[
    ("osfp", "connector/osfp"),
    ("qsfp", "connector/qsfp"),
    ("sfp", "connector/sfp"),
    ("mcio", "connector/mcio"),
    ("cem", "connector/cem"),
];

/// The connector part of a plug form, if the catalogue has one: by its own name, or by its family's.
pub(super) fn of_form(catalogue: &Catalogue, form: &str) -> Option<PartId> {
    catalogue.find_part(&format!("connector/{form}")).or_else(|| {
        let (_, id) = BY_FORM.iter().find(|(start, _)| form.starts_with(start))?;
        catalogue.find_part(id)
    })
}

/// The plug as a piece of a path. Where the catalogue has no such connector, 2.0 dB (1.5 to 2.3) at
/// 26.56 GHz is assumed, carried by the root of frequency (an estimate).
pub(super) fn piece(catalogue: &Catalogue, named: Option<&str>, form: &str, nyquist: Gigahertz) -> Piece {
    let found = named.and_then(|id| catalogue.find_part(id)).or_else(|| of_form(catalogue, form));
    match found {
        Some(part) => Piece::Lumped { part, count: 1 },
        None => {
            let factor = (nyquist.get() / 26.56).sqrt();
            Piece::Known {
                name: format!("{form} plug (assumed)"),
                loss: Band { low: 1.5, likely: 2.0, high: 2.3 }.map(|x| Decibels(x * factor)),
                weak: true,
                host: false,
            }
        }
    }
}
