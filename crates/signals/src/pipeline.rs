//! Candles in, rows of channel values out, one candle at a time.
use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};

use crate::slot::Slot;
use crate::{
    Channel, GapPolicy, Market, Registry, SignalError, SignalSpec, StateReader, StateWriter,
};

/// Computes the rows of a [`SignalSpec`] one candle at a time.
///
/// Batch tables are made by the same code ([`SignalTable`](crate::SignalTable)), so live and
/// batch rows have the same bits. It allocates nothing after construction.
///
/// # Examples
/// ```
/// use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// use windvane_signals::{Registry, SignalPipeline, SignalSpec};
///
/// let mut pipeline = SignalPipeline::new(&SignalSpec::default(), Interval::HOUR, &Registry::default())?;
/// for hour in 0..30 {
///     let price = 100.0 + hour as f64;
///     let values = Ohlcv { open: price, high: price, low: price, close: price, volume: 5.0 };
///     let candle = Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap();
///     let rows = pipeline.update(&candle)?;
///     assert_eq!(rows.last().is_some(), hour >= 25); // the slowest channel, MACD, is ready at 25
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct SignalPipeline {
    interval: Interval,
    gaps: GapPolicy,
    channels: Vec<Slot>,
    last: Option<Candle>,
    /// Rows of the last update, flat; the held ones first, the candle's own last.
    rows: Vec<f64>,
    complete: Vec<bool>,
}

/// The rows that one candle made: its own, and before it one per held (filled) candle.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [f64],
    complete: &'a [bool],
    width: usize,
    restarted: bool,
}

impl<'a> Rows<'a> {
    /// Number of rows, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is always the candle's own row")]
    pub fn len(&self) -> usize {
        self.complete.len()
    }

    /// A row's values; `None` while a channel is warming up or undefined.
    pub fn get(&self, index: usize) -> Option<&'a [f64]> {
        let rows = index * self.width..(index + 1) * self.width;
        self.complete.get(index)?.then(|| &self.values[rows])
    }

    /// The candle's own row; `None` while a channel is warming up or undefined.
    pub fn last(&self) -> Option<&'a [f64]> {
        self.get(self.len() - 1)
    }

    /// Whether a gap reset the channels, so that earlier rows belong to another run.
    pub fn restarted(&self) -> bool {
        self.restarted
    }

    pub(crate) fn raw(&self) -> &'a [f64] {
        self.values
    }
}

/// What a gap before a candle asks for.
enum Step {
    Follow,
    Restart,
    Fill(u32),
}

impl SignalPipeline {
    /// Builds the channels of `spec` for candles of `interval`.
    ///
    /// # Errors
    /// What [`SignalSpec::check`] and [`Registry::build`] find wrong with the spec.
    pub fn new(
        spec: &SignalSpec,
        interval: Interval,
        registry: &Registry,
    ) -> Result<Self, SignalError> {
        spec.check()?;
        let channels =
            spec.channels.iter().map(|c| registry.slot(c)).collect::<Result<Vec<_>, _>>()?;
        let most_rows = spec.gaps.most_held() as usize + 1;
        Ok(Self {
            interval,
            gaps: spec.gaps,
            rows: Vec::with_capacity(most_rows * channels.len()),
            complete: Vec::with_capacity(most_rows),
            channels,
            last: None,
        })
    }

