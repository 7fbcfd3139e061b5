//! Looking things up in a checked system; names are made here, on demand.

use super::checked::*;
use crate::catalogue::part::{Kind, Part, PortGroup, Side};
use crate::units::Gbps;

impl System {
    /// The device that a port belongs to.
    pub fn device_of(&self, port: PortId) -> Device {
        self.devices[self.port_device[port.0 as usize].index()]
    }

    /// Shape of a port.
    pub fn shape(&self, port: PortId) -> PortShape {
        let device = self.device_of(port);
        let layout = self.sets[device.set.index()].layout;
        self.layouts[layout.0 as usize].ports[(port.0 - device.first_port.0) as usize]
    }

    /// The part of a device.
    pub fn part_of(&self, device: DeviceId) -> &Part {
        self.catalogue.part(self.sets[self.devices[device.index()].set.index()].part)
    }

    /// A port with what the catalogue says of it, and the side on which its cable leaves.
    pub fn port(&self, port: PortId) -> PortView<'_> {
        let device = self.port_device[port.0 as usize];
        let shape = self.shape(port);
        let group: &PortGroup = &self.part_of(device).port[shape.group as usize];
        PortView { device, shape, group, side: self.side(device, group) }
    }

    /// An inner port that does not say where it leaves takes the side of the first export that names its device set
    /// with one; otherwise its own.
    fn side(&self, device: DeviceId, group: &PortGroup) -> Side {
        if group.side != Side::Internal {
            return group.side;
        }
        let mut inner = device;
        while let Some(outer) = self.devices[inner.index()].parent {
            let set = &self.sets[self.devices[inner.index()].set.index()].name;
            let export = self.part_of(outer).export.iter().find(|e| {
                let first = e.ports.split(['[', '.']).next();
                first == Some(set.as_str()) && e.side.is_some()
            });
            if let Some(side) = export.and_then(|e| e.side) {
                return side;
            }
            inner = outer;
        }
        Side::Internal
    }

    /// Name of a device: `server[3].gpu[0]`.
    pub fn device_name(&self, device: DeviceId) -> String {
        let entry = self.devices[device.index()];
        let set = &self.sets[entry.set.index()];
        let own = if set.indexed { format!("{}[{}]", set.name, entry.index) } else { set.name.clone() };
        match entry.parent {
            Some(parent) => format!("{}.{own}", self.device_name(parent)),
            None => own,
        }
    }

    /// Name of a port: `server[3].gpu[0].nvlink[5]`.
    pub fn port_name(&self, port: PortId) -> String {
        let view = self.port(port);
        let device = self.device_name(view.device);
        format!("{device}.{}[{}]", view.group.id.value, view.shape.index)
    }

    /// Path of a device set: `server.gpu`.
    pub fn set_path(&self, set: SetId) -> String {
        let entry = &self.sets[set.index()];
        match entry.parent {
            Some(parent) => format!("{}.{}", self.set_path(parent), entry.name),
            None => entry.name.clone(),
        }
    }

    /// Devices of a set in the whole system: its own number times those of the sets around it.
    pub fn set_total(&self, set: SetId) -> u64 {
        let entry = &self.sets[set.index()];
        u64::from(entry.count) * entry.parent.map_or(1, |parent| self.set_total(parent))
    }

    /// Links of a set.
    pub fn links_of(&self, set: LinkSetId) -> &[Link] {
        let range = &self.link_sets[set.index()].links;
        &self.links[range.start as usize..range.end as usize]
    }

    /// Rate of a set's links, per port and direction.
    pub fn rate(&self, set: LinkSetId) -> Gbps {
        self.catalogue.protocol(self.link_sets[set.index()].protocol).rate
    }

    /// The outermost device that a device is inside of: what stands in the rack.
    pub fn outermost(&self, device: DeviceId) -> DeviceId {
        let mut at = device;
        while let Some(parent) = self.devices[at.index()].parent {
            at = parent;
        }
        at
    }

    /// Whether a device is an assembly of others.
    pub fn is_assembly(&self, device: DeviceId) -> bool {
        self.part_of(device).kind == Kind::Assembly
    }
}
