//! The whole answer for a lane: margin by COM or by an eye, bits wrong, frames lost behind error correction.

use lanewright_model::catalogue::protocol::{LaneTechnology, Modulation};
use lanewright_model::figure::Band;
use serde::Serialize;

use super::margin::{self, LaneMargin, NoMargin};
use super::path::LanePath;
use super::piece::End;
use super::receiver::{PlanningReceiver, for_lane};
use super::slicer::{SlicerView, settings};
use crate::com::channel::ChannelSet;
use crate::eye::front_end::Packages;
use crate::eye::receiver as eye_receiver;
use crate::eye::standard::{SerialStandard, find_serial};
use crate::fec::chain::chain;
use crate::fec::frames::unit_loss;
use crate::fec::latency::latency;
use crate::fec::process::ErrorProcess;
use crate::fec::scheme::Scheme;
use crate::fec::slicer::Signalling;

/// How a lane was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Channel operating margin.
    Com,
    /// Eye of a reference receiver.
    Eye,
    /// Loss at Nyquist alone: no reference receiver is published for the lane, or the stretch ends at a chip whose
    /// receiver is not known.
    Loss,
}

/// Errors behind correction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Corrected {
    /// Short name of the code.
    pub scheme: String,
    /// Share of frames (flits: replayed) that are lost; bursts of the feedback equaliser counted. High is at high loss.
    pub frame_loss_ratio: Band<f64>,
    /// Latency of correction in ns: filling and decoding.
    pub latency_ns: Band<f64>,
}

/// The answer for a lane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// How it was judged.
    pub method: Method,
    /// Reference receiver, and where its parameters come from.
    pub receiver: String,
    /// Whether the receiver was made for this very lane.
    pub exact: bool,
    /// COM in dB; low is at high loss.
    pub com_db: Option<Band<f64>>,
    /// Eye height against what is asked for, in mV: low, likely, high; then the limit.
    pub eye_height_mv: Option<(Band<f64>, f64)>,
    /// Eye width against what is asked for, in UI.
    pub eye_width_ui: Option<(Band<f64>, f64)>,
    /// Bit error ratio at the detector; high is at high loss.
    pub bit_error_ratio: Option<Band<f64>>,
    /// Behind error correction.
    pub corrected: Option<Corrected>,
    /// COM at likely loss in dB as if every symbol were detected by itself, where the receiver detects sequences.
    pub com_by_symbol_db: Option<f64>,
    /// What the slicer sees at likely loss.
    #[serde(skip)]
    pub slicer: Option<SlicerView>,
}

/// COM that the annexes ask for, in dB.
pub const COM_LIMIT_DB: f64 = 3.0;
/// Frame that losses are counted for, in bytes: the smallest of Ethernet, which the task forces count by.
const FRAME_BYTES: f64 = 64.0;

impl Verdict {
    /// Whether the likely value and the bad end of the band keep the limits; `None` where nothing but loss was judged.
    pub fn keeps(&self) -> Option<(bool, bool)> {
        match self.method {
            Method::Com => self.com_db.map(|com| (com.likely >= COM_LIMIT_DB, com.low >= COM_LIMIT_DB)),
            Method::Eye => {
                let holds = |value: Option<(Band<f64>, f64)>, pick: fn(&Band<f64>) -> f64| {
                    value.is_none_or(|(band, limit)| pick(&band) >= limit)
                };
                let both = |pick| holds(self.eye_height_mv, pick) && holds(self.eye_width_ui, pick);
                Some((both(|band| band.likely), both(|band| band.low)))
            }
            Method::Loss => None,
        }
    }

    fn loss(receiver: &str) -> Self {
        Self {
            method: Method::Loss,
            receiver: receiver.into(),
            exact: false,
            com_db: None,
            eye_height_mv: None,
            eye_width_ui: None,
            bit_error_ratio: None,
            corrected: None,
            com_by_symbol_db: None,
            slicer: None,
        }
    }
}

/// Levels of a lane that have a reference receiver.
fn levels(technology: &LaneTechnology) -> Option<u32> {
    match technology.modulation {
        Modulation::Nrz => Some(2),
        Modulation::Pam4 => Some(4),
        _ => None,
    }
}

/// The eye standard of a lane technology.
fn serial(technology: &LaneTechnology) -> Option<&'static SerialStandard> {
    if !matches!(technology.family.as_str(), "pcie" | "cxl") {
        return None;
    }
    let id = match (technology.symbol_gbd.0.round() as u32, technology.modulation) {
        (32, Modulation::Nrz) => "pcie-5",
        (32, Modulation::Pam4) => "pcie-6",
        (64, Modulation::Pam4) => "pcie-7",
        _ => return None,
    };
    find_serial(id)
}

fn receiver(technology: &LaneTechnology) -> Option<PlanningReceiver> {
    let ethernet = technology.family == "ethernet";
    for_lane(technology.symbol_gbd.0, levels(technology)?, ethernet)
}

