//! The planner.
//!
//! From a checked [`System`](lanewright_model::system::System) to a [`Plan`](plan::Plan): which medium and
//! retimers every link gets and why, and what that adds up to in parts, watts, dollars, nanoseconds and
//! failures. Pure functions; nothing is read or printed here.

pub mod plan;
