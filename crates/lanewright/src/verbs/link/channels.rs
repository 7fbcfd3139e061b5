//! Touchstone files to the channels of an evaluation.

use std::path::{Path, PathBuf};

use lanewright_link::com::channel::{ChannelSet, DifferentialChannel};
use lanewright_link::com::differential::differential_channel;
use lanewright_link::com::parameters::{ComParameters, FrequencyGrid};
use lanewright_link::network::Network;
use lanewright_link::touchstone;
use rayon::prelude::*;

use super::network_files;

/// A victim with its aggressors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The channel under test.
    pub thru: PathBuf,
    /// Far-end aggressors.
    pub fext: Vec<PathBuf>,
    /// Near-end aggressors.
    pub next: Vec<PathBuf>,
}

impl Files {
    /// Every file with the part that it plays, the victim first.
    fn parts(&self) -> impl Iterator<Item = (&PathBuf, &'static str)> {
        std::iter::once((&self.thru, "THRU"))
            .chain(self.fext.iter().map(|path| (path, "FEXT")))
            .chain(self.next.iter().map(|path| (path, "NEXT")))
    }
}

/// Channels as read, and what is odd about them.
pub struct Channels {
    /// For the evaluation.
    pub set: ChannelSet,
    /// Sentences with the file's name.
    pub warnings: Vec<String>,
    /// Hash of all files' contents and of the parts they play.
    pub hash: Hash,
}

/// FNV-1a over 128 bits: enough to tell any two inputs of a batch apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u128);

impl Hash {
    /// Of nothing.
    pub const EMPTY: Self = Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);

    /// With bytes appended.
    pub fn with(mut self, bytes: &[u8]) -> Self {
        // Eight bytes a round: the text of a channel has megabytes, and a round takes a multiplication.
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            self = self.round(u128::from(word));
        }
        for byte in chunks.remainder() {
            self = self.round(u128::from(*byte));
        }
        self.round(bytes.len() as u128)
    }

    fn round(self, word: u128) -> Self {
        Self((self.0 ^ word).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)).mixed()
    }

    /// FNV's low bits never see its high ones; a turn brings them down.
    fn mixed(self) -> Self {
        Self(self.0 ^ self.0 >> 61)
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

/// How problems of files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// With the lines that they are in, for the terminal.
    Drawn {
        /// In colours.
        colour: bool,
    },
    /// In one line, for tables.
    Plain,
}

impl Style {
    /// As a command shows them: JSON has no room for drawings.
    pub fn of(json: bool, colour: bool) -> Self {
        if json { Self::Plain } else { Self::Drawn { colour } }
    }
}

/// What is asked of the data.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Port order and frequencies.
    pub grid: &'a FrequencyGrid,
    /// Symbol rate in baud.
    pub baud_hz: f64,
}

/// Reads the files side by side. An error is text, ready to print.
pub fn read(files: &Files, parameters: &ComParameters, style: Style) -> Result<Channels, String> {
    read_asked(files, Asked { grid: &parameters.grid, baud_hz: parameters.signal.baud_hz }, style)
}

/// The same for receivers that no sheet describes.
pub fn read_asked(files: &Files, asked: Asked<'_>, style: Style) -> Result<Channels, String> {
    let parts: Vec<(&PathBuf, &str)> = files.parts().collect();
    let read: Vec<Result<One, String>> = parts.par_iter().map(|(path, part)| one(path, part, asked, style)).collect();
    let errors: Vec<&str> = read.iter().filter_map(|one| one.as_ref().err().map(String::as_str)).collect();
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    let (mut warnings, mut hash) = (Vec::new(), Hash::EMPTY);
    let mut channels = Vec::new();
    for (one, (_, part)) in read.into_iter().flatten().zip(&parts) {
        warnings.extend(one.warnings);
        hash = hash.with(part.as_bytes()).with(one.hash.to_string().as_bytes());
        channels.push(one.channel);
    }
    let mut channels = channels.into_iter();
    let Some(victim) = channels.next() else { return Err("no channel was read".into()) };
    let fext = channels.by_ref().take(files.fext.len()).collect();
    let set = ChannelSet { victim, fext, next: channels.collect() };
    Ok(Channels { set, warnings, hash })
}

/// Hash of the files alone, without reading what they say.
pub fn hash(files: &Files) -> Option<Hash> {
    let mut hash = Hash::EMPTY;
    for (path, part) in files.parts() {
        let one = Hash::EMPTY.with(&std::fs::read(path).ok()?);
        hash = hash.with(part.as_bytes()).with(one.to_string().as_bytes());
    }
    Some(hash)
}

struct One {
    channel: DifferentialChannel,
    warnings: Vec<String>,
    hash: Hash,
}

fn one(path: &Path, part: &str, asked: Asked<'_>, style: Style) -> Result<One, String> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|why| {
        format!("error: cannot read {name}: {why}\n  help: give the {part} channel as a Touchstone file (.s4p)\n")
    })?;
    let hash = Hash::EMPTY.with(&bytes);
    let file = touchstone::parse(&bytes, &name).map_err(|error| match style {
        Style::Plain => format!("error: {name}: {error}"),
        Style::Drawn { colour } => network_files::drawn(&error.faults, &name, &bytes, colour),
    })?;
    let mut warnings: Vec<String> = file.warnings.iter().map(|fault| format!("{name}: {fault}")).collect();
    let short = path.file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
    let channel = if file.network.ports == 2 {
        warnings.push(format!(
            "{name}: a file of two ports is taken for a channel that is differential already, from port 1 to port 2"
        ));
        two_port(&short, &file.network)
    } else {
        let order = asked.grid.port_order;
        let channel = differential_channel(&short, &file.network, order).map_err(|why| {
            format!("error: {why}\n  help: a channel is a file of four ports; `Port Order` says how they lie\n")
        })?;
        if part == "THRU" {
            warnings.extend(port_order(&name, &file.network, order));
        }
        channel
    };
    warnings.extend(coverage(&name, &channel, asked));
    Ok(One { channel, warnings, hash })
}

