//! A leak audit for signals, models and fit functions of any kind.
//!
//! An [`Audit`] takes candles and runs code on them again and again: with another future, with
//! the future cut off, with other labels, with directions drawn by fair coins. Outputs before
//! a change must keep every bit, and on fair coins no forecast may have skill.
//!
//! | call | audits |
//! |---|---|
//! | [`Audit::signal`] | a function from candles to a row of numbers per candle |
//! | [`Audit::channels`] | the channels of a [`SignalSpec`], a bot's own among them |
//! | [`Audit::model`] | a fitted [`FittedModel`] |
//! | [`Audit::fit`] | a function that learns up to a split and forecasts after it |
//! | [`Audit::learner`] | a [`Learner`], as it is backtested |
//!
//! # The six checks
//! | check | what is done | what a leak is |
//! |---|---|---|
//! | prefix | later candles are changed or cut off | outputs change up to some candles before |
//! | one-bar offset | the same; and the sign of every column is held against the next move | outputs change one candle before, or a sign is right in over 75 % and a candle later is not |
//! | fitted on everything | the same | outputs change over more than half of the time before |
//! | overlapping labels | labels from the split on are changed | forecasts that were decided before change |
//! | shuffled labels | labels deep in the time that is forecast are changed; all labels become coins | forecasts far before change, or coins are forecast |
//! | martingale | every candle's direction is drawn by a fair coin | coins are forecast |
//!
//! The first five compare bits and need no luck, except for the signs and the skill on coins.
//! Those are exact binomial tests, a leak at p < 1e-4, corrected for the number of signs tried.
//!
//! # Which checks speak together
//! One cause gets one name among prefix, one-bar offset and fitted on everything, and one among
//! overlapping and shuffled labels. Where whole samples after the split are learned from, with
//! inputs and labels, that is shuffled labels alone. A check whose name would be too weak is not
//! applicable and says where to look; when a leak is mended, audit again.
//!
//! The martingale speaks beside the others whenever a leak pays. Offsets and look-ahead mostly
//! do, known labels do for who can remember them, a scaler or a missing purge hardly ever.
//!
//! # What cannot be seen
//! - What a closure captured, or reads from a file, does not change with the candles; only the
//!   signs and the martingale may show it. Take everything from the arguments.
//! - A fitted model does not show what it was fitted on. A scaler's leak needs the fit function.
//! - A fit function that makes its labels from the inputs, not from the outcomes, is still
//!   audited, but known labels and known inputs of the future cannot be distinguished: both are
//!   "fitted on everything".
//!
//! # Examples
//! A moving average that is centred, so that it knows two candles of the future:
//! ```
//! use std::io::Error;
//!
//! use windvane_backtest::audit::{Audit, Check};
//! use windvane_candles::{Candle, CandleSeries, Interval, Pair, simulate::MarketModel};
//!
//! /// Mean close of the candles from `first` to `last`, relative to each candle.
//! fn averages(series: &CandleSeries, first: isize, last: isize) -> Vec<Option<Vec<f64>>> {
//!     let closes: Vec<f64> = series.iter().map(Candle::close).collect();
//!     let averages = (0..closes.len()).map(|index| {
//!         let from = index.checked_add_signed(first)?;
//!         let window = closes.get(from..=index.checked_add_signed(last)?)?;
//!         Some(vec![window.iter().sum::<f64>() / window.len() as f64])
//!     });
//!     averages.collect()
//! }
//!
//! let series = MarketModel::AR1.candles(Pair::new("SIM")?, Interval::HOUR, 1_000, 7)?;
//! let audit = Audit::new(series);
//! let trailing = audit.signal(|inputs| Ok::<_, Error>(averages(inputs.own, -4, 0)))?;
//! assert!(trailing.is_clean());
//! let centred = audit.signal(|inputs| Ok::<_, Error>(averages(inputs.own, -2, 2)))?;
//! assert_eq!(centred.leaks(), [Check::Prefix, Check::Martingale]);
//! assert!(centred.to_string().contains("the first 2 candles before"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod chance;
mod exam;
mod finding;
mod fit;
mod future;
mod learner;
mod outputs;
mod reach;
mod rows;
mod world;

