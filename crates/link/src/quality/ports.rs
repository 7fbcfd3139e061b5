//! What a network's ports are: which are joined through it, which are at the same end, which make pairs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::network::Network;
use crate::response::{Window, impulse};

/// Ports from 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortReport {
    /// Ports that are joined through the network: (near end, far end). Empty where nothing goes through.
    pub through: Vec<(usize, usize)>,
    /// Ports at the near end, that of port 1.
    pub near: Vec<usize>,
    /// Ports at the far end, in the order of their partners.
    pub far: Vec<usize>,
    /// Port order of a four-port for the sheets' row: [tx+ tx- rx+ rx-].
    pub order: Option<[usize; 4]>,
    /// How certain this is, 0 to 1.
    pub confidence: f64,
    /// Why, in words.
    pub explanation: String,
}

/// Transmission below which two ports are not taken for joined, in dB at low frequencies.
const JOINED_DB: f64 = -10.0;

/// Finds out what the ports are, from what goes through at low frequencies and from what comes when.
pub fn port_order(network: &Network) -> PortReport {
    let n = network.ports;
    // A tenth of the points from the lowest on, where even long channels let something through.
    let low = (network.points() / 10).clamp(1, 200).min(network.points());
    let level = |a: usize, b: usize| -> f64 {
        let mean = (0..low).map(|p| network.at(p, a, b).norm() + network.at(p, b, a).norm()).sum::<f64>();
        20.0 * (mean / (2 * low).max(1) as f64).max(1e-12).log10()
    };
    let mut pairs: Vec<(usize, usize, f64)> =
        (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).map(|(a, b)| (a, b, level(a, b))).collect();
    pairs.sort_by(|x, y| y.2.total_cmp(&x.2));
    let (mut taken, mut through) = (vec![false; n], Vec::new());
    for (a, b, level) in &pairs {
        if !taken[*a] && !taken[*b] && *level > JOINED_DB {
            (taken[*a], taken[*b]) = (true, true);
            through.push((*a, *b, *level));
        }
    }
    through.sort_by_key(|(a, b, _)| (*a, *b));
    if n < 2 || through.len() * 2 != n {
        let through: Vec<_> = through.iter().map(|(a, b, _)| (a + 1, b + 1)).collect();
        return untold(network, &pairs, &through);
    }
    let weakest = through.iter().map(|(.., level)| *level).fold(f64::INFINITY, f64::min);
    let joined = |a: usize, b: usize| through.iter().any(|(x, y, _)| (*x, *y) == (a, b));
    let rival = pairs.iter().find(|(a, b, _)| !joined(*a, *b));
    let gap = rival.map_or(60.0, |(.., level)| (weakest - level).max(0.0));
    let mut confidence = gap / (gap + 6.0);
    let mut explanation = String::new();
    for (at, (a, b, level)) in through.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(explanation, "{comma}{}→{} ({level:.1} dB)", a + 1, b + 1);
    }
    explanation.push_str(" go through at low frequencies");
    if let Some((a, b, level)) = rival {
        let _ = write!(explanation, "; the strongest other path, {}→{}, is at {level:.1} dB", a + 1, b + 1);
    }
    // Which end of each further path is at port 1's end: coupling at the same end comes at once, at the other end it comes
    // with the delay of the path.
    let (mut near, mut far) = (vec![through[0].0], vec![through[0].1]);
    let mut guessed = false;
    for (a, b, _) in &through[1..] {
        let swapped = match (early_share(network, near[0], *a), early_share(network, near[0], *b)) {
            (Some(to_a), Some(to_b)) if (to_a - to_b).abs() > 0.2 => to_b > to_a,
            _ => {
                guessed = true;
                false
            }
        };
        let (x, y) = if swapped { (*b, *a) } else { (*a, *b) };
        near.push(x);
        far.push(y);
    }
    let one = |list: &[usize]| list.iter().map(|port| (port + 1).to_string()).collect::<Vec<_>>().join(" and ");
    if n > 2 {
        if guessed {
            confidence *= 0.8;
            let _ = write!(
                explanation,
                "; ports {} are taken for one end by their numbers, since nothing couples between the paths that would tell",
                one(&near)
            );
        } else {
            let _ = write!(
                explanation,
                "; ports {} are at one end, since what couples between them comes at once and not after the path's delay",
                one(&near)
            );
        }
    }
    let mut order = None;
    if n == 4 {
        order = Some([near[0] + 1, near[1] + 1, far[0] + 1, far[1] + 1]);
        let _ = write!(
            explanation,
            "; as a differential pair this is Port Order [{} {} {} {}] with the transmitter at port {}: a passive channel \
             itself does not tell transmitter from receiver, nor + from -",
            near[0] + 1,
            near[1] + 1,
            far[0] + 1,
            far[1] + 1,
            near[0] + 1
        );
    }
    PortReport {
        through: near.iter().zip(&far).map(|(a, b)| (a + 1, b + 1)).collect(),
        near: near.into_iter().map(|port| port + 1).collect(),
        far: far.into_iter().map(|port| port + 1).collect(),
        order,
        confidence,
        explanation,
    }
}

