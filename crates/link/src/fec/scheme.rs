//! The codes that links use, by the names that people and the catalogue call them.

use super::codeword::{Layout, RsCode};
use super::process::Refusal;
use super::slicer::Signalling;

/// RS(528,514) of IEEE 802.3bj (clause 91): ten-bit symbols, corrects 7.
pub const KR4: RsCode = RsCode { symbols: 528, message: 514, symbol_bits: 10 };
/// RS(544,514) of IEEE 802.3bj and all Ethernet at 50 Gb/s a lane and above: corrects 15.
pub const KP4: RsCode = RsCode { symbols: 544, message: 514, symbol_bits: 10 };
/// RS(272,258) of the Ethernet Technology Consortium's low-latency FEC: corrects 7.
pub const LOW_LATENCY: RsCode = RsCode { symbols: 272, message: 258, symbol_bits: 10 };

/// What corrects errors on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Nothing; frames are checked by their CRC. 64b/66b line code.
    None,
    /// A Reed-Solomon code over whole code words.
    ReedSolomon(RsCode),
    /// KP4 with the inner Hamming(128,120) of P802.3dj, soft-decoded.
    Inner,
    /// The flit FEC of PCI Express 6 and 7 and CXL 3: three interleaved single-symbol-correcting codes over bytes.
    Flit,
}

/// What travels and is lost as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Ethernet frames, with 20 bytes of preamble and gap beside them.
    Frame,
    /// Flits of so many bytes, replayed by the link when they fail.
    Flit(usize),
}

/// A way of correcting errors on a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    /// Short name.
    pub name: &'static str,
    /// What it is, in words, with its document.
    pub title: &'static str,
    /// Code.
    pub code: Code,
    /// Where the symbols of a word go.
    pub layout: Layout,
    /// Levels of the lane.
    pub signalling: Signalling,
    /// Whether transmitter and receiver use 1/(1+D) precoding.
    pub precoding: bool,
    /// What is lost as a whole.
    pub unit: Unit,
}

/// Names that [`Scheme::named`] knows, in the order of tables.
pub const NAMES: [&str; 9] = ["none", "kr4", "kp4", "ll", "kp4-inner", "ualink", "pcie6", "pcie7", "cxl3"];

impl Scheme {
    /// A scheme by its short name; upper or lower case.
    pub fn named(name: &str) -> Option<Self> {
        let scheme = |name, title, code, signalling, unit| Self {
            name,
            title,
            code,
            layout: Layout::PLAIN,
            signalling,
            precoding: false,
            unit,
        };
        let pam4 = Signalling::Pam4;
        let flit = "flit FEC: 3 interleaved single-symbol-correcting codes over GF(2^8), 64-bit CRC, replay";
        Some(match name.to_ascii_lowercase().as_str() {
            "none" => scheme("none", "no FEC, 64b/66b and frame CRC", Code::None, Signalling::Nrz, Unit::Frame),
            "kr4" => {
                scheme("kr4", "RS(528,514), 802.3bj clause 91", Code::ReedSolomon(KR4), Signalling::Nrz, Unit::Frame)
            }
            "kp4" => scheme("kp4", "RS(544,514), 802.3bj clause 91", Code::ReedSolomon(KP4), pam4, Unit::Frame),
            "ll" => scheme("ll", "RS(272,258), ETC low-latency FEC", Code::ReedSolomon(LOW_LATENCY), pam4, Unit::Frame),
            "kp4-inner" => {
                scheme("kp4-inner", "RS(544,514) over Hamming(128,120), P802.3dj", Code::Inner, pam4, Unit::Frame)
            }
            "ualink" => scheme(
                "ualink",
                "RS(544,514) with link-level replay of 640-byte flits, UALink 200G",
                Code::ReedSolomon(KP4),
                pam4,
                Unit::Flit(640),
            ),
            "pcie6" => scheme("pcie6", flit, Code::Flit, pam4, Unit::Flit(256)),
            "pcie7" => scheme("pcie7", flit, Code::Flit, pam4, Unit::Flit(256)),
            "cxl3" => scheme("cxl3", flit, Code::Flit, pam4, Unit::Flit(256)),
            _ => return None,
        })
    }

