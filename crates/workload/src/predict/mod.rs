//! Time to first token, time per token and throughput of a deployment, with bands.
//!
//! [`anatomy`] takes a prediction apart; [`deployment`] says what runs where and under which load; [`remedy`] says what would work where
//! one does not; [`row`] reads one from a row of a table; [`steady`] asks the
//! kernels; [`predictor`] corrects the answer by what measured engines did.

pub mod anatomy;
pub mod deployment;
pub mod judgement;
pub mod predictor;
pub mod remedy;
pub mod row;
pub mod steady;
