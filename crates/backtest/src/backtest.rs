//! Running models over instruments.
use std::ops::ControlFlow;
use std::time::Instant;

use rayon::prelude::*;
use windvane_candles::CandleSeries;
use windvane_models::ModelError;
use windvane_models::train::{EpochReport, Learner, Run};
use windvane_signals::{ChannelSpec, GapPolicy, LabelSpec, Registry, SignalSpec, WalkForward};

use crate::group::{Fold, Group, by_interval};
use crate::loss_curve::LossCurve;
use crate::report::{self, Failure, Report};
use crate::task::{self, Outcome};
use crate::{BacktestError, Event, Plan, Task};

/// A series to test on.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// Its candles.
    pub series: CandleSeries,
    /// Whether models are tested on it without ever learning from it.
    pub test_only: bool,
}

/// Settings of a run.
///
/// For every interval and fold each learner fits **one** model on the pooled instruments of that
/// interval, and that model is tested on each of them. Scaler, weights and every choice see
/// training and validation windows only: [`Split`](windvane_signals::Split) gives no others.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// Channels of the signals; the default are the six. Those that read another pair find it
    /// among the instruments of the same interval.
    pub channels: Vec<ChannelSpec>,
    /// The channels that may be named; the default are the built-in ones.
    pub registry: Registry,
    /// What happens where candles are missing, for all intervals; `None`, the default, is guessed
    /// for each interval.
    ///
    /// The guess is [`GapPolicy::Sessions`] of up to a week where over 1 % of the time steps of
    /// an instrument are missing, else [`GapPolicy::Reset`]. It looks only at instruments that
    /// are learned from, and only at candles before the first validation begins, so a market
    /// whose nights or weekends come later must be given its policy. Walking forward, the time of
    /// the first validation depends on the policy; the guess takes the earlier of the two.
    pub gaps: Option<GapPolicy>,
    /// Rows per window; the default is 20.
    pub lookback: usize,
    /// What the models are asked; the default is the next candle without a band.
    pub labels: LabelSpec,
    /// How time is cut; the default is [`WalkForward::default`].
    pub plan: Plan,
    /// Costs of trading that reports reckon with, basis points per unit of turnover: fee and
    /// slippage of one side of a trade. The default are 2, 5 and 10.
    pub costs: Vec<f64>,
    /// Seed of every random draw; the default is 42.
    pub seed: u64,
}

impl Default for Backtest {
    fn default() -> Self {
        Self {
            channels: SignalSpec::default().channels,
            registry: Registry::default(),
            gaps: None,
            lookback: 20,
            labels: LabelSpec::default(),
            plan: Plan::WalkForward(WalkForward::default()),
            costs: vec![2.0, 5.0, 10.0],
            seed: 42,
        }
    }
}

/// A group with its folds.
pub(crate) struct Planned<'a> {
    pub(crate) group: &'a Group,
    pub(crate) folds: Vec<Fold<'a>>,
}

/// One entry of the work list: indices.
#[derive(Debug, Clone, Copy)]
struct Entry {
    group: usize,
    fold: usize,
    learner: usize,
}

/// A task's outcome with its place.
pub(crate) struct Done {
    pub(crate) group: usize,
    pub(crate) fold: usize,
    pub(crate) learner: usize,
    pub(crate) outcome: Outcome,
}

