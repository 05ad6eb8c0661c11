//! Results of a finished run: one row per model and scope, and the ranking.
use rayon::prelude::*;

use super::finished::FinishedRun;
use super::task_result::TaskResult;
use super::tested_rows::TestedRows;
use super::{Instrument, Task};
use crate::metrics::OverfittingProbability;
use crate::score::{
    self, AccuracyParts, AnomalyScore, Baseline, Contender, EarlierTrials, Rank, Record, ResultRow,
    RowScope, Scope, Trial,
};

impl FinishedRun<'_> {
    /// Rows of all models on every instrument, interval and overall, without deflated Sharpe ratios.
    ///
    /// The rows over all intervals come last, so that the records of a prediction, the largest lists
    /// of a run, are in memory once and not twice.
    pub(super) fn results(&self) -> Vec<ResultRow> {
        let (regimes, anomalies) = (self.test_regimes(), self.test_anomalies());
        let mut rows = self.rows_of(&self.scopes(), (&regimes, &anomalies));
        let all = self.scope_of_all();
        if self.plan.groups().count() == 1 {
            let pooled = rows.iter().filter(|row| row.scope == Scope::Interval);
            let over_all: Vec<ResultRow> = pooled.map(|row| row.over_all(&all.0)).collect();
            rows.extend(over_all);
        } else {
            rows.extend(self.rows_of(&[all], (&regimes, &anomalies)));
        }
        rows
    }

    /// Rows of all models on some scopes, scope by scope.
    fn rows_of(
        &self,
        scopes: &[(RowScope, Vec<usize>)],
        marks: (&TestedRows<Option<u8>>, &TestedRows<bool>),
    ) -> Vec<ResultRow> {
        let jobs: Vec<(&(RowScope, Vec<usize>), usize)> = scopes
            .iter()
            .flat_map(|place| (0..self.names.len()).map(move |model| (place, model)))
            .collect();
        let rows: Vec<Option<ResultRow>> = jobs
            .into_par_iter()
            .map(|((place, members), model)| self.result(place, members, model, marks))
            .collect();
        rows.into_iter().flatten().collect()
    }

    /// Experiments before this run that the corrections count.
    pub(super) fn earlier(&self, rows: &[ResultRow]) -> EarlierTrials {
        let run = self.trial_run();
        let own: Vec<Trial> = rows.iter().filter_map(|row| Trial::of(row, &run)).collect();
        self.plan.backtest.earlier_trials.without(&own)
    }

    /// Computes the deflated Sharpe ratios of the rows of each scope.
    pub(super) fn deflate(rows: &mut [ResultRow], earlier: &EarlierTrials) {
        let place = |row: &ResultRow| (row.scope, row.instrument.clone(), row.interval);
        for models in rows.chunk_by_mut(|a, b| place(a) == place(b)) {
            let trading = models.iter_mut().filter_map(|row| row.trading.as_mut());
            score::deflate(&mut trading.collect::<Vec<_>>(), earlier);
            let economics = models.iter_mut().filter_map(|row| row.economics.as_mut());
            score::deflate_policies(&mut economics.collect::<Vec<_>>(), earlier);
        }
    }

    /// Row of a model; `None` if it was not tested on any of the instruments.
    fn result(
        &self,
        place: &RowScope,
        members: &[usize],
        model: usize,
        (regimes, anomalies): (&TestedRows<Option<u8>>, &TestedRows<bool>),
    ) -> Option<ResultRow> {
        let mut records = self.records(model, 0, members);
        if records.iter().all(|record| record.path != 1) {
            return None;
        }
        let mut row = ResultRow::of(self.names[model], place, &mut records, self.settings());
        if place.scope == Scope::Interval {
            let regime_of = |record: &Record| regimes.of(record).flatten().map(usize::from);
            row.by_regime = score::accuracy_by_regime(&records, regime_of, self.settings());
            row.anomalies = AnomalyScore::of(&records, |record| anomalies.of(record));
            row.economics = self.economics(model, records);
        }
        if self.plan.backtest.seeds > 1 {
            for repeat in 0..self.plan.backtest.seeds {
                let own = self.each_record(model, repeat, members);
                row.add_seed(self.plan.backtest.seed_of(repeat), own);
            }
        }
        Some(row)
    }

    /// Records of a model with one of the seeds on some instruments, in order of the folds.
    pub(super) fn records(&self, model: usize, repeat: usize, members: &[usize]) -> Vec<Record> {
        let own = self.done_by(model, repeat);
        let count = own.map(|(task, _)| self.plan.fold(task).count(members)).sum();
        let mut records = Vec::with_capacity(count);
        records.extend(self.each_record(model, repeat, members));
        records
    }

    /// Iterates over those records. Most numbers need a few bytes of a record.
    pub(super) fn each_record(
        &self,
        model: usize,
        repeat: usize,
        members: &[usize],
    ) -> impl Iterator<Item = Record> {
        self.done_by(model, repeat).flat_map(move |(task, result)| {
            let baselines =
                self.baselines.iter().filter(|predictions| predictions.is_compared_with(task));
            let baselines: Vec<(Baseline, &[_])> = baselines
                .map(|predictions| (predictions.baseline, &predictions.directions[..]))
                .collect();
            self.plan.fold(task).records(result, baselines, members)
        })
    }

    /// Tasks of a model with one of the seeds, with their results.
    fn done_by(
        &self,
        model: usize,
        repeat: usize,
    ) -> impl Iterator<Item = &(Task<'_>, TaskResult)> {
        let own = self.done.iter();
        own.filter(move |(task, _)| task.learner == model && task.repeat == repeat)
    }

    /// Ranking of the models by pooled accuracy, best first, and the probability that the choice of
    /// the best one is overfitted.
    pub(super) fn ranking(
        &self,
        results: &[ResultRow],
        earlier: &EarlierTrials,
    ) -> (Vec<Rank>, Option<OverfittingProbability>) {
        let contenders = self.contenders();
        let mut parts = AccuracyParts::default();
        parts.add(&contenders);
        (score::rank(results, contenders, self.settings(), earlier), parts.overfitting())
    }

    /// Models with the outcomes of their predictions on path 1 over all instruments.
    pub(crate) fn contenders(&self) -> Vec<Contender<'_>> {
        // A group that failed as a whole failed for every model.
        let tasks = self.plan.folds.len() * self.plan.backtest.seeds.max(1);
        let everywhere: Vec<usize> = (0..self.plan.instruments.len()).collect();
        let mut contenders = Vec::new();
        for (index, model) in self.names.iter().enumerate() {
            let mut contender = Contender::new(model);
            let records = self.each_record(index, 0, &everywhere);
            records.filter(|record| record.path == 1).for_each(|record| contender.add(&record));
            let done = self.done.iter().filter(|(task, _)| task.learner == index).count();
            contender.complete = done == tasks;
            contenders.push(contender);
        }
        contenders
    }

    /// Scopes of the rows with their instruments: single instruments, then intervals.
    fn scopes(&self) -> Vec<(RowScope, Vec<usize>)> {
        let all = "all".to_string();
        let mut scopes = Vec::new();
        for (index, Instrument { series, .. }) in self.plan.instruments.iter().enumerate() {
            let (instrument, interval) = (series.pair().to_string(), Some(series.interval()));
            scopes.push((RowScope { scope: Scope::Instrument, instrument, interval }, vec![index]));
        }
        for folds in self.plan.groups() {
            let (instrument, interval) = (all.clone(), Some(folds[0].interval()));
            let place = RowScope { scope: Scope::Interval, instrument, interval };
            scopes.push((place, folds[0].group.members.clone()));
        }
        scopes
    }

    /// Scope of everything.
    fn scope_of_all(&self) -> (RowScope, Vec<usize>) {
        let place = RowScope { scope: Scope::All, instrument: "all".to_string(), interval: None };
        (place, (0..self.plan.instruments.len()).collect())
    }
}
