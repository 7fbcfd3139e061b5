//! Whether rates have settled: packets that each message got through, slot by slot, and what follows from them.
//!
//! Slots are as long as a round trip at first; when there are [`MOST`], pairs are joined and the next ones are twice as long,
//! so that a slow change has time to show. The first quarter of the slots, and what follows a change at once, do not count.
//! Of messages that differ by no more than chance explains, each is taken for an average one (James and Stein's estimator):
//! the noise of a short sample would otherwise go on for the whole of a skip.

/// Slots that are kept, even.
const MOST: usize = 32;
/// Slots that a verdict needs; half of them where hardly anything varies: with this standard error of all, relative.
const LEAST: usize = 8;
const CALM: f64 = 0.002;
/// Batches of slots that are compared with each other, even.
const BATCHES: usize = 4;
/// A verdict is sought every so many slots.
const EVERY: usize = 4;
/// First slots' lengths that do not count after a change.
const WARM: usize = 3;
/// The two halves of the sample may differ by so much, and what was sent from what came.
const TREND: f64 = 0.005;
/// Standard error of one message's rate, and of all in root mean square, relative.
const ERROR_OF_ONE: f64 = 0.01;
const ERROR_OF_ALL: f64 = 0.005;
/// With fewer messages their spread says too little about chance: each keeps its own rate.
const CROWD: usize = 16;

/// Packets that came for each message, and packets sent of all, at one time.
#[derive(Clone, Debug, Default)]
struct Mark {
    came: Vec<u32>,
    sent: u64,
}

/// A sample that grows.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    /// Length of the first slots, ps, and how many of them make one now.
    first: u64,
    joined: usize,
    marks: Vec<Mark>,
}

/// Rates that have settled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Steady {
    /// Packets per ps of each message.
    pub(super) rates: Vec<f64>,
    /// What the sample leaves open, relative: standard error of the rates (root mean square) and trends.
    pub(super) error: f64,
    /// Length of what the rates were taken from, ps.
    pub(super) span: u64,
}

impl Samples {
    /// None yet; slots of `first` ps.
    pub(super) fn new(first: u64) -> Self {
        Self { first: first.max(1), joined: 1, marks: Vec::new() }
    }

    /// Length of a slot now, ps.
    pub(super) fn slot(&self) -> u64 {
        self.first.saturating_mul(self.joined as u64)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.marks.clear();
        self.joined = 1;
    }

    /// The end of a slot (or the beginning of the first): packets that have come so far for each message, always the same
    /// ones, and that were sent of all together.
    pub(super) fn push(&mut self, came: Vec<u32>, sent: u64) {
        self.marks.push(Mark { came, sent });
        if self.marks.len() > MOST {
            let mut at = 0;
            self.marks.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.joined *= 2;
        }
    }

    /// Whether the last push ended what does not count after a change.
    pub(super) fn begins_to_count(&self) -> bool {
        self.joined == 1 && self.marks.len() == WARM + 1
    }

    /// The rates, if they have settled.
    pub(super) fn verdict(&self) -> Option<Steady> {
        let slots = self.marks.len().checked_sub(1)?;
        let skip = WARM.div_ceil(self.joined).max(slots / 4);
        let n = slots.checked_sub(skip)? / BATCHES * BATCHES;
        if n < LEAST / 2 || slots % EVERY != 0 {
            return None;
        }
        let marks = &self.marks[slots - n..];
        let (before, middle, after) = (&marks[0], &marks[n / 2], &marks[n]);
        let flows = before.came.len();
        let sum = |from: &Mark, to: &Mark| -> f64 {
            from.came.iter().zip(&to.came).map(|(from, to)| f64::from(to.wrapping_sub(*from))).sum()
        };
        let came = sum(before, after);
        let half = came / 2.0;
        let kept = (after.sent - before.sent) as f64 - came;
        if flows == 0 || (sum(before, middle) - half).abs() > TREND / 2.0 * half || kept.abs() > TREND * came {
            return None;
        }
        let (means, noises): (Vec<f64>, Vec<f64>) = (0..flows).map(|flow| moments(marks, flow)).unzip();
        let mean = came / (flows * n) as f64;
        let noise = noises.iter().sum::<f64>() / flows as f64;
        let spread = means.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / (flows.max(2) - 1) as f64;
        let own = if flows < CROWD || spread <= 0.0 { 1.0 } else { (1.0 - noise / spread).max(0.0) };
        // Rates drawn in all the way would be the likeliest ones, but too alike: half-way in powers keeps their true spread.
        let drawn = own.sqrt();
        let (mut squares, slot) = (0.0, self.slot() as f64);
        let mut rates = Vec::with_capacity(flows);
        for (at, noise) in means.iter().zip(&noises) {
            let rate = mean + drawn * (at - mean);
            let error = (own * noise).sqrt() / rate;
            if rate <= 0.0 || error.is_nan() || error > ERROR_OF_ONE {
                return None;
            }
            squares += error * error;
            rates.push(rate / slot);
        }
        let error = (squares / flows as f64).sqrt();
        let most = if n < LEAST { CALM } else { ERROR_OF_ALL };
        // What is left open besides: the mean of all, what grew during the sample, what queues took in.
        let trend = (sum(before, middle) - half) / half;
        let open = error * error + noise / flows as f64 / (mean * mean) + trend * trend + (kept / came).powi(2);
        (error <= most).then(|| Steady { rates, error: open.sqrt(), span: self.slot() * n as u64 })
    }
}

