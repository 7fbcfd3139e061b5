//! Templates: the inside of an assembly (or of the whole system), laid out once and shared by all its instances.
//!
//! Devices and ports of an instance are numbered depth first, so an inner device or port is its instance's first
//! number plus a fixed offset.

use std::collections::{HashMap, HashSet};

use super::checked::{LayoutId, PortLayout, PortShape};
use super::selector::{Selector, SelectorError};
use super::tables::{DeviceTable, ExportTable, LinkTable, SplitTable};
use crate::catalogue::part::{Kind, Part};
use crate::catalogue::{Catalogue, unknown_part};
use crate::names::{check_id, check_unique, natural};
use crate::problem::{Problem, Problems, nearest};
use crate::system::PartId;
use crate::text::{Placed, Span};

/// Assemblies inside assemblies, at most.
const DEPTH_LIMIT: usize = 24;

/// Number of a template in [`Templates`].
pub type TemplateId = usize;

/// What makes templates equal: the part, and how its ports are split.
type Key = (PartId, Vec<(String, Vec<u32>)>);

/// Every template, and the port layouts they use.
#[derive(Default)]
pub struct Templates {
    /// Templates, inner ones first.
    pub list: Vec<Template>,
    /// Port layouts.
    pub layouts: Vec<PortLayout>,
    by_key: HashMap<Key, Option<TemplateId>>,
}

/// The inside of a device, or of the system.
pub struct Template {
    /// Part; `None` for the system.
    pub part: Option<PartId>,
    /// Layout of its own ports.
    pub layout: LayoutId,
    /// Its own ports.
    pub own_ports: u32,
    /// Inner device sets, in natural order of their names.
    pub children: Vec<Child>,
    /// Devices in it, itself included (the system itself is not one).
    pub devices: u64,
    /// Ports in it.
    pub ports: u64,
    /// Exported ports.
    pub exports: Vec<Export>,
    /// Inner link tables with the pairs they make, in natural order of their names.
    pub links: Vec<super::link_table::ExpandedLinks>,
}

/// A set of equal inner devices.
pub struct Child {
    /// Name.
    pub name: String,
    /// What each of them is.
    pub template: TemplateId,
    /// Number of them.
    pub count: u32,
    /// Whether their names carry an index.
    pub indexed: bool,
    /// Offset of the first one.
    pub first_device: u64,
    /// Offset of the first one's first port.
    pub first_port: u64,
    /// The table that made it.
    pub span: Span,
    /// Number of the table among the tables given.
    pub table: usize,
}

/// Ports that an assembly offers.
pub struct Export {
    /// Name.
    pub name: String,
    /// Ports, relative to the instance.
    pub ports: Vec<u32>,
}

/// A selected port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Port, relative to the template.
    pub port: u32,
    /// Device named by the first step, relative to the template.
    pub outer: u32,
    /// Device that the last step belongs to, relative to the template.
    pub owner: u32,
}

/// Problems and catalogue, handed down while templates are built.
pub struct Builder<'a> {
    /// Catalogue with the system's own parts.
    pub catalogue: &'a Catalogue,
    /// Problems found.
    pub problems: &'a mut Problems,
    /// Templates built so far.
    pub templates: Templates,
    /// Assemblies being built, outermost first.
    stack: Vec<PartId>,
}

impl<'a> Builder<'a> {
    /// A builder with no templates.
    pub fn new(catalogue: &'a Catalogue, problems: &'a mut Problems) -> Self {
        Self { catalogue, problems, templates: Templates::default(), stack: Vec::new() }
    }