/// Judges a modelled lane. `hosts` says whether the path's first and last pieces are hosts with their packages;
/// `rate_gbps` is the port's payload rate, for the latency of its code words.
pub fn of_path(path: &LanePath, hosts: [bool; 2], technology: &LaneTechnology, rate_gbps: f64) -> Verdict {
    if hosts != [true, true] {
        return Verdict::loss("loss at Nyquist: the stretch ends at a retimer or module, judged by what it recovers");
    }
    if let Some(standard) = serial(technology) {
        return by_eye(path, standard);
    }
    let Some(receiver) = receiver(technology) else {
        return Verdict::loss("loss at Nyquist: no reference receiver is published for this lane");
    };
    match margin::of_path(path, hosts, &receiver) {
        Ok(found) => by_com(&found, &receiver, technology, rate_gbps),
        Err(NoMargin::NothingArrives) => {
            let shut = Band::exact(f64::NEG_INFINITY);
            let mut verdict = Verdict::loss(receiver.source);
            (verdict.method, verdict.com_db, verdict.exact) = (Method::Com, Some(shut), receiver.exact);
            verdict.bit_error_ratio = Some(Band::exact(0.5));
            verdict
        }
        Err(NoMargin::Refused(why)) => Verdict::loss(&format!("loss at Nyquist: {why}")),
    }
}

/// Judges a lane by a measured channel, pin to pin.
pub fn of_measured(set: &ChannelSet, technology: &LaneTechnology, rate_gbps: f64) -> Result<Verdict, String> {
    let Some(receiver) = receiver(technology) else {
        return Err("no reference receiver is published for this lane".into());
    };
    match margin::of_measured(set, &receiver) {
        Ok(end) => {
            let found = LaneMargin {
                com_db: Band::exact(end.com_db),
                bit_error_ratio: Band::exact(end.bit_error_ratio),
                likely: end,
            };
            Ok(by_com(&found, &receiver, technology, rate_gbps))
        }
        Err(NoMargin::NothingArrives) => Err("nothing arrives through it at this rate".into()),
        Err(NoMargin::Refused(why)) => Err(why.to_string()),
    }
}

fn by_com(found: &LaneMargin, receiver: &PlanningReceiver, technology: &LaneTechnology, rate_gbps: f64) -> Verdict {
    let likely = &found.likely;
    Verdict {
        method: Method::Com,
        receiver: receiver.source.into(),
        exact: receiver.exact,
        com_db: Some(found.com_db),
        eye_height_mv: None,
        eye_width_ui: None,
        bit_error_ratio: Some(found.bit_error_ratio),
        corrected: corrected(found, technology, rate_gbps),
        com_by_symbol_db: likely.com_by_symbol_db,
        slicer: likely.slicer.clone(),
    }
}

/// Frames lost at the three ends of the band: wrong symbols come at the detector's ratio, and the feedback taps make
/// bursts of them.
fn corrected(found: &LaneMargin, technology: &LaneTechnology, rate_gbps: f64) -> Option<Corrected> {
    let signalling = if technology.modulation == Modulation::Nrz { Signalling::Nrz } else { Signalling::Pam4 };
    let scheme = Scheme::of_technology(&technology.family, technology.fec.as_deref(), signalling)?;
    let taps: Vec<f64> = found.likely.dfe_taps.iter().take(crate::fec::process::TAPS_MAX).copied().collect();
    let bits = f64::from(signalling.bits());
    let lost = |ber: f64| -> Option<f64> {
        let process = ErrorProcess::Feedback { start: (ber * bits).clamp(0.0, 0.5), taps: taps.clone() };
        let errors = chain(&process, &scheme).ok()?;
        unit_loss(&errors, &scheme, FRAME_BYTES, rate_gbps).ok().map(|unit| unit.loss_ratio)
    };
    let delay = latency(&scheme, rate_gbps).ok()?.total_ns();
    let ber = found.bit_error_ratio;
    let likely = lost(ber.likely)?;
    let end = |ber: f64| lost(ber).unwrap_or(likely);
    Some(Corrected {
        scheme: scheme.name.into(),
        frame_loss_ratio: Band { low: end(ber.low).min(likely), likely, high: end(ber.high).max(likely) },
        latency_ns: Band { low: delay[0], likely: delay[1], high: delay[2] },
    })
}

/// The eye at likely loss over all settings of the equalisers, and at the ends of the band with the setting
/// that was best there.
fn by_eye(path: &LanePath, standard: &'static SerialStandard) -> Verdict {
    let settings = settings(standard.error_ratio.value);
    // The path's own hosts are its packages.
    let at = |end: End, standard: &SerialStandard| {
        let set = path.channel_set(end, standard.baud_hz);
        eye_receiver::evaluate(standard, &set, Packages::InFile, &settings).ok()
    };
    let likely = at(End::Likely, standard);
    let (low, high) = match &likely {
        None => (None, None),
        Some(found) => {
            let only = with_setting(standard, found.best.ctle_db, found.best.preset);
            rayon::join(|| at(End::Low, &only), || at(End::High, &only))
        }
    };
    let band = |pick: fn(&eye_receiver::ReceiverOutcome) -> f64| {
        let centre = likely.as_ref().map_or(0.0, pick);
        Band {
            low: high.as_ref().map_or(0.0, pick).min(centre),
            likely: centre,
            high: low.as_ref().map_or(centre, pick).max(centre),
        }
    };
    let weakest = standard.weakest().word();
    Verdict {
        method: Method::Eye,
        receiver: format!("{}: reference receiver (weakest parameter: {weakest})", standard.name),
        exact: true,
        com_db: None,
        eye_height_mv: Some((band(|found| found.height_mv), standard.eye_height_v.value * 1e3)),
        eye_width_ui: Some((band(|found| found.width_ui), standard.eye_width_ui.value)),
        bit_error_ratio: None,
        corrected: None,
        com_by_symbol_db: None,
        slicer: likely.as_ref().map(SlicerView::of_receiver),
    }
}

