//! What a drawing of a statistical eye needs: how often each voltage is there, as shades, and where it stays open.

use super::opening::{Contour, Opening, contours};
use super::statistical::StatisticalEye;

/// What happens less often than this is left clear.
const FAINTEST: f64 = 1e-12;
/// Half of the voltages shown holds what is exceeded this often, with a little room.
const SHOWN: f64 = 1e-6;
const ROOM: f64 = 1.12;

/// An eye as a picture over one unit interval about the sampling instant, after which it repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct EyePicture {
    /// Voltages from minus to plus so many mV are shown.
    pub limit_mv: f64,
    /// Points across the unit interval; the sampling instant is on the left edge of the middle one.
    pub columns: usize,
    /// Points from the top to the bottom.
    pub rows: usize,
    /// Shade of each point, rows from the top: 0 for nothing, 1 to 255 for probabilities from 1e-12 to the most common one,
    /// by their logarithm.
    pub shades: Vec<u8>,
    /// Error ratio that openings are judged at.
    pub target: f64,
    /// Every eye's opening at the target, from the bottom.
    pub openings: Vec<Opening>,
    /// Contours at the target and at further error ratios; those of closed eyes have no points.
    pub contours: Vec<Contour>,
}

impl EyePicture {
    /// Draws an eye with so many points up and at most so many across.
    pub fn of(eye: &StatisticalEye, openings: &[Opening], rows: usize, most_columns: usize) -> Self {
        let limit_mv = limit_mv(eye);
        let rows = rows.max(2);
        let phases = eye.phase_ui.len().saturating_sub(1).max(1);
        // Steps that meet the middle again, so that the sampling instant has its column.
        let step = (1..=phases).find(|step| phases.is_multiple_of(2 * step) && phases / step <= most_columns.max(2));
        let step = step.unwrap_or(1);
        let density: Vec<Vec<f64>> =
            (0..phases).step_by(step).map(|phase| eye.density(phase, limit_mv * 1e-3, rows)).collect();
        let most = density.iter().flatten().copied().fold(1e-6, f64::max).log10();
        let faintest = FAINTEST.log10();
        let shade = |p: f64| {
            if p < FAINTEST {
                0
            } else {
                (1.0 + 254.0 * (p.log10() - faintest) / (most - faintest)).clamp(1.0, 255.0) as u8
            }
        };
        let shades = (0..rows).rev().flat_map(|row| density.iter().map(move |column| (column, row)));
        Self {
            limit_mv,
            columns: density.len(),
            rows,
            shades: shades.map(|(column, row)| shade(column[row])).collect(),
            target: eye.settings.target,
            openings: openings.to_vec(),
            contours: contours(eye),
        }
    }

    /// Height of the smallest eye at the target, in mV; negative where it is closed.
    pub fn height_mv(&self) -> f64 {
        self.openings.iter().map(|opening| opening.height_mv).fold(f64::INFINITY, f64::min)
    }

    /// Width of the narrowest eye at the target, in unit intervals.
    pub fn width_ui(&self) -> f64 {
        self.openings.iter().map(|opening| opening.width_ui).fold(f64::INFINITY, f64::min)
    }
}

/// Half of the voltages that are shown, in mV: everything that happens often enough.
fn limit_mv(eye: &StatisticalEye) -> f64 {
    let top = eye.levels - 1;
    let highest = (0..eye.phase_ui.len()).map(|phase| eye.high_quantile(phase, top, SHOWN));
    ROOM * 1e3 * highest.fold(eye.signal_v, f64::max)
}

#[cfg(test)]
mod tests {
    use super::super::input::{EyeInput, EyeNoise};
    use super::super::jitter::Jitter;
    use super::super::opening::openings;
    use super::super::pulse::EyePulse;
    use super::super::statistical::EyeSettings;
    use super::*;

    fn picture(levels: u32) -> EyePicture {
        let per_ui = 16;
        // A raised cosine of two unit intervals: clean at the instant, closing towards the edges.
        let samples =
            (0..=2 * per_ui).map(|k| 0.05 * (1.0 - (std::f64::consts::PI * k as f64 / per_ui as f64).cos())).collect();
        let input = EyeInput {
            pulse: EyePulse { samples, samples_per_ui: per_ui, cursor: per_ui, feedback_v: Vec::new() },
            levels,
            level_mismatch: 1.0,
            crosstalk: Vec::new(),
            noise: EyeNoise { receiver_v: 1e-3, ..EyeNoise::default() },
            jitter: Jitter::default(),
        };
        let settings = EyeSettings { phases_per_ui: 64, bins_per_cursor: 1024, target: 1e-6, contours: Vec::new() };
        let eye = StatisticalEye::of(&input, &settings).expect("sound input");
        EyePicture::of(&eye, &openings(&eye), 80, 32)
    }

    #[test]
    fn the_picture_has_its_levels_and_its_openings() {
        for levels in [2, 4] {
            let picture = picture(levels);
            assert_eq!((picture.columns, picture.rows, picture.shades.len()), (32, 80, 32 * 80));
            let middle: Vec<u8> = picture.shades.iter().skip(16).step_by(32).copied().collect();
            assert!(middle.iter().zip(middle.iter().rev()).all(|(up, down)| up.abs_diff(*down) <= 90), "{middle:?}");
            // As many bands of common voltages as levels at the sampling instant.
            let bands = middle.windows(2).filter(|pair| pair[0] < 200 && pair[1] >= 200).count();
            assert_eq!(bands, levels as usize, "{middle:?}");
            assert_eq!(picture.contours.len(), levels as usize - 1);
            // The contour at the instant is as high as the opening says.
            for (contour, opening) in picture.contours.iter().zip(&picture.openings) {
                let (_, low, high) = contour.points[contour.points.iter().position(|p| p.0 == 0.0).expect("open")];
                assert!((high - low - opening.height_mv).abs() < 1e-9);
            }
            let spacing = 200.0 / f64::from(levels - 1);
            let noise = 2.0 * crate::normal::quantile(1e-6);
            assert!((picture.height_mv() - (spacing - noise)).abs() < 0.1, "{}", picture.height_mv());
        }
    }
}