    /// The template of a device table's part, built when it is first met. `None` when it has errors.
    fn device(&mut self, table: &DeviceTable) -> Option<TemplateId> {
        let Some(part_id) = self.catalogue.find_part(&table.part) else {
            self.problems.push(unknown_part(&table.part, self.catalogue));
            return None;
        };
        let mut split: Vec<(String, Vec<u32>)> =
            table.split.groups.iter().map(|s| (s.group.value.clone(), s.lanes.value.clone())).collect();
        split.sort();
        let key = (part_id, split);
        if let Some(known) = self.templates.by_key.get(&key) {
            return *known;
        }
        let part = self.catalogue.part(part_id);
        if self.stack.contains(&part_id) || self.stack.len() >= DEPTH_LIMIT {
            let names: Vec<&str> = self.stack.iter().map(|id| self.catalogue.part(*id).id.as_str()).collect();
            let message = if self.stack.contains(&part_id) {
                format!("`{}` contains itself: {} -> {}", part.id.value, names.join(" -> "), part.id.value)
            } else {
                format!("assemblies are nested more than {DEPTH_LIMIT} deep: {}", names.join(" -> "))
            };
            self.problems.push(
                Problem::error("assembly-cycle", message, table.part.span, "used here")
                    .help("an assembly cannot be one of its own inner devices"),
            );
            return None;
        }
        if !matches!(part.kind, k if can_be_device(k)) {
            self.problems.push(Problem::error(
                "wrong-kind",
                format!("`{}` is a {}, which cannot be a device", part.id.value, part.kind),
                table.part.span,
                "not a device",
            ));
            return None;
        }
        self.stack.push(part_id);
        let built = self.build(Some((part_id, part)), &part.device, &part.link, &part.export, &table.split);
        self.stack.pop();
        self.templates.by_key.insert(key, built);
        built
    }

    /// Builds a template from tables; `counts` of the system's own tables are settled by the caller.
    fn build(
        &mut self,
        part: Option<(PartId, &Part)>,
        devices: &[DeviceTable],
        links: &[LinkTable],
        exports: &[ExportTable],
        split: &SplitTable,
    ) -> Option<TemplateId> {
        let counts: Vec<(u32, bool)> =
            devices.iter().map(|d| d.count.as_ref().map_or((1, false), |c| (c.value, true))).collect();
        let errors_before = self.problems.errors();
        let layout = self.layout(part, split);
        let own_ports = self.templates.layouts.get(layout.0 as usize).map_or(0, |l| l.ports.len() as u32);
        let mut template = Template {
            part: part.map(|(id, _)| id),
            layout,
            own_ports,
            children: Vec::new(),
            devices: u64::from(part.is_some()),
            ports: u64::from(own_ports),
            exports: Vec::new(),
            links: Vec::new(),
        };
        self.children(&mut template, devices, &counts);
        self.exports(&mut template, exports);
        let failed = failed_names(&template, devices, &HashSet::new());
        template.links = super::link_table::expand_tables(&template, links, &failed, self);
        if self.problems.errors() > errors_before {
            return None;
        }
        self.templates.list.push(template);
        Some(self.templates.list.len() - 1)
    }

    /// Builds the template of the system itself. Counts come with each table; what could be built is returned even
    /// when there are errors, so that more of them are found. `tainted` names devices whose tables have errors.
    pub fn root(
        &mut self,
        devices: &[DeviceTable],
        counts: &[(u32, bool)],
        links: &[LinkTable],
        tainted: &HashSet<String>,
    ) -> Template {
        let layout = self.layout(None, &SplitTable::default());
        let mut template = Template {
            part: None,
            layout,
            own_ports: 0,
            children: Vec::new(),
            devices: 0,
            ports: 0,
            exports: Vec::new(),
            links: Vec::new(),
        };
        self.children(&mut template, devices, counts);
        let failed = failed_names(&template, devices, tainted);
        template.links = super::link_table::expand_tables(&template, links, &failed, self);
        template
    }

