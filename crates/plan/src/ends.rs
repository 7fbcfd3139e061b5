//! Looking up what hangs at the ends of links: device, port group, cage, place, enclosing assemblies.
//!
//! Everything that is asked once per link is an array here.

use lanewright_model::catalogue::part::{Kind, Part, Side};
use lanewright_model::system::{Device, PartId, PortId, System};
use lanewright_model::units::Quantity;

use crate::plan::Within;
use crate::route::Place;

/// No device.
pub const NONE: u32 = u32::MAX;

/// Arrays over the devices and ports of a system.
pub struct Ends<'a> {
    /// The system.
    pub system: &'a System,
    /// For every device set and port group the side on which cables leave.
    sides: Vec<Vec<Side>>,
    /// For every layout and port the first port of the same cage, counted within the device.
    cage_start: Vec<Vec<u32>>,
    /// For every device its outermost assembly with a power, a price, a failure rate of its own.
    cover: [Vec<u32>; 3],
    /// For every device its place.
    place: Vec<Place>,
    /// For every device its outermost assembly, or itself.
    root: Vec<u32>,
}

/// One end of a link, looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkEnd {
    /// Device.
    pub device: u32,
    /// Part of the device.
    pub part: PartId,
    /// Port group.
    pub group: u32,
    /// Cage, as the number of its first port.
    pub cage: u32,
}

impl<'a> Ends<'a> {
    /// Arrays of a system.
    pub fn new(system: &'a System) -> Self {
        let catalogue = &system.catalogue;
        let mut sides: Vec<Vec<Side>> = vec![Vec::new(); system.sets.len()];
        let mut cover = [const { Vec::new() }; 3];
        for list in &mut cover {
            list.reserve(system.devices.len());
        }
        let mut place = Vec::with_capacity(system.devices.len());
        let mut root: Vec<u32> = Vec::with_capacity(system.devices.len());
        for (index, device) in system.devices.iter().enumerate() {
            let set = &system.sets[device.set.index()];
            let part = catalogue.part(set.part);
            let of_set = &mut sides[device.set.index()];
            if of_set.is_empty() {
                of_set.extend(part.port.iter().map(|g| g.side));
                for (local, port) in system.layouts[set.layout.0 as usize].ports.iter().enumerate() {
                    if let Some(side) = of_set.get_mut(port.group as usize) {
                        *side = system.port(PortId(device.first_port.0 + local as u32)).side;
                    }
                }
            }
            let figures = [part.figures.power.is_some(), part.figures.price.is_some(), part.figures.fit.is_some()];
            for (list, has) in cover.iter_mut().zip(figures) {
                let above = device.parent.map_or(NONE, |p| list[p.index()]);
                let own = if has && part.kind == Kind::Assembly { index as u32 } else { NONE };
                list.push(if above == NONE { own } else { above });
            }
            root.push(device.parent.map_or(index as u32, |p| root[p.index()]));
            place.push(place_of(system, device, part, &place));
        }
        let cage_start = system
            .layouts
            .iter()
            .map(|layout| {
                let mut first = std::collections::HashMap::new();
                layout
                    .ports
                    .iter()
                    .enumerate()
                    .map(|(index, port)| match port.cage {
                        Some(cage) => *first.entry((port.group, cage)).or_insert(index as u32),
                        None => index as u32,
                    })
                    .collect()
            })
            .collect();
        Self { system, sides, cage_start, cover, place, root }
    }

    /// The end of a link at a port. `None` when no device has the port.
    #[inline]
    pub fn end(&self, port: PortId) -> Option<LinkEnd> {
        let device_index = self.system.port_device.get(port.index())?.0;
        let device = self.system.devices.get(device_index as usize)?;
        let set = &self.system.sets[device.set.index()];
        let layout = set.layout.0 as usize;
        let local = port.0 - device.first_port.0;
        let shape = self.system.layouts[layout].ports.get(local as usize)?;
        let cage = device.first_port.0 + self.cage_start[layout][local as usize];
        Some(LinkEnd { device: device_index, part: set.part, group: shape.group, cage })
    }

    /// Where a device stands.
    pub fn place(&self, device: u32) -> Place {
        self.place.get(device as usize).copied().unwrap_or(Place::NOWHERE)
    }

    /// A device's outermost assembly, or itself.
    pub fn root(&self, device: u32) -> u32 {
        self.root.get(device as usize).copied().unwrap_or(NONE)
    }

    /// Side on which a link leaves the device's port.
    pub fn side(&self, end: &LinkEnd) -> Side {
        let set = self.system.devices[end.device as usize].set;
        self.sides[set.index()].get(end.group as usize).copied().unwrap_or(Side::Front)
    }

    /// The outermost assembly with a failure rate of its own that a device is inside of.
    pub fn failing_assembly(&self, device: u32) -> Option<u32> {
        self.cover[2].get(device as usize).copied().filter(|top| *top != NONE && *top != device)
    }

    /// Accelerators inside the first device of this part.
    pub fn accelerators_inside(&self, part: PartId) -> u32 {
        let system = self.system;
        let is = |set: lanewright_model::system::SetId| system.sets[set.index()].part == part;
        let Some(outer) = system.devices.iter().position(|d| is(d.set)) else { return 0 };
        let inside = |device: &Device| {
            let mut at = device.parent;
            while let Some(parent) = at {
                if parent.index() == outer {
                    return true;
                }
                at = system.devices[parent.index()].parent;
            }
            false
        };
        let accelerator = |d: &Device| system.catalogue.part(system.sets[d.set.index()].part).kind == Kind::Accelerator;
        system.devices.iter().filter(|d| accelerator(d) && inside(d)).count() as u32
    }

    /// Which figures of an enclosing assembly already contain those of a device.
    pub fn device_within(&self, device: u32) -> Within {
        let inside = |list: &Vec<u32>| list.get(device as usize).is_some_and(|top| *top != NONE && *top != device);
        Within { power: inside(&self.cover[0]), price: inside(&self.cover[1]), fit: inside(&self.cover[2]) }
    }

    /// Which figures of an assembly that both devices are inside of already contain those of a link.
    pub fn link_within(&self, a: u32, b: u32) -> Within {
        let shared = |list: &Vec<u32>| match (list.get(a as usize), list.get(b as usize)) {
            (Some(x), Some(y)) => *x != NONE && x == y,
            _ => false,
        };
        Within { power: shared(&self.cover[0]), price: shared(&self.cover[1]), fit: shared(&self.cover[2]) }
    }
}

/// Place of a device: its own units, or those of the assembly that it is in.
fn place_of(system: &System, device: &Device, part: &Part, places: &[Place]) -> Place {
    let Some(rack) = device.rack else { return Place::NOWHERE };
    let Some(frame) = system.racks.get(rack.index()) else { return Place::NOWHERE };
    if device.unit == 0 {
        if let Some(parent) = device.parent {
            return places[parent.index()];
        }
        // In a rack but without a unit: the middle of the frame.
        let height = f64::from(frame.units) * frame.unit.get() / 2.0;
        return Place { rack: rack.0, height: height as f32 };
    }
    let middle = f64::from(device.unit - 1) + part.size_u.unwrap_or(1.0) / 2.0;
    Place { rack: rack.0, height: (middle * frame.unit.get()) as f32 }
}
