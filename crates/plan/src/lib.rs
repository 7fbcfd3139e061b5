//! The planner.
//!
//! From a checked [`System`](lanewright_model::system::System) to a [`Plan`](plan::Plan): which medium and
//! retimers every link gets and why, and what that adds up to in parts, watts, dollars, nanoseconds and
//! failures. Pure functions; nothing is read or printed here.
//!
//! The way through it: [`ends`] looks up what hangs at every link, [`route`] gives lengths, [`classes`]
//! groups equal links, [`media`] chooses for each class (asking [`budget`] whether a path closes),
//! [`inventory`] counts every piece once, and the roll-ups read that list. [`amount`] is the arithmetic of
//! figures that remember how weak they are.

pub mod amount;
pub mod bom;
pub mod budget;
pub mod classes;
pub mod compare;
pub mod cost;
pub mod crossover;
pub mod domains;
pub mod ends;
pub mod fec;
pub mod findings;
pub mod graph;
pub mod inventory;
pub mod latency;
pub mod loss;
pub mod media;
pub mod plan;
mod planner;
pub mod power;
pub mod rates;
pub mod reliability;
pub mod route;

pub use compare::compare;
pub use crossover::crossover;
pub use planner::{plan as plan_system, plan_with};
pub use rates::Rates;
