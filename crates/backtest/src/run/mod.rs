//! Runs: the plan, its tasks, their cache and their parallel execution.
mod assemble;
mod backtest;
mod cache;
#[cfg(feature = "columnar")]
mod columnar;
mod event;
mod execute;
mod fold;
mod gaps;
mod group;
mod learners;
mod loss_curve;
mod occlusion;
mod plan;
mod predictions;
mod run_plan;
mod task;

pub use backtest::{Backtest, Instrument};
pub use event::{Event, Task};
pub(crate) use gaps::gap_policy_of;
#[cfg(feature = "boosted")]
pub use learners::BoostedTreesLearner;
pub use learners::LogisticLearner;
pub use plan::Plan;
pub use predictions::{PredictionRow, Predictions};
