//! Tests of the crate through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a test may panic, and its numbers are small"
)]
mod causality;
mod channels;
mod common;
mod dataset;
mod drift;
mod gaps;
mod golden;
mod golden_channels;
mod labels;
mod panel;
mod regimes;
mod split;
mod store;
