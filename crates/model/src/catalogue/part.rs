//! Parts: what a catalogue file says of one product.

use crate::figure::Figure;
use crate::system::tables::{DeviceTable, ExportTable, LinkTable};
use crate::text::Placed;
use crate::units::*;

words! {
    /// Family of a part.
    pub enum Kind ("kind of part") {
        /// Cable with its plugs: DAC, ACC, AEC, AOC, automotive harness.
        Cable = "cable",
        /// Pluggable or co-packaged optical module.
        Module = "module",
        /// Fibre trunk or patch cable.
        Fibre = "fibre",
        /// Retimer on a board.
        Retimer = "retimer",
        /// Gearbox between lane rates.
        Gearbox = "gearbox",
        /// Line-card PHY, with or without MACsec.
        Phy = "phy",
        /// Digital signal processor, driver or amplifier inside a module.
        Dsp = "dsp",
        /// SerDes class (XSR to LR).
        Serdes = "serdes",
        /// Chiplet or die-to-die link.
        Chiplet = "chiplet",
        /// Network interface card or data-processing unit.
        Nic = "nic",
        /// Packet, flit or circuit switch.
        Switch = "switch",
        /// CXL memory controller or expander.
        Cxl = "cxl",
        /// Memory module.
        Memory = "memory",
        /// Storage device.
        Ssd = "ssd",
        /// Host processor.
        Cpu = "cpu",
        /// GPU, TPU or other data-centre accelerator.
        Accelerator = "accelerator",
        /// Edge system on a chip.
        Soc = "soc",
        /// Camera or image sensor.
        Camera = "camera",
        /// Radar, lidar or other sensor that is no camera.
        Sensor = "sensor",
        /// Display, gateway, storage box or other end of a link.
        Endpoint = "endpoint",
        /// Server, tray, board or card made of other parts.
        Assembly = "assembly",
        /// Rack frame.
        Rack = "rack",
        /// Power shelf, battery shelf, cooling unit.
        Shelf = "shelf",
        /// Board material with its trace loss.
        Pcb = "pcb",
        /// Twinaxial or coaxial cable stock with its loss by gauge.
        Twinax = "twinax",
        /// Connector, via or other lumped loss.
        Connector = "connector",
    }

    /// What carries a link between its two ports.
    pub enum Medium ("medium") {
        /// Passive direct-attach copper cable.
        Dac = "dac",
        /// Active copper cable with redrivers (linear).
        Acc = "acc",
        /// Active electrical cable with retimers or gearboxes at its ends.
        Aec = "aec",
        /// Active optical cable (fibre fixed to its modules).
        Aoc = "aoc",
        /// Pluggable optical modules with retiming DSPs, over fibre.
        Optics = "optics",
        /// Linear pluggable optics: the host's SerDes drives the laser without a DSP.
        Lpo = "lpo",
        /// Co-packaged optics.
        Cpo = "cpo",
        /// Coherent pluggable optics.
        Coherent = "coherent",
        /// Board trace.
        Pcb = "pcb",
        /// Cabled or board backplane inside a rack.
        Backplane = "backplane",
        /// Between dies in one package.
        DieToDie = "die-to-die",
        /// Automotive or camera wiring harness (coax, twisted pair).
        Harness = "harness",
    }

    /// Side of a device on which a port leaves it.
    pub enum Side ("side") {
        /// Front (cold aisle).
        Front = "front",
        /// Rear (hot aisle).
        Rear = "rear",
        /// Inside the device; no cable leaves it.
        Internal = "internal",
    }

    /// How the plugs of one cable are arranged.
    pub enum Shape ("cable shape") {
        /// One plug at each end.
        Straight = "straight",
        /// One plug at one end, two at the other.
        Y = "y",
        /// Two plugs at each end, lanes crossed between them.
        X = "x",
        /// One plug at one end, four or eight at the other.
        Splitter = "splitter",
        /// Several equal cables side by side for one port.
        Parallel = "parallel",
    }
}

