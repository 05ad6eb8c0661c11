//! Table of the channel values of a series, computed by the streaming pipeline.
use std::sync::Arc;

use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};

use super::Window;
use super::blocks::RowBlocks;
use super::values::{TableStore, TableValues};
use crate::channels::{CloseCandles, MarketClose};
use crate::{
    CloseVolatility, GapPolicy, MarketSnapshot, Panel, Registry, SignalError, SignalPipeline,
    SignalRows, SignalSpec,
};

/// Channel values of a series, row by row, with the closes and times that labels need.
///
/// A [`SignalPipeline`] computes it in a loop, so batch and live rows have the same bits. Clones
/// share the rows, so a clone copies only a pointer. The values are in memory, or in the file of a
/// [`TableStore`]; a [`RowReader`](crate::RowReader) reads both.
///
/// # Examples
/// ```
/// use windvane_candles::{CandleColumns, CandleSeries, Interval, Pair};
/// use windvane_signals::{Registry, SignalSpec, SignalTable};
///
/// let n = 60;
/// let open_time: Vec<i64> = (0..n).map(|hour| hour * 3_600_000).collect();
/// let price: Vec<f64> = (0..n).map(|hour| 100.0 + (hour % 7) as f64).collect();
/// let (open, high, low, close, volume) = (&price, &price, &price, &price, &price);
/// let columns = CandleColumns { open_time: &open_time, open, high, low, close, volume };
/// let series = CandleSeries::from_columns("BTCUSDT".parse()?, Interval::HOUR, columns)?;
///
/// let table = SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?;
/// assert_eq!(table.len(), 60);
/// assert_eq!(table.row(24), None); // the warm-up of MACD ends at row 25
/// assert_eq!(table.row(25).map(<[f64]>::len), Some(6));
/// assert_eq!(table.window(44, 20).map(|w| w.steps()), Some(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SignalTable {
    data: Arc<TableData>,
}

/// Rows of a table, shared by its clones.
#[derive(Debug)]
struct TableData {
    /// Milliseconds from the open of a candle to its close.
    session: i64,
    spec: SignalSpec,
    values: TableValues,
    rows: RowBlocks,
}

/// Price change after a decision, and the time at which it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Relative change `(P_{t+h} − P_t) / P_t`, a fraction; barriers and relative labels define it
    /// otherwise ([`Band`](crate::Band)).
    pub change: f64,
    /// Close time of the last candle of the horizon.
    pub settled_at: Timestamp,
}

impl SignalTable {
    /// Computes the channel values of a series; `others` contains the series of the other pairs
    /// that channels read. The own series need not be repeated there.
    ///
    /// Candles are joined by what has closed: beside an own candle lies each pair's candle that
    /// closed in the interval before the own close, at the latest with it. With equal
    /// [session closes](CandleSeries::with_session_close) these are the candles of the same open
    /// time; a pair that closes later in the day lies there with its previous candle.
    ///
    /// Under [`GapPolicy::ByClock`] the other pairs' candles between two own candles, and before
    /// the first one, are consumed too. For the tables of all pairs of a market use
    /// [`build_all`](Self::build_all).
    ///
    /// # Errors
    /// As [`SignalPipeline::new`] and [`SignalPipeline::update`];
    /// [`SignalError::MissingPair`] and [`SignalError::WrongInterval`] for `others`.
    pub fn build(
        spec: &SignalSpec,
        registry: &Registry,
        series: &CandleSeries,
        others: &[CandleSeries],
    ) -> Result<Self, SignalError> {
        Self::build_in(&TableStore::memory(), spec, registry, series, others)
    }

    /// Computes the same as [`build`](Self::build) with the values in a store.
    ///
    /// # Errors
    /// As [`build`](Self::build), and [`SignalError::File`] if the file cannot be written, for
    /// example because the disk is full.
    pub fn build_in(
        store: &TableStore,
        spec: &SignalSpec,
        registry: &Registry,
        series: &CandleSeries,
        others: &[CandleSeries],
    ) -> Result<Self, SignalError> {
        let mut pipeline = SignalPipeline::new(spec, series.interval(), registry)?;
        let mut market = MarketCursors::new(spec, series, others)?;
        let mut data = TableData::new(store, spec, series);
        for candle in series {
            if spec.gaps == GapPolicy::ByClock {
                market.advance(&mut pipeline, candle.open_time())?;
            }
            let rows = pipeline.update(market.snapshot(candle))?;
            data.push(rows, candle)?;
        }
        data.finish()
    }