    /// Takes the next candle (or candle with other pairs' candles of the same time).
    ///
    /// # Errors
    /// [`SignalError::Late`], [`SignalError::Misaligned`], [`SignalError::OtherTime`], and
    /// [`SignalError::Gap`] under [`GapPolicy::Error`]. The state is as it was before.
    pub fn update<'m>(&mut self, market: impl Into<Market<'m>>) -> Result<Rows<'_>, SignalError> {
        let market = market.into();
        // The common case costs no division: no gap, and no other pairs' times to compare.
        let follows = market.others().is_empty() && self.is_next(market.own().open_time());
        let restarted = if follows {
            self.rows.clear();
            self.complete.clear();
            false
        } else {
            self.cross_gap(&market)?
        };
        self.push_row(&market);
        self.last = Some(*market.own());
        let width = self.channels.len();
        Ok(Rows { values: &self.rows, complete: &self.complete, width, restarted })
    }

    /// Does before a candle's row what the gap policy asks for; true after a reset.
    #[inline(never)]
    fn cross_gap(&mut self, market: &Market<'_>) -> Result<bool, SignalError> {
        let step = self.step_to(market)?;
        self.rows.clear();
        self.complete.clear();
        let restarted = matches!(step, Step::Restart);
        if restarted {
            self.channels.iter_mut().for_each(Channel::reset);
        }
        if let (Step::Fill(missing), Some(last)) = (step, self.last) {
            for n in 1..=missing {
                if let Some(flat) = held(&last, self.interval, n) {
                    self.push_row(&Market::from(&flat));
                }
            }
        }
        Ok(restarted)
    }

    /// Whether a candle follows the last one without a gap: the common case, without a division.
    fn is_next(&self, open_time: Timestamp) -> bool {
        self.last.is_some_and(|last| {
            let apart = open_time.millis().checked_sub(last.open_time().millis());
            apart == Some(self.interval.millis())
        })
    }

    /// Checks a candle against the last one; changes nothing.
    fn step_to(&self, market: &Market<'_>) -> Result<Step, SignalError> {
        let open_time = market.own().open_time();
        if !self.interval.is_aligned(open_time) {
            return Err(SignalError::Misaligned { open_time, interval: self.interval });
        }
        for (pair, candle) in market.others() {
            if candle.open_time() != open_time {
                let (pair, got) = (pair.clone(), candle.open_time());
                return Err(SignalError::OtherTime { pair, expected: open_time, got });
            }
        }
        let Some(last) = self.last.map(|candle| candle.open_time()) else {
            return Ok(Step::Follow);
        };
        if open_time <= last {
            return Err(SignalError::Late { open_time, last });
        }
        let missing = missing_between(last, open_time, self.interval);
        match self.gaps {
            _ if missing == 0 => Ok(Step::Follow),
            GapPolicy::Error => {
                let from = last.plus(self.interval, 1).unwrap_or(last);
                Err(SignalError::Gap { from, missing })
            }
            GapPolicy::Sessions { max_missing } if missing <= u64::from(max_missing) => {
                Ok(Step::Follow)
            }
            GapPolicy::Hold { max_missing } if missing <= u64::from(max_missing) => {
                // It fits: max_missing is a u32.
                Ok(Step::Fill(u32::try_from(missing).unwrap_or(max_missing)))
            }
            _ => Ok(Step::Restart),
        }
    }

    fn push_row(&mut self, market: &Market<'_>) {
        let mut complete = true;
        self.rows.extend(self.channels.iter_mut().map(|channel| {
            let value = channel.update(market).filter(|value| value.is_finite());
            complete &= value.is_some();
            value.unwrap_or(0.0)
        }));
        self.complete.push(complete);
    }

    /// Number of channels.
    pub fn width(&self) -> usize {
        self.channels.len()
    }

    /// Interval of the candles it takes.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Index of the first candle (counted from 0) with a complete row: the slowest channel's.
    pub fn warm_up(&self) -> usize {
        self.channels.iter().map(Channel::warm_up).max().unwrap_or(0)
    }

    /// Open time of the last candle taken.
    pub fn last_open_time(&self) -> Option<Timestamp> {
        self.last.map(|candle| candle.open_time())
    }

    /// Forgets every candle.
    pub fn reset(&mut self) {
        self.last = None;
        self.channels.iter_mut().for_each(Channel::reset);
    }

    /// Writes the state, so that [`restore`](Self::restore) continues with the same bits.
    pub fn save(&self, state: &mut StateWriter) {
        state.int(self.interval.millis());
        state.count(self.channels.len());
        state.count(usize::from(self.last.is_some()));
        if let Some(last) = self.last {
            state.int(last.open_time().millis());
            let Ohlcv { open, high, low, close, volume } = last.values();
            state.floats([open, high, low, close, volume].into_iter());
        }
        self.channels.iter().for_each(|channel| channel.save(state));
    }

    /// Takes over a state written by [`save`](Self::save) of a pipeline of the same spec.
    ///
    /// # Errors
    /// [`SignalError::State`] when the state does not fit; the pipeline is as it was before.
    pub fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        let mut before = StateWriter::default();
        self.save(&mut before);
        self.try_restore(state).inspect_err(|_| {
            let words = before.into_words();
            let own = self.try_restore(&mut StateReader::new(&words));
            debug_assert!(own.is_ok(), "invariant: a pipeline restores its own state");
        })
    }

    fn try_restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        if state.int()? != self.interval.millis() {
            return Err(SignalError::State { what: "it is of candles of another interval" });
        }
        if state.count()? != self.channels.len() {
            return Err(SignalError::State { what: "it has another number of channels" });
        }
        self.last = if state.count()? == 0 { None } else { Some(read_candle(state)?) };
        if self.last.is_some_and(|last| !self.interval.is_aligned(last.open_time())) {
            return Err(SignalError::State { what: "its last candle is off the grid" });
        }
        for channel in &mut self.channels {
            channel.restore(state)?;
        }
        Ok(())
    }
}

fn read_candle(state: &mut StateReader<'_>) -> Result<Candle, SignalError> {
    let broken = SignalError::State { what: "its last candle is broken" };
    let open_time = Timestamp::from_millis(state.int()?);
    let [open, high, low, close, volume] = state.floats(5)?[..] else { return Err(broken) };
    Candle::new(open_time, Ohlcv { open, high, low, close, volume }).map_err(|_| broken)
}

/// Candles missing between two aligned open times, `last` the earlier.
fn missing_between(last: Timestamp, next: Timestamp, interval: Interval) -> u64 {
    let apart = next.millis().abs_diff(last.millis());
    (apart / interval.millis().unsigned_abs()).saturating_sub(1)
}

/// The flat candle that stands for the `n`-th missing one after `last`.
fn held(last: &Candle, interval: Interval, n: u32) -> Option<Candle> {
    let close = last.close();
    let flat = Ohlcv { open: close, high: close, low: close, close, volume: 0.0 };
    Candle::new(last.open_time().plus(interval, i64::from(n))?, flat).ok()
}