    fn children(&mut self, template: &mut Template, tables: &[DeviceTable], counts: &[(u32, bool)]) {
        check_unique(tables.iter().map(|t| &t.id), "devices", self.problems);
        let mut order: Vec<usize> = (0..tables.len()).collect();
        order.sort_by(|a, b| natural(&tables[*a].id, &tables[*b].id));
        for at in order {
            if self.problems.is_full() {
                break;
            }
            let (table, (count, indexed)) = (&tables[at], counts[at]);
            if !check_id(&table.id, "a device", self.problems) {
                continue;
            }
            if count == 0 {
                let span = table.count.as_ref().map_or(table.id.span, |c| c.span);
                self.problems.push(
                    Problem::error("number-range", format!("`{}` has no devices", table.id.value), span, "zero")
                        .help("leave the table out instead"),
                );
                continue;
            }
            let Some(inner) = self.device(table) else { continue };
            let inner_template = &self.templates.list[inner];
            let (first_device, first_port) = (template.devices, template.ports);
            template.devices = template.devices.saturating_add(inner_template.devices.saturating_mul(u64::from(count)));
            template.ports = template.ports.saturating_add(inner_template.ports.saturating_mul(u64::from(count)));
            if template.devices > super::expand::DEVICE_LIMIT || template.ports > super::expand::PORT_LIMIT {
                self.problems.push(
                    Problem::error(
                        "too-large",
                        format!(
                            "{} devices with {} ports are more than the {} devices or {} ports that a system may have",
                            template.devices,
                            template.ports,
                            super::expand::DEVICE_LIMIT,
                            super::expand::PORT_LIMIT
                        ),
                        table.count.as_ref().map_or(table.id.span, |c| c.span),
                        "too many",
                    )
                    .help("model one part of the system, or leave inner devices out of the assembly"),
                );
                (template.devices, template.ports) = (first_device, first_port);
                continue;
            }
            template.children.push(Child {
                name: table.id.value.clone(),
                template: inner,
                count,
                indexed,
                first_device,
                first_port,
                span: table.id.span,
                table: at,
            });
        }
    }

    fn exports(&mut self, template: &mut Template, tables: &[ExportTable]) {
        for table in tables {
            if !check_id(&table.id, "an export", self.problems) {
                continue;
            }
            if let Some(selected) = self.select(template, &table.ports) {
                template
                    .exports
                    .push(Export { name: table.id.value.clone(), ports: selected.iter().map(|s| s.port).collect() });
            }
        }
    }

    /// The layout of a part's ports, shared when it is the same.
    fn layout(&mut self, part: Option<(PartId, &Part)>, split: &SplitTable) -> LayoutId {
        let mut ports = Vec::new();
        if let Some((_, part)) = part {
            let pieces = super::split::resolve(part, split, self.problems);
            for (number, group) in part.port.iter().enumerate() {
                let mut index = 0;
                for port in 0..group.count.min(4096) {
                    let whole = [group.lanes];
                    let lanes = pieces.get(&(number, port)).map_or(whole.as_slice(), |l| l.as_slice());
                    for lanes in lanes {
                        let cage = group.cage.is_some().then(|| port / group.ports_per_cage.max(1));
                        ports.push(PortShape { group: number as u32, index, lanes: *lanes, cage });
                        index += 1;
                    }
                }
            }
        }
        // `PartId(u32::MAX)` stands for the system, which has no ports.
        let layout = PortLayout { part: part.map_or(PartId(u32::MAX), |(id, _)| id), ports };
        let same = |known: &PortLayout| known.part == layout.part && known.ports == layout.ports;
        if let Some(known) = self.templates.layouts.iter().position(same) {
            return LayoutId(known as u32);
        }
        self.templates.layouts.push(layout);
        LayoutId(self.templates.layouts.len() as u32 - 1)
    }

    /// The ports that a selector names in a template; reports what is wrong with it.
    pub fn select(&mut self, template: &Template, text: &Placed<String>) -> Option<Vec<Selected>> {
        let selected = Selector::parse(text).and_then(|selector| {
            let mut selected = Vec::new();
            for path in &selector.paths {
                self.walk(template, path, (0, 0), None, &mut selected)?;
            }
            Ok(selected)
        });
        match selected {
            Ok(selected) => Some(selected),
            Err(error) => {
                self.problems.push(error.problem(text));
                None
            }
        }
    }

    fn walk(
        &self,
        template: &Template,
        steps: &[super::selector::Step],
        (device, port): (u64, u64),
        outer: Option<u32>,
        out: &mut Vec<Selected>,
    ) -> Result<(), SelectorError> {
        let Some((step, rest)) = steps.split_first() else { return Ok(()) };
        if rest.is_empty() {
            return self.last_step(template, step, (device, port), outer, out);
        }
        let Some(child) = template.children.iter().find(|c| c.name == step.name) else {
            let near = nearest(&step.name, template.children.iter().map(|c| c.name.as_str()));
            let names: Vec<&str> = template.children.iter().map(|c| c.name.as_str()).collect();
            return Err(SelectorError {
                message: match near {
                    Some(near) => format!("no device is called `{}`; did you mean `{near}`?", step.name),
                    None => format!("no device is called `{}`", step.name),
                },
                at: step.at.clone(),
                help: format!("devices here: {}", short_list(&names)),
            });
        };
        let numbers = step.index.numbers(child.count).map_err(|wrong| SelectorError {
            message: format!(
                "`{}` has {} devices, numbered from 0; {wrong} is not one of them",
                child.name, child.count
            ),
            at: step.at.clone(),
            help: format!("use [0-{}] or [*]", child.count - 1),
        })?;
        let inner = &self.templates.list[child.template];
        for number in numbers {
            let device = device + child.first_device + u64::from(number) * inner.devices;
            let port = port + child.first_port + u64::from(number) * inner.ports;
            self.walk(inner, rest, (device, port), Some(outer.unwrap_or(device as u32)), out)?;
        }
        Ok(())
    }

