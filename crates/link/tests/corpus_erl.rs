//! Effective return loss against the task force's script on measured and synthetic channels. They are not part of the
//! repository; LANEWRIGHT_CORPUS names the folder that holds them.
//!
//! Golden numbers: IEEE COM script 4.50 under Octave with `TDR`, `ERL` and `ERL_ONLY` 1 and the rows of the sheet named,
//! values of `ERL11`, `ERL22`, `Z11est`, `Z22est`.

use std::path::Path;

use lanewright_link::com::differential::differential_channel;
use lanewright_link::com::package::End;
use lanewright_link::com::parameters::{BothEnds, DieStage, Erl, LineLoss, PackageLine};
use lanewright_link::response::erl::{ErlSetting, evaluate};
use lanewright_link::touchstone;

/// Rows of the sheet 3ck KR.
fn kr() -> (ErlSetting<'static>, Erl) {
    let setting = ErlSetting {
        baud_hz: 53.125e9,
        samples_per_ui: 32,
        levels: 4,
        detector_error_ratio: 1e-4,
        bandwidth_of_baud: 0.75,
        bin_v: 1e-5,
        transmitter: None,
    };
    let erl = Erl {
        transition_s: 0.01e-9,
        source_ohm: 50.0,
        duration_ui: 3500.0,
        equalised_ui: 21.0,
        beta_hz: 0.0,
        rho: 0.618,
        fixture_delay_s: BothEnds { tx: 0.0, rx: 0.0 },
        tukey_window: true,
        grr: 1.0,
        gx: 0.0,
        butterworth: true,
        with_tx_package: false,
        automatic_fixture_delay: false,
        only: true,
    };
    (setting, erl)
}

fn compare(channel: &str, setting: &ErlSetting<'_>, erl: &Erl, want: [f64; 4]) {
    let folder = std::env::var("LANEWRIGHT_CORPUS").expect("LANEWRIGHT_CORPUS names the folder of measured channels");
    let path = Path::new(&folder).join("channels").join(channel);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = touchstone::parse(&bytes, channel).expect("a good file");
    let channel = differential_channel(channel, &file.network, [1, 3, 2, 4]).expect("four ports");
    let got = evaluate(&channel, setting, erl).expect("an answer");
    let got = [got.port1.erl_db, got.port2.erl_db, got.port1.impedance_ohm, got.port2.impedance_ohm];
    println!("{}: {got:?}, the script {want:?}", channel.name);
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() < 1e-6, "{at}: {got}, the script has {want}");
    }
}

const CK15: &str = "synthetic/ck15_thru.s4p";
const EXAMPLE2: &str = "pychopmarg_example2/example2_THRU.s4p";

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_erl_of_backplanes() {
    let (setting, erl) = kr();
    compare(CK15, &setting, &erl, [21.1697713473, 21.3912081047, 101.20327000, 100.90656712]);
    compare(EXAMPLE2, &setting, &erl, [17.3292218326, 16.0433661334, 109.33103653, 109.14088489]);
    let steep = "backplane/peters_01_0605_B12_thru.s4p";
    compare(steep, &setting, &erl, [0.8708683318, 6.4679566084, 97.92433478, 99.94318372]);
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_erl_of_chips_and_cables() {
    let (kr_setting, kr_erl) = kr();
    let setting = ErlSetting { detector_error_ratio: 1e-5, ..kr_setting };
    let erl = Erl { duration_ui: 2000.0, equalised_ui: 6.0, ..kr_erl };
    compare(CK15, &setting, &erl, [20.0348132315, 20.3545753392, 101.20327000, 100.90656712]);
    compare(EXAMPLE2, &setting, &erl, [15.0258252880, 14.4112242343, 109.33103653, 109.14088489]);
    let delay = BothEnds { tx: 0.3e-9, rx: 0.3e-9 };
    let erl = Erl { duration_ui: 4500.0, equalised_ui: 0.0, fixture_delay_s: delay, ..kr_erl };
    compare(CK15, &kr_setting, &erl, [23.3243125069, 23.5566384126, 101.20327000, 100.90656712]);
    compare(EXAMPLE2, &kr_setting, &erl, [19.6093663094, 17.5295003811, 109.33103653, 109.14088489]);
}

#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_erl_of_modules_with_the_package_in_front() {
    let (setting, erl) = kr();
    let die = [DieStage { shunt_f: 1.2e-13, series_h: 1.2e-10 }];
    let line = PackageLine {
        loss: LineLoss { gamma0: 0.0, a1: 0.0009909, a2: 0.0002772, tau: 0.006141 },
        impedance_ohm: vec![87.5, 92.5],
    };
    let package = End {
        die: &die,
        bump_f: 0.3e-13,
        via_f: 0.0,
        ball_f: 0.87e-13,
        line: &line,
        length_mm: &[15.0, 1.8],
        reference_ohm: 50.0,
    };
    let setting = ErlSetting { detector_error_ratio: 1e-5, transmitter: Some((50.0, package)), ..setting };
    let erl = Erl {
        duration_ui: 800.0,
        equalised_ui: 0.0,
        fixture_delay_s: BothEnds { tx: 0.0, rx: 0.2e-9 },
        with_tx_package: true,
        ..erl
    };
    compare(CK15, &setting, &erl, [17.5622402979, 18.9077389089, 101.20327000, 100.90125315]);
    compare(EXAMPLE2, &setting, &erl, [13.9274404723, 16.2158102084, 109.33103653, 109.14114575]);
}

/// The sheet 3ck KR with other rows, to reach every branch.
#[test]
#[ignore = "needs LANEWRIGHT_CORPUS: measured channels that are not part of the repository"]
fn corpus_erl_of_rows_that_no_sheet_has() {
    let (setting, kr_erl) = kr();
    let erl = Erl {
        source_ohm: 42.5,
        grr: 0.0,
        beta_hz: 2.0e9,
        tukey_window: false,
        butterworth: false,
        duration_ui: 800.0,
        fixture_delay_s: BothEnds { tx: 1e-10, rx: 2e-10 },
        ..kr_erl
    };
    compare(EXAMPLE2, &setting, &erl, [18.4963629076, 16.8206947923, 109.43519831, 109.23380688]);
    let erl = Erl { grr: 2.0, gx: 1.0, beta_hz: 1.7e9, equalised_ui: 6.0, duration_ui: 500.0, ..kr_erl };
    compare(EXAMPLE2, &setting, &erl, [16.8026430581, 15.6714033825, 109.33103328, 109.14088163]);
    let erl = Erl { duration_ui: 0.0, ..kr_erl };
    compare(EXAMPLE2, &setting, &erl, [17.3292218326, 16.0433661334, 109.33103653, 109.14088489]);
}
