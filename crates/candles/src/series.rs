//! Series of candles in order of time.
use std::sync::Arc;
use std::time::Duration;

use crate::error::SeriesError;
use crate::{Candle, Interval, Ohlcv, Pair, Timestamp};

/// Candles of one pair and one interval in order of time.
///
/// Invariants: the open times rise strictly, each is aligned to the interval, and two of them are
/// at least [`Interval::min_step`] apart. Candles may be missing; [`gaps`](Self::gaps) lists them. A series may be empty.
///
/// # Examples
/// ```
/// use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
///
/// let values = Ohlcv { open: 10.0, high: 12.0, low: 9.5, close: 11.0, volume: 340.0 };
/// let at = |time: &str| Candle::new(time.parse().unwrap(), values).unwrap();
/// let candles = vec![at("2024-01-01 05:00"), at("2024-01-01 06:00"), at("2024-01-01 09:00")];
/// let series = CandleSeries::new(Pair::new("BTCUSDT")?, Interval::HOUR, candles)?;
///
/// assert_eq!(series.len(), 3);
/// assert_eq!(series.close_time(2), Some("2024-01-01 10:00".parse()?));
/// let gaps: Vec<_> = series.gaps().collect();
/// assert_eq!(gaps[0].after, 1);
/// assert_eq!(gaps[0].from, "2024-01-01 07:00".parse()?);
/// assert_eq!(gaps[0].missing, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct CandleSeries {
    pair: Pair,
    interval: Interval,
    /// Time from the open of a candle to its close, in milliseconds.
    session: i64,
    /// Shared by clones.
    candles: Arc<Vec<Candle>>,
}

/// Candles as six arrays, one per column.
///
/// # Units
/// `open_time` in milliseconds since 1970-01-01 00:00 UTC; the others as in [`Ohlcv`].
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct CandleColumns<'a> {
    /// Open times of the candles.
    pub open_time: &'a [i64],
    /// Prices of the first trades.
    pub open: &'a [f64],
    /// Highest prices.
    pub high: &'a [f64],
    /// Lowest prices.
    pub low: &'a [f64],
    /// Prices of the last trades.
    pub close: &'a [f64],
    /// Traded volumes.
    pub volume: &'a [f64],
}

/// Gap in a series: one or more consecutive missing candles.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Gap {
    /// Index of the last candle before the gap.
    pub after: usize,
    /// Open time of the first missing candle.
    pub from: Timestamp,
    /// Number of missing candles.
    pub missing: u64,
}

impl CandleSeries {
    /// Creates a series of these candles.
    ///
    /// # Errors
    /// [`SeriesError`] names the first candle whose open time is not on the grid of the interval,
    /// not after that of the previous candle, or (by session) too close to it.
    pub fn new(pair: Pair, interval: Interval, candles: Vec<Candle>) -> Result<Self, SeriesError> {
        let mut previous: Option<Timestamp> = None;
        let min_step = interval.min_step();
        for (index, candle) in candles.iter().enumerate() {
            let open_time = candle.open_time();
            if !interval.is_aligned(open_time) {
                let expected = interval.floor(open_time);
                return Err(SeriesError::Misaligned { index, open_time, interval, expected });
            }
            match previous {
                Some(previous) if open_time < previous => {
                    return Err(SeriesError::Order { index, open_time, previous });
                }
                Some(previous) if open_time == previous => {
                    return Err(SeriesError::Duplicate { index, open_time });
                }
                Some(previous)
                    if open_time.millis() < previous.millis().saturating_add(min_step) =>
                {
                    return Err(SeriesError::Overlap { index, open_time, previous, interval });
                }
                _ => previous = Some(open_time),
            }
        }
        Ok(Self { pair, interval, session: interval.millis(), candles: Arc::new(candles) })
    }