    /// Computes the tables of all series of a market, in their order, with the bits of
    /// [`build`](Self::build) of each series beside the others.
    ///
    /// Under [`GapPolicy::ByClock`] a [`Panel`] computes the market's quantities once per close, so
    /// the time is linear in the number of pairs.
    ///
    /// # Errors
    /// As [`build`](Self::build) and [`Panel::new`]; [`SignalError::WrongInterval`] if the intervals
    /// of the series differ.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
    /// use windvane_signals::{ChannelSpec, GapPolicy, Registry, SignalSpec, SignalTable};
    ///
    /// let pairs: Vec<Pair> = vec!["A".parse()?, "B".parse()?];
    /// let mut series = Vec::new();
    /// for (pair, cycle) in pairs.iter().zip([3, 5]) {
    ///     let candles = (0..60).map(|hour| {
    ///         let close = 100.0 + (hour % cycle) as f64;
    ///         let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
    ///         Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
    ///     });
    ///     series.push(CandleSeries::new(pair.clone(), Interval::HOUR, candles.collect())?);
    /// }
    /// let channels = vec![ChannelSpec::new("relative_return").reading_all(&pairs)];
    /// let spec = SignalSpec { channels, gaps: GapPolicy::ByClock };
    /// let tables = SignalTable::build_all(&spec, &Registry::default(), &series)?;
    /// let alone = SignalTable::build(&spec, &Registry::default(), &series[0], &series[1..])?;
    /// assert_eq!(tables[0].row(50), alone.row(50));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build_all(
        spec: &SignalSpec,
        registry: &Registry,
        series: &[CandleSeries],
    ) -> Result<Vec<Self>, SignalError> {
        Self::build_all_in(&TableStore::memory(), spec, registry, series)
    }

    /// Computes the same as [`build_all`](Self::build_all) with the values in a store.
    ///
    /// # Errors
    /// As [`build_all`](Self::build_all) and [`build_in`](Self::build_in).
    pub fn build_all_in(
        store: &TableStore,
        spec: &SignalSpec,
        registry: &Registry,
        series: &[CandleSeries],
    ) -> Result<Vec<Self>, SignalError> {
        let Some(interval) = series.first().map(CandleSeries::interval) else {
            return Ok(Vec::new());
        };
        if let Some(other) = series.iter().find(|series| series.interval() != interval) {
            let (pair, got) = (other.pair().clone(), other.interval());
            return Err(SignalError::WrongInterval { pair, expected: interval, got });
        }
        let shares_market = spec.gaps == GapPolicy::ByClock && !spec.pairs().is_empty();
        if !shares_market {
            let tables = series.iter();
            return tables.map(|own| Self::build_in(store, spec, registry, own, series)).collect();
        }
        let sessions: Vec<_> =
            series.iter().map(|series| (series.pair().clone(), series.session_close())).collect();
        let mut panel = Panel::with_sessions(spec, interval, registry, &sessions)?;
        // The bound protects a live feed; a series of the past may have any gap.
        panel.set_max_ahead(u32::MAX)?;
        let mut tables: Vec<TableData> =
            series.iter().map(|series| TableData::new(store, spec, series)).collect();
        let mut cursors: Vec<Cursor<'_>> =
            series.iter().map(|series| Cursor { series, next: 0, lag: 0 }).collect();
        while let Some(open_time) = cursors.iter().filter_map(Cursor::next_open).min() {
            for (place, cursor) in cursors.iter_mut().enumerate() {
                if let Some(candle) = cursor.take(open_time) {
                    panel.push_at(place, candle)?;
                }
            }
            panel.close_through(open_time);
            while let Some(close) = panel.next_close() {
                for (place, rows) in close.rows() {
                    if let (Some(rows), Some(candle)) = (rows, close.candle(place)) {
                        tables[place].push(rows, candle)?;
                    }
                }
            }
        }
        tables.into_iter().map(TableData::finish).collect()
    }

    /// Returns the open time of a row's candle.
    pub fn open_time(&self, index: usize) -> Option<Timestamp> {
        self.data.rows.open_time(index)
    }

    /// Returns the pair.
    pub fn pair(&self) -> &Pair {
        self.data.rows.series().pair()
    }

    /// Returns the interval of the candles.
    pub fn interval(&self) -> Interval {
        self.data.rows.series().interval()
    }

    /// Returns the channels and the gap policy.
    pub fn spec(&self) -> &SignalSpec {
        &self.data.spec
    }

    /// Returns the number of channels.
    pub fn width(&self) -> usize {
        self.data.spec.width()
    }

    /// Returns the number of rows: one per candle, including candles that the gap policy filled in.
    pub fn len(&self) -> usize {
        self.data.rows.len()
    }

    /// Returns whether the table has no row.
    pub fn is_empty(&self) -> bool {
        self.data.rows.len() == 0
    }

    /// Returns whether the values are in memory, and not in the file of a [`TableStore`].
    pub fn is_in_memory(&self) -> bool {
        self.data.values.in_memory().is_some()
    }

    /// Values of all rows: in memory or in a file.
    pub(super) fn values(&self) -> &TableValues {
        &self.data.values
    }

    /// Returns a row's values; `None` if a channel is in its warm-up or undefined, and of a table in
    /// a file, whose rows a [`RowReader`](crate::RowReader) reads.
    pub fn row(&self, index: usize) -> Option<&[f64]> {
        let width = self.width();
        let values = self.data.values.in_memory()?;
        (self.run(index) > 0).then(|| &values[index * width..(index + 1) * width])
    }

    /// Returns the number of consecutive complete rows up to and including this one, since the
    /// start, a reset or an incomplete row; 0 if the row is incomplete or does not exist.
    pub fn run(&self, index: usize) -> usize {
        self.data.rows.run(index)
    }

    /// Returns the close time of a row's candle, when the row becomes known.
    pub fn close_time(&self, index: usize) -> Option<Timestamp> {
        let open = self.data.rows.open_time(index)?.millis();
        Some(Timestamp::from_millis(open.saturating_add(self.data.session)))
    }

    /// Returns the close of a row's candle.
    pub fn close(&self, index: usize) -> Option<f64> {
        self.data.rows.price(index, Candle::close)
    }

    /// Returns the high of a row's candle; that of a row that the gap policy filled in is its close.
    pub fn high(&self, index: usize) -> Option<f64> {
        self.data.rows.price(index, Candle::high)
    }

    /// Returns the low of a row's candle; that of a row that the gap policy filled in is its close.
    pub fn low(&self, index: usize) -> Option<f64> {
        self.data.rows.price(index, Candle::low)
    }

    /// Returns the row of the candle that closed at a time; `None` without a candle of its own.
    pub(crate) fn row_closed_at(&self, at: Timestamp) -> Option<usize> {
        let open_time = Timestamp::from_millis(at.millis().checked_sub(self.data.session)?);
        self.data.rows.row_opened_at(open_time)
    }

    /// Computes the volatility σ of the closes after each row, [`CloseVolatility`]; `None` while
    /// warming up and on rows that the gap policy filled in.
    pub fn close_volatility(&self) -> Vec<Option<f64>> {
        let mut volatility = CloseVolatility::new(self.interval());
        let rows = 0..self.len();
        rows.map(|row| {
            let (open_time, close) = (self.open_time(row)?, self.close(row)?);
            if self.is_held(row) { None } else { volatility.update(open_time, close) }
        })
        .collect()
    }

    /// Returns whether the gap policy filled in this row. Such a row has no decision and no
    /// outcome.
    pub fn is_held(&self, index: usize) -> bool {
        self.data.rows.is_held(index)
    }

    /// Returns the last `lookback` rows up to and including `index`; `None` unless all are complete
    /// and consecutive, and the last row is not filled in. `None` also of a table in a file, whose
    /// windows a [`RowReader`](crate::RowReader) reads.
    pub fn window(&self, index: usize, lookback: usize) -> Option<Window<'_>> {
        let decided_at = self.decision(index, lookback)?;
        let width = self.width();
        let values = self.data.values.in_memory()?;
        let rows = &values[(index + 1 - lookback) * width..(index + 1) * width];
        Window::new(rows, width, decided_at)
    }

    /// Returns the time of the decision at a row, the close time of its candle; `None` unless a
    /// window of `lookback` rows ends there.
    pub fn decision(&self, index: usize, lookback: usize) -> Option<Timestamp> {
        if lookback == 0 || self.run(index) < lookback || self.is_held(index) {
            return None;
        }
        self.close_time(index)
    }

    /// Returns the price change from row `index` to `horizon` rows later; `None` at the end of the
    /// series, across a reset, or if either row is filled in. Under [`GapPolicy::ByClock`] it is
    /// also `None` if the candle `horizon` intervals later is missing.
    pub fn outcome(&self, index: usize, horizon: usize) -> Option<Outcome> {
        let later = index.checked_add(horizon)?;
        let rows = &self.data.rows;
        let together = rows.segment(index)? == rows.segment(later)?;
        if !together || rows.is_held(index) || rows.is_held(later) {
            return None;
        }
        if self.data.spec.gaps == GapPolicy::ByClock {
            let due = rows.open_time(index)?.plus(self.interval(), i64::try_from(horizon).ok()?);
            if due != rows.open_time(later) {
                return None;
            }
        }
        let (close, later_close) = (self.close(index)?, self.close(later)?);
        let change = (later_close - close) / close;
        Some(Outcome { change, settled_at: self.close_time(later)? })
    }

    /// Returns the one-row changes of the close over the last `count` rows up to `index`, newest
    /// last; `None` if they reach before the start or across a reset.
    pub(crate) fn recent_changes(
        &self,
        index: usize,
        count: usize,
    ) -> Option<impl Iterator<Item = f64> + '_> {
        let first = index.checked_sub(count)?;
        if self.data.rows.segment(first)? != self.data.rows.segment(index)? {
            return None;
        }
        let mut last = self.close(first)?;
        Some((first + 1..=index).filter_map(move |row| {
            let close = self.close(row)?;
            let change = (close - last) / last;
            last = close;
            Some(change)
        }))
    }
}

