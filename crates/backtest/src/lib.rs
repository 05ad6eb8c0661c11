//! Honest backtests of direction models: every accuracy with its interval, its coverage and the
//! best baseline beside it.
//!
//! [`Backtest::run`] fits each [`Learner`](windvane_models::train::Learner) on the past of some
//! [`Instrument`]s and tests it on what follows, fold by fold; the [`Report`] is one value with
//! its writers, [`Report::to_markdown`], [`Report::to_json`] and, with the feature `html`,
//! `Report::to_html`.
//!
//! # What the numbers mean
//! - **Accuracy** is the share of calls (UP or DOWN) with the sign of the realised change, over
//!   candles with a call and a close that moved. NEUTRAL is neither hit nor miss; **coverage** is
//!   the share of candles with a call. What is undefined is `None`, never 0. See [`Accuracy`].
//! - **95 % intervals** come from a block bootstrap over calendar time: 2,000 resamples of blocks
//!   of consecutive times, all instruments' predictions of a block together, because neighbours
//!   in time and instruments of one time are not independent, widened by the t distribution of as
//!   many degrees of freedom as there are blocks less one. A block has max(20, ⌈n^(1/3)⌉,
//!   2 × horizon) times of the n with a scored call, fewer where that leaves under 20 blocks.
//!   There is none for fewer than 30 scored calls or 20 blocks, nor at exactly 0 or 100 %.
//! - **Baselines** ([`Baseline`]) are four rules that know nothing and a logistic regression on
//!   the model's own training windows ([`LogisticLearner`]), all scored on the very candles that
//!   make up the model's accuracy. The best of them is chosen with hindsight, which favours it;
//!   the model's [`Lead`] over it has a paired interval and a p-value from the same blocks, and
//!   counts as shown only when it holds after Holm's correction for the number of models compared
//!   ([`Rank`](report::Rank)).
//! - **The surest calls** ([`Selected`]) are chosen by thresholds that were known before the test:
//!   those of the fold's validation windows.
//! - **Trading** ([`Trading`]) acts on every call, pays costs, and stands beside the baseline that
//!   earned the most; its Sharpe ratio is deflated by the number of models compared.
//! - **[`Importance`]** is what a fitted model loses when it does not see a channel.
//! - **Warnings** ([`Warning`]) name results that no skill gives.
//!
//! # What keeps the future out
//! Samples are split by calendar time with purge and embargo
//! ([`Split`](windvane_signals::Split)); a model sees windows that end with the decision.
//! Instruments that are test-only are in no pool that is learned from, and neither they nor
//! candles from the first validation on have a say in the gap policy ([`Backtest::gaps`]).
//! Under [`Plan::Combinatorial`] a model is tested on candles before some it learned from as
//! well; purge and embargo hold on both sides.
//!
//! What a bot adds, its own signals, models and fit functions, [`audit`] examines for leaks.
//!
//! # Layers
//! A crate uses those before it; this one is marked.
//! ```text
//! candles → signals → models → ensemble → [backtest]
//!           lstm-core ↗
//! ```
//!
//! # Features
//! - `html`: `Report::to_html`, the report as one page with plots.
//! - `boosted`: `BoostedTreesLearner`, gradient-boosted trees as one more baseline.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accuracy;
pub mod audit;
mod backtest;
mod baseline;
mod bootstrap;
mod bounds;
mod comparison;
mod confidence;
mod error;
mod event;
mod gaps;
mod group;
mod importance;
mod lineup;
mod loss_curve;
pub mod metrics;
mod over_time;
mod plan;
mod portfolio;
mod record;
pub mod report;
mod result;
mod selection;
#[cfg(feature = "boosted")]
mod simple;
mod store;
mod task;
#[cfg(test)]
mod testing;
mod trading;
mod warning;
mod work;

pub use accuracy::Accuracy;
pub use backtest::{Backtest, Instrument};
pub use baseline::{Baseline, BaselineResult};
pub use bounds::Bounds;
pub use comparison::Lead;
pub use confidence::{Confidence, ConfidenceBin};
pub use error::BacktestError;
pub use event::{Event, Task};
pub use importance::Importance;
pub use loss_curve::EpochLoss;
pub use metrics::Confusion;
pub use over_time::StretchScore;
pub use plan::Plan;
pub use record::Record;
pub use report::Report;
pub use result::{FoldScore, PathScore, ResultRow, Scope, SeedScore};
pub use selection::{CoveragePoint, Selected};
#[cfg(feature = "boosted")]
pub use simple::BoostedTreesLearner;
pub use trading::{BaselineReturn, EquityPoint, NetResult, Trading};
pub use warning::{Warning, WarningCode};
pub use windvane_models::logistic::LogisticLearner;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/backtesting.md")]
struct GuideDoctests;
