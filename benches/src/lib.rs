//! Candles, samples and fitted models shared by the benches.
mod data;
mod models;

pub use data::{candles, table, with_train};
pub use models::{fast_lstm, tuned, v2};