    fn last_step(
        &self,
        template: &Template,
        step: &super::selector::Step,
        (device, port): (u64, u64),
        outer: Option<u32>,
        out: &mut Vec<Selected>,
    ) -> Result<(), SelectorError> {
        let error = |message: String, help: String| SelectorError { message, at: step.at.clone(), help };
        let Some(part) = template.part else {
            return Err(error(
                format!("`{}` names a device, not a port", step.name),
                "go on to a port: `server[*].port[*]`; `lanewright parts show PART` lists its ports".into(),
            ));
        };
        let (part, layout) = (self.catalogue.part(part), &self.templates.layouts[template.layout.0 as usize]);
        // Relative ports of the group or export, counted from this device's first port.
        let ports: Vec<u32> = if let Some(group) = part.port.iter().position(|g| g.id.value == step.name) {
            (0..layout.ports.len() as u32).filter(|p| layout.ports[*p as usize].group == group as u32).collect()
        } else if let Some(export) = template.exports.iter().find(|e| e.name == step.name) {
            export.ports.clone()
        } else {
            let names: Vec<&str> = part
                .port
                .iter()
                .map(|g| g.id.as_str())
                .chain(template.exports.iter().map(|e| e.name.as_str()))
                .collect();
            let near = nearest(&step.name, names.iter().copied());
            return Err(error(
                match near {
                    Some(near) => format!("`{}` has no port `{}`; did you mean `{near}`?", part.id.value, step.name),
                    None => format!("`{}` has no port `{}`", part.id.value, step.name),
                },
                if names.is_empty() {
                    format!("`{}` has no ports that can be linked", part.id.value)
                } else {
                    format!("ports of `{}`: {}", part.id.value, short_list(&names))
                },
            ));
        };
        let numbers = step.index.numbers(ports.len() as u32).map_err(|wrong| {
            error(
                format!(
                    "`{}` of `{}` has {} ports, numbered from 0; {wrong} is not one of them",
                    step.name,
                    part.id.value,
                    ports.len()
                ),
                format!("use [0-{}] or [*]", ports.len().saturating_sub(1)),
            )
        })?;
        if out.len() + numbers.len() > super::expand::PORT_LIMIT as usize {
            return Err(error("the selector names too many ports".into(), "select fewer".into()));
        }
        let owner = device as u32;
        out.extend(numbers.into_iter().map(|n| Selected {
            port: (port + u64::from(ports[n as usize])) as u32,
            outer: outer.unwrap_or(owner),
            owner,
        }));
        Ok(())
    }
}

/// Families that may stand in a system as devices of their own.
fn can_be_device(kind: Kind) -> bool {
    !matches!(kind, Kind::Cable | Kind::Module | Kind::Fibre | Kind::Pcb | Kind::Twinax | Kind::Connector | Kind::Rack)
}

/// Names of devices that are in the file but cannot be relied on: selectors that mention them are not followed.
fn failed_names(template: &Template, tables: &[DeviceTable], tainted: &HashSet<String>) -> HashSet<String> {
    let built = |name: &str| template.children.iter().any(|c| c.name == name);
    let missing = tables.iter().map(|t| &t.id.value).filter(|name| !built(name)).cloned();
    missing.chain(tainted.iter().cloned()).collect()
}

/// Names joined by commas, cut after a dozen.
pub fn short_list(names: &[&str]) -> String {
    match names.len() {
        0 => "none".into(),
        1..=12 => names.join(", "),
        more => format!("{}, and {} more", names[..12].join(", "), more - 12),
    }
}
