//! The command as a user types it.

mod bad_files;
mod command;
mod link_budget;
mod link_com;
mod link_eye;
mod link_fec;
mod link_networks;
mod output;
mod schemas;
mod sim;
mod sim_faults;
mod sim_files;
mod sim_flow;
mod sim_nics;
mod validation;
mod workload_kernels;
mod workload_models;
mod workload_pipeline;
mod workload_predict;
mod workload_search;
mod workload_serve;
mod workload_tiers;
mod workload_train;
