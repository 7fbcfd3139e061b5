//! Fabrics: how bytes travel between endpoints over switches and links.
//!
//! From outside in:
//!
//! - [`network`] is what bytes travel over: nodes and directed edges with rate and delay, from a generator or a checked
//!   system; [`route`] says which edges lead to an endpoint;
//! - [`traffic`] is what travels: tasks (messages, work of an endpoint) and what each waits for, read from files or made
//!   from a pattern; [`collective`] makes it from a collective operation and an algorithm;
//! - [`packet`] moves packet by packet through queues, transports and link layers; [`flow`] shares rates among whole
//!   messages; both take a network and traffic and give an [`outcome`];
//! - [`link_layer`] is what errors, replay, credits and pauses come to, in closed form;
//! - [`fault`] is what goes wrong and when; [`alone`] is how long a message would take with the network to itself.
//!
//! The crate knows nothing of volts or models, reads no file, prints nothing and knows no wall clock: texts and bytes are
//! handed to it, and long runs report to an [`outcome::Observer`].

pub mod alone;
pub mod collective;
pub mod fault;
pub mod flow;
pub mod link_layer;
pub mod network;
pub mod outcome;
pub mod packet;
pub mod route;
pub mod spelling;
pub mod time;
pub mod traffic;
