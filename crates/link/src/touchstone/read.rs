//! From bytes to a file: header, data, noise, in the order in which they come.

use num_complex::Complex64;

use super::fault::{Faults, TouchstoneError};
use super::records::{self, Layout, Raw};
use super::scan::{Numbers, Scanner, shown};
use super::{
    Comment, CommentPlace, MatrixFormat, OptionLine, PortComments, PortMode, TouchstoneFile, TwoPortOrder, Version,
    keyword, option_line, parameter, port_comments, ports_of_name,
};
use crate::network::Network;

/// A place: first byte, and one past the last.
type Place = (usize, usize);

/// What the header and the data said, before it is put together.
struct Parts<'a> {
    version: Option<Version>,
    options: Option<OptionLine>,
    ports: Option<usize>,
    order: Option<TwoPortOrder>,
    matrix: MatrixFormat,
    reference: Option<(Vec<Complex64>, Place)>,
    modes: Option<(Vec<(PortMode, Place)>, Place)>,
    frequencies: Option<(usize, Place)>,
    noise_frequencies: Option<(usize, Place)>,
    information: Vec<String>,
    /// Comments with the count of data numbers before them; `None` before the data.
    comments: Vec<(&'a [u8], CommentPlace, Option<usize>)>,
    data: Option<Numbers>,
    noise: Option<Numbers>,
}

/// Reads a file.
pub(super) fn read(bytes: &[u8], name: &str) -> Result<TouchstoneFile, TouchstoneError> {
    let mut faults = Faults::new(bytes);
    let file = not_text(bytes, &mut faults).map_or_else(
        || {
            let parts = header_and_data(bytes, &mut faults);
            if faults.has_errors() { None } else { assemble(parts, bytes, name, &mut faults) }
        },
        |()| None,
    );
    let errors = faults.has_errors();
    let list = faults.into_list();
    match file {
        Some(file) if !errors => Ok(TouchstoneFile { warnings: list, ..file }),
        _ => Err(TouchstoneError { faults: list }),
    }
}

/// Refuses what is plainly another kind of file.
fn not_text(bytes: &[u8], faults: &mut Faults<'_>) -> Option<()> {
    let kind = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive",
        [0x1f, 0x8b, ..] => "compressed by gzip",
        _ => return None,
    };
    let help = "a Touchstone file is plain text: unpack or save it as ASCII or UTF-8";
    faults.error("touchstone-not-text", (0, 2), format!("this is {kind}"), help);
    Some(())
}

fn header_and_data<'a>(bytes: &'a [u8], faults: &mut Faults<'_>) -> Parts<'a> {
    let mut parts = Parts {
        version: None,
        options: None,
        ports: None,
        order: None,
        matrix: MatrixFormat::Full,
        reference: None,
        modes: None,
        frequencies: None,
        noise_frequencies: None,
        information: Vec::new(),
        comments: Vec::new(),
        data: None,
        noise: None,
    };
    let start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut scanner = Scanner { bytes, at: start };
    while let Some(byte) = scanner.peek() {
        if faults.is_full() {
            break;
        }
        let at = scanner.at;
        match byte {
            b'!' => {
                scanner.at += 1;
                let text = scanner.line();
                let place = match (&parts.options, &parts.data) {
                    (_, Some(_)) => CommentPlace::End,
                    (Some(_), None) => CommentPlace::BeforeData,
                    (None, None) => CommentPlace::Start,
                };
                parts.comments.push((text, place, None));
            }
            b'#' => {
                scanner.at += 1;
                if parts.options.is_none() {
                    if parts.data.is_some() {
                        let message = "the option line stands behind the data";
                        faults.error("touchstone-option-line", (at, at + 1), message, "move it before the data");
                    }
                    parts.options = Some(option_line::read(&mut scanner, faults));
                } else {
                    let length = scanner.line().len();
                    let help = "only the first option line of a file counts";
                    let message = "a second option line has no effect";
                    faults.warning("touchstone-option-line", (at, at + 1 + length), message, help);
                }
            }
            b'[' => {
                if keyword_line(&mut scanner, &mut parts, faults) == Go::Stop {
                    break;
                }
            }
            _ => {
                if parts.data.is_some() {
                    let word = shown(scanner.word());
                    let message = format!("did not expect `{word}` behind the data");
                    faults.error(
                        "touchstone-keyword",
                        (at, scanner.at),
                        message,
                        "mark comments with `!`, or remove it",
                    );
                    scanner.line();
                } else {
                    if parts.version.is_some_and(|version| version > Version::V1) {
                        let message = "the data begin without [Network Data]";
                        faults.warning("touchstone-keyword", (at, at + 1), message, "write [Network Data] before them");
                    }
                    network_data(&mut scanner, &mut parts, faults);
                }
            }
        }
    }
    parts
}

