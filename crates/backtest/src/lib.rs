//! Backtests of direction models: walk-forward tests with baselines, confidence intervals and
//! trading costs.
//!
//! ```
//! use windvane_backtest::{Backtest, Instrument};
//! use windvane_candles::{Interval, simulate::MarketModel};
//! use windvane_models::{train::Learner, v2::WeightedSignalsLearner};
//!
//! let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 1_500, 7)?;
//! let instruments = [Instrument { series, test_only: false }];
//! let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::default())];
//!
//! let report = Backtest::default().run(&instruments, &learners, &|_| {})?;
//! let row = &report.results[0];
//! assert!(row.score.accuracy.is_some() && row.interval_95.is_some());
//! assert!(row.best_baseline.is_some() && row.excess_accuracy.is_some());
//! println!("{}", report.verdict());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Backtest::run`] fits each [`Learner`](windvane_models::train::Learner) on the training period
//! of every fold and tests it on the following period. The [`Report`] is plain data with the
//! writers [`Report::to_markdown`], [`Report::to_json`] and, with the feature `html`,
//! `Report::to_html`.
//!
//! # Terms of the report
//! - **Accuracy**: share of predictions (UP or DOWN) with the sign of the realised change, over
//!   candles with a prediction and a changed close. NEUTRAL is not a prediction. **Coverage**:
//!   share of candles with a prediction. Undefined numbers are `None`, never 0. See [`Accuracy`].
//! - **95 % intervals**: block bootstrap over calendar time with 2,000 resamples of blocks of
//!   consecutive times. A block holds the predictions of all instruments, because neighbouring
//!   times and instruments of one time are dependent. The interval is widened by the t distribution
//!   with one degree of freedom fewer than there are blocks. Of the n times with a scored
//!   prediction a block has max(20, ⌈n^(1/3)⌉, 2 × horizon), or fewer if that gives less than 20
//!   blocks. There is no interval below 30 scored predictions or 20 blocks, and none at exactly 0
//!   or 100 %.
//! - **Baselines** ([`Baseline`]): four fixed rules and a logistic regression on the training
//!   windows of the model ([`LogisticLearner`](windvane_models::logistic::LogisticLearner)), scored
//!   on exactly the scored candles of the model. The best one is selected with hindsight, which
//!   favours the baseline. The [`ExcessAccuracy`] of the model over it has a paired interval and a
//!   p-value from the same blocks. It is statistically significant if the p-value is at most 0.05
//!   after Holm's correction for the number of models ([`Rank`](report::Rank)).
//! - **Most confident predictions** ([`MostConfident`]): those above a threshold that is a quantile
//!   of the fold's validation windows and therefore known before the test.
//! - **Trading** ([`Trading`]): every prediction is traded with costs. The result is reported with
//!   that of buy and hold and of the best-earning baseline; the Sharpe ratio is deflated for the
//!   number of models.
//! - **Policies** ([`Economics`]): rules that enter at the largest expected moves, with thresholds
//!   from the validation windows of the fold; results by cost, delay and period beside always long.
//! - **[`Importance`]**: loss of a fitted model if a channel is masked.
//! - **Warnings** ([`Warning`]): implausible results and too small samples.
//!
//! # Preventing look-ahead
//! Samples are split by calendar time with purge and embargo
//! ([`Split`](windvane_signals::Split)); the window of a model ends with the decision. Test-only
//! instruments are never used for training. Neither they nor candles after the start of the first
//! validation period affect the gap policy ([`Backtest::gaps`]). Under [`Plan::Combinatorial`]
//! models are also trained on later candles than those of the test; purge and embargo apply on both
//! sides of it.
//!
//! The module [`audit`] checks the signals, models and fit functions of a bot for leaks.
//!
//! # Layers
//! Layer 7 of the list in `docs/design.md`; depends on candles, signals, lstm-core and models.
//! Within this crate a module uses those before it as well; a test checks it.
//! ```text
//! error, metrics → score → report → run → sweep, audit
//! ```
//! - `metrics`: measures and tests that can be used separately.
//! - `score`: accuracy, baselines, intervals, trading.
//! - `report`: the results as Markdown, JSON and an HTML page, without calculations.
//! - `run`: plan, tasks, cache and parallel execution.
//! - `sweep`: many backtests whose fits are divided among processes or machines.
//! - `audit`: look-ahead and leak checks; no other module uses it.
//!
//! # Features
//! - `html`: `Report::to_html`, the report as one HTML page with plots.
//! - `columnar`: the predictions of a run as a Parquet file.
//! - `trees`: gradient-boosted trees as another baseline of the runs that they are among the models of.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod audit;
mod error;
pub mod metrics;
pub mod report;
mod run;
mod score;
pub mod sweep;

pub use error::BacktestError;
pub use report::{EpochLoss, Report};
pub use run::{
    Backtest, DetailedRun, Event, Instrument, Plan, PolicyTrade, PolicyTrades, PredictionRow,
    Predictions, Task, TrialLog,
};
pub use score::{
    Accuracy, Baseline, BaselinePredictions, BaselineResult, BaselineReturn, EarlierCount,
    EarlierTrials, Economics, EquityPoint, ExcessAccuracy, FoldScore, Importance, MostConfident,
    MoveDecile, NetResult, NonOverlapping, PathScore, PolicyInstrument, PolicyNet, PolicyPeriod,
    PolicyResult, Record, RefitGain, ResultRow, Scope, SeedScore, TopMoves, TopMovesQuarter,
    TradeSummary, Trading, Trial, TrialPolicy, TrialSharpe, Warning, WarningCode, WeightedAccuracy,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/backtesting.md")]
struct GuideDoctests;
