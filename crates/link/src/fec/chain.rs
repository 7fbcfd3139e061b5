//! The whole chain: from how errors come at a detector to what is left behind error correction.

use super::codeword::wrong_symbols;
use super::counts::Counts;
use super::flit::flit_errors;
use super::hamming::outcome::inner_outcome;
use super::process::{ErrorProcess, Refusal};
use super::scheme::{Code, KP4, Scheme};

/// Errors before and after correction. Ratios are shares of bits, symbols or words.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LinkErrors {
    /// Bit error ratio at the detector, precoding off, propagated errors counted.
    pub detector_ber: f64,
    /// Bit error ratio at the decoder's input: behind the receiver's side of precoding and behind an inner code.
    pub pre_fec_ber: f64,
    /// Share of the code's symbols that are wrong; none without a code.
    pub symbol_error_ratio: Option<f64>,
    /// Share of code words (flits) that cannot be corrected; none without a code.
    pub codeword_error_ratio: Option<f64>,
    /// Its decimal logarithm, which goes on below 1e-300.
    pub log10_codeword_error_ratio: Option<f64>,
    /// Bit error ratio behind correction. For flits, of those that the CRC lets pass.
    pub post_fec_ber: f64,
    /// Share of words that are far from what was sent but taken for correct by the decoder; an estimate.
    pub miscorrected: f64,
    /// What the answer rests on beside exact mathematics, in words.
    pub caveats: Vec<&'static str>,
}

/// Sends errors through a scheme.
pub fn chain(process: &ErrorProcess, scheme: &Scheme) -> Result<LinkErrors, Refusal> {
    scheme.check()?;
    let lane = process.chain(scheme.signalling, scheme.precoding)?;
    let detector_ber = process.detector_ber(scheme.signalling)?;
    let pre_fec_ber = lane.bit_error_ratio();
    let mut caveats = Vec::new();
    if let ErrorProcess::Feedback { taps, .. } = process {
        if taps.iter().skip(super::process::TAPS_MAX).any(|tap| *tap != 0.0) {
            caveats.push("only the first five feedback taps are followed");
        }
        caveats.push("noise at the slicer is taken as white and Gaussian, errors as by one level");
    }
    match scheme.code {
        Code::None => Ok(LinkErrors {
            detector_ber,
            pre_fec_ber,
            symbol_error_ratio: None,
            codeword_error_ratio: None,
            log10_codeword_error_ratio: None,
            post_fec_ber: pre_fec_ber,
            miscorrected: 0.0,
            caveats,
        }),
        Code::ReedSolomon(code) => {
            let counts = wrong_symbols(&lane, &code, &scheme.layout)?;
            if let super::scheme::Unit::Flit(_) = scheme.unit {
                caveats.push(
                    "a 640-byte flit is taken to fill the payload of one word (general knowledge of UALink 200G)",
                );
            }
            if matches!(scheme.layout.muxing, super::codeword::Muxing::Bit { streams } if streams > 1) {
                caveats.push("symbols of bit-multiplexed streams are taken as aligned");
            }
            Ok(behind_words(detector_ber, pre_fec_ber, &counts, code.symbols, code.ln_miscorrection(), caveats))
        }
        Code::Inner => {
            if !matches!(process, ErrorProcess::Random { .. }) || scheme.precoding {
                return Err(Refusal(
                    "the inner code is simulated for random errors without precoding only (optical lanes have no feedback equaliser); use --scheme kp4 for bursts"
                        .into(),
                ));
            }
            let inner = inner_outcome(detector_ber)?;
            caveats.push("inner decoder: simulated here, Chase with 64 patterns on white Gaussian PAM4");
            if inner.extrapolated {
                caveats.push("inner decoder: below the simulated range, extrapolated upwards");
            }
            // Words of the outer code take turns on the 12 symbols of an inner word.
            let counts = inner.outer_counts(scheme.layout.interleave, KP4.symbols, KP4.corrects())?;
            Ok(behind_words(detector_ber, inner.ber, &counts, KP4.symbols, KP4.ln_miscorrection(), caveats))
        }
        Code::Flit => {
            let flits = flit_errors(&lane, scheme.layout.lanes)?;
            let ln = flits.uncorrectable.ln();
            // A flit that slips through the CRC is wrong in a random half of a few bytes: two symbols at least.
            let slip = f64::powi(2.0, -super::flit::CRC_BITS);
            caveats.push("lanes' errors are taken as independent; published worst cases with lane-to-lane correlation are about 7 times higher (5e-6 at 1e-6)");
            Ok(LinkErrors {
                detector_ber,
                pre_fec_ber,
                symbol_error_ratio: Some(byte_error_ratio(&lane)),
                codeword_error_ratio: Some(flits.uncorrectable),
                log10_codeword_error_ratio: Some(ln / std::f64::consts::LN_10),
                post_fec_ber: flits.uncorrectable * slip * 8.0 / 2048.0,
                miscorrected: flits.uncorrectable * slip,
                caveats,
            })
        }
    }
}

/// From the count of wrong symbols: post-FEC BER ~ p/SER · sum over j > t of (j/n) P_j, wrong symbols being passed on as
/// they came.
fn behind_words(
    detector_ber: f64,
    pre_fec_ber: f64,
    counts: &Counts,
    symbols: usize,
    ln_miscorrection: f64,
    caveats: Vec<&'static str>,
) -> LinkErrors {
    let symbol_error_ratio = counts.mean / symbols as f64;
    let ln_post = pre_fec_ber.ln() - symbol_error_ratio.ln() + counts.ln_over_mean - (symbols as f64).ln();
    LinkErrors {
        detector_ber,
        pre_fec_ber,
        symbol_error_ratio: Some(symbol_error_ratio),
        codeword_error_ratio: Some(counts.over().min(1.0)),
        log10_codeword_error_ratio: Some(counts.ln_over.min(0.0) / std::f64::consts::LN_10),
        post_fec_ber: if pre_fec_ber > 0.0 { ln_post.exp().min(pre_fec_ber) } else { 0.0 },
        miscorrected: (counts.ln_over + ln_miscorrection).exp(),
        caveats,
    }
}

/// Share of aligned bytes with a wrong bit.
fn byte_error_ratio(lane: &super::markov::Chain) -> f64 {
    let code = super::codeword::RsCode { symbols: 1, message: 1, symbol_bits: 8 };
    wrong_symbols(lane, &code, &super::codeword::Layout::PLAIN).map_or(0.0, |counts| counts.mean)
}
