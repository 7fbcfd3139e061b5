//! What error correction adds to a link's latency.

use super::process::Refusal;
use super::scheme::{Code, Scheme};

/// Latency of correction, one way, in ns.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct FecLatency {
    /// Filling the words: a receiver cannot correct before it has all of a word, nor pass on a group of interleaved
    /// words before all are there. Exact.
    pub fill_ns: f64,
    /// Decoding: low, likely and high; an estimate, since it depends on the implementation.
    pub decode_ns: [f64; 3],
    /// What the estimate rests on.
    pub basis: &'static str,
}

impl FecLatency {
    /// Fill and decoding together: low, likely and high.
    pub fn total_ns(&self) -> [f64; 3] {
        self.decode_ns.map(|decode| self.fill_ns + decode)
    }
}

/// Latency at a payload rate of the port, to which all its lanes add up.
pub fn latency(scheme: &Scheme, rate_gbps: f64) -> Result<FecLatency, Refusal> {
    if !(rate_gbps > 0.0 && rate_gbps.is_finite()) {
        return Err(Refusal(format!("a rate of {rate_gbps} Gb/s; give a positive one")));
    }
    let line = rate_gbps * scheme.expansion();
    let interleave = scheme.layout.interleave as f64;
    Ok(match (scheme.code, scheme.reed_solomon()) {
        (Code::Flit, _) => FecLatency {
            fill_ns: 8.0 * super::flit::FLIT_BYTES as f64 / line,
            decode_ns: [1.0, 2.0, 10.0],
            basis: "2 ns for FEC and CRC is PCI-SIG's stated aim (webinar Q&A on PCIe 6.0 FEC, 2021); secondary texts say under 10 ns",
        },
        (code, Some(word)) => FecLatency {
            fill_ns: interleave * word.bits() as f64 / line,
            decode_ns: if code == Code::Inner { [60.0, 110.0, 250.0] } else { [50.0, 75.0, 100.0] },
            basis: if code == Code::Inner {
                "estimate: 50 to 100 ns for KP4 and the rest for the inner decoder; the fill counts all words of the convolutional interleaver, an upper bound"
            } else {
                "estimate: 50 to 100 ns; no maker publishes decoder latencies"
            },
        },
        _ => FecLatency { fill_ns: 0.0, decode_ns: [0.0; 3], basis: "no correction" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published and derived fill times: KP4 51.2 ns at 106.25 Gb/s, 25.6 ns for two interleaved words at 425 Gb/s, KR4
    /// 51.2 ns at 103.125 Gb/s, LL 12.8 ns at 212.5 Gb/s.
    #[test]
    fn fill_times() {
        for (name, rate, interleave, fill) in
            [("kp4", 100.0, 1, 51.2), ("kp4", 400.0, 2, 25.6), ("kr4", 100.0, 1, 51.2), ("ll", 200.0, 1, 12.8)]
        {
            let mut scheme = Scheme::named(name).expect("known");
            scheme.layout.interleave = interleave;
            let fill_ns = latency(&scheme, rate).expect("sound").fill_ns;
            assert!((fill_ns - fill).abs() < 1e-9, "{name} at {rate}: {fill_ns}");
        }
        let scheme = Scheme::named("none").expect("known");
        assert_eq!(latency(&scheme, 25.0).expect("sound").total_ns(), [0.0; 3]);
        assert!(latency(&scheme, f64::NAN).is_err());
    }
}
