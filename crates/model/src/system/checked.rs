//! The checked system: ids instead of names, every reference resolved, every count known.
//!
//! Engines see only this. Names are made on demand; equal things share one description.

use std::ops::Range;
use std::sync::Arc;

use super::tables::{DomainTable, LimitsTable, Routing};
use crate::catalogue::Catalogue;
use crate::catalogue::part::{Medium, Shape, Side};
use crate::figure::Band;
use crate::text::{Placed, Span};
use crate::units::*;

crate::ids! {
    /// A part: index into [`Catalogue::parts`].
    PartId,
    /// A protocol: index into [`Catalogue::protocols`].
    ProtocolId,
    /// A rack: index into [`System::racks`].
    RackId,
    /// A set of equal devices: index into [`System::sets`].
    SetId,
    /// A device: index into [`System::devices`].
    DeviceId,
    /// A port: counted over all devices.
    PortId,
    /// A link table after expansion: index into [`System::link_sets`].
    LinkSetId,
    /// A link: index into [`System::links`].
    LinkId,
    /// A domain: index into [`System::domains`].
    DomainId,
}

/// A checked system.
#[derive(Clone, Debug)]
pub struct System {
    /// Name shown in reports.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where its facts come from.
    pub sources: Vec<String>,
    /// What in it is assumed.
    pub assumptions: Vec<String>,
    /// Where it stands.
    pub site: Site,
    /// Racks, in natural order of their names.
    pub racks: Vec<Rack>,
    /// Device sets; a set inside an assembly is listed once for each set of that assembly.
    pub sets: Vec<DeviceSet>,
    /// Devices: assemblies before their inner devices.
    pub devices: Vec<Device>,
    /// Port layouts: ports of a part after splitting. Shared by all devices of equal part and split.
    pub layouts: Vec<PortLayout>,
    /// Number of ports of all devices.
    pub port_count: u32,
    /// For every port its device.
    pub port_device: Vec<DeviceId>,
    /// Link tables, in natural order of their names.
    pub link_sets: Vec<LinkSet>,
    /// Links, those of one set next to each other.
    pub links: Vec<Link>,
    /// Domains, in natural order of their names.
    pub domains: Vec<Domain>,
    /// Limits to check; every value with its place.
    pub limits: Option<LimitsTable>,
    /// Measured channels.
    pub channels: Vec<Channel>,
    /// The catalogue, with the system's own parts added.
    pub catalogue: Arc<Catalogue>,
}

/// Where a system stands, defaults filled in.
#[derive(Clone, Debug)]
pub struct Site {
    /// US dollars per kWh.
    pub electricity_usd_per_kwh: Band<f64>,
    /// Power usage effectiveness.
    pub pue: Band<f64>,
    /// Life over which running cost is counted.
    pub life: Years,
    /// Cost of one visit that replaces a part, without the part.
    pub repair_visit: Band<Usd>,
    /// Cost of one hour of a scale-up domain out of service, in US dollars.
    pub domain_outage_usd_per_h: Band<f64>,
    /// Time from a failure to its repair where a part has no figure.
    pub repair_time: Band<Hours>,
    /// Days from ordering a spare to having it.
    pub spare_lead_days: f64,
    /// Probability of not running out of spares within the lead time.
    pub spare_service_level: f64,
    /// How cables run between racks.
    pub routing: Routing,
    /// Height of the tray above the floor, or depth of the raised floor.
    pub tray: Metres,
    /// Distance between the centres of neighbouring rows.
    pub row_pitch: Metres,
    /// Extra length as a share of the routed length.
    pub slack_share: Ratio,
    /// Extra length of every routed cable.
    pub slack: Metres,
    /// Names of the values above that the file gives; all others are defaults of grade "estimate" or
    /// "general knowledge" and count as weak.
    pub given: Vec<&'static str>,
}

/// A rack.
#[derive(Clone, Debug)]
pub struct Rack {
    /// Name: `r[3]`, or `r` when there is one.
    pub name: String,
    /// Frame part.
    pub frame: PartId,
    /// Row in the room.
    pub row: u32,
    /// Place in the row.
    pub column: u32,
    /// Units of the frame.
    pub units: u32,
    /// Height of one unit.
    pub unit: Metres,
    /// Width of the frame.
    pub width: Metres,
    /// Depth of the frame.
    pub depth: Metres,
    /// Power that the feed can deliver.
    pub feed: Option<Watts>,
    /// The table that made it.
    pub span: Span,
}

