//! From the tables of a file to the checked system.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::cables;
use super::checked::*;
use super::link_table::ExpandedLinks;
use super::merge::{Files, read_all};
use super::racks::{Placement, expand_racks, place_devices};
use super::tables::SystemFile;
use super::template::{Builder, Template, Templates, short_list};
use super::{port_rules, site};
use crate::catalogue::Catalogue;
use crate::catalogue::part::{Kind, Part};
use crate::names::natural;
use crate::problem::{Problem, Problems, Severity, nearest};
use crate::read::document::Entry;
use crate::read::{FromNode, Node, Reader, Value};
use crate::text::{FileId, Placed, Span, Texts};

/// Most devices of a system. The fuzzer works with lower limits, so that it spends its time on more systems.
pub const DEVICE_LIMIT: u64 = if cfg!(fuzzing) { 5_000 } else { 8_000_000 };
/// Most ports of a system.
pub const PORT_LIMIT: u64 = if cfg!(fuzzing) { 50_000 } else { 64_000_000 };
/// Most links of one link set, and of a system.
pub const LINK_LIMIT: u64 = if cfg!(fuzzing) { 20_000 } else { 32_000_000 };

/// Reads, expands and checks a system whose main text is in `texts`. Returns the system when there is no error, and
/// adds every problem found.
pub fn load_system(
    file: FileId,
    texts: &mut Texts,
    catalogue: &Arc<Catalogue>,
    files: &mut dyn Files,
    problems: &mut Problems,
) -> Option<System> {
    let mut root = read_all(file, texts, files, problems);
    let file = match SystemFile::from_node(&root, &mut Reader { problems }) {
        Some(file) => file,
        None => {
            // Only `[system]` itself can fail the whole file: go on with a stand-in, to find the other problems.
            stand_in(&mut root);
            SystemFile::from_node(&root, &mut Reader { problems: &mut Problems::new() })?
        }
    };
    let tainted = |problems: &Problems| tainted_devices(&root, problems);
    let system = expand(&file, catalogue, tainted, problems);
    if problems.has_errors() { None } else { system }
}

/// Lays out every assembly of a catalogue, used or not, and reports what is wrong inside them.
pub fn check_assemblies(catalogue: &Catalogue, problems: &mut Problems) {
    let mut builder = Builder::new(catalogue, problems);
    for part in catalogue.parts.iter().filter(|part| part.kind == Kind::Assembly) {
        builder.check_assembly(part);
    }
}

/// Puts a `[system]` table into a tree that has no good one.
fn stand_in(root: &mut Node) {
    let span = root.span;
    let node = |value| Node { value, span };
    let entry = |key: &str, node| Entry { key: key.to_string(), key_span: span, node };
    let table = node(Value::Table(vec![entry("name", node(Value::String("unnamed".into())))]));
    if !matches!(root.value, Value::Table(_)) {
        root.value = Value::Table(Vec::new());
    }
    if let Value::Table(entries) = &mut root.value {
        entries.retain(|e| e.key != "system");
        entries.push(entry("system", table));
    }
}

/// Names of devices with a problem in one of their keys or values.
fn tainted_devices(root: &Node, problems: &Problems) -> HashSet<String> {
    let mut tainted = HashSet::new();
    let Some(Node { value: Value::Array(devices), .. }) = root.get("device") else { return tainted };
    for device in devices {
        let (Value::Table(entries), Some(name)) = (&device.value, device.get("id").and_then(Node::as_str)) else {
            continue;
        };
        let covers = |outer: Span, inner: Span| {
            outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end && outer.end > outer.start
        };
        let wrong = problems
            .iter()
            .filter(|p| p.severity == Severity::Error)
            .filter_map(|p| p.labels.first())
            .any(|(at, _)| entries.iter().any(|e| covers(e.key_span, *at) || covers(e.node.span, *at)));
        if wrong {
            tainted.insert(name.to_string());
        }
    }
    tainted
}

