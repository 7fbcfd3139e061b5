//! `lanewright link convert`: other formats, references, modes, ports and frequencies; cascades; fixtures taken off.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lanewright_link::network::{
    self, Interpolation, Network, PortMode, Side, cascade, deembed, renormalise, renumber, to_mixed, to_single_ended,
};
use lanewright_link::quality::port_order;
use lanewright_link::touchstone::{
    self, Comment, CommentPlace, FrequencyUnit, MatrixFormat, NumberFormat, Parameter, PortComments, TouchstoneFile,
    TwoPortOrder, Version, WriteOptions,
};
use num_complex::Complex64;

use super::network_files;
use crate::disk;
use crate::verbs::{Outcome, json_text};

/// Options of `link convert`.
#[derive(Args, Debug)]
#[command(
    after_help = "Several inputs are cascaded in their order. Steps are taken in the order of the options above: \
grid, cascade, fixtures, ports, reference, modes.

Examples:
  lanewright link convert in.s4p -o out.s4p --format ri --unit ghz
  lanewright link convert package.s4p board.s4p cable.s4p -o whole.s4p --ends 1,3:2,4
  lanewright link convert measured.s4p -o dut.s4p --deembed-left fixture.s4p --ends 1,3:2,4
  lanewright link convert in.s4p -o mixed.ts --touchstone 2.0 --pairs 1,3:2,4
  lanewright link convert in.s12p -o lane.s4p --ports 1,3,2,4 --renormalise 46.25
  lanewright link convert in.s4p -o even.s4p --grid 0.01:0.01:50 --interpolation polar"
)]
pub struct ConvertArgs {
    /// Touchstone files; several are cascaded
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// File to write, whole or not at all
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Frequencies in GHz: START:STEP:STOP, within the data
    #[arg(long, value_name = "GHZ")]
    pub grid: Option<String>,
    /// Uniform frequencies from 0 Hz, in the data's own step
    #[arg(long, conflicts_with = "grid")]
    pub to_dc: bool,
    /// How values between frequencies are found
    #[arg(long, value_enum, default_value = "cubic")]
    pub interpolation: Between,
    /// Ports of both ends for cascades and fixtures, NEAR:FAR, such as 1,3:2,4; found from the data where not given
    #[arg(long, value_name = "PORTS")]
    pub ends: Option<String>,
    /// Fixture before the near end, to be taken off
    #[arg(long, value_name = "FILE")]
    pub deembed_left: Option<PathBuf>,
    /// Fixture behind the far end, to be taken off
    #[arg(long, value_name = "FILE")]
    pub deembed_right: Option<PathBuf>,
    /// Ports to keep, in their new order; the others end in their references
    #[arg(long, value_name = "PORTS")]
    pub ports: Option<String>,
    /// Reference impedance in ohm for all ports, or one per port with commas; complex as 50+2j
    #[arg(long, value_name = "OHM")]
    pub renormalise: Option<String>,
    /// Pairs to turn into differential and common modes: +,-:+,-
    #[arg(long, value_name = "PORTS", conflicts_with = "single_ended")]
    pub pairs: Option<String>,
    /// Turn modes back into ports
    #[arg(long)]
    pub single_ended: bool,
    /// Version of Touchstone: 1, 2.0 or 2.1 (default: as the input; 2.0 where 1 cannot say it)
    #[arg(long, value_name = "VERSION", value_parser = ["1", "2.0", "2.1"])]
    pub touchstone: Option<String>,
    /// Format of numbers (default: as the input)
    #[arg(long, value_enum)]
    pub format: Option<Numbers>,
    /// Unit of frequencies (default: as the input)
    #[arg(long, value_enum)]
    pub unit: Option<Unit>,
    /// Kind of parameter (default: as the input)
    #[arg(long, value_enum)]
    pub parameter: Option<Kind>,
    /// Part of symmetric matrices that is written, version 2 alone
    #[arg(long, value_enum)]
    pub matrix: Option<Part>,
    /// Significant digits (default: as many as it takes to read the same numbers again)
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=17))]
    pub digits: Option<u8>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How values between frequencies are found.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Between {
    /// Straight lines of real and imaginary part
    Linear,
    /// Straight lines of magnitude and phase
    Polar,
    /// Cubic splines of real and imaginary part
    Cubic,
}

