//! Reference receivers on lines whose loss is known.

use num_complex::Complex64;

use super::front_end::{Packages, insertion_loss_db};
use super::receiver::evaluate;
use super::standard::find_serial;
use super::statistical::EyeSettings;
use crate::com::channel::{ChannelSet, DifferentialChannel};
use crate::com::parameters::LineLoss;
use crate::com::two_port::propagation;

/// A matched line with the loss in dB at a frequency in Hz, shared by skin effect and dielectric as in 93A-9 to 93A-11.
pub fn line(name: &str, loss_db: f64, at_hz: f64, delay_s: f64) -> DifferentialChannel {
    let frequency_hz: Vec<f64> = (1..=4000).map(|k| f64::from(k) * 1e7).collect();
    let ghz = at_hz / 1e9;
    let neper = loss_db / 8.685_889_638;
    let loss = LineLoss { gamma0: 0.0, a1: 0.5 * neper / ghz.sqrt(), a2: 0.5 * neper / ghz, tau: delay_s * 1e9 };
    let s21: Vec<Complex64> = propagation(&frequency_hz, &loss).iter().map(|gamma| (-gamma).exp()).collect();
    let none = vec![Complex64::new(0.0, 0.0); frequency_hz.len()];
    DifferentialChannel { name: name.into(), s11: none.clone(), s12: s21.clone(), s21, s22: none, frequency_hz }
}

fn alone(loss_db: f64) -> ChannelSet {
    ChannelSet { victim: line("thru", loss_db, 16e9, 2e-9), fext: Vec::new(), next: Vec::new() }
}

fn at(id: &str, channels: &ChannelSet, packages: Packages) -> super::receiver::ReceiverOutcome {
    let standard = find_serial(id).expect("bundled");
    let settings = EyeSettings { target: standard.error_ratio.value, ..EyeSettings::default() };
    evaluate(standard, channels, packages, &settings).expect("a sound channel")
}

#[test]
fn loss_is_read_between_points() {
    let channel = line("x", 20.0, 16e9, 1e-9);
    assert!((insertion_loss_db(&channel, 16e9).expect("inside") - 20.0).abs() < 1e-9);
    let between = insertion_loss_db(&channel, 16.004e9).expect("inside");
    assert!(between > 20.0 && between < 20.02);
    assert_eq!(insertion_loss_db(&channel, 50e9), None);
}

#[test]
fn a_short_channel_passes_and_a_long_one_does_not() {
    for id in ["pcie-5", "pcie-6", "cxl-3"] {
        let (short, long) = (at(id, &alone(6.0), Packages::Modelled), at(id, &alone(34.0), Packages::Modelled));
        assert!(short.pass, "{id}: {short:?}");
        assert!(!long.pass && long.height_mv < short.height_mv && long.width_ui < short.width_ui, "{id}");
        let loss = long.loss.expect("the file reaches Nyquist");
        assert!(loss.margin_db < 0.0 && (loss.file_db - 34.0).abs() < 0.01);
        assert!(loss.pads_db > loss.file_db);
    }
}

#[test]
fn the_best_setting_is_the_best_of_all() {
    let outcome = at("pcie-6", &alone(20.0), Packages::InFile);
    assert_eq!(outcome.settings.len(), 121);
    for setting in &outcome.settings {
        assert!(setting.height_mv <= outcome.best.height_mv, "{setting:?}");
    }
    // The quick height of the search is that of the full eye.
    assert!((outcome.best.height_mv - outcome.height_mv).abs() < 0.02 * outcome.height_mv.abs() + 0.2, "{outcome:?}");
    for (tap, limit) in outcome.dfe_mv.iter().zip(&outcome.dfe_limit_mv) {
        assert!(tap.abs() <= limit + 1e-9);
    }
    assert!(outcome.loss.as_ref().is_some_and(|loss| loss.pads_db == loss.file_db));
}

#[test]
fn crosstalk_and_loss_close_the_eye() {
    let quiet = alone(16.0);
    let mut noisy = quiet.clone();
    let mut aggressor = line("fext", 38.0, 16e9, 2.1e-9);
    aggressor.s11.clone_from(&quiet.victim.s11);
    noisy.fext.push(aggressor.clone());
    noisy.next.push(aggressor);
    let (quiet, noisy) = (at("pcie-6", &quiet, Packages::InFile), at("pcie-6", &noisy, Packages::InFile));
    assert!(noisy.height_mv < quiet.height_mv);
    let cost = noisy.costs.terms.iter().find(|t| t.term == super::Term::Crosstalk).expect("it is there");
    assert!(cost.share_db > 0.0 && cost.alone_db > 0.0);
    assert!(noisy.next_steps.iter().any(|s| s.step.contains("crosstalk") && s.margin_db > 0.0));
    let tap = noisy.next_steps.iter().find(|s| s.step.starts_with("DFE tap 17")).expect("one more tap is tried");
    assert!(tap.margin_db >= 0.0);
}
