//! What the drawings need to know of a system, gathered in one pass over its devices and links.

use std::collections::BTreeMap;

use lanewright_model::catalogue::part::{Kind, Medium, Part};
use lanewright_model::system::{DeviceId, DomainId, LinkSetId, PartId, RackId, SetId, System};
use lanewright_plan::plan::{LinkClass, Plan};
use lanewright_twin::review::Review;

/// The system and its review, with what the drawings need to know of them.
pub struct Survey<'a> {
    /// The system.
    pub system: &'a System,
    /// Its review.
    pub review: &'a Review,
    /// Racks that look the same, each once.
    pub racks: Vec<RackGroup>,
    /// Links between the same two sets in the same class.
    pub bundles: Vec<Bundle>,
    families: Vec<Family>,
}

/// Links of one class between devices of two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bundle {
    /// Class of the links: index into [`Plan::classes`].
    pub class: u32,
    /// Set at the first end.
    pub a: SetId,
    /// Set at the second end.
    pub b: SetId,
    /// How many.
    pub links: u64,
}

/// Racks with the same frame, the same feed and the same devices at the same units.
#[derive(Clone, Debug)]
pub struct RackGroup {
    /// The racks, in the system's order; the first one is drawn.
    pub racks: Vec<RackId>,
    /// Outermost devices with a place, from the bottom up.
    pub devices: Vec<DeviceId>,
    /// Outermost devices without a place of their own.
    pub loose: Vec<DeviceId>,
    /// Cables that show, by what they are.
    pub trunks: Vec<Trunk>,
}

/// What makes cables run together: domain, medium, and whether they leave the rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrunkKey {
    /// Whether they go to another rack.
    pub leaving: bool,
    /// Domain.
    pub domain: DomainId,
    /// Medium; `None` where nothing closes.
    pub medium: Option<Medium>,
}

/// Cables of one rack that run together.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// What they are.
    pub key: TrunkKey,
    /// Fewest and most links over the racks of the group.
    pub links: (u64, u64),
    /// Link ends at each device of the rack that is drawn.
    pub taps: BTreeMap<DeviceId, u64>,
}

impl<'a> Survey<'a> {
    /// Looks over a system.
    pub fn new(system: &'a System, review: &'a Review) -> Self {
        let outermost = outermost(system);
        let mut racks = group_racks(system, &outermost);
        let bundles = walk_links(system, &review.plan, &outermost, &mut racks);
        Self { system, review, racks, bundles, families: families(system) }
    }

    /// The plan.
    pub fn plan(&self) -> &'a Plan {
        &self.review.plan
    }

    /// A part; a number that the catalogue does not have gives `None`.
    pub fn part(&self, id: PartId) -> Option<&'a Part> {
        self.system.catalogue.parts.get(id.index())
    }

    /// Full name of a part.
    pub fn part_name(&self, id: PartId) -> &'a str {
        self.part(id).map_or("unknown part", |part| part.name.as_str())
    }

    /// Name of a link set.
    pub fn link_set_name(&self, id: LinkSetId) -> &'a str {
        self.system.link_sets.get(id.index()).map_or("?", |set| set.name.as_str())
    }

    /// Name of a domain.
    pub fn domain_name(&self, id: DomainId) -> &'a str {
        self.system.domains.get(id.index()).map_or("?", |domain| domain.name.as_str())
    }

    /// Protocol of a class: its name and rate in Gb/s per direction.
    pub fn protocol(&self, class: &LinkClass) -> (&'a str, f64) {
        self.system
            .catalogue
            .protocols
            .get(class.protocol.index())
            .map_or(("?", 0.0), |protocol| (protocol.id.as_str(), protocol.rate.0))
    }

    /// Name of a device within its parent: `server[3]`, or `spine` when there is one.
    pub fn device_name(&self, id: DeviceId) -> String {
        let device = &self.system.devices[id.index()];
        let set = &self.system.sets[device.set.index()];
        if set.indexed { format!("{}[{}]", set.name, device.index) } else { set.name.clone() }
    }
}

