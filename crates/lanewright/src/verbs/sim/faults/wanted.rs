//! A fault as somebody wrote it, and the changes of the network that it comes to.

use lanewright_fabric::fault::{Change, Fault};
use lanewright_fabric::network::EdgeId;
use lanewright_fabric::time::Time;
use lanewright_model::text::{Placed, Span};

use super::places::Places;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It stops.
    Down,
    /// It comes back.
    Up,
    /// It sends at a share of its rate.
    Share(f64),
    /// So many lanes are left.
    Lanes(u16),
    /// Bits arrive wrong: ratio behind error correction, mean length of a burst.
    BitErrors(f64, f64),
    /// The ratio goes by equal factors from the first to the second, over a time, in steps.
    Rise {
        /// Ratio at first.
        from: f64,
        /// Ratio at last.
        to: f64,
        /// Mean length of a burst.
        burst: f64,
        /// How long it takes.
        over: Time,
        /// In how many steps.
        steps: u32,
    },
    /// It stops and comes back, again and again.
    Flap {
        /// For how long it is down.
        down: Time,
        /// From one stop to the next.
        every: Time,
        /// How many stops.
        times: u32,
    },
}

/// A fault as written.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Name of the node, or place of the link.
    pub place: Placed<String>,
    /// Whether it is a node.
    pub node: bool,
    /// What goes wrong.
    pub kind: Placed<Kind>,
    /// When.
    pub at: Time,
    /// When all is well again.
    pub until: Option<Placed<Time>>,
}

/// What links are like in health: ratio of bit errors and length of a burst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Healthy {
    /// Ratio.
    pub ratio: f64,
    /// Burst.
    pub burst: f64,
}

/// Most flaps and steps of one fault.
pub const MOST_STEPS: u32 = 100_000;

/// Steps of a rise where none are given.
pub const USUAL_STEPS: u32 = 10;

impl Kind {
    /// What is wrong with its numbers alone.
    pub fn check(self) -> Result<Self, String> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if value >= low && value <= high {
                Ok(())
            } else {
                Err(format!("{name} is {value}; it lies from {low} to {high}"))
            }
        };
        match self {
            Self::Share(share) if !(share > 0.0 && share <= 1.0) => {
                Err(format!("a share is above 0 and at most 1, not {share}; use `down` for a link that stops"))
            }
            Self::Lanes(0) => Err("at least one lane is left; use `down` for a link that stops".into()),
            Self::BitErrors(ratio, burst) => {
                { within("a bit error ratio", ratio, 0.0, 0.5).and_then(|()| within("a burst", burst, 1.0, 1e9)) }
                    .map(|()| self)
            }
            Self::Rise { from, to, burst, steps, .. } => {
                within("a bit error ratio that rises", from, 1e-30, 0.5)?;
                within("a bit error ratio that rises", to, 1e-30, 0.5)?;
                within("a burst", burst, 1.0, 1e9)?;
                within("the number of steps", f64::from(steps), 1.0, f64::from(MOST_STEPS)).map(|()| self)
            }
            Self::Flap { down, every, times } => {
                within("the number of flaps", f64::from(times), 1.0, f64::from(MOST_STEPS))?;
                if down == Time::ZERO || (times > 1 && down >= every) {
                    return Err(format!(
                        "a flap lasts longer than nothing and less than the time to the next: {} us every {} us does not",
                        down.as_us(),
                        every.as_us()
                    ));
                }
                Ok(self)
            }
            _ => Ok(self),
        }
    }

    /// In words, as a table lists it.
    pub fn words(self) -> String {
        match self {
            Self::Down => "down".into(),
            Self::Up => "up".into(),
            Self::Share(share) => format!("at {share} of its rate"),
            Self::Lanes(lanes) => format!("{lanes} lanes left"),
            Self::BitErrors(ratio, burst) => format!("bit errors {ratio:e}, bursts of {burst}"),
            Self::Rise { from, to, over, .. } => {
                format!("bit errors from {from:e} to {to:e} over {} us", over.as_us())
            }
            Self::Flap { down, every, times } => {
                format!("{times} flaps, down {} us every {} us", down.as_us(), every.as_us())
            }
        }
    }
}

