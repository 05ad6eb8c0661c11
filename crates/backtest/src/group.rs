//! Instruments of one interval, pooled: their tables, their gap policy and their folds.
use windvane_candles::{CandleSeries, Direction, Interval, Timestamp};
use windvane_signals::{
    GapPolicy, Sample, SampleSet, SignalError, SignalSpec, SignalTable, Split, TrainSet,
};
use xxhash_rust::xxh3::Xxh3;

use crate::plan::{Parts, PlanError};
use crate::{Backtest, Instrument, gaps};

/// Instruments of one interval.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) interval: Interval,
    pub(crate) gaps: GapPolicy,
    /// Indices of the instruments; those that are learned from come first.
    pub(crate) members: Vec<usize>,
    /// How many are learned from.
    learning: usize,
    /// One table per member, in their order.
    tables: Vec<SignalTable>,
}

/// One fold of a group.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) split: Split,
    /// The path of each of the split's tests, counted from 1.
    paths: Vec<usize>,
    /// What there is to learn from, or why there is nothing.
    pub(crate) parts: Result<Parts, SignalError>,
    /// Test windows of all members.
    pub(crate) test: SampleSet,
}

impl Fold {
    /// The path that a test window of the fold is on.
    pub(crate) fn path_of(&self, sample: &Sample) -> usize {
        let tests = self.split.tests().iter();
        let test = tests.clone().position(|test| test.contains(sample.decided_at));
        self.paths[test.expect("invariant: a test window lies in a test")]
    }
}

/// The instruments by interval, shortest first. Intervals are never pooled for learning.
pub(crate) fn by_interval(instruments: &[Instrument]) -> Vec<(Interval, Vec<usize>)> {
    let mut intervals: Vec<Interval> = instruments.iter().map(|i| i.series.interval()).collect();
    intervals.sort();
    intervals.dedup();
    let members = |interval: Interval| {
        let own = |index: &usize| instruments[*index].series.interval() == interval;
        let mut members: Vec<usize> = (0..instruments.len()).filter(own).collect();
        // A stable sort: learned from first, else as given.
        members.sort_by_key(|index| instruments[*index].test_only);
        (interval, members)
    };
    intervals.into_iter().map(members).collect()
}

impl Group {
    /// Computes the signals of all members. One of which they cannot be computed is no member,
    /// and comes back with the reason.
    pub(crate) fn build(
        interval: Interval,
        mut members: Vec<usize>,
        instruments: &[Instrument],
        backtest: &Backtest,
    ) -> (Self, Vec<(usize, SignalError)>) {
        let learned = |index: &&usize| !instruments[**index].test_only;
        let series: Vec<CandleSeries> =
            members.iter().map(|index| instruments[*index].series.clone()).collect();
        let learning = members.iter().filter(learned).count();
        let gaps = backtest.gaps.unwrap_or_else(|| gaps::guess(backtest, &series, learning));
        let (mut built, mut failed) = (Vec::new(), Vec::new());
        for (index, table) in members.iter().zip(tables(backtest, gaps, &series, series.len())) {
            match table {
                Ok(table) => built.push(table),
                Err(error) => failed.push((*index, error)),
            }
        }
        members.retain(|index| failed.iter().all(|(other, _)| other != index));
        let learning = members.iter().filter(learned).count();
        (Self { interval, gaps, members, learning, tables: built }, failed)
    }

    /// Cuts the group's time into folds. Test-only members are in no pool that is learned from,
    /// nor do they move the cuts.
    pub(crate) fn folds(&self, backtest: &Backtest) -> Result<Vec<Fold>, PlanError> {
        let (lookback, labels) = (backtest.lookback, backtest.labels);
        let pool = SampleSet::collect(&self.tables[..self.learning], lookback, labels)?;
        let all = SampleSet::collect(&self.tables, lookback, labels)?;
        if pool.is_empty() {
            let hint = "every instrument of the interval is test-only or too short";
            return Err(SignalError::EmptyPart { part: "training", hint }.into());
        }
        let splits = backtest.plan.splits(&pool)?;
        let paths = backtest.plan.paths(&splits);
        let fold = |(split, paths): (Split, Vec<usize>)| {
            let test = split.test(&all);
            let parts = backtest.plan.parts(&split, &pool, &test)?;
            Ok(Fold { split, paths, parts, test })
        };
        splits.into_iter().zip(paths).map(fold).collect()
    }