    /// The scheme that a lane technology of the catalogue names in its `fec` text; `None` where the text names none
    /// that is modelled here (light FEC of vendors' own links, automotive codes, PCI Express before 6 with its own line
    /// code and replay). Ethernet and InfiniBand without a `fec` text have none.
    pub fn of_technology(family: &str, fec: Option<&str>, signalling: Signalling) -> Option<Self> {
        let Some(text) = fec else {
            let known = matches!(family, "ethernet" | "infiniband");
            return Self::named("none").filter(|_| known).map(|scheme| Self { signalling, ..scheme });
        };
        let text = text.to_ascii_lowercase();
        let name = if text.contains("flit fec") {
            if family == "cxl" { "cxl3" } else { "pcie6" }
        } else if text.contains("544,514") {
            if family == "ualink" { "ualink" } else { "kp4" }
        } else if text.contains("528,514") {
            "kr4"
        } else if text.contains("272,258") {
            "ll"
        } else {
            return None;
        };
        Self::named(name).map(|scheme| Self { signalling, ..scheme })
    }

    /// The Reed-Solomon code, where there is one over whole words.
    pub fn reed_solomon(&self) -> Option<RsCode> {
        match self.code {
            Code::ReedSolomon(code) => Some(code),
            Code::Inner => Some(KP4),
            Code::None | Code::Flit => None,
        }
    }

    /// Bytes of frames in a code word: 20 blocks of 257 bits carry 640 bytes in 514 symbols, 10 of them 320 in 258
    /// (802.3 clause 91.5.2; ETC low-latency FEC).
    pub fn payload_bytes(&self) -> Option<f64> {
        self.reed_solomon().map(|code| (code.message * code.symbol_bits as usize / 257) as f64 * 32.0)
    }

    /// Bits on the line for each bit that the unit's user sees.
    pub fn expansion(&self) -> f64 {
        match self.code {
            Code::None => 66.0 / 64.0,
            Code::ReedSolomon(_) | Code::Inner => {
                let (code, bytes) = (self.reed_solomon().unwrap_or(KP4), self.payload_bytes().unwrap_or(640.0));
                let outer = code.bits() as f64 / (8.0 * bytes);
                if self.code == Code::Inner { outer * 128.0 / 120.0 } else { outer }
            }
            // 236 bytes of packets, 6 of the data link layer, 8 of CRC, 6 of FEC (PCI-SIG, PCIe 6.0 flit mode).
            Code::Flit => 256.0 / 236.0,
        }
    }

    /// Says what is wrong with it, if anything.
    pub fn check(&self) -> Result<(), Refusal> {
        match (self.code, self.signalling) {
            (Code::Inner, Signalling::Nrz) => {
                Err(Refusal("the inner code's decoder is modelled for PAM4 lanes only".into()))
            }
            _ => self.reed_solomon().map_or(Ok(()), |code| self.layout.check(&code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known() {
        for name in NAMES {
            assert_eq!(Scheme::named(name).expect("known").name, name);
        }
        assert!(Scheme::named("kp5").is_none());
    }

    #[test]
    fn line_rates_are_those_of_the_standards() {
        // 100G over KR4 runs at 103.125 Gb/s, 400G over KP4 at 425 Gb/s (802.3bj, 802.3bs), 100G LL at 106.25.
        for (name, rate, line) in [("kr4", 100.0, 103.125), ("kp4", 400.0, 425.0), ("ll", 100.0, 106.25)] {
            let scheme = Scheme::named(name).expect("known");
            assert!((rate * scheme.expansion() - line).abs() < 1e-9, "{name}");
        }
    }

    #[test]
    fn the_catalogues_texts_are_understood() {
        let pam4 = Signalling::Pam4;
        for (family, text, name) in [
            ("ethernet", "KR4 RS(528,514)", "kr4"),
            ("ethernet", "KP4 RS(544,514); optics add an inner Hamming(128,120)", "kp4"),
            ("infiniband", "RS(272,258) class", "ll"),
            ("ualink", "KP4 RS(544,514) with 1- or 2-way code-word interleave", "ualink"),
            ("pcie", "flit FEC, 3-way interleaved, with CRC and replay", "pcie6"),
            ("cxl", "flit FEC with CRC and replay", "cxl3"),
        ] {
            assert_eq!(Scheme::of_technology(family, Some(text), pam4).expect("known").name, name, "{text}");
        }
        assert!(Scheme::of_technology("nvlink", Some("light FEC with link-level replay"), pam4).is_none());
        assert_eq!(Scheme::of_technology("ethernet", None, Signalling::Nrz).expect("none").name, "none");
        assert!(Scheme::of_technology("pcie", None, Signalling::Nrz).is_none());
    }
}