/// Format of numbers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Numbers {
    /// Real and imaginary part
    Ri,
    /// Magnitude and angle
    Ma,
    /// Decibels and angle
    Db,
}

/// Unit of frequencies.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Unit {
    /// Hz
    Hz,
    /// kHz
    Khz,
    /// MHz
    Mhz,
    /// GHz
    Ghz,
}

/// Kind of parameter.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Scattering
    S,
    /// Admittance
    Y,
    /// Impedance
    Z,
    /// Inverse hybrid
    G,
    /// Hybrid
    H,
}

/// Part of matrices.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Part {
    /// All
    Full,
    /// Diagonal and below
    Lower,
    /// Diagonal and above
    Upper,
}

/// Runs `link convert`.
pub fn run(args: &ConvertArgs, colour: bool) -> Outcome {
    match converted(args, colour) {
        Ok(outcome) => outcome,
        Err(message) => Outcome::bad_input(if message.ends_with('\n') { message } else { format!("{message}\n") }),
    }
}

/// Work on a network, and what was done to it in words.
struct Work {
    file: TouchstoneFile,
    done: Vec<String>,
}

fn converted(args: &ConvertArgs, colour: bool) -> Result<Outcome, String> {
    let read = |path: &Path| -> Result<TouchstoneFile, String> {
        let mut file = network_files::read(path, colour)?;
        if let Some(network) = on_grid(&file.network, args).map_err(|why| format!("{}: {why}", path.display()))? {
            file.network = network;
        }
        Ok(file)
    };
    let first = args.inputs.first().ok_or("no input")?;
    let mut work = Work { file: read(first)?, done: Vec::new() };
    let original = network_files::read(first, colour)?.network;
    if args.grid.is_some() || args.to_dc {
        work.done.push(format!("{} frequencies", work.file.network.points()));
    }
    if args.inputs.len() > 1 || args.deembed_left.is_some() || args.deembed_right.is_some() {
        join(args, &read, &mut work)?;
    }
    if let Some(text) = &args.ports {
        let ports = network_files::ports(text).map_err(|why| format!("--ports: {why}"))?;
        let network = network::sub_network(&work.file.network, &ports).map_err(|why| format!("--ports: {why}"))?;
        plain_ports_only(&work.file, "--ports")?;
        work.set(network, format!("ports {text}"));
    }
    if let Some(text) = &args.renormalise {
        let list = references(text, work.file.network.ports)?;
        let network = renormalise(&work.file.network, &list).map_err(|why| format!("--renormalise: {why}"))?;
        let modes = work.file.modes.clone();
        work.set(network, format!("reference {text} ohm"));
        work.file.modes = modes;
    }
    if args.single_ended {
        let network =
            to_single_ended(&work.file.network, &work.file.modes).map_err(|why| format!("--single-ended: {why}"))?;
        work.set(network, "single-ended".into());
    }
    if let Some(text) = &args.pairs {
        plain_ports_only(&work.file, "--pairs")?;
        let pairs: Result<Vec<(usize, usize)>, String> = text
            .split(':')
            .map(|pair| match network_files::ports(pair)?.as_slice() {
                [a, b] => Ok((*a, *b)),
                _ => Err(format!("`{pair}` is no pair; write +,-:+,- such as 1,3:2,4")),
            })
            .collect();
        let pairs = pairs.map_err(|why| format!("--pairs: {why}"))?;
        let (network, modes) = to_mixed(&work.file.network, &pairs).map_err(|why| format!("--pairs: {why}"))?;
        work.set(network, format!("modes of pairs {text}"));
        work.file.modes = modes;
    }
    if work.file.network != original {
        work.changed();
    }
    write(args, work)
}

impl Work {
    /// A new network of plain ports.
    fn set(&mut self, network: Network, done: String) {
        self.file.modes = (0..network.ports).map(PortMode::Single).collect();
        self.file.network = network;
        self.done.push(done);
    }

    /// What the input says of its own network is no longer true of another.
    fn changed(&mut self) {
        self.file.noise = Vec::new();
        self.file.port_comments = PortComments::default();
        self.file.comments.retain(|comment| comment.place <= CommentPlace::BeforeData);
        let text = format!(" made by lanewright link convert: {}", self.done.join("; "));
        self.file.comments.push(Comment { text, place: CommentPlace::BeforeData });
        self.file.matrix_format = MatrixFormat::Full;
    }
}