    /// Adds all that models of the group can look at: every row of every member.
    pub(crate) fn hash_into(&self, hash: &mut Xxh3) {
        for table in &self.tables {
            let (pair, interval, spec) = (table.pair(), table.interval(), table.spec());
            hash.update(format!("{pair} {interval} {spec:?} {}", table.len()).as_bytes());
            for row in 0..table.len() {
                let open_time = table.open_time(row).map_or(0, Timestamp::millis);
                hash.update(&open_time.to_le_bytes());
                let close = table.close(row).unwrap_or_default();
                let values = table.row(row).unwrap_or_default();
                hash.update(&[u8::from(table.is_held(row)), u8::from(!values.is_empty())]);
                for number in values.iter().chain(&[close]) {
                    hash.update(&number.to_bits().to_le_bytes());
                }
            }
        }
    }

    /// Instruments tested in a fold whose model learned from others only, by index. Not those
    /// that are test-only: for them it is so in every fold.
    pub(crate) fn untrained(&self, fold: &Fold) -> Vec<usize> {
        let Ok((train, _)) = &fold.parts else { return Vec::new() };
        let has = |samples: &[Sample], table| samples.iter().any(|sample| sample.table == table);
        let untrained =
            |table: &usize| has(fold.test.samples(), *table) && !has(train.samples(), *table);
        (0..self.learning).filter(untrained).map(|table| self.members[table]).collect()
    }
}

/// The signals of the first `count` series, or why they cannot be computed. Channels that read
/// another pair find it among all of them.
pub(crate) fn tables(
    backtest: &Backtest,
    gaps: GapPolicy,
    series: &[CandleSeries],
    count: usize,
) -> impl Iterator<Item = Result<SignalTable, SignalError>> {
    let spec = SignalSpec { channels: backtest.channels.clone(), gaps };
    series[..count]
        .iter()
        .map(move |own| SignalTable::build(&spec, &backtest.registry, own, series))
}

/// Where the close went over the `horizon` candles before a decision; NEUTRAL where that is not
/// known.
pub(crate) fn last_sign(tables: &[SignalTable], sample: &Sample, horizon: usize) -> Direction {
    let before = sample.row.checked_sub(horizon);
    let moved = before.and_then(|row| tables[sample.table].outcome(row, horizon));
    moved.map_or(Direction::Neutral, |outcome| Direction::of_change(outcome.change))
}

/// The commoner of UP and DOWN among the labels, UP if they tie.
pub(crate) fn majority(train: &TrainSet) -> Direction {
    let [up, down, _] = train.class_counts();
    if down > up { Direction::Down } else { Direction::Up }
}

#[cfg(test)]
mod tests {
    use windvane_candles::simulate::Market;
    use windvane_signals::LabelSpec;

    use super::*;

    #[test]
    fn the_last_sign_is_that_of_as_many_candles_as_are_asked_for() {
        let pair = windvane_candles::Pair::new("SIM").unwrap();
        let series = Market::AR1.candles(pair, Interval::HOUR, 500, 3).unwrap();
        let spec = SignalSpec::default();
        let table = SignalTable::build(&spec, &Backtest::default().registry, &series, &[]).unwrap();
        let tables = [table];
        let labels = LabelSpec { horizon: 5, ..LabelSpec::default() };
        let samples = SampleSet::collect(&tables, 20, labels).unwrap();
        let change = |row: usize, back: usize| {
            let close = |row: usize| series.get(row).unwrap().close();
            Direction::of_change(close(row) - close(row - back))
        };
        let mut differ = 0;
        for sample in samples.samples() {
            let (one, five) = (last_sign(&tables, sample, 1), last_sign(&tables, sample, 5));
            assert_eq!((one, five), (change(sample.row, 1), change(sample.row, 5)));
            differ += usize::from(one != five);
        }
        assert!(differ > 50, "{differ}");
        let early = Sample { row: 4, ..samples.samples()[0] };
        assert_eq!(last_sign(&tables, &early, 5), Direction::Neutral);
    }
}
