//! The system file as written: every table with every key, places kept.

use crate::catalogue::part::{Part, Shape, Side};
use crate::figure::Band;
use crate::text::Placed;
use crate::units::*;

words! {
    /// How a link table pairs the ports that its selectors name.
    pub enum Pattern ("pattern") {
        /// First with first, second with second; both sides must have the same number of ports.
        InOrder = "in-order",
        /// Every device of `from` with every other one.
        FullMesh = "full-mesh",
        /// Port r of every host goes to the switch of rail r in the host's group.
        Rail = "rail",
        /// Every device of `from` with every device of `to` (within a group or plane, if given).
        LeafSpine = "leaf-spine",
        /// Hosts on a folded Clos of any radix and number of tiers (`via` names the upper tiers).
        FatTree = "fat-tree",
        /// Devices of `from` on a grid of `dims`, each with its neighbours; `wrap` closes the rings.
        Torus = "torus",
        /// Routers of `from` in `groups` groups, all-to-all within and between groups.
        Dragonfly = "dragonfly",
        /// The pairs in `pairs`.
        Explicit = "explicit",
    }

    /// How a cable runs between two racks.
    pub enum Routing ("routing") {
        /// Up to a tray above the racks, along rows and aisles, and down.
        Overhead = "overhead",
        /// Under a raised floor.
        Underfloor = "underfloor",
        /// Straight from one point to the other (neighbouring racks, one room).
        Direct = "direct",
    }
}

record! {
    /// The system file.
    pub struct SystemFile {
        /// A file whose tables this one changes; tables with the same id are merged key by key.
        extends: opt Placed<String>,
        /// Files whose tables are added to this one's.
        include: list Placed<String>,
        /// Tables of the extended file to leave out: `link.front-end`, `device.ssd`.
        remove: list Placed<String>,
        /// What the system is.
        system: req SystemTable,
        /// Where it stands.
        site: opt SiteTable,
        /// Racks and rows of racks.
        rack: list RackTable,
        /// Devices and sets of devices.
        device: list DeviceTable,
        /// Links and patterns of links.
        link: list LinkTable,
        /// Parts of this system alone, in the grammar of the catalogue.
        part: list Part,
        /// What domains must withstand.
        domain: list DomainTable,
        /// Measured channels.
        channel: list ChannelTable,
        /// What a review checks.
        limits: opt LimitsTable,
    }

    /// What the system is.
    pub struct SystemTable {
        /// Name shown in reports.
        name: req Placed<String>,
        /// What it is for, in a sentence or two.
        description: opt String,
        /// Where its facts come from: ids of catalogue sources, or free text.
        sources: list String,
        /// What in it is assumed rather than known.
        assumptions: list String,
    }

    /// Where the system stands and what running it costs.
    pub struct SiteTable {
        /// Price of electricity.
        electricity_usd_per_kwh: opt BandTable,
        /// Power usage effectiveness: site power over equipment power.
        pue: opt BandTable,
        /// Life over which running cost is counted.
        life_years: opt Placed<Years>,
        /// Cost of one visit that replaces a part, labour and interruption included, without the part.
        repair_visit_usd: opt BandTable,
        /// Cost of one hour of a scale-up domain out of service.
        domain_outage_usd_per_h: opt BandTable,
        /// Hours from a failure to its repair, where a part has no figure of its own.
        repair_hours: opt BandTable,
        /// Days from ordering a spare to having it.
        spare_lead_days: opt Placed<f64>,
        /// Probability of not running out of spares within the lead time.
        spare_service_level: opt Placed<f64>,
        /// How cables run between racks.
        routing: opt Routing,
        /// Height of the cable tray above the floor, or depth of the raised floor.
        tray_m: opt Metres,
        /// Distance between the centres of neighbouring rows.
        row_pitch_m: opt Metres,
        /// Extra length of every routed cable, as a share of its length.
        slack_share: opt Ratio,
        /// Extra length of every routed cable for dressing and service loops.
        slack_m: opt Metres,
    }

    /// A band as written: a number, or low, likely and high.
    pub struct BandParts {
        /// Low end.
        low: req f64,
        /// Likely value.
        likely: req f64,
        /// High end.
        high: req f64,
    }

    /// A rack, or a row of equal racks.
    pub struct RackTable {
        /// Name used in selectors.
        id: req Placed<String>,
        /// Frame: id of a `rack` part.
        frame: req Placed<String>,
        /// Number of racks.
        count: def u32 = 1,
        /// Row in the room, counted from 0; racks beyond `per_row` start new rows.
        row: def u32 = 0,
        /// Place of the first rack in its row, counted from 0.
        column: def u32 = 0,
        /// Racks of this table in one row; absent: all.
        per_row: opt Placed<u32>,
        /// Power that the rack's feed can deliver, where it differs from the frame's figure.
        feed_kw: opt Placed<f64>,
    }

    /// A device, or a set of equal devices.
    pub struct DeviceTable {
        /// Name used in selectors.
        id: req Placed<String>,
        /// Part: id in the catalogue or of a `[[part]]` of this file.
        part: req Placed<String>,
        /// Number of devices; absent: one, or `per_rack` in every rack.
        count: opt Placed<u32>,
        /// Racks that they stand in, filled in order: `r1`, `r[*]`, `r[0-3]`.
        rack: opt Placed<String>,
        /// Devices in each rack.
        per_rack: opt Placed<u32>,
        /// Lowest unit of the first device, and the step to the next in the same rack.
        position_u: opt PositionTable,
        /// Ports split for breakout or bifurcation, by port group: `port = "2x4"`, `slot = "8+4+4"`.
        split: or_default SplitTable,
    }

