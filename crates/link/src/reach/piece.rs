//! Pieces of a lane's path: board traces, cable stock, connectors, vias, and the share of a host that is only known as
//! a loss.
//!
//! Every piece meets the loss points of its part exactly, at each end of their bands. A line is its loss law with a
//! characteristic impedance; a connector or via is a matched attenuator about a short step of impedance (and a stub),
//! whose own reflection loss is taken out of the attenuator's, so that the whole still meets the points. What the points
//! do not say is estimated here: impedances, the length of the steps, stubs.

use lanewright_model::catalogue::part::{Kind, LossPoint, Part};
use lanewright_model::figure::Band;
use lanewright_model::units::Quantity;
use num_complex::Complex64;

use super::law::{LossLaw, NEPER_PER_DB};
use super::two_port::TwoPort;

/// Differential reference impedance of modelled channels in ohm.
pub const REFERENCE_OHM: f64 = 100.0;
/// Differential impedance of board traces in ohm: made to 100 within 10 %, half of which is taken for likely (general
/// knowledge of board making). Below nominal is the lossy end, since packages are below too.
const TRACE_OHM: [f64; 3] = [100.0, 95.0, 90.0];
/// Differential impedance of twinaxial stock in ohm: 100 within 5 (general knowledge of cable making).
const STOCK_OHM: [f64; 3] = [100.0, 97.5, 95.0];
/// Impedance within a mated connector in ohm: about 16 dB of return loss at its worst (estimate).
const CONNECTOR_OHM: [f64; 3] = [92.0, 86.0, 80.0];
/// Delay of a mated connector with its pads: 5 mm at 7 ps/mm (estimate).
const CONNECTOR_S: f64 = 35e-12;
/// Impedance of a via barrel with its pads in ohm (estimate).
const VIA_OHM: [f64; 3] = [92.0, 86.0, 80.0];
/// Delay of a via through half a board of 3 mm, and per metre of stub (estimate: 7 ps/mm with the pads' load).
const VIA_S: f64 = 10e-12;
const STUB_S_PER_M: f64 = 7e-9;
/// Stub that the catalogue's back-drilled via is taken to have, in metres (estimate: 10 mil).
const DRILLED_STUB_M: f64 = 0.25e-3;
/// Delay per metre where a part has no figure: stripline of permittivity 3.6 (93A uses 6.14 ns/m for packages).
const TRACE_S_PER_M: f64 = 6.4e-9;
/// Width of the stripline that the catalogue's board losses are of, in metres: 5 mil (materials.toml).
const CATALOGUE_WIDTH_M: f64 = 127e-6;
/// Temperature that catalogue losses are taken to be of, in degrees Celsius (estimate).
const CATALOGUE_CELSIUS: f64 = 25.0;
/// Relative rise of copper's resistance per kelvin at 20 °C (IEC 60028: 0.00393).
const COPPER_PER_KELVIN: f64 = 0.00393;
/// Relative rise of dielectric loss per kelvin (estimate: 10 % over 50 K for low-loss laminates).
const DIELECTRIC_PER_KELVIN: f64 = 0.002;

/// An end of a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Low loss.
    Low,
    /// Likely loss.
    Likely,
    /// High loss.
    High,
}

impl End {
    /// All three, low first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Likely, Self::High];
}

/// What a piece is to a wave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A uniform line.
    Line,
    /// A short step of impedance with a stub in its middle, in metres; the second stub is the one that the loss points
    /// include.
    Step {
        /// Stub that is there.
        stub_m: f64,
        /// Stub that the part's loss points are of.
        known_stub_m: f64,
    },
}

/// A piece of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// What it is.
    pub name: String,
    /// What it is to a wave.
    pub shape: Shape,
    /// Loss of one at the three ends of its band.
    pub law: [LossLaw; 3],
    /// Attenuator of a step: its loss without what the step reflects.
    attenuator: [LossLaw; 3],
    /// Impedance at the three ends.
    impedance_ohm: [f64; 3],
    /// Delay of one in seconds.
    pub delay_s: f64,
    /// How many of them follow each other.
    pub count: u32,
    /// Whether neighbouring lanes couple in it: connectors.
    pub couples: bool,
    /// Whether its loss rests on a weak grade.
    pub weak: bool,
}

