//! Networks with a label: a configuration and the settings of its training.
#[cfg(feature = "v3")]
pub mod v3;
#[cfg(feature = "v31")]
pub mod v31;
#[cfg(feature = "v32")]
pub mod v32;
#[cfg(feature = "v32")]
pub mod v32_stateful;
