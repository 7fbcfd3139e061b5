//! A job of the model as Chakra traces, one per rank.

use lanewright_model::job::{Collective, Job, JobError, Work};

use super::trace::{Attribute, Node, Trace, kinds};

/// Whole microseconds, the unit of traces.
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

/// The traces of all ranks. Times are rounded to whole microseconds, so that each computation may be half a microsecond
/// off; of an all-gather, traces say a rank's part, rounded up.
pub fn from_job(job: &Job) -> Result<Vec<Trace>, JobError> {
    job.check()?;
    let mut traces = Vec::with_capacity(job.ranks as usize);
    for program in &job.programs {
        for rank in program.first..program.first + program.ranks {
            let nodes = program.tasks.iter().enumerate().map(|(at, task)| Node {
                id: at as u64,
                name: if task.name.is_empty() { format!("task_{at}") } else { task.name.clone() },
                data_deps: task.after.iter().map(|before| u64::from(*before)).collect(),
                ..node(job, rank, &task.work)
            });
            traces.push(Trace { version: "0.0.4".to_string(), attributes: Vec::new(), nodes: nodes.collect() });
        }
    }
    Ok(traces)
}

fn node(job: &Job, rank: u32, work: &Work) -> Node {
    let mut attributes = vec![Attribute::boolean("is_cpu_op", false)];
    let mut number = |name: &str, value: i64| attributes.push(Attribute::int64(name, value));
    let message = |number: &mut dyn FnMut(&str, i64), from: i64, to: i64, bytes: u64, tag: u64| {
        number("comm_src", from);
        number("comm_dst", to);
        number("comm_size", bytes as i64);
        number("comm_tag", tag as i64);
    };
    let own = i64::from(rank);
    let (kind, duration_micros) = match *work {
        Work::Compute { seconds } => (kinds::COMP, micros(seconds)),
        Work::Send { offset, bytes, tag } => {
            message(&mut number, own, own + offset, bytes, tag);
            (kinds::COMM_SEND, 0)
        }
        Work::Receive { offset, bytes, tag } => {
            message(&mut number, own + offset, own, bytes, tag);
            (kinds::COMM_RECV, 0)
        }
        Work::Collective { collective, family, bytes } => {
            let group = job.families[family as usize];
            let (code, said) = match collective {
                Collective::AllReduce => (0, bytes),
                Collective::AllGather => (2, bytes.div_ceil(u64::from(group.size))),
                Collective::AllToAll => (6, bytes),
                Collective::ReduceScatter => (7, bytes),
            };
            number("comm_type", code);
            number("comm_size", said as i64);
            attributes.push(Attribute::text("pg_name", &format!("{family}.{}", group.first(rank))));
            (kinds::COMM_COLL, 0)
        }
    };
    Node { kind, duration_micros, attributes, ..Node::default() }
}

#[cfg(test)]
mod tests {
    use lanewright_model::job::{Family, Program, Task};
    use lanewright_model::problem::Problems;

    use super::*;
    use crate::traffic::program::{Lowering, SendDone};

    #[test]
    fn traces_of_a_job_are_read_back_as_traffic() {
        let task = |name: &str, work, after: &[u32]| Task { name: name.into(), work, after: after.to_vec() };
        let reduce = |collective| Work::Collective { collective, family: 0, bytes: 4096 };
        let job = Job {
            name: "two stages".into(),
            ranks: 4,
            families: vec![Family { size: 2, stride: 1 }],
            programs: vec![
                Program {
                    first: 0,
                    ranks: 2,
                    tasks: vec![
                        task("forward", Work::Compute { seconds: 12.4e-6 }, &[]),
                        task("send", Work::Send { offset: 2, bytes: 640, tag: 3 }, &[0]),
                        task("reduce", reduce(Collective::AllReduce), &[0]),
                        task("gather", reduce(Collective::AllGather), &[2]),
                    ],
                },
                Program {
                    first: 2,
                    ranks: 2,
                    tasks: vec![
                        task("receive", Work::Receive { offset: -2, bytes: 640, tag: 3 }, &[]),
                        task("scatter", reduce(Collective::ReduceScatter), &[0]),
                        task("exchange", reduce(Collective::AllToAll), &[1]),
                    ],
                },
            ],
        };
        let bytes: Vec<Vec<u8>> = from_job(&job).expect("a good job").iter().map(Trace::write).collect();
        let files: Vec<(&str, &[u8])> =
            ["0.et", "1.et", "2.et", "3.et"].into_iter().zip(bytes.iter().map(Vec::as_slice)).collect();
        let mut problems = Problems::new();
        let read = super::super::job(&files, &mut problems).expect("its own traces");
        assert!(problems.is_empty());
        let lowering = Lowering { send_done: SendDone::Begun, algorithm: &Lowering::usual, template: None };
        let (traffic, _) = read.programs.traffic(&lowering).expect("sends meet receives");
        // Two sends of 640 bytes, and per group: all-reduce 2 x 2 halves, all-gather 2 halves, reduce-scatter 2, exchange 2.
        let sent: u64 = traffic
            .tasks
            .iter()
            .filter_map(|task| match task.work {
                crate::traffic::Work::Message { bytes, .. } => Some(bytes),
                _ => None,
            })
            .sum();
        assert_eq!(sent, 2 * 640 + 4 * 2048 + 2 * 2048 + 2 * 2048 + 2 * 2048);
    }
}
