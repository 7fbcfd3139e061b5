//! From S-parameters to the pulse behind a reference receiver's continuous-time equaliser.

use std::f64::consts::PI;

use num_complex::Complex64;

use super::standard::{CtleFamily, SerialStandard};
use crate::com::channel::{ChannelSet, DifferentialChannel};
use crate::com::filters;
use crate::com::impulse::impulse_response;
use crate::com::parameters::LineLoss;
use crate::com::prepare::pulse_response;
use crate::com::problem::ComProblem;
use crate::com::two_port::{Point, line, propagation};

/// Samples per unit interval of all pulses.
pub const SAMPLES_PER_UI: usize = 32;
/// Share of the peak below which an impulse response is cut, as in the COM script.
const TRUNCATION: f64 = 1e-3;
/// Single-ended reference of channels, in ohm.
const REFERENCE_OHM: f64 = 50.0;
/// Line of packages per mm at the loss of 100GBASE-KR1's; it is scaled to the package's loss.
const PACKAGE_LINE: LineLoss = LineLoss { gamma0: 0.0, a1: 9.909e-4, a2: 2.772e-4, tau: 6.141e-3 };
/// Differential impedance of packages in ohm.
const PACKAGE_OHM: f64 = 85.0;
/// Capacitance of a die's pads in F, single-ended.
const PAD_F: f64 = 0.1e-12;
/// Lengths in mm of the root complex's and the end point's package.
const PACKAGE_MM: (f64, f64) = (40.0, 18.0);

/// Whether the file's ends are pins or die pads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Packages {
    /// The file ends at the pins: modelled packages with the standard's loss are put at both ends.
    Modelled,
    /// The file holds the packages.
    InFile,
}

/// A path from a transmitter's die to the receiver's die, without equalisers.
#[derive(Clone, Debug)]
pub struct Path {
    /// Name of its channel.
    pub name: String,
    /// Whether its transmitter uses the victim's preset; near-end ones do not.
    pub far_end: bool,
    frequency_hz: Vec<f64>,
    /// Voltage transfer with the transmitter's transition, amplitude included.
    transfer: Vec<Complex64>,
}

/// Two-port of a package with a loss in dB at a frequency. Port 1 is the die.
fn package(frequency_hz: &[f64], loss_db: f64, length_mm: f64, nyquist_hz: f64) -> Vec<Point> {
    let of = |scale: f64, hz: &[f64]| -> Vec<Point> {
        let loss = LineLoss { a1: PACKAGE_LINE.a1 * scale, a2: PACKAGE_LINE.a2 * scale, ..PACKAGE_LINE };
        let per_mm = propagation(hz, &loss);
        let each = hz.iter().zip(per_mm);
        each.map(|(hz, gamma)| {
            Point::shunt(*hz, PAD_F, REFERENCE_OHM).then(&line(gamma, length_mm, PACKAGE_OHM, REFERENCE_OHM))
        })
        .collect()
    };
    // The pad has its part in the loss: halve the interval of scales until the whole loses what it should.
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        let loss = of(middle, &[nyquist_hz]).first().map_or(0.0, |p| -20.0 * p.s21.norm().log10());
        if loss < loss_db { low = middle } else { high = middle }
    }
    of(0.5 * (low + high), frequency_hz)
}

/// Paths of the victim and of all aggressors, the victim first.
pub fn paths(standard: &SerialStandard, channels: &ChannelSet, packages: Packages) -> Vec<Path> {
    let path = |channel: &DifferentialChannel, far_end: bool| {
        let hz = &channel.frequency_hz;
        let mut whole: Vec<Point> = (0..hz.len())
            .map(|k| Point { s11: channel.s11[k], s12: channel.s12[k], s21: channel.s21[k], s22: channel.s22[k] })
            .collect();
        if packages == Packages::Modelled {
            let (near_db, far_db) = standard.packages_db.value;
            let nyquist = standard.nyquist_hz();
            let (tx, rx) = (package(hz, near_db, PACKAGE_MM.0, nyquist), package(hz, far_db, PACKAGE_MM.1, nyquist));
            for ((w, t), r) in whole.iter_mut().zip(&tx).zip(&rx) {
                *w = t.then(w).then(&r.reversed());
            }
        }
        // Both dies are terminated with the reference impedance, so that the voltage transfer is S21 (93A-18).
        let transfer = whole
            .iter()
            .zip(hz)
            .map(|(w, hz)| w.s21 * filters::transition(*hz, standard.transition_s.value) * standard.swing_v.value);
        Path { name: channel.name.clone(), far_end, frequency_hz: hz.clone(), transfer: transfer.collect() }
    };
    std::iter::once(path(&channels.victim, true))
        .chain(channels.fext.iter().map(|c| path(c, true)))
        .chain(channels.next.iter().map(|c| path(c, false)))
        .collect()
}

