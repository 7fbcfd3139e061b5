//! A die and its package, from the die outwards (93A.1.2): ladder of C_d and L_s, bump C_b, line stages, ball C_p.

use crate::com::parameters::{DieStage, PackageLine};
use crate::com::two_port::{Point, line, propagation};

/// What stands at one end of a channel.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The die's ladder.
    pub die: &'a [DieStage],
    /// C_b in F, single-ended.
    pub bump_f: f64,
    /// C_v in F, single-ended: between the third and the fourth stage of the line.
    pub via_f: f64,
    /// C_p in F, single-ended.
    pub ball_f: f64,
    /// The package's line.
    pub line: &'a PackageLine,
    /// Length of every stage in mm.
    pub length_mm: &'a [f64],
    /// R_0 in ohm, single-ended.
    pub reference_ohm: f64,
}

/// Port 1 is the die, port 2 the ball. Stages beyond the impedances given are left out only where they have no length;
/// a length without an impedance is refused when parameters are checked.
pub fn package(frequency_hz: &[f64], end: &End) -> Vec<Point> {
    let r0 = end.reference_ohm;
    let per_mm = propagation(frequency_hz, &end.line.loss);
    frequency_hz
        .iter()
        .zip(&per_mm)
        .map(|(&hz, &gamma)| {
            let mut whole = Point::THROUGH;
            let add_shunt = |whole: &mut Point, farad: f64| {
                if farad != 0.0 {
                    *whole = whole.then(&Point::shunt(hz, farad, r0));
                }
            };
            for stage in end.die {
                add_shunt(&mut whole, stage.shunt_f);
                if stage.series_h > 0.0 {
                    whole = whole.then(&Point::series(hz, stage.series_h, r0));
                }
            }
            if end.bump_f > 0.0 {
                add_shunt(&mut whole, end.bump_f);
            }
            for (stage, &mm) in end.length_mm.iter().enumerate() {
                if stage == 3 {
                    add_shunt(&mut whole, end.via_f);
                }
                if mm != 0.0 {
                    let ohm = end.line.impedance_ohm.get(stage).copied().unwrap_or(2.0 * r0);
                    whole = whole.then(&line(gamma, mm, ohm, r0));
                }
            }
            // A package of two stages stands for one of four whose last two have no length: its via still counts.
            if (2..4).contains(&end.length_mm.len()) {
                add_shunt(&mut whole, end.via_f);
            }
            add_shunt(&mut whole, end.ball_f);
            whole
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::com::parameters::LineLoss;

    fn pkg(length_mm: &[f64], via_f: f64) -> Point {
        let line = PackageLine {
            loss: LineLoss { gamma0: 0.0, a1: 9.909e-4, a2: 2.772e-4, tau: 6.141e-3 },
            impedance_ohm: vec![87.5, 92.5, 100.0, 100.0],
        };
        let end = End {
            die: &[DieStage { shunt_f: 1.2e-13, series_h: 1.2e-10 }],
            bump_f: 3e-14,
            via_f,
            ball_f: 8.7e-14,
            line: &line,
            length_mm,
            reference_ohm: 50.0,
        };
        package(&[26.5625e9], &end)[0]
    }

    #[test]
    fn two_stages_are_four_with_nothing_in_the_last() {
        let (two, four) = (pkg(&[31.0, 1.8], 2e-14), pkg(&[31.0, 1.8, 0.0, 0.0], 2e-14));
        assert!((two.s21 - four.s21).norm() < 1e-15 && (two.s22 - four.s22).norm() < 1e-15);
    }

    #[test]
    fn a_longer_package_loses_more_and_none_gains() {
        let (short, long) = (pkg(&[12.0, 1.8], 0.0), pkg(&[31.0, 1.8], 0.0));
        assert!(long.s21.norm() < short.s21.norm());
        assert!(short.s21.norm_sqr() + short.s11.norm_sqr() < 1.0);
        assert!((long.s21 - long.s12).norm() < 1e-14, "a package is reciprocal");
    }

    #[test]
    fn the_ladder_of_a_later_die_has_all_its_stages() {
        let line =
            PackageLine { loss: LineLoss { gamma0: 0.0, a1: 0.0, a2: 0.0, tau: 0.0 }, impedance_ohm: vec![100.0] };
        let stages = [
            DieStage { shunt_f: 4e-14, series_h: 1.3e-10 },
            DieStage { shunt_f: 9e-14, series_h: 1.5e-10 },
            DieStage { shunt_f: 1.1e-13, series_h: 1.4e-10 },
        ];
        let at = |die: &[DieStage]| {
            package(
                &[1e9],
                &End { die, bump_f: 0.0, via_f: 0.0, ball_f: 0.0, line: &line, length_mm: &[0.0], reference_ohm: 50.0 },
            )[0]
        };
        // Well below its corner the ladder acts as the sum of its capacitors and coils.
        let low = at(&stages);
        let c: f64 = stages.iter().map(|s| s.shunt_f).sum();
        let l: f64 = stages.iter().map(|s| s.series_h).sum();
        let w = 2.0 * std::f64::consts::PI * 1e9;
        let expected_angle = -(w * c * 50.0 + w * l / 50.0) / 2.0;
        assert!((low.s21.arg() - expected_angle).abs() < 2e-3, "{} {}", low.s21.arg(), expected_angle);
    }
}
