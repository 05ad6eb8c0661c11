//! Trait of the inputs of a model, and the market data that they read.
use windvane_candles::{Candle, Pair};

use super::logs::CandleLogs;
use super::market::{CloseCandles, ClosedCandle, MarketQuantity, SharedMarket};
use crate::{SignalError, StateReader, StateWriter};

/// Candles at one close: the pair's own candle and those of other pairs.
///
/// A `&Candle` converts into a snapshot without other pairs.
#[derive(Debug, Clone, Copy)]
pub struct MarketSnapshot<'a> {
    own: &'a Candle,
    close: MarketClose<'a>,
    missing: u64,
    /// Logarithms of the own candle, if they have been computed.
    logs: Option<&'a CandleLogs>,
}

impl<'a> MarketSnapshot<'a> {
    /// Creates a snapshot from the own candle and other pairs' candles with the same open time.
    pub fn new(own: &'a Candle, others: &'a [(Pair, Candle)]) -> Self {
        Self::at_close(own, MarketClose::new(others))
    }

    /// The own candle at a close of the market.
    pub(crate) fn at_close(own: &'a Candle, close: MarketClose<'a>) -> Self {
        Self { own, close, missing: 0, logs: None }
    }

    /// The same snapshot after `missing` candles of the own pair, and `elapsed` intervals after
    /// the last close of the market.
    pub(crate) fn after_gap(mut self, missing: u64, elapsed: u64) -> Self {
        self.missing = missing;
        self.close = self.close.after(elapsed);
        self
    }

    /// Returns the pair's own candle.
    pub fn own(&self) -> &'a Candle {
        self.own
    }

    /// Returns another pair's candle; `None` if that pair has no candle at this time.
    pub fn other(&self, pair: &Pair) -> Option<&'a Candle> {
        self.close.candle(pair)
    }

    /// Number of candles missing between the last own candle and this one.
    ///
    /// Always 0 except under [`GapPolicy::ByClock`](crate::GapPolicy::ByClock): the other policies
    /// reset the channels, fill the gap, or treat the candles as consecutive.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The candles of the other pairs.
    pub fn close(&self) -> MarketClose<'a> {
        self.close
    }

    pub(crate) fn others(&self) -> &'a [(Pair, Candle)] {
        self.close.others
    }

    /// The same snapshot with the logarithms of its own candle.
    pub(crate) fn with_logs(self, logs: &'a CandleLogs) -> Self {
        Self { logs: Some(logs), ..self }
    }

    pub(crate) fn has_logs(&self) -> bool {
        self.logs.is_some()
    }

    /// ln c of the own candle.
    #[inline]
    pub(crate) fn log_close(&self) -> f64 {
        self.logs.map_or_else(|| CandleLogs::of_close(self.own), |logs| logs.close)
    }

    /// ln(h / l) of the own candle.
    #[inline]
    pub(crate) fn log_range(&self) -> f64 {
        self.logs.map_or_else(|| CandleLogs::of_range(self.own), |logs| logs.range)
    }

    /// ln v of the own candle; `None` without volume.
    #[inline]
    pub(crate) fn log_volume(&self) -> Option<f64> {
        self.logs.map_or_else(|| CandleLogs::of_volume(self.own), |logs| logs.volume)
    }
}

impl<'a> From<&'a Candle> for MarketSnapshot<'a> {
    #[inline]
    fn from(own: &'a Candle) -> Self {
        Self::new(own, &[])
    }
}

/// Candles of other pairs at one close of the market.
#[derive(Debug, Clone, Copy)]
pub struct MarketClose<'a> {
    others: &'a [(Pair, Candle)],
    elapsed: u64,
    /// Candles by place, instead of `others`.
    candles: Option<&'a CloseCandles>,
    /// Quantities that a panel has advanced to this close.
    market: Option<&'a SharedMarket>,
}

impl<'a> MarketClose<'a> {
    pub(crate) fn new(others: &'a [(Pair, Candle)]) -> Self {
        Self { others, elapsed: 1, candles: None, market: None }
    }

    /// A close whose candles have been joined by their close times.
    pub(crate) fn joined(candles: &'a CloseCandles, market: Option<&'a SharedMarket>) -> Self {
        Self { others: &[], elapsed: 1, candles: Some(candles), market }
    }

    /// The same close, `elapsed` intervals after the previous one.
    pub(crate) fn after(self, elapsed: u64) -> Self {
        Self { elapsed, ..self }
    }

