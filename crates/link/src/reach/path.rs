//! A lane's path from ball to ball as a channel: what `com` and `eye` evaluate where nobody has measured.

use lanewright_model::figure::Band;
use num_complex::Complex64;

use super::crosstalk;
use super::piece::{End, Piece};
use super::two_port::TwoPort;
use crate::com::channel::{ChannelSet, DifferentialChannel};

/// Largest step of the frequency grid in Hz.
const STEP_MAX_HZ: f64 = 20e6;
/// Smallest step of the frequency grid in Hz.
const STEP_MIN_HZ: f64 = 2e6;
/// A period of the grid is this many times as long as the path, so that echoes do not wrap round.
const PERIODS: f64 = 6.0;

/// A path of pieces, transmitter first.
#[derive(Clone, Debug, PartialEq)]
pub struct LanePath {
    /// What it is called.
    pub name: String,
    /// Its pieces.
    pub pieces: Vec<Piece>,
}

impl LanePath {
    /// Loss at a frequency in GHz, pieces added up.
    pub fn loss_db(&self, ghz: f64) -> Band<f64> {
        let zero = Band::exact(0.0);
        self.pieces.iter().fold(zero, |sum, piece| sum + piece.loss_db(ghz))
    }

    /// Share of the likely loss at a frequency in GHz that rests on weak grades, 0 to 1.
    pub fn weak_share(&self, ghz: f64) -> f64 {
        let all = self.loss_db(ghz).likely;
        let weak: f64 = self.pieces.iter().filter(|piece| piece.weak).map(|piece| piece.loss_db(ghz).likely).sum();
        if all > 0.0 { weak / all } else { 0.0 }
    }

    /// Delay in seconds at 1 GHz, dispersion left out.
    pub fn delay_s(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.delay_s * f64::from(piece.count)).sum()
    }

    /// Frequencies in Hz up to `top_hz`, fine enough for the path's echoes.
    pub fn grid(&self, top_hz: f64) -> Vec<f64> {
        let delay = self.delay_s().max(1e-12);
        let step = (1.0 / (PERIODS * delay)).clamp(STEP_MIN_HZ, STEP_MAX_HZ);
        // Whole megahertz read better in a file; rounding down keeps the grid fine enough.
        let step = ((step / 1e6).floor() * 1e6).max(STEP_MIN_HZ);
        let points = (top_hz / step).ceil().clamp(2.0, 200_000.0) as usize;
        (1..=points).map(|point| point as f64 * step).collect()
    }

    /// The path as a measured channel would be, at one end of its band.
    pub fn channel(&self, end: End, top_hz: f64) -> DifferentialChannel {
        self.over(&self.grid(top_hz), end)
    }

    /// The path with the aggressors that its connectors couple in, at one end of the bands.
    pub fn channel_set(&self, end: End, top_hz: f64) -> ChannelSet {
        let victim = self.channel(end, top_hz);
        let (fext, next) = crosstalk::aggressors(self, &victim, end);
        ChannelSet { victim, fext, next }
    }

    fn over(&self, grid: &[f64], end: End) -> DifferentialChannel {
        let mut channel = empty(&self.name, grid);
        for &hz in grid {
            let whole = self.pieces.iter().fold(TwoPort::THROUGH, |sofar, piece| sofar.then(&piece.at(hz, end)));
            channel.s11.push(whole.s11);
            channel.s12.push(whole.s12);
            channel.s21.push(whole.s21);
            channel.s22.push(whole.s22);
        }
        channel
    }
}

