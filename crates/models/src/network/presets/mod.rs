//! Networks with a label: a configuration and the settings of its training.
pub mod v3;
pub mod v31;
pub mod v32;
pub mod v32_stateful;
