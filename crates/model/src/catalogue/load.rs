//! From catalogue texts to a checked catalogue.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::part::{Kind, Medium, Part};
use super::protocol::{LaneTechnology, Protocol};
use super::{Catalogue, CatalogueFile, Source, references};
use crate::names::{check_unique, natural};
use crate::problem::{Problem, Problems, nearest};
use crate::read::{Document, FromNode, Reader};
use crate::system::{PartId, ProtocolId};
use crate::text::{Placed, Texts};
use crate::units::*;

/// A layer of catalogue files: name shown in messages, and contents. Later layers replace parts, technologies
/// and sources of earlier ones that have the same id.
pub type Layer = Vec<(String, Arc<str>)>;

impl Catalogue {
    /// Reads and checks layers of catalogue files. What could be read is returned with every problem found.
    pub fn load(layers: &[Layer], texts: &mut Texts, problems: &mut Problems) -> Self {
        let mut sources: Vec<Source> = Vec::new();
        let mut technologies: Vec<LaneTechnology> = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        for layer in layers {
            let mut file = CatalogueFile { source: Vec::new(), technology: Vec::new(), part: Vec::new() };
            for (name, contents) in layer {
                let id = texts.add(name.clone(), contents.clone());
                let document = Document::parse(id, texts, problems);
                if let Some(read) = CatalogueFile::from_node(&document.root, &mut Reader { problems }) {
                    file.source.extend(read.source);
                    file.technology.extend(read.technology);
                    file.part.extend(read.part);
                }
            }
            check_unique(file.source.iter().map(|s| &s.id), "sources", problems);
            check_unique(file.technology.iter().map(|t| &t.id), "technologies", problems);
            check_unique(file.part.iter().map(|p| &p.id), "parts", problems);
            replace(&mut sources, file.source, |s| &s.id);
            replace(&mut technologies, file.technology, |t| &t.id);
            replace(&mut parts, file.part, |p| &p.id);
        }
        let catalogue = Self::assemble(sources, technologies, parts);
        check_technologies(&catalogue, problems);
        for part in &catalogue.parts {
            if problems.is_full() {
                break;
            }
            check_part(part, &catalogue, problems);
        }
        catalogue
    }

    /// This catalogue with parts added or replaced, as the `[[part]]` tables of a system do. Only the new parts
    /// are checked.
    pub fn with_parts(&self, parts: Vec<Part>, problems: &mut Problems) -> Self {
        check_unique(parts.iter().map(|p| &p.id), "parts", problems);
        let new: HashSet<String> = parts.iter().map(|p| p.id.value.clone()).collect();
        let mut all = self.parts.clone();
        replace(&mut all, parts, |p| &p.id);
        let catalogue = Self::assemble(self.sources.clone(), self.technologies.clone(), all);
        for part in catalogue.parts.iter().filter(|p| new.contains(&p.id.value)) {
            check_part(part, &catalogue, problems);
        }
        catalogue
    }

    fn assemble(sources: Vec<Source>, mut technologies: Vec<LaneTechnology>, mut parts: Vec<Part>) -> Self {
        technologies.sort_by(|a, b| natural(&a.id, &b.id));
        parts.sort_by(|a, b| natural(&a.id, &b.id));
        let mut protocols: Vec<Protocol> = technologies
            .iter()
            .enumerate()
            .flat_map(|(index, technology)| {
                technology.member.iter().map(move |member| Protocol {
                    id: member.id.value.clone(),
                    technology: index,
                    lanes: member.lanes,
                    rate: technology.lane_gbps * f64::from(member.lanes),
                })
            })
            .collect();
        protocols.sort_by(|a, b| natural(&a.id, &b.id));
        let part_ids = parts.iter().enumerate().map(|(i, p)| (p.id.value.clone(), PartId(i as u32))).collect();
        let protocol_ids =
            protocols.iter().enumerate().map(|(i, p)| (p.id.clone(), ProtocolId(i as u32))).collect::<HashMap<_, _>>();
        Self { parts, technologies, protocols, sources, part_ids, protocol_ids }
    }

