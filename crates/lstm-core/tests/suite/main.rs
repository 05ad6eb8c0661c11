//! Golden tests, gradient checks, property tests and error tests, in one test program.
#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![expect(clippy::float_cmp, reason = "tests of exact results")]

mod batches;
mod block;
mod common;
mod compact;
mod encoders;
mod errors;
mod errors_of_models;
mod forced;
mod golden_encoders;
mod golden_gru;
mod golden_layers;
mod golden_lstm;
mod golden_models;
mod golden_onnx;
mod golden_training;
mod gradients;
mod gradients_of_layers;
mod gradients_of_models;
mod gru;
mod layer;
mod network;
mod packed;
mod properties;
mod properties_of_models;
mod stack;
mod steps;
