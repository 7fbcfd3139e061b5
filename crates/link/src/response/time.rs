//! Responses to an impulse, a step and a pulse, and impedance against time.

use num_complex::Complex64;

use super::Window;
use crate::network::{Network, NetworkError, to_dc};

/// A trace in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Instant of the first value in s: negative, since windows and data that are not causal reach before zero.
    pub start_s: f64,
    /// Step in s.
    pub step_s: f64,
    /// Values.
    pub values: Vec<f64>,
}

impl Trace {
    /// Instant of a value in s.
    pub fn time_s(&self, index: usize) -> f64 {
        self.start_s + self.step_s * index as f64
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeError {
    /// The network has no grid from 0 Hz.
    Network(NetworkError),
    /// A parameter or a port is not there, or a time makes no sense.
    Request(String),
}

impl std::fmt::Display for TimeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(why) => why.fmt(f),
            Self::Request(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TimeError {}

impl From<NetworkError> for TimeError {
    fn from(error: NetworkError) -> Self {
        Self::Network(error)
    }
}

/// Impulse response of a parameter (`row`, `column` from 0), times its step, so that its sum is the parameter at 0 Hz.
///
/// The data are taken to a uniform grid from 0 Hz with [`to_dc`] in their own smallest step; time runs from minus half
/// of one over that step to plus half. `finer` whole times as many points in time are interpolated by zeros above the
/// highest frequency.
///
/// # Errors
/// Where the data give no such grid, or the parameter is not there.
pub fn impulse(network: &Network, row: usize, column: usize, window: Window, finer: usize) -> Result<Trace, TimeError> {
    if row >= network.ports || column >= network.ports {
        return Err(TimeError::Request(format!("there is no S{}{}", row + 1, column + 1)));
    }
    let step = network.frequency_hz.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    let grid = to_dc(&sub(network, row, column), step)?;
    let bins = grid.points() - 1;
    let length = 2 * bins * finer.clamp(1, 64);
    let mut spectrum = vec![Complex64::ZERO; length / 2 + 1];
    for (k, (value, s)) in spectrum.iter_mut().zip(&grid.s).enumerate() {
        // The window would be zero one step above the highest frequency, so that no data are wasted.
        *value = s * window.weight(k as f64 / (bins + 1) as f64);
    }
    spectrum[0].im = 0.0;
    if finer <= 1 {
        // The highest frequency stands for itself and its mirror image.
        spectrum[bins].im = 0.0;
    } else {
        spectrum[bins] *= 0.5;
    }
    let mut values = vec![0.0; length];
    let done = lanewright_fourier::inverse(length).process(&mut spectrum, &mut values);
    done.map_err(|error| TimeError::Request(error.to_string()))?;
    let scale = 1.0 / length as f64;
    values.iter_mut().for_each(|v| *v *= scale);
    values.rotate_right(length / 2);
    let step_s = bins as f64 / (grid.frequency_hz[bins] * length as f64);
    Ok(Trace { start_s: -step_s * (length / 2) as f64, step_s, values })
}

/// One parameter as a network of one port, so that no more than it is taken to another grid.
fn sub(network: &Network, row: usize, column: usize) -> Network {
    Network {
        ports: 1,
        frequency_hz: network.frequency_hz.clone(),
        s: network.trace(row, column),
        reference_ohm: vec![network.reference_ohm[row]],
    }
}

/// Step response: running sum of the impulse response.
///
/// # Errors
/// As for [`impulse`].
pub fn step(network: &Network, row: usize, column: usize, window: Window, finer: usize) -> Result<Trace, TimeError> {
    let mut trace = impulse(network, row, column, window, finer)?;
    let mut sum = 0.0;
    for value in &mut trace.values {
        sum += *value;
        *value = sum;
    }
    Ok(trace)
}

/// Response to a pulse of `width_s`.
///
/// # Errors
/// As for [`impulse`], and where the width is not above zero.
pub fn pulse(network: &Network, row: usize, column: usize, window: Window, width_s: f64) -> Result<Trace, TimeError> {
    if !(width_s > 0.0 && width_s.is_finite()) {
        return Err(TimeError::Request(format!("a pulse of {width_s} s is none")));
    }
    let coarse = 0.5 / network.frequency_hz.last().copied().unwrap_or(0.0);
    // Thirty-two samples a pulse, where the data are not finer already.
    let finer = ((32.0 * coarse / width_s).ceil() as usize).clamp(1, 64);
    let mut trace = step(network, row, column, window, finer)?;
    let late: Vec<f64> = (0..trace.values.len())
        .map(|k| {
            let at = k as f64 - width_s / trace.step_s;
            let floor = at.floor();
            if floor < 0.0 {
                return 0.0;
            }
            let (low, share) = (floor as usize, at - floor);
            let next = trace.values.get(low + 1).copied().unwrap_or(trace.values[low]);
            trace.values[low] * (1.0 - share) + next * share
        })
        .collect();
    trace.values.iter_mut().zip(late).for_each(|(value, late)| *value -= late);
    Ok(trace)
}

/// Impedance in ohm against time at a port, as time-domain reflectometry shows it: `Z (1 + ρ)/(1 - ρ)` of the step
/// response of its reflection. Each instant is a way there and back.
///
/// # Errors
/// As for [`impulse`], and where the port's reference is not real.
pub fn impedance(network: &Network, port: usize, window: Window, finer: usize) -> Result<Trace, TimeError> {
    let mut trace = step(network, port, port, window, finer)?;
    let reference = network.reference_ohm[port];
    if reference.im != 0.0 {
        return Err(TimeError::Request("impedance against time needs a real reference: renormalise first".into()));
    }
    trace.values.iter_mut().for_each(|rho| *rho = reference.re * (1.0 + *rho) / (1.0 - *rho));
    Ok(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of `ohm` and `delay` seconds ended in `load`, in 50 Ω.
    fn line(ohm: f64, delay: f64, load: f64) -> Network {
        let frequency: Vec<f64> = (1..=2000).map(|k| f64::from(k) * 20e6).collect();
        let far = (load - ohm) / (load + ohm);
        let s = frequency
            .iter()
            .map(|f| {
                let back = Complex64::from_polar(far, -2.0 * std::f64::consts::TAU * f * delay);
                let z = (1.0 + back) / (1.0 - back) * ohm;
                (z - 50.0) / (z + 50.0)
            })
            .collect();
        Network::new(1, frequency, s, vec![Complex64::from(50.0)]).expect("good")
    }

    #[test]
    fn impedance_shows_the_line_then_its_load() {
        let trace = impedance(&line(60.0, 1e-9, 75.0), 0, Window::Hann, 1).expect("possible");
        let at = |t: f64| trace.values[((t - trace.start_s) / trace.step_s).round() as usize];
        assert!((at(1e-9) - 60.0).abs() < 0.5, "{}", at(1e-9));
        assert!((at(5e-9) - 75.0).abs() < 1.0, "{}", at(5e-9));
        assert!((at(-2e-9) - 50.0).abs() < 0.5, "{}", at(-2e-9));
    }

    #[test]
    fn sums_are_the_value_at_zero_hertz_and_pulses_have_their_area() {
        let network = line(60.0, 1e-9, 75.0);
        let want = to_dc(&network, 20e6).expect("possible").s[0].re;
        let sum: f64 = impulse(&network, 0, 0, Window::Hamming, 3).expect("possible").values.iter().sum();
        assert!((sum - want).abs() < 1e-9);
        // Magnitude and phase are taken on as straight lines, which a reflection's are not quite.
        assert!((want - 0.2).abs() < 1e-2, "{want}");
        let width = 100e-12;
        let trace = pulse(&network, 0, 0, Window::Hann, width).expect("possible");
        let area: f64 = trace.values.iter().sum::<f64>() * trace.step_s;
        assert!((area - want * width).abs() < 2e-3 * width, "{area}");
        assert!(pulse(&network, 0, 0, Window::Hann, 0.0).is_err());
        assert!(impulse(&network, 1, 0, Window::Hann, 1).is_err());
    }
}