/// A set of equal devices.
#[derive(Clone, Debug)]
pub struct DeviceSet {
    /// Name in its file or assembly.
    pub name: String,
    /// Part.
    pub part: PartId,
    /// Set of the assembly that it is inside of.
    pub parent: Option<SetId>,
    /// Devices in each parent (or in the system).
    pub count: u32,
    /// Whether names of its devices carry an index.
    pub indexed: bool,
    /// Layout of each device's ports.
    pub layout: LayoutId,
    /// The table that made it.
    pub span: Span,
}

/// A port layout: index into [`System::layouts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayoutId(pub u32);

/// A device.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// Its set.
    pub set: SetId,
    /// Number within its set and parent.
    pub index: u32,
    /// Assembly that it is inside of.
    pub parent: Option<DeviceId>,
    /// Rack that it stands in, its own or its outermost assembly's.
    pub rack: Option<RackId>,
    /// Lowest unit, counted from 1; 0 when it has no place of its own.
    pub unit: u32,
    /// First of its ports.
    pub first_port: PortId,
}

/// Ports of a part after splitting.
#[derive(Clone, Debug)]
pub struct PortLayout {
    /// Part.
    pub part: PartId,
    /// Ports, in the order of the part's groups.
    pub ports: Vec<PortShape>,
}

/// One port of a layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortShape {
    /// Index of the part's port group.
    pub group: u32,
    /// Number within the group, after splitting.
    pub index: u32,
    /// Lanes, each with both directions.
    pub lanes: u32,
    /// Cage of the group that it sits in, or `None` when soldered.
    pub cage: Option<u32>,
}

/// What the file says of a link's medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediumChoice {
    /// The planner decides.
    Auto,
    /// This medium; the planner picks the part.
    Medium(Medium),
    /// This cable or module.
    Part(PartId),
}

/// A piece of an electrical path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Material, cable stock, connector or retimer.
    pub part: PartId,
    /// Length, for materials and cable stock.
    pub length: Option<Metres>,
    /// Number of pieces.
    pub count: u32,
}

/// A link table after expansion. A table inside an assembly makes one set for each device set of that
/// assembly, with the links of all its devices.
#[derive(Clone, Debug)]
pub struct LinkSet {
    /// Name: `back-end`, or `server.nvlink` inside an assembly.
    pub name: String,
    /// Protocol at the first port.
    pub protocol: ProtocolId,
    /// Protocol at the second port; differs for gearboxed cables.
    pub to_protocol: ProtocolId,
    /// What the file says of the medium.
    pub medium: MediumChoice,
    /// Length as given, or `None` when it comes from rack positions.
    pub length: Option<Metres>,
    /// What the electrical path is made of, if given.
    pub segments: Vec<Segment>,
    /// Domain.
    pub domain: DomainId,
    /// Arrangement of the cables' plugs.
    pub cable: Shape,
    /// Its links in [`System::links`].
    pub links: Range<u32>,
    /// Groups of links that share one cable: for each link the number of its cable within the set.
    pub cable_of: Vec<u32>,
    /// Number of cables.
    pub cables: u32,
    /// The table that made it.
    pub span: Span,
    /// Where its protocol stands.
    pub protocol_span: Span,
}

/// A link between two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// First port.
    pub a: PortId,
    /// Second port.
    pub b: PortId,
}

/// A domain: links that form one network.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Name.
    pub name: String,
    /// What it must withstand, if the file says.
    pub demand: Option<DomainTable>,
}

/// A measured channel.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Link set.
    pub set: LinkSetId,
    /// Number of the link in its set; `None` for all.
    pub link: Option<u32>,
    /// Touchstone file as written.
    pub touchstone: Placed<String>,
}

/// A port, looked up.
#[derive(Clone, Copy, Debug)]
pub struct PortView<'a> {
    /// Its device.
    pub device: DeviceId,
    /// Its shape.
    pub shape: PortShape,
    /// What the catalogue says of its group.
    pub group: &'a crate::catalogue::part::PortGroup,
    /// Side on which its cable leaves the rack's device.
    pub side: Side,
}
