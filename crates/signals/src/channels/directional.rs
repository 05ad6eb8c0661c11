//! Wilder's directional movement: +DI, −DI and ADX.
use windvane_candles::Candle;

use super::catalog::BuiltIn;
use super::wilder::{WilderMean, true_range};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const PLUS_DI: BuiltIn = BuiltIn::own(
    "plus_di",
    &[("period", 14.0)],
    "100·Wilder sum of +DM / Wilder sum of the true range",
    |arguments| {
        let movement = DirectionalMovement::new(arguments.period_from("period", 2)?);
        Ok(Box::new(DirectionalIndicator { movement, is_plus: true }))
    },
);

pub(crate) const MINUS_DI: BuiltIn = BuiltIn::own(
    "minus_di",
    &[("period", 14.0)],
    "100·Wilder sum of −DM / Wilder sum of the true range",
    |arguments| {
        let movement = DirectionalMovement::new(arguments.period_from("period", 2)?);
        Ok(Box::new(DirectionalIndicator { movement, is_plus: false }))
    },
);

pub(crate) const ADX: BuiltIn = BuiltIn::own(
    "adx",
    &[("period", 14.0)],
    "Wilder mean of 100·|+DI − −DI| / (+DI + −DI)",
    |arguments| {
        let period = arguments.period_from("period", 2)?;
        let (movement, index) = (DirectionalMovement::new(period), WilderMean::new(period));
        Ok(Box::new(Adx { movement, index }))
    },
);

/// Wilder's sums of directional movement and true range.
///
/// **Formula** +DM is the rise of the high if it is positive and larger than the fall of the low,
/// −DM the fall of the low if it is positive and larger; sums of the first period − 1 candles, then
/// `s − s/period + x`. **Source** Wilder 1978, as in TA-Lib.
#[derive(Debug, Clone)]
struct DirectionalMovement {
    period: usize,
    /// Differences of two candles so far, up to the period.
    seen: usize,
    /// High, low and close of the last candle.
    previous: Option<[f64; 3]>,
    plus: f64,
    minus: f64,
    range: f64,
}

impl DirectionalMovement {
    fn new(period: usize) -> Self {
        Self { period, seen: 0, previous: None, plus: 0.0, minus: 0.0, range: 0.0 }
    }

    /// Consumes a candle and returns +DI and −DI, 0 to 100; both are 0 where the range is 0.
    fn update(&mut self, candle: &Candle) -> Option<[f64; 2]> {
        let now = [candle.high(), candle.low(), candle.close()];
        let [high, low, close] = self.previous.replace(now)?;
        let (rise, fall) = (candle.high() - high, low - candle.low());
        let plus = if rise > 0.0 && rise > fall { rise } else { 0.0 };
        let minus = if fall > 0.0 && fall > rise { fall } else { 0.0 };
        let range = true_range(candle, close);
        if self.seen + 1 < self.period {
            self.seen += 1;
            self.plus += plus;
            self.minus += minus;
            self.range += range;
            return None;
        }
        let n = self.period as f64;
        self.plus = self.plus - self.plus / n + plus;
        self.minus = self.minus - self.minus / n + minus;
        self.range = self.range - self.range / n + range;
        Some([self.indicator(self.plus), self.indicator(self.minus)])
    }

    fn indicator(&self, movement: f64) -> f64 {
        if self.range > 0.0 { 100.0 * (movement / self.range) } else { 0.0 }
    }

    fn clear(&mut self) {
        *self = Self::new(self.period);
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.period);
        state.count(self.seen);
        state.floats(self.previous.iter().flatten().copied().collect::<Vec<_>>().into_iter());
        for sum in [self.plus, self.minus, self.range] {
            state.float(sum);
        }
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.period)?;
        let seen = state.count()?;
        if seen >= self.period {
            return Err(SignalError::State { what: "a sum has seen more than its period" });
        }
        self.seen = seen;
        let previous = state.floats(3)?;
        self.previous = previous.try_into().ok();
        self.plus = state.float()?;
        self.minus = state.float()?;
        self.range = state.float()?;
        Ok(())
    }
}

/// Directional indicator: the channels `plus_di` and `minus_di`.
///
/// **Units** 0 to 100. **Formula** 100 times Wilder's sum of the upward (downward) movement,
/// divided by that of the true range. **Source** Wilder 1978; TA-Lib `PLUS_DI`, `MINUS_DI`.
/// **Warm-up** period. Where nothing moved the value is 0. **Parameters** `period` = 14, at least
/// 2: within 1e-6 of infinite history after about 250 candles.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn candle(hour: i64, [open, high, low, close, volume]: [f64; 5]) -> Candle {
/// #     let values = Ohlcv { open, high, low, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     candle(hour, [close, close, close, close, 1.0])
/// # }
/// for (name, want) in [("plus_di", 100.0), ("minus_di", 0.0)] {
///     let mut channel = Registry::default().build(&ChannelSpec::new(name), Interval::HOUR)?;
///     for hour in 0..20 {
///         let value = channel.update(&MarketSnapshot::from(&flat(hour, 100.0 + hour as f64)));
///         assert_eq!(value, (hour >= 14).then_some(want)); // the price only rises
///     }
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DirectionalIndicator {
    movement: DirectionalMovement,
    is_plus: bool,
}

impl Channel for DirectionalIndicator {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let [plus, minus] = self.movement.update(market.own())?;
        Some(if self.is_plus { plus } else { minus })
    }

    fn warm_up(&self) -> usize {
        self.movement.period
    }

    fn reset(&mut self) {
        self.movement.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.movement.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.movement.restore(state)
    }
}

/// Average directional index: the strength of a trend, whatever its direction.
///
/// **Units** 0 to 100. **Formula** Wilder's mean of `DX = 100·|+DI − −DI| / (+DI + −DI)`, seeded
/// with the mean of the first `period` values. **Source** Wilder 1978; TA-Lib `ADX`. **Warm-up** 2
/// · period − 1. Where +DI and −DI are both 0 the index keeps its value (during the seeding it
/// counts as 0). **Parameters** `period` = 14, at least 2.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn candle(hour: i64, [open, high, low, close, volume]: [f64; 5]) -> Candle {
/// #     let values = Ohlcv { open, high, low, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     candle(hour, [close, close, close, close, 1.0])
/// # }
/// let mut channel = Registry::default().build(&ChannelSpec::new("adx"), Interval::HOUR)?;
/// for hour in 0..40 {
///     let value = channel.update(&MarketSnapshot::from(&flat(hour, 100.0 + hour as f64)));
///     assert_eq!(value, (hour >= 27).then_some(100.0)); // the price only rises
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "average directional index")]
pub struct Adx {
    movement: DirectionalMovement,
    index: WilderMean,
}

impl Channel for Adx {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let [plus, minus] = self.movement.update(market.own())?;
        let total = plus + minus;
        if total > 0.0 {
            self.index.push(100.0 * ((minus - plus).abs() / total));
        } else if self.index.mean().is_none() {
            self.index.push(0.0);
        }
        self.index.mean()
    }

    fn warm_up(&self) -> usize {
        2 * self.movement.period - 1
    }

    fn reset(&mut self) {
        self.movement.clear();
        self.index.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.movement.save(state);
        self.index.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.movement.restore(state)?;
        self.index.restore(state)
    }
}
