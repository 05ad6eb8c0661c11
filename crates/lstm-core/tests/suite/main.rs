//! Golden numbers, finite differences, properties and errors, in one test program.
#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::float_cmp, reason = "tests of exact results")]

mod batches;
mod common;
mod errors;
mod errors_of_models;
mod forced;
mod golden_lstm;
mod golden_models;
mod golden_onnx;
mod golden_training;
mod gradients;
mod gradients_of_models;
mod layer;
mod network;
mod packed;
mod properties;
mod properties_of_models;
mod steps;
