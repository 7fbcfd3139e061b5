//! Which tier a set of devices stands in, and in which order within it.

use lanewright_model::catalogue::part::Kind;

use super::{Edge, Graph, Node};

/// How near to the work a kind of device is: tiers are counted from the nearest ones.
fn distance_from_work(kind: Kind) -> u8 {
    match kind {
        Kind::Accelerator | Kind::Camera | Kind::Sensor => 0,
        Kind::Soc => 1,
        Kind::Nic | Kind::Ssd | Kind::Memory | Kind::Endpoint => 2,
        Kind::Cpu => 3,
        _ => 4,
    }
}

/// Gives every node its tier: links away from the ends of the network.
pub fn assign(nodes: &mut [Node], edges: &[Edge]) {
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for edge in edges.iter().filter(|edge| edge.a != edge.b) {
        neighbours[edge.a].push(edge.b);
        neighbours[edge.b].push(edge.a);
    }
    let mut tier: Vec<Option<usize>> = vec![None; nodes.len()];
    for start in 0..nodes.len() {
        if tier[start].is_some() {
            continue;
        }
        // One connected piece at a time.
        let mut piece = vec![start];
        let mut at = 0;
        while at < piece.len() {
            for next in &neighbours[piece[at]] {
                if !piece.contains(next) {
                    piece.push(*next);
                }
            }
            at += 1;
        }
        // Switches alone: those that links start from are the lower ones.
        let starts = |i: usize| edges.iter().any(|e| e.from == i && e.a != e.b);
        let ends = |i: usize| edges.iter().any(|e| e.a != e.b && e.from != i && (e.a == i || e.b == i));
        let switches = piece.iter().all(|i| nodes[*i].kind == Kind::Switch);
        let directed = switches && piece.iter().any(|i| starts(*i) && !ends(*i));
        let nearest = piece.iter().map(|i| distance_from_work(nodes[*i].kind)).min().unwrap_or(0);
        let is_end = |i: usize| {
            if directed {
                return starts(i) && !ends(i);
            }
            let kind = nodes[i].kind;
            let below_switches =
                !neighbours[i].is_empty() && neighbours[i].iter().all(|n| nodes[*n].kind == Kind::Switch);
            distance_from_work(kind) == nearest || (below_switches && distance_from_work(kind) < 3)
        };
        let mut front: Vec<usize> = piece.iter().copied().filter(|i| is_end(*i)).collect();
        let mut depth = 0;
        while !front.is_empty() {
            for i in &front {
                tier[*i] = Some(depth);
            }
            depth += 1;
            let mut next: Vec<usize> =
                front.iter().flat_map(|i| neighbours[*i].iter().copied()).filter(|i| tier[*i].is_none()).collect();
            next.sort_unstable();
            next.dedup();
            front = next;
        }
    }
    for (node, tier) in nodes.iter_mut().zip(tier) {
        node.tier = tier.unwrap_or(0);
    }
}

/// Nodes of each tier from left to right, and for every node its place there, 0 to 1: near to what they are linked to,
/// so that few lines cross.
pub fn order(graph: &Graph) -> (Vec<Vec<usize>>, Vec<f64>) {
    let tiers = graph.nodes.iter().map(|node| node.tier + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); tiers];
    for (i, node) in graph.nodes.iter().enumerate() {
        rows[node.tier].push(i);
    }
    let mut place = vec![0.0; graph.nodes.len()];
    let settle = |row: &[usize], place: &mut [f64]| {
        for (k, i) in row.iter().enumerate() {
            place[*i] = (k as f64 + 0.5) / row.len() as f64;
        }
    };
    for row in &rows {
        settle(row, &mut place);
    }
    // Towards the middle of the neighbours, tier by tier, up and down; a few rounds are enough for a drawing.
    for round in 0..6 {
        for t in 0..tiers {
            let tier = if round % 2 == 0 { t } else { tiers - 1 - t };
            let pull = |i: usize| {
                let near = graph.edges.iter().filter(|e| e.a != e.b && (e.a == i || e.b == i));
                let (sum, n) = near.fold((0.0, 0.0), |(sum, n), e| (sum + place[e.a + e.b - i], n + 1.0));
                if n > 0.0 { sum / n } else { place[i] }
            };
            let mut pulled: Vec<(f64, f64, usize)> = rows[tier].iter().map(|i| (pull(*i), place[*i], *i)).collect();
            pulled.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
            rows[tier] = pulled.into_iter().map(|(_, _, i)| i).collect();
            settle(&rows[tier], &mut place);
        }
    }
    (rows, place)
}
