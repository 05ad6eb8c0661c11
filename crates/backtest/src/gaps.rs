//! Whether a market closes at times, guessed without a look at what is tested on.
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_signals::{GapPolicy, SampleSet, SignalTable};

use crate::group::tables;
use crate::{Backtest, Plan};

/// Share of missing candles above which a market is taken to close at times.
const SESSION_SHARE: f64 = 0.01;

/// The gap policy of instruments of one interval where none is given; the first `learning` of
/// the series are learned from.
///
/// Looked at are the series that are learned from, and of them the candles that open before the
/// first validation begins. Under a plan that walks forward that time hangs on the number of
/// samples, hence on the policy: the candles before the earlier of the two times are taken, that
/// under [`GapPolicy::Reset`] and that under [`GapPolicy::Sessions`].
pub(crate) fn guess(backtest: &Backtest, series: &[CandleSeries], learning: usize) -> GapPolicy {
    let Some(interval) = series.first().map(CandleSeries::interval) else {
        return GapPolicy::Reset;
    };
    let first_boundary = match &backtest.plan {
        Plan::Once { validate_from, .. } => Some(*validate_from),
        Plan::WalkForward(_) | Plan::Combinatorial(_) => {
            let policies = [GapPolicy::Reset, sessions(interval)].into_iter();
            policies.filter_map(|gaps| first_boundary(backtest, gaps, series, learning)).min()
        }
    };
    // Where no policy lets the plan be cut, cutting tells why.
    let until = first_boundary.unwrap_or(Timestamp::from_millis(i64::MIN));
    let before: Vec<CandleSeries> =
        series[..learning].iter().map(|series| series.split_at(until).0).collect();
    gap_policy(interval, &before)
}

/// Where the first validation begins; under combinations, which test on all there is, where the
/// first group ends.
fn first_boundary(
    backtest: &Backtest,
    gaps: GapPolicy,
    series: &[CandleSeries],
    learning: usize,
) -> Option<Timestamp> {
    let tables: Vec<SignalTable> =
        tables(backtest, gaps, series, learning).filter_map(Result::ok).collect();
    let pool = SampleSet::collect(&tables, backtest.lookback, backtest.labels).ok()?;
    let splits = backtest.plan.splits(&pool).ok()?;
    let first = splits.first()?;
    match backtest.plan {
        Plan::Combinatorial(_) => first.tests()[0].until,
        _ => Some(first.validate_from()),
    }
}

/// Where more than 1 % of the time steps of any series are missing, the market closes at times
/// (nights, weekends, holidays): gaps up to a week are passed over, longer ones reset. Otherwise
/// a gap is a hole in the data, and signals start anew behind it.
fn gap_policy<'a>(
    interval: Interval,
    series: impl IntoIterator<Item = &'a CandleSeries>,
) -> GapPolicy {
    let closes = series.into_iter().any(|series| {
        let missing = missing(series) as f64;
        missing > SESSION_SHARE * (missing + series.len().saturating_sub(1) as f64)
    });
    if closes { sessions(interval) } else { GapPolicy::Reset }
}

/// Gaps up to a week are passed over.
fn sessions(interval: Interval) -> GapPolicy {
    let week = (Interval::WEEK.millis() / interval.millis()).max(1);
    GapPolicy::Sessions { max_missing: u32::try_from(week).unwrap_or(u32::MAX) }
}

/// Missing candles between the first and the last of a series.
pub(crate) fn missing(series: &CandleSeries) -> u64 {
    series.gaps().map(|gap| gap.missing).sum()
}

#[cfg(test)]
mod tests {
    use windvane_candles::sample;
    use windvane_candles::simulate::Market;

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

    /// Hourly candles of which every twentieth is missing from some index on.
    fn holey_from(index: usize) -> CandleSeries {
        let pair = windvane_candles::Pair::new("SIM").unwrap();
        let whole = Market::AR1.candles(pair.clone(), Interval::HOUR, 2_000, 1).unwrap();
        let kept = |(i, _): &(usize, &windvane_candles::Candle)| *i < index || i % 20 != 0;
        let candles = whole.iter().enumerate().filter(kept).map(|(_, candle)| *candle).collect();
        CandleSeries::new(pair, Interval::HOUR, candles).unwrap()
    }

    #[test]
    fn only_candles_before_the_first_validation_are_looked_at() {
        let backtest = Backtest::default();
        let of = |index| guess(&backtest, &[holey_from(index)], 1);
        assert_eq!(of(400), GapPolicy::Reset);
        assert_eq!(of(0), GapPolicy::Sessions { max_missing: 168 });
        let test_only = [holey_from(2_000), holey_from(0)];
        assert_eq!(guess(&backtest, &test_only, 1), GapPolicy::Reset);
        assert_eq!(guess(&backtest, &test_only, 2), GapPolicy::Sessions { max_missing: 168 });
    }

    #[test]
    fn a_plan_that_cannot_be_cut_looks_at_nothing() {
        let backtest = Backtest { lookback: 5_000, ..Backtest::default() };
        assert_eq!(guess(&backtest, &[holey_from(0)], 1), GapPolicy::Reset);
        assert_eq!(guess(&backtest, &[], 0), GapPolicy::Reset);
    }
}
