//! A small eye of letters, and the tables of costs and steps.

use lanewright_link::eye::next_step::StepGain;
use lanewright_link::eye::{CostBreakdown, StatisticalEye, openings};

use crate::number::decimals;
use crate::report::link::ratio;
use crate::terminal::table;

const COLUMNS: usize = 64;
const ROWS: usize = 21;

/// The eye over one unit interval: the darker, the more often; blank within the contours at the target.
pub fn draw(eye: &StatisticalEye) -> String {
    let phases = eye.phase_ui.len();
    let top = eye.levels - 1;
    let limit = 1.15 * (0..phases).map(|p| eye.high_quantile(p, top, 1e-3)).fold(eye.signal_v, f64::max);
    let target = eye.settings.target;
    let grid: Vec<Vec<f64>> =
        (0..COLUMNS).map(|c| eye.density(c * (phases - 1) / (COLUMNS - 1), limit, ROWS)).collect();
    let mut out = format!("\nEYE (one unit interval; blank inside: open at {})\n", ratio(target));
    for row in (0..ROWS).rev() {
        let v = (2.0 * (row as f64 + 0.5) / ROWS as f64 - 1.0) * limit;
        let mark = if row % 5 == 0 { format!("{:>8} ", decimals(v * 1e3, 1)) } else { " ".repeat(9) };
        out.push_str(&mark);
        let line: String = grid.iter().map(|column| shade(column[row], target)).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&format!("{:>8} {:<21}{:^22}{:>21}\n", "mV", "-0.5 UI", "sampling instant", "0.5 UI"));
    out
}

fn shade(p: f64, target: f64) -> char {
    match p {
        p if p < target => ' ',
        p if p < 1e-4 => '·',
        p if p < 2e-3 => '░',
        p if p < 2e-2 => '▒',
        p if p < 8e-2 => '▓',
        _ => '█',
    }
}

/// Tables of what each term costs and of what a step more would gain.
pub fn costs(costs: &CostBreakdown, steps: &[StepGain]) -> String {
    let rows = costs
        .terms
        .iter()
        .map(|t| {
            let share = if costs.floor == Some(t.term) { "floor".into() } else { decimals(t.share_db, 2) };
            vec![t.term.name().into(), decimals(t.share_mv, 2), share, decimals(t.alone_db, 2)]
        })
        .collect();
    let mut out = table(
        &format!(
            "COSTS (margin {} dB = 20 log10 of A_s {} mV over A_ni {} mV; shares add up, gains if gone overlap)",
            decimals(costs.margin_db, 2),
            decimals(costs.signal_mv, 2),
            decimals(costs.interference_mv, 2)
        ),
        &["TERM", ">SHARE mV", ">SHARE dB", ">GAIN IF GONE dB"],
        rows,
    );
    if !steps.is_empty() {
        let rows =
            steps.iter().map(|s| vec![s.step.clone(), decimals(s.margin_db, 2), decimals(s.height_mv, 2)]).collect();
        out.push_str(&table(
            "NEXT STEPS (what one change alone would gain)",
            &["STEP", ">MARGIN dB", ">HEIGHT mV"],
            rows,
        ));
    }
    out
}

/// The smallest eye height in mV and the smallest width in UI.
pub fn smallest(eye: &StatisticalEye) -> (f64, f64) {
    openings(eye).iter().fold((f64::INFINITY, f64::INFINITY), |s, o| (s.0.min(o.height_mv), s.1.min(o.width_ui)))
}