use windvane_candles::CandleSeries;
use windvane_models::FittedModel;
use windvane_models::train::Learner;
use windvane_signals::{Registry, SignalSpec, SignalTable};

use crate::error::BacktestError;
use crate::run::{Backtest, gap_policy_of};
pub use exam::{Exam, Forecast, Inputs};
pub use finding::{Check, Finding, Findings, Verdict};
use fit::Fit;
use outputs::Outputs;
use rows::Kind;

/// Fewest candles.
const MIN_CANDLES: usize = 300;
/// Fewest candles per candle of a label's horizon.
const CANDLES_PER_HORIZON: usize = 20;

/// Candles to audit with. A few thousand show leaks that pay little; bits need a few hundred.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The candles that audited code is given, at least 300.
    pub series: CandleSeries,
    /// Candles of other pairs, for channels that read them; none by default.
    pub beside: Vec<CandleSeries>,
    /// Seed of the cuts and the coins; 42 by default.
    pub seed: u64,
}

impl Audit {
    /// An audit with these candles.
    pub fn new(series: CandleSeries) -> Self {
        Self { series, beside: Vec::new(), seed: 42 }
    }

    /// Audits a function from candles to rows: one row per own candle, of what is known at its
    /// close, `None` where there is nothing. It is called 30 times.
    ///
    /// # Errors
    /// [`BacktestError::TooFewCandles`], [`BacktestError::AuditedRows`],
    /// [`BacktestError::TooFewOutputs`] with fewer than 100 rows,
    /// [`BacktestError::NotRepeatable`], and [`BacktestError::Audited`] with what the function
    /// itself found wrong.
    pub fn signal<E>(
        &self,
        signal: impl Fn(Inputs<'_>) -> Result<Vec<Option<Vec<f64>>>, E>,
    ) -> Result<Findings, BacktestError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let audited = "the signal";
        rows::audit(self, audited, Kind::Signal, &|inputs, given| {
            let rows = signal(inputs).map_err(|source| failed(audited, given, source))?;
            Outputs::of_rows(inputs.own, rows)
        })
    }

