//! Tests of the crate through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a test may panic, and its numbers are small"
)]
mod common;
mod learn;
mod mixed;
mod online;
mod onnx;
mod regimes;
mod saved;
mod stacking;
mod streaming;
mod vote;