record! {
    /// A part of the catalogue.
    pub struct Part {
        /// Name used in descriptions: `vendor/part`, lower case.
        id: req Placed<String>,
        /// Family.
        kind: req Kind,
        /// Full name.
        name: req String,
        /// Maker.
        vendor: opt String,
        /// Remarks: what is left out, what conflicts.
        note: opt String,
        /// Words to find it by.
        tags: list String,
        /// Whether the planner may choose it by itself. `false` where too little is known of it: then only a system
        /// that names it uses it.
        auto: def bool = true,
        /// Height in rack units of the frame it is made for.
        size_u: opt f64,
        /// Figures of the whole part.
        figures: or_default Figures,
        /// Groups of equal ports.
        port: list PortGroup,
        /// Loss at several frequencies (materials, cable stock, connectors).
        loss: list LossPoint,
        /// Cable data; for `kind = "cable"`.
        cable: opt CableSpec,
        /// Optical module data; for `kind = "module"`.
        module: opt ModuleSpec,
        /// Fibre data; for `kind = "fibre"`.
        fibre: opt FibreSpec,
        /// Retimer, gearbox and PHY data.
        retimer: opt RetimerSpec,
        /// Frame data; for `kind = "rack"`.
        frame: opt FrameSpec,
        /// Accelerator and SoC data.
        compute: opt ComputeSpec,
        /// Inner devices; for `kind = "assembly"`.
        device: list DeviceTable,
        /// Inner links; for `kind = "assembly"`.
        link: list LinkTable,
        /// Ports of inner devices offered to the outside; for `kind = "assembly"`.
        export: list ExportTable,
    }

    /// Figures that any part may have; each with unit, band, grade and source.
    #[derive(Default)]
    pub struct Figures {
        /// Electrical power of the whole part in use. For an assembly: of everything in it.
        power: opt Figure<Watts>,
        /// Electrical power of one end of a cable or of one optical module.
        power_per_end: opt Figure<Watts>,
        /// Price of the part; for a cable, of the whole cable at its shortest length.
        price: opt Figure<Usd>,
        /// Price per metre beyond the shortest length.
        price_per_m: opt Figure<UsdPerMetre>,
        /// Added latency of one pass through the part; for a cable, of both ends together.
        latency: opt Figure<Nanoseconds>,
        /// Propagation delay of the medium.
        delay_per_m: opt Figure<NanosecondsPerMetre>,
        /// Random failures of the part; for a cable or AOC, of the whole assembly.
        fit: opt Figure<Fit>,
        /// Weibull characteristic life of wear-out. Never converted to or from `fit`.
        wearout_life: opt Figure<Years>,
        /// Weibull shape of wear-out.
        wearout_shape: opt Figure<Ratio>,
        /// Time to replace it once it has failed, detection included.
        repair_time: opt Figure<Hours>,
        /// Mass.
        mass: opt Figure<Kilograms>,
        /// Greatest length or distance that the part serves.
        reach: opt Figure<Metres>,
        /// Insertion loss at Nyquist that the part recovers, bump to bump (retimers, SerDes classes).
        loss_budget: opt Figure<Decibels>,
        /// Energy per bit moved.
        energy_per_bit: opt Figure<PicojoulesPerBit>,
        /// Total switching capacity, per direction.
        switching: opt Figure<Gbps>,
        /// Packet rate.
        packet_rate: opt Figure<MegaPerSecond>,
        /// Power that a rack's feed or a shelf can deliver.
        power_capacity: opt Figure<Watts>,
        /// Conversion efficiency of a shelf.
        efficiency: opt Figure<Ratio>,
        /// Share of the line rate left after framing.
        protocol_efficiency: opt Figure<Ratio>,
        /// Pre-FEC bit error ratio that the part is specified for.
        pre_fec_ber: opt Figure<Ratio>,
        /// Smallest optical launch power minus receiver sensitivity: loss that the fibre may have.
        optical_budget: opt Figure<Decibels>,
        /// Memory or storage capacity.
        capacity: opt Figure<Gigabytes>,
        /// Memory or storage bandwidth, reads.
        bandwidth: opt Figure<GigabytesPerSecond>,
        /// Dense arithmetic in bf16.
        bf16: opt Figure<Tops>,
        /// Dense arithmetic in fp8.
        fp8: opt Figure<Tops>,
        /// Dense arithmetic in fp4.
        fp4: opt Figure<Tops>,
        /// Dense arithmetic in int8.
        int8: opt Figure<Tops>,
        /// Vendor's equivalent TOPS; never converted to operations.
        etops: opt Figure<EquivalentTops>,
        /// Image size of a camera.
        image_size: opt Figure<Megapixels>,
        /// Frames or scans per second.
        frame_rate: opt Figure<Hertz>,
        /// Data rate that the part makes.
        data_rate: opt Figure<Gbps>,
    }

