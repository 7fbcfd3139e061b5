//! Caches of past tokens kept in a lower tier: what it costs to bring a prefix back, against computing it again.
//!
//! A prefix of `p` tokens is `p` times the cache bytes of a token, on every device its share. Devices of a replica load
//! at the same time, each over its own link to the host, all over the tier's bandwidth. Computing it again is what a prefill
//! of the whole prompt takes beyond that of the rest, in steps of the token budget. Loading takes no time of the device's arithmetic, so that it delays the
//! request and not the others; in throughput, a hit saves its prefill.

use serde::Serialize;

use super::Tier;
use crate::estimate::Estimate;
use crate::layout::Layout;
use crate::layout::memory::Memory;
use crate::predict::steady::TOKEN_BUDGET;
use crate::step::load::{StepCost, StepLoad};

/// Tokens that are moved as one piece (LMCache's default, from general knowledge), and pieces in flight at once (an
/// estimate): what a tier's latency is paid for.
const PIECE_TOKENS: f64 = 256.0;
const IN_FLIGHT: f64 = 8.0;

/// Share of the links' and tiers' rate that copies of pieces reach (an estimate, from 0.6 to 0.95: large copies over PCIe
/// reach 85 to 90 %, gathers of small blocks less).
const COPIED: Estimate = Estimate { low: 0.6, likely: 0.8, high: 0.95 };

/// Band of a prefill by kernels alone, each way: an estimate, somewhat over the spread of prompts' kernels.
const PREFILL_BAND: f64 = 1.3;

/// Band of rates of whole engines by kernels alone, each way (an estimate; single questions learn it from measured rows).
const RATE_BAND: f64 = 1.4;

/// A replica whose caches may go down.
pub struct Replica<'r> {
    /// What its steps cost.
    pub cost: &'r dyn StepCost,
    /// Its layout.
    pub layout: Layout,
    /// Memory of one of its devices.
    pub memory: Memory,
    /// Bytes per second between a device and its host, each direction.
    pub host_link: f64,
    /// Replicas that share the tiers of a node.
    pub sharing: f64,
}

/// What requests look like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Traffic {
    /// Tokens of a prompt.
    pub input: u32,
    /// Of those, the prefix that may be cached.
    pub prefix: u32,
    /// Tokens of an answer.
    pub output: u32,
    /// Share of requests whose prefix lies in the tier.
    pub hit_ratio: f64,
    /// Sequences of one attention group that decode at once; held to what the cache holds.
    pub batch: u32,
}

/// What a tier does for a replica. Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Offload {
    /// Bytes of the prefix, all devices together.
    pub prefix_bytes: f64,
    /// Prefixes that the tier holds.
    pub prefixes: f64,
    /// To bring the prefix back.
    pub load: Estimate,
    /// To compute it again.
    pub recompute: Estimate,
    /// Tokens from which loading is faster: low if all goes well for the tier, high if not; none: never up to a million.
    pub break_even: [Option<u32>; 3],
    /// Mean time to the first token of an idle engine, without the tier.
    pub ttft_without: Estimate,
    /// The same with it.
    pub ttft_with: Estimate,
    /// Output tokens per second of the replica when saturated, without the tier.
    pub rate_without: Estimate,
    /// The same with it.
    pub rate_with: Estimate,
    /// Whether the tier's bandwidth, not the devices, bounds the rate with it.
    pub bound_by_tier: bool,
}

/// The longest prefix that a break-even is looked for at.
const LONGEST: u32 = 1 << 20;