impl Wanted {
    /// The same, with one place for all its parts.
    pub fn all_at(mut self, span: Span) -> Self {
        (self.place.span, self.kind.span) = (span, span);
        self.until = self.until.map(|until| Placed::new(until.value, span));
        self
    }

    /// The changes that it comes to, and the edges that it acts on (none for a node); else where it is wrong and why.
    pub fn faults(&self, places: &Places<'_>, healthy: Healthy) -> Result<(Vec<Fault>, Vec<EdgeId>), (Span, String)> {
        let wrong = |why: String| (self.kind.span, why);
        let kind = self.kind.value;
        if let Some(until) = self.until.as_ref().filter(|until| until.value <= self.at) {
            return Err((until.span, format!("the end, {} us, does not come after the start", until.value.as_us())));
        }
        let mut changes: Vec<(Time, Part)> = Vec::new();
        match kind {
            Kind::Down => changes.push((self.at, Part::Stops)),
            Kind::Up => changes.push((self.at, Part::Returns)),
            Kind::Share(share) => changes.push((self.at, Part::Slows(share))),
            Kind::Lanes(lanes) => changes.push((self.at, Part::Keeps(lanes))),
            Kind::BitErrors(ratio, burst) => changes.push((self.at, Part::Errs(ratio, burst))),
            Kind::Rise { from, to, burst, over, steps } => {
                for step in 0..=steps {
                    let share = f64::from(step) / f64::from(steps.max(1));
                    let time = Time((over.0 as f64 * share) as u64);
                    changes.push((self.at.saturating_add(time), Part::Errs(from * (to / from).powf(share), burst)));
                }
            }
            Kind::Flap { down, every, times } => {
                for flap in 0..u64::from(times) {
                    let start = self.at.saturating_add(Time(every.0.saturating_mul(flap)));
                    changes.push((start, Part::Stops));
                    changes.push((start.saturating_add(down), Part::Returns));
                }
            }
        }
        if let Some(until) = &self.until {
            let well = match kind {
                Kind::Down => Part::Returns,
                Kind::Share(_) | Kind::Lanes(_) => Part::Slows(1.0),
                Kind::BitErrors(..) => Part::Errs(healthy.ratio, healthy.burst),
                Kind::Rise { over, .. } if until.value > self.at.saturating_add(over) => {
                    Part::Errs(healthy.ratio, healthy.burst)
                }
                Kind::Rise { .. } => return Err((until.span, "the end comes before the rise is over".into())),
                Kind::Up | Kind::Flap { .. } => {
                    return Err((until.span, "`until` goes with down, share, lanes and ber alone".into()));
                }
            };
            changes.push((until.value, well));
        }
        let place = |why: String| (self.place.span, why);
        let mut found = Vec::new();
        if self.node {
            let node = places.node(&self.place.value).map_err(place)?;
            for (at, part) in changes {
                let change = match part {
                    Part::Stops => Change::NodeDown { node },
                    Part::Returns => Change::NodeUp { node },
                    _ => return Err(wrong("a node goes down, up or flaps; name a link for the rest".into())),
                };
                found.push(Fault { at, change });
            }
            return Ok((found, Vec::new()));
        }
        let edges = places.link(&self.place.value).map_err(place)?;
        for (at, part) in changes {
            for edge in edges.iter().copied() {
                let change = match part {
                    Part::Stops => Change::Down { edge },
                    Part::Returns => Change::Up { edge },
                    Part::Slows(share) => Change::Rate { edge, share },
                    Part::Errs(ratio, burst) => Change::BitErrors { edge, ratio, burst },
                    Part::Keeps(left) => {
                        let all = places.network().edge(edge).lanes.max(1);
                        if left > all {
                            return Err(wrong(format!("this port has {all} lanes: {left} cannot be left")));
                        }
                        Change::Rate { edge, share: f64::from(left) / f64::from(all) }
                    }
                };
                found.push(Fault { at, change });
            }
        }
        Ok((found, edges))
    }
}

/// One change of a fault.
#[derive(Clone, Copy)]
enum Part {
    Stops,
    Returns,
    Slows(f64),
    Keeps(u16),
    Errs(f64, f64),
}
