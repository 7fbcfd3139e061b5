//! What a channel reflects over time, for pictures: impedance at both ends, and how long the channel is.

use num_complex::Complex64;

use crate::com::channel::DifferentialChannel;
use crate::network::Network;
use crate::response::{Trace, Window, impedance};

/// Differential reference of channels in ohm.
pub const REFERENCE_OHM: f64 = 100.0;

/// Impedance against time seen from the transmitter's and from the receiver's end; empty where the data give no time
/// response. Each instant is a way there and back.
pub fn impedances(channel: &DifferentialChannel) -> Vec<Trace> {
    let points = channel.frequency_hz.len();
    let lists = [&channel.s11, &channel.s12, &channel.s21, &channel.s22];
    if lists.iter().any(|list| list.len() != points) {
        return Vec::new();
    }
    let s = (0..points).flat_map(|k| lists.map(|list| list[k])).collect();
    let reference = vec![Complex64::new(REFERENCE_OHM, 0.0); 2];
    let Ok(network) = Network::new(2, channel.frequency_hz.clone(), s, reference) else { return Vec::new() };
    let both = (0..2).map(|port| impedance(&network, port, Window::Hann, 2));
    both.collect::<Result<_, _>>().unwrap_or_default()
}

/// Delay of the channel in s, from the turn of its phase over the lower half of the data.
pub fn delay_s(channel: &DifferentialChannel) -> f64 {
    let half = (channel.s21.len() / 2).min(channel.frequency_hz.len());
    let turned: f64 = channel.s21[..half].windows(2).map(|w| (w[1] * w[0].conj()).arg()).sum();
    let span = match (channel.frequency_hz.first(), channel.frequency_hz[..half].last()) {
        (Some(first), Some(last)) => last - first,
        _ => 0.0,
    };
    if span > 0.0 { (-turned / (2.0 * std::f64::consts::PI * span)).max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::com::parameters::LineLoss;
    use crate::com::two_port::{Point, line, propagation};

    #[test]
    fn a_line_shows_its_impedance_and_delay() {
        let frequency_hz: Vec<f64> = (1..=2000).map(|k| f64::from(k) * 2e7).collect();
        let loss = LineLoss { gamma0: 0.0, a1: 1e-4, a2: 1e-5, tau: 6e-3 };
        let each: Vec<Point> =
            propagation(&frequency_hz, &loss).iter().map(|gamma| line(*gamma, 100.0, 85.0, 50.0)).collect();
        let of = |pick: fn(&Point) -> Complex64| each.iter().map(pick).collect::<Vec<_>>();
        let channel = DifferentialChannel {
            name: "85 ohm".into(),
            s11: of(|p| p.s11),
            s12: of(|p| p.s12),
            s21: of(|p| p.s21),
            s22: of(|p| p.s22),
            frequency_hz,
        };
        // 100 mm at 6 ps/mm: 0.6 ns there, 1.2 ns there and back.
        assert!((delay_s(&channel) / 0.6e-9 - 1.0).abs() < 0.05, "{}", delay_s(&channel));
        let traces = impedances(&channel);
        assert_eq!(traces.len(), 2);
        let at = |ns: f64| {
            let index = (0..traces[0].values.len()).find(|k| traces[0].time_s(*k) >= ns * 1e-9).expect("within");
            traces[0].values[index]
        };
        assert!((at(0.5) - 85.0).abs() < 1.5, "{}", at(0.5));
        assert!((at(2.5) - 100.0).abs() < 2.0, "{}", at(2.5));
    }
}
