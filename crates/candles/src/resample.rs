//! Resampling of candles to a longer interval.
use std::time::Duration;

use crate::error::ResampleError;
use crate::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};

/// Result of resampling: candles of a longer interval, and the open times of incomplete ones.
///
/// Both lists contain open times of resampled candles, in order.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Resampled {
    /// Resampled candles.
    pub series: CandleSeries,
    /// Open times of omitted candles: the first and the last, if the series begins or ends within
    /// them.
    pub cut: Vec<Timestamp>,
    /// Open times of candles within which some shorter candles are missing. They are part of
    /// `series` and contain the values of the candles present.
    pub incomplete: Vec<Timestamp>,
}

impl CandleSeries {
    /// Aggregates the candles into candles of a longer interval.
    ///
    /// A resampled candle opens on the grid of its own interval and closes one such interval later,
    /// or with the last session within it if the series has another session close.
    /// It has the first open, the highest high, the lowest low, the last close and the sum of the
    /// volumes of the candles within it. It is omitted and listed in [`Resampled::cut`] if the
    /// series begins after its open or ends before its close, because the missing part is unknown.
    /// If other candles within it are missing, it is kept and listed in [`Resampled::incomplete`].
    /// If all are missing, there is a gap.
    ///
    /// # Errors
    /// [`ResampleError`] if candles of `to` do not [consist](Interval::consists_of) of candles of
    /// the series (half hours form `1h+30m`, but no candles form `1h@session`), or if the volumes
    /// of a candle sum to more than 1e100.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
    ///
    /// let values = Ohlcv { open: 10.0, high: 12.0, low: 9.5, close: 11.0, volume: 340.0 };
    /// let hour = |i: i64| Candle::new(Timestamp::from_millis(i * 3_600_000), values).unwrap();
    /// let hours = CandleSeries::new(Pair::new("BTCUSDT")?, Interval::HOUR, (3..10).map(hour).collect())?;
    /// let four = hours.resample(Interval::FOUR_HOURS)?;
    /// assert_eq!(four.series.len(), 1);
    /// assert_eq!(four.series.candles()[0].volume(), 1360.0);
    /// assert_eq!(four.series.close_time(0), Some("1970-01-01 08:00".parse()?));
    /// assert_eq!(four.cut, ["1970-01-01 00:00".parse()?, "1970-01-01 08:00".parse()?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resample(&self, to: Interval) -> Result<Resampled, ResampleError> {
        let from = self.interval();
        if !to.consists_of(from) {
            return Err(ResampleError::Interval { from, to });
        }
        let each = to.millis() / from.millis();
        let (mut candles, mut cut, mut incomplete) = (vec![], vec![], vec![]);
        let end = self.candles().last().map(|last| last.close_time(from));
        for part in
            self.candles().chunk_by(|a, b| to.floor(a.open_time()) == to.floor(b.open_time()))
        {
            let open_time = to.floor(part[0].open_time());
            let values = merged(part);
            let candle =
                Candle::new(open_time, values).map_err(|_| ResampleError::Volume { open_time })?;
            let begins_within =
                candles.is_empty() && cut.is_empty() && part[0].open_time() > open_time;
            if begins_within || end < Some(candle.close_time(to)) {
                cut.push(open_time);
                continue;
            }
            if i64::try_from(part.len()) != Ok(each) {
                incomplete.push(open_time);
            }
            candles.push(candle);
        }
        // A coarse candle closes with its last candle.
        let session =
            self.session_close() + Duration::from_millis(to.millis().abs_diff(from.millis()));
        let series = CandleSeries::new(self.pair().clone(), to, candles)
            .and_then(|series| series.with_session_close(session));
        let Ok(series) = series else {
            unreachable!("invariant: each open time is a distinct floor of rising times");
        };
        Ok(Resampled { series, cut, incomplete })
    }
}