fn two_port(name: &str, network: &Network) -> DifferentialChannel {
    DifferentialChannel {
        name: name.into(),
        frequency_hz: network.frequency_hz.clone(),
        s11: network.trace(0, 0),
        s12: network.trace(0, 1),
        s21: network.trace(1, 0),
        s22: network.trace(1, 1),
    }
}

/// What the data says of the ports, where it contradicts the sheet: at low frequencies a pair's wires pass far more than
/// what lies beside them.
fn port_order(name: &str, network: &Network, order: [usize; 4]) -> Option<String> {
    let points = network.points().min(20);
    let passes = |from: usize, to: usize| -> f64 {
        (0..points).map(|point| network.at(point, to, from).norm()).sum::<f64>() / points.max(1) as f64
    };
    let [tx_p, tx_n, rx_p, rx_n] = order.map(|port| port - 1);
    let best =
        |from: usize| (0..4).filter(|to| *to != from).max_by(|a, b| passes(from, *a).total_cmp(&passes(from, *b)));
    let (plus, minus) = (best(tx_p)?, best(tx_n)?);
    if (plus == rx_p && minus == rx_n) || passes(tx_p, plus) < 0.3 || passes(tx_n, minus) < 0.3 {
        return None;
    }
    // The order that the data shows, when it shows one: who is driven from tx+ and from tx-.
    let shown = if plus == rx_n && minus == rx_p {
        let swapped = [tx_p, tx_n, rx_n, rx_p].map(|port| port + 1);
        format!("the receiver's wires seem to be swapped: {swapped:?} would put them right")
    } else {
        let far = best(0)?;
        let rest: Vec<usize> = (1..4).filter(|port| *port != far).collect();
        let [a, b] = rest.as_slice() else { return None };
        format!("the data looks like [{} {} {} {}]", 1, a + 1, far + 1, b + 1)
    };
    Some(format!(
        "{name}: `Port Order` [{} {} {} {}] does not fit: port {} passes most to port {}; {shown}. Set it by \
         `--set \"Port Order=[...]\"`",
        order[0],
        order[1],
        order[2],
        order[3],
        tx_p + 1,
        plus + 1,
    ))
}

/// What the sheet asks of the data's frequencies, where it falls short.
fn coverage(name: &str, channel: &DifferentialChannel, asked: Asked<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let grid = asked.grid;
    let frequencies = &channel.frequency_hz;
    if let Some(first) = frequencies.first().filter(|first| **first > grid.start_hz) {
        warnings.push(format!(
            "{name}: the data begins at {:.4} GHz; the sheet asks for {:.4} GHz or below (f_min)",
            first / 1e9,
            grid.start_hz / 1e9
        ));
    }
    let step = frequencies.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    // One hertz of rounding is none.
    if step > grid.step_hz + 1.0 {
        warnings.push(format!(
            "{name}: the data has steps of {:.4} GHz; the sheet asks for {:.4} GHz or less (Delta_f)",
            step / 1e9,
            grid.step_hz / 1e9
        ));
    }
    let nyquist = asked.baud_hz / 2.0;
    if frequencies.last().is_some_and(|last| *last < nyquist) {
        warnings.push(format!(
            "{name}: the data ends below {:.3} GHz, half the symbol rate: what lies above is extrapolated",
            nyquist / 1e9
        ));
    }
    warnings
}

/// Insertion loss in dB at a frequency, between two points of the data; `None` outside of it.
pub fn loss_db(channel: &DifferentialChannel, frequency_hz: f64) -> Option<f64> {
    let at = channel.frequency_hz.partition_point(|f| *f < frequency_hz);
    let (high, low) = (at.min(channel.frequency_hz.len().checked_sub(1)?), at.saturating_sub(1));
    if channel.frequency_hz[high] < frequency_hz || channel.frequency_hz[low] > frequency_hz {
        return None;
    }
    let (below, above) = (channel.s21[low].norm(), channel.s21[high].norm());
    let width = channel.frequency_hz[high] - channel.frequency_hz[low];
    let share = if width > 0.0 { (frequency_hz - channel.frequency_hz[low]) / width } else { 0.0 };
    Some(-20.0 * (below + (above - below) * share).log10())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_tell_contents_and_borders_apart() {
        let of = |parts: &[&[u8]]| parts.iter().fold(Hash::EMPTY, |hash, part| hash.with(part)).to_string();
        assert_eq!(of(&[b"ab"]), of(&[b"ab"]));
        assert_ne!(of(&[b"ab"]), of(&[b"a", b"b"]));
        assert_ne!(of(&[b"0123456789abcdef"]), of(&[b"1023456789abcdef"]));
        assert_ne!(of(&[b"a\0"]), of(&[b"\0a"]));
        assert_eq!(of(&[b""]).len(), 32);
    }
}