    /// A group of equal ports of a part.
    pub struct PortGroup {
        /// Name used in selectors.
        id: req Placed<String>,
        /// Number of ports.
        count: def u32 = 1,
        /// SerDes lanes of each port, each with both directions.
        lanes: req u32,
        /// Protocols it speaks: full names (`ethernet/400gbase-r4`) or families (`ethernet/*`).
        protocols: req Vec<Placed<String>>,
        /// Plug form: `osfp`, `qsfp-dd`, `qsfp112`, `sfp28`, `mcio`, ...; absent for soldered ports.
        cage: opt Placed<String>,
        /// Ports that share one cage.
        ports_per_cage: def u32 = 1,
        /// Where its cable leaves.
        side: def Side = Side::Internal,
        /// Loss at the protocol's Nyquist frequency from the SerDes bump to the plug or ball, without the plug.
        host_loss: opt Figure<Decibels>,
        /// Loss at the protocol's Nyquist frequency that its SerDes recovers bump to bump, where that differs
        /// from the protocol's own budget.
        loss_budget: opt Figure<Decibels>,
        /// Port is an optical engine inside the package: its fibre leaves directly.
        co_packaged: def bool = false,
    }

    /// Loss at one frequency.
    pub struct LossPoint {
        /// Frequency.
        at_ghz: req Gigahertz,
        /// Loss per metre (materials, cable stock).
        per_m: opt Figure<DecibelsPerMetre>,
        /// Loss of one piece (connector pair, via).
        each: opt Figure<Decibels>,
    }

    /// What a cable is.
    pub struct CableSpec {
        /// Medium.
        medium: req Medium,
        /// Protocol families that it carries.
        families: req Vec<String>,
        /// Lane rates that it carries, Gb/s per lane and direction.
        lane_gbps: req Vec<f64>,
        /// Lanes of the cable, at the end with one plug.
        lanes: req u32,
        /// Plugs it is sold with; each end may have any of them.
        plugs: req Vec<String>,
        /// Arrangement of its plugs.
        shape: def Shape = Shape::Straight,
        /// Plugs at the far end (2 for a Y, 4 or 8 for a splitter).
        far_plugs: def u32 = 1,
        /// Lanes at one end per lane at the other: 2 for a cable that joins 2x50G lanes to 1x100G.
        gearbox: def u32 = 1,
        /// Cable stock whose loss it has: id of a `twinax` part.
        stock: opt Placed<String>,
        /// Mated plug whose loss it has at each end: id of a `connector` part.
        connector: opt Placed<String>,
        /// Lengths it is sold in.
        lengths_m: req Vec<f64>,
    }

    /// What an optical module is.
    pub struct ModuleSpec {
        /// Medium: `optics`, `lpo`, `cpo` or `coherent`.
        medium: req Medium,
        /// Protocol families that it carries.
        families: req Vec<String>,
        /// Electrical lane rate at its plug, Gb/s per lane and direction.
        lane_gbps: req Vec<f64>,
        /// Electrical lanes.
        lanes: req u32,
        /// Plugs it is made in; `co-packaged` for an engine in the switch package.
        plugs: req Vec<String>,
        /// Fibre it needs: id of a `fibre` part.
        fibre: req Placed<String>,
        /// Electrical loss at Nyquist that it closes between the host's SerDes and the module.
        host_loss_max: req Figure<Decibels>,
    }

    /// What a fibre is.
    pub struct FibreSpec {
        /// `smf`, `om3`, `om4`, `om5`.
        glass: req String,
        /// Fibres in the cable.
        fibres: req u32,
        /// Optical loss per length.
        loss: req Figure<DecibelsPerMetre>,
        /// Optical loss of one connector pair.
        connector_loss: req Figure<Decibels>,
    }

    /// What a retimer, gearbox or PHY is.
    pub struct RetimerSpec {
        /// Protocol families that it carries.
        families: req Vec<String>,
        /// Lane rates that it carries, Gb/s per lane and direction.
        lane_gbps: req Vec<f64>,
        /// Lanes through one chip, each with both directions.
        lanes: req u32,
        /// Lanes on one side per lane on the other.
        gearbox: def u32 = 1,
        /// Encrypts (MACsec).
        macsec: def bool = false,
    }

    /// What a rack frame is.
    pub struct FrameSpec {
        /// Number of units.
        units: req u32,
        /// Height of one unit (44.45 mm for EIA-310, 48 mm for Open Rack).
        unit_mm: req f64,
        /// Outer width.
        width_mm: req f64,
        /// Outer depth.
        depth_mm: req f64,
    }

    /// What computes.
    pub struct ComputeSpec {
        /// Memory technology: `hbm3`, `hbm3e`, `lpddr5`, ...
        memory: opt String,
        /// Processors that share work in waves: streaming multiprocessors, compute units, cores.
        processors: opt u32,
        /// Process and other remarks.
        note: opt String,
    }
}