/// Where not all ports are joined in pairs: crosstalk, or something that is no channel.
fn untold(network: &Network, pairs: &[(usize, usize, f64)], through: &[(usize, usize)]) -> PortReport {
    let none = PortReport {
        through: through.to_vec(),
        near: Vec::new(),
        far: Vec::new(),
        order: None,
        confidence: 0.0,
        explanation: String::new(),
    };
    let Some((a, b, level)) = pairs.first().filter(|_| network.ports == 4 && through.is_empty()) else {
        let joined: Vec<String> = through.iter().map(|(a, b)| format!("{a}→{b}")).collect();
        let found =
            if joined.is_empty() { "no port is".to_string() } else { format!("only {} are", joined.join(", ")) };
        let explanation = format!(
            "{found} joined with less than {} dB of loss at low frequencies: no channel between pairs",
            -JOINED_DB
        );
        return PortReport { explanation, ..none };
    };
    // Within a pair coupling is stronger than between pairs.
    let rest: Vec<usize> = (0..4).filter(|port| port != a && port != b).collect();
    let (first, second) = if *a == 0 { ([*a, *b], rest) } else { (std::array::from_fn(|at| rest[at]), vec![*a, *b]) };
    let order = [first[0] + 1, first[1] + 1, second[0] + 1, second[1] + 1];
    let other = pairs.iter().find(|(x, y, _)| second.contains(x) != second.contains(y)).map_or(-240.0, |pair| pair.2);
    let gap = (level - other).max(0.0);
    let explanation = format!(
        "nothing goes through with less than {} dB of loss, so this is crosstalk; ports {} and {} couple most ({level:.1} dB, to \
         other ports {other:.1} dB at most), so they are taken for a pair, and Port Order for [{} {} {} {}]; the victim's file \
         is the better witness",
        -JOINED_DB,
        a + 1,
        b + 1,
        order[0],
        order[1],
        order[2],
        order[3]
    );
    PortReport { order: Some(order), confidence: 0.5 * gap / (gap + 6.0), explanation, ..none }
}

/// Share of the energy of a coupling that comes in the first fifth of the strongest path's delay; nothing where there
/// is no coupling or no response in time.
fn early_share(network: &Network, from: usize, to: usize) -> Option<f64> {
    if network.points() < 16 {
        return None;
    }
    let response = impulse(network, to, from, Window::Hann, 1).ok()?;
    let peak = |values: &[f64]| values.iter().map(|v| v.abs()).fold(0.0, f64::max);
    if peak(&response.values) < 1e-7 {
        return None;
    }
    let delays: Vec<f64> = (0..network.ports)
        .filter(|port| *port != from)
        .filter_map(|port| {
            let through = impulse(network, port, from, Window::Hann, 1).ok()?;
            let (at, value) = through
                .values
                .iter()
                .enumerate()
                .max_by(|x, y| x.1.abs().total_cmp(&y.1.abs()))
                .map(|(at, v)| (at, v.abs()))?;
            Some((value, through.time_s(at)))
        })
        .max_by(|x, y| x.0.total_cmp(&y.0))
        .map(|(_, delay)| delay)
        .into_iter()
        .collect();
    let delay = *delays.first()?;
    let until = 0.2 * delay;
    let early: f64 = (0..response.values.len())
        .filter(|at| response.time_s(*at).abs() < until)
        .map(|at| response.values[at].powi(2))
        .sum();
    let all: f64 = response.values.iter().map(|v| v * v).sum();
    (delay > 0.0 && all > 0.0).then(|| early / all)
}
