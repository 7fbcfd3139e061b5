//! Made requests: lengths and times of arrival by chance, from a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use super::request::Request;

/// How a length is drawn, tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// Always the same.
    Fixed(u32),
    /// Any between two, both included.
    Uniform(u32, u32),
    /// Log-normal with a median and a deviation of the logarithm, at most `most`.
    LogNormal {
        /// Median.
        median: f64,
        /// Deviation of the natural logarithm.
        sigma: f64,
        /// Longest.
        most: u32,
    },
}

impl Length {
    /// From `1024`, `512..2048` or `lognormal:MEDIAN:SIGMA[:MOST]`; the error says what would do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || "write a length as 1024, 512..2048 or lognormal:800:0.7[:8192], in tokens, 1 or more".to_string();
        let count = |text: &str| text.trim().parse::<u32>().ok().filter(|count| (1..1 << 30).contains(count));
        if let Some(rest) = text.strip_prefix("lognormal:") {
            let parts: Vec<&str> = rest.split(':').collect();
            let number = |at: usize| parts.get(at).and_then(|text| text.parse::<f64>().ok()).filter(|v| v.is_finite());
            let (median, sigma) = (number(0).ok_or_else(wrong)?, number(1).ok_or_else(wrong)?);
            let most = match parts.get(2) {
                Some(text) => count(text).ok_or_else(wrong)?,
                None => 1 << 20,
            };
            if parts.len() > 3 || !(1.0..1e9).contains(&median) || !(0.0..=4.0).contains(&sigma) {
                return Err(wrong());
            }
            return Ok(Self::LogNormal { median, sigma, most });
        }
        if let Some((low, high)) = text.split_once("..") {
            let (low, high) = (count(low).ok_or_else(wrong)?, count(high).ok_or_else(wrong)?);
            return if low <= high { Ok(Self::Uniform(low, high)) } else { Err(wrong()) };
        }
        count(text).map(Self::Fixed).ok_or_else(wrong)
    }

    /// Its mean.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Fixed(length) => f64::from(length),
            Self::Uniform(low, high) => 0.5 * (f64::from(low) + f64::from(high)),
            Self::LogNormal { median, sigma, most } => (median * (0.5 * sigma * sigma).exp()).min(f64::from(most)),
        }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> u32 {
        match *self {
            Self::Fixed(length) => length,
            Self::Uniform(low, high) => {
                let span = u64::from(high - low) + 1;
                low + ((u64::from(random.next_u32()) * span) >> 32) as u32
            }
            Self::LogNormal { median, sigma, most } => {
                // Box and Muller; one of the pair is enough.
                let radius = (-2.0 * (1.0 - share(random)).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * share(random)).cos();
                (median * (sigma * normal).exp()).round().clamp(1.0, f64::from(most)) as u32
            }
        }
    }
}

