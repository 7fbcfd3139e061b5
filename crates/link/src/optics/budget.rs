//! Power budget of directly detected optics, and whether the electrical side closes with it: behind a DSP at both ends,
//! at the transmitter alone (half-retimed), or at neither (linear, pluggable or in the package).

use lanewright_model::figure::Band;
use serde::Serialize;

use super::closure::{HostReceiver, LinearLink};
use super::interface::{Glass, Interface};

/// What drives the light and what reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// A DSP at both ends of the module retimes.
    Dsp,
    /// A DSP in the transmit direction alone: half-retimed (LRO, TRO).
    HalfRetimed,
    /// No DSP: the hosts' SerDes drive the laser and read the photodiode (LPO).
    Linear,
    /// As linear, with the engine in the switch's package.
    CoPackaged,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Interface.
    pub interface: Interface,
    /// Drive.
    pub drive: Drive,
    /// Length of the fibre in m.
    pub length_m: f64,
    /// Loss of the fibre in dB/km.
    pub fibre_db_per_km: Band<f64>,
    /// Mated fibre connectors on the way.
    pub connectors: u32,
    /// Loss of each in dB.
    pub connector_db: Band<f64>,
    /// Loss of each host from bump to module at the electrical lane's Nyquist, in dB.
    pub host_loss_db: f64,
    /// Loss that a DSP module recovers there, in dB: the class of chip-to-module interfaces.
    pub module_recovers_db: Band<f64>,
}