/// Expands and checks a file. Goes on after errors to find more of them; the caller looks at `problems`.
fn expand(
    file: &SystemFile,
    catalogue: &Arc<Catalogue>,
    tainted: impl Fn(&Problems) -> HashSet<String>,
    problems: &mut Problems,
) -> Option<System> {
    let catalogue = if file.part.is_empty() {
        catalogue.clone()
    } else {
        Arc::new(catalogue.with_parts(file.part.clone(), problems))
    };
    let site = site::site(file.site.as_ref(), problems);
    if let Some(limits) = &file.limits {
        super::limits::check(limits, problems);
    }
    let racks = expand_racks(&file.rack, &catalogue, problems);
    let placements = place_devices(&file.device, &racks, &catalogue, problems);
    let counts: Vec<(u32, bool)> = placements.iter().map(|p| (p.count, p.indexed)).collect();
    let tainted = tainted(problems);
    let mut builder = Builder::new(&catalogue, problems);
    let root = builder.root(&file.device, &counts, &file.link, &tainted);
    let templates = builder.templates;
    // Assemblies of this file that no device uses are laid out apart: their links are in no domain.
    let unused = |part: &&Part| part.kind == Kind::Assembly && !templates.were_tried(&catalogue, part);
    let mut apart = Builder::new(&catalogue, problems);
    for part in file.part.iter().filter(unused) {
        apart.check_assembly(part);
    }
    let domains = domains(&root, &templates, file, problems);
    let mut system = System {
        name: file.system.name.value.clone(),
        description: file.system.description.clone(),
        sources: file.system.sources.clone(),
        assumptions: file.system.assumptions.clone(),
        site,
        racks: racks.list,
        sets: Vec::new(),
        devices: Vec::with_capacity(root.devices as usize),
        layouts: Vec::new(),
        port_count: root.ports as u32,
        port_device: Vec::with_capacity(root.ports as usize),
        link_sets: Vec::new(),
        links: Vec::new(),
        domains,
        limits: file.limits.clone(),
        channels: Vec::new(),
        catalogue: catalogue.clone(),
    };
    let mut instances = Instances::default();
    instances.add_sets(&root, &templates, None, &mut system.sets);
    instances.emit_devices(&root, &templates, &placements, &mut system);
    system.layouts = templates.layouts.clone();
    emit_links(&root, &templates, &instances, &mut system, problems)?;
    port_rules::check(&system, problems);
    cables::group(&mut system, problems);
    system.channels = channels(file, &system, problems);
    Some(system)
}

/// Device sets by path, with the devices that each assembly set has.
#[derive(Default)]
struct Instances {
    /// For each set its inner sets, in the order of its template's children; sets of the system under `roots`.
    inner: Vec<Vec<SetId>>,
    roots: Vec<SetId>,
    /// Devices of each set.
    devices: Vec<Vec<DeviceId>>,
    /// Template of each set.
    templates: Vec<usize>,
    /// Path of each set: `server.nic`.
    paths: Vec<String>,
}

impl Instances {
    fn add_sets(
        &mut self,
        template: &Template,
        templates: &Templates,
        parent: Option<SetId>,
        sets: &mut Vec<DeviceSet>,
    ) {
        for child in &template.children {
            let id = SetId(sets.len() as u32);
            let inner = &templates.list[child.template];
            // Only the system itself has no part, and it is nobody's child.
            let Some(part) = inner.part else { continue };
            sets.push(DeviceSet {
                name: child.name.clone(),
                part,
                parent,
                count: child.count,
                indexed: child.indexed,
                layout: inner.layout,
                span: child.span,
            });
            let path = match parent {
                Some(parent) => format!("{}.{}", self.paths[parent.index()], child.name),
                None => child.name.clone(),
            };
            self.inner.push(Vec::new());
            self.devices.push(Vec::new());
            self.templates.push(child.template);
            self.paths.push(path);
            match parent {
                Some(parent) => self.inner[parent.index()].push(id),
                None => self.roots.push(id),
            }
            self.add_sets(inner, templates, Some(id), sets);
        }
    }

    fn emit_devices(&mut self, root: &Template, templates: &Templates, placements: &[Placement], system: &mut System) {
        let roots = self.roots.clone();
        for (child, set) in root.children.iter().zip(roots) {
            let places = &placements[child.table].places;
            for index in 0..child.count {
                let place = places.get(index as usize).copied();
                self.emit(set, index, None, place, templates, system);
            }
        }
    }

    fn emit(
        &mut self,
        set: SetId,
        index: u32,
        parent: Option<DeviceId>,
        place: Option<(RackId, u32)>,
        templates: &Templates,
        system: &mut System,
    ) {
        let template = &templates.list[self.templates[set.index()]];
        let id = DeviceId(system.devices.len() as u32);
        system.devices.push(Device {
            set,
            index,
            parent,
            rack: place.map(|p| p.0),
            unit: place.map_or(0, |p| p.1),
            first_port: PortId(system.port_device.len() as u32),
        });
        system.port_device.extend(std::iter::repeat_n(id, template.own_ports as usize));
        if !template.links.is_empty() {
            self.devices[set.index()].push(id);
        }
        for (at, child) in template.children.iter().enumerate() {
            let inner = self.inner[set.index()][at];
            for number in 0..child.count {
                self.emit(inner, number, Some(id), place.map(|p| (p.0, 0)), templates, system);
            }
        }
    }
}