    /// Every protocol that a port group's list of names and families (`ethernet/*`) covers is asked here.
    pub fn speaks(&self, names: &[Placed<String>], protocol: ProtocolId) -> bool {
        let id = &self.protocol(protocol).id;
        names.iter().any(|name| match name.strip_suffix('*') {
            Some(stem) => id.starts_with(stem),
            None => name.value == *id,
        })
    }
}

/// Puts new items over old ones with the same id.
fn replace<T>(old: &mut Vec<T>, new: Vec<T>, id: impl Fn(&T) -> &str) {
    let names: HashSet<String> = new.iter().map(|item| id(item).to_string()).collect();
    old.retain(|item| !names.contains(id(item)));
    old.extend(new);
}

fn check_technologies(catalogue: &Catalogue, problems: &mut Problems) {
    check_unique(catalogue.technologies.iter().flat_map(|t| t.member.iter().map(|m| &m.id)), "protocols", problems);
    for technology in &catalogue.technologies {
        if technology.lane_gbps.get() <= 0.0 || technology.symbol_gbd.get() <= 0.0 {
            problems.push(Problem::error(
                "number-range",
                format!("`{}` needs a lane rate and a symbol rate above zero", technology.id.value),
                technology.id.span,
                "zero rate",
            ));
        }
        for member in technology.member.iter().filter(|m| m.lanes == 0 || m.lanes > 1024) {
            problems.push(Problem::error(
                "number-range",
                format!("`{}` has {} lanes; 1 to 1024 are possible", member.id.value, member.lanes),
                member.id.span,
                "out of range",
            ));
        }
    }
}

/// Checks one part against the rest of the catalogue.
fn check_part(part: &Part, catalogue: &Catalogue, problems: &mut Problems) {
    let id = &part.id;
    let shape_ok = id.split_once('/').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty());
    if !shape_ok || id.chars().any(|c| c.is_whitespace() || c.is_control() || c == '*') {
        problems.push(Problem::error(
            "bad-id",
            format!("`{}` is not a part id", id.value),
            id.span,
            "write `vendor/part` without spaces",
        ));
    }
    references::check_sources(part, catalogue, problems);
    references::check_references(part, catalogue, problems);
    check_kind(part, problems);
    for group in &part.port {
        check_ports(part, group, catalogue, problems);
    }
    check_unique(part.port.iter().map(|p| &p.id).chain(part.export.iter().map(|e| &e.id)), "port groups", problems);
    let rising = part.loss.windows(2).all(|pair| pair[0].at_ghz < pair[1].at_ghz);
    if !rising || part.loss.iter().any(|p| p.at_ghz <= Gigahertz(0.0)) {
        problems.push(Problem::error(
            "loss-order",
            format!("loss points of `{}` must rise in frequency, from above 0 GHz", id.value),
            id.span,
            "out of order",
        ));
    }
}

fn check_ports(part: &Part, group: &super::part::PortGroup, catalogue: &Catalogue, problems: &mut Problems) {
    if !crate::names::check_id(&group.id, "a port group", problems) {
        return;
    }
    if group.lanes == 0 || group.lanes > 1024 || group.count == 0 || group.count > 4096 || group.ports_per_cage == 0 {
        problems.push(Problem::error(
            "number-range",
            format!(
                "port group `{}` of `{}`: count must be 1 to 4096, lanes 1 to 1024, ports_per_cage at least 1",
                group.id.value, part.id.value
            ),
            group.id.span,
            "out of range",
        ));
    }
    for name in &group.protocols {
        let known = match name.strip_suffix('*') {
            Some(stem) => catalogue.protocols.iter().any(|p| p.id.starts_with(stem)),
            None => catalogue.find_protocol(name).is_some(),
        };
        if !known {
            problems.push(unknown_protocol(name, catalogue));
        }
    }
}

/// The problem of a protocol that is not in the catalogue.
pub fn unknown_protocol(name: &Placed<String>, catalogue: &Catalogue) -> Problem {
    let near = nearest(name, catalogue.protocols.iter().map(|p| p.id.as_str()));
    Problem::error(
        "unknown-protocol",
        format!("no protocol is called `{}`", name.value),
        name.span,
        near.map_or_else(|| "not in the catalogue".into(), |near| format!("did you mean `{near}`?")),
    )
    .help("`lanewright parts protocols` lists them")
}