/// Values of the candle that consecutive candles form; `part` is not empty.
fn merged(part: &[Candle]) -> Ohlcv {
    let first = part[0].values();
    part[1..].iter().fold(first, |sum, next| Ohlcv {
        open: sum.open,
        high: sum.high.max(next.high()),
        low: sum.low.min(next.low()),
        close: next.close(),
        volume: sum.volume + next.volume(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Pair;

    fn minutes(present: &[(i64, f64, f64)]) -> CandleSeries {
        let candles = present.iter().map(|&(minute, open, close)| {
            let values = Ohlcv {
                open,
                high: open.max(close) + 1.0,
                low: open.min(close) * 0.5,
                close,
                volume: (open * 8.0).round(),
            };
            Candle::new(at(minute), values).unwrap()
        });
        CandleSeries::new(Pair::new("X").unwrap(), Interval::MINUTE, candles.collect()).unwrap()
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn days(n: i64) -> Interval {
        interval(n * 24 * 60)
    }

    fn interval(minutes: i64) -> Interval {
        Interval::from_millis(minutes * 60_000).unwrap()
    }

    #[test]
    fn resample_cuts_partial_ends_and_lists_incomplete_candles() {
        let present = [3, 4, 5, 6, 8, 9, 15, 16, 17, 18, 19, 20].map(|m| (m, 1.0, 2.0));
        let five = minutes(&present).resample(Interval::FIVE_MINUTES).unwrap();
        let times: Vec<Timestamp> = five.series.iter().map(Candle::open_time).collect();
        assert_eq!(times, [at(5), at(15)]);
        assert_eq!((five.cut, five.incomplete), (vec![at(0), at(20)], vec![at(5)]));
        assert_eq!(five.series.gaps().next().unwrap().missing, 1);
    }

    #[test]
    fn resample_requires_a_multiple_on_the_same_grid() {
        let of = |from, to| {
            CandleSeries::new(Pair::new("X").unwrap(), from, vec![]).unwrap().resample(to)
        };
        for (from, to, good) in [
            (Interval::HOUR, Interval::FOUR_HOURS, true),
            (Interval::HOUR, Interval::HOUR, true),
            (Interval::DAY, Interval::WEEK, true),
            (Interval::WEEK, days(14), true),
            (Interval::FOUR_HOURS, Interval::HOUR, false),
            (interval(40), Interval::HOUR, false),
            // 35 days begin on Mondays, 5 days do not.
            (days(5), days(35), false),
            (Interval::HOUR, Interval::FOUR_HOURS.by_session(), false),
            (Interval::HOUR.by_session(), Interval::FOUR_HOURS, false),
        ] {
            assert_eq!(of(from, to).is_ok(), good, "{from} {to}");
        }
    }

    #[test]
    fn resample_to_an_offset_begins_candles_with_the_session() {
        let present: Vec<(i64, f64, f64)> = (14 * 60..20 * 60).map(|m| (m, 1.0, 2.0)).collect();
        let halves = minutes(&present).resample(interval(30)).unwrap().series;
        let stocks = halves.resample("1h+30m".parse().unwrap()).unwrap();
        let times: Vec<Timestamp> = stocks.series.iter().map(Candle::open_time).collect();
        assert_eq!(times, [870, 930, 990, 1_050, 1_110].map(at));
        assert_eq!(stocks.cut, [810, 1_170].map(at));
        let four = stocks.series.resample("4h+150m".parse().unwrap()).unwrap();
        assert_eq!(four.series.candles()[0].open_time(), at(870));
        assert!(stocks.series.resample(Interval::FOUR_HOURS).is_err());
    }

    proptest! {
        #[test]
        fn resample_in_two_steps_equals_one_step(
            prices in prop::collection::vec((1.0..9.0f64, 1.0..9.0f64, 1i64..3), 1..200),
            start in 0i64..30,
        ) {
            let mut minute = start;
            let present: Vec<(i64, f64, f64)> = prices.iter().map(|&(open, close, step)| {
                minute += step;
                (minute, open, close)
            }).collect();
            let fine = minutes(&present);
            let direct = fine.resample(interval(30)).unwrap();
            let between = fine.resample(interval(5)).unwrap();
            let twice = between.series.resample(interval(30)).unwrap();
            // A candle that is complete in both results has the same values.
            for candle in &direct.series {
                let same = twice.series.iter().find(|c| c.open_time() == candle.open_time());
                if let Some(same) = same.filter(|_| !direct.incomplete.contains(&candle.open_time())) {
                    prop_assert_eq!(same, candle);
                }
                let close = candle.close_time(interval(30));
                let within = fine.between(candle.open_time(), close);
                let volume: f64 = within.iter().map(Candle::volume).sum();
                let (first, last) = (within.candles()[0], within.candles()[within.len() - 1]);
                let made = (candle.open(), candle.close(), candle.volume());
                prop_assert_eq!(made, (first.open(), last.close(), volume));
                let high = within.iter().map(Candle::high).fold(0.0, f64::max);
                let low = within.iter().map(Candle::low).fold(f64::MAX, f64::min);
                prop_assert_eq!((candle.high(), candle.low()), (high, low));
            }
            let early = fine.clone().with_session_close(Duration::from_secs(20)).unwrap();
            let late = early.resample(interval(5)).unwrap().series.session_close();
            prop_assert_eq!(late, Duration::from_secs(4 * 60 + 20));
            prop_assert_eq!(fine.resample(Interval::MINUTE).unwrap().series, fine);
        }
    }
}