/// What a trace or cable is like beyond its material and length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineDetail {
    /// Width of the trace in metres; the catalogue's losses are of 5 mil.
    pub width_m: Option<f64>,
    /// Temperature in degrees Celsius; the catalogue's losses are of about 25.
    pub celsius: Option<f64>,
    /// Conductor loss against the catalogue's, for copper rougher (above 1) or smoother (below 1) than it assumes.
    pub roughness: Option<f64>,
}

/// Loss points of a part at the ends of their bands, in GHz and dB, and whether any is weak.
fn points(loss: &[LossPoint], per_metre: bool) -> Option<([LossLaw; 3], bool)> {
    let mut ends: [Vec<(f64, f64)>; 3] = Default::default();
    let mut weak = false;
    for point in loss {
        let found = if per_metre {
            point.per_m.as_ref().map(|f| (f.band.map(Quantity::get), f.grade))
        } else {
            point.each.as_ref().map(|f| (f.band.map(Quantity::get), f.grade))
        };
        let Some((band, grade)) = found else { continue };
        weak |= grade.is_weak();
        for (end, value) in ends.iter_mut().zip([band.low, band.likely, band.high]) {
            end.push((point.at_ghz.get(), value));
        }
    }
    let [low, likely, high] = ends.map(|end| LossLaw::through(&end));
    Some(([low?, likely?, high?], weak))
}

impl Piece {
    /// A length of board trace or cable stock; `None` when the part has no loss per metre.
    pub fn line(part: &Part, length_m: f64, detail: &LineDetail) -> Option<Self> {
        let (per_metre, weak) = points(&part.loss, true)?;
        let heat = detail.celsius.map_or(0.0, |c| c - CATALOGUE_CELSIUS);
        let conductor = (1.0 + COPPER_PER_KELVIN * heat).max(0.0).sqrt()
            * detail.width_m.map_or(1.0, |w| CATALOGUE_WIDTH_M / w)
            * detail.roughness.unwrap_or(1.0);
        let dielectric = (1.0 + DIELECTRIC_PER_KELVIN * heat).max(0.0);
        let law = per_metre.map(|law| law.scaled(conductor * length_m, dielectric * length_m));
        let delay = part.figures.delay_per_m.as_ref().map_or(TRACE_S_PER_M, |f| f.band.likely.get() * 1e-9);
        Some(Self {
            name: part.name.clone(),
            shape: Shape::Line,
            attenuator: law.clone(),
            law,
            impedance_ohm: if part.kind == Kind::Pcb { TRACE_OHM } else { STOCK_OHM },
            delay_s: delay * length_m,
            count: 1,
            couples: false,
            weak,
        })
    }

    /// Connectors or vias; `None` when the part has no loss of one piece. A via's stub is taken to be back-drilled to
    /// 0.25 mm unless it is given, in metres.
    pub fn lumped(part: &Part, count: u32, stub_m: Option<f64>) -> Option<Self> {
        let (law, weak) = points(&part.loss, false)?;
        let via = part.tags.iter().any(|tag| tag == "via");
        let known_stub_m = if via { DRILLED_STUB_M } else { 0.0 };
        let shape = Shape::Step { stub_m: stub_m.unwrap_or(known_stub_m), known_stub_m };
        let at: Vec<f64> = part.loss.iter().map(|point| point.at_ghz.get()).collect();
        let delay_s = if via { VIA_S } else { CONNECTOR_S };
        let mut impedance_ohm = if via { VIA_OHM } else { CONNECTOR_OHM };
        let mut attenuator = law.clone();
        for ((attenuator, law), ohm) in attenuator.iter_mut().zip(&law).zip(&mut impedance_ohm) {
            *attenuator = behind_the_step(law, &at, ohm, delay_s, known_stub_m);
        }
        Some(Self {
            name: part.name.clone(),
            shape,
            law,
            attenuator,
            impedance_ohm,
            delay_s,
            count: count.max(1),
            couples: !via,
            weak,
        })
    }