/// One line of a budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// What it is.
    pub name: String,
    /// Value in dB or dBm: the bad end first.
    pub value: Band<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// Where it comes from.
    pub source: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpticalBudget {
    /// Interface.
    pub interface: Interface,
    /// Drive.
    pub drive: Drive,
    /// Lines from launch to sensitivity.
    pub items: Vec<Item>,
    /// What is left, in optical dB: low, likely, high.
    pub margin_db: Band<f64>,
    /// Bit error ratio before error correction: low, likely, high.
    pub pre_fec_ber: Band<f64>,
    /// Transmitter's closure (TDECQ) in dB: good, likely, bad. Worked out from the host's channel where it drives the light.
    pub closure_db: Band<f64>,
    /// Greatest closure that the interface allows, in dB.
    pub closure_max_db: f64,
    /// Whether the optical side closes by its likely value.
    pub optical_closes: bool,
    /// Whether the electrical side closes by its likely value.
    pub electrical_closes: bool,
    /// Loss of each host up to which it closes, in dB: low, likely, high.
    pub host_loss_limit_db: Band<f64>,
    /// What is the limit of the electrical side, in words.
    pub limited_by: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadQuestion(pub String);

/// What a linear chain is like at the bad, likely and good end. Estimates, but for the noise, swing and distortion that
/// the chip-to-module sheets of IEEE 802.3ck state (120G: eta_0 4.1e-8 V²/GHz, A_v 0.415 V, SNR_TX 32.5 dB).
struct Chain {
    peaking_db: f64,
    bandwidth_of_baud: f64,
    crosstalk_db: f64,
    retimed_closure_db: f64,
    extra_launch_db: f64,
    /// Loss of signal-to-noise ratio to what is not modelled: jitter, nonlinearity, reflections, in dB.
    unmodelled_db: f64,
}

const CHAINS: [Chain; 3] = [
    Chain {
        peaking_db: 4.0,
        bandwidth_of_baud: 0.65,
        crosstalk_db: 33.0,
        retimed_closure_db: 3.4,
        extra_launch_db: 0.0,
        unmodelled_db: 2.5,
    },
    Chain {
        peaking_db: 6.0,
        bandwidth_of_baud: 0.75,
        crosstalk_db: 36.0,
        retimed_closure_db: 2.2,
        extra_launch_db: 0.7,
        unmodelled_db: 1.5,
    },
    Chain {
        peaking_db: 8.0,
        bandwidth_of_baud: 0.9,
        crosstalk_db: 40.0,
        retimed_closure_db: 1.4,
        extra_launch_db: 1.5,
        unmodelled_db: 0.8,
    },
];
/// Largest loss of a host that is tried.
const LOSS_MAX_DB: f64 = 36.0;

/// Works the budget out.
pub fn budget(question: &Question) -> Result<OpticalBudget, BadQuestion> {
    check(question)?;
    let interface = question.interface;
    let kilometres = question.length_m * 1e-3;
    let fibre = question.fibre_db_per_km.map(|x| x * kilometres);
    let plugs = question.connector_db.map(|x| x * f64::from(question.connectors));
    let beyond = beyond_reach(&interface, question.length_m);
    let ends = |index: usize| {
        let chain = &CHAINS[index];
        let pick = |band: Band<f64>| [band.high, band.likely, band.low][index];
        let launch = interface.launch_dbm + chain.extra_launch_db;
        launch - pick(fibre) - pick(plugs) - interface.penalties_db - beyond - interface.sensitivity_dbm
    };
    let margins: [f64; 3] = std::array::from_fn(ends);
    // Launch is what is left of the modulation behind the transmitter's closure, so received light without closure is
    // as much stronger.
    let closures: [f64; 3] =
        std::array::from_fn(|index| transmitter_closure(question, &CHAINS[index], question.host_loss_db));
    let electrical: [Electrical; 3] = std::array::from_fn(|index| {
        electrical(question, index, margins[index], closures[index], question.host_loss_db)
    });
    let limits: [f64; 3] = std::array::from_fn(|index| limit(question, index, margins[index]));
    let mut limits = limits;
    limits.sort_by(f64::total_cmp);
    let ber: [f64; 3] = std::array::from_fn(|index| ber_at(&interface, margins[index], &electrical[index]));
    let band = |low: f64, likely: f64, high: f64| Band { low: low.min(likely), likely, high: high.max(likely) };
    let mut items = vec![
        item(
            "launch, OMA less closure",
            band(
                interface.launch_dbm,
                interface.launch_dbm + CHAINS[1].extra_launch_db,
                interface.launch_dbm + CHAINS[2].extra_launch_db,
            ),
            "dBm",
            &format!("{} at least; what modules have beyond it is an estimate", interface.source),
        ),
        item(&format!("fibre, {} m", question.length_m), fibre.map(|x| -x), "dB", "fibre's loss per length"),
        item(&format!("{} connectors", question.connectors), plugs.map(|x| -x), "dB", "loss of a mated pair"),
        item("reflections and group delay", Band::exact(-interface.penalties_db), "dB", interface.source),
    ];
    if beyond > 0.0 {
        items.push(item(
            "dispersion beyond the interface's reach",
            Band::exact(-beyond),
            "dB",
            "G.652 fibre, chirp-free light",
        ));
    }
    items.push(item("sensitivity without closure", Band::exact(interface.sensitivity_dbm), "dBm", interface.source));
    for line in &mut items {
        let (low, high) = (line.value.low.min(line.value.high), line.value.low.max(line.value.high));
        (line.value.low, line.value.high) = (low, high);
    }
    Ok(OpticalBudget {
        interface,
        drive: question.drive,
        items,
        margin_db: band(margins[0], margins[1], margins[2]),
        pre_fec_ber: Band { low: ber[2].min(ber[1]), likely: ber[1], high: ber[0].max(ber[1]) },
        closure_db: Band { low: closures[2].min(closures[1]), likely: closures[1], high: closures[0].max(closures[1]) },
        closure_max_db: interface.closure_max_db,
        optical_closes: margins[1] >= 0.0,
        electrical_closes: electrical[1].closes,
        host_loss_limit_db: Band { low: limits[0], likely: limits[1], high: limits[2] },
        limited_by: electrical[1].by.clone(),
    })
}

fn item(name: &str, value: Band<f64>, unit: &'static str, source: &str) -> Item {
    Item { name: name.into(), value, unit, source: source.into() }
}

fn check(question: &Question) -> Result<(), BadQuestion> {
    let refuse = |what: &str| Err(BadQuestion(what.into()));
    if !(question.length_m >= 0.0 && question.length_m <= 200_000.0) {
        return refuse("the fibre's length must be from 0 to 200 km");
    }
    if !(0.0..=LOSS_MAX_DB).contains(&question.host_loss_db) {
        return refuse("the host's loss must be from 0 to 36 dB");
    }
    if question.interface.levels != 4 && question.drive != Drive::Dsp {
        return refuse("linear drive is modelled for PAM4 lanes only");
    }
    let bad = |band: &Band<f64>| {
        !(band.low >= 0.0 && band.low <= band.likely && band.likely <= band.high && band.high.is_finite())
    };
    if bad(&question.fibre_db_per_km) || bad(&question.connector_db) || bad(&question.module_recovers_db) {
        return refuse("losses must be zero or more, with low, likely and high rising");
    }
    Ok(())
}

/// Penalty in optical dB of length beyond the interface's reach: chromatic dispersion fades the upper sideband against
/// the lower by `cos(pi D lambda^2 f^2 L / c)`, taken at Nyquist; what the reach itself costs is in TDECQ. Multimode
/// fibre beyond its reach has no budget at all.
fn beyond_reach(interface: &Interface, length_m: f64) -> f64 {
    if length_m <= interface.reach_m {
        return 0.0;
    }
    if interface.glass == Glass::Multi {
        return f64::INFINITY;
    }
    let nyquist_hz = interface.baud_gbd * 0.5e9;
    let wavelength = interface.wavelength_nm * 1e-9;
    // ps/(nm km) is 1e-6 s/m².
    let dispersion = interface.dispersion_ps_per_nm_km() * 1e-6;
    let turn = std::f64::consts::PI * dispersion * wavelength * wavelength * nyquist_hz * nyquist_hz * length_m
        / 299_792_458.0;
    if turn >= std::f64::consts::FRAC_PI_2 {
        return f64::INFINITY;
    }
    -10.0 * turn.cos().log10()
}

struct Electrical {
    closes: bool,
    by: String,
    /// Signal-to-noise ratio at the host's slicer in dB, where the host reads the light.
    snr_db: Option<f64>,
}

fn linear(question: &Question, chain: &Chain, host_loss_db: f64) -> LinearLink {
    let baud = question.interface.baud_gbd;
    LinearLink {
        baud_gbd: baud,
        near_loss_db: host_loss_db,
        far_loss_db: host_loss_db,
        peaking_db: chain.peaking_db,
        bandwidth_ghz: chain.bandwidth_of_baud * baud,
        transmitter_snr_db: 32.5,
        transmitter_v: 0.415,
        driver_noise_v2_per_ghz: 4.1e-8,
        rin_db_per_hz: question.interface.rin_db_per_hz,
        crosstalk_db: chain.crosstalk_db,
    }
}

fn transmitter_closure(question: &Question, chain: &Chain, host_loss_db: f64) -> f64 {
    match question.drive {
        Drive::Dsp | Drive::HalfRetimed => chain.retimed_closure_db.min(question.interface.closure_max_db),
        Drive::Linear | Drive::CoPackaged => {
            linear(question, chain, host_loss_db).closure().map_or(f64::INFINITY, |found| found.tdecq_db)
        }
    }
}

/// Signal-to-noise ratio in dB that a PAM4 slicer needs for a bit error ratio: BER = 3/4 Q(sqrt(SNR/5)).
fn snr_for(ber: f64) -> f64 {
    let quantile = crate::normal::quantile((ber * 4.0 / 3.0).clamp(1e-300, 0.49));
    10.0 * (5.0 * quantile * quantile).log10()
}

fn ber_for(snr_db: f64) -> f64 {
    let ratio = 10_f64.powf(snr_db / 10.0);
    0.75 * crate::normal::tail((ratio / 5.0).sqrt())
}

fn electrical(question: &Question, index: usize, margin_db: f64, closure_db: f64, host_loss_db: f64) -> Electrical {
    let chain = &CHAINS[index];
    let recovers =
        [question.module_recovers_db.low, question.module_recovers_db.likely, question.module_recovers_db.high][index];
    let to_module = host_loss_db <= recovers;
    let host = HostReceiver { taps: 18, input_v: 0.3, noise_v2_per_ghz: 8.2e-9 };
    let interface = &question.interface;
    match question.drive {
        Drive::Dsp => Electrical {
            closes: to_module,
            by: format!("the loss that the module's DSP recovers, {recovers:.1} dB"),
            snr_db: None,
        },
        Drive::HalfRetimed | Drive::Linear | Drive::CoPackaged => {
            let link = linear(question, chain, host_loss_db);
            let half = question.drive == Drive::HalfRetimed;
            let sent = if half { None } else { link.closure() };
            // Received light in OMA: the margin over sensitivity, and the closure that launch has been charged with.
            let closure = if half { closure_db } else { interface.closure_max_db.min(closure_db.max(0.0)) };
            let received = interface.sensitivity_dbm + margin_db + closure;
            let snr = (half || sent.is_some())
                .then(|| link.received_snr_db(received, interface.sensitivity_dbm, &host, sent.as_ref(), closure_db))
                .flatten()
                .map(|snr| snr - chain.unmodelled_db);
            let needed = snr_for(interface.pre_fec_ber);
            let reads = snr.is_some_and(|snr| snr >= needed);
            let drives = half && to_module || !half && closure_db <= interface.closure_max_db;
            let by = match (drives, reads) {
                (false, _) if half => format!("the loss that the module's DSP recovers, {recovers:.1} dB"),
                (false, _) => {
                    format!("the closure of the light, {closure_db:.1} dB against {:.1} dB", interface.closure_max_db)
                }
                _ => {
                    format!("the far host's signal-to-noise ratio, {:.1} dB against {needed:.1} dB", snr.unwrap_or(0.0))
                }
            };
            Electrical { closes: drives && reads, by, snr_db: snr }
        }
    }
}

/// Bits wrong: by the optical margin where a DSP reads the light (two dB of signal-to-noise ratio to each optical dB), by
/// the far host's slicer where it does.
fn ber_at(interface: &Interface, margin_db: f64, electrical: &Electrical) -> f64 {
    if interface.levels == 2 {
        // On-off keying: BER = Q(x), x in proportion to light.
        let at_sensitivity = crate::normal::quantile(interface.pre_fec_ber);
        return crate::normal::tail(at_sensitivity * 10_f64.powf(margin_db / 10.0));
    }
    match electrical.snr_db {
        Some(snr) => ber_for(snr),
        None => ber_for(snr_for(interface.pre_fec_ber) + 2.0 * margin_db.clamp(-60.0, 60.0)),
    }
}

/// Loss of each host up to which the electrical side closes, in dB; zero when it never does.
fn limit(question: &Question, index: usize, margin_db: f64) -> f64 {
    if question.drive == Drive::Dsp {
        return [question.module_recovers_db.low, question.module_recovers_db.likely, question.module_recovers_db.high]
            [index];
    }
    let closes = |loss: f64| {
        let closure = transmitter_closure(question, &CHAINS[index], loss);
        electrical(question, index, margin_db, closure, loss).closes
    };
    if !closes(0.0) {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, LOSS_MAX_DB);
    for _ in 0..8 {
        let middle = (low + high) / 2.0;
        if closes(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(id: &str, drive: Drive, host_loss_db: f64) -> Question {
        let interface = *Interface::find(id).expect("known");
        Question {
            interface,
            drive,
            length_m: interface.reach_m,
            fibre_db_per_km: Band { low: 0.35, likely: 0.4, high: 0.5 },
            connectors: 4,
            connector_db: Band { low: 0.25, likely: 0.35, high: 0.5 },
            host_loss_db,
            module_recovers_db: Band { low: 14.0, likely: 16.0, high: 20.0 },
        }
    }

    /// 500 m with two patch panels: 0.2 dB of fibre, 1.4 dB of connectors, 0.1 dB of reflections against 3.1 dB.
    #[test]
    fn a_dr4_link_has_the_margin_of_its_parts() {
        let found = budget(&question("400g-dr4", Drive::Dsp, 10.0)).expect("an answer");
        let likely = -2.2 + 0.7 - 0.2 - 1.4 - 0.1 + 5.3;
        assert!((found.margin_db.likely - likely).abs() < 1e-9, "{found:?}");
        assert!(found.optical_closes && found.electrical_closes);
        assert!(found.pre_fec_ber.likely < 2.4e-4 && found.pre_fec_ber.high > found.pre_fec_ber.low);
        let at_limit = Question { connectors: 0, length_m: 0.0, ..question("400g-dr4", Drive::Dsp, 10.0) };
        // Without any loss the worst module keeps the 3.0 dB of the channel.
        let bad_end = budget(&at_limit).expect("an answer").margin_db.low;
        assert!((bad_end - 3.0).abs() < 1e-9, "{bad_end}");
    }

    /// C9: a linear module closes with short hosts and not with long ones, a DSP does up to what it recovers; half a DSP
    /// is in between or better than none.
    #[test]
    fn linear_drive_closes_with_short_hosts_only() {
        let short = |drive, loss| {
            let q = Question { length_m: 100.0, connectors: 2, ..question("400g-dr4", drive, loss) };
            budget(&q).expect("an answer")
        };
        let linear = short(Drive::Linear, 6.0);
        let limit = linear.host_loss_limit_db;
        assert!(limit.low <= limit.likely && limit.likely <= limit.high, "{limit:?}");
        assert!((4.0..14.0).contains(&limit.likely), "{limit:?} {}", linear.limited_by);
        assert!(linear.electrical_closes && !short(Drive::Linear, 20.0).electrical_closes);
        assert!(short(Drive::Dsp, 15.0).electrical_closes && !short(Drive::Dsp, 17.0).electrical_closes);
        assert!(short(Drive::HalfRetimed, 6.0).host_loss_limit_db.likely >= limit.likely);
        assert!(short(Drive::Linear, 12.0).closure_db.likely > linear.closure_db.likely);
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            Question { length_m: f64::NAN, ..question("400g-dr4", Drive::Dsp, 10.0) },
            Question { host_loss_db: -1.0, ..question("400g-dr4", Drive::Dsp, 10.0) },
            Question {
                fibre_db_per_km: Band { low: 1.0, likely: 0.4, high: 0.5 },
                ..question("400g-dr4", Drive::Dsp, 10.0)
            },
            question("100g-lr4", Drive::Linear, 5.0),
        ] {
            assert!(budget(&bad).is_err(), "{bad:?}");
        }
        let far = Question { length_m: 300.0, ..question("400g-sr4", Drive::Dsp, 8.0) };
        assert!(!budget(&far).expect("an answer").optical_closes);
    }
}
