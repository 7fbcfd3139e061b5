//! The model from the outside: texts in, systems and problems out.

mod bad_input;
mod expansion;
mod fixture;
mod fuzzed;
mod order;
mod variants;