    /// Something that is only known as a loss at one frequency: a host's board.
    pub fn known(name: &str, ghz: f64, loss_db: Band<f64>, weak: bool) -> Option<Self> {
        let law = [loss_db.low, loss_db.likely, loss_db.high].map(|loss| LossLaw::through(&[(ghz, loss.max(0.0))]));
        let [low, likely, high] = law;
        let law = [low?, likely?, high?];
        // A board of the catalogue's default laminate would be this long: about 35 dB/m at 26.56 GHz.
        let metres = loss_db.likely.max(0.0) / (35.4 * (ghz / 26.5625).powf(0.8));
        Some(Self {
            name: name.to_owned(),
            shape: Shape::Line,
            attenuator: law.clone(),
            law,
            impedance_ohm: TRACE_OHM,
            delay_s: TRACE_S_PER_M * metres,
            count: 1,
            couples: false,
            weak,
        })
    }

    /// Loss of all of them at a frequency in GHz: what the points say, without reflections between pieces. Longer stubs
    /// than the points include come on top.
    pub fn loss_db(&self, ghz: f64) -> Band<f64> {
        let at = |end: End| {
            let one = self.law[end as usize].db(ghz);
            let beyond = match self.shape {
                Shape::Step { stub_m, known_stub_m } if stub_m != known_stub_m => {
                    let ohm = self.impedance_ohm[end as usize];
                    step(ghz, ohm, self.delay_s, stub_m).loss_db()
                        - step(ghz, ohm, self.delay_s, known_stub_m).loss_db()
                }
                _ => 0.0,
            };
            (one + beyond).max(0.0) * f64::from(self.count)
        };
        Band { low: at(End::Low), likely: at(End::Likely), high: at(End::High) }
    }

    /// Scattering parameters of all of them at a frequency in Hz, referenced to 100 ohm.
    pub fn at(&self, hz: f64, end: End) -> TwoPort {
        let (ghz, end) = (hz * 1e-9, end as usize);
        let law = &self.attenuator[end];
        let loss = Complex64::new(law.db(ghz) * NEPER_PER_DB, law.lag(ghz));
        let one = match self.shape {
            Shape::Line => {
                let delay = Complex64::new(0.0, std::f64::consts::TAU * hz * self.delay_s);
                TwoPort::line(loss + delay, self.impedance_ohm[end] / REFERENCE_OHM)
            }
            Shape::Step { stub_m, .. } => {
                let half = TwoPort::matched((-loss / 2.0).exp());
                half.then(&step(ghz, self.impedance_ohm[end], self.delay_s, stub_m)).then(&half)
            }
        };
        (1..self.count).fold(one, |all, _| all.then(&one))
    }
}

/// A lossless step of impedance with a stub in its middle.
fn step(ghz: f64, ohm: f64, delay_s: f64, stub_m: f64) -> TwoPort {
    let turn = std::f64::consts::TAU * ghz * 1e9;
    let half = TwoPort::line(Complex64::new(0.0, turn * delay_s / 2.0), ohm / REFERENCE_OHM);
    if stub_m <= 0.0 {
        return half.then(&half);
    }
    // An open stub: j tan(angle) over its impedance. At its quarter wave it shorts the line.
    let tangent = (turn * STUB_S_PER_M * stub_m).tan().clamp(-1e6, 1e6);
    half.then(&TwoPort::shunt(Complex64::new(0.0, tangent * REFERENCE_OHM / ohm))).then(&half)
}

/// The law less what the step itself takes away at its points. A step that would take more than half of the loss at one
/// of them is made milder, so that the points can be met.
fn behind_the_step(law: &LossLaw, at: &[f64], ohm: &mut f64, delay_s: f64, stub_m: f64) -> LossLaw {
    for _ in 0..8 {
        let mild = at.iter().all(|f| step(*f, *ohm, delay_s, stub_m).loss_db() <= 0.5 * law.db(*f) + 1e-3);
        if mild {
            break;
        }
        *ohm = REFERENCE_OHM - (REFERENCE_OHM - *ohm) / 2.0;
    }
    let rest: Vec<(f64, f64)> =
        at.iter().map(|f| (*f, (law.db(*f) - step(*f, *ohm, delay_s, stub_m).loss_db()).max(0.0))).collect();
    LossLaw::through(&rest).unwrap_or_default()
}
