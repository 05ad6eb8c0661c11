//! Table of the channel values of a series, computed by the streaming pipeline.
use std::sync::Arc;

use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};

use super::Window;
use crate::{MarketSnapshot, Registry, SignalError, SignalPipeline, SignalSpec};

/// Channel values of a series, row by row, with the closes and times that labels need.
///
/// A [`SignalPipeline`] computes it in a loop, so batch and live rows have the same bits. Clones
/// share the rows, so a clone copies only a pointer.
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

/// Columns of a table, shared by its clones.
#[derive(Debug)]
struct TableData {
    pair: Pair,
    interval: Interval,
    spec: SignalSpec,
    values: Vec<f64>,
    open_times: Vec<Timestamp>,
    closes: Vec<f64>,
    /// Number of consecutive complete rows up to and including this one; 0 if it is incomplete.
    runs: Vec<u32>,
    /// Number of resets up to this row: no window and no label spans different segments.
    segments: Vec<u32>,
    held: Vec<bool>,
}

/// Price change after a decision, and the time at which it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Relative change `(P_{t+h} − P_t) / P_t`, a fraction.
    pub change: f64,
    /// Close time of the last candle of the horizon.
    pub settled_at: Timestamp,
}

impl SignalTable {
    /// Computes the channel values of a series; `others` contains the series of the other pairs
    /// that channels read.
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
        let mut pipeline = SignalPipeline::new(spec, series.interval(), registry)?;
        let mut cursors = cursors(spec, series, others)?;
        let mut data = TableData {
            pair: series.pair().clone(),
            interval: series.interval(),
            spec: spec.clone(),
            values: Vec::with_capacity(series.len() * pipeline.width()),
            open_times: Vec::with_capacity(series.len()),
            closes: Vec::with_capacity(series.len()),
            runs: Vec::with_capacity(series.len()),
            segments: Vec::with_capacity(series.len()),
            held: Vec::with_capacity(series.len()),
        };
        let mut beside = Vec::with_capacity(cursors.len());
        for candle in series {
            beside.clear();
            beside.extend(cursors.iter_mut().filter_map(|cursor| cursor.at(candle.open_time())));
            data.push(&mut pipeline, candle, &beside)?;
        }
        Ok(Self { data: Arc::new(data) })
    }

    /// Returns the open time of a row's candle.
    pub fn open_time(&self, index: usize) -> Option<Timestamp> {
        self.data.open_times.get(index).copied()
    }

    /// Returns the pair.
    pub fn pair(&self) -> &Pair {
        &self.data.pair
    }

    /// Returns the interval of the candles.
    pub fn interval(&self) -> Interval {
        self.data.interval
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
        self.data.runs.len()
    }

    /// Returns whether the table has no row.
    pub fn is_empty(&self) -> bool {
        self.data.runs.is_empty()
    }

    /// Returns a row's values; `None` if a channel is in its warm-up or undefined.
    pub fn row(&self, index: usize) -> Option<&[f64]> {
        let width = self.width();
        (self.run(index) > 0).then(|| &self.data.values[index * width..(index + 1) * width])
    }

    /// Returns the number of consecutive complete rows up to and including this one, since the
    /// start, a reset or an incomplete row; 0 if the row is incomplete or does not exist.
    pub fn run(&self, index: usize) -> usize {
        self.data.runs.get(index).map_or(0, |run| *run as usize)
    }

    /// Returns the close time of a row's candle, when the row becomes known.
    pub fn close_time(&self, index: usize) -> Option<Timestamp> {
        let open = *self.data.open_times.get(index)?;
        Some(open.plus(self.data.interval, 1).unwrap_or(open))
    }

    /// Returns the close of a row's candle.
    pub fn close(&self, index: usize) -> Option<f64> {
        self.data.closes.get(index).copied()
    }

    /// Returns whether the gap policy filled in this row. Such a row has no decision and no
    /// outcome.
    pub fn is_held(&self, index: usize) -> bool {
        self.data.held.get(index).copied().unwrap_or(false)
    }

    /// Returns the last `lookback` rows up to and including `index`; `None` unless all are complete
    /// and consecutive, and the last row is not filled in.
    pub fn window(&self, index: usize, lookback: usize) -> Option<Window<'_>> {
        if lookback == 0 || self.run(index) < lookback || self.data.held[index] {
            return None;
        }
        let width = self.width();
        let rows = &self.data.values[(index + 1 - lookback) * width..(index + 1) * width];
        Window::new(rows, width, self.close_time(index)?)
    }

    /// Returns the price change from row `index` to `horizon` rows later; `None` at the end of the
    /// series, across a reset, or if either row is filled in.
    pub fn outcome(&self, index: usize, horizon: usize) -> Option<Outcome> {
        let later = index.checked_add(horizon)?;
        let together = self.data.segments.get(index)? == self.data.segments.get(later)?;
        if !together || self.data.held[index] || self.data.held[later] {
            return None;
        }
        let change = (self.data.closes[later] - self.data.closes[index]) / self.data.closes[index];
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
        if self.data.segments.get(first)? != self.data.segments.get(index)? {
            return None;
        }
        Some(self.data.closes[first..=index].windows(2).map(|pair| (pair[1] - pair[0]) / pair[0]))
    }
}

impl TableData {
    fn push(
        &mut self,
        pipeline: &mut SignalPipeline,
        candle: &Candle,
        beside: &[(Pair, Candle)],
    ) -> Result<(), SignalError> {
        let rows = pipeline.update(MarketSnapshot::new(candle, beside))?;
        let segment = self.segments.last().map_or(0, |s| s + u32::from(rows.restarted()));
        self.values.extend_from_slice(rows.raw());
        let last_close = self.closes.last().copied();
        for index in 0..rows.len() {
            let own = index + 1 == rows.len();
            let run = if rows.restarted() { 0 } else { self.runs.last().copied().unwrap_or(0) };
            self.runs.push(if rows.get(index).is_some() { run + 1 } else { 0 });
            self.segments.push(segment);
            self.held.push(!own);
            self.closes.push(if own {
                candle.close()
            } else {
                last_close.unwrap_or(candle.close())
            });
            let candles_back = i64::try_from(rows.len() - 1 - index).unwrap_or(0);
            let open_time = candle.open_time().plus(self.interval, -candles_back);
            self.open_times.push(open_time.unwrap_or(candle.open_time()));
        }
        Ok(())
    }
}

/// Position in another pair's series, advanced along with the own series.
struct Cursor<'a> {
    series: &'a CandleSeries,
    next: usize,
}

impl Cursor<'_> {
    fn at(&mut self, open_time: Timestamp) -> Option<(Pair, Candle)> {
        let candles = self.series.candles();
        while candles.get(self.next).is_some_and(|candle| candle.open_time() < open_time) {
            self.next += 1;
        }
        let candle = candles.get(self.next).filter(|candle| candle.open_time() == open_time)?;
        Some((self.series.pair().clone(), *candle))
    }
}

fn cursors<'a>(
    spec: &SignalSpec,
    series: &CandleSeries,
    others: &'a [CandleSeries],
) -> Result<Vec<Cursor<'a>>, SignalError> {
    let mut cursors = Vec::new();
    for pair in spec.pairs() {
        let Some(other) = others.iter().find(|other| other.pair() == pair) else {
            return Err(SignalError::MissingPair { pair: pair.clone() });
        };
        if other.interval() != series.interval() {
            return Err(SignalError::WrongInterval {
                pair: pair.clone(),
                expected: series.interval(),
                got: other.interval(),
            });
        }
        cursors.push(Cursor { series: other, next: 0 });
    }
    Ok(cursors)
}
