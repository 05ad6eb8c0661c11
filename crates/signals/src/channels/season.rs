//! Comparison with the same position of earlier cycles, such as the same hour of earlier days.
use super::catalog::{BuiltIn, ChannelArguments};
use super::clocked::ClockWindow;
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const VOLUME_SEASON: BuiltIn = BuiltIn::own(
    "volume_season",
    &[("cycle", 24.0), ("cycles", 7.0)],
    "ln v − mean of ln v[cycle·k], k = 1..cycles; v = 0 is a missing value",
    |arguments| {
        let (cycle, cycles) = cycle_and_cycles(arguments)?;
        Ok(Box::new(VolumeSeason { cycle, cycles, volumes: ClockWindow::new(cycle * cycles) }))
    },
);

pub(crate) const SAME_HOUR_RETURN: BuiltIn = BuiltIn::own(
    "same_hour_return",
    &[("cycle", 24.0), ("cycles", 5.0), ("half_life", 48.0)],
    "mean of (r / σ)[cycle·k − 1], k = 1..cycles: the cycle position of the next candle",
    |arguments| {
        let (cycle, cycles) = cycle_and_cycles(arguments)?;
        let sigma = ReturnVolatility::new(arguments.period("half_life")?);
        let returns = ClockWindow::new(cycle * cycles - 1);
        Ok(Box::new(SameHourReturn { cycle, cycles, sigma, returns }))
    },
);

/// Maximum number of intervals that a seasonal channel looks back: a bound on memory.
const MAX_SPAN: usize = 10_000;

fn cycle_and_cycles(arguments: &ChannelArguments<'_>) -> Result<(usize, usize), SignalError> {
    let (cycle, cycles) = (arguments.period("cycle")?, arguments.period("cycles")?);
    if cycle * cycles > MAX_SPAN {
        let problem = format!("cycle · cycles is {}; give at most {MAX_SPAN}", cycle * cycles);
        return Err(SignalError::channel(arguments.name(), problem));
    }
    Ok((cycle, cycles))
}

/// Mean of the values `first`, `first + cycle`, ... intervals before the last; all must exist.
fn seasonal_mean(values: &ClockWindow, first: usize, cycle: usize, cycles: usize) -> Option<f64> {
    let mut sum = 0.0;
    for k in 0..cycles {
        sum += values.before(first + cycle * k)?;
    }
    Some(sum / cycles as f64)
}

/// Logarithm of the volume relative to the same position of earlier cycles.
///
/// **Units** natural logarithm of a ratio. **Formula** `ln v_t − mean of ln v_{t − cycle·k}`,
/// k = 1..cycles. **Source** seasonal adjustment by means, as for intraday volume. **Warm-up**
/// cycle · cycles. Undefined if one of the candles is missing or has no volume. **Parameters**
/// `cycle` = 24, `cycles` = 7: the same hour of the last seven days on hourly candles.
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
/// let spec = ChannelSpec::new("volume_season").with("cycle", 2.0).with("cycles", 1.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..10 {
///     let volume = if hour % 2 == 0 { 1.0 } else { 8.0 };
///     let next = candle(hour, [9.0, 9.0, 9.0, 9.0, volume]);
///     let value = channel.update(&MarketSnapshot::from(&next));
///     assert_eq!(value, (hour >= 2).then_some(0.0)); // as two hours before
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct VolumeSeason {
    cycle: usize,
    cycles: usize,
    volumes: ClockWindow,
}

impl Channel for VolumeSeason {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let volume = market.log_volume();
        self.volumes.push(market.missing(), volume);
        let mean = seasonal_mean(&self.volumes, self.cycle, self.cycle, self.cycles)?;
        Some(volume? - mean)
    }

    fn warm_up(&self) -> usize {
        self.cycle * self.cycles
    }

    fn reset(&mut self) {
        self.volumes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.cycle);
        self.volumes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.cycle)?;
        self.volumes.restore(state)
    }
}

/// Mean normalised return of earlier candles at the cycle position that the next candle will have.
///
/// **Units** standard deviations. **Formula** mean of `(r / σ)` at `t − cycle·k + 1`, k =
/// 1..cycles, each return divided by the σ of its own time. **Source** intraday return seasonality:
/// Heston, Korajczyk and Sadka 2010. **Warm-up** cycle · cycles − 1 + 24. Undefined if one of the
/// returns is. **Parameters** `cycle` = 24, `cycles` = 5, `half_life` = 48.
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
/// let spec = ChannelSpec::new("same_hour_return").with("cycle", 2.0).with("cycles", 1.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..40 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     let value = channel.update(&MarketSnapshot::from(&flat(hour, close)));
///     assert_eq!(value.is_some(), hour >= 25);
///     // At an even hour the next candle is odd, and odd candles rise.
///     assert!(value.is_none_or(|value| (value > 0.0) == (hour % 2 == 0)));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SameHourReturn {
    cycle: usize,
    cycles: usize,
    sigma: ReturnVolatility,
    /// The normalised returns r / σ.
    returns: ClockWindow,
}

impl Channel for SameHourReturn {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let change = self.sigma.update(market);
        let normalized = change.zip(self.sigma.sigma()).map(|(change, sigma)| change / sigma);
        self.returns.push(market.missing(), normalized);
        seasonal_mean(&self.returns, self.cycle - 1, self.cycle, self.cycles)
    }

    fn warm_up(&self) -> usize {
        self.cycle * self.cycles - 1 + MIN_RETURNS
    }

    fn reset(&mut self) {
        self.sigma.clear();
        self.returns.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.cycle);
        self.sigma.save(state);
        self.returns.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.cycle)?;
        self.sigma.restore(state)?;
        self.returns.restore(state)
    }
}
