//! Streaming pipeline: turns candles into rows of channel values, one candle at a time.
use std::cell::RefCell;

use windvane_candles::{Candle, Interval, Ohlcv, Pair, Timestamp};

use crate::channels::{
    CandleLogs, ChannelSlot, MarketClose, SharedMarket, Sharing, next_default_row,
};
use crate::{
    GapPolicy, MarketSnapshot, Registry, SignalError, SignalSpec, StateReader, StateWriter,
};

/// Streaming computation of the rows of a [`SignalSpec`], one candle at a time.
///
/// Batch tables ([`SignalTable`](crate::SignalTable)) run the same code, so live and batch rows
/// have the same bits. There is no allocation after construction.
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
///     assert_eq!(rows.last().is_some(), hour >= 25); // MACD has the longest warm-up, 25 candles
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct SignalPipeline {
    interval: Interval,
    gaps: GapPolicy,
    channels: Vec<ChannelSlot>,
    /// Open time and close of the last candle.
    last: Option<(Timestamp, f64)>,
    /// Open time of the last close of the market without an own candle.
    advanced: Option<Timestamp>,
    /// Buffer for the rows of one update: the held rows, then the candle's own row.
    rows: Box<[f64]>,
    complete: Box<[bool]>,
    /// True if the last row was complete: afterwards the built-in channels always have a value.
    warm: bool,
    /// Index of the first channel without a value in the last row.
    first_undefined: Option<usize>,
    /// True if a gap that would reset the channels is rejected.
    stops: bool,
    /// Whether a channel may read logarithms: those that are stored inline read none.
    reads_logs: bool,
}

/// Rows of one update: one per held (filled-in) candle, then the candle's own row.
#[derive(Debug, Clone, Copy)]
pub struct SignalRows<'a> {
    values: &'a [f64],
    complete: &'a [bool],
    width: usize,
    restarted: bool,
}

impl<'a> SignalRows<'a> {
    /// Returns the number of rows, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "the candle's own row always exists")]
    pub fn len(&self) -> usize {
        self.complete.len()
    }

    /// Returns a row's values; `None` if a channel is in its warm-up or undefined.
    pub fn get(&self, index: usize) -> Option<&'a [f64]> {
        let rows = index * self.width..(index + 1) * self.width;
        self.complete.get(index)?.then(|| &self.values[rows])
    }

    /// Returns the candle's own row; `None` if a channel is in its warm-up or undefined.
    pub fn last(&self) -> Option<&'a [f64]> {
        let start = self.values.len() - self.width;
        self.complete.last()?.then(|| &self.values[start..])
    }

    /// Returns whether a gap reset the channels before this candle: no window may contain earlier
    /// rows.
    pub fn restarted(&self) -> bool {
        self.restarted
    }

    pub(crate) fn raw(&self) -> &'a [f64] {
        self.values
    }
}

/// Action that a gap before a candle requires.
enum GapAction {
    Follow,
    Restart,
    Fill(u32),
}

impl SignalPipeline {
    /// Creates a pipeline with the channels of `spec` for candles of `interval`.
    ///
    /// # Errors
    /// As [`SignalSpec::validate`] and [`Registry::build`]; [`SignalError::SessionGaps`] for candles
    /// by session under a gap policy that counts intervals on a grid.
    pub fn new(
        spec: &SignalSpec,
        interval: Interval,
        registry: &Registry,
    ) -> Result<Self, SignalError> {
        Self::sharing(spec, interval, registry, None)
    }

