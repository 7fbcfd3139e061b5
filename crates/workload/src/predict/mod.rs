//! Time to first token, time per token and throughput of a deployment, with bands.
//!
//! [`deployment`] says what runs where and under which load; [`row`] reads one from a row of a table; [`steady`] asks the
//! kernels; [`predictor`] corrects the answer by what measured engines did.

pub mod deployment;
pub mod judgement;
pub mod predictor;
pub mod row;
pub mod steady;
