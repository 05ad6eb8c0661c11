//! Tests of the crate through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a test may stop, and its numbers are small"
)]
mod allocations;
mod anomaly;
mod calibrated;
mod channels;
mod common;
mod compact_weights;
mod conformal;
mod golden_encoders;
mod golden_learning;
mod golden_trees;
mod grids;
mod guard;
mod halving;
mod inspect;
mod killed;
mod lags;
mod learned_signals;
mod learning;
mod live;
mod mutated;
mod onnx;
mod outcome;
mod panel;
mod policy;
mod pretrained;
mod pytorch;
mod retraining;
mod saved;
mod stateful;
mod stopped;
mod streaming;
mod swap;
mod tables_in_file;
mod train_config;
mod trees;
