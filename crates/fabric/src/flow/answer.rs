//! What a run has found, with what a reader must know of it.

use super::engine::Engine;
use super::resolution::ERROR;
use crate::outcome::{Counters, Outcome};
use crate::time::Time;

impl Engine<'_> {
    /// The outcome of a run that is over, or was `stopped`.
    pub(super) fn outcome(mut self, stopped: bool) -> Outcome {
        let mut notes = vec![
            "the flow engine shares rates max-min fairly at once: it knows no queues, losses or slow starts".to_owned(),
        ];
        if self.resolution > 0.0 {
            let from = self.coarse_from.map_or_else(String::new, |from| format!(", from {:.3} us on", from * 1e-6));
            let chosen = if self.settings.automatic { "resolution auto: " } else { "" };
            notes.push(format!(
                "{chosen}ends within {} of a message's time share one solution{from}: {} solutions, windows of up to {:.3} us; \
                 {ERROR}",
                self.resolution,
                self.solutions,
                self.longest_window * 1e-6
            ));
        } else if self.settings.automatic {
            notes.push("resolution auto: 0, all ends are exact".to_owned());
        }
        notes.extend(self.state.notes());
        let stuck = self.waits.len() as u64 - self.finished;
        if stuck > 0 && !stopped {
            notes
                .push(format!("{stuck} tasks never finished: they wait for each other, or their way is down for good"));
        }
        let end = self.finishes.iter().map(|finish| finish.delivered).filter(|time| *time != Time::NEVER).max();
        let edges = if self.settings.edges {
            self.state.carried(self.traffic, &self.table, &self.way, &self.finishes)
        } else {
            Vec::new()
        };
        let series =
            self.recorder.take().map(|recorder| recorder.finish(&self.table.ways, self.now)).unwrap_or_default();
        let counters = Counters { events: self.events, ..Default::default() };
        Outcome {
            finishes: self.finishes,
            counters,
            edges,
            series,
            stopped,
            end: end.unwrap_or(Time::ZERO),
            notes,
            ..Outcome::default()
        }
    }
}