impl TableData {
    fn new(store: &TableStore, spec: &SignalSpec, series: &CandleSeries) -> Self {
        Self {
            session: session_of(series),
            spec: spec.clone(),
            values: TableValues::new(store, series.len() * spec.width()),
            rows: RowBlocks::new(series),
        }
    }

    /// Appends the rows of a candle.
    fn push(&mut self, rows: SignalRows<'_>, candle: &Candle) -> Result<(), SignalError> {
        self.values.push(rows.raw())?;
        self.rows.push(rows, candle);
        Ok(())
    }

    /// Returns the table after the last row.
    fn finish(mut self) -> Result<SignalTable, SignalError> {
        self.values.finish()?;
        Ok(SignalTable { data: Arc::new(self) })
    }
}

/// Milliseconds from the open of a candle to its close.
fn session_of(series: &CandleSeries) -> i64 {
    let interval = series.interval();
    interval.session_millis(series.session_close()).unwrap_or(interval.millis())
}

/// Positions in the series of the pairs that a spec reads, advanced along with the own series.
struct MarketCursors<'a> {
    cursors: Vec<Cursor<'a>>,
    candles: CloseCandles,
}

impl<'a> MarketCursors<'a> {
    fn new(
        spec: &SignalSpec,
        series: &'a CandleSeries,
        others: &'a [CandleSeries],
    ) -> Result<Self, SignalError> {
        let mut cursors = Vec::new();
        for pair in spec.pairs() {
            let own = std::iter::once(series).filter(|own| own.pair() == pair);
            let Some(other) = others.iter().chain(own).find(|other| other.pair() == pair) else {
                return Err(SignalError::MissingPair { pair: pair.clone() });
            };
            if other.interval() != series.interval() {
                return Err(SignalError::WrongInterval {
                    pair: pair.clone(),
                    expected: series.interval(),
                    got: other.interval(),
                });
            }
            let lag = i64::from(session_of(other) > session_of(series));
            cursors.push(Cursor { series: other, next: 0, lag });
        }
        let pairs: Vec<Pair> = spec.pairs().into_iter().cloned().collect();
        Ok(Self { cursors, candles: CloseCandles::new(&pairs) })
    }

