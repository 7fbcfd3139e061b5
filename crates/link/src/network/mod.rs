//! S-parameter networks: any number of ports over any number of frequencies, and the algebra on them.

mod cascade;
mod deembed;
pub mod immittance;
mod interpolate;
pub(crate) mod linear;
mod mixed;
mod ports;
mod renormalise;

#[cfg(test)]
mod tests;

pub use cascade::{cascade, connect, join, terminate};
pub use deembed::{Side, deembed, scattering_to_transfer, transfer_to_scattering};
pub use interpolate::{Interpolation, interpolate, to_dc};
pub use mixed::{PortMode, mixed_reference, to_mixed, to_single_ended};
pub use ports::{flip, renumber, sub_network};
pub use renormalise::{Waves, change_waves, renormalise};

use num_complex::Complex64;

use self::immittance::Immittance;

/// Scattering parameters of a network with `ports` ports at every frequency of a rising grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Number of ports.
    pub ports: usize,
    /// Frequencies in Hz, rising.
    pub frequency_hz: Vec<f64>,
    /// `s[(point * ports + row) * ports + column]`: the wave out of port `row` for a wave into port `column`.
    pub s: Vec<Complex64>,
    /// Reference impedance of each port in ohm.
    pub reference_ohm: Vec<Complex64>,
}

/// Why an operation on networks is not possible.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkError {
    /// The lists of a network do not fit each other, or a number in them is not one.
    Shape(String),
    /// A port that is not there, stands twice, or has no partner.
    Port(String),
    /// Frequencies do not fit: of two networks, or of a network and what is asked of it.
    Frequency(String),
    /// The result does not exist at this frequency in Hz.
    Singular(f64),
}

impl std::fmt::Display for NetworkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shape(why) | Self::Port(why) | Self::Frequency(why) => f.write_str(why),
            Self::Singular(hz) => write!(f, "there is no result at {} GHz: a matrix has no inverse", hz / 1e9),
        }
    }
}

impl std::error::Error for NetworkError {}

impl Network {
    /// A network whose lists fit each other.
    ///
    /// # Errors
    /// Where they do not, frequencies do not rise, or a reference has no positive real part.
    pub fn new(
        ports: usize,
        frequency_hz: Vec<f64>,
        s: Vec<Complex64>,
        reference_ohm: Vec<Complex64>,
    ) -> Result<Self, NetworkError> {
        let network = Self { ports, frequency_hz, s, reference_ohm };
        network.check()?;
        Ok(network)
    }

    /// Whether the lists fit each other: every operation asks first.
    pub(crate) fn check(&self) -> Result<(), NetworkError> {
        let wanted = self.ports.checked_mul(self.ports).and_then(|n| n.checked_mul(self.frequency_hz.len()));
        if self.ports == 0 || wanted != Some(self.s.len()) || self.reference_ohm.len() != self.ports {
            return Err(NetworkError::Shape(format!(
                "a network of {} ports and {} frequencies has {} parameters and {} reference impedances",
                self.ports,
                self.frequency_hz.len(),
                self.s.len(),
                self.reference_ohm.len()
            )));
        }
        if !self.frequency_hz.windows(2).all(|pair| pair[0] < pair[1])
            || self.frequency_hz.iter().any(|f| *f < 0.0 || f.is_nan())
        {
            return Err(NetworkError::Frequency("frequencies must be zero or above, and rise".into()));
        }
        if self.reference_ohm.iter().any(|z| !(z.re > 0.0 && z.re.is_finite() && z.im.is_finite())) {
            return Err(NetworkError::Shape("reference impedances must have a real part above zero".into()));
        }
        Ok(())
    }

    /// Parameter `row`, `column` (from 0) at a point of the grid.
    pub fn at(&self, point: usize, row: usize, column: usize) -> Complex64 {
        self.s[(point * self.ports + row) * self.ports + column]
    }

    /// Parameter `row`, `column` (from 0) over all frequencies.
    pub fn trace(&self, row: usize, column: usize) -> Vec<Complex64> {
        (0..self.frequency_hz.len()).map(|point| self.at(point, row, column)).collect()
    }

    /// Number of frequencies.
    pub fn points(&self) -> usize {
        self.frequency_hz.len()
    }

    /// Matrix of a point, in row order.
    pub fn matrix(&self, point: usize) -> &[Complex64] {
        let size = self.ports * self.ports;
        &self.s[point * size..(point + 1) * size]
    }

    /// Parameters of another kind, `[(point * ports + row) * ports + column]`.
    ///
    /// # Errors
    /// Where the kind does not exist for the number of ports, or at a frequency.
    pub fn parameters(&self, kind: Immittance) -> Result<Vec<Complex64>, NetworkError> {
        self.check()?;
        if !kind.fits(self.ports) {
            return Err(NetworkError::Port(format!("a network of {} ports has no such parameters", self.ports)));
        }
        let mut out = self.s.clone();
        for (matrix, frequency) in out.chunks_exact_mut(self.ports * self.ports).zip(&self.frequency_hz) {
            if !immittance::from_scattering(matrix, kind, &self.reference_ohm) {
                return Err(NetworkError::Singular(*frequency));
            }
        }
        Ok(out)
    }

    /// A network from parameters of another kind.
    ///
    /// # Errors
    /// Where they have no scattering parameters.
    pub fn from_parameters(
        kind: Immittance,
        frequency_hz: Vec<f64>,
        mut parameters: Vec<Complex64>,
        reference_ohm: Vec<Complex64>,
    ) -> Result<Self, NetworkError> {
        let ports = reference_ohm.len();
        for (matrix, frequency) in parameters.chunks_exact_mut((ports * ports).max(1)).zip(&frequency_hz) {
            if !immittance::to_scattering(matrix, kind, &reference_ohm) {
                return Err(NetworkError::Singular(*frequency));
            }
        }
        Self::new(ports, frequency_hz, parameters, reference_ohm)
    }
}
