//! Backtests of models over instruments.
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use windvane_candles::CandleSeries;
use windvane_models::PolicyConfig;
use windvane_models::logistic::LogisticLearner;
use windvane_models::train::Learner;
use windvane_signals::{
    ChannelSpec, GapPolicy, LabelSpec, Lags, Registry, SignalSpec, TableStore, WalkForward,
};

use super::cache::TaskCache;
use super::execute::Executor;
use super::finished::FinishedRun;
use super::fold::Fold;
use super::group::{Group, by_interval};
use super::run_plan::RunPlan;
use super::{Event, Plan, PolicyTrades, Predictions};
use crate::error::BacktestError;
use crate::report::{Failure, Report};
use crate::score::EarlierTrials;

/// Series of candles to test on.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// Candles of the instrument.
    pub series: CandleSeries,
    /// Whether models are tested on the instrument but never trained on it.
    pub test_only: bool,
}

/// Report of a run with the rows that its numbers are computed from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DetailedRun {
    /// Report of the run.
    pub report: Report,
    /// Predictions of all models on all test windows.
    pub predictions: Predictions,
    /// Trades of all policies and models.
    pub trades: PolicyTrades,
}

/// Settings of a backtest.
///
/// For every interval and fold, each learner fits **one** model on the pooled instruments of that
/// interval, and the model is tested on each of them. Scaler, weights and hyperparameters depend on
/// training and validation windows only: [`Split`](windvane_signals::Split) gives no others.
///
/// # Examples
/// The simulated market has a weak trend; the best possible accuracy on it is 58 %:
/// ```
/// use windvane_backtest::{Backtest, Instrument};
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_models::{train::Learner, v2::WeightedSignalsLearner};
///
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 1_500, 7)?;
/// let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::learned())];
/// let backtest = Backtest { costs: vec![5.0], ..Backtest::default() };
/// let report = backtest.run(&[Instrument { series, test_only: false }], &learners, &|_| {})?;
///
/// let best_possible = MarketModel::AR1.best_accuracy().unwrap();
/// let interval = report.results[0].interval_95.unwrap();
/// assert!(interval.low < best_possible);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Backtest {
    /// Channels of the signals; by default the six built-in ones. A channel that reads another pair
    /// finds it among the instruments of the same interval.
    pub channels: Vec<ChannelSpec>,
    /// Registry of the channel names; by default the built-in channels.
    pub registry: Registry,
    /// Policy for missing candles of all intervals; `None`, the default, infers it for each
    /// interval.
    ///
    /// The inferred policy is [`GapPolicy::Sessions`] of up to a week if more than 1 % of the time
    /// steps of an instrument are missing or its candles are by session, else
    /// [`always_open`](Self::always_open). The inference uses only
    /// training instruments and only candles before the first validation period, so a market that
    /// starts to close at night or at weekends later needs an explicit policy. Under a walk-forward
    /// plan the start of the first validation depends on the policy, and the earlier of the two
    /// possible times counts. Under [`Plan::Combinatorial`], which tests on all candles, the
    /// inference uses the first group.
    pub gaps: Option<GapPolicy>,
    /// Policy of a market that is always open, if [`gaps`](Self::gaps) is inferred; by default
    /// [`GapPolicy::Reset`]. Channels by the clock have [`GapPolicy::ByClock`].
    pub always_open: GapPolicy,
    /// Number of rows per window; by default 20.
    pub lookback: usize,
    /// Values of a window that the fitted baselines read; by default `None`, all of them.
    pub lags: Option<Lags>,
    /// Labels that the models predict; by default the direction of the next candle, without a band.
    pub labels: LabelSpec,
    /// Plan of the folds; by default [`WalkForward::default`].
    pub plan: Plan,
    /// Trading costs of the report, basis points per unit of turnover: fee and slippage of one side
    /// of a trade. By default 2, 5 and 10.
    pub costs: Vec<f64>,
    /// Policies from predictions to positions, with thresholds from the validation candles of each
    /// fold; by default [`default_policies`](Self::default_policies).
    pub policies: Vec<PolicyConfig>,
    /// Seed of all random numbers; by default 42.
    pub seed: u64,
    /// Number of seeds that each model is fitted with: `seed`, `seed` + 1, and so on; by default 1,
    /// and 0 counts as 1. All numbers of a report are of the first seed, except
    /// [`ResultRow::seeds`](crate::ResultRow::seeds).
    pub seeds: usize,
    /// Experiments before this run that Holm's correction and the deflated Sharpe ratios count; by
    /// default none. A [`TrialLog`](crate::TrialLog) keeps them.
    pub earlier_trials: EarlierTrials,
    /// Folder that caches the results of finished tasks; by default `None`, without a cache.
    ///
    /// A run loads the results that an earlier run with the same data, settings, learners and
    /// version has stored, and gives the same report except for its timing. The folder may be
    /// deleted at any time; a damaged file is reported and its task runs again. A learner without
    /// [`settings`](Learner::settings) is always fitted again.
    pub resume: Option<PathBuf>,
    /// Place of the values of the tables, 8 bytes per channel and candle: by default the memory. The
    /// report is the same with a file; a task whose learner has no
    /// [`row_memory`](Learner::row_memory) fails.
    pub store: TableStore,
}

