//! What becomes of messages whose way has failed.

use super::FlowError;
use super::engine::Engine;

impl Engine<'_> {
    /// Messages on ways that are no more go on by others.
    pub(super) fn reroute(&mut self, fault: u32, time: f64) -> Result<(), FlowError> {
        self.state.reconverge(fault);
        for class in 0..self.classes.len() as u32 {
            let stands = self.messages[class as usize] > 0 && self.state.is_broken(&self.table.classes, class);
            if !stands {
                continue;
            }
            self.classes[class as usize].advance(time);
            let mut moving = Vec::new();
            self.queues.write_down(class, self.classes[class as usize].next);
            while let Some(message) = self.queues.pop_with_key(class) {
                moving.push(message);
            }
            // Bytes still to come, from when each would have ended.
            let served = self.classes[class as usize].served;
            let known = &mut self.classes[class as usize];
            known.next = f64::INFINITY;
            for _ in 0..std::mem::take(&mut self.messages[class as usize]) {
                self.load.less(&self.table.classes, class);
            }
            self.load.remove(&self.table.classes, class);
            self.mark(class);
            for (task, end) in moving {
                let before = self.way[task as usize];
                let way = self.state.current(&mut self.table, before)?;
                self.way[task as usize] = way;
                self.grow();
                let to = self.table.class_of[way as usize];
                self.add(to, task, (end - served).max(0.0), time);
                if let Some(recorder) = &mut self.recorder {
                    recorder.part(&self.table.ways, class, before, time);
                    recorder.join(&self.table.ways, to, way, time);
                }
            }
        }
        Ok(())
    }
}