fn plain_ports_only(file: &TouchstoneFile, option: &str) -> Result<(), String> {
    let mixed = file.modes.iter().enumerate().any(|(at, mode)| *mode != PortMode::Single(at));
    if mixed {
        return Err(format!(
            "{option}: the input holds modes, not ports; turn them back with --single-ended in a run before"
        ));
    }
    Ok(())
}

/// The network on the grid asked for.
fn on_grid(network: &Network, args: &ConvertArgs) -> Result<Option<Network>, String> {
    let method = match args.interpolation {
        Between::Linear => Interpolation::Linear,
        Between::Polar => Interpolation::Polar,
        Between::Cubic => Interpolation::Cubic,
    };
    if args.to_dc {
        let step = network.frequency_hz.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        return network::to_dc(network, step).map(Some).map_err(|why| format!("--to-dc: {why}"));
    }
    let Some(text) = &args.grid else { return Ok(None) };
    let wrong = || format!("--grid: `{text}` is no grid; write START:STEP:STOP in GHz, such as 0.01:0.01:50");
    let words: Option<Vec<f64>> =
        text.split(':').map(|word| word.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
    let (start, step, stop) = match words.ok_or_else(wrong)?.as_slice() {
        [start, step, stop] if *start >= 0.0 && *step > 0.0 && stop >= start => (*start, *step, *stop),
        _ => return Err(wrong()),
    };
    let count = ((stop - start) / step * (1.0 + 1e-12) + 1e-9).floor();
    if count > 4e6 {
        return Err(format!("--grid: {count} frequencies are more than four million"));
    }
    // Multiples of what was typed, rounded once, so that 0.01 steps are the hertz that people mean.
    let grid: Vec<f64> = (0..=count as usize).map(|k| ((start + step * k as f64) * 1e12).round() / 1e3).collect();
    network::interpolate(network, &grid, method).map(Some).map_err(|why| format!("--grid: {why}"))
}

/// Reference impedances: one for all, or one per port.
fn references(text: &str, ports: usize) -> Result<Vec<Complex64>, String> {
    let list: Option<Vec<Complex64>> = text.split(',').map(|word| word.trim().parse::<Complex64>().ok()).collect();
    let list = list
        .filter(|list| list.iter().all(|z| z.re > 0.0 && z.is_finite()))
        .ok_or_else(|| format!("--renormalise: `{text}` is no impedance above zero; write 46.25, or 50,50,42+1j,42"))?;
    match list.as_slice() {
        [one] => Ok(vec![*one; ports]),
        _ if list.len() == ports => Ok(list),
        _ => Err(format!("--renormalise: {} impedances for {ports} ports; give one, or one per port", list.len())),
    }
}

/// Cascades the inputs and takes the fixtures off; the result has the port order of the first input.
fn join(
    args: &ConvertArgs,
    read: &dyn Fn(&Path) -> Result<TouchstoneFile, String>,
    work: &mut Work,
) -> Result<(), String> {
    plain_ports_only(&work.file, "cascade")?;
    let order = |network: &Network, path: &Path| -> Result<Vec<usize>, String> {
        if let Some(text) = &args.ends {
            let (near, far) = network_files::both_ends(text).map_err(|why| format!("--ends: {why}"))?;
            return Ok([near, far].concat());
        }
        if network.ports == 2 {
            return Ok(vec![0, 1]);
        }
        let found = port_order(network);
        if found.near.is_empty() || found.confidence < 0.5 {
            let why = found.explanation;
            return Err(format!(
                "{}: which ports are at which end is not plain ({why}); say it with --ends",
                path.display()
            ));
        }
        Ok(found.near.iter().chain(&found.far).map(|port| port - 1).collect())
    };
    let first = args.inputs.first().ok_or("no input")?;
    let at_first = order(&work.file.network, first)?;
    let ends = |network: &Network, order: &[usize], path: &Path| {
        renumber(network, order).map_err(|why| format!("{}: {why}", path.display()))
    };
    let mut whole = ends(&work.file.network, &at_first, first)?;
    for path in &args.inputs[1..] {
        let next = read(path)?.network;
        let next = ends(&next, &order(&next, path)?, path)?;
        whole = cascade(&whole, &next).map_err(|why| format!("{}: {why}", path.display()))?;
        work.done.push(format!("then {}", path.display()));
    }
    for (path, side) in [(&args.deembed_left, Side::Left), (&args.deembed_right, Side::Right)] {
        let Some(path) = path else { continue };
        let fixture = read(path)?.network;
        let fixture = ends(&fixture, &order(&fixture, path)?, path)?;
        whole = deembed(&whole, &fixture, side).map_err(|why| format!("{}: {why}", path.display()))?;
        work.done.push(format!("without {}", path.display()));
    }
    let mut back = vec![0; at_first.len()];
    for (at, port) in at_first.iter().enumerate() {
        back[*port] = at;
    }
    let network = ends(&whole, &back, first)?;
    let listed: Vec<String> = at_first.iter().map(|port| (port + 1).to_string()).collect();
    work.set(network, format!("ends {}", listed.join(" ")));
    Ok(())
}

fn write(args: &ConvertArgs, work: Work) -> Result<Outcome, String> {
    let Work { file, done } = work;
    let mut options = WriteOptions::of(&file);
    let mixed = file.modes.iter().enumerate().any(|(at, mode)| *mode != PortMode::Single(at));
    let complex = file.network.reference_ohm.iter().any(|z| z.im != 0.0);
    options.version = match args.touchstone.as_deref() {
        Some("1") => Version::V1,
        Some("2.1") => Version::V2_1,
        Some(_) => Version::V2_0,
        None if mixed || complex => file.version.max(Version::V2_0),
        None => file.version,
    };
    match args.format {
        Some(Numbers::Ri) => options.format = NumberFormat::RealImaginary,
        Some(Numbers::Ma) => options.format = NumberFormat::MagnitudeAngle,
        Some(Numbers::Db) => options.format = NumberFormat::DecibelAngle,
        None => {}
    }
    match args.unit {
        Some(Unit::Hz) => options.unit = FrequencyUnit::Hz,
        Some(Unit::Khz) => options.unit = FrequencyUnit::KHz,
        Some(Unit::Mhz) => options.unit = FrequencyUnit::MHz,
        Some(Unit::Ghz) => options.unit = FrequencyUnit::GHz,
        None => {}
    }
    match args.parameter {
        Some(Kind::S) => options.parameter = Parameter::S,
        Some(Kind::Y) => options.parameter = Parameter::Y,
        Some(Kind::Z) => options.parameter = Parameter::Z,
        Some(Kind::G) => options.parameter = Parameter::G,
        Some(Kind::H) => options.parameter = Parameter::H,
        None => {}
    }
    match args.matrix {
        Some(Part::Full) => options.matrix_format = MatrixFormat::Full,
        Some(Part::Lower) => options.matrix_format = MatrixFormat::Lower,
        Some(Part::Upper) => options.matrix_format = MatrixFormat::Upper,
        None if options.version == Version::V1 => options.matrix_format = MatrixFormat::Full,
        None => {}
    }
    if options.version == Version::V1 {
        options.two_port_order = TwoPortOrder::TwentyOneFirst;
    }
    options.digits = args.digits.map(usize::from);
    let network = &file.network;
    let name = args.output.display().to_string();
    if let Some(ports) = touchstone::ports_of_name(&name).filter(|ports| *ports != network.ports) {
        return Err(format!(
            "{name} is named for {ports} ports, the network has {}; name it .s{}p",
            network.ports, network.ports
        ));
    }
    let text = touchstone::write(&file, &options)?;
    disk::write(&args.output, text.as_bytes())?;
    let (start, stop) = (network.frequency_hz.first(), network.frequency_hz.last());
    let (start, stop) = (start.copied().unwrap_or(0.0) / 1e9, stop.copied().unwrap_or(0.0) / 1e9);
    let out = if args.json {
        json_text(serde_json::json!({
            "file": name,
            "ports": network.ports,
            "points": network.points(),
            "start_ghz": start,
            "stop_ghz": stop,
            "version": options.version,
            "format": options.format.word(),
            "parameter": options.parameter.word(),
            "done": done,
        }))
    } else {
        let steps = if done.is_empty() { String::new() } else { format!(" ({})", done.join("; ")) };
        format!(
            "wrote {name}: {} ports, {} points, {start} to {stop} GHz, version {}, {} {}{steps}\n",
            network.ports,
            network.points(),
            options.version,
            options.parameter.word(),
            options.format.word()
        )
    };
    let err: String = file.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    Ok(Outcome { err, ..Outcome::clean(out) })
}