impl Path {
    /// Pulse response behind a CTLE in V; without one before all equalisation.
    pub fn pulse(&self, baud_hz: f64, ctle: Option<(&CtleFamily, f64)>) -> Result<Vec<f64>, ComProblem> {
        let gained: Vec<Complex64> = match ctle {
            None => self.transfer.clone(),
            Some((family, db)) => {
                let each = self.transfer.iter().zip(&self.frequency_hz);
                each.map(|(h, hz)| h * family.gain(db, *hz)).collect()
            }
        };
        let step_s = 1.0 / baud_hz / SAMPLES_PER_UI as f64;
        let mut impulse = impulse_response(&gained, &self.frequency_hz, step_s, TRUNCATION, &self.name)?;
        // The last symbol that the pulse's tail reaches is whole.
        impulse.resize(impulse.len() + 2 * SAMPLES_PER_UI, 0.0);
        Ok(pulse_response(&impulse, SAMPLES_PER_UI))
    }

    /// Loss at a frequency in dB between the dies, the transition and swing taken out.
    pub fn loss_db(&self, hz: f64, standard: &SerialStandard) -> f64 {
        let at = self.frequency_hz.partition_point(|f| *f < hz).min(self.frequency_hz.len().saturating_sub(1));
        let Some((h, f)) = self.transfer.get(at).zip(self.frequency_hz.get(at)) else { return f64::NAN };
        let filter = filters::transition(*f, standard.transition_s.value).norm() * standard.swing_v.value;
        -20.0 * (h.norm() / filter).log10()
    }
}

impl CtleFamily {
    /// Gain of the member with `db` at 0 Hz, at a frequency.
    pub fn gain(&self, db: f64, hz: f64) -> Complex64 {
        let s = Complex64::new(0.0, 2.0 * PI * hz);
        let w = self.pole_hz.map(|hz| 2.0 * PI * hz);
        let zero = 2.0 * PI * self.zero_hz;
        let second = 10f64.powf(db / 20.0) * w[0] * w[1] / zero;
        w[2] * w[3] * (s + zero) * (s + second) / ((s + w[0]) * (s + w[1]) * (s + w[2]) * (s + w[3]))
    }
}

/// Insertion loss of a channel in dB at a frequency, between the two nearest points.
pub fn insertion_loss_db(channel: &DifferentialChannel, hz: f64) -> Option<f64> {
    let at = channel.frequency_hz.partition_point(|f| *f < hz);
    let db = |i: usize| channel.s21.get(i).map(|s| -20.0 * s.norm().log10());
    let upper = db(at)?;
    let Some(below) = at.checked_sub(1) else { return Some(upper) };
    let (a, b) = (channel.frequency_hz[below], channel.frequency_hz[at]);
    let share = if b > a { (hz - a) / (b - a) } else { 0.0 };
    Some(db(below)? * (1.0 - share) + upper * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eye::standard::find_serial;

    #[test]
    fn ctle_gains_are_those_named() {
        let family = find_serial("pcie-5").expect("bundled").ctle.value;
        for db in family.gain_db {
            assert!((20.0 * family.gain(*db, 0.0).norm().log10() - db).abs() < 1e-9);
        }
        // The peak at Nyquist does not depend much on the gain at 0 Hz: that is what makes it an equaliser.
        let at = |db: f64| 20.0 * family.gain(db, 16e9).norm().log10();
        assert!((at(-5.0) - at(-15.0)).abs() < 1.5 && at(-15.0) > -5.0);
    }

    #[test]
    fn packages_lose_what_they_should() {
        for (db, mm) in [(9.0, 40.0), (4.0, 18.0)] {
            let p = package(&[16e9], db, mm, 16e9);
            assert!((-20.0 * p[0].s21.norm().log10() - db).abs() < 1e-6);
        }
    }
}
