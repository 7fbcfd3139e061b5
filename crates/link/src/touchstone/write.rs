//! Writing Touchstone files: versions 1.0 to 2.1, all formats, with as many digits as a reader needs to get the same
//! numbers.

use std::fmt::Write as _;

use num_complex::Complex64;

use super::parameter::{immittance_of, scales};
use super::{
    Comment, CommentPlace, FrequencyUnit, MatrixFormat, NumberFormat, Parameter, PortMode, TouchstoneFile,
    TwoPortOrder, Version,
};
use crate::network::immittance::from_scattering;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// Version; 1 becomes 1.1 where ports differ in their reference.
    pub version: Version,
    /// Unit of frequencies.
    pub unit: FrequencyUnit,
    /// Kind of parameter.
    pub parameter: Parameter,
    /// How complex numbers are written.
    pub format: NumberFormat,
    /// Part of the matrices, version 2 alone: a half is refused when a matrix is not symmetric.
    pub matrix_format: MatrixFormat,
    /// Order of a two-port, version 2 alone.
    pub two_port_order: TwoPortOrder,
    /// Significant digits; nothing for as many as it takes to read the same number again.
    pub digits: Option<usize>,
}

impl WriteOptions {
    /// As the file was read.
    pub fn of(file: &TouchstoneFile) -> Self {
        Self {
            version: file.version,
            unit: file.options.unit,
            parameter: file.options.parameter,
            format: file.options.format,
            matrix_format: file.matrix_format,
            two_port_order: file.two_port_order,
            digits: None,
        }
    }
}

/// Writes a file.
///
/// # Errors
/// One sentence, where the version cannot say what the file holds (modes or complex references in version 1), or the
/// parameter does not exist for the network.
pub fn write(file: &TouchstoneFile, options: &WriteOptions) -> Result<String, String> {
    let network = &file.network;
    let ports = network.ports;
    let expected = network.points() * ports * ports;
    if ports == 0 || network.s.len() != expected || network.reference_ohm.len() != ports || file.modes.len() != ports {
        return Err("the network's lists do not fit its number of ports".into());
    }
    let mut out = String::with_capacity(network.s.len() * 44 + 4096);
    let mixed = file.modes.iter().enumerate().any(|(at, mode)| *mode != PortMode::Single(at));
    let reference = device_reference(file)?;
    if options.version == Version::V1 {
        if mixed {
            return Err("version 1 cannot say which ports are differential and common: write version 2.0".into());
        }
        if reference.iter().any(|z| z.im != 0.0) {
            return Err("version 1 has no complex reference impedances: write version 2.0, or renormalise".into());
        }
        // Without a keyword, noise parameters are told by a frequency that does not rise.
        let last = network.frequency_hz.last().copied();
        if file.noise.first().is_some_and(|first| last.is_none_or(|last| first.frequency_hz > last)) {
            return Err(
                "version 1 cannot tell noise parameters above the last frequency from data: write version 2.0".into()
            );
        }
        if options.matrix_format != MatrixFormat::Full {
            return Err("version 1 has full matrices alone: write version 2.0".into());
        }
    } else {
        let _ = writeln!(out, "[Version] {}", options.version);
    }
    let comments = |out: &mut String, place: CommentPlace| comments_at(out, &file.comments, place);
    comments(&mut out, CommentPlace::Start);
    let scales = header(&mut out, file, options, &reference, mixed)?;
    comments(&mut out, CommentPlace::BeforeData);
    if options.version > Version::V1 {
        out.push_str("[Network Data]\n");
    }
    data(&mut out, file, options, &scales)?;
    noise(&mut out, file, options);
    if options.version > Version::V1 {
        out.push_str("[End]\n");
    }
    comments(&mut out, CommentPlace::End);
    Ok(out)
}

/// Reference of each port of the device, of which modes have twice or half.
fn device_reference(file: &TouchstoneFile) -> Result<Vec<Complex64>, String> {
    let mut reference = vec![None; file.network.ports];
    for (mode, z) in file.modes.iter().zip(&file.network.reference_ohm) {
        let (a, b, z) = match *mode {
            PortMode::Single(a) => (a, a, *z),
            PortMode::Differential(a, b) => (a, b, *z * 0.5),
            PortMode::Common(a, b) => (a, b, *z * 2.0),
        };
        for port in [a, b] {
            let place = reference.get_mut(port).ok_or("a mode names a port that the network has not")?;
            match place {
                None => *place = Some(z),
                Some(known) if (*known - z).norm() <= 1e-12 * z.norm() => {}
                Some(_) => {
                    return Err(
                        "the modes of a pair have references that no pair of ports can have: the differential \
                                one must be four times the common one"
                            .into(),
                    );
                }
            }
        }
    }
    reference.into_iter().map(|z| z.ok_or_else(|| "a port is in none of the modes".to_string())).collect()
}

