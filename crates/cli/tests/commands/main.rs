//! Tests of the commands: valid folders, invalid files and options, closed pipes.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may stop; bits are compared")]
mod backtest;
mod diagnose;
mod export;
mod fit;
mod inputs;
mod inspect;
mod latency;
mod partitions;
mod pipes;
mod policies;
mod predict;
mod support;
mod sweep;