/// Mean of a message's packets per slot, and the variance of that mean. Slots follow each other, and neighbours that vary
/// together make the mean less sure than their number says: so few long batches of them are compared.
fn moments(marks: &[Mark], flow: usize) -> (f64, f64) {
    let slots = (marks.len() - 1) / BATCHES;
    let count = |at: usize| {
        let (from, to) = (&marks[at * slots], &marks[(at + 1) * slots]);
        f64::from(to.came[flow].wrapping_sub(from.came[flow])) / slots as f64
    };
    let mean = (0..BATCHES).map(count).sum::<f64>() / BATCHES as f64;
    let squares: f64 = (0..BATCHES).map(|at| (count(at) - mean).powi(2)).sum();
    (mean, squares / ((BATCHES - 1) * BATCHES) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts that grow by `step(flow, slot)`.
    fn filled(flows: usize, slots: u32, step: impl Fn(usize, u32) -> u32) -> Samples {
        let mut samples = Samples::new(1_000);
        let mut came = vec![0u32; flows];
        let (mut sent, mut left) = (0, 0);
        samples.push(came.clone(), sent);
        for slot in 0..slots {
            for (flow, came) in came.iter_mut().enumerate() {
                let more = step(flow, slot);
                *came += more;
                sent += u64::from(more);
            }
            left += 1_000;
            if left == samples.slot() {
                samples.push(came.clone(), sent);
                left = 0;
            }
        }
        samples
    }

    #[test]
    fn equal_counts_are_a_rate() {
        let steady = filled(3, 8, |flow, _| 100 + 10 * flow as u32).verdict().expect("nothing changes");
        for (flow, rate) in steady.rates.iter().enumerate() {
            assert!((rate * 1_000.0 - (100.0 + 10.0 * flow as f64)).abs() < 1e-9, "{rate}");
        }
        assert_eq!((steady.error, steady.span), (0.0, 4_000));
        assert_eq!(filled(3, 7, |_, _| 100).verdict(), None, "too few slots");
    }

    #[test]
    fn what_grows_has_not_settled() {
        assert_eq!(filled(2, 12, |_, slot| 1_000 + 10 * slot).verdict(), None);
        assert_eq!(filled(2, 12, |_, _| 0).verdict(), None);
        // As much as one message in ten slots is too unsure.
        assert_eq!(filled(1, 12, |_, slot| if slot % 4 < 2 { 200 } else { 10 }).verdict(), None);
    }

    /// One hundred messages whose counts differ by chance alone get one rate; two classes keep theirs.
    #[test]
    fn chance_is_not_taken_for_a_difference() {
        let noisy =
            |flow: usize, slot: u32| 100 + super::super::random::mix(flow as u64 * 977 + u64::from(slot)) as u32 % 11;
        let steady = filled(100, 28, noisy).verdict().expect("the mean is steady");
        let spread =
            steady.rates.iter().fold((f64::MAX, 0.0f64), |(low, high), rate| (low.min(*rate), high.max(*rate)));
        assert!(spread.1 / spread.0 < 1.03, "{spread:?}");
        // Of two classes each is known by itself: the same chance is too much, a fifth of it is not.
        let classes = |flow: usize, slot: u32, more: u32| (more + noisy(flow, slot)) * (1 + flow as u32 % 2);
        assert_eq!(filled(100, 28, |flow, slot| classes(flow, slot, 0)).verdict(), None);
        let steady = filled(100, 28, |flow, slot| classes(flow, slot, 400)).verdict().expect("little chance");
        assert!((steady.rates[1] / steady.rates[0] - 2.0).abs() < 0.02, "{:?}", &steady.rates[..2]);
    }

    #[test]
    fn slots_are_joined_when_there_are_many() {
        let samples = filled(1, 70, |_, _| 100);
        assert_eq!(samples.slot(), 4_000);
        assert!(samples.marks.len() <= MOST);
        let steps = samples.marks.windows(2).map(|pair| pair[1].came[0] - pair[0].came[0]).collect::<Vec<_>>();
        assert!(steps.iter().all(|step| *step == 400), "{steps:?}");
    }
}
