//! Gap policies, inferred from candles before the first validation period.
use windvane_candles::{CandleSeries, Timestamp};
use windvane_signals::{GapPolicy, SampleSet, SignalError, SignalSpec, SignalTable};

use super::{Backtest, Plan};

/// Signal tables of the series of one interval under one gap policy.
#[derive(Debug)]
pub(crate) struct GroupTables {
    pub(crate) gaps: GapPolicy,
    /// Tables of the series, in their order, without the failed ones.
    pub(crate) tables: Vec<SignalTable>,
    /// Indices of the failed series, with the reason.
    pub(crate) failed: Vec<(usize, SignalError)>,
}

impl GroupTables {
    /// Computes the tables of all series under the given or inferred policy. The first `learning`
    /// series are the training pool. No table is computed twice.
    pub(crate) fn new(backtest: &Backtest, series: &[CandleSeries], learning: usize) -> Self {
        let mut built = match backtest.gaps {
            Some(gaps) => Self::empty(gaps),
            None => infer(backtest, series, learning),
        };
        built.extend(backtest, series, series.len());
        built
    }

    fn empty(gaps: GapPolicy) -> Self {
        Self { gaps, tables: Vec::new(), failed: Vec::new() }
    }

    /// Computes the missing tables of the first `count` series. Channels that read another pair
    /// find it among all series.
    fn extend(&mut self, backtest: &Backtest, series: &[CandleSeries], count: usize) {
        let spec = SignalSpec { channels: backtest.channels.clone(), gaps: self.gaps };
        let Backtest { registry, store, .. } = backtest;
        let done = self.tables.len() + self.failed.len();
        if done == 0
            && count == series.len()
            && let Ok(tables) = SignalTable::build_all_in(store, &spec, registry, series)
        {
            self.tables = tables;
            return;
        }
        // One by one: the failed series are reported, the others tested.
        for (index, own) in series.iter().enumerate().take(count).skip(done) {
            match SignalTable::build_in(store, &spec, registry, own, series) {
                Ok(table) => self.tables.push(table),
                Err(error) => self.failed.push((index, error)),
            }
        }
    }
}

/// Gap policy of an audit of one series.
pub(crate) fn gap_policy_of(backtest: &Backtest, series: &[CandleSeries]) -> GapPolicy {
    backtest.gaps.unwrap_or_else(|| infer(backtest, series, 1).gaps)
}

/// Infers the gap policy of series of one interval and returns it with the tables that were
/// computed under it. The first `learning` series are the training pool.
///
/// Only candles of the training pool that open before the first validation period count, as
/// [`GapPolicy::infer_before`] states.
fn infer(backtest: &Backtest, series: &[CandleSeries], learning: usize) -> GroupTables {
    let date = match &backtest.plan {
        Plan::Holdout { validate_from, .. } => Some(*validate_from),
        Plan::WalkForward(_) | Plan::Combinatorial(_) | Plan::RollingRefit(_) => None,
    };
    let build = |gaps| {
        let mut built = GroupTables::empty(gaps);
        if date.is_none() {
            built.extend(backtest, series, learning);
        }
        built
    };
    // If the plan has too few candles under both policies, the division into folds reports it.
    let validate_from = |built: &GroupTables| date.or_else(|| first_boundary(backtest, built));
    GapPolicy::infer_before(&series[..learning], backtest.always_open, build, validate_from)
}

/// Start of the first validation period; under a combinatorial plan, which tests on all candles,
/// the end of the first group.
fn first_boundary(backtest: &Backtest, built: &GroupTables) -> Option<Timestamp> {
    let pool = SampleSet::collect(&built.tables, backtest.lookback, backtest.labels).ok()?;
    let splits = backtest.plan.splits(&pool).ok()?;
    let first = splits.first()?;
    match backtest.plan {
        Plan::Combinatorial(_) => first.tests()[0].until,
        _ => Some(first.validate_from()),
    }
}

/// Number of missing candles between the first and the last candle of a series.
pub(crate) fn missing(series: &CandleSeries) -> u64 {
    series.gaps().map(|gap| gap.missing).sum()
}

