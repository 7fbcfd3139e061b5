//! Port impedances and propagation constants that field solvers (HFSS) write behind each point's data:
//! `! Port Impedance 50.1 -0.3 49.9 0.1` and `! Gamma 0.1 20.5 0.1 20.6`.

use num_complex::Complex64;

use super::{Comment, CommentPlace};

/// Port impedances and propagation constants of each point and port.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PortComments {
    /// `impedance_ohm[point * ports + port]`; empty where the file has none for every point.
    pub impedance_ohm: Vec<Complex64>,
    /// `gamma_per_m[point * ports + port]` in 1/m; empty where the file has none for every point.
    pub gamma_per_m: Vec<Complex64>,
}

impl PortComments {
    /// Whether any port impedance differs from a port's reference.
    pub(super) fn vary(&self, reference: &[Complex64]) -> bool {
        let ports = reference.len().max(1);
        self.impedance_ohm
            .chunks(ports)
            .any(|row| row.iter().zip(reference).any(|(z, r)| (z - r).norm() > 1e-6 * r.norm()))
    }
}

/// Finds both in a file's comments.
pub(super) fn read(comments: &[Comment], ports: usize, points: usize) -> PortComments {
    PortComments {
        impedance_ohm: blocks(comments, "port impedance", ports, points),
        gamma_per_m: blocks(comments, "gamma", ports, points),
    }
}

/// One block of numbers per point: behind a title, on its line and on the comment lines of numbers alone that follow.
fn blocks(comments: &[Comment], title: &str, ports: usize, points: usize) -> Vec<Complex64> {
    let mut found: Vec<Complex64> = Vec::new();
    let mut block: Option<Vec<f64>> = None;
    let mut last_point = None;
    let close = |block: &mut Option<Vec<f64>>, found: &mut Vec<Complex64>| {
        let Some(values) = block.take() else { return };
        let complex: Vec<Complex64> = values.chunks_exact(2).map(|p| Complex64::new(p[0], p[1])).collect();
        if complex.len() == ports {
            found.extend(complex);
        } else if complex.len() == ports * ports {
            // A full matrix between modes; a port's own value stands on the diagonal.
            found.extend((0..ports).map(|port| complex[port * ports + port]));
        }
    };
    for comment in comments {
        let CommentPlace::Point(point) = comment.place else { continue };
        let text = comment.text.trim().trim_start_matches('!').trim_start();
        let titled = text.get(..title.len()).is_some_and(|start| start.eq_ignore_ascii_case(title));
        let rest = if titled { &text[title.len()..] } else { text };
        let values: Option<Vec<f64>> =
            rest.replace('!', " ").split_whitespace().map(|w| w.parse().ok().filter(|v: &f64| v.is_finite())).collect();
        match values {
            Some(values) if titled => {
                close(&mut block, &mut found);
                block = Some(values);
                last_point = Some(point);
            }
            Some(values) if !values.is_empty() && last_point == Some(point) && block.is_some() => {
                if let Some(block) = &mut block {
                    block.extend(values);
                }
            }
            _ => close(&mut block, &mut found),
        }
    }
    close(&mut block, &mut found);
    if found.len() == ports * points { found } else { Vec::new() }
}
