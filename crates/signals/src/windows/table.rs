//! Rows of channel values for a whole series, made by the streaming pipeline.
use std::sync::Arc;

use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};

use super::Window;
use crate::{GapPolicy, MarketSnapshot, Registry, SignalError, SignalPipeline, SignalSpec};

/// Channel values of a series, row by row, beside what labels need.
///
/// It is made by a [`SignalPipeline`] in a loop: batch and live rows have the same bits. Clones
/// share the rows, so a clone costs no more than a pointer.
///
/// # Examples
/// ```
/// use windvane_candles::{CandleSeries, Columns, Interval, Pair};
/// use windvane_signals::{Registry, SignalSpec, SignalTable};
///
/// let n = 60;
/// let open_time: Vec<i64> = (0..n).map(|hour| hour * 3_600_000).collect();
/// let price: Vec<f64> = (0..n).map(|hour| 100.0 + (hour % 7) as f64).collect();
/// let (open, high, low, close, volume) = (&price, &price, &price, &price, &price);
/// let columns = Columns { open_time: &open_time, open, high, low, close, volume };
/// let series = CandleSeries::from_columns("BTCUSDT".parse()?, Interval::HOUR, columns)?;
///
/// let table = SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?;
/// assert_eq!(table.len(), 60);
/// assert_eq!(table.row(24), None); // MACD is ready at row 25
/// assert_eq!(table.row(25).map(<[f64]>::len), Some(6));
/// assert_eq!(table.window(44, 20).map(|w| w.steps()), Some(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SignalTable {
    data: Arc<TableData>,
}

/// The columns of a table, shared by its clones.
#[derive(Debug)]
struct TableData {
    pair: Pair,
    interval: Interval,
    spec: SignalSpec,
    values: Vec<f64>,
    open_times: Vec<Timestamp>,
    closes: Vec<f64>,
    /// Complete rows in a row up to here, 0 where this one is incomplete.
    runs: Vec<u32>,
    /// Counts restarts: rows of different segments never meet in a window or a label.
    segments: Vec<u32>,
    held: Vec<bool>,
}

/// Price change after a decision, and the time at which it was known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// `(P_{t+h} − P_t) / P_t`, a fraction.
    pub change: f64,
    /// Close time of the candle that settled it.
    pub settled_at: Timestamp,
}

