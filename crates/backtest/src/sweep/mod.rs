//! Sweeps: many backtests over the same instruments, whose tasks are divided among processes or
//! machines.
//!
//! A [`SweepSetting`] is a backtest with its learners. Its tasks (one model on one fold with one
//! seed) are independent, and each is identified by a key, the hash of all its inputs.
//! [`SweepSetting::tasks`] lists them, [`SweepSetting::run`] runs any of them and stores each result
//! in a file of a common folder, and [`merge`] computes the reports from the files without fitting a
//! model. The reports are the same, except for their timing, however the tasks were divided.
//!
//! # Examples
//! ```
//! use std::collections::BTreeSet;
//! use windvane_backtest::sweep::{self, SweepSetting};
//! use windvane_backtest::{Backtest, Instrument};
//! use windvane_candles::{Interval, simulate::MarketModel};
//! use windvane_models::v2::WeightedSignalsLearner;
//!
//! let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 1_500, 7)?;
//! let instruments = [Instrument { series, test_only: false }];
//! let settings = [10, 20].map(|lookback| SweepSetting {
//!     name: format!("{lookback} rows"),
//!     backtest: Backtest { lookback, ..Backtest::default() },
//!     learners: vec![Box::new(WeightedSignalsLearner::learned())],
//! });
//!
//! let folder = std::env::temp_dir().join(format!("windvane-sweep-{}", std::process::id()));
//! for setting in &settings {
//!     let keys: BTreeSet<String> =
//!         setting.tasks(&instruments)?.into_iter().map(|task| task.key).collect();
//!     assert_eq!(keys.len(), 8); // the model and a logistic regression on four folds
//!     setting.run(&instruments, &keys, &folder, &|_| {})?;
//! }
//! let merged = sweep::merge(&settings, &instruments, &folder, false)?;
//! assert_eq!(merged.sweep.trials, 2);
//! assert_eq!(merged.sweep.results.iter().filter(|trial| trial.winner).count(), 1);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod correction;
mod merge;
mod program;
mod setting;
mod validation;

pub use merge::{MergedSweep, merge};
pub use program::ProgramId;
pub use setting::{PlannedTask, SweepSetting};
