//! S-parameter networks: any number of ports over any number of frequencies.

pub mod immittance;
pub(crate) mod linear;

use num_complex::Complex64;

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

impl Network {
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
}