impl SignalTable {
    /// Runs the pipeline of `spec` over a series; `others` are the series of the pairs that
    /// channels read beside the own one. The own series need not be repeated there.
    ///
    /// Under [`GapPolicy::ByClock`] the other pairs' candles between two own candles, and before
    /// the first one, are consumed too.
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
            if spec.gaps == GapPolicy::ByClock {
                advance(&mut pipeline, &mut cursors, candle.open_time(), &mut beside)?;
            }
            beside.clear();
            beside.extend(cursors.iter_mut().filter_map(|cursor| cursor.at(candle.open_time())));
            for cursor in &mut cursors {
                cursor.pass(candle.open_time());
            }
            data.push(&mut pipeline, candle, &beside)?;
        }
        Ok(Self { data: Arc::new(data) })
    }

    /// Open time of a row's candle.
    pub fn open_time(&self, index: usize) -> Option<Timestamp> {
        self.data.open_times.get(index).copied()
    }

    /// The pair.
    pub fn pair(&self) -> &Pair {
        &self.data.pair
    }

    /// The candles' interval.
    pub fn interval(&self) -> Interval {
        self.data.interval
    }

    /// The channels and the gap policy it was made with.
    pub fn spec(&self) -> &SignalSpec {
        &self.data.spec
    }

    /// Number of channels.
    pub fn width(&self) -> usize {
        self.data.spec.width()
    }

    /// Number of rows: one per candle, and one per candle that the gap policy filled in.
    pub fn len(&self) -> usize {
        self.data.runs.len()
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.data.runs.is_empty()
    }

    /// A row's values; `None` while a channel is warming up or undefined.
    pub fn row(&self, index: usize) -> Option<&[f64]> {
        let width = self.width();
        (self.run(index) > 0).then(|| &self.data.values[index * width..(index + 1) * width])
    }

    /// Complete rows in a row up to and including this one, since the start, a reset or an
    /// undefined row: 0 where it is incomplete or there is none, 1 where a run begins.
    pub fn run(&self, index: usize) -> usize {
        self.data.runs.get(index).map_or(0, |run| *run as usize)
    }

    /// Close time of a row's candle: from then on the row is known.
    pub fn close_time(&self, index: usize) -> Option<Timestamp> {
        let open = *self.data.open_times.get(index)?;
        Some(open.plus(self.data.interval, 1).unwrap_or(open))
    }

    /// Close of a row's candle.
    pub fn close(&self, index: usize) -> Option<f64> {
        self.data.closes.get(index).copied()
    }

    /// Returns whether the gap policy filled this row in; nothing is decided or settled on such a
    /// row.
    pub fn is_held(&self, index: usize) -> bool {
        self.data.held.get(index).copied().unwrap_or(false)
    }

    /// The last `lookback` rows up to and including `index`; `None` unless all are complete,
    /// follow one another, and the last one is a real candle's.
    pub fn window(&self, index: usize, lookback: usize) -> Option<Window<'_>> {
        if lookback == 0 || self.run(index) < lookback || self.data.held[index] {
            return None;
        }
        let width = self.width();
        let rows = &self.data.values[(index + 1 - lookback) * width..(index + 1) * width];
        Window::new(rows, width, self.close_time(index)?)
    }

    /// Price change from the row `index` to `horizon` rows later; `None` at the end of the
    /// series, across a reset, or where either candle was filled in. Under [`GapPolicy::ByClock`]
    /// it is also `None` where the candle `horizon` intervals later is missing.
    pub fn outcome(&self, index: usize, horizon: usize) -> Option<Outcome> {
        let later = index.checked_add(horizon)?;
        let together = self.data.segments.get(index)? == self.data.segments.get(later)?;
        if !together || self.data.held[index] || self.data.held[later] {
            return None;
        }
        if self.data.spec.gaps == GapPolicy::ByClock {
            let open_times = &self.data.open_times;
            let due = open_times[index].plus(self.data.interval, i64::try_from(horizon).ok()?);
            if due != Some(open_times[later]) {
                return None;
            }
        }
        let change = (self.data.closes[later] - self.data.closes[index]) / self.data.closes[index];
        Some(Outcome { change, settled_at: self.close_time(later)? })
    }

    /// One-row changes of the close over the last `count` rows up to `index`, newest last;
    /// `None` where they reach before the start or across a reset.
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

/// Hands the pipeline the other pairs' candles before `until`, close by close.
fn advance(
    pipeline: &mut SignalPipeline,
    cursors: &mut [Cursor<'_>],
    until: Timestamp,
    beside: &mut Vec<(Pair, Candle)>,
) -> Result<(), SignalError> {
    while let Some(next) = cursors.iter().filter_map(Cursor::next_open).min() {
        if next >= until {
            break;
        }
        beside.clear();
        beside.extend(cursors.iter_mut().filter_map(|cursor| cursor.at(next)));
        pipeline.advance(next, beside)?;
        for cursor in &mut *cursors {
            cursor.pass(next);
        }
    }
    Ok(())
}

/// Walks another pair's series beside the own one.
struct Cursor<'a> {
    series: &'a CandleSeries,
    next: usize,
}

impl Cursor<'_> {
    /// Open time of the next candle.
    fn next_open(&self) -> Option<Timestamp> {
        self.series.get(self.next).map(Candle::open_time)
    }

    /// Skips the candles up to and including a time.
    fn pass(&mut self, time: Timestamp) {
        while self.next_open().is_some_and(|next| next <= time) {
            self.next += 1;
        }
    }

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
    series: &'a CandleSeries,
    others: &'a [CandleSeries],
) -> Result<Vec<Cursor<'a>>, SignalError> {
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
        cursors.push(Cursor { series: other, next: 0 });
    }
    Ok(cursors)
}