/// For every device the outermost assembly that it is inside of, or itself.
fn outermost(system: &System) -> Vec<DeviceId> {
    let mut out: Vec<DeviceId> = Vec::with_capacity(system.devices.len());
    for (i, device) in system.devices.iter().enumerate() {
        // Assemblies stand before their inner devices, so the parent is known already.
        let top = device.parent.and_then(|parent| out.get(parent.index()).copied());
        out.push(top.unwrap_or(DeviceId(i as u32)));
    }
    out
}

/// Everything that shows on the front of a rack: frame, units, feed, and for each device its unit, its part and
/// its name without numbers (`leaf-su1` and `leaf-su2` look the same).
type Face = (PartId, u32, Option<u64>, Vec<(u32, PartId, String)>);

/// A name without its digits: what is left of a numbered series.
pub fn series(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn group_racks(system: &System, outermost: &[DeviceId]) -> Vec<RackGroup> {
    let mut placed: Vec<Vec<DeviceId>> = vec![Vec::new(); system.racks.len()];
    for (i, device) in system.devices.iter().enumerate() {
        let id = DeviceId(i as u32);
        if let (Some(rack), true) = (device.rack, outermost[i] == id)
            && let Some(list) = placed.get_mut(rack.index())
        {
            list.push(id);
        }
    }
    let mut groups: Vec<RackGroup> = Vec::new();
    let mut by_face: BTreeMap<Face, usize> = BTreeMap::new();
    for (i, mut devices) in placed.into_iter().enumerate() {
        let rack = &system.racks[i];
        devices.sort_by_key(|id| (system.devices[id.index()].unit, *id));
        let face = devices.iter().filter_map(|id| {
            let device = &system.devices[id.index()];
            let set = system.sets.get(device.set.index())?;
            Some((device.unit, set.part, series(&set.name)))
        });
        let face = face.collect();
        let key = (rack.frame, rack.units, rack.feed.map(|feed| feed.0.to_bits()), face);
        let group = *by_face.entry(key).or_insert_with(|| {
            let (devices, loose) = devices.iter().partition(|id| system.devices[id.index()].unit > 0);
            groups.push(RackGroup { racks: Vec::new(), devices, loose, trunks: Vec::new() });
            groups.len() - 1
        });
        groups[group].racks.push(RackId(i as u32));
    }
    groups
}

/// Counts of one rack: few keys, so a list beats a map.
type Tally = Vec<(TrunkKey, u64)>;

fn add(tally: &mut Tally, key: TrunkKey) {
    match tally.iter_mut().find(|(k, _)| *k == key) {
        Some((_, count)) => *count += 1,
        None => tally.push((key, 1)),
    }
}

fn walk_links(system: &System, plan: &Plan, outermost: &[DeviceId], groups: &mut [RackGroup]) -> Vec<Bundle> {
    // Which racks are drawn, and for which group.
    let mut drawn: Vec<Option<usize>> = vec![None; system.racks.len()];
    for (g, group) in groups.iter().enumerate() {
        if let Some(rack) = group.racks.first() {
            drawn[rack.index()] = Some(g);
        }
    }
    let mut tallies: Vec<Tally> = vec![Tally::new(); system.racks.len()];
    let mut taps: Vec<BTreeMap<TrunkKey, BTreeMap<DeviceId, u64>>> = vec![BTreeMap::new(); groups.len()];
    let mut bundles: BTreeMap<(u32, SetId, SetId), u64> = BTreeMap::new();
    // Neighbouring links mostly belong together: count runs before touching the map.
    let mut run: Option<((u32, SetId, SetId), u64)> = None;

    for set in &system.link_sets {
        for i in set.links.clone() {
            let Some(link) = system.links.get(i as usize) else { continue };
            let class = plan.class_of_link.get(i as usize).copied().unwrap_or(u32::MAX);
            let [Some(a), Some(b)] = [link.a, link.b].map(|port| system.port_device.get(port.index()).copied()) else {
                continue;
            };
            let ends = [a, b];
            let [a, b] = ends.map(|device| &system.devices[device.index()]);
            let key = (class, a.set, b.set);
            match &mut run {
                Some((k, n)) if *k == key => *n += 1,
                _ => {
                    if let Some((k, n)) = run.replace((key, 1)) {
                        *bundles.entry(k).or_default() += n;
                    }
                }
            }
            let tops = ends.map(|device| outermost[device.index()]);
            if tops[0] == tops[1] || (a.rack.is_none() && b.rack.is_none()) {
                continue; // inside one device, or in no rack
            }
            let medium = plan.classes.get(class as usize).and_then(|c| c.choice.as_ref()).map(|c| c.medium);
            let key = TrunkKey { leaving: a.rack != b.rack, domain: set.domain, medium };
            for (side, device) in [a, b].into_iter().enumerate() {
                let Some(rack) = device.rack.map(RackId::index).filter(|r| *r < tallies.len()) else { continue };
                if side == 0 || key.leaving {
                    add(&mut tallies[rack], key);
                }
                if let Some(group) = drawn[rack] {
                    *taps[group].entry(key).or_default().entry(tops[side]).or_default() += 1;
                }
            }
        }
    }
    if let Some((k, n)) = run {
        *bundles.entry(k).or_default() += n;
    }

    for (group, taps) in groups.iter_mut().zip(taps) {
        for (key, taps) in taps {
            let counts = group
                .racks
                .iter()
                .map(|rack| tallies[rack.index()].iter().find(|(k, _)| *k == key).map_or(0, |(_, count)| *count));
            let links = counts.fold((u64::MAX, 0), |(low, high), n| (low.min(n), high.max(n)));
            group.trunks.push(Trunk { key, links, taps });
        }
    }
    bundles.into_iter().map(|((class, a, b), links)| Bundle { class, a, b, links }).collect()
}

/// What a device is for, to colour it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Accelerators and edge SoCs, and what holds them.
    Compute,
    /// Switches.
    Switch,
    /// NICs and DPUs.
    Nic,
    /// Host processors and their memory.
    Host,
    /// Storage.
    Storage,
    /// Cameras and other sensors.
    Sensor,
    /// Power and cooling.
    Power,
    /// Cables, modules, fibres.
    Cable,
    /// Retimers and other chips on the way.
    Chip,
    /// Anything else.
    Other,
}