    /// Advances the pipeline over the other pairs' candles before `until`, close by close.
    fn advance(
        &mut self,
        pipeline: &mut SignalPipeline,
        until: Timestamp,
    ) -> Result<(), SignalError> {
        while let Some(next) = self.cursors.iter().filter_map(Cursor::next_open).min() {
            if next >= until {
                break;
            }
            self.take(next);
            pipeline.advance_to(next, MarketClose::joined(&self.candles, None))?;
        }
        Ok(())
    }

    /// Returns the snapshot of an own candle and those beside it.
    fn snapshot<'s>(&'s mut self, own: &'s Candle) -> MarketSnapshot<'s> {
        if self.cursors.is_empty() {
            return MarketSnapshot::from(own);
        }
        self.take(own.open_time());
        MarketSnapshot::at_close(own, MarketClose::joined(&self.candles, None))
    }

    /// Passes the candles up to `open_time` and keeps those that lie beside it.
    fn take(&mut self, open_time: Timestamp) {
        let cursors = &mut self.cursors;
        let mut taken = cursors.iter_mut().map(|cursor| cursor.take(open_time).copied());
        self.candles.fill(|_| taken.next().flatten());
    }
}

/// Position in a pair's series.
struct Cursor<'a> {
    series: &'a CandleSeries,
    next: usize,
    /// Intervals between the open of a candle and that of the own candle beside it.
    lag: i64,
}

impl<'a> Cursor<'a> {
    /// Open time of the own candle beside the next one.
    fn next_open(&self) -> Option<Timestamp> {
        let open_time = self.series.get(self.next)?.open_time();
        Some(open_time.plus(self.series.interval(), self.lag).unwrap_or(open_time))
    }

    /// Passes the candles up to `open_time` and returns the one beside it.
    fn take(&mut self, open_time: Timestamp) -> Option<&'a Candle> {
        while self.next_open().is_some_and(|next| next < open_time) {
            self.next += 1;
        }
        let candle = self.series.get(self.next).filter(|_| self.next_open() == Some(open_time))?;
        self.next += 1;
        Some(candle)
    }
}
