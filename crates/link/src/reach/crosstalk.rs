//! Crosstalk of modelled channels: one equivalent aggressor for each kind, as strong as all neighbours together.
//!
//! Neighbouring lanes couple in connectors; coupling grows with frequency (the derivative of the aggressor's signal)
//! until the connector is long against the wave. Far-end crosstalk runs through the rest of the victim's path, so it is
//! the victim's response times the sum of what the connectors couple; near-end crosstalk comes in at the connector
//! nearest to the receiver and passes the pieces between them twice. Traces and cable stock are taken to add nothing:
//! stripline pairs and foil-shielded pairs couple far less than connectors do.
//!
//! Levels are estimates: a power sum of -45 to -35 dB at 26.56 GHz is what connector makers aim at.

use num_complex::Complex64;

use super::path::{LanePath, empty};
use super::piece::End;
use crate::com::channel::DifferentialChannel;

/// Frequency that the levels are of, in Hz.
const AT_HZ: f64 = 26.5625e9;
/// Power sum of far-end crosstalk over all neighbours of one connector against the victim's signal, in dB.
const FAR_DB: [f64; 3] = [-48.0, -43.0, -38.0];
/// Power sum of near-end crosstalk over all neighbours of one connector, in dB.
const NEAR_DB: [f64; 3] = [-52.0, -47.0, -42.0];
/// Coupling stops growing here, in Hz: a quarter wave along some 1.5 mm of coupled contacts.
const LEVELS_OFF_HZ: f64 = 25e9;

/// Far-end and near-end aggressors of a path; none where nothing couples.
pub fn aggressors(
    path: &LanePath,
    victim: &DifferentialChannel,
    end: End,
) -> (Vec<DifferentialChannel>, Vec<DifferentialChannel>) {
    let connectors: u32 = path.pieces.iter().filter(|piece| piece.couples).map(|piece| piece.count).sum();
    let Some(last) = path.pieces.iter().rposition(|piece| piece.couples) else {
        return (Vec::new(), Vec::new());
    };
    let behind = &path.pieces[last + 1..];
    let far = strength(FAR_DB[end as usize]) * f64::from(connectors).sqrt();
    let near = strength(NEAR_DB[end as usize]);
    let mut fext = empty(&format!("{}, far-end crosstalk", path.name), &victim.frequency_hz);
    let mut next = empty(&format!("{}, near-end crosstalk", path.name), &victim.frequency_hz);
    for (point, &hz) in victim.frequency_hz.iter().enumerate() {
        let shape = Complex64::new(0.0, hz / AT_HZ) / Complex64::new(1.0, hz / LEVELS_OFF_HZ);
        let once: Complex64 = behind.iter().map(|piece| piece.at(hz, end).s21).product();
        for (aggressor, through) in
            [(&mut fext, victim.s21[point] * shape * far), (&mut next, once * once * shape * near)]
        {
            // Terminations are those of the victim: an aggressor's are much the same.
            aggressor.s11.push(victim.s11[point]);
            aggressor.s12.push(through);
            aggressor.s21.push(through);
            aggressor.s22.push(victim.s22[point]);
        }
    }
    (vec![fext], vec![next])
}

/// Coupling at `AT_HZ` without the levelling-off, so that with it the level there is the one given.
fn strength(level_db: f64) -> f64 {
    10_f64.powf(level_db / 20.0) * (1.0 + (AT_HZ / LEVELS_OFF_HZ).powi(2)).sqrt()
}