/// Everything between the first comments and the data. Returns the factors of the parameters.
fn header(
    out: &mut String,
    file: &TouchstoneFile,
    options: &WriteOptions,
    reference: &[Complex64],
    mixed: bool,
) -> Result<Vec<f64>, String> {
    let ports = reference.len();
    let same = reference.iter().all(|z| *z == reference[0]);
    if options.parameter != Parameter::S && !immittance_of(options.parameter).is_some_and(|kind| kind.fits(ports)) {
        return Err(format!("{} parameters are of two-ports; the network has {ports} ports", options.parameter.word()));
    }
    if options.version == Version::V1 && options.parameter != Parameter::S && !same {
        return Err("version 1 cannot normalise to several resistances: write version 2.0, or renormalise".into());
    }
    let _ = write!(out, "# {} {} {} R", options.unit.word(), options.parameter.word(), options.format.word());
    let listed = if options.version == Version::V1 && !same { reference } else { &reference[..1] };
    for z in listed {
        let _ = write!(out, " {}", z.re);
    }
    out.push('\n');
    if options.version > Version::V1 {
        let _ = writeln!(out, "[Number of Ports] {ports}");
        if ports == 2 {
            let order = if options.two_port_order == TwoPortOrder::TwelveFirst { "12_21" } else { "21_12" };
            let _ = writeln!(out, "[Two-Port Data Order] {order}");
        }
        let _ = writeln!(out, "[Number of Frequencies] {}", file.network.points());
        if !file.noise.is_empty() {
            let _ = writeln!(out, "[Number of Noise Frequencies] {}", file.noise.len());
        }
        out.push_str("[Reference]");
        for (at, z) in reference.iter().enumerate() {
            out.push(if at > 0 && at % 8 == 0 { '\n' } else { ' ' });
            if z.im == 0.0 {
                let _ = write!(out, "{}", z.re);
            } else {
                let _ = write!(out, "{}{}{}j", z.re, if z.im < 0.0 { '-' } else { '+' }, z.im.abs());
            }
        }
        out.push('\n');
        match options.matrix_format {
            MatrixFormat::Full => {}
            MatrixFormat::Lower => out.push_str("[Matrix Format] Lower\n"),
            MatrixFormat::Upper => out.push_str("[Matrix Format] Upper\n"),
        }
        if mixed {
            out.push_str("[Mixed-Mode Order]");
            for mode in &file.modes {
                let _ = match mode {
                    PortMode::Single(a) => write!(out, " S{}", a + 1),
                    PortMode::Differential(a, b) => write!(out, " D{},{}", a + 1, b + 1),
                    PortMode::Common(a, b) => write!(out, " C{},{}", a + 1, b + 1),
                };
            }
            out.push('\n');
        }
        if !file.information.is_empty() {
            out.push_str("[Begin Information]\n");
            for line in &file.information {
                out.push_str(line);
                out.push('\n');
            }
            out.push_str("[End Information]\n");
        }
    }
    Ok(scales(options.parameter, options.version, ports, reference[0].re).iter().map(|scale| 1.0 / scale).collect())
}

fn comments_at(out: &mut String, comments: &[Comment], place: CommentPlace) {
    for comment in comments.iter().filter(|comment| comment.place == place) {
        // A line break inside a comment would end it and turn the rest into data.
        for line in comment.text.split(['\n', '\r']) {
            let _ = writeln!(out, "!{line}");
        }
    }
}

