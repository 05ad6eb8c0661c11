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
mod policies;
mod predictions;
mod records;
mod refits;
mod regimes;
mod relative;
mod result_rows;
mod run_plan;
mod table_file;
mod task;
mod task_result;
mod trades;
mod training_results;

pub use backtest::{Backtest, DetailedRun, Instrument};
pub use event::{Event, Task};
pub(crate) use gaps::gap_policy_of;
pub use plan::Plan;
pub use predictions::{PredictionRow, Predictions};
pub use trades::{PolicyTrade, PolicyTrades};
