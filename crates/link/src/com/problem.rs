//! What can be wrong with a channel or a set of parameters, and what to do about it.

use std::fmt;

/// Why an evaluation gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ComProblem {
    /// A channel has too few frequencies to tell its group delay.
    TooFewPoints {
        /// Which channel.
        channel: String,
        /// Points that it has.
        points: usize,
    },
    /// A channel's step is too large for any time response.
    TooCoarse {
        /// Which channel.
        channel: String,
        /// Its step in Hz.
        step_hz: f64,
        /// What would do, in Hz.
        limit_hz: f64,
    },
    /// A value is not a number.
    NotFinite {
        /// Which channel.
        channel: String,
    },
    /// Frequencies do not rise.
    NotRising {
        /// Which channel.
        channel: String,
        /// Index of the frequency, from 0, that is not above the one before it.
        index: usize,
    },
    /// An aggressor's frequencies are not the victim's.
    OtherFrequencies {
        /// Which channel.
        channel: String,
    },
    /// The phase rises with frequency: the response would come before its cause.
    AntiCausal {
        /// Which channel.
        channel: String,
    },
    /// Nothing comes through.
    NoSignal {
        /// Which channel.
        channel: String,
    },
    /// The number of ports or the port order does not make a pair at each end.
    Ports {
        /// Which channel.
        channel: String,
        /// What is wrong.
        what: String,
    },
    /// A parameter makes no sense.
    Parameter {
        /// Which, by the name of its row.
        row: String,
        /// What is wrong and what was expected.
        what: String,
    },
    /// No setting of the grid gives a pulse that a receiver can sample.
    NoSetting {
        /// Which package case.
        case: String,
        /// What was found.
        what: String,
    },
}

impl fmt::Display for ComProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewPoints { channel, points } => write!(
                f,
                "{channel}: {points} frequencies are too few: at least {} are needed to follow the phase. Sweep with a finer step",
                super::impulse::FEWEST_POINTS
            ),
            Self::TooCoarse { channel, step_hz, limit_hz } => write!(
                f,
                "{channel}: a frequency step of {:.3} GHz gives no time response; steps up to {:.3} GHz do, and the annex asks for far less",
                step_hz / 1e9,
                limit_hz / 1e9
            ),
            Self::NotFinite { channel } => write!(f, "{channel}: a parameter is not a finite number. Check the file"),
            Self::NotRising { channel, index } => {
                write!(f, "{channel}: frequency {} is not above the one before it. Sort the file", index + 1)
            }
            Self::OtherFrequencies { channel } => {
                write!(
                    f,
                    "{channel}: its frequencies are not those of the victim. Sweep all channels over the same frequencies"
                )
            }
            Self::AntiCausal { channel } => write!(
                f,
                "{channel}: its phase rises with frequency, so that its response would come before its cause. The step is too coarse for its delay, or the port order is wrong"
            ),
            Self::NoSignal { channel } => {
                write!(f, "{channel}: nothing comes through from its transmitter to its receiver. Check the port order")
            }
            Self::Ports { channel, what } => write!(f, "{channel}: {what}"),
            Self::Parameter { row, what } => write!(f, "{row}: {what}"),
            Self::NoSetting { case, what } => write!(f, "package case {case}: {what}"),
        }
    }
}

impl std::error::Error for ComProblem {}
