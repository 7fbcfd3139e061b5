//! Other frequencies.

use num_complex::Complex64;

use super::{Network, NetworkError};

/// How values between two frequencies are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// Straight lines of real and imaginary part. Cuts corners where the phase turns much from point to point.
    #[default]
    Linear,
    /// Straight lines of magnitude and unwrapped phase: for traces with much delay.
    Polar,
    /// Cubic splines of real and imaginary part with the "not a knot" end condition (SciPy's `interp1d(kind="cubic")`).
    Cubic,
}

/// The network at other frequencies in Hz, all within its range.
///
/// # Errors
/// Where a frequency is outside of the range, frequencies do not rise, or there are too few points.
pub fn interpolate(network: &Network, frequency_hz: &[f64], method: Interpolation) -> Result<Network, NetworkError> {
    network.check()?;
    let (Some(first), Some(last)) = (network.frequency_hz.first(), network.frequency_hz.last()) else {
        return Err(NetworkError::Frequency("a network without frequencies has nothing between them".into()));
    };
    let slack = 1e-9 * last;
    if let Some(out) = frequency_hz.iter().find(|f| !(first - slack..=last + slack).contains(*f)) {
        return Err(NetworkError::Frequency(format!(
            "{} GHz is outside of the network's {} to {} GHz",
            out / 1e9,
            first / 1e9,
            last / 1e9
        )));
    }
    let needed = if method == Interpolation::Cubic { 4 } else { 2 };
    if network.points() < needed && frequency_hz != network.frequency_hz {
        return Err(NetworkError::Frequency(format!(
            "{needed} frequencies at least are needed, there are {}",
            network.points()
        )));
    }
    let size = network.ports * network.ports;
    let mut out = Network {
        ports: network.ports,
        frequency_hz: frequency_hz.to_vec(),
        s: vec![Complex64::ZERO; size * frequency_hz.len()],
        reference_ohm: network.reference_ohm.clone(),
    };
    out.check()?;
    if frequency_hz == network.frequency_hz {
        out.s.copy_from_slice(&network.s);
        return Ok(out);
    }
    // Interval and share of each new frequency, the same for all traces.
    let x = &network.frequency_hz;
    let places: Vec<(usize, f64)> = frequency_hz
        .iter()
        .map(|f| {
            let at = x.partition_point(|known| known <= f).clamp(1, x.len() - 1) - 1;
            (at, f - x[at])
        })
        .collect();
    for trace in 0..size {
        let y: Vec<Complex64> = network.s[trace..].iter().step_by(size).copied().collect();
        let target = out.s[trace..].iter_mut().step_by(size).zip(&places);
        match method {
            Interpolation::Linear => {
                for (value, (at, step)) in target {
                    *value = y[*at] + (y[at + 1] - y[*at]) * (step / (x[at + 1] - x[*at]));
                }
            }
            Interpolation::Polar => {
                let (size, phase): (Vec<f64>, Vec<f64>) = (y.iter().map(|v| v.norm()).collect(), unwrapped(&y));
                for (value, (at, step)) in target {
                    let share = step / (x[at + 1] - x[*at]);
                    let line = |list: &[f64]| list[*at] + (list[at + 1] - list[*at]) * share;
                    *value = Complex64::from_polar(line(&size), line(&phase));
                }
            }
            Interpolation::Cubic => {
                let slope = spline_slopes(x, &y);
                for (value, (at, step)) in target {
                    let h = x[at + 1] - x[*at];
                    let t = step / h;
                    let (d, m0, m1) = (y[at + 1] - y[*at], slope[*at] * h, slope[at + 1] * h);
                    *value = y[*at] + (m0 + (d * 3.0 - m0 * 2.0 - m1 + (m0 + m1 - d * 2.0) * t) * t) * t;
                }
            }
        }
    }
    Ok(out)
}

/// Phase in radians without jumps of more than half a turn.
pub(crate) fn unwrapped(trace: &[Complex64]) -> Vec<f64> {
    const TURN: f64 = std::f64::consts::TAU;
    let mut out = Vec::with_capacity(trace.len());
    let (mut last, mut turns) = (0.0, 0.0);
    for (at, value) in trace.iter().enumerate() {
        let phase = value.arg();
        if at > 0 {
            let jump: f64 = phase - last;
            if jump.abs() > std::f64::consts::PI {
                turns -= (jump / TURN).round();
            }
        }
        last = phase;
        out.push(phase + turns * TURN);
    }
    out
}

