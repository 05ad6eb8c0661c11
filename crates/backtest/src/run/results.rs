//! Results of a finished run: a row per model and place, and the ranking.
use rayon::prelude::*;

use super::Instrument;
use super::finished::Finished;
use crate::score::{self, Baseline, Contender, Place, Rank, Record, ResultRow, Scope};

impl Finished<'_> {
    /// Every model at every place where it was tested.
    pub(super) fn results(&self) -> Vec<ResultRow> {
        let places = self.places();
        let jobs: Vec<(&(Place, Vec<usize>), usize)> = places
            .iter()
            .flat_map(|place| (0..self.names.len()).map(move |model| (place, model)))
            .collect();
        let mut rows: Vec<Option<ResultRow>> = jobs
            .into_par_iter()
            .map(|((place, members), model)| self.result(place, members, model))
            .collect();
        for models in rows.chunks_mut(self.names.len()) {
            let rows = models.iter_mut().flatten();
            score::deflate(&mut rows.filter_map(|row| row.trading.as_mut()).collect::<Vec<_>>());
        }
        rows.into_iter().flatten().collect()
    }

    /// `None` where the model was not tested.
    fn result(&self, place: &Place, members: &[usize], model: usize) -> Option<ResultRow> {
        let first = self.records(model, 0, members);
        if first.iter().all(|record| record.path != 1) {
            return None;
        }
        let mut row = ResultRow::of(self.names[model], place, &first, self.terms());
        if self.plan.backtest.seeds > 1 {
            for repeat in 0..self.plan.backtest.seeds {
                let own = self.records(model, repeat, members);
                row.add_seed(self.plan.backtest.seed_of(repeat), &own);
            }
        }
        Some(row)
    }

    /// Records of a model of one of the seeds on some instruments, fold after fold.
    fn records(&self, model: usize, repeat: usize, members: &[usize]) -> Vec<Record> {
        let mut records = Vec::new();
        for (task, result) in &self.done {
            if task.learner != model || task.repeat != repeat {
                continue;
            }
            let beside = self.baselines.iter().filter(|calls| calls.are_beside(task));
            let beside: Vec<(Baseline, &[_])> =
                beside.map(|calls| (calls.baseline, &calls.directions[..])).collect();
            records.extend(self.plan.fold(task).records(result, &beside, members));
        }
        records
    }

    /// The models by pooled accuracy, best first.
    pub(super) fn ranking(&self, results: &[ResultRow]) -> Vec<Rank> {
        // A group that failed as a whole failed for every model alike.
        let tasks = self.plan.folds.len() * self.plan.backtest.seeds.max(1);
        let everywhere: Vec<usize> = (0..self.plan.instruments.len()).collect();
        let mut contenders = Vec::new();
        for (index, model) in self.names.iter().enumerate() {
            let mut records = self.records(index, 0, &everywhere);
            records.retain(|record| record.path == 1);
            let done = self.done.iter().filter(|(task, _)| task.learner == index).count();
            contenders.push(Contender { model, complete: done == tasks, records });
        }
        score::rank(results, contenders, self.terms())
    }

    /// Single instruments, then intervals, then all; each with the instruments it covers.
    fn places(&self) -> Vec<(Place, Vec<usize>)> {
        let all = "all".to_string();
        let mut places = Vec::new();
        for (index, Instrument { series, .. }) in self.plan.instruments.iter().enumerate() {
            let (instrument, interval) = (series.pair().to_string(), Some(series.interval()));
            places.push((Place { scope: Scope::Instrument, instrument, interval }, vec![index]));
        }
        for folds in self.plan.groups() {
            let (instrument, interval) = (all.clone(), Some(folds[0].interval()));
            let place = Place { scope: Scope::Interval, instrument, interval };
            places.push((place, folds[0].group.members.clone()));
        }
        let place = Place { scope: Scope::All, instrument: all, interval: None };
        places.push((place, (0..self.plan.instruments.len()).collect()));
        places
    }
}