#[cfg(test)]
mod tests {
    use windvane_candles::simulate::MarketModel;
    use windvane_candles::{Interval, sample};

    use super::*;

    fn sample_policy(names: &[&str]) -> GapPolicy {
        let series: Vec<CandleSeries> =
            names.iter().map(|name| sample::load(name).unwrap()).collect();
        GapPolicy::infer(&series)
    }

    #[test]
    fn gap_policy_distinguishes_sessions_from_missing_data() {
        assert_eq!(sample_policy(&["BTCUSDT"]), GapPolicy::Reset); // one candle is missing
        assert_eq!(sample_policy(&["EURUSD"]), GapPolicy::Sessions { max_missing: 168 });
        assert_eq!(sample_policy(&["BTCUSDT", "EURUSD"]), GapPolicy::Sessions { max_missing: 168 });
        assert_eq!(sample_policy(&["SP500"]), GapPolicy::Sessions { max_missing: 7 });
        assert_eq!(GapPolicy::infer([]), GapPolicy::Reset);
    }

    #[test]
    fn gap_policy_of_weekly_candles_skips_one_candle() {
        let mut candles = sample::load("SP500").unwrap().candles().to_vec();
        candles.retain(|candle| Interval::WEEK.is_aligned(candle.open_time()));
        let pair = windvane_candles::Pair::new("SP500").unwrap();
        let weeks = CandleSeries::new(pair, Interval::WEEK, candles).unwrap();
        assert!(missing(&weeks) > 0);
        assert_eq!(GapPolicy::infer([&weeks]), GapPolicy::Sessions { max_missing: 1 });
    }

    #[test]
    fn gap_policy_of_candles_by_session_is_sessions() {
        let pair = windvane_candles::Pair::new("SIM").unwrap();
        let four = Interval::FOUR_HOURS.by_session();
        let whole = MarketModel::AR1.candles(pair, four, 300, 1).unwrap();
        assert_eq!(missing(&whole), 0);
        let backtest = Backtest { always_open: GapPolicy::ByClock, ..Backtest::default() };
        assert_eq!(inferred(&backtest, &[whole], 1), GapPolicy::Sessions { max_missing: 42 });
    }

    fn inferred(backtest: &Backtest, series: &[CandleSeries], learning: usize) -> GapPolicy {
        infer(backtest, series, learning).gaps
    }

    /// Hourly candles without every twentieth candle from an index on.
    fn holey_from(index: usize) -> CandleSeries {
        let pair = windvane_candles::Pair::new("SIM").unwrap();
        let whole = MarketModel::AR1.candles(pair.clone(), Interval::HOUR, 2_000, 1).unwrap();
        let kept = whole.iter().enumerate().filter(|(i, _)| *i < index || i % 20 != 0);
        let candles = kept.map(|(_, candle)| *candle).collect();
        CandleSeries::new(pair, Interval::HOUR, candles).unwrap()
    }

    #[test]
    fn gap_policy_depends_only_on_training_candles_before_the_first_validation() {
        let backtest = Backtest::default();
        assert_eq!(inferred(&backtest, &[holey_from(400)], 1), GapPolicy::Reset);
        let by_clock = Backtest { always_open: GapPolicy::ByClock, ..Backtest::default() };
        assert_eq!(inferred(&by_clock, &[holey_from(2_000)], 1), GapPolicy::ByClock);
        assert_eq!(
            inferred(&backtest, &[holey_from(0)], 1),
            GapPolicy::Sessions { max_missing: 168 }
        );
        let test_only = [holey_from(2_000), holey_from(0)];
        assert_eq!(inferred(&backtest, &test_only, 1), GapPolicy::Reset);
        assert_eq!(inferred(&backtest, &test_only, 2), GapPolicy::Sessions { max_missing: 168 });
    }

    #[test]
    fn gap_policy_without_folds_is_reset() {
        let backtest = Backtest { lookback: 5_000, ..Backtest::default() };
        assert_eq!(inferred(&backtest, &[holey_from(0)], 1), GapPolicy::Reset);
        assert_eq!(inferred(&backtest, &[], 0), GapPolicy::Reset);
    }
}