    /// Creates a series from one array per column.
    ///
    /// # Errors
    /// [`SeriesError::Length`] if the arrays differ in length, [`SeriesError::Candle`] if a row is
    /// not a valid candle, otherwise as [`new`](Self::new).
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{CandleColumns, CandleSeries, Interval, Pair};
    ///
    /// let columns = CandleColumns {
    ///     open_time: &[0, 60_000],
    ///     open: &[1.0, 2.0],
    ///     high: &[2.0, 2.0],
    ///     low: &[1.0, 1.0],
    ///     close: &[2.0, 1.0],
    ///     volume: &[5.0, 0.0],
    /// };
    /// let series = CandleSeries::from_columns(Pair::new("BTCUSDT")?, Interval::MINUTE, columns)?;
    /// assert_eq!(series.candles()[1].close(), 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_columns(
        pair: Pair,
        interval: Interval,
        columns: CandleColumns<'_>,
    ) -> Result<Self, SeriesError> {
        let CandleColumns { open_time, open, high, low, close, volume } = columns;
        let expected = open_time.len();
        for (column, got) in [
            ("open", open.len()),
            ("high", high.len()),
            ("low", low.len()),
            ("close", close.len()),
            ("volume", volume.len()),
        ] {
            if got != expected {
                return Err(SeriesError::Length { column, expected, got });
            }
        }
        let candles = (0..expected).map(|i| {
            let values = Ohlcv {
                open: open[i],
                high: high[i],
                low: low[i],
                close: close[i],
                volume: volume[i],
            };
            Candle::new(Timestamp::from_millis(open_time[i]), values)
                .map_err(|source| SeriesError::Candle { index: i, source })
        });
        let candles = candles.collect::<Result<_, _>>()?;
        Self::new(pair, interval, candles)
    }

    /// Sets the time from the open of a candle to its real close, for candles whose market closes
    /// before the interval ends. Default: the interval.
    ///
    /// Daily candles of different exchanges share a date and an open time, but not a close: a
    /// session that closes at 21:00 UTC has a session close of 21 hours. Where clocks change, give
    /// the latest close of the year, so that no candle is used before it has closed.
    ///
    /// # Errors
    /// [`SeriesError::SessionClose`] unless the time is a whole number of milliseconds, above 0 and
    /// at most the interval.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair};
    ///
    /// let values = Ohlcv { open: 10.0, high: 12.0, low: 9.5, close: 11.0, volume: 340.0 };
    /// let candles = vec![Candle::new("2024-01-02".parse()?, values)?];
    /// let series = CandleSeries::new(Pair::new("AAPL")?, Interval::DAY, candles)?;
    /// assert_eq!(series.close_time(0), Some("2024-01-03".parse()?));
    /// let series = series.with_session_close(Duration::from_secs(21 * 3_600))?;
    /// assert_eq!(series.close_time(0), Some("2024-01-02 21:00".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_session_close(self, close: Duration) -> Result<Self, SeriesError> {
        let session = self.interval.session_millis(close);
        let session =
            session.ok_or(SeriesError::SessionClose { interval: self.interval, got: close })?;
        Ok(Self { session, ..self })
    }

    /// Returns the time from the open of a candle to its close.
    pub fn session_close(&self) -> Duration {
        Duration::from_millis(self.session.unsigned_abs())
    }

    /// Returns the pair.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Returns the interval.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns all candles, oldest first.
    pub fn candles(&self) -> &[Candle] {
        &self.candles
    }

    /// Returns the number of candles, without the missing ones.
    pub fn len(&self) -> usize {
        self.candles.len()
    }

    /// Returns whether the series has no candle.
    pub fn is_empty(&self) -> bool {
        self.candles.is_empty()
    }

    /// Iterates over the candles, oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Candle> {
        self.candles.iter()
    }

    /// Returns the candle at an index; `None` past the end.
    pub fn get(&self, index: usize) -> Option<&Candle> {
        self.candles.get(index)
    }

    /// Returns the close time of the candle at an index; `None` past the end.
    pub fn close_time(&self, index: usize) -> Option<Timestamp> {
        let open = self.get(index)?.open_time().millis();
        Some(Timestamp::from_millis(open.saturating_add(self.session)))
    }

    /// Iterates over the gaps, in order of time.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.candles.windows(2).enumerate().filter_map(|(after, two)| {
            let missing = self.interval.missing_between(two[0].open_time(), two[1].open_time());
            let from = two[0].close_time(self.interval);
            (missing > 0).then_some(Gap { after, from, missing })
        })
    }

    /// Splits the series into the candles that open before `time` and those that open at `time` or
    /// later.
    pub fn split_at(&self, time: Timestamp) -> (Self, Self) {
        let (before, from) = self.candles.split_at(self.first_from(time));
        (self.part(before), self.part(from))
    }

    /// Returns the candles that open at `from` or later and before `to`: an empty series if `to` is
    /// not after `from`.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Self {
        let (start, end) = (self.first_from(from), self.first_from(to));
        self.part(self.candles.get(start..end).unwrap_or_default())
    }

    /// Index of the first candle that opens at `time` or later.
    fn first_from(&self, time: Timestamp) -> usize {
        self.candles.partition_point(|candle| candle.open_time() < time)
    }

    /// Series of a slice of the candles, with the same session close.
    fn part(&self, candles: &[Candle]) -> Self {
        Self {
            pair: self.pair.clone(),
            candles: Arc::new(candles.to_vec()),
            interval: self.interval,
            session: self.session,
        }
    }
}