    /// Candle of a pair; `None` if that pair has none.
    pub fn candle(&self, pair: &Pair) -> Option<&'a Candle> {
        match self.candles {
            Some(candles) => candles.get(pair).map(|closed| &closed.candle),
            None => self.others.iter().find(|(of, _)| of == pair).map(|(_, candle)| candle),
        }
    }

    /// Candle of a pair that is probably at `place` of the list, a shortcut for many pairs, and
    /// its logarithms if they have been computed.
    pub(crate) fn candle_at(
        &self,
        place: usize,
        pair: &Pair,
    ) -> Option<(&'a Candle, Option<&'a CandleLogs>)> {
        if let Some(candles) = self.candles {
            let ClosedCandle { candle, logs } = candles.at(place, pair)?;
            return Some((candle, Some(logs)));
        }
        match self.others.get(place) {
            Some((of, candle)) if of == pair => Some((candle, None)),
            _ => self.candle(pair).map(|candle| (candle, None)),
        }
    }

    /// ln c of a pair that is probably at `place` of the list.
    pub(crate) fn log_close_at(&self, place: usize, pair: &Pair) -> Option<f64> {
        let (candle, logs) = self.candle_at(place, pair)?;
        Some(logs.map_or_else(|| CandleLogs::of_close(candle), |logs| logs.close))
    }

    /// Quantity of the channel at `place` of the spec, which a panel has advanced.
    pub(crate) fn shared<Q: MarketQuantity>(&self, place: usize) -> Option<&'a Q> {
        self.market?.get(place)
    }

    /// Number of intervals since the previous close of the market, at least 1.
    ///
    /// Always 1 except under [`GapPolicy::ByClock`](crate::GapPolicy::ByClock).
    pub fn elapsed(&self) -> u64 {
        self.elapsed
    }
}

/// Input of a model: one number per candle, computed from that candle and earlier ones.
///
/// Batch code calls the streaming code in a loop, so both give the same bits. During the warm-up
/// the value is `None`, never an estimate. The built-in channels read only their own candle and
/// also have an inherent `update` that takes `&Candle`; as `dyn Channel` they take a snapshot.
///
/// # Examples
/// ```
/// use windvane_candles::{Candle, Ohlcv, Timestamp};
/// use windvane_signals::{Channel, MarketSnapshot, Momentum};
///
/// # fn candle(hour: i64, close: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// let mut momentum = Momentum::new(1)?;
/// assert_eq!(momentum.update(&candle(0, 100.0)), None);
/// assert_eq!(momentum.update(&candle(1, 110.0)), Some(0.1));
///
/// let mut boxed: Box<dyn Channel> = Box::new(momentum);
/// assert_eq!(boxed.update(&MarketSnapshot::from(&candle(2, 165.0))), Some(0.5));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
pub trait Channel: Send + Sync + std::fmt::Debug {
    /// Consumes the next candle and returns its value: `None` during the warm-up or if the value is
    /// undefined. A value that is not finite counts as undefined.
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64>;

    /// Consumes a close of the market at which the own pair has no candle.
    ///
    /// Called under [`GapPolicy::ByClock`](crate::GapPolicy::ByClock) only. Channels that read
    /// other pairs keep those pairs' state current here; the default does nothing.
    fn advance(&mut self, close: &MarketClose<'_>) {
        let _ = close;
    }

    /// Returns the index (from 0) of the first candle with a value, if no candle is missing and no
    /// value undefined. [`ChannelSpec::on`](crate::ChannelSpec::on) has its first value at the
    /// latest here, because it depends on the time of the first candle.
    fn warm_up(&self) -> usize;

    /// Resets the state, as if no candle had been consumed.
    fn reset(&mut self);

    /// Writes the state, so that [`restore`](Self::restore) continues with the same bits.
    fn save(&self, state: &mut StateWriter);

    /// Restores a state written by [`save`](Self::save) of a channel with the same parameters.
    ///
    /// # Errors
    /// [`SignalError::State`] if the state is not of such a channel.
    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError>;
}

/// Maximum period of a channel: limits the memory, because specs come from files.
const MAX_PERIOD: f64 = 10_000.0;

/// Converts a parameter to a whole number in `1..=10_000`.
pub(crate) fn period(channel: &str, parameter: &str, value: f64) -> Result<usize, SignalError> {
    if value.fract() == 0.0 && (1.0..=MAX_PERIOD).contains(&value) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number in 1..=10_000"
        )]
        Ok(value as usize)
    } else {
        Err(SignalError::Parameter {
            channel: channel.to_string(),
            parameter: parameter.to_string(),
            expected: format!("a whole number from 1 to {MAX_PERIOD}"),
            got: value,
        })
    }
}
