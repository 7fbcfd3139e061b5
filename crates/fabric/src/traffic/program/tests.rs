//! Programs matched and made into traffic.

use super::*;

fn step(rank: u32, action: Action, after: &[u32]) -> Step {
    Step { rank, action, after: after.to_vec(), after_start: Vec::new() }
}

fn send(to: u32, bytes: u64) -> Action {
    Action::Send { to, bytes, tag: 1 }
}

fn receive(from: u32, bytes: u64) -> Action {
    Action::Receive { from, bytes, tag: 1 }
}

fn usual(send_done: SendDone) -> Lowering<'static> {
    Lowering { send_done, algorithm: &Lowering::usual, template: None }
}

fn made(programs: &Programs) -> Traffic {
    programs.traffic(&usual(SendDone::Begun)).expect("sound").0
}

#[test]
fn a_message_passed_on_waits_for_its_receipt() {
    let programs = Programs {
        ranks: 3,
        steps: vec![
            step(0, send(1, 8), &[]),
            step(1, receive(0, 8), &[]),
            step(1, Action::Compute(Time::us(2)), &[1]),
            step(1, send(2, 16), &[2]),
            step(2, receive(1, 16), &[]),
        ],
    };
    let traffic = made(&programs);
    assert_eq!((traffic.tasks.len(), traffic.messages()), (3, 2), "receives that wait for nothing are their messages");
    assert_eq!(traffic.tasks.iter().map(|task| task.waits).collect::<Vec<_>>(), [0, 1, 1]);
}

#[test]
fn a_send_is_done_when_begun_or_acknowledged() {
    let programs = Programs {
        ranks: 2,
        steps: vec![
            step(0, Action::Compute(Time::us(1)), &[]),
            step(0, send(1, 8), &[0]),
            step(0, Action::Compute(Time::us(5)), &[1]),
            step(1, receive(0, 8), &[]),
        ],
    };
    let (traffic, of) = programs.traffic(&usual(SendDone::Acknowledged)).expect("sound");
    let at = |step: u32| TaskId(of.iter().rposition(|of| *of == Some(step)).expect("each has a task") as u32);
    assert_eq!(traffic.followers_of(at(1)).len(), 1);
    assert_eq!(traffic.followers_of(at(1))[0].when, When::Acknowledged);
    let (traffic, of) = programs.traffic(&usual(SendDone::Begun)).expect("sound");
    let at = |step: u32| TaskId(of.iter().rposition(|of| *of == Some(step)).expect("each has a task") as u32);
    assert!(traffic.followers_of(at(1)).is_empty(), "nobody waits for the message itself");
    assert_eq!(traffic.tasks[at(2).index()].waits, 1, "but for its start");
}

#[test]
fn sends_meet_receives_in_order() {
    let programs = Programs {
        ranks: 2,
        steps: vec![
            step(0, send(1, 8), &[]),
            step(0, send(1, 9), &[]),
            step(1, receive(0, 8), &[]),
            step(1, receive(0, 9), &[2]),
            step(1, Action::Compute(Time::us(1)), &[3]),
        ],
    };
    let traffic = made(&programs);
    // The second receive waits for the first and for its own message.
    assert_eq!(traffic.tasks.iter().filter(|task| task.waits == 2).count(), 1);
    let mut crossed = programs.clone();
    (crossed.steps[2].action, crossed.steps[3].action) = (receive(0, 9), receive(0, 8));
    let errors = crossed.traffic(&usual(SendDone::Begun)).expect_err("crossed");
    assert_eq!(errors, [ProgramError::Bytes(0, 2), ProgramError::Bytes(1, 3)]);
}

#[test]
fn a_collective_starts_at_each_member_and_ends_for_each() {
    let all = |group, bytes| Action::Collective { group, operation: Operation::AllReduce, bytes, root: 0 };
    let steps = (0..4)
        .flat_map(|rank| {
            let first = rank * 3;
            [
                step(rank, Action::Compute(Time::us(u64::from(rank))), &[]),
                step(rank, all(0, 1024), &[first]),
                step(rank, Action::Compute(Time::us(1)), &[first + 1]),
            ]
        })
        .collect();
    let programs = Programs { ranks: 4, steps };
    let (traffic, of) = programs.traffic(&usual(SendDone::Acknowledged)).expect("sound");
    assert_eq!(traffic.messages(), 2 * 3 * 4);
    let last = of.iter().filter(|of| **of == Some(11)).count();
    assert_eq!(last, 1);
    let mut alone = programs.clone();
    alone.steps.push(step(1, all(0, 1024), &[]));
    assert_eq!(alone.traffic(&usual(SendDone::Begun)), Err(vec![ProgramError::Alone(12, 0)]));
    let mut differs = programs;
    differs.steps[4].action = all(0, 2048);
    assert_eq!(differs.traffic(&usual(SendDone::Begun)), Err(vec![ProgramError::Differs(1, 4)]));
}

#[test]
fn what_cannot_run() {
    let programs = Programs {
        ranks: 2,
        steps: vec![
            step(0, send(0, 8), &[]),
            step(0, send(7, 8), &[]),
            step(0, send(1, 0), &[]),
            step(1, receive(0, 0), &[]),
            step(1, receive(0, 8), &[]),
            step(0, Action::Send { to: 1, bytes: 4, tag: 9 }, &[]),
        ],
    };
    let errors = programs.traffic(&usual(SendDone::Begun)).expect_err("wrong");
    for expected in [
        ProgramError::ToItself(0),
        ProgramError::NoRank(1, 7),
        ProgramError::Empty(2),
        ProgramError::NotSent(4),
        ProgramError::NotReceived(5),
    ] {
        assert!(errors.contains(&expected), "{expected:?} in {errors:?}");
    }
    let circle = Programs {
        ranks: 2,
        steps: vec![
            step(0, receive(1, 8), &[]),
            step(0, send(1, 8), &[0]),
            step(1, receive(0, 8), &[]),
            step(1, send(0, 8), &[2]),
        ],
    };
    let errors = circle.traffic(&usual(SendDone::Begun)).expect_err("both receive first");
    let [ProgramError::Circle(steps)] = &errors[..] else { panic!("{errors:?}") };
    let mut steps = steps.clone();
    steps.sort_unstable();
    assert_eq!(steps, [1, 3]);
}