    /// Links of one kind, made by a pattern from the ports that the selectors name.
    pub struct LinkTable {
        /// Name used in reports.
        id: req Placed<String>,
        /// Ports at one end: `server[*].nic[0-7].port`.
        from: opt Placed<String>,
        /// Ports at the other end.
        to: opt Placed<String>,
        /// Upper tiers of a fat tree, from the second tier up.
        via: list Placed<String>,
        /// How ports are paired.
        pattern: def Pattern = Pattern::InOrder,
        /// Pairs of the explicit pattern.
        pairs: list Vec<Placed<String>>,
        /// Protocol: `ethernet/400gbase-r4`.
        protocol: req Placed<String>,
        /// Protocol at the `to` end, where a gearboxed cable joins two lane rates.
        to_protocol: opt Placed<String>,
        /// `auto` (the default), a medium (`dac`, `aec`, `optics`, ...), or the id of a cable or module.
        medium: opt Placed<String>,
        /// Length: `route` (the default: from rack positions) or metres.
        length_m: or_default LengthTable,
        /// Domain that the links belong to: `scale-up`, `scale-out`, `front-end`, `back-end`, `storage`, ...
        domain: opt Placed<String>,
        /// Arrangement of the cables' plugs.
        cable: def Shape = Shape::Straight,
        /// What the electrical path is made of, for boards and backplanes; chips in front of a cage.
        segment: list SegmentTable,
        /// Links between each pair of devices (full mesh, leaf-spine, torus, dragonfly).
        per_pair: opt Placed<u32>,
        /// Groups that a pattern works in separately.
        groups: opt Placed<u32>,
        /// Planes of a leaf-spine pattern: device i of a group belongs to plane i modulo planes.
        planes: opt Placed<u32>,
        /// Ports of each switch that a fat tree uses; absent: those selected.
        radix: opt Placed<u32>,
        /// Sides of the grid of a torus, fastest first.
        dims: opt Placed<Vec<u32>>,
        /// Whether a torus closes its rings.
        wrap: def bool = true,
        /// Global ports of each dragonfly router.
        global_ports: opt Placed<u32>,
        /// Remarks.
        note: opt String,
    }

    /// A piece of an electrical path.
    pub struct SegmentTable {
        /// Material, cable stock, connector, retimer, gearbox or PHY: id of a part. On cabled and optical links only chips
        /// count: they sit on a line card in front of the cage.
        part: req Placed<String>,
        /// Length, for materials and cable stock.
        length_m: opt Metres,
        /// Number of pieces, for connectors, vias and chips.
        count: def u32 = 1,
    }

    /// Ports of inner devices offered by an assembly.
    pub struct ExportTable {
        /// Name used in selectors.
        id: req Placed<String>,
        /// Selector of inner ports.
        ports: req Placed<String>,
        /// Side of the assembly on which their cables leave.
        side: opt Side,
    }

    /// What a domain must withstand.
    pub struct DomainTable {
        /// Name of the domain.
        id: req Placed<String>,
        /// Accelerators that the domain needs to be in service; absent: all.
        accelerators_needed: opt Placed<u32>,
        /// Links of one accelerator that may fail before the accelerator counts as lost.
        spare_links_per_accelerator: def u32 = 0,
    }

    /// A measured channel that replaces the modelled one.
    pub struct ChannelTable {
        /// Link, by table and number: `back-end[3]`, or a whole table.
        link: req Placed<String>,
        /// Touchstone file, relative to the system file.
        touchstone: req Placed<String>,
    }

    /// What a review checks.
    pub struct LimitsTable {
        /// Smallest margin of loss under the budget at Nyquist.
        loss_margin_db_min: opt Placed<Decibels>,
        /// Smallest channel operating margin of any electrical lane.
        com_db_min: opt Placed<Decibels>,
        /// Greatest bit error ratio of any electrical lane before error correction.
        ber_max: opt Placed<f64>,
        /// Greatest share of frames that any electrical link loses behind error correction.
        flr_max: opt Placed<f64>,
        /// Greatest power of one rack.
        rack_power_kw_max: opt Placed<f64>,
        /// Greatest power of the system, without PUE.
        power_kw_max: opt Placed<f64>,
        /// Greatest purchase price.
        capex_usd_max: opt Placed<Usd>,
        /// Greatest yearly running cost.
        opex_usd_per_year_max: opt Placed<Usd>,
        /// Greatest expected number of failures a year.
        failures_per_year_max: opt Placed<f64>,
        /// Greatest one-way latency between two accelerators of a scale-up domain.
        scale_up_latency_ns_max: opt Placed<Nanoseconds>,
        /// Smallest availability of every scale-up domain.
        availability_min: opt Placed<f64>,
        /// Greatest length of any copper link.
        copper_length_m_max: opt Placed<Metres>,
    }
}

/// A band: one number, or `{ low, likely, high }`.
#[derive(Clone, Copy, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct BandTable(pub Band<f64>);

/// Positions in a rack: one unit number, or `{ start, step }`.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct PositionTable {
    /// Lowest unit of the first device, counted from 1 at the bottom.
    pub start: u32,
    /// Units to the next device of the same rack.
    pub step: u32,
    /// Where it stands in the file.
    #[serde(skip)]
    pub span: crate::text::Span,
}

/// Length of the links of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LengthTable {
    /// From rack positions.
    #[default]
    Route,
    /// As given.
    Fixed(Metres),
}

/// Splits by port group.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct SplitTable {
    /// Port group and the lanes of each part of every port in it.
    pub groups: Vec<SplitEntry>,
}

/// One split.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SplitEntry {
    /// Port group.
    pub group: Placed<String>,
    /// Lanes of each part; `2x4` is `[4, 4]`.
    pub lanes: Placed<Vec<u32>>,
}