    /// Audits the channels of a spec. Channels that read other pairs find them in
    /// [`beside`](Self::beside), where the audit changes them too.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn channels(
        &self,
        spec: &SignalSpec,
        registry: &Registry,
    ) -> Result<Findings, BacktestError> {
        self.signal(|inputs| {
            let table = learner::table(spec, registry, inputs)?;
            let real = (0..table.len()).filter(|&row| !table.is_held(row));
            let rows = real.map(|row| table.row(row).map(<[f64]>::to_vec)).collect();
            Ok::<_, windvane_signals::SignalError>(rows)
        })
    }

    /// Audits a fitted model on the rows of its channels. It predicts every window 30 times.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn model(
        &self,
        model: &dyn FittedModel,
        registry: &Registry,
    ) -> Result<Findings, BacktestError> {
        let audited = format!("the model {}", model.id());
        let horizon = model.spec().labels.horizon;
        rows::audit(self, &audited, Kind::Model { horizon }, &|inputs, given| {
            let table = learner::table(&model.spec().signals, registry, inputs);
            let forecasts = table
                .map_err(windvane_models::TrainError::from)
                .and_then(|table: SignalTable| learner::predicted(model, &table));
            let forecasts = forecasts.map_err(|source| failed(&audited, given, source))?;
            Outputs::of_forecasts(inputs.own, &forecasts)
        })
    }

    /// Audits a function that learns from what had closed at the exam's split and forecasts
    /// where the close will go over the next `horizon` candles. It is called 24 times.
    ///
    /// It gives forecasts decided from the split on, and may give earlier ones: they show changes
    /// too. **A forecast must not depend on a candle or label that closes after both the split
    /// and the moment it is decided.**
    ///
    /// # Errors
    /// [`BacktestError::TooFewCandles`] also for fewer than 20 candles per candle of the
    /// horizon, [`BacktestError::AuditedForecast`], [`BacktestError::TooFewOutputs`] with fewer
    /// than 30 forecasts after a split, [`BacktestError::NotRepeatable`], and
    /// [`BacktestError::Audited`] with what the function itself found wrong.
    ///
    /// # Examples
    /// A scaler is fitted on all closes, those after the split among them:
    /// ```
    /// use windvane_backtest::audit::{Audit, Check, Forecast};
    /// use windvane_candles::{Candle, Interval, Pair, simulate::MarketModel};
    ///
    /// let series = MarketModel::AR1.candles(Pair::new("SIM")?, Interval::HOUR, 1_000, 7)?;
    /// let findings = Audit::new(series).fit(1, |exam| {
    ///     let series = exam.inputs.own;
    ///     let mean = series.iter().map(Candle::close).sum::<f64>() / series.len() as f64;
    ///     let after = series.iter().filter(|candle| candle.open_time() >= exam.split);
    ///     let forecasts = after.map(|candle| Forecast {
    ///         decided_at: candle.close_time(series.interval()),
    ///         score: mean - candle.close(), // back to the mean
    ///     });
    ///     Ok::<_, std::io::Error>(forecasts.collect())
    /// })?;
    /// assert!(findings.leaks().contains(&Check::FittedOnEverything));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit<E>(
        &self,
        horizon: usize,
        fit: impl Fn(&Exam<'_>) -> Result<Vec<Forecast>, E>,
    ) -> Result<Findings, BacktestError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.audit_fit("the fit function", horizon, fit)
    }

    /// Audits a learner with the channels, registry, gap policy, lookback, labels and seed of a
    /// backtest. It fits 24 models.
    ///
    /// The learner is given rows and labels that are changed apart. The last 15 % of the time
    /// before the split validates; there is no embargo, so the purge alone must do.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn learner(
        &self,
        learner: &dyn Learner,
        settings: &Backtest,
    ) -> Result<Findings, BacktestError> {
        let series: Vec<CandleSeries> =
            std::iter::once(&self.series).chain(&self.beside).cloned().collect();
        let gaps = gap_policy_of(settings, &series);
        let audited = format!("the learner {}", learner.id());
        self.audit_fit(&audited, settings.labels.horizon, |exam| {
            learner::forecasts(learner, settings, gaps, exam)
        })
    }

    fn audit_fit<E>(
        &self,
        audited: &str,
        horizon: usize,
        fit: impl Fn(&Exam<'_>) -> Result<Vec<Forecast>, E>,
    ) -> Result<Findings, BacktestError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Fit {
            audit: self,
            audited,
            horizon: horizon.max(1),
            ask: &|exam, given| {
                let forecasts = fit(exam).map_err(|source| failed(audited, given, source))?;
                Outputs::of_forecasts(exam.inputs.own, &forecasts)
            },
        }
        .findings()
    }

    fn check_length(&self, horizon: usize) -> Result<(), BacktestError> {
        let expected = MIN_CANDLES.max(CANDLES_PER_HORIZON.saturating_mul(horizon));
        let got = self.series.len();
        if got < expected {
            return Err(BacktestError::TooFewCandles { expected, got });
        }
        Ok(())
    }

    fn findings(&self, audited: &str, findings: Vec<Finding>) -> Findings {
        Findings {
            audited: audited.to_string(),
            pair: self.series.pair().clone(),
            interval: self.series.interval(),
            candles: self.series.len(),
            seed: self.seed,
            findings,
        }
    }
}

fn failed(
    audited: &str,
    given: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> BacktestError {
    let (audited, given) = (audited.to_string(), given.to_string());
    BacktestError::Audited { audited, given, source: source.into() }
}
