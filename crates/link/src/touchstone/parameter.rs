//! Impedances, admittances and hybrid parameters of a file, to and from scattering parameters.

use num_complex::Complex64;

use super::fault::Faults;
use super::option_line::{OptionLine, Parameter};
use super::{NumberFormat, Version};
use crate::network::immittance::{self, Immittance};

/// What a file's parameter is in terms of the network algebra; nothing for scattering parameters.
pub(super) fn immittance_of(parameter: Parameter) -> Option<Immittance> {
    match parameter {
        Parameter::S => None,
        Parameter::Z => Some(Immittance::Impedance),
        Parameter::Y => Some(Immittance::Admittance),
        Parameter::H => Some(Immittance::Hybrid),
        Parameter::G => Some(Immittance::InverseHybrid),
    }
}

/// Factors between a file's numbers and ohms or siemens. Version 1 normalises to the reference resistance, version 2
/// does not (Touchstone 2.0, network data).
pub(super) fn scales(parameter: Parameter, version: Version, ports: usize, resistance: f64) -> Vec<f64> {
    let count = ports * ports;
    if version > Version::V1 {
        return vec![1.0; count];
    }
    match parameter {
        Parameter::S => vec![1.0; count],
        Parameter::Z => vec![resistance; count],
        Parameter::Y => vec![1.0 / resistance; count],
        Parameter::H => vec![resistance, 1.0, 1.0, 1.0 / resistance],
        Parameter::G => vec![1.0 / resistance, 1.0, 1.0, resistance],
    }
}

/// Turns the file's matrices into scattering parameters.
pub(super) fn to_scattering(
    values: &mut [Complex64],
    ports: usize,
    options: &OptionLine,
    version: Version,
    reference: &[Complex64],
    first: (usize, usize),
    faults: &mut Faults<'_>,
) -> Option<()> {
    let Some(kind) = immittance_of(options.parameter) else { return Some(()) };
    const CODE: &str = "touchstone-parameter";
    let word = options.parameter.word();
    if !kind.fits(ports) {
        faults.error(CODE, first, format!("{word} parameters are of two-ports; this file has {ports} ports"), "");
        return None;
    }
    let resistance = options.resistance_ohm.first().copied().unwrap_or(50.0);
    if version == Version::V1 && options.resistance_ohm.iter().any(|r| *r != resistance) {
        let help = "write version 2, whose parameters are in ohm and siemens";
        faults.error(CODE, first, format!("{word} parameters cannot be normalised to several resistances"), help);
        return None;
    }
    let scales = scales(options.parameter, version, ports, resistance);
    for (point, matrix) in values.chunks_exact_mut(ports * ports).enumerate() {
        for (value, scale) in matrix.iter_mut().zip(&scales) {
            *value *= *scale;
        }
        if !immittance::to_scattering(matrix, kind, reference) {
            let message = format!("the {word} parameters of point {} have no scattering parameters", point + 1);
            let help = match options.format {
                NumberFormat::MagnitudeAngle => "is the format of the option line right?",
                NumberFormat::DecibelAngle | NumberFormat::RealImaginary => "",
            };
            faults.error(CODE, first, message, help);
            return None;
        }
    }
    Some(())
}