/// Links of every set, those of the system first by name.
fn emit_links(
    root: &Template,
    templates: &Templates,
    instances: &Instances,
    system: &mut System,
    problems: &mut Problems,
) -> Option<()> {
    // (name, table, first ports of the instances)
    let mut sets: Vec<(String, &ExpandedLinks, Vec<u32>)> =
        root.links.iter().map(|links| (links.name.clone(), links, vec![0])).collect();
    for (set, devices) in instances.devices.iter().enumerate() {
        let bases: Vec<u32> = devices.iter().map(|d| system.devices[d.index()].first_port.0).collect();
        for links in &templates.list[instances.templates[set]].links {
            sets.push((format!("{}.{}", instances.paths[set], links.name), links, bases.clone()));
        }
    }
    sets.sort_by(|a, b| natural(&a.0, &b.0));
    let total: u64 = sets.iter().map(|(_, links, bases)| links.pairs.len() as u64 * bases.len() as u64).sum();
    if total > LINK_LIMIT {
        let span = sets.iter().max_by_key(|(_, links, bases)| links.pairs.len() * bases.len()).map(|s| s.1.span);
        if let Some(span) = span {
            problems.push(
                Problem::error("too-large", format!("{total} links are more than {LINK_LIMIT}"), span, "most are here")
                    .help("model one part of the system, or leave inner links out of the assembly"),
            );
        }
        return None;
    }
    let domain_ids: HashMap<String, DomainId> =
        system.domains.iter().enumerate().map(|(i, d)| (d.name.clone(), DomainId(i as u32))).collect();
    system.links.reserve(total as usize);
    for (name, links, bases) in sets {
        let first = system.links.len() as u32;
        for base in &bases {
            system.links.extend(links.pairs.iter().map(|(a, b)| Link { a: PortId(base + a), b: PortId(base + b) }));
        }
        system.link_sets.push(LinkSet {
            name,
            protocol: links.protocol,
            to_protocol: links.to_protocol,
            medium: links.medium,
            length: links.length,
            segments: links.segments.clone(),
            domain: domain_ids[&links.domain],
            cable: links.cable,
            links: first..system.links.len() as u32,
            cable_of: Vec::new(),
            cables: 0,
            span: links.span,
            protocol_span: links.protocol_span,
        });
    }
    Some(())
}

/// All domains, in natural order; `[[domain]]` tables must name one of them.
fn domains(root: &Template, templates: &Templates, file: &SystemFile, problems: &mut Problems) -> Vec<Domain> {
    crate::names::check_unique(file.domain.iter().map(|d| &d.id), "domains", problems);
    let mut names: Vec<&str> = root
        .links
        .iter()
        .chain(templates.list.iter().flat_map(|t| &t.links))
        .map(|links| links.domain.as_str())
        .collect();
    names.sort_by(|a, b| natural(a, b));
    names.dedup();
    for table in &file.domain {
        if !names.contains(&table.id.as_str()) && !problems.has_errors() {
            let near = nearest(&table.id, names.iter().copied());
            problems.push(
                Problem::error(
                    "unknown-domain",
                    format!("no link belongs to the domain `{}`", table.id.value),
                    table.id.span,
                    near.map_or_else(|| "matches nothing".into(), |near| format!("did you mean `{near}`?")),
                )
                .help(format!("domains here: {}", short_list(&names))),
            );
        }
    }
    let demand = |name: &str| file.domain.iter().find(|d| d.id.value == name).cloned();
    names.iter().map(|name| Domain { name: (*name).to_string(), demand: demand(name) }).collect()
}

/// Measured channels: `link` names a link set, maybe with a number.
fn channels(file: &SystemFile, system: &System, problems: &mut Problems) -> Vec<Channel> {
    let mut channels = Vec::new();
    for table in &file.channel {
        let (name, number) = match table.link.split_once('[') {
            Some((name, rest)) => match rest.strip_suffix(']').and_then(|n| n.parse::<u32>().ok()) {
                Some(number) => (name, Some(number)),
                None => (table.link.as_str(), None),
            },
            None => (table.link.as_str(), None),
        };
        let Some(set) = system.link_sets.iter().position(|s| s.name == name) else {
            let near = nearest(name, system.link_sets.iter().map(|s| s.name.as_str()));
            problems.push(Problem::error(
                "unknown-link",
                format!("no link is called `{name}`"),
                table.link.span,
                near.map_or_else(|| "matches nothing".into(), |near| format!("did you mean `{near}`?")),
            ));
            continue;
        };
        let count = system.link_sets[set].links.len() as u32;
        if number.is_some_and(|n| n >= count) {
            problems.push(Problem::error(
                "unknown-link",
                format!("`{name}` has {count} links, numbered from 0"),
                table.link.span,
                "matches nothing",
            ));
            continue;
        }
        let touchstone = Placed::new(table.touchstone.value.clone(), table.touchstone.span);
        channels.push(Channel { set: LinkSetId(set as u32), link: number, touchstone });
    }
    channels
}
