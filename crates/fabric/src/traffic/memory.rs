//! Memory operations as messages: a request, and the response that it brings.
//!
//! Headers carry addresses, so a request without data, or a response without, is a message of one byte.

use super::{Builder, TaskId, When, Work};
use crate::network::EndpointId;
use crate::time::Time;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The response brings the data.
    Load,
    /// The request brings the data, the response says that they are stored.
    Store,
    /// Both bring them.
    Atomic,
}

/// Operations of one endpoint on the memory of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Who asks, and whose memory it is.
    pub from: EndpointId,
    /// See `from`.
    pub to: EndpointId,
    /// What every operation does.
    pub operation: Operation,
    /// Data of one operation, bytes: 64 to 256 in scale-up fabrics.
    pub bytes: u64,
    /// Operations.
    pub count: u32,
    /// Most that wait for their response at once, at least 1.
    pub outstanding: u32,
    /// Time that the memory takes.
    pub latency: Time,
}

impl Stream {
    /// Bytes of request and response.
    pub fn sizes(&self) -> (u64, u64) {
        let data = self.bytes.max(1);
        match self.operation {
            Operation::Load => (1, data),
            Operation::Store => (data, 1),
            Operation::Atomic => (data, data),
        }
    }

    /// Adds the operations; gives the responses in order.
    pub fn add(&self, builder: &mut Builder) -> Vec<TaskId> {
        self.add_after(builder, &[], Time::ZERO)
    }

    /// The same after other tasks (each done in its sense), and no request before a time.
    pub fn add_after(&self, builder: &mut Builder, after: &[(TaskId, When)], not_before: Time) -> Vec<TaskId> {
        let (asks, answers) = self.sizes();
        let limit = self.outstanding.max(1) as usize;
        let mut responses: Vec<TaskId> = Vec::with_capacity(self.count as usize);
        for at in 0..self.count as usize {
            let request = builder.task(Work::Message { from: self.from, to: self.to, bytes: asks }, not_before);
            match at.checked_sub(limit) {
                Some(before) => builder.after(responses[before], request, When::Delivered),
                None => after.iter().for_each(|(first, when)| builder.after(*first, request, *when)),
            }
            let asked = match self.latency {
                Time::ZERO => request,
                time => {
                    let work = builder.task(Work::Delay { at: self.to, time }, Time::ZERO);
                    builder.after(request, work, When::Delivered);
                    work
                }
            };
            let response = builder.message(self.to, self.from, answers);
            builder.after(asked, response, When::Delivered);
            responses.push(response);
        }
        responses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_loads() {
        let stream = Stream {
            from: EndpointId(0),
            to: EndpointId(1),
            operation: Operation::Load,
            bytes: 256,
            count: 5,
            outstanding: 2,
            latency: Time::ns(100),
        };
        let mut builder = Builder::default();
        let responses = stream.add(&mut builder);
        let traffic = builder.build();
        assert_eq!(traffic.check(2), Ok(()));
        assert_eq!((responses.len(), traffic.tasks.len()), (5, 15));
        let asks = |task: usize| matches!(traffic.tasks[task].work, Work::Message { bytes: 1, .. });
        // The third request waits for the first response, the first two for nothing.
        let waits: Vec<u32> = (0..5).map(|at| traffic.tasks[3 * at].waits).collect();
        assert!((0..5).all(|at| asks(3 * at)));
        assert_eq!(waits, [0, 0, 1, 1, 1]);
        assert_eq!(Stream { operation: Operation::Store, ..stream }.sizes(), (256, 1));
    }
}