#[derive(PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

fn network_data<'a>(scanner: &mut Scanner<'a>, parts: &mut Parts<'a>, faults: &mut Faults<'_>) {
    let comments = &mut parts.comments;
    let numbers = scanner.numbers(faults, |text, count| {
        comments.push((text, if count == 0 { CommentPlace::BeforeData } else { CommentPlace::End }, Some(count)));
    });
    parts.data = Some(numbers);
}

/// One keyword with what belongs to it.
fn keyword_line<'a>(scanner: &mut Scanner<'a>, parts: &mut Parts<'a>, faults: &mut Faults<'_>) -> Go {
    let (name, at) = keyword::name(scanner, faults);
    if parts.version.is_none() && name != "version" {
        let help = "write [Version] 2.0 on the first line";
        faults.warning("touchstone-version", at, "a keyword before [Version]: taken for version 2.0", help);
        parts.version = Some(Version::V2_0);
    }
    match name.as_str() {
        "version" => {
            if parts.version.is_some() {
                faults.error("touchstone-version", at, "[Version] stands twice, or not first", "keep the first line's");
            }
            parts.version = Some(keyword::version(scanner, faults, at));
        }
        "number of ports" => parts.ports = keyword::ports(scanner, faults, at),
        "two-port data order" | "two-port order" => parts.order = Some(keyword::two_port_order(scanner, faults, at)),
        "number of frequencies" => {
            parts.frequencies = keyword::count(scanner, faults, at, "the number of frequencies").map(|n| (n, at));
        }
        "number of noise frequencies" => {
            parts.noise_frequencies =
                keyword::count(scanner, faults, at, "the number of noise frequencies").map(|n| (n, at));
        }
        "reference" => parts.reference = Some((keyword::reference(scanner, faults, at), at)),
        "matrix format" => parts.matrix = keyword::matrix_format(scanner, faults, at),
        "mixed-mode order" => parts.modes = Some((keyword::modes(scanner, faults), at)),
        "begin information" => information(scanner, parts, faults, at),
        "network data" => {
            if parts.data.is_some() {
                faults.error("touchstone-keyword", at, "a second block of network data", "keep one block per file");
                return Go::Stop;
            }
            network_data(scanner, parts, faults);
        }
        "noise data" => {
            let comments = &mut parts.comments;
            let numbers = scanner.numbers(faults, |text, _| comments.push((text, CommentPlace::End, None)));
            if parts.data.is_none() {
                faults.error(
                    "touchstone-noise",
                    at,
                    "[Noise Data] stands before [Network Data]",
                    "move it behind them",
                );
            }
            parts.noise = Some(numbers);
        }
        "end" => return Go::Stop,
        _ => {
            let known = [
                "version",
                "number of ports",
                "two-port data order",
                "number of frequencies",
                "number of noise frequencies",
                "reference",
                "matrix format",
                "mixed-mode order",
                "begin information",
                "network data",
                "noise data",
                "end",
            ];
            let help = match lanewright_model::problem::nearest(&name, known) {
                Some(near) => format!("did you mean [{near}]? The line is left out"),
                None => "the line is left out".to_string(),
            };
            faults.warning("touchstone-keyword", at, format!("the keyword `[{name}]` is not known"), &help);
            scanner.line();
        }
    }
    Go::On
}

/// Lines up to `[End Information]`, kept as they are.
fn information(scanner: &mut Scanner<'_>, parts: &mut Parts<'_>, faults: &mut Faults<'_>, at: Place) {
    if !scanner.line().trim_ascii().is_empty() {
        faults.warning("touchstone-keyword", at, "what stands behind [Begin Information] on its line is left out", "");
    }
    while scanner.at < scanner.bytes.len() {
        let line = scanner.line();
        let tight: Vec<u8> =
            line.iter().filter(|b| !matches!(b, b' ' | b'\t' | b'_')).map(u8::to_ascii_lowercase).collect();
        if tight.starts_with(b"[endinformation]") {
            return;
        }
        parts.information.push(text_of(line));
    }
    faults.error("touchstone-keyword", at, "[Begin Information] has no [End Information]", "close it");
}