    /// Creates a pipeline whose market quantities are those of `market`, where there is one: a
    /// panel advances them for all its pairs.
    pub(crate) fn sharing(
        spec: &SignalSpec,
        interval: Interval,
        registry: &Registry,
        market: Option<&RefCell<SharedMarket>>,
    ) -> Result<Self, SignalError> {
        spec.validate()?;
        if interval.is_by_session()
            && matches!(spec.gaps, GapPolicy::Hold { .. } | GapPolicy::ByClock)
        {
            return Err(SignalError::SessionGaps { interval, got: spec.gaps });
        }
        let mut channels = Vec::with_capacity(spec.width());
        for (place, channel) in spec.channels.iter().enumerate() {
            let sharing = market.map(|market| Sharing { market, place });
            channels.push(registry.slot(channel, interval, sharing)?);
        }
        let reads_logs = channels.iter().any(|slot| matches!(slot, ChannelSlot::Boxed(_)));
        let max_rows = spec.gaps.max_held() as usize + 1;
        Ok(Self {
            interval,
            gaps: spec.gaps,
            rows: vec![0.0; max_rows * channels.len()].into(),
            complete: vec![false; max_rows].into(),
            channels,
            last: None,
            advanced: None,
            warm: false,
            first_undefined: None,
            stops: false,
            reads_logs,
        })
    }

    /// Creates a pipeline of `spec` with the channel states of other pipelines, `sources`, each
    /// with its spec. It continues after the last candle of the sources.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`SignalError::State`] if no source has one of the channels, or if
    /// the last candles or the intervals of the sources differ.
    pub fn joined(
        spec: &SignalSpec,
        interval: Interval,
        registry: &Registry,
        sources: &[(&SignalSpec, &Self)],
    ) -> Result<Self, SignalError> {
        let mut joined = Self::new(spec, interval, registry)?;
        joined.last = sources.first().and_then(|(_, first)| first.last);
        joined.advanced = sources.first().and_then(|(_, first)| first.advanced);
        let place = (joined.last, joined.advanced, interval);
        if sources.iter().any(|(_, other)| (other.last, other.advanced, other.interval) != place) {
            return Err(SignalError::State {
                what: "the last candles or the intervals of the pipelines differ",
            });
        }
        for (channel, slot) in spec.channels.iter().zip(&mut joined.channels) {
            let found = sources.iter().find_map(|(of, source)| {
                let place = of.channels.iter().position(|own| own == channel)?;
                source.channels.get(place)
            });
            let none = SignalError::State { what: "one of the channels is in no pipeline" };
            let mut state = StateWriter::default();
            found.ok_or(none)?.channel().save(&mut state);
            slot.channel_mut().restore(&mut StateReader::new(&state.into_words()))?;
        }
        Ok(joined)
    }