impl<'a> IntoIterator for &'a CandleSeries {
    type Item = &'a Candle;
    type IntoIter = std::slice::Iter<'a, Candle>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: Ohlcv = Ohlcv { open: 1.0, high: 3.0, low: 1.0, close: 2.0, volume: 4.0 };

    fn series(millis: &[i64], interval: Interval) -> Result<CandleSeries, SeriesError> {
        let pair = Pair::new("BTCUSDT").unwrap();
        let times = millis.iter().map(|t| Timestamp::from_millis(*t));
        let candles = times.map(|time| Candle::new(time, VALUES).unwrap()).collect();
        CandleSeries::new(pair, interval, candles)
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn minutes(minutes: &[i64]) -> Result<CandleSeries, SeriesError> {
        let millis: Vec<i64> = minutes.iter().map(|m| m * 60_000).collect();
        series(&millis, Interval::MINUTE)
    }

    #[test]
    fn series_may_be_empty() {
        let empty = minutes(&[]).unwrap();
        assert!(empty.is_empty());
        assert_eq!(empty.gaps().count(), 0);
        assert_eq!(empty.close_time(0), None);
        assert!(empty.split_at(Timestamp::from_millis(0)).1.is_empty());
    }

    #[test]
    fn series_rejects_unordered_duplicate_and_misaligned_candles() {
        let cases = [
            (
                vec![0, 2, 1],
                "candle 2 is out of order: it opens at 1970-01-01T00:01:00Z, before the previous",
            ),
            (
                vec![0, 1, 1],
                "candle 2 has the open time 1970-01-01T00:01:00Z of the previous candle: remove",
            ),
        ];
        for (times, message) in cases {
            let error = minutes(&times).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        let error = series(&[0, 60_001], Interval::MINUTE).unwrap_err().to_string();
        assert!(error.contains("candle 1 opens at 1970-01-01T00:01:00.001Z"), "{error}");
        assert!(error.contains("1m candles"), "{error}");
    }

    #[test]
    fn series_gaps_count_missing_candles_even_over_the_whole_time_range() {
        let gaps: Vec<Gap> = minutes(&[0, 1, 4, 5, 7]).unwrap().gaps().collect();
        let first = Gap { after: 1, from: at(2), missing: 2 };
        assert_eq!(gaps, [first, Gap { after: 3, from: at(6), missing: 1 }]);

        let first = Interval::MINUTE.floor(Timestamp::from_millis(i64::MIN + 60_000)).millis();
        let last = Interval::MINUTE.floor(Timestamp::from_millis(i64::MAX)).millis();
        let wide = series(&[first, last], Interval::MINUTE).unwrap();
        assert_eq!(wide.gaps().next().unwrap().missing, last.abs_diff(first) / 60_000 - 1);
    }

    #[test]
    fn series_by_session_keeps_a_distance_and_counts_breaks() {
        let four = Interval::FOUR_HOURS.by_session();
        let hours = |hours: &[i64], interval| {
            let millis: Vec<i64> = hours.iter().map(|hour| hour * 3_600_000).collect();
            series(&millis, interval)
        };
        // 22:00 UTC in winter, 21:00 in summer.
        let weekend = hours(&[22, 26, 30, 97, 101], four).unwrap();
        let gaps: Vec<Gap> = weekend.gaps().collect();
        assert_eq!((gaps.len(), gaps[0].missing), (1, 15));
        assert_eq!(weekend.close_time(2), Some(at(34 * 60)));
        let error = hours(&[22, 25], four).unwrap_err();
        assert!(matches!(error, SeriesError::Overlap { index: 1, .. }), "{error}");
        assert!(error.to_string().contains("less than one interval of 4h@session"), "{error}");
        let day = Interval::DAY.by_session();
        assert_eq!(hours(&[22, 45, 70], day).unwrap().gaps().count(), 0);
        assert!(hours(&[22, 44], day).is_err());
        assert!(matches!(series(&[1], day), Err(SeriesError::Misaligned { .. })));
    }

    #[test]
    fn series_split_and_between_use_open_times() {
        let all = minutes(&[0, 1, 2, 5]).unwrap();
        let (before, from) = all.split_at(at(2));
        assert_eq!((before.len(), from.len()), (2, 2));
        assert_eq!(from.candles()[0].open_time(), at(2));
        assert_eq!(all.between(at(1), at(5)).len(), 2);
        assert_eq!(all.between(at(1), at(1)).len(), 0);
        assert_eq!(all.between(at(5), at(1)).len(), 0);
    }

    #[test]
    fn series_session_close_moves_close_times_and_survives_split() {
        let hour = |minutes: u64| Duration::from_secs(60 * minutes);
        let hours = series(&[0, 3_600_000, 7_200_000], Interval::HOUR).unwrap();
        assert_eq!(hours.session_close(), hour(60));
        let short = hours.clone().with_session_close(hour(50)).unwrap();
        assert_eq!(short.close_time(1), Some(at(110)));
        assert_eq!(short.split_at(at(60)).1.session_close(), hour(50));
        assert_eq!(short.gaps().count(), 0);
        for wrong in [hour(0), hour(61), Duration::from_micros(1_500), Duration::MAX] {
            let error = hours.clone().with_session_close(wrong).unwrap_err().to_string();
            assert!(error.contains("session close must be"), "{error}");
        }
    }

    #[test]
    fn series_from_columns_rejects_invalid_columns() {
        let good = CandleColumns {
            open_time: &[0, 60_000],
            open: &[1.0, 2.0],
            high: &[2.0, 2.0],
            low: &[1.0, 1.0],
            close: &[2.0, 1.0],
            volume: &[0.0, 5.0],
        };
        let read = |columns| {
            CandleSeries::from_columns(Pair::new("X").unwrap(), Interval::MINUTE, columns)
        };
        assert_eq!(read(good).unwrap().len(), 2);
        let error = read(CandleColumns { low: &[1.0], ..good }).unwrap_err().to_string();
        assert_eq!(error, "column low has 1 values, expected 2 as in open_time");
        let error = read(CandleColumns { high: &[2.0, 1.5], ..good }).unwrap_err().to_string();
        assert_eq!(error, "candle 1: high 1.5 is below open 2.0");
        assert!(read(CandleColumns { open_time: &[60_000, 0], ..good }).is_err());
    }

    proptest! {
        #[test]
        fn series_accepts_exactly_strictly_rising_aligned_times(
            steps in prop::collection::vec(-1i64..4, 0..20),
            off in prop_oneof![9 => Just(0i64), 1 => any::<i64>()],
            interval in prop_oneof![Just(Interval::MINUTE), Just(Interval::DAY), Just(Interval::WEEK)],
        ) {
            let mut time = interval.floor(Timestamp::from_millis(off)).millis() + i64::from(off % 7 == 3);
            let mut times = vec![];
            for step in &steps {
                time = time.saturating_add(step * interval.millis());
                times.push(time);
            }
            if let Ok(series) = series(&times, interval) {
                prop_assert_eq!(series.len(), times.len());
                prop_assert!(series.iter().all(|c| interval.is_aligned(c.open_time())));
                let rising = series.candles().windows(2).all(|w| w[0].open_time() < w[1].open_time());
                prop_assert!(rising);
            } else {
                let aligned = times.iter().all(|t| interval.is_aligned(Timestamp::from_millis(*t)));
                prop_assert!(!aligned || times.windows(2).any(|w| w[0] >= w[1]));
            }
        }
    }
}