/// The problem of a part that is not in the catalogue.
pub fn unknown_part(name: &Placed<String>, catalogue: &Catalogue) -> Problem {
    let near = nearest(name, catalogue.parts.iter().map(|p| p.id.value.as_str()));
    Problem::error(
        "unknown-part",
        format!("no part is called `{}`", name.value),
        name.span,
        near.map_or_else(|| "not in the catalogue".into(), |near| format!("did you mean `{near}`?")),
    )
    .help("`lanewright parts search WORD` finds parts; a `[[part]]` table in this file defines one")
}

/// Checks that a part has the tables that its kind needs, with numbers that make sense.
fn check_kind(part: &Part, problems: &mut Problems) {
    let mut wrong = |message: String| {
        problems.push(Problem::error("part-data", message, part.id.span, format!("kind = \"{}\"", part.kind)));
    };
    let id = &part.id.value;
    let needs = [
        (Kind::Cable, "cable", part.cable.is_some()),
        (Kind::Module, "module", part.module.is_some()),
        (Kind::Fibre, "fibre", part.fibre.is_some()),
        (Kind::Retimer, "retimer", part.retimer.is_some()),
        (Kind::Gearbox, "retimer", part.retimer.is_some()),
        (Kind::Rack, "frame", part.frame.is_some()),
        (Kind::Pcb, "loss", !part.loss.is_empty()),
        (Kind::Twinax, "loss", !part.loss.is_empty()),
        (Kind::Connector, "loss", !part.loss.is_empty()),
        (Kind::Assembly, "device", !part.device.is_empty()),
    ];
    for (kind, table, there) in needs {
        if part.kind == kind && !there {
            wrong(format!("`{id}` is a {kind} and needs its `{table}` table"));
        }
    }
    if part.kind != Kind::Assembly && (!part.device.is_empty() || !part.link.is_empty() || !part.export.is_empty()) {
        wrong(format!("`{id}` has inner devices, links or exports, so its kind must be `assembly`"));
    }
    if let Some(cable) = &part.cable {
        let lengths = &cable.lengths_m;
        let rising = lengths.windows(2).all(|pair| pair[0] < pair[1]);
        if lengths.is_empty() || !rising || lengths[0] <= 0.0 {
            wrong(format!("`{id}`: lengths_m must rise and be above zero"));
        }
        if cable.lanes == 0 || cable.far_plugs == 0 || cable.gearbox == 0 || cable.lane_gbps.is_empty() {
            wrong(format!("`{id}`: lanes, far_plugs and gearbox must be at least 1, and lane_gbps not empty"));
        }
        let copper = matches!(cable.medium, Medium::Dac | Medium::Acc | Medium::Backplane | Medium::Harness);
        if copper && cable.stock.is_none() {
            wrong(format!("`{id}` is copper whose loss counts: name its cable `stock`"));
        }
        if !copper && !matches!(cable.medium, Medium::Aec | Medium::Aoc) {
            wrong(format!("`{id}`: a cable's medium is dac, acc, aec, aoc, backplane or harness"));
        }
    }
    if let Some(module) = &part.module {
        if !matches!(module.medium, Medium::Optics | Medium::Lpo | Medium::Cpo | Medium::Coherent) {
            wrong(format!("`{id}`: a module's medium is optics, lpo, cpo or coherent"));
        }
        if module.lanes == 0 || part.figures.reach.is_none() {
            wrong(format!("`{id}`: a module needs at least one lane and a `reach` figure"));
        }
    }
    if let Some(frame) = &part.frame {
        let sane = |mm: f64| mm > 0.0 && mm < 100_000.0;
        if frame.units == 0
            || frame.units > 1000
            || !(sane(frame.unit_mm) && sane(frame.width_mm) && sane(frame.depth_mm))
        {
            wrong(format!("`{id}`: units must be 1 to 1000, sizes above zero"));
        }
    }
    if part.size_u.is_some_and(|size| !(0.0..=1000.0).contains(&size)) {
        wrong(format!("`{id}`: size_u must be between 0 and 1000"));
    }
}
