//! Named networks: a configuration of the layers and the settings of its training.
pub mod gru;
pub mod gru_stateful;
pub mod mlp;
pub mod tcn;
pub mod transformer;
pub mod v3;
pub mod v31;
pub mod v32;
pub mod v32_stateful;
