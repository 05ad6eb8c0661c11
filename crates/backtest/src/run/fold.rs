//! Folds: training, validation and test windows of a model.
use std::ops::Range;

use windvane_candles::{Direction, Interval, Timestamp};
use windvane_signals::{Sample, SampleSet, SignalError, SignalTable, Split, TrainSet};

use super::Backtest;
use super::group::Group;
use super::plan::{PlanError, TrainingWindows};
use super::relative::RelativeBaselines;
use super::task_result::TaskResult;
use crate::score::{Baseline, BaselinePredictions, Record};

/// Fold of a group of instruments.
#[derive(Debug)]
pub(crate) struct Fold<'a> {
    pub(crate) group: &'a Group,
    /// Number of the fold, counted from 1 within the group.
    pub(crate) number: usize,
    /// Number of folds of the group.
    pub(crate) of: usize,
    pub(crate) split: Split,
    /// Path of each of the split's tests, counted from 1.
    pub(crate) paths: Vec<usize>,
    /// Training and validation windows, or the reason why there are none.
    pub(crate) training_windows: Result<TrainingWindows, SignalError>,
    /// Test windows of all instruments of the group.
    pub(crate) test: SampleSet,
    /// Positions of the test windows of each table, so that the rows of a report need one pass over
    /// the windows of their instrument, not of all.
    positions: Vec<Vec<u32>>,
    /// Majority class of the training labels; NEUTRAL without training windows.
    majority: Direction,
    /// Baselines of a relative label by test window; empty for other labels.
    relative: Vec<RelativeBaselines>,
    /// Test windows of all later folds, if the model of this one is tested on them too: the first
    /// fold of a rolling refit with refits.
    pub(crate) later: Option<SampleSet>,
}

impl Group {
    /// Divides the calendar time of the group into folds. Test-only instruments are not in the
    /// training pool and do not affect the division.
    pub(crate) fn folds(&self, backtest: &Backtest) -> Result<Vec<Fold<'_>>, PlanError> {
        let (lookback, labels) = (backtest.lookback, backtest.labels);
        let pool = SampleSet::collect(&self.tables[..self.learning], lookback, labels)?;
        let all = if self.learning == self.tables.len() {
            pool.clone()
        } else {
            SampleSet::collect(&self.tables, lookback, labels)?
        };
        if pool.is_empty() {
            let hint = "every instrument of the interval is test-only or too short";
            return Err(SignalError::EmptyPart { part: "training", hint }.into());
        }
        let splits = backtest.plan.splits(&pool)?;
        let (of, paths) = (splits.len(), backtest.plan.paths(&splits));
        let mut folds = Vec::with_capacity(of);
        for (index, (split, paths)) in splits.into_iter().zip(paths).enumerate() {
            let test = split.test(&all);
            let training_windows = backtest.plan.training_windows(&split, &pool, &test)?;
            let train = training_windows.as_ref().ok().map(|(train, _)| train);
            let relative = RelativeBaselines::of(&test, train)?;
            let majority = train.map_or(Direction::Neutral, majority);
            let (number, positions) = (index + 1, positions(&test));
            let later = None;
            folds.push(Fold {
                group: self,
                number,
                of,
                split,
                paths,
                training_windows,
                test,
                positions,
                majority,
                relative,
                later,
            });
        }
        if let Some(later) = backtest.plan.after_first(&folds)? {
            folds[0].later = Some(later.test(&all));
        }
        Ok(folds)
    }
}

