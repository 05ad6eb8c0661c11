//! Tests of the crate through its public interface.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
#[cfg(feature = "columnar")]
mod cases;
mod foreign;
mod kinds;
mod mutations;
mod partitions;
#[cfg(feature = "columnar")]
mod real_files;
mod samples;
mod strict;
mod templates;