/// Slopes at the knots of the cubic spline whose third derivative is continuous at the second and the last knot but
/// one. Needs four knots.
fn spline_slopes(x: &[f64], y: &[Complex64]) -> Vec<Complex64> {
    let n = x.len();
    let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let d: Vec<Complex64> = (0..n - 1).map(|i| (y[i + 1] - y[i]) / h[i]).collect();
    // Tridiagonal rows (below, diagonal, above | right).
    let (mut diagonal, mut above, mut right) = (vec![0.0; n], vec![0.0; n], vec![Complex64::ZERO; n]);
    let reach = h[0] + h[1];
    diagonal[0] = h[1];
    above[0] = reach;
    right[0] = (d[0] * (h[0] + 2.0 * reach) * h[1] + d[1] * h[0] * h[0]) / reach;
    for i in 1..n {
        let (below, middle, over, value) = if i < n - 1 {
            (h[i], 2.0 * (h[i - 1] + h[i]), h[i - 1], (d[i - 1] * h[i] + d[i] * h[i - 1]) * 3.0)
        } else {
            let reach = h[n - 2] + h[n - 3];
            let value = (d[n - 2] * (h[n - 2] + 2.0 * reach) * h[n - 3] + d[n - 3] * h[n - 2] * h[n - 2]) / reach;
            (reach, h[n - 3], 0.0, value)
        };
        let factor = below / diagonal[i - 1];
        diagonal[i] = middle - factor * above[i - 1];
        above[i] = over;
        right[i] = value - right[i - 1] * factor;
    }
    let mut slope = right;
    slope[n - 1] /= diagonal[n - 1];
    for i in (0..n - 1).rev() {
        slope[i] = (slope[i] - slope[i + 1] * above[i]) / diagonal[i];
    }
    slope
}

/// The network on a uniform grid from 0 Hz to its highest frequency, as a transformation to the time domain needs it.
///
/// The value at 0 Hz is extrapolated in magnitude and phase from the two lowest frequencies and its real part kept; so
/// are grid points below the lowest frequency. `step_hz` is a wish: the step becomes the highest frequency over a whole
/// number. The rest is interpolated by cubic splines unless the grid is met.
///
/// # Errors
/// Where there are fewer than four points, or the step is not above zero, or makes more than four million points.
pub fn to_dc(network: &Network, step_hz: f64) -> Result<Network, NetworkError> {
    network.check()?;
    let n = network.points();
    if n < 4 {
        return Err(NetworkError::Frequency(format!("four frequencies at least are needed, there are {n}")));
    }
    let last = network.frequency_hz[n - 1];
    let steps = (last / step_hz).round();
    if !(step_hz > 0.0 && (1.0..4e6).contains(&steps)) {
        return Err(NetworkError::Frequency(format!("a step of {step_hz} Hz does not fit {} GHz", last / 1e9)));
    }
    let grid: Vec<f64> = (0..=steps as usize).map(|k| last * k as f64 / steps).collect();
    let size = network.ports * network.ports;
    let mut with_dc = network.clone();
    let first = network.frequency_hz[0];
    if first > 0.0 {
        let low: Vec<f64> = grid.iter().copied().filter(|f| *f < first * (1.0 - 1e-9)).collect();
        let span = network.frequency_hz[1] - first;
        let mut s = Vec::with_capacity((low.len() + n) * size);
        for f in &low {
            for trace in 0..size {
                let pair = [network.s[trace], network.s[trace + size]];
                let phase = unwrapped(&pair);
                let share = (f - first) / span;
                let magnitude = pair[0].norm() + (pair[1].norm() - pair[0].norm()) * share;
                s.push(Complex64::from_polar(magnitude, phase[0] + (phase[1] - phase[0]) * share));
            }
        }
        s.extend_from_slice(&network.s);
        with_dc.s = s;
        with_dc.frequency_hz = low.into_iter().chain(network.frequency_hz.iter().copied()).collect();
    }
    let met = with_dc.points() == grid.len()
        && with_dc.frequency_hz.iter().zip(&grid).all(|(a, b)| (a - b).abs() <= 1e-9 * last);
    let mut out = if met {
        Network { frequency_hz: grid, ..with_dc }
    } else {
        interpolate(&with_dc, &grid, Interpolation::Cubic)?
    };
    for value in &mut out.s[..size] {
        value.im = 0.0;
    }
    Ok(out)
}