impl Backtest {
    /// Fits and tests every learner on every fold, in parallel on rayon's current threads.
    ///
    /// All but the report's `timing` is the same on any number of threads. A model that cannot
    /// be fitted, or a group that has too few candles for the plan, is listed in the report's
    /// failures and does not stop the others. `on_event` hears from several threads.
    ///
    /// # Errors
    /// [`BacktestError::NoInstruments`], [`BacktestError::NoLearners`],
    /// [`BacktestError::DuplicateInstrument`], [`BacktestError::DuplicateLearner`],
    /// [`BacktestError::Cost`], and
    /// [`BacktestError::NothingEvaluated`] with the first cause when everything failed.
    pub fn run(
        &self,
        instruments: &[Instrument],
        learners: &[Box<dyn Learner>],
        on_event: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<Report, BacktestError> {
        let started = Instant::now();
        check(instruments, learners)?;
        if let Some(&cost) = self.costs.iter().find(|cost| !(0.0..=1e4).contains(*cost)) {
            return Err(BacktestError::Cost { cost });
        }
        let mut failures = Vec::new();
        let groups = self.groups(instruments, &mut failures);
        let planned = self.plan(&groups, &mut failures);
        let entries = entries(&planned, learners.len());
        on_event(Event::Planned { tasks: entries.len() });
        let outcomes: Vec<Result<Outcome, ModelError>> = entries
            .par_iter()
            .enumerate()
            .map(|(index, entry)| self.work(index, *entry, &planned, learners, on_event))
            .collect();
        let mut done = Vec::new();
        for (Entry { group, fold, learner }, outcome) in entries.into_iter().zip(outcomes) {
            match outcome {
                Ok(outcome) => done.push(Done { group, fold, learner, outcome }),
                Err(error) => failures.push(Failure {
                    model: Some(learners[learner].id().to_string()),
                    interval: planned[group].group.interval,
                    fold: Some(fold + 1),
                    message: error.to_string(),
                }),
            }
        }
        if done.is_empty() {
            let first = failures.first().map_or_else(String::new, ToString::to_string);
            return Err(BacktestError::NothingEvaluated { failures: failures.len(), first });
        }
        let names: Vec<&str> = learners.iter().map(|learner| learner.id().as_str()).collect();
        let run = report::Finished { backtest: self, instruments, names, planned, done, failures };
        Ok(run.into_report(started))
    }

    fn groups(&self, instruments: &[Instrument], failures: &mut Vec<Failure>) -> Vec<Group> {
        let groups = by_interval(instruments);
        let build = |(interval, members)| {
            let group = Group::build(interval, members, instruments, self);
            group.map_err(|error| failures.push(Failure::of_group(interval, &error))).ok()
        };
        groups.into_iter().filter_map(build).collect()
    }

    fn plan<'a>(&self, groups: &'a [Group], failures: &mut Vec<Failure>) -> Vec<Planned<'a>> {
        let plan = |group: &'a Group| {
            let folds = group.folds(self);
            let folds = folds.map_err(|e| failures.push(Failure::of_group(group.interval, &e)));
            Some(Planned { group, folds: folds.ok()? })
        };
        groups.iter().filter_map(plan).collect()
    }

    fn work(
        &self,
        index: usize,
        entry: Entry,
        planned: &[Planned<'_>],
        learners: &[Box<dyn Learner>],
        on_event: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<Outcome, ModelError> {
        let Planned { group, folds } = &planned[entry.group];
        let (learner, number) = (&*learners[entry.learner], entry.fold + 1);
        let (interval, model) = (group.interval, learner.id().as_str());
        let task = Task { index, model, interval, fold: number, folds: folds.len() };
        on_event(Event::Started { task });
        let started = Instant::now();
        let curve = LossCurve::default();
        let on_epoch = |report: &EpochReport| {
            curve.add(report);
            on_event(Event::Epoch { task, report: *report });
            ControlFlow::Continue(())
        };
        let run = Run::new(self.seed).on_epoch(&on_epoch);
        let outcome = task::run(group, number, &folds[entry.fold], learner, &run);
        let outcome = outcome.map(|outcome| Outcome { epochs: curve.into_epochs(), ..outcome });
        let seconds = started.elapsed().as_secs_f64();
        let error = outcome.as_ref().err().map(ToString::to_string);
        on_event(Event::Finished { task, seconds, error: error.as_deref() });
        outcome
    }
}

/// The work list, in the order of the report.
fn entries(planned: &[Planned<'_>], learners: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (group, Planned { folds, .. }) in planned.iter().enumerate() {
        for fold in 0..folds.len() {
            entries.extend((0..learners).map(|learner| Entry { group, fold, learner }));
        }
    }
    entries
}

fn check(instruments: &[Instrument], learners: &[Box<dyn Learner>]) -> Result<(), BacktestError> {
    if instruments.is_empty() {
        return Err(BacktestError::NoInstruments);
    }
    if learners.is_empty() {
        return Err(BacktestError::NoLearners);
    }
    for (index, Instrument { series, .. }) in instruments.iter().enumerate() {
        let same = |other: &Instrument| {
            other.series.pair() == series.pair() && other.series.interval() == series.interval()
        };
        if instruments[..index].iter().any(same) {
            let (pair, interval) = (series.pair().clone(), series.interval());
            return Err(BacktestError::DuplicateInstrument { pair, interval });
        }
    }
    for (index, learner) in learners.iter().enumerate() {
        if learners[..index].iter().any(|other| other.id() == learner.id()) {
            return Err(BacktestError::DuplicateLearner { id: learner.id().to_string() });
        }
    }
    Ok(())
}