impl Default for Backtest {
    fn default() -> Self {
        Self {
            channels: SignalSpec::default().channels,
            registry: Registry::default(),
            gaps: None,
            always_open: GapPolicy::Reset,
            lookback: 20,
            lags: None,
            labels: LabelSpec::default(),
            plan: Plan::WalkForward(WalkForward::default()),
            costs: vec![2.0, 5.0, 10.0],
            policies: Self::default_policies(),
            seed: 42,
            seeds: 1,
            earlier_trials: EarlierTrials::default(),
            resume: None,
            store: TableStore::memory(),
        }
    }
}

impl Backtest {
    /// Policies of a backtest by default: every candle; the top 5 % and the top 2 % of the expected
    /// moves, left when the sign turns; the top 1 %, held for one candle.
    pub fn default_policies() -> Vec<PolicyConfig> {
        let top = PolicyConfig::default();
        vec![
            PolicyConfig::every_candle(),
            top,
            PolicyConfig { share: 0.02, ..top },
            PolicyConfig { share: 0.01, max_holding: Some(1), ..top },
        ]
    }

    /// Fits and tests every learner on every fold, in parallel on rayon's current threads.
    ///
    /// Everything except the report's `timing` is the same on any number of threads. A model that
    /// cannot be fitted, an instrument whose signals cannot be computed, or a group with too few
    /// candles for the plan is listed in the report's failures and does not stop the others. The
    /// callback `on_event` is called from several threads.
    ///
    /// In addition to the models, a
    /// [`LogisticLearner`](windvane_models::logistic::LogisticLearner) is fitted on every fold as a
    /// baseline.
    ///
    /// # Errors
    /// [`BacktestError::NoInstruments`], [`BacktestError::NoLearners`],
    /// [`BacktestError::DuplicateInstrument`], [`BacktestError::DuplicateLearner`],
    /// [`BacktestError::Cost`], [`BacktestError::Policy`],
    /// [`BacktestError::NothingEvaluated`] with the first cause if everything failed, and
    /// [`BacktestError::Io`] if the cache folder cannot be created.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is not general over the lifetime of the run"
    )]
    pub fn run(
        &self,
        instruments: &[Instrument],
        learners: &[Box<dyn Learner>],
        on_event: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<Report, BacktestError> {
        self.finish(instruments, learners, on_event, |finished, started| finished.report(started))
    }

    /// Runs like [`run`](Self::run) and also returns the single predictions.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    ///
    /// # Examples
    /// ```
    /// use windvane_backtest::{Backtest, Instrument};
    /// use windvane_candles::{Interval, simulate::MarketModel};
    /// use windvane_models::{train::Learner, v2::WeightedSignalsLearner};
    ///
    /// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 900, 7)?;
    /// let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::learned())];
    /// let instruments = [Instrument { series, test_only: false }];
    /// let (report, predictions) =
    ///     Backtest::default().run_with_predictions(&instruments, &learners, &|_| {})?;
    ///
    /// assert_eq!(predictions.iter().count(), report.results[0].score.candles);
    /// let first = predictions.iter().next().unwrap();
    /// assert_eq!((first.instrument, first.model, first.fold), ("SIM", "v2-learned", 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_with_predictions(
        &self,
        instruments: &[Instrument],
        learners: &[Box<dyn Learner>],
        on_event: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(Report, Predictions), BacktestError> {
        self.finish(instruments, learners, on_event, |finished, started| {
            (finished.report(started), finished.predictions())
        })
    }

    /// Runs like [`run`](Self::run) and also returns the single predictions and the trades of the
    /// policies.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    ///
    /// # Examples
    /// ```
    /// use windvane_backtest::{Backtest, Instrument};
    /// use windvane_candles::{Interval, simulate::MarketModel};
    /// use windvane_models::{train::Learner, v2::WeightedSignalsLearner};
    ///
    /// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 900, 7)?;
    /// let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::learned())];
    /// let instruments = [Instrument { series, test_only: false }];
    /// let run = Backtest::default().run_detailed(&instruments, &learners, &|_| {})?;
    ///
    /// let economics = run.report.results[1].economics.as_ref().unwrap();
    /// let first = &economics.policies[0];
    /// assert_eq!(first.name, "every candle");
    /// let trades = run.trades.iter().filter(|trade| trade.policy == "every candle");
    /// assert_eq!(trades.count(), first.trades.trades);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_detailed(
        &self,
        instruments: &[Instrument],
        learners: &[Box<dyn Learner>],
        on_event: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<DetailedRun, BacktestError> {
        self.finish(instruments, learners, on_event, |finished, started| DetailedRun {
            report: finished.report(started),
            predictions: finished.predictions(),
            trades: finished.trades(),
        })
    }

    fn finish<T>(
        &self,
        instruments: &[Instrument],
        learners: &[Box<dyn Learner>],
        on_event: &(dyn Fn(Event<'_>) + Sync),
        output: impl FnOnce(&FinishedRun<'_>, Instant) -> T,
    ) -> Result<T, BacktestError> {
        let started = Instant::now();
        self.with_plan(instruments, learners, |plan, failures| {
            let folder = self.resume.as_deref();
            let cache = folder.map(|folder| TaskCache::new(folder, &plan.folds)).transpose()?;
            let tasks = plan.tasks();
            let results = Executor { plan, cache: cache.as_ref(), on_event }.run_all(&tasks);
            let finished = FinishedRun::new(plan, tasks, results, failures);
            finished.check_not_empty()?;
            Ok(output(&finished, started))
        })
    }

    /// Divides the instruments into groups and folds, and passes the plan of the run and the
    /// failures so far to a function.
    ///
    /// # Errors
    /// Those of [`run`](Self::run) before the first task, and those of the function.
    pub(crate) fn with_plan<T>(
        &self,
        instruments: &[Instrument],
        learners: &[Box<dyn Learner>],
        use_plan: impl FnOnce(&RunPlan<'_>, Vec<Failure>) -> Result<T, BacktestError>,
    ) -> Result<T, BacktestError> {
        check(instruments, learners)?;
        if let Some(&cost) = self.costs.iter().find(|cost| !(0.0..=1e4).contains(*cost)) {
            return Err(BacktestError::Cost { cost });
        }
        self.policies.iter().try_for_each(PolicyConfig::validate)?;
        let mut failures = Vec::new();
        let groups = self.groups(instruments, &mut failures);
        let folds = self.folds(&groups, &mut failures);
        let logistic = LogisticLearner { lags: self.lags.clone(), ..LogisticLearner::default() };
        let plan = RunPlan::new(self, instruments, folds, learners, &logistic);
        use_plan(&plan, failures)
    }

    pub(crate) fn seed_of(&self, repeat: usize) -> u64 {
        self.seed.wrapping_add(repeat as u64)
    }

    /// Groups the instruments by interval; intervals without a usable instrument are left out.
    fn groups(&self, instruments: &[Instrument], failures: &mut Vec<Failure>) -> Vec<Group> {
        let mut groups = Vec::new();
        for (interval, members) in by_interval(instruments) {
            let (group, failed) = Group::build(interval, members, instruments, self);
            for (index, error) in &failed {
                failures.push(Failure::of_instrument(&instruments[*index].series, error));
            }
            if !group.members.is_empty() {
                groups.push(group);
            }
        }
        groups
    }

    /// Folds of all groups; groups with too few candles for the plan are left out.
    fn folds<'a>(&self, groups: &'a [Group], failures: &mut Vec<Failure>) -> Vec<Fold<'a>> {
        let mut folds = Vec::new();
        for group in groups {
            match group.folds(self) {
                Ok(group) => folds.extend(group),
                Err(error) => failures.push(Failure::of_group(group.interval, &error)),
            }
        }
        folds
    }
}

fn check(instruments: &[Instrument], learners: &[Box<dyn Learner>]) -> Result<(), BacktestError> {
    if instruments.is_empty() {
        return Err(BacktestError::NoInstruments);
    }
    if learners.is_empty() {
        return Err(BacktestError::NoLearners);
    }
    let mut seen = BTreeSet::new();
    for Instrument { series, .. } in instruments {
        let (pair, interval) = (series.pair(), series.interval());
        if !seen.insert((pair, interval)) {
            return Err(BacktestError::DuplicateInstrument { pair: pair.clone(), interval });
        }
    }
    for (index, learner) in learners.iter().enumerate() {
        if learners[..index].iter().any(|other| other.id() == learner.id()) {
            return Err(BacktestError::DuplicateLearner { id: learner.id().to_string() });
        }
    }
    Ok(())
}
