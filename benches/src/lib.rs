//! Candles, samples and fitted models that several benches run on.
mod data;
mod models;

pub use data::{candles, table, with_train};
pub use models::{tuned, v2, v32};
