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
//!   the model's own training windows ([`LogisticLearner`](windvane_models::logistic::LogisticLearner)), all scored on the very candles that
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
//! Layer 7 of the list in `docs/design.md`; depends on candles, signals, lstm-core and models.
//! Within this crate a module uses those before it as well; a test checks it.
//! ```text
//! error, metrics → score → report → run → audit
//! ```
//! - `metrics`: measures and tests, usable alone.
//! - `score`: predictions against outcomes, baselines, intervals, trading.
//! - `report`: numbers to Markdown, JSON and a page; it computes none.
//! - `run`: plan, tasks, cache and parallel execution; fills the report.
//! - `audit`: look-ahead and leak checks; nothing uses it.
//!
//! # Features
//! - `html`: `Report::to_html`, the report as one page with plots.
//! - `columnar`: the predictions of a run as a Parquet file.
//! - `boosted`: `BoostedTreesLearner`, gradient-boosted trees as one more baseline.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod audit;
mod error;
pub mod metrics;
pub mod report;
mod run;
mod score;

pub use error::BacktestError;
pub use report::{EpochLoss, Report};
#[cfg(feature = "boosted")]
pub use run::BoostedTreesLearner;
pub use run::{Backtest, Event, Instrument, Plan, PredictionRow, Predictions, Task};
pub use score::{
    Accuracy, Baseline, BaselineCalls, BaselineResult, BaselineReturn, EquityPoint, FoldScore,
    Importance, Lead, NetResult, PathScore, Record, ResultRow, Scope, SeedScore, Selected, Trading,
    Warning, WarningCode,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/backtesting.md")]
struct GuideDoctests;