/// The standard with one setting of its equalisers.
fn with_setting(standard: &SerialStandard, ctle_db: f64, preset: &str) -> SerialStandard {
    let mut only = *standard;
    if let Some(at) = only.ctle.value.gain_db.iter().position(|db| *db == ctle_db) {
        only.ctle.value.gain_db = &only.ctle.value.gain_db[at..=at];
    }
    if let Some(at) = only.presets.value.iter().position(|known| known.name == preset) {
        only.presets.value = &only.presets.value[at..=at];
    }
    only
}

#[cfg(test)]
mod tests {
    use super::super::segments::{self, parse};
    use super::*;
    use lanewright_model::catalogue::{Catalogue, Layer};
    use lanewright_model::problem::Problems;
    use lanewright_model::text::Texts;

    fn catalogue() -> Catalogue {
        let files = [
            ("materials.toml", include_str!("../../../../catalogue/materials.toml")),
            ("ethernet.toml", include_str!("../../../../catalogue/protocols-ethernet.toml")),
            ("pcie.toml", include_str!("../../../../catalogue/protocols-pcie-cxl.toml")),
        ];
        let layer: Layer = files.map(|(name, text)| (name.to_owned(), text.into())).into();
        Catalogue::load(&[layer], &mut Texts::new(), &mut Problems::new())
    }

    fn verdict(technology: &str, text: &str) -> Verdict {
        let catalogue = catalogue();
        let technology = catalogue.technologies.iter().find(|t| t.id.value == technology).expect("known");
        let segments = parse(text, &catalogue, technology.nyquist().0).expect("good path");
        let path = segments::path("test", &segments);
        of_path(&path, [true, true], technology, 400.0)
    }

    /// Short paths close and long ones do not, at every lane rate with a reference receiver; frames are lost where COM
    /// is short, and hardly ever where it is not.
    #[test]
    fn short_paths_close_and_long_ones_do_not() {
        for (technology, short, long) in [
            (
                "ethernet/25g-lane",
                "host 3dB, connector, twinax 30awg 2m, connector, host 3dB",
                "host 3dB, connector, twinax 30awg 9m, connector, host 3dB",
            ),
            (
                "ethernet/50g-lane",
                "host 4dB, connector, twinax 28awg 2m, connector, host 4dB",
                "host 4dB, connector, twinax 30awg 6m, connector, host 4dB",
            ),
            (
                "ethernet/100g-lane",
                "host 6dB, connector, twinax 28awg 1m, connector, host 6dB",
                "host 6dB, connector, twinax 28awg 4m, connector, host 6dB",
            ),
            (
                "ethernet/200g-lane",
                "host 6dB, connector, twinax 26awg 0.5m, connector, host 6dB",
                "host 6dB, connector, twinax 26awg 4m, connector, host 6dB",
            ),
        ] {
            let (good, bad) = (verdict(technology, short), verdict(technology, long));
            assert_eq!(good.keeps().map(|k| k.0), Some(true), "{good:?}");
            assert_eq!(bad.keeps().map(|k| k.0), Some(false), "{bad:?}");
            let lost = |verdict: &Verdict| verdict.corrected.as_ref().map_or(1.0, |c| c.frame_loss_ratio.likely);
            assert!(lost(&good) < 6.2e-10 && lost(&bad) > lost(&good), "{good:?} {bad:?}");
        }
    }

    #[test]
    fn pci_express_is_judged_by_its_eye() {
        let good =
            verdict("pcie/5.0-lane", "host 6dB, trace megtron-6 200mm, connector cem, trace megtron-6 80mm, host 3dB");
        assert_eq!(good.method, Method::Eye);
        assert_eq!(good.keeps().map(|k| k.0), Some(true), "{:?}", good.eye_height_mv);
        let eye = good.slicer.as_ref().and_then(|slicer| slicer.eye.as_ref()).expect("it is drawn");
        assert_eq!(Some(eye.height_mv()), good.eye_height_mv.map(|(band, _)| band.likely));
        assert_eq!(Some(eye.width_ui()), good.eye_width_ui.map(|(band, _)| band.likely));
        let bad =
            verdict("pcie/5.0-lane", "host 9dB, trace megtron-6 900mm, connector cem, trace megtron-6 300mm, host 5dB");
        assert_eq!(bad.keeps().map(|k| k.0), Some(false), "{:?}", bad.eye_height_mv);
    }
}