/// Text of a comment: UTF-8, or else Latin-1.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_end().to_string(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect::<String>().trim_end().to_string(),
    }
}

/// Puts a file together from its parts.
fn assemble(parts: Parts<'_>, bytes: &[u8], name: &str, faults: &mut Faults<'_>) -> Option<TouchstoneFile> {
    let version = parts.version.unwrap_or(Version::V1);
    let Some(numbers) = parts.data.filter(|numbers| !numbers.values.is_empty()) else {
        let place = (bytes.len(), bytes.len());
        faults.error("touchstone-empty", place, "the file holds no network data", "is it a Touchstone file?");
        return None;
    };
    let first = numbers.place(bytes, 0);
    if parts.options.is_none() {
        let help = "write `# GHz S MA R 50`, or what is true, before the data";
        faults.warning("touchstone-option-line", first, "no option line: taken for GHz, S, MA, R 50", help);
    }
    let options = parts.options.unwrap_or_default();
    let named = ports_of_name(name);
    let ports = match (parts.ports, named) {
        (Some(ports), _) | (None, Some(ports)) => ports,
        (None, None) => match records::ports_of_shape(&numbers) {
            Some(ports) => ports,
            None => {
                let help = "name the file after its ports, such as x.s4p, or write [Number of Ports]";
                faults.error(
                    "touchstone-ports",
                    first,
                    "the number of ports is not told and not plain from the data",
                    help,
                );
                return None;
            }
        },
    };
    if version > Version::V1 {
        if parts.ports.is_none() {
            let message = format!("no [Number of Ports]: taken for {ports}");
            faults.warning("touchstone-keyword", first, message, "write it before the data");
        } else if named.is_some_and(|named| named != ports) {
            let message = format!("the file's name tells another number of ports than its {ports}");
            faults.warning("touchstone-ports", first, message, "[Number of Ports] counts");
        }
        if ports == 2 && parts.order.is_none() && parts.matrix == MatrixFormat::Full {
            let help = "write [Two-Port Data Order] 21_12 or 12_21 before the data";
            faults.warning("touchstone-keyword", first, "no [Two-Port Data Order]: taken for 21_12", help);
        }
    }
    let layout = Layout {
        ports,
        version,
        options: &options,
        order: parts.order.unwrap_or_default(),
        matrix: parts.matrix,
        noise_follows: version == Version::V1,
    };
    let Raw { frequency_hz, mut values, mut noise } = records::network(&numbers, bytes, &layout, faults)?;
    if let Some((count, at)) = parts.frequencies.filter(|(count, _)| *count != frequency_hz.len()) {
        let message = format!("{count} frequencies are announced, the data hold {}", frequency_hz.len());
        faults.error("touchstone-frequencies", at, message, "correct the number, or find what is missing");
    }
    if let Some(numbers) = &parts.noise {
        noise = records::noise(numbers, bytes, 0, options.unit, faults);
    }
    if let Some((count, at)) = parts.noise_frequencies.filter(|(count, _)| *count != noise.len()) {
        let message = format!("{count} noise frequencies are announced, the data hold {}", noise.len());
        faults.error("touchstone-noise", at, message, "correct the number, or find what is missing");
    }
    let device_reference = reference(parts.reference, &options, ports, first, faults)?;
    let (modes, reference_ohm) = modes(parts.modes, &device_reference, faults)?;
    parameter::to_scattering(&mut values, ports, &options, version, &reference_ohm, first, faults)?;
    let points = frequency_hz.len();
    let record = layout.record();
    let comments = parts.comments.iter().map(|(text, place, count)| {
        let place = match (*place, *count) {
            (CommentPlace::End, Some(count)) if count <= points * record => {
                CommentPlace::Point((count.max(1) - 1) / record)
            }
            (place, _) => place,
        };
        Comment { text: text_of(text), place }
    });
    let comments: Vec<Comment> = comments.collect();
    let port_comments: PortComments = port_comments::read(&comments, ports, points);
    if port_comments.vary(&reference_ohm) {
        let message = "port impedances in comments differ from the reference of the option line".to_string();
        let help = "the parameters are kept as they are; renormalise with these impedances if the program that wrote them did not";
        faults.warning("touchstone-port-impedance", first, message, help);
    }
    Some(TouchstoneFile {
        version,
        network: Network { ports, frequency_hz, s: values, reference_ohm },
        modes,
        two_port_order: layout.order,
        matrix_format: parts.matrix,
        noise,
        comments,
        information: parts.information,
        port_comments,
        warnings: Vec::new(),
        options,
    })
}