impl Family {
    /// Name of its CSS class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Compute => "f-compute",
            Self::Switch => "f-switch",
            Self::Nic => "f-nic",
            Self::Host => "f-host",
            Self::Storage => "f-storage",
            Self::Sensor => "f-sensor",
            Self::Power => "f-power",
            Self::Cable => "f-cable",
            Self::Chip => "f-chip",
            Self::Other => "f-other",
        }
    }

    /// Family of a kind of part; an assembly's is that of its most telling inner part.
    pub fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Accelerator | Kind::Soc => Self::Compute,
            Kind::Switch => Self::Switch,
            Kind::Nic => Self::Nic,
            Kind::Cpu | Kind::Cxl | Kind::Memory => Self::Host,
            Kind::Ssd => Self::Storage,
            Kind::Camera | Kind::Sensor => Self::Sensor,
            Kind::Shelf | Kind::Rack => Self::Power,
            Kind::Cable | Kind::Module | Kind::Fibre => Self::Cable,
            Kind::Retimer | Kind::Gearbox | Kind::Phy | Kind::Dsp | Kind::Serdes | Kind::Chiplet => Self::Chip,
            Kind::Endpoint | Kind::Assembly | Kind::Pcb | Kind::Twinax | Kind::Connector => Self::Other,
        }
    }
}

/// Family of every set. An assembly is what its inner devices make it.
fn families(system: &System) -> Vec<Family> {
    let kind = |part: PartId| system.catalogue.parts.get(part.index()).map_or(Kind::Endpoint, |part| part.kind);
    let mut families: Vec<Family> = system.sets.iter().map(|set| Family::of_kind(kind(set.part))).collect();
    // Inner sets tell the assembly around them; one round for each level of nesting.
    for _ in 0..8 {
        let mut changed = false;
        for (i, set) in system.sets.iter().enumerate() {
            let Some(parent) = set.parent.map(SetId::index).filter(|p| *p < families.len()) else { continue };
            // Families are declared in the order of how much they say.
            if kind(system.sets[parent].part) == Kind::Assembly && families[i] < families[parent] {
                families[parent] = families[i];
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    families
}

impl Survey<'_> {
    /// What the devices of a set are for.
    pub fn family(&self, id: SetId) -> Family {
        self.families.get(id.index()).copied().unwrap_or(Family::Other)
    }
}
