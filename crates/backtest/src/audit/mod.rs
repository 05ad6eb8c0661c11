//! Look-ahead and leak checks for signals, models and fit functions.
//!
//! An [`Audit`] holds candles and runs the audited code repeatedly on modified copies of them:
//! with other later candles, without later candles, with other labels, with random directions.
//! Outputs before a modification must keep every bit, and forecasts of random directions must
//! not be better than 50 %.
//!
//! | function | audits |
//! |---|---|
//! | [`Audit::signal`] | a function from candles to a row of numbers per candle |
//! | [`Audit::channels`] | the channels of a [`SignalSpec`], including your own |
//! | [`Audit::model`] | a fitted [`FittedModel`] |
//! | [`Audit::fit`] | a function that trains up to a split and forecasts after it |
//! | [`Audit::learner`] | a [`Learner`], with the settings of a [`Backtest`] |
//!
//! # The six checks
//! | check | modification | observation that counts as a leak |
//! |---|---|---|
//! | prefix | later candles are modified or removed | outputs change a few candles before |
//! | one-bar offset | the same; in addition, the sign of every column is compared with the next move | outputs change exactly one candle before, or a sign is right in over 75 % of cases, more often than the signs of past closes, and loses this when delayed by one candle |
//! | fitted on everything | the same as prefix | outputs change over more than half of the time before |
//! | overlapping labels | labels after the split are modified | forecasts decided before the modification change |
//! | shuffled labels | labels late in the forecast period are modified; all labels are random | forecasts long before the modification change, or random labels are predicted |
//! | martingale | the direction of every candle is random | random directions are predicted |
//!
//! The first five checks compare bits; only the test of signs and the tests on random directions
//! are statistical. These are exact binomial tests, which report a leak at p < 1e-4, corrected
//! for the number of signs tried.
//!
//! # One cause, one finding
//! A cause is reported by one of prefix, one-bar offset and fitted on everything, and by one of
//! overlapping and shuffled labels. If the training uses whole samples after the split, inputs
//! and labels, only shuffled labels is reported. A check that is hidden by another finding is
//! not applicable, and its evidence names that finding. Repeat the audit after a fix.
//!
//! The martingale check is independent of the others: it reports every leak that improves
//! forecasts. Look-ahead in the inputs usually does. Labels after the split do if the model can
//! memorise them. A scaler fitted on all candles or a missing purge rarely does.
//!
//! # Limits
//! - Data that a closure captures or reads from a file does not change with the candles. Only the
//!   signs and the martingale check may find a leak in it. Take all data from the arguments.
//! - A fitted model does not reveal its training data. Finding a leak in a scaler requires the fit
//!   function.
//! - A fit function that computes its labels from the input candles instead of the outcomes can
//!   be audited, but the use of later labels and of later inputs cannot be distinguished: both
//!   are reported as "fitted on everything".
//!
//! # Examples
//! A centred moving average uses two later candles:
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
//! let trailing = audit.signal(|candles| Ok::<_, Error>(averages(candles.own, -4, 0)))?;
//! assert!(trailing.is_clean());
//! let centred = audit.signal(|candles| Ok::<_, Error>(averages(candles.own, -2, 2)))?;
//! assert_eq!(centred.leaks(), [Check::Prefix, Check::Martingale]);
//! assert!(centred.to_string().contains("the earliest is 2 candles before"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod finding;
mod fit_audit;
mod input;
mod learner;
mod lookahead;
mod modified_series;
mod outputs;
mod row_audit;
mod sign_test;
mod synthetic_markets;

use windvane_candles::CandleSeries;
use windvane_models::FittedModel;
use windvane_models::train::Learner;
use windvane_signals::{Registry, SignalSpec, SignalTable};

use crate::error::BacktestError;
use crate::run::{Backtest, gap_policy_of};
pub use finding::{AuditFinding, AuditFindings, Check, Verdict};
use fit_audit::FitAudit;
pub use input::{AuditCandles, AuditInput, Forecast};
use outputs::AuditedOutputs;
use row_audit::RowSource;

/// Minimum number of candles.
const MIN_CANDLES: usize = 300;
/// Minimum number of candles, as a multiple of the horizon of the labels.
const CANDLES_PER_HORIZON: usize = 20;

/// Candles and seed of an audit.
///
/// A few hundred candles suffice for the checks that compare bits. Leaks that improve forecasts
/// only slightly need a few thousand.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Candles that are passed to the audited code, at least 300.
    pub series: CandleSeries,
    /// Candles of other pairs, for channels that read them; none by default.
    pub others: Vec<CandleSeries>,
    /// Seed of the positions of the modifications and of the random directions; 42 by default.
    pub seed: u64,
}

impl Audit {
    /// Creates an audit with these candles, no other pairs and the default seed.
    pub fn new(series: CandleSeries) -> Self {
        Self { series, others: Vec::new(), seed: 42 }
    }

    /// Audits a function from candles to rows. The function is called 30 times.
    ///
    /// It returns one row per own candle with the numbers that are available at the close of that
    /// candle, and `None` for a candle without a row.
    ///
    /// # Errors
    /// [`BacktestError::TooFewCandles`], [`BacktestError::AuditedRows`],
    /// [`BacktestError::TooFewOutputs`] with fewer than 100 rows,
    /// [`BacktestError::NotRepeatable`], and [`BacktestError::Audited`] with the error of the
    /// function itself.
    pub fn signal<E>(
        &self,
        signal: impl Fn(AuditCandles<'_>) -> Result<Vec<Option<Vec<f64>>>, E>,
    ) -> Result<AuditFindings, BacktestError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let audited = "the signal";
        row_audit::audit(self, audited, RowSource::Signal, &|candles, given| {
            let rows = signal(candles).map_err(|source| failed(audited, given, source))?;
            AuditedOutputs::from_rows(candles.own, rows)
        })
    }