/// A share of one, 0 to just below 1.
fn share(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// At random, so many per second on average.
    Poisson {
        /// Requests per second.
        rate: f64,
    },
    /// At random in bursts: gaps follow a gamma distribution whose deviation is `burstiness` times its mean.
    Bursty {
        /// Requests per second.
        rate: f64,
        /// Deviation of a gap over its mean; 1 is Poisson.
        burstiness: f64,
    },
    /// So many at once, every so many seconds.
    Groups {
        /// Requests of a group.
        size: u32,
        /// Seconds between groups.
        every_s: f64,
    },
    /// All at the start (and for closed loops, which send when they can).
    AtOnce,
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Made {
    /// How many.
    pub requests: u32,
    /// When.
    pub arrivals: Arrivals,
    /// Prompts.
    pub input: Length,
    /// Answers.
    pub output: Length,
    /// Share of every prompt that a cache holds.
    pub hit_ratio: f64,
    /// Different shared prefixes; 0 for none.
    pub prefixes: u32,
    /// Tokens of a shared prefix.
    pub prefix_tokens: u32,
    /// Seed of all chance.
    pub seed: u64,
}

impl Made {
    /// The requests.
    pub fn requests(&self) -> Vec<Request> {
        let stream = |number: u64| {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(number);
            random
        };
        // Times, lengths and prefixes have streams of their own, so that changing one leaves the others as they were.
        let (mut times, mut inputs, mut outputs, mut prefixes) = (stream(1), stream(2), stream(3), stream(4));
        let mut now = 0.0;
        (0..self.requests)
            .map(|at| {
                let arrival_s = match self.arrivals {
                    Arrivals::AtOnce => 0.0,
                    Arrivals::Groups { size, every_s } => f64::from(at / size.max(1)) * every_s,
                    Arrivals::Poisson { rate } => {
                        now -= (1.0 - share(&mut times)).ln() / rate;
                        now
                    }
                    Arrivals::Bursty { rate, burstiness } => {
                        let shape = 1.0 / (burstiness * burstiness);
                        now += gamma(&mut times, shape) / (shape * rate);
                        now
                    }
                };
                let mut input = self.input.draw(&mut inputs);
                let prefix = if self.prefixes > 0 && self.prefix_tokens > 0 {
                    // The shared part goes in front of each request's own.
                    input = input.saturating_add(self.prefix_tokens);
                    1 + ((u64::from(prefixes.next_u32()) * u64::from(self.prefixes)) >> 32) as u32
                } else {
                    0
                };
                Request {
                    arrival_s,
                    input,
                    output: self.output.draw(&mut outputs),
                    cached: (self.hit_ratio * f64::from(input)) as u32,
                    prefix,
                    prefix_tokens: if prefix > 0 { self.prefix_tokens } else { 0 },
                    priority: 0,
                }
            })
            .collect()
    }
}

/// A gamma variate of scale 1 (Marsaglia and Tsang's method; shapes below 1 by their boost).
fn gamma(random: &mut ChaCha8Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - share(random)).powf(1.0 / shape);
        return gamma(random, shape + 1.0) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let radius = (-2.0 * (1.0 - share(random)).ln()).sqrt();
        let x = radius * (std::f64::consts::TAU * share(random)).cos();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - share(random)).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(arrivals: Arrivals, input: Length) -> Made {
        Made {
            requests: 40_000,
            arrivals,
            input,
            output: Length::Uniform(10, 20),
            hit_ratio: 0.0,
            prefixes: 0,
            prefix_tokens: 0,
            seed: 3,
        }
    }

    #[test]
    fn chance_has_the_moments_it_should() {
        for (arrivals, cv) in [
            (Arrivals::Poisson { rate: 5.0 }, 1.0),
            (Arrivals::Bursty { rate: 5.0, burstiness: 2.0 }, 2.0),
            (Arrivals::Bursty { rate: 5.0, burstiness: 0.5 }, 0.5),
        ] {
            let requests = made(arrivals, Length::LogNormal { median: 500.0, sigma: 0.6, most: 1 << 20 }).requests();
            let gaps: Vec<f64> = requests.windows(2).map(|pair| pair[1].arrival_s - pair[0].arrival_s).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
            assert!((mean * 5.0 - 1.0).abs() < 0.04, "{arrivals:?} {mean}");
            assert!((deviation / mean / cv - 1.0).abs() < 0.06, "{arrivals:?} {}", deviation / mean);
            let mut inputs: Vec<u32> = requests.iter().map(|request| request.input).collect();
            inputs.sort_unstable();
            assert!((f64::from(inputs[20_000]) / 500.0 - 1.0).abs() < 0.03, "{}", inputs[20_000]);
            assert!(requests.iter().all(|request| (10..=20).contains(&request.output)));
        }
    }

    #[test]
    fn seeds_decide_and_streams_are_apart() {
        let one = made(Arrivals::Poisson { rate: 1.0 }, Length::Fixed(7)).requests();
        let two = Made { seed: 4, ..made(Arrivals::Poisson { rate: 1.0 }, Length::Fixed(7)) }.requests();
        let other = made(Arrivals::Poisson { rate: 1.0 }, Length::Uniform(5, 9)).requests();
        assert_eq!(one, made(Arrivals::Poisson { rate: 1.0 }, Length::Fixed(7)).requests());
        assert_ne!(one[5].arrival_s, two[5].arrival_s);
        assert!(one.iter().zip(&other).all(|(a, b)| a.output == b.output && a.arrival_s == b.arrival_s));
    }

    #[test]
    fn lengths_are_written_three_ways() {
        assert_eq!(Length::parse("1024"), Ok(Length::Fixed(1024)));
        assert_eq!(Length::parse("512..2048"), Ok(Length::Uniform(512, 2048)));
        assert_eq!(
            Length::parse("lognormal:800:0.7:4096"),
            Ok(Length::LogNormal { median: 800.0, sigma: 0.7, most: 4096 })
        );
        for bad in
            ["", "0", "-5", "9..3", "lognormal:800", "lognormal:0:1", "lognormal:800:9", "1e3", "lognormal:8:1:2:3"]
        {
            assert!(Length::parse(bad).is_err(), "{bad}");
        }
    }
}
