//! The option line: `# GHz S MA R 50`.

use super::fault::Faults;
use super::scan::{Scanner, real, shown};

/// Unit of frequencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrequencyUnit {
    /// Hz.
    Hz,
    /// kHz.
    KHz,
    /// MHz.
    MHz,
    /// GHz, the default.
    #[default]
    GHz,
}

impl FrequencyUnit {
    /// Hz in one of it.
    pub fn hertz(self) -> f64 {
        match self {
            Self::Hz => 1.0,
            Self::KHz => 1e3,
            Self::MHz => 1e6,
            Self::GHz => 1e9,
        }
    }

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hz => "Hz",
            Self::KHz => "kHz",
            Self::MHz => "MHz",
            Self::GHz => "GHz",
        }
    }
}

/// Kind of parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parameter {
    /// Scattering, the default.
    #[default]
    S,
    /// Admittance.
    Y,
    /// Impedance.
    Z,
    /// Inverse hybrid, of two-ports.
    G,
    /// Hybrid, of two-ports.
    H,
}

impl Parameter {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::Y => "Y",
            Self::Z => "Z",
            Self::G => "G",
            Self::H => "H",
        }
    }
}

/// How complex numbers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberFormat {
    /// Magnitude and angle in degrees, the default.
    #[default]
    MagnitudeAngle,
    /// Decibels and angle in degrees.
    DecibelAngle,
    /// Real and imaginary part.
    RealImaginary,
}

impl NumberFormat {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::MagnitudeAngle => "MA",
            Self::DecibelAngle => "DB",
            Self::RealImaginary => "RI",
        }
    }
}

/// What an option line says. Its defaults are those of the specification.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionLine {
    /// Unit of frequencies.
    pub unit: FrequencyUnit,
    /// Kind of parameter in the file.
    pub parameter: Parameter,
    /// How complex numbers are written.
    pub format: NumberFormat,
    /// Reference resistances in ohm: one for all ports, or one per port (version 1.1).
    pub resistance_ohm: Vec<f64>,
}

impl Default for OptionLine {
    fn default() -> Self {
        Self {
            unit: FrequencyUnit::default(),
            parameter: Parameter::default(),
            format: NumberFormat::default(),
            resistance_ohm: vec![50.0],
        }
    }
}

/// Reads the words after the `#`, in any order, up to the end of the line or a comment.
pub(super) fn read(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>) -> OptionLine {
    const CODE: &str = "touchstone-option-line";
    let mut line = OptionLine::default();
    while let Some((word, at)) = scanner.word_of_line() {
        let lower = word.to_ascii_lowercase();
        match lower.as_slice() {
            b"hz" => line.unit = FrequencyUnit::Hz,
            b"khz" => line.unit = FrequencyUnit::KHz,
            b"mhz" => line.unit = FrequencyUnit::MHz,
            b"ghz" => line.unit = FrequencyUnit::GHz,
            b"s" => line.parameter = Parameter::S,
            b"y" => line.parameter = Parameter::Y,
            b"z" => line.parameter = Parameter::Z,
            b"g" => line.parameter = Parameter::G,
            b"h" => line.parameter = Parameter::H,
            b"ma" => line.format = NumberFormat::MagnitudeAngle,
            b"db" => line.format = NumberFormat::DecibelAngle,
            b"ri" => line.format = NumberFormat::RealImaginary,
            [b'r', rest @ ..] if rest.is_empty() || real(rest).is_some() => {
                let mut values = Vec::new();
                let mut read_value = |word: &[u8], at: (usize, usize), faults: &mut Faults<'_>| match real(word) {
                    Some(value) if value > 0.0 => values.push(value),
                    _ => faults.error(
                        CODE,
                        at,
                        format!("the reference resistance `{}` is not above zero", shown(word)),
                        "give it in ohm, such as `R 50`",
                    ),
                };
                if !rest.is_empty() {
                    read_value(rest, at, faults);
                }
                loop {
                    let back = scanner.at;
                    match scanner.word_of_line() {
                        Some((word, at)) if real(word).is_some() => read_value(word, at, faults),
                        _ => {
                            scanner.at = back;
                            break;
                        }
                    }
                }
                if values.is_empty() {
                    if !faults.has_errors() {
                        faults.error(CODE, at, "`R` has no resistance behind it", "give it in ohm, such as `R 50`");
                    }
                } else {
                    line.resistance_ohm = values;
                }
            }
            _ => faults.error(
                CODE,
                at,
                format!("`{}` means nothing on the option line", shown(word)),
                "write a unit (Hz, kHz, MHz, GHz), a parameter (S, Y, Z, G, H), a format (MA, DB, RI) and `R` with ohms",
            ),
        }
    }
    line
}
