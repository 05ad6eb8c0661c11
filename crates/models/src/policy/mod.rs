//! Policies: rules from predictions to positions, the same in a backtest and live.
mod config;
#[cfg(feature = "train")]
mod fit;
mod fitted;
mod text;
mod tracker;

pub use config::{PolicyConfig, PositionSize};
#[cfg(feature = "train")]
pub use fit::fit_policy;
pub use fitted::{Policy, Position};
pub use tracker::PositionTracker;