/// Reference impedance of each port of the device.
fn reference(
    keyword: Option<(Vec<Complex64>, Place)>,
    options: &OptionLine,
    ports: usize,
    first: Place,
    faults: &mut Faults<'_>,
) -> Option<Vec<Complex64>> {
    let (list, at) = match keyword {
        Some((list, at)) => (list, at),
        None => (options.resistance_ohm.iter().map(|r| Complex64::new(*r, 0.0)).collect(), first),
    };
    if list.len() == ports {
        return Some(list);
    }
    if let [one] = list.as_slice() {
        return Some(vec![*one; ports]);
    }
    let message = format!("{} reference impedances for {ports} ports", list.len());
    faults.error("touchstone-reference", at, message, "give one per port");
    None
}

/// Modes of the network's ports and their reference impedances. A pair's differential mode is referred to twice the
/// impedance of its ports, the common mode to half of it (Touchstone 2.0, mixed-mode concepts).
fn modes(
    keyword: Option<(Vec<(PortMode, Place)>, Place)>,
    device_reference: &[Complex64],
    faults: &mut Faults<'_>,
) -> Option<(Vec<PortMode>, Vec<Complex64>)> {
    const CODE: &str = "touchstone-mixed-mode";
    let ports = device_reference.len();
    let Some((list, at)) = keyword else {
        return Some(((0..ports).map(PortMode::Single).collect(), device_reference.to_vec()));
    };
    if list.len() != ports {
        let message = format!("{} modes for {ports} ports", list.len());
        faults.error(CODE, at, message, "give one mode per port of the matrix");
        return None;
    }
    let mut reference = Vec::with_capacity(ports);
    for (index, (mode, place)) in list.iter().enumerate() {
        let (a, b) = match *mode {
            PortMode::Single(a) => (a, a),
            PortMode::Differential(a, b) | PortMode::Common(a, b) => (a, b),
        };
        if a.max(b) >= ports {
            faults.error(CODE, *place, format!("there is no port {}", a.max(b) + 1), "ports count from 1");
            return None;
        }
        if list[..index].iter().any(|(other, _)| other == mode) {
            faults.error(CODE, *place, "the mode stands twice", "give each mode once");
            return None;
        }
        if device_reference[a] != device_reference[b] {
            let help = "give both ports of a pair the same impedance in [Reference]";
            faults.error(CODE, *place, "the ports of the pair have different reference impedances", help);
            return None;
        }
        let whole = |port: usize| {
            let share = |other: &PortMode| match *other {
                PortMode::Single(x) => 2 * usize::from(x == port),
                PortMode::Differential(x, y) | PortMode::Common(x, y) => usize::from(x == port || y == port),
            };
            list.iter().map(|(other, _)| share(other)).sum::<usize>() == 2
        };
        let partner = match *mode {
            PortMode::Single(_) => true,
            PortMode::Differential(x, y) => {
                list.iter().any(|(m, _)| *m == PortMode::Common(x, y) || *m == PortMode::Common(y, x))
            }
            PortMode::Common(x, y) => {
                list.iter().any(|(m, _)| *m == PortMode::Differential(x, y) || *m == PortMode::Differential(y, x))
            }
        };
        if !partner || !whole(a) || !whole(b) {
            let help = "each port is single-ended, or in one pair with both its modes: D1,2 and C1,2";
            faults.error(CODE, *place, "the modes do not share out the ports", help);
            return None;
        }
        reference.push(match mode {
            PortMode::Single(_) => device_reference[a],
            PortMode::Differential(..) => device_reference[a] * 2.0,
            PortMode::Common(..) => device_reference[a] * 0.5,
        });
    }
    Some((list.into_iter().map(|(mode, _)| mode).collect(), reference))
}
