//! A lower bound of far-end crosstalk noise for any transmit equaliser.
//!
//! The search's crosstalk weighs each frequency by the magnitude of the equaliser's response |H|, which is no polynomial
//! of the taps. Its square and fourth power are: within a band, with weights w, Hölder's inequality gives
//! sum(w |H|) >= sum(w |H|^2)^(3/2) / sum(w |H|^4)^(1/2), and the sums are the autocorrelation of the taps (and the
//! autocorrelation of that) times cosine moments of the weights. The narrower the bands, the closer the bound.

const BANDS: usize = 12;

/// Cosines of every frequency, sorted into bands: the same for all weights.
#[derive(Clone, Debug)]
pub struct CosineBands {
    taps: usize,
    bands: Vec<u8>,
    /// cos(lag * theta) per frequency, doubled for lag > 0.
    cosines: Vec<f64>,
}

/// Cosine moments of the weights, band by band.
#[derive(Clone, Debug)]
pub struct CrosstalkBound {
    taps: usize,
    /// `moments[band * lags + lag]`: sum over the band of weight times cos(lag * theta), doubled for lag > 0.
    moments: Vec<f64>,
}

impl CosineBands {
    /// For responses with so many taps, and frequencies at angles theta = 2 pi f T_b in rad.
    pub fn new(taps: usize, angles: &[f64]) -> Self {
        let folded = |angle: f64| {
            let turn = angle.rem_euclid(2.0 * std::f64::consts::PI);
            turn.min(2.0 * std::f64::consts::PI - turn)
        };
        let mut bands = Vec::with_capacity(angles.len());
        let mut cosines = Vec::with_capacity(angles.len() * (2 * taps - 1));
        for angle in angles.iter().map(|angle| folded(*angle)) {
            bands.push(((angle / std::f64::consts::PI * BANDS as f64) as usize).min(BANDS - 1) as u8);
            // Chebyshev's recurrence.
            let (x, mut before, mut now) = (2.0 * angle.cos(), angle.cos(), 1.0);
            for lag in 0..2 * taps - 1 {
                cosines.push(if lag == 0 { 1.0 } else { 2.0 * now });
                (before, now) = (now, x * now - before);
            }
        }
        Self { taps, bands, cosines }
    }

    /// The bound for weights in V², one per frequency. Weights must not be negative.
    pub fn bound(&self, weights: &[f64]) -> CrosstalkBound {
        let lags = 2 * self.taps - 1;
        let mut moments = vec![0.0; BANDS * lags];
        for ((weight, band), cosines) in weights.iter().zip(&self.bands).zip(self.cosines.chunks_exact(lags)) {
            let moments = &mut moments[usize::from(*band) * lags..][..lags];
            for (moment, cosine) in moments.iter_mut().zip(cosines) {
                *moment += weight * cosine;
            }
        }
        CrosstalkBound { taps: self.taps, moments }
    }
}

impl CrosstalkBound {
    /// At least this much noise in V^2 with these taps.
    pub fn at_least(&self, taps: &[f64]) -> f64 {
        let lags = 2 * self.taps - 1;
        let square = autocorrelation(taps);
        // |H|^4 has the autocorrelation of the two-sided sequence of |H|^2.
        let two_sided: Vec<f64> = square[1..].iter().rev().chain(&square).copied().collect();
        let fourth = autocorrelation(&two_sided);
        self.moments
            .chunks_exact(lags)
            .map(|moments| {
                let second: f64 = square.iter().zip(moments).map(|(r, w)| r * w).sum();
                let fourth: f64 = fourth.iter().zip(moments).map(|(r, w)| r * w).sum();
                if second > 0.0 && fourth > 0.0 { second * (second / fourth).sqrt() } else { 0.0 }
            })
            .sum::<f64>()
            * (1.0 - 1e-9)
    }
}

fn autocorrelation(taps: &[f64]) -> Vec<f64> {
    (0..taps.len()).map(|lag| taps.iter().zip(&taps[lag..]).map(|(a, b)| a * b).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Never above the sum itself, and close to it.
        #[test]
        fn bounds_the_weighted_magnitude(
            side in prop::collection::vec(-0.11_f64..0.11, 4),
            seed in 0_u32..1000,
        ) {
            let mut taps = side.clone();
            taps.insert(2, 1.0 - side.iter().map(|c| c.abs()).sum::<f64>());
            let angles: Vec<f64> = (0..500).map(|n| f64::from(n) * 2.0 * std::f64::consts::PI / 499.0).collect();
            let weights: Vec<f64> = (0..500_u32).map(|n| f64::from((n * 7919 + seed * 104_729) % 97) / 97.0).collect();
            let truth: f64 = angles.iter().zip(&weights).map(|(angle, weight)| {
                let (mut re, mut im) = (0.0, 0.0);
                for (n, c) in taps.iter().enumerate() {
                    re += c * (n as f64 * angle).cos();
                    im -= c * (n as f64 * angle).sin();
                }
                weight * f64::hypot(re, im)
            }).sum();
            let bound = CosineBands::new(5, &angles).bound(&weights).at_least(&taps);
            prop_assert!(bound <= truth, "{bound} > {truth}");
            prop_assert!(bound >= 0.97 * truth, "{bound} << {truth}");
        }
    }
}
