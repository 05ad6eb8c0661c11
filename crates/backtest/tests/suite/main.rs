//! Tests of the crate through its public interface.
mod audit;
mod baselines;
mod channels;
mod common;
mod fitted;
mod gaps;
mod honesty;
#[cfg(feature = "html")]
mod html;
mod killed;
mod labels;
mod layers;
mod memory;
mod metrics;
mod plan;
mod plans;
mod policies;
mod predictions;
mod refit;
mod report;
mod resume;
mod run;
mod seeds;
mod sweep;
mod trials;