fn data(out: &mut String, file: &TouchstoneFile, options: &WriteOptions, scales: &[f64]) -> Result<(), String> {
    let network = &file.network;
    let ports = network.ports;
    let half = options.version > Version::V1 && options.matrix_format != MatrixFormat::Full;
    let swapped = ports == 2
        && !half
        && (options.version == Version::V1 || options.two_port_order == TwoPortOrder::TwentyOneFirst);
    let mut order: Vec<usize> = (0..ports * ports)
        .filter(|at| {
            let (row, column) = (at / ports, at % ports);
            match options.matrix_format {
                _ if !half => true,
                MatrixFormat::Full => true,
                MatrixFormat::Lower => column <= row,
                MatrixFormat::Upper => column >= row,
            }
        })
        .collect();
    if swapped {
        order.swap(1, 2);
    }
    let kind = immittance_of(options.parameter);
    let mut matrix = vec![Complex64::ZERO; ports * ports];
    // Comments within the data stand in the order of their points.
    let mut rest = file.comments.iter().filter(|c| matches!(c.place, CommentPlace::Point(_))).peekable();
    for (point, frequency) in network.frequency_hz.iter().enumerate() {
        matrix.copy_from_slice(&network.s[point * ports * ports..(point + 1) * ports * ports]);
        if let Some(kind) = kind {
            if !from_scattering(&mut matrix, kind, &network.reference_ohm) {
                return Err(format!("the network has no {} parameters at {frequency} Hz", options.parameter.word()));
            }
            for (value, scale) in matrix.iter_mut().zip(scales) {
                *value *= *scale;
            }
        }
        if half && !symmetric(&matrix, ports, kind.is_some()) {
            return Err(format!(
                "the matrix at {frequency} Hz is not symmetric, so that half of it does not tell it all"
            ));
        }
        number(out, in_unit(*frequency, options.unit), options.digits);
        let (mut in_line, mut row) = (0, 0);
        for at in &order {
            let new_row = at / ports != row && (ports > 2 || half);
            if in_line == 4 || new_row {
                out.push('\n');
                in_line = 0;
            }
            row = at / ports;
            let (first, second) = pair(matrix[*at], options.format);
            out.push(' ');
            number(out, first, options.digits);
            out.push(' ');
            number(out, second, options.digits);
            in_line += 1;
        }
        out.push('\n');
        while let Some(comment) = rest.next_if(|c| c.place <= CommentPlace::Point(point)) {
            comments_at(out, std::slice::from_ref(comment), comment.place);
        }
    }
    Ok(())
}

/// Whether a half of a matrix tells it all; converted matrices to the digits that conversion leaves.
fn symmetric(matrix: &[Complex64], ports: usize, converted: bool) -> bool {
    (0..ports).all(|row| {
        (0..row).all(|column| {
            let (a, b) = (matrix[row * ports + column], matrix[column * ports + row]);
            if converted { (a - b).norm() <= 1e-9 * (a.norm() + b.norm()) } else { a == b }
        })
    })
}

fn noise(out: &mut String, file: &TouchstoneFile, options: &WriteOptions) {
    if file.noise.is_empty() {
        return;
    }
    if options.version > Version::V1 {
        out.push_str("[Noise Data]\n");
    }
    for point in &file.noise {
        let (magnitude, angle) = pair(point.optimum, NumberFormat::MagnitudeAngle);
        let values = [in_unit(point.frequency_hz, options.unit), point.figure_db, magnitude, angle, point.resistance];
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            number(out, value, options.digits);
        }
        out.push('\n');
    }
}

/// A frequency in a unit, such that the unit's factor gives it back exactly wherever any number does.
fn in_unit(hertz: f64, unit: FrequencyUnit) -> f64 {
    let factor = unit.hertz();
    let near = hertz / factor;
    let candidates = [near, near.next_up(), near.next_down(), near.next_up().next_up(), near.next_down().next_down()];
    candidates.into_iter().find(|value| value * factor == hertz).unwrap_or(near)
}

fn pair(value: Complex64, format: NumberFormat) -> (f64, f64) {
    match format {
        NumberFormat::RealImaginary => (value.re, value.im),
        NumberFormat::MagnitudeAngle => (value.norm(), value.arg().to_degrees()),
        NumberFormat::DecibelAngle => {
            let magnitude = value.norm();
            // Readers have no minus infinity; this is zero in double precision.
            let decibel = if magnitude > 0.0 { 20.0 * magnitude.log10() } else { -9999.0 };
            (decibel, value.arg().to_degrees())
        }
    }
}

/// A number with the digits asked for, or as few as tell it from every other.
fn number(out: &mut String, value: f64, digits: Option<usize>) {
    let size = value.abs();
    let plain = size == 0.0 || (1e-5..1e15).contains(&size);
    let _ = match digits {
        Some(digits) => write!(out, "{value:.*e}", digits.clamp(1, 17) - 1),
        None if plain => write!(out, "{value}"),
        None => write!(out, "{value:e}"),
    };
}
