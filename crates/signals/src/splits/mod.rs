//! Splits of samples by calendar time into training, validation and test.
mod builder;
mod combinatorial;
mod embargo;
mod refit;
mod sets;
mod split;
mod walk_forward;

pub use builder::SplitBuilder;
pub use combinatorial::Combinatorial;
pub use refit::{RefitSchedule, RollingRefit};
pub use sets::{TrainSet, ValidationSet};
pub use split::{Period, Split};
pub use walk_forward::WalkForward;
