//! One answer about a link: errors, losses, latency, replay, margin, and what to change.

use super::advice::{Margin, PrecodingAdvice, interleaves, margin_to, precoding};
use super::chain::{LinkErrors, chain};
use super::frames::{UnitLoss, unit_loss};
use super::inverse::Target;
use super::latency::{FecLatency, latency};
use super::process::{ErrorProcess, Refusal};
use super::replay::{Replay, ReplayCost, ReplayLink, replay_cost};
use super::scheme::{Code, Scheme, Unit};

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// How errors come.
    pub process: ErrorProcess,
    /// What corrects them.
    pub scheme: Scheme,
    /// Payload rate of the port in Gb/s.
    pub rate_gbps: f64,
    /// Bytes of a frame; flits have their own size.
    pub frame_bytes: f64,
    /// What the link is measured against.
    pub target: Target,
    /// How failed flits are sent again; frames are not.
    pub replay: ReplayPath,
}

/// How failed flits are sent again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayPath {
    /// From sending a flit to being able to send it again, in ns.
    pub round_trip_ns: f64,
    /// Flits that the sender keeps.
    pub buffer: f64,
    /// Which are sent again.
    pub replay: Replay,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Errors before and after correction.
    pub errors: LinkErrors,
    /// Fate of frames or flits.
    pub units: UnitLoss,
    /// Added latency.
    pub latency: FecLatency,
    /// Rate on the line in Gb/s, all lanes together.
    pub line_gbps: f64,
    /// Share of the target that is reached; up to 1 is met.
    pub reached: f64,
    /// Distance from the target, where errors can be scaled to it.
    pub margin: Option<Margin>,
    /// Replay, for flits.
    pub replay: Option<ReplayCost>,
    /// Precoding, where it can be used.
    pub precoding: Option<PrecodingAdvice>,
    /// Words that cannot be corrected by interleave.
    pub interleaves: Vec<(usize, f64)>,
}

impl Assessment {
    /// Whether the target is met.
    pub fn met(&self, target: &Target) -> bool {
        self.reached <= target.ratio()
    }
}

/// Works out everything about a link.
pub fn assess(question: &Question) -> Result<Assessment, Refusal> {
    let Question { process, scheme, rate_gbps, frame_bytes, target, replay } = question;
    let errors = chain(process, scheme)?;
    let units = unit_loss(&errors, scheme, *frame_bytes, *rate_gbps)?;
    let line_gbps = rate_gbps * scheme.expansion();
    let reached = target.reached(&errors, scheme)?;
    let replay = match scheme.unit {
        Unit::Frame => None,
        Unit::Flit(_) if units.loss_ratio > 0.5 => None,
        Unit::Flit(_) => Some(replay_cost(&ReplayLink {
            failures: units.loss_ratio,
            unit_ns: 1e9 / units.per_second,
            round_trip_ns: replay.round_trip_ns,
            buffer: replay.buffer,
            replay: replay.replay,
        })?),
    };
    let precoding = match scheme.code {
        Code::Inner => None,
        _ => Some(precoding(process, scheme)?),
    };
    Ok(Assessment {
        latency: latency(scheme, *rate_gbps)?,
        line_gbps,
        reached,
        // A lane that never errs has no distance in decades.
        margin: if process.scale() > 0.0 { margin_to(process, scheme, *target).ok() } else { None },
        replay,
        precoding,
        interleaves: interleaves(process, scheme)?,
        errors,
        units,
    })
}

#[cfg(test)]
mod tests {
    use super::super::scheme::NAMES;
    use super::*;

    fn question(name: &str, ber: f64) -> Question {
        let mut scheme = Scheme::named(name).expect("known");
        if name == "kp4-inner" {
            scheme.layout.interleave = 12;
        }
        Question {
            process: ErrorProcess::Random { ber },
            scheme,
            rate_gbps: 400.0,
            frame_bytes: 64.0,
            target: Target::UnitLoss { ratio: 6.2e-11, bytes: 64.0 },
            replay: ReplayPath { round_trip_ns: 200.0, buffer: 1000.0, replay: Replay::GoBack },
        }
    }

    #[test]
    fn every_scheme_answers_at_any_error_ratio() {
        for name in NAMES {
            for ber in [0.0, 1e-18, 1e-9, 1e-5, 1e-3, 1.5e-2] {
                let question = question(name, ber);
                let answer = assess(&question).expect("sound");
                let errors = &answer.errors;
                for share in [errors.pre_fec_ber, errors.post_fec_ber, answer.units.loss_ratio, errors.miscorrected] {
                    assert!((0.0..=1.0).contains(&share), "{name} {ber}: {answer:?}");
                }
                assert!(errors.post_fec_ber <= errors.pre_fec_ber.max(errors.detector_ber) * (1.0 + 1e-9));
                // Judged the same way by what is reached and by how far it is.
                if let Some(margin) = &answer.margin {
                    assert_eq!(answer.met(&question.target), margin.decades >= 0.0, "{name} {ber}: {answer:?}");
                }
                let flits = name.starts_with("pcie") || name == "cxl3" || name == "ualink";
                assert_eq!(answer.replay.is_some(), flits && answer.units.loss_ratio <= 0.5);
            }
        }
    }
}