/// A channel with a grid and nothing on it.
pub(super) fn empty(name: &str, grid: &[f64]) -> DifferentialChannel {
    let room = || Vec::<Complex64>::with_capacity(grid.len());
    DifferentialChannel {
        name: name.to_owned(),
        frequency_hz: grid.to_vec(),
        s11: room(),
        s12: room(),
        s21: room(),
        s22: room(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::catalogue;
    use super::super::segments::{self, parse};
    use super::*;

    const CABLE: &str = "trace megtron-7 80mm, connector, twinax 28awg 1.5m, connector, trace megtron-7 80mm";

    fn path(text: &str) -> LanePath {
        segments::path("test", &parse(text, &catalogue(), 26.5625).expect("good path"))
    }

    fn loss(s21: Complex64) -> f64 {
        -20.0 * s21.norm().log10()
    }

    #[test]
    fn a_channel_loses_what_its_parts_lose_but_for_ripple() {
        let path = path(CABLE);
        for end in End::ALL {
            let channel = path.channel(end, 60e9);
            let mut worst: f64 = 0.0;
            let (mut sum, mut count) = (0.0, 0.0);
            for (hz, s21) in channel.frequency_hz.iter().zip(&channel.s21) {
                let parts = path.loss_db(hz * 1e-9);
                let parts = [parts.low, parts.likely, parts.high][end as usize];
                worst = worst.max((loss(*s21) - parts).abs());
                sum += loss(*s21) - parts;
                count += 1.0;
            }
            assert!(worst < 1.5, "{end:?}: ripple {worst} dB");
            assert!((sum / count).abs() < 0.15, "{end:?}: mean {} dB", sum / count);
        }
    }

    #[test]
    fn a_connector_alone_meets_its_points_exactly() {
        let catalogue = catalogue();
        let part = catalogue.part(catalogue.find_part("connector/osfp").expect("part"));
        let piece = Piece::lumped(part, 1, None).expect("loss points");
        for point in &part.loss {
            let band = point.each.as_ref().expect("points of one piece").band;
            let at = |end| piece.at(point.at_ghz.0 * 1e9, end).loss_db();
            for (end, known) in [(End::Low, band.low.0), (End::Likely, band.likely.0), (End::High, band.high.0)] {
                assert!((at(end) - known).abs() < 1e-6, "{end:?} at {} GHz", point.at_ghz.0);
            }
        }
    }

    #[test]
    fn an_undrilled_stub_shorts_the_lane_at_its_quarter_wave() {
        // 1.5 mm at 7 ps/mm: a quarter wave at 23.8 GHz.
        let stub = path("via stub 1.5mm").channel(End::Likely, 40e9);
        let deepest = stub.frequency_hz.iter().zip(&stub.s21).max_by(|x, y| loss(*x.1).total_cmp(&loss(*y.1)));
        let (hz, s21) = deepest.expect("points");
        assert!((hz * 1e-9 - 23.8).abs() < 0.3 && loss(*s21) > 25.0, "{hz} Hz");
    }

    /// Passive: no vector of waves comes out stronger than it went in. The largest eigenvalue of S^H S is at most one.
    #[test]
    fn channels_are_passive_and_reciprocal() {
        for text in [CABLE, "3 x via stub 1mm", "host 6dB, connector backplane, twinax 26awg 0.5m, host 2dB"] {
            for end in End::ALL {
                let channel = path(text).channel(end, 110e9);
                for point in 0..channel.frequency_hz.len() {
                    let (s11, s12) = (channel.s11[point], channel.s12[point]);
                    let (s21, s22) = (channel.s21[point], channel.s22[point]);
                    assert!((s12 - s21).norm() < 1e-12);
                    let (a, b) = (s11.norm_sqr() + s21.norm_sqr(), s12.norm_sqr() + s22.norm_sqr());
                    let cross = (s11.conj() * s12 + s21.conj() * s22).norm_sqr();
                    let largest = (a + b) / 2.0 + (((a - b) / 2.0).powi(2) + cross).sqrt();
                    assert!(largest <= 1.0 + 1e-9, "{text} {end:?} at {} Hz: {largest}", channel.frequency_hz[point]);
                }
            }
        }
    }

    /// Nothing arrives before the signal can: the impulse response's energy before the delay of the path is small.
    #[test]
    fn channels_are_causal() {
        let path = path(CABLE);
        let channel = path.channel(End::Likely, 60e9);
        let points = channel.frequency_hz.len();
        let step = channel.frequency_hz[0];
        let at = |time: f64| -> f64 {
            channel
                .frequency_hz
                .iter()
                .zip(&channel.s21)
                .enumerate()
                .map(|(k, (hz, s21))| {
                    // A smooth window keeps the band's edge from ringing into the time before.
                    let share = k as f64 / points as f64;
                    let window = (std::f64::consts::FRAC_PI_2 * share).cos().powi(2);
                    2.0 * step * window * (s21 * Complex64::from_polar(1.0, std::f64::consts::TAU * hz * time)).re
                })
                .sum::<f64>()
        };
        // At high frequencies the dielectric term makes the signal a little faster than its delay at 1 GHz.
        let arrival = path.delay_s();
        let peak = (0..200).map(|k| at(arrival + f64::from(k) * 2e-12).abs()).fold(0.0, f64::max);
        let before = (0..100).map(|k| at(arrival - 120e-12 - f64::from(k) * 20e-12).abs()).fold(0.0, f64::max);
        assert!(before < 0.01 * peak, "{before} against {peak}");
    }

    #[test]
    fn crosstalk_comes_from_connectors_alone() {
        assert!(path("trace megtron-7 80mm, via").channel_set(End::Likely, 30e9).fext.is_empty());
        let set = path(CABLE).channel_set(End::Likely, 30e9);
        let point = set.victim.frequency_hz.iter().position(|hz| *hz >= 26.5625e9).expect("covered");
        // Two connectors of -43 dB each: -40 dB against the signal, near 26.56 GHz.
        let relative = loss(set.fext[0].s21[point]) - loss(set.victim.s21[point]);
        assert!((relative - 40.0).abs() < 0.1, "{relative}");
        assert!(loss(set.next[0].s21[point]) > 47.0);
    }
}
