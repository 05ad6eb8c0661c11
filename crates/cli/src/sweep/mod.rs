//! `windvane plan`, `run` and `merge`: sweeps whose tasks are divided among processes or machines.
mod cost;
mod data;
mod file;
mod merge;
mod plan;
mod plan_file;
mod run;
mod settings;

pub(crate) use merge::{MergeOptions, merge};
pub(crate) use plan::{PlanOptions, plan};
pub(crate) use run::{RunOptions, run};
