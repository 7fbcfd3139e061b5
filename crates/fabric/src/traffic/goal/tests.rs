//! GOAL texts read, matched, and their slips found.

use proptest::prelude::*;

use super::*;
use crate::traffic::Work;
use crate::traffic::program::{Lowering, SendDone};

fn load(text: &str) -> (Option<Goal>, Vec<String>) {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let file = texts.add("x.goal", text);
    let goal = read(file, &texts, &mut problems);
    let goal = goal.filter(|goal| match goal.programs.traffic(&lowering()) {
        Ok(_) => true,
        Err(errors) => {
            errors.iter().for_each(|error| problems.push(goal.problem(error)));
            false
        }
    });
    let list = problems.iter().map(|problem| {
        let place = problem.labels.first().map_or(String::new(), |label| texts.place(label.0));
        format!("{place} {}", problem.message)
    });
    (goal, list.collect())
}

fn lowering() -> Lowering<'static> {
    Lowering { send_done: SendDone::Begun, algorithm: &Lowering::usual, template: None }
}

#[test]
fn two_ranks_play_ping_pong() {
    let text = "/* there and back */ num_ranks 2\nrank 0 {\n l1: calc 100 cpu 0\n l2: send 4096b to 1 tag 7 cpu 0 nic 0\n\
                l3: recv 8b from 1 tag 9\n l2 requires l1\n}\nrank 1 { // answers\n a: recv 4096b from 0 tag 7; b: send 8b \
                to 0 tag 9; b requires a }\n";
    let (goal, problems) = load(text);
    let goal = goal.unwrap_or_else(|| panic!("{problems:?}"));
    let (traffic, _) = goal.programs.traffic(&lowering()).expect("sound");
    assert_eq!(traffic.tasks.len(), 3);
    assert_eq!(traffic.messages(), 2);
    let Work::Delay { time, .. } = traffic.tasks[0].work else { panic!("calc comes first") };
    assert_eq!(time, Time::ns(100));
    assert_eq!(traffic.tasks.iter().map(|task| task.waits).collect::<Vec<_>>(), [0, 1, 1]);
}

#[test]
fn irequires_waits_for_the_start() {
    let (goal, problems) = load("num_ranks 1 rank 0 { a: calc 5 b: calc 1000 c: calc 7 b requires a c irequires b }");
    let goal = goal.unwrap_or_else(|| panic!("{problems:?}"));
    let (traffic, of) = goal.programs.traffic(&lowering()).expect("sound");
    // A joint stands for the start of b: it waits for a, and b and c wait for it.
    assert_eq!(traffic.tasks.len(), 4);
    let joint = of.iter().position(|of| *of == Some(1)).expect("b's start comes first");
    assert_eq!(traffic.followers_of(crate::traffic::TaskId(joint as u32)).len(), 2);
}

#[test]
fn slips_have_places() {
    let (_, problems) = load(
        "num_ranks 2\nrank 0 {\n a: sned 8b to 1\n b: send 8x to 1\n c: send 8b to 2\n d: calc 1\n d: calc 2\n d requires e\n}\n\
         rank 0 { }\nrank 5 { x: calc 1 }",
    );
    assert_eq!(
        problems,
        [
            "x.goal:3:5 unknown step `sned`",
            "x.goal:4:10 expected a number of bytes such as `4096b`, found `8x`",
            "x.goal:5:16 there is no rank 2",
            "x.goal:7:2 label `d` is given twice in rank 0",
            "x.goal:8:13 rank 0 has no step `e`",
            "x.goal:10:1 the program of a rank is given twice",
            "x.goal:11:6 there is no rank 5",
        ]
    );
}

#[test]
fn what_does_not_meet_is_told() {
    let (_, problems) = load("num_ranks 2\nrank 0 { a: send 8b to 1 tag 1 }\nrank 1 { b: recv 8b from 0 tag 2 }");
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("x.goal:2:13 this send has no receive"), "{problems:?}");
    assert!(problems[1].starts_with("x.goal:3:13 this receive has no send"), "{problems:?}");
    let (_, problems) = load("num_ranks 2\nrank 0 { a: send 8b to 1 }\nrank 1 { b: recv 9b from 0 }");
    assert_eq!(problems, ["x.goal:3:13 a send and its receive differ in bytes"]);
    let (_, problems) = load("num_ranks 1\nrank 0 { a: calc 1\n b: calc 1\n a requires b\n b requires a }");
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("2 steps wait for each other in a circle"), "{problems:?}");
}

proptest! {
    #[test]
    fn no_text_makes_it_stop(text in "(num_ranks|rank|[{}:;]|send|recv|calc|requires|irequires|to|from|tag|a|b|[0-9]{1,21}b?|/\\*|é| |\n){0,40}") {
        let (goal, problems) = load(&format!("num_ranks 2 {text}"));
        prop_assert_eq!(goal.is_none(), !problems.is_empty());
    }
}