impl Fold<'_> {
    pub(crate) fn interval(&self) -> Interval {
        self.group.interval
    }

    /// Index of the instrument of a sample.
    pub(crate) fn instrument_of(&self, sample: &Sample) -> usize {
        self.group.members[sample.table()]
    }

    /// Path of a test window.
    pub(crate) fn path_of(&self, sample: &Sample) -> usize {
        let test = self.split.tests().iter().position(|test| test.contains(sample.decided_at));
        self.paths[test.expect("invariant: a test window lies in a test")]
    }

    /// Times of the first and the last test decision on an instrument; `None` without any.
    pub(crate) fn tested(&self, instrument: usize) -> Option<(Timestamp, Timestamp)> {
        let table = self.group.members.iter().position(|member| *member == instrument)?;
        let decided_at = |position: &u32| self.test.samples()[*position as usize].decided_at;
        let own = &self.positions[table];
        Some((own.first().map(decided_at)?, own.last().map(decided_at)?))
    }

    /// Rows of a table from the first tested one to the last.
    pub(crate) fn tested_rows(&self, table: usize) -> Range<usize> {
        let row = |position: &u32| self.test.samples()[*position as usize].row();
        let own = &self.positions[table];
        let both = own.first().map(row).zip(own.last().map(row));
        both.map_or(0..0, |(first, last)| first..last + 1)
    }

    /// Indices of the instruments that are tested in the fold but have no training window in it.
    /// Test-only instruments, which never have one, are left out.
    pub(crate) fn untrained(&self) -> Vec<usize> {
        let Ok((train, _)) = &self.training_windows else { return Vec::new() };
        (0..self.group.learning)
            .filter(|table| has(self.test.samples(), *table) && !has(train.samples(), *table))
            .map(|table| self.group.members[table])
            .collect()
    }

    /// Positions of the test windows of the given instruments, in their order.
    fn tested_on(&self, instruments: &[usize]) -> Vec<u32> {
        let members = self.group.members.iter();
        let wanted: Vec<bool> = members.map(|member| instruments.contains(member)).collect();
        let tables: Vec<usize> = (0..wanted.len()).filter(|table| wanted[*table]).collect();
        if let [table] = tables[..] {
            return self.positions[table].clone();
        }
        let samples = (0..).zip(self.test.samples());
        samples.filter(|(_, one)| wanted[one.table()]).map(|(position, _)| position).collect()
    }

    /// Number of test windows of the given instruments.
    pub(crate) fn count(&self, instruments: &[usize]) -> usize {
        self.tested_on(instruments).len()
    }

    /// Records of a task on the given instruments, in the order of the test windows. `baselines` are
    /// the directions of the fitted baselines on all test windows.
    pub(crate) fn records(
        &self,
        result: &TaskResult,
        baselines: Vec<(Baseline, &[Direction])>,
        instruments: &[usize],
    ) -> impl Iterator<Item = Record> {
        let tables = self.test.tables();
        let tested = self.tested_on(instruments).into_iter();
        tested.filter_map(move |position| {
            let index = position as usize;
            let sample = &self.test.samples()[index];
            let prediction = result.predictions.get(index)?;
            let table = &tables[sample.table()];
            let last = last_sign(table, sample.row(), self.test.labels().horizon);
            let rules = BaselinePredictions::from_rules(last, self.majority);
            let rules = self.relative.get(index).map_or(rules, |own| own.add_to(rules));
            Some(Record {
                decided_at: sample.decided_at,
                interval: self.interval(),
                instrument: self.instrument_of(sample),
                fold: self.number,
                path: self.path_of(sample),
                row: sample.row(),
                change: sample.outcome().change,
                next_change: table.outcome(sample.row(), 1).map_or(0.0, |outcome| outcome.change),
                label: sample.label(),
                predicted: prediction.direction,
                probabilities: prediction.probabilities,
                confidence_rank: prediction.confidence_rank,
                volatility: self.group.volatility(sample.table(), sample.row()),
                baselines: baselines
                    .iter()
                    .fold(rules, |all, (rule, directions)| all.with(*rule, directions[index])),
            })
        })
    }
}

/// Positions of the samples of each table, in their order.
fn positions(samples: &SampleSet) -> Vec<Vec<u32>> {
    let mut counts = vec![0; samples.tables().len()];
    for sample in samples.samples() {
        counts[sample.table()] += 1;
    }
    let mut all: Vec<Vec<u32>> = counts.into_iter().map(Vec::with_capacity).collect();
    for (index, sample) in samples.samples().iter().enumerate() {
        let index = u32::try_from(index).expect("invariant: a fold has fewer than 2^32 windows");
        all[sample.table()].push(index);
    }
    all
}

fn has(samples: &[Sample], table: usize) -> bool {
    samples.iter().any(|sample| sample.table() == table)
}

/// Direction of the close over the last `horizon` candles before a decision; NEUTRAL if unknown.
fn last_sign(table: &SignalTable, row: usize, horizon: usize) -> Direction {
    let before = row.checked_sub(horizon);
    let moved = before.and_then(|row| table.outcome(row, horizon));
    moved.map_or(Direction::Neutral, |outcome| Direction::from_change(outcome.change))
}

/// Majority class of UP and DOWN among the labels; UP on a tie.
fn majority(train: &TrainSet) -> Direction {
    let [up, down, _] = train.class_counts();
    if down > up { Direction::Down } else { Direction::Up }
}

#[cfg(test)]
mod tests {
    use windvane_candles::simulate::MarketModel;
    use windvane_signals::{LabelSpec, Registry, SignalSpec};

    use super::*;

    #[test]
    fn last_sign_is_the_direction_over_the_horizon() {
        let pair = windvane_candles::Pair::new("SIM").unwrap();
        let series = MarketModel::AR1.candles(pair, Interval::HOUR, 500, 3).unwrap();
        let spec = SignalSpec::default();
        let table = SignalTable::build(&spec, &Registry::default(), &series, &[]).unwrap();
        let tables = [table];
        let labels = LabelSpec { horizon: 5, ..LabelSpec::default() };
        let samples = SampleSet::collect(&tables, 20, labels).unwrap();
        let closes: Vec<f64> = series.iter().map(windvane_candles::Candle::close).collect();
        let mut differ = 0;
        for sample in samples.samples() {
            let [one, five] = [1, 5].map(|back| last_sign(&tables[0], sample.row(), back));
            let expected = [1, 5].map(|back| {
                Direction::from_change(closes[sample.row()] - closes[sample.row() - back])
            });
            assert_eq!([one, five], expected);
            differ += usize::from(one != five);
        }
        assert!(differ > 50, "{differ}");
        assert_eq!(last_sign(&tables[0], 4, 5), Direction::Neutral);
    }
}
