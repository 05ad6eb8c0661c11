//! Instruments of one interval, pooled: their tables, their gap policy and their folds.
use windvane_candles::{CandleSeries, Direction, Interval};
use windvane_signals::{
    GapPolicy, Registry, Sample, SampleSet, SignalError, SignalSpec, SignalTable, Split, TrainSet,
    ValidationSet,
};

use crate::{Backtest, Instrument, Plan};

/// Share of missing candles above which a market is taken to close at times.
const SESSION_SHARE: f64 = 0.01;

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
pub(crate) struct Fold<'a> {
    pub(crate) split: Split,
    /// What there is to learn from, or why there is nothing.
    pub(crate) parts: Result<(TrainSet<'a>, ValidationSet<'a>), SignalError>,
    /// Test windows of all members.
    pub(crate) test: SampleSet<'a>,
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

/// The gap policy for series of one interval.
///
/// Where more than 1 % of the time steps of any series are missing, the market closes at times
/// (nights, weekends, holidays): gaps up to a week are passed over, longer ones reset. Otherwise
/// a gap is a hole in the data, and signals start anew behind it.
pub(crate) fn gap_policy<'a>(
    interval: Interval,
    series: impl IntoIterator<Item = &'a CandleSeries>,
) -> GapPolicy {
    let closes = series.into_iter().any(|series| {
        let missing = missing(series) as f64;
        missing > SESSION_SHARE * (missing + series.len().saturating_sub(1) as f64)
    });
    let week = (Interval::WEEK.millis() / interval.millis()).max(1);
    let max_missing = u32::try_from(week).unwrap_or(u32::MAX);
    if closes { GapPolicy::Sessions { max_missing } } else { GapPolicy::Reset }
}

/// Missing candles between the first and the last of a series.
pub(crate) fn missing(series: &CandleSeries) -> u64 {
    series.gaps().map(|gap| gap.missing).sum()
}

impl Group {
    /// Computes the signals of all members.
    pub(crate) fn build(
        interval: Interval,
        members: Vec<usize>,
        instruments: &[Instrument],
        backtest: &Backtest,
    ) -> Result<Self, SignalError> {
        let series: Vec<CandleSeries> =
            members.iter().map(|index| instruments[*index].series.clone()).collect();
        let gaps = gap_policy(interval, &series);
        let spec = SignalSpec { channels: backtest.channels.clone(), gaps };
        let registry = Registry::default();
        let build = |own| SignalTable::build(&spec, &registry, own, &series);
        let tables = series.iter().map(build).collect::<Result<_, _>>()?;
        let learning = members.iter().filter(|index| !instruments[**index].test_only).count();
        Ok(Self { interval, gaps, members, learning, tables })
    }

    /// Cuts the group's time into folds. Test-only members are in no pool that is learned from,
    /// nor do they move the cuts.
    pub(crate) fn folds(&self, backtest: &Backtest) -> Result<Vec<Fold<'_>>, SignalError> {
        let (lookback, labels) = (backtest.lookback, backtest.labels);
        let pool = SampleSet::collect(&self.tables[..self.learning], lookback, labels)?;
        let all = SampleSet::collect(&self.tables, lookback, labels)?;
        if pool.is_empty() {
            let hint = "every instrument of the interval is test-only or too short";
            return Err(SignalError::EmptyPart { part: "training", hint });
        }
        let splits = match &backtest.plan {
            Plan::WalkForward(plan) => plan.splits(&pool)?,
            Plan::Once { validate_from, test_from, embargo } => vec![Split {
                validate_from: *validate_from,
                test_from: *test_from,
                test_until: None,
                embargo: *embargo,
            }],
        };
        let fold = |split: Split| {
            let test = split.test(&all);
            let parts = split.train(&pool).and_then(|t| Ok((t, split.validation(&pool)?)));
            Fold { split, parts: parts.and_then(|parts| some_test(parts, &test)), test }
        };
        Ok(splits.into_iter().map(fold).collect())
    }
}

fn some_test<T>(parts: T, test: &SampleSet<'_>) -> Result<T, SignalError> {
    let hint = "start the test earlier or give more candles";
    if test.is_empty() { Err(SignalError::EmptyPart { part: "test", hint }) } else { Ok(parts) }
}

/// Where the last candle before a decision went; NEUTRAL where that is not known.
pub(crate) fn last_sign(tables: &[SignalTable], sample: &Sample) -> Direction {
    let before = sample.row.checked_sub(1);
    let moved = before.and_then(|row| tables[sample.table].outcome(row, 1));
    moved.map_or(Direction::Neutral, |outcome| Direction::of_change(outcome.change))
}

/// The commoner of UP and DOWN among the labels, UP if they tie.
pub(crate) fn majority(train: &TrainSet<'_>) -> Direction {
    let [up, down, _] = train.class_counts();
    if down > up { Direction::Down } else { Direction::Up }
}

#[cfg(test)]
mod tests {
    use windvane_candles::sample;

    use super::*;

    #[test]
    fn gap_policy_tells_sessions_from_holes() {
        let hours = |names: &[&str]| {
            let series: Vec<CandleSeries> =
                names.iter().map(|name| sample::load(name).unwrap()).collect();
            gap_policy(series[0].interval(), &series)
        };
        assert_eq!(hours(&["BTCUSDT"]), GapPolicy::Reset); // one candle missing in two years
        assert_eq!(hours(&["EURUSD"]), GapPolicy::Sessions { max_missing: 168 });
        assert_eq!(hours(&["BTCUSDT", "EURUSD"]), GapPolicy::Sessions { max_missing: 168 });
        assert_eq!(hours(&["SP500"]), GapPolicy::Sessions { max_missing: 7 });
        assert_eq!(gap_policy(Interval::HOUR, []), GapPolicy::Reset);
    }

    #[test]
    fn long_candles_pass_over_one() {
        let mut candles = sample::load("SP500").unwrap().candles().to_vec();
        candles.retain(|candle| Interval::WEEK.is_aligned(candle.open_time()));
        let pair = windvane_candles::Pair::new("SP500").unwrap();
        let weeks = CandleSeries::new(pair, Interval::WEEK, candles).unwrap();
        assert!(missing(&weeks) > 0);
        assert_eq!(gap_policy(Interval::WEEK, [&weeks]), GapPolicy::Sessions { max_missing: 1 });
    }
}
