//! Results of a finished run: one row per model and scope, and the ranking.
use rayon::prelude::*;

use super::Instrument;
use super::anomalies::TestAnomalies;
use super::finished::FinishedRun;
use super::regimes::TestRegimes;
use crate::metrics::OverfittingProbability;
use crate::score::{
    self, AccuracyParts, AnomalyScore, Baseline, Contender, EarlierTrials, Rank, Record, ResultRow,
    RowScope, Scope, Trial,
};

impl FinishedRun<'_> {
    /// Rows of all models on every instrument, interval and overall, without deflated Sharpe ratios.
    pub(super) fn results(&self) -> Vec<ResultRow> {
        let (scopes, regimes) = (self.scopes(), self.test_regimes());
        let anomalies = self.test_anomalies();
        let jobs: Vec<(&(RowScope, Vec<usize>), usize)> = scopes
            .iter()
            .flat_map(|place| (0..self.names.len()).map(move |model| (place, model)))
            .collect();
        let rows: Vec<Option<ResultRow>> = jobs
            .into_par_iter()
            .map(|((place, members), model)| {
                self.result(place, members, model, (&regimes, &anomalies))
            })
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
        (regimes, anomalies): (&TestRegimes, &TestAnomalies),
    ) -> Option<ResultRow> {
        let first = self.records(model, 0, members);
        if first.iter().all(|record| record.path != 1) {
            return None;
        }
        let mut row = ResultRow::of(self.names[model], place, &first, self.settings());
        if place.scope == Scope::Interval {
            let mut records = first;
            records.retain(|record| record.path == 1);
            let regime_of = |record: &Record| regimes.of(record);
            row.by_regime = score::accuracy_by_regime(&records, regime_of, self.settings());
            row.anomalies = AnomalyScore::of(&records, |record| anomalies.of(record));
            row.economics = self.economics(model, records);
        }
        if self.plan.backtest.seeds > 1 {
            for repeat in 0..self.plan.backtest.seeds {
                let own = self.records(model, repeat, members);
                row.add_seed(self.plan.backtest.seed_of(repeat), &own);
            }
        }
        Some(row)
    }

    /// Records of a model with one of the seeds on some instruments, in order of the folds.
    pub(super) fn records(&self, model: usize, repeat: usize, members: &[usize]) -> Vec<Record> {
        let own = self.done.iter();
        let own = own.filter(|(task, _)| task.learner == model && task.repeat == repeat);
        let count = own.clone().map(|(task, _)| self.plan.fold(task).count(members)).sum();
        let mut records = Vec::with_capacity(count);
        for (task, result) in own {
            let baselines =
                self.baselines.iter().filter(|predictions| predictions.is_compared_with(task));
            let baselines: Vec<(Baseline, &[_])> = baselines
                .map(|predictions| (predictions.baseline, &predictions.directions[..]))
                .collect();
            self.plan.fold(task).add_records(result, &baselines, members, &mut records);
        }
        records
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

    /// Models with their records on path 1 over all instruments.
    pub(crate) fn contenders(&self) -> Vec<Contender<'_>> {
        // A group that failed as a whole failed for every model.
        let tasks = self.plan.folds.len() * self.plan.backtest.seeds.max(1);
        let everywhere: Vec<usize> = (0..self.plan.instruments.len()).collect();
        let mut contenders = Vec::new();
        for (index, model) in self.names.iter().enumerate() {
            let mut records = self.records(index, 0, &everywhere);
            records.retain(|record| record.path == 1);
            let done = self.done.iter().filter(|(task, _)| task.learner == index).count();
            contenders.push(Contender { model, complete: done == tasks, records });
        }
        contenders
    }

    /// Scopes of the rows with their instruments: single instruments, intervals, everything.
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
        let place = RowScope { scope: Scope::All, instrument: all, interval: None };
        scopes.push((place, (0..self.plan.instruments.len()).collect()));
        scopes
    }
}
