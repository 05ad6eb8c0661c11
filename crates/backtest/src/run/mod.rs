//! Runs: plan, tasks, cache and parallel execution.
mod backtest;
mod cache;
#[cfg(feature = "columnar")]
mod columnar;
mod constant_channels;
mod event;
mod execute;
mod fingerprint;
mod finished;
mod fold;
mod gaps;
mod group;
mod loss_curve;
mod occlusion;
mod plan;
mod predictions;
mod records;
mod regimes;
mod result_rows;
mod run_plan;
mod task;
mod task_result;
mod training_results;

pub use backtest::{Backtest, Instrument};
pub use event::{Event, Task};
pub(crate) use gaps::gap_policy_of;
pub use plan::Plan;
pub use predictions::{PredictionRow, Predictions};
