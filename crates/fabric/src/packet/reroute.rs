//! Routes that avoid what has failed, from the time on when switches know.

use std::collections::BTreeMap;

use super::engine::{Engine, Scene};
use crate::fault::{Change, Timeline};
use crate::network::{EdgeId, Network};
use crate::route::Routes;

/// Routes by time: from each time on those of that number, or those of the whole network.
#[derive(Debug, Default)]
pub(super) struct Detours {
    pub(super) from: Vec<(u64, Option<usize>)>,
    routes: Vec<Routes>,
}

impl Detours {
    /// What the faults make of the routes. Where the tables of a network without some edges are too large to keep, the
    /// routes stay as they are.
    pub(super) fn new(network: &Network, faults: &Timeline) -> Self {
        let mut detours = Self::default();
        let mut dead = vec![false; network.edges.len()];
        let mut stopped = vec![false; network.nodes.len()];
        let mut known: BTreeMap<Vec<EdgeId>, Option<usize>> = BTreeMap::from([(Vec::new(), None)]);
        for (at, fault) in faults.faults.iter().enumerate() {
            match fault.change {
                Change::Down { edge } => dead[edge.index()] = true,
                Change::Up { edge } => dead[edge.index()] = false,
                Change::NodeDown { node } => stopped[node.index()] = true,
                Change::NodeUp { node } => stopped[node.index()] = false,
                Change::Rate { .. } | Change::BitErrors { .. } => continue,
            }
            // Faults of one time act together.
            if faults.faults.get(at + 1).is_some_and(|next| next.at == fault.at) {
                continue;
            }
            let is_dead = |at: usize| {
                let edge = &network.edges[at];
                dead[at] || stopped[edge.from.index()] || stopped[edge.to.index()]
            };
            let avoid: Vec<EdgeId> =
                (0..network.edges.len()).filter(|at| is_dead(*at)).map(|at| EdgeId(at as u32)).collect();
            let number = *known.entry(avoid.clone()).or_insert_with(|| {
                let routes = Routes::without(network, &avoid).ok()?;
                detours.routes.push(routes);
                Some(detours.routes.len() - 1)
            });
            detours.from.push((fault.at.saturating_add(faults.reconvergence).0, number));
        }
        detours
    }

    fn get(&self, number: usize) -> Option<&Routes> {
        self.routes.get(number)
    }
}

impl<'a> Scene<'a> {
    /// Routes from the `number`th change on.
    fn routes_from(&'a self, number: usize) -> &'a Routes {
        let (_, detour) = self.detours.from[number];
        detour.and_then(|number| self.detours.get(number)).unwrap_or(self.routes)
    }
}

impl Engine<'_> {
    /// Switches learn what has failed or come back.
    pub(super) fn reroute(&mut self, number: usize) {
        self.routes = self.scene.routes_from(number);
    }
}