impl Replica<'_> {
    /// Cache bytes of a sequence of so many tokens, all devices of an attention group (heads that are repeated count as
    /// often as they are stored).
    pub fn bytes(&self, tokens: f64) -> f64 {
        self.memory.cache_per_token * tokens * f64::from(self.layout.tensor) * f64::from(self.layout.pipeline)
    }

    /// Sequences of so many tokens that the devices' own memory holds.
    pub fn held(&self, tokens: f64) -> f64 {
        self.memory.cache_tokens() / tokens.max(1.0) * f64::from(self.layout.data)
    }

    /// Seconds of a prefill of `tokens` tokens behind `cached` ones, in steps of the token budget.
    fn prefill(&self, tokens: u32, cached: u32) -> f64 {
        let budget = u64::from(TOKEN_BUDGET);
        let (mut done, all) = (0_u64, u64::from(tokens));
        let mut seconds = 0.0;
        while done < all {
            let piece = budget.min(all - done);
            let mut load = StepLoad::default();
            load.add_piece(piece, u64::from(cached) + done, done + piece == all);
            seconds += self.cost.seconds(&load);
            done += piece;
        }
        seconds
    }

    /// Seconds to load a prefix.
    fn load(&self, tier: &Tier, tokens: u32) -> Estimate {
        if tokens == 0 {
            return Estimate::default();
        }
        let bytes = self.bytes(f64::from(tokens));
        let devices = f64::from(self.layout.tensor) * f64::from(self.layout.pipeline);
        let waits = (f64::from(tokens) / PIECE_TOKENS / IN_FLIGHT).ceil();
        let at = |latency: f64, bandwidth: f64, copied: f64| {
            let rate = (self.host_link * devices).min(bandwidth) * copied;
            waits * latency + bytes / rate.max(1.0)
        };
        Estimate {
            low: at(tier.latency.low, tier.bandwidth.high, COPIED.high),
            likely: at(tier.latency.likely, tier.bandwidth.likely, COPIED.likely),
            high: at(tier.latency.high, tier.bandwidth.low, COPIED.low),
        }
    }

    /// Seconds that a prefill takes longer for a prefix before the rest of a prompt.
    fn again(&self, prefix: u32, rest: u32) -> f64 {
        (self.prefill(prefix.saturating_add(rest), 0) - self.prefill(rest, prefix)).max(0.0)
    }

    /// The shortest prefix that one of the ends of the bands says is loaded sooner than computed.
    fn break_even(&self, tier: &Tier, rest: u32, end: fn(&Estimate, &Estimate) -> bool) -> Option<u32> {
        let sooner = |tokens: u32| {
            let again = Estimate::spread(self.again(tokens, rest), PREFILL_BAND, PREFILL_BAND);
            end(&self.load(tier, tokens), &again)
        };
        // Both grow with the prefix; on slow tiers loading wins only once attention's square has outgrown the bytes.
        let mut high = 1;
        while !sooner(high) {
            if high >= LONGEST {
                return None;
            }
            high *= 2;
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if sooner(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// What a tier does. The error says which number is impossible.
    pub fn offload(&self, tier: &Tier, traffic: &Traffic) -> Result<Offload, String> {
        let Traffic { input, prefix, output, hit_ratio, batch } = *traffic;
        if input == 0 || output == 0 || batch == 0 {
            return Err("prompt, answer and batch have at least one token and one sequence".into());
        }
        if prefix >= input {
            return Err(format!(
                "a prefix of {prefix} tokens leaves nothing of a prompt of {input}; it must be shorter"
            ));
        }
        if !(0.0..=1.0).contains(&hit_ratio) {
            return Err(format!("a hit ratio of {hit_ratio}; expected 0 to 1"));
        }
        if !(self.host_link > 0.0 && self.host_link.is_finite() && self.sharing >= 1.0) {
            return Err("the link between host and device must be faster than 0".into());
        }
        let tokens = f64::from(input) + f64::from(output);
        self.memory.check(tokens)?;
        let load = self.load(tier, prefix);
        let (all, rest) = (self.prefill(input, 0), self.prefill(input - prefix, prefix));
        let again = self.again(prefix, input - prefix);
        let spread = |seconds: f64| Estimate::spread(seconds, PREFILL_BAND, PREFILL_BAND);
        let ttft_with = spread((1.0 - hit_ratio) * all + hit_ratio * rest).plus(load.times(hit_ratio));
        // Devices' time per request, prompts and answers in turn.
        let groups = f64::from(self.layout.data);
        let own = f64::from(batch).min((self.memory.cache_tokens() / tokens).floor()).max(1.0);
        let decodes = StepLoad {
            decodes: own as u32,
            decode_context: (own * (f64::from(input) + 0.5 * f64::from(output))) as u64,
            ..StepLoad::default()
        };
        let answer = f64::from(output) * self.cost.seconds(&decodes) / own;
        let rate = |prompt: f64| groups / (prompt + answer);
        let free = rate((1.0 - hit_ratio) * all + hit_ratio * rest);
        // Hits are read, misses are written: every request moves its prefix once.
        let bytes = self.bytes(f64::from(prefix));
        let moved = tier.bandwidth.times(1.0 / self.sharing);
        let most = |bandwidth: f64, copied: f64| if bytes > 0.0 { bandwidth * copied / bytes } else { f64::INFINITY };
        let output = f64::from(output);
        let bounded = free > most(moved.likely, COPIED.likely);
        Ok(Offload {
            prefix_bytes: bytes,
            prefixes: if bytes > 0.0 { (tier.capacity / self.sharing / bytes).floor() } else { f64::INFINITY },
            load,
            recompute: spread(again),
            break_even: [
                self.break_even(tier, input - prefix, |load, again| load.low < again.high),
                self.break_even(tier, input - prefix, |load, again| load.likely < again.likely),
                self.break_even(tier, input - prefix, |load, again| load.high < again.low),
            ],
            ttft_without: spread(all),
            ttft_with,
            rate_without: Estimate::spread(rate(all) * output, RATE_BAND, RATE_BAND),
            rate_with: Estimate {
                low: (free / RATE_BAND).min(most(moved.low, COPIED.low)),
                likely: free.min(most(moved.likely, COPIED.likely)),
                high: (free * RATE_BAND).min(most(moved.high, COPIED.high)),
            }
            .times(output),
            bound_by_tier: bounded,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::Format;
    use crate::models::{self, precision::Precision};

    /// A device that takes a millisecond per step and 50 us per token of a prompt.
    struct Plain;

    impl StepCost for Plain {
        fn seconds(&self, load: &StepLoad) -> f64 {
            1e-3 + 50e-6 * load.prefill_tokens as f64
        }
    }

    fn replica() -> Replica<'static> {
        let llama = models::find("meta-llama/Llama-3.1-70B").expect("built in");
        let layout = Layout { tensor: 8, ..Layout::SINGLE };
        let precision = Precision::uniform(Format::Bf16);
        let memory = Memory::of(&llama, &layout, &precision, 80e9, 9216.0, f64::from(TOKEN_BUDGET));
        Replica { cost: &Plain, layout, memory, host_link: 50e9, sharing: 1.0 }
    }

    fn tier(bandwidth: f64, latency: f64) -> Tier {
        Tier {
            part: "of/tests".into(),
            count: 1,
            capacity: 1e12,
            bandwidth: Estimate::exact(bandwidth),
            latency: Estimate::exact(latency),
            usd: Some(Estimate::exact(5000.0)),
            power_w: 10.0,
            weak: false,
        }
    }

    const TRAFFIC: Traffic = Traffic { input: 8192, prefix: 6144, output: 512, hit_ratio: 0.5, batch: 32 };

    /// 327,680 bytes a token (reference, 3.4): 6144 tokens are 2.013 GB, at 80 % of 100 GB/s 25.2 ms and three waits of
    /// eight pieces; computing them in the same step as the rest takes 307.2 ms.
    #[test]
    fn a_prefix_is_loaded_at_the_rate_of_the_tier() {
        let found = replica().offload(&tier(100e9, 1e-4), &TRAFFIC).expect("fits");
        assert!((found.prefix_bytes / 2.01327e9 - 1.0).abs() < 1e-4, "{found:?}");
        assert!((found.load.likely - (3e-4 + 2.01327e9 / 80e9)).abs() < 1e-6);
        assert!((found.recompute.likely - 0.3072).abs() < 1e-6);
        assert_eq!(found.prefixes, 496.0);
        assert!((tier(1.0, 0.0).usd_per_gb().expect("priced").likely - 5.0).abs() < 1e-12);
        // Links of the host bound fast tiers: eight times 50 GB/s.
        let fast = replica().offload(&tier(9e12, 0.0), &TRAFFIC).expect("fits");
        assert!((fast.load.likely - 2.01327e9 / 320e9).abs() < 1e-6);
        // 2.048 s of one prefill becomes 50 us per token of the 2048 that are left, in half of the requests.
        assert!((found.ttft_with.likely - (0.5 * 0.4106 + 0.5 * 0.1034 + 0.5 * found.load.likely)).abs() < 1e-6);
    }

    /// Loading 327,680 B at 40 GB/s takes 8.2 us a token and 10 ms ahead; computing 50 us: even at 239.2 tokens.
    #[test]
    fn break_even_is_where_the_two_meet() {
        let found = replica().offload(&tier(50e9, 10e-3), &TRAFFIC).expect("fits");
        assert_eq!(found.break_even[1], Some(240), "{found:?}");
        // 327,680 B at 1 GB/s cost 400 us a token: never.
        assert_eq!(replica().offload(&tier(1e9, 1e-4), &TRAFFIC).expect("fits").break_even[2], None);
    }

    #[test]
    fn slow_tiers_bound_the_rate_and_say_so() {
        let slow = replica().offload(&tier(2e9, 1e-4), &TRAFFIC).expect("fits");
        assert!(slow.bound_by_tier && slow.rate_with.likely < slow.rate_without.likely);
        let fast = replica().offload(&tier(200e9, 1e-6), &TRAFFIC).expect("fits");
        assert!(!fast.bound_by_tier && fast.rate_with.likely > fast.rate_without.likely);
    }

    #[test]
    fn impossible_traffic_is_an_error() {
        for (traffic, word) in [
            (Traffic { prefix: 8192, ..TRAFFIC }, "prefix"),
            (Traffic { hit_ratio: f64::NAN, ..TRAFFIC }, "hit ratio"),
            (Traffic { output: 0, ..TRAFFIC }, "answer"),
            (Traffic { input: 100_000_000, ..TRAFFIC }, "fit"),
        ] {
            let wrong = replica().offload(&tier(1e9, 0.0), &traffic).expect_err(word);
            assert!(wrong.contains(word), "{wrong}");
        }
    }

    proptest! {
        /// A faster tier never takes longer, and more hits never slow first tokens where loading beats computing.
        #[test]
        fn faster_is_never_slower(bandwidth in 1e9..1e12_f64, more in 1.0..10.0_f64, hits in 0.0..0.9_f64) {
            let at = |bandwidth: f64, hit_ratio: f64| {
                replica().offload(&tier(bandwidth, 1e-5), &Traffic { hit_ratio, ..TRAFFIC }).expect("fits")
            };
            let (slow, fast) = (at(bandwidth, hits), at(bandwidth * more, hits));
            prop_assert!(fast.load.likely <= slow.load.likely * (1.0 + 1e-12));
            prop_assert!(slow.load.low <= slow.load.likely && slow.load.likely <= slow.load.high);
            let often = at(bandwidth, hits + 0.1);
            if often.load.likely < 0.3 {
                prop_assert!(often.ttft_with.likely <= slow.ttft_with.likely);
            }
        }
    }
}