    /// Consumes the next candle, or a snapshot with other pairs' candles of the same time.
    ///
    /// # Errors
    /// [`SignalError::Duplicate`], [`SignalError::Late`], [`SignalError::Misaligned`],
    /// [`SignalError::Overlap`], [`SignalError::OutOfSync`], and [`SignalError::Gap`] under
    /// [`GapPolicy::Error`] or after [`stop_at_gaps`](Self::stop_at_gaps). An error does not change
    /// the state.
    #[expect(clippy::inline_always, reason = "a call costs a tenth of a row's time")]
    #[inline(always)]
    pub fn update<'m>(
        &mut self,
        market: impl Into<MarketSnapshot<'m>>,
    ) -> Result<SignalRows<'_>, SignalError> {
        let mut market = market.into();
        // The common case needs no division: no gap, and no times of other pairs to compare.
        let follows = market.others().is_empty() && self.is_next(market.own().open_time());
        let (held, restarted) = if follows { (0, false) } else { self.cross_gap(&mut market)? };
        self.write_row(held, &market);
        self.last = Some((market.own().open_time(), market.own().close()));
        Ok(self.last_rows(held, restarted))
    }

    /// Consumes other pairs' candles at a close at which the own pair has none.
    ///
    /// Under [`GapPolicy::ByClock`] the quantities of a market advance at every close; the other
    /// policies read other pairs only together with an own candle, and this does nothing.
    ///
    /// # Errors
    /// [`SignalError::Late`], [`SignalError::Misaligned`], [`SignalError::OutOfSync`]. The state is
    /// as it was before.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
    /// use windvane_signals::{ChannelSpec, GapPolicy, Registry, SignalPipeline, SignalSpec};
    ///
    /// let pairs = ["A".parse()?, "B".parse()?];
    /// let channels = vec![ChannelSpec::new("market_return").reading_all(&pairs)];
    /// let spec = SignalSpec { channels, gaps: GapPolicy::ByClock };
    /// let mut pipeline = SignalPipeline::new(&spec, Interval::HOUR, &Registry::default())?;
    /// let values = Ohlcv { open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 0.0 };
    /// let hour = Timestamp::from_millis(3_600_000);
    /// let candle = Candle::new(hour, values)?;
    /// pipeline.advance(hour, &[(pairs[0].clone(), candle), (pairs[1].clone(), candle)])?;
    /// assert!(pipeline.update(&candle).is_err()); // this close has passed
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advance(
        &mut self,
        open_time: Timestamp,
        others: &[(Pair, Candle)],
    ) -> Result<(), SignalError> {
        if self.gaps != GapPolicy::ByClock {
            return Ok(());
        }
        self.check_times(open_time, others)?;
        self.advance_to(open_time, MarketClose::new(others))
    }

    /// [`advance`](Self::advance) with candles that have been joined.
    pub(crate) fn advance_to(
        &mut self,
        open_time: Timestamp,
        close: MarketClose<'_>,
    ) -> Result<(), SignalError> {
        if self.gaps != GapPolicy::ByClock {
            return Ok(());
        }
        if let Some(last) = self.last_close().filter(|last| open_time <= *last) {
            return Err(SignalError::Late { open_time, last });
        }
        let close = close.after(self.elapsed_until(open_time));
        for slot in &mut self.channels {
            slot.channel_mut().advance(&close);
        }
        self.advanced = Some(open_time);
        Ok(())
    }

    /// Returns the open time of the last close of the market, with or without an own candle.
    pub(crate) fn last_close(&self) -> Option<Timestamp> {
        self.advanced.max(self.last_open_time())
    }

    /// Returns the intervals since the last close of the market, at least 1.
    fn elapsed_until(&self, open_time: Timestamp) -> u64 {
        elapsed_between(self.last_close(), open_time, self.interval)
    }

    /// Returns the rows of the last update again: `held` filled-in rows and the candle's own.
    pub(crate) fn last_rows(&self, held: usize, restarted: bool) -> SignalRows<'_> {
        let width = self.channels.len();
        let values = &self.rows[..(held + 1) * width];
        SignalRows { values, complete: &self.complete[..=held], width, restarted }
    }

    /// Applies the gap policy before a candle's row. Returns the number of held rows, and whether
    /// the channels were reset.
    #[inline(never)]
    fn cross_gap(&mut self, market: &mut MarketSnapshot<'_>) -> Result<(usize, bool), SignalError> {
        let action = self.action_before(market)?;
        if self.gaps == GapPolicy::ByClock {
            let open_time = market.own().open_time();
            let missing = |(last, _)| self.interval.missing_between(last, open_time);
            let missing = self.last.map_or(0, missing);
            *market = market.after_gap(missing, self.elapsed_until(open_time));
        }
        let mut rows = 0;
        let restarted = matches!(action, GapAction::Restart);
        if restarted {
            self.reset_channels();
        }
        if let (GapAction::Fill(missing), Some(last)) = (action, self.last) {
            for n in 1..=missing {
                if let Some(flat) = held(last, self.interval, n) {
                    self.write_row(rows, &MarketSnapshot::from(&flat));
                    rows += 1;
                }
            }
        }
        Ok((rows, restarted))
    }

    /// Returns whether a candle follows the last one without a gap, and its close has not been
    /// consumed by [`advance`](Self::advance); needs no division.
    fn is_next(&self, open_time: Timestamp) -> bool {
        self.advanced.is_none_or(|advanced| advanced < open_time)
            && self.last.is_some_and(|(last, _)| {
                let apart = open_time.millis().checked_sub(last.millis());
                apart == Some(self.interval.millis())
            })
    }

    /// Validates a candle and returns the action before it; does not change the state.
    fn action_before(&self, market: &MarketSnapshot<'_>) -> Result<GapAction, SignalError> {
        let open_time = market.own().open_time();
        self.check_times(open_time, market.others())?;
        if let Some(last) = self.advanced.filter(|last| open_time <= *last) {
            return Err(SignalError::Late { open_time, last });
        }
        let Some((last, _)) = self.last else {
            return Ok(GapAction::Follow);
        };
        if open_time == last {
            return Err(SignalError::Duplicate { open_time });
        }
        if open_time < last {
            return Err(SignalError::Late { open_time, last });
        }
        if open_time.millis() < last.millis().saturating_add(self.interval.min_step()) {
            return Err(SignalError::Overlap { open_time, last, interval: self.interval });
        }
        let missing = self.interval.missing_between(last, open_time);
        match self.gaps {
            _ if missing == 0 => Ok(GapAction::Follow),
            GapPolicy::Sessions { max_missing } if missing <= u64::from(max_missing) => {
                Ok(GapAction::Follow)
            }
            GapPolicy::Hold { max_missing } if missing <= u64::from(max_missing) => {
                // The conversion cannot fail: max_missing is a u32.
                Ok(GapAction::Fill(u32::try_from(missing).unwrap_or(max_missing)))
            }
            GapPolicy::Error => self.gap(last, missing),
            _ if self.stops => self.gap(last, missing),
            GapPolicy::ByClock => Ok(GapAction::Follow),
            _ => Ok(GapAction::Restart),
        }
    }

    fn check_times(
        &self,
        open_time: Timestamp,
        others: &[(Pair, Candle)],
    ) -> Result<(), SignalError> {
        if !self.interval.is_aligned(open_time) {
            return Err(SignalError::Misaligned { open_time, interval: self.interval });
        }
        for (pair, candle) in others {
            if candle.open_time() != open_time {
                let (pair, got) = (pair.clone(), candle.open_time());
                return Err(SignalError::OutOfSync { pair, expected: open_time, got });
            }
        }
        Ok(())
    }

    fn gap(&self, last: Timestamp, missing: u64) -> Result<GapAction, SignalError> {
        let from = last.plus(self.interval, 1).unwrap_or(last);
        Err(SignalError::Gap { from, missing })
    }

    #[expect(clippy::inline_always, reason = "as `update`")]
    #[inline(always)]
    fn write_row(&mut self, index: usize, market: &MarketSnapshot<'_>) {
        let row = &mut self.rows[index * self.channels.len()..][..self.channels.len()];
        if self.warm
            && let Some(six) = next_default_row(&mut self.channels, market.own())
        {
            row.copy_from_slice(&six);
            self.complete[index] = true;
        } else {
            self.write_any_row(index, market);
        }
    }

    #[inline(never)]
    fn write_any_row(&mut self, index: usize, market: &MarketSnapshot<'_>) {
        let logs = (self.reads_logs && !market.has_logs()).then(|| CandleLogs::of(market.own()));
        let market = &logs.as_ref().map_or(*market, |logs| market.with_logs(logs));
        let row = &mut self.rows[index * self.channels.len()..];
        let (mut complete, mut defined) = (true, 0);
        for (channel, place) in self.channels.iter_mut().zip(row) {
            let value = channel.update(market).filter(|value| value.is_finite());
            complete &= value.is_some();
            // Counts the channels before the first undefined one, without a branch.
            defined += usize::from(complete);
            *place = value.unwrap_or(0.0);
        }
        self.complete[index] = complete;
        self.warm = complete;
        self.first_undefined = (!complete).then_some(defined);
    }

    /// Returns the index of the first channel without a value in the last candle's own row; `None`
    /// if the row is complete, and before the first candle.
    pub fn first_undefined(&self) -> Option<usize> {
        self.first_undefined
    }

    /// Returns the number of channels.
    pub fn width(&self) -> usize {
        self.channels.len()
    }

    /// Returns the interval of the candles.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns the index (from 0) of the first candle with a complete row: the longest warm-up of
    /// the channels.
    pub fn warm_up(&self) -> usize {
        self.channels.iter().map(|slot| slot.channel().warm_up()).max().unwrap_or(0)
    }

    /// Returns the open time of the last candle consumed.
    pub fn last_open_time(&self) -> Option<Timestamp> {
        self.last.map(|(open_time, _)| open_time)
    }

    /// Sets whether a gap that would reset the channels is an error instead, as under
    /// [`GapPolicy::Error`], so that a live feed can fetch the missing candles. Under
    /// [`GapPolicy::ByClock`] every gap is then an error. Off by default; not part of a saved
    /// state.
    pub fn stop_at_gaps(&mut self, stop: bool) {
        self.stops = stop;
    }

    /// Returns whether a gap that would reset the channels is an error.
    pub fn stops_at_gaps(&self) -> bool {
        self.stops
    }

    /// Resets the state, as if no candle had been consumed.
    pub fn reset(&mut self) {
        self.last = None;
        self.advanced = None;
        self.reset_channels();
    }

    fn reset_channels(&mut self) {
        (self.warm, self.first_undefined) = (false, None);
        for slot in &mut self.channels {
            slot.channel_mut().reset();
        }
    }

    /// Writes the state, so that [`restore`](Self::restore) continues with the same bits.
    pub fn save(&self, state: &mut StateWriter) {
        state.interval(self.interval);
        state.count(self.channels.len());
        state.count(usize::from(self.last.is_some()));
        if let Some((open_time, close)) = self.last {
            state.int(open_time.millis());
            state.float(close);
        }
        if self.gaps == GapPolicy::ByClock {
            state.count(usize::from(self.advanced.is_some()));
            state.int(self.advanced.map_or(0, Timestamp::millis));
        }
        for slot in &self.channels {
            slot.channel().save(state);
        }
    }

    /// Restores a state written by [`save`](Self::save) of a pipeline with the same spec.
    ///
    /// # Errors
    /// [`SignalError::State`] if the state is not of such a pipeline; the pipeline is unchanged.
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
        if !state.is_interval(self.interval)? {
            return Err(SignalError::State { what: "its candles have another interval" });
        }
        if state.count()? != self.channels.len() {
            return Err(SignalError::State { what: "it has another number of channels" });
        }
        (self.warm, self.first_undefined) = (false, None);
        self.last = if state.count()? == 0 { None } else { Some(read_last(state)?) };
        if self.last.is_some_and(|(last, _)| !self.interval.is_aligned(last)) {
            return Err(SignalError::State {
                what: "its last candle is not on the interval's grid",
            });
        }
        self.advanced = None;
        if self.gaps == GapPolicy::ByClock {
            let is_some = state.count()? != 0;
            let time = Timestamp::from_millis(state.int()?);
            self.advanced = is_some.then_some(time);
        }
        for slot in &mut self.channels {
            slot.channel_mut().restore(state)?;
        }
        Ok(())
    }
}

fn read_last(state: &mut StateReader<'_>) -> Result<(Timestamp, f64), SignalError> {
    let last = (Timestamp::from_millis(state.int()?), state.float()?);
    // The close must be a valid price, because held candles have it.
    held(last, Interval::HOUR, 0)
        .ok_or(SignalError::State { what: "its last candle is not valid" })?;
    Ok(last)
}

/// Intervals since the last close of a market, at least 1.
pub(crate) fn elapsed_between(last: Option<Timestamp>, next: Timestamp, interval: Interval) -> u64 {
    last.map_or(0, |last| interval.missing_between(last, next)).saturating_add(1)
}

/// Flat candle in place of the `n`-th missing candle after `last`.
fn held((last, close): (Timestamp, f64), interval: Interval, n: u32) -> Option<Candle> {
    let flat = Ohlcv { open: close, high: close, low: close, close, volume: 0.0 };
    Candle::new(last.plus(interval, i64::from(n))?, flat).ok()
}
