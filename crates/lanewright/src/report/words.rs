//! Words for kinds, media and grades as people say them.

use lanewright_model::catalogue::part::{Kind, Medium};
use lanewright_model::figure::Grade;

/// A kind of part in the plural.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Cable => "cables",
        Kind::Module => "optical modules",
        Kind::Fibre => "fibres",
        Kind::Retimer => "retimers",
        Kind::Gearbox => "gearboxes",
        Kind::Phy => "PHYs",
        Kind::Dsp => "DSPs",
        Kind::Serdes => "SerDes",
        Kind::Chiplet => "chiplets",
        Kind::Nic => "NICs",
        Kind::Switch => "switches",
        Kind::Cxl => "CXL controllers",
        Kind::Memory => "memory",
        Kind::Ssd => "SSDs",
        Kind::Cpu => "CPUs",
        Kind::Accelerator => "accelerators",
        Kind::Soc => "SoCs",
        Kind::Camera => "cameras",
        Kind::Sensor => "sensors",
        Kind::Endpoint => "other ends",
        Kind::Assembly => "assemblies",
        Kind::Rack => "racks",
        Kind::Shelf => "power and cooling",
        Kind::Pcb => "boards",
        Kind::Twinax => "cable stock",
        Kind::Connector => "connectors",
    }
}

/// A medium, short enough for a drawing.
pub fn medium(medium: Option<Medium>) -> &'static str {
    match medium {
        None => "nothing closes",
        Some(Medium::Dac) => "DAC",
        Some(Medium::Acc) => "ACC",
        Some(Medium::Aec) => "AEC",
        Some(Medium::Aoc) => "AOC",
        Some(Medium::Optics) => "optics",
        Some(Medium::Lpo) => "LPO",
        Some(Medium::Cpo) => "CPO",
        Some(Medium::Coherent) => "coherent",
        Some(Medium::Pcb) => "board",
        Some(Medium::Backplane) => "backplane",
        Some(Medium::DieToDie) => "die-to-die",
        Some(Medium::Harness) => "harness",
    }
}

/// CSS class of a medium's colour.
pub fn medium_class(medium: Option<Medium>) -> &'static str {
    match medium {
        None => "m-none",
        Some(Medium::Dac) => "m-dac",
        Some(Medium::Acc) => "m-acc",
        Some(Medium::Aec) => "m-aec",
        Some(Medium::Aoc) => "m-aoc",
        Some(Medium::Optics) => "m-optics",
        Some(Medium::Lpo) => "m-lpo",
        Some(Medium::Cpo) => "m-cpo",
        Some(Medium::Coherent) => "m-coherent",
        Some(Medium::Pcb) => "m-pcb",
        Some(Medium::Backplane) => "m-backplane",
        Some(Medium::DieToDie) => "m-die",
        Some(Medium::Harness) => "m-harness",
    }
}

/// A grade on a badge.
pub fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Datasheet => "datasheet",
        Grade::VendorClaim => "vendor claim",
        Grade::Press => "press",
        Grade::Derived => "derived",
        Grade::CompanyCall => "company call",
        Grade::GeneralKnowledge => "general knowledge",
        Grade::Estimate => "estimate",
    }
}

/// "1 link", "12 links".
pub fn plural(count: u64, one: &str) -> String {
    let number = crate::number::count(count);
    match one {
        _ if count == 1 => format!("{number} {one}"),
        _ if one.ends_with('y') && !one.ends_with("ay") => format!("{number} {}ies", &one[..one.len() - 1]),
        _ if one.ends_with("ch") || one.ends_with('s') => format!("{number} {one}es"),
        _ => format!("{number} {one}s"),
    }
}