    /// Audits the channels of a spec. Channels that read other pairs get them from
    /// [`others`](Self::others), which the audit modifies as well.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn channels(
        &self,
        spec: &SignalSpec,
        registry: &Registry,
    ) -> Result<AuditFindings, BacktestError> {
        self.signal(|candles| {
            let table = learner::table(spec, registry, candles)?;
            let real = (0..table.len()).filter(|&row| !table.is_held(row));
            let rows = real.map(|row| table.row(row).map(<[f64]>::to_vec)).collect();
            Ok::<_, windvane_signals::SignalError>(rows)
        })
    }

    /// Audits a fitted model together with its channels. It predicts every window 30 times.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn model(
        &self,
        model: &dyn FittedModel,
        registry: &Registry,
    ) -> Result<AuditFindings, BacktestError> {
        let audited = format!("the model {}", model.id());
        let horizon = model.spec().labels.horizon;
        row_audit::audit(self, &audited, RowSource::Model { horizon }, &|candles, given| {
            let table = learner::table(&model.spec().signals, registry, candles);
            let forecasts = table
                .map_err(windvane_models::TrainError::from)
                .and_then(|table: SignalTable| learner::predicted(model, &table));
            let forecasts = forecasts.map_err(|source| failed(&audited, given, source))?;
            AuditedOutputs::from_forecasts(candles.own, &forecasts)
        })
    }

    /// Audits a function that trains on the candles closed before the split of its
    /// [`AuditInput`] and forecasts the direction of the close over the next `horizon` candles.
    /// The function is called 24 times.
    ///
    /// It returns forecasts decided after the split. It may return earlier ones as well, which
    /// are also compared. **A forecast must not depend on a candle or label that closes after
    /// both the split and the decision time of the forecast.**
    ///
    /// # Errors
    /// [`BacktestError::TooFewCandles`] also with fewer candles than 20 times the horizon,
    /// [`BacktestError::AuditedForecast`], [`BacktestError::TooFewOutputs`] with fewer than 30
    /// forecasts after a split, [`BacktestError::NotRepeatable`], and
    /// [`BacktestError::Audited`] with the error of the function itself.
    ///
    /// # Examples
    /// A scaler that is fitted on all closes, including those after the split:
    /// ```
    /// use windvane_backtest::audit::{Audit, Check, Forecast};
    /// use windvane_candles::{Candle, Interval, Pair, simulate::MarketModel};
    ///
    /// let series = MarketModel::AR1.candles(Pair::new("SIM")?, Interval::HOUR, 1_000, 7)?;
    /// let findings = Audit::new(series).fit(1, |input| {
    ///     let series = input.candles.own;
    ///     let mean = series.iter().map(Candle::close).sum::<f64>() / series.len() as f64;
    ///     let after = series.iter().filter(|candle| candle.open_time() >= input.split);
    ///     let forecasts = after.map(|candle| Forecast {
    ///         decided_at: candle.close_time(series.interval()),
    ///         score: mean - candle.close(), // predicts a return to the mean
    ///     });
    ///     Ok::<_, std::io::Error>(forecasts.collect())
    /// })?;
    /// assert!(findings.leaks().contains(&Check::FittedOnEverything));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit<E>(
        &self,
        horizon: usize,
        fit: impl Fn(&AuditInput<'_>) -> Result<Vec<Forecast>, E>,
    ) -> Result<AuditFindings, BacktestError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.audit_fit("the fit function", horizon, fit)
    }

    /// Audits a learner with the channels, registry, gap policy, lookback, labels and seed of a
    /// backtest. It fits 24 models.
    ///
    /// Rows and labels of the learner are modified separately. The last 15 % of the samples
    /// before the split are the validation samples. There is no embargo, so that only the purge
    /// separates the periods.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn learner(
        &self,
        learner: &dyn Learner,
        settings: &Backtest,
    ) -> Result<AuditFindings, BacktestError> {
        let series: Vec<CandleSeries> =
            std::iter::once(&self.series).chain(&self.others).cloned().collect();
        let gaps = gap_policy_of(settings, &series);
        let audited = format!("the learner {}", learner.id());
        self.audit_fit(&audited, settings.labels.horizon, |input| {
            learner::forecasts(learner, settings, gaps, input)
        })
    }

    fn audit_fit<E>(
        &self,
        audited: &str,
        horizon: usize,
        fit: impl Fn(&AuditInput<'_>) -> Result<Vec<Forecast>, E>,
    ) -> Result<AuditFindings, BacktestError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        FitAudit {
            audit: self,
            audited,
            horizon: horizon.max(1),
            run: &|input, given| {
                let forecasts = fit(input).map_err(|source| failed(audited, given, source))?;
                AuditedOutputs::from_forecasts(input.candles.own, &forecasts)
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

    fn findings(&self, audited: &str, findings: Vec<AuditFinding>) -> AuditFindings {
        AuditFindings {
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
