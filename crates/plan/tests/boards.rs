//! Board paths, their budgets and their retimers.

mod fixture;

use fixture::system;
use lanewright_model::catalogue::part::Medium;
use lanewright_plan::plan::{MediaOption, Plan};
use lanewright_plan::plan_system;

/// A processor and an accelerator joined by PCIe 5 over a board with a slot.
fn board(length_m: f64, medium: &str) -> Plan {
    plan_system(&system(&format!(
        r#"
[system]
name = "board"
[[device]]
id = "cpu"
part = "test/cpu"
[[device]]
id = "gpu"
part = "test/gpu"
[[link]]
id = "pcie"
from = "cpu.pcie[0]"
to = "gpu.pcie"
protocol = "pcie/5.0-x16"
medium = "{medium}"
length_m = {length_m:?}
  [[link.segment]]
  part = "pcb/board"
  length_m = {length_m:?}
  [[link.segment]]
  part = "connector/cem"
"#
    )))
}

fn choice(plan: &Plan) -> &MediaOption {
    plan.classes[0].choice.as_ref().expect("a choice")
}

#[test]
fn the_pcie_5_chain_adds_up_to_36_db() {
    // Processor package 9.0, slot 1.5, board 16, card 9.5: the whole budget, with nothing in hand.
    let plan = board(0.4, "pcb");
    let choice = choice(&plan);
    assert_eq!((choice.medium, choice.retimers), (Medium::Pcb, 0));
    let items: Vec<f64> = choice.loss.items.iter().map(|i| i.loss.likely.0).collect();
    assert!(items.iter().zip([9.0, 16.0, 1.5, 9.5]).all(|(x, y)| (x - y).abs() < 1e-9), "{items:?}");
    assert!((items.iter().sum::<f64>() - 36.0).abs() < 1e-9);
    assert!(choice.loss.margin.likely.abs() < 1e-9);
}

#[test]
fn a_longer_board_gets_the_fewest_retimers_that_close() {
    // 20 + 40 * length against 36 dB a stretch: one retimer up to 1.3 m, two up to 2.2 m.
    for (length, retimers) in [(0.41, 1), (1.29, 1), (1.35, 2), (2.15, 2), (2.3, 3)] {
        let plan = board(length, "pcb");
        let choice = choice(&plan);
        assert_eq!(choice.retimers, retimers, "at {length} m: {}", choice.name);
        assert_eq!(choice.parts, vec![(choice.parts[0].0, f64::from(retimers))]);
        assert!(choice.loss.margin.likely >= -1e-6);
        let bought = plan.bom.iter().find(|l| l.id == "test/retimer").map(|l| l.count);
        assert_eq!(bought, Some(f64::from(retimers)));
    }
}

#[test]
fn retimers_are_placed_so_that_no_stretch_is_worse_than_it_must_be() {
    // 9 + 40 * 1.0 + 1.5 + 9.5 = 60 dB in two stretches of 30.
    let plan = board(1.0, "pcb");
    let worst = choice(&plan).loss.items.iter().map(|i| i.loss.likely.0).sum::<f64>();
    assert!((worst - 30.0).abs() < 1e-3, "{worst}");
    assert!((choice(&plan).latency.likely.0 - 10.0 - 6.1).abs() < 0.2, "retimer and a metre of board");
}

#[test]
fn soldered_ports_without_a_medium_are_a_board() {
    assert_eq!(choice(&board(0.2, "auto")).medium, Medium::Pcb);
}

#[test]
fn a_board_that_no_retimer_saves_is_an_error() {
    let plan = board(6.0, "pcb");
    assert!(plan.classes[0].choice.is_none());
    let finding = plan.findings.iter().find(|f| f.code == "no-medium-closes").expect("a finding");
    assert!(finding.help.as_deref().is_some_and(|h| h.contains("4 x Retimer")), "{:?}", finding.help);
}
