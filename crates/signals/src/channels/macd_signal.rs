//! Signal line and histogram of the MACD, relative to the close.
use super::catalog::{BuiltIn, ChannelArguments};
use super::ema::Ema;
use super::macd::Macd;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

const PARAMETERS: &[(&str, f64)] = &[("fast", 12.0), ("slow", 26.0), ("signal", 9.0)];

pub(crate) const MACD_SIGNAL: BuiltIn = BuiltIn::own(
    "macd_signal",
    PARAMETERS,
    "EMA(EMA(c; fast) − EMA(c; slow); signal) / c",
    |arguments| MacdSignal::build(arguments, false),
);

pub(crate) const MACD_HISTOGRAM: BuiltIn =
    BuiltIn::own("macd_histogram", PARAMETERS, "(MACD line − its signal line) / c", |arguments| {
        MacdSignal::build(arguments, true)
    });

/// Signal line of the MACD relative to the close (`macd_signal`), and distance of the line from it
/// (`macd_histogram`).
///
/// **Units** a fraction of the price. **Formula** signal = EMA of the line with period `signal`,
/// seeded with the mean of its first values; histogram = line − signal; both divided by the close.
/// The line is that of [`Macd`], with periods `fast` and `slow`. **Source** Appel 1979, Aspray
/// 1986; TA-Lib `MACD`. **Warm-up** slow + signal − 2. **Parameters** `fast` = 12, `slow` = 26,
/// `signal` = 9; `fast` is smaller than `slow`.
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
/// for name in ["macd_signal", "macd_histogram"] {
///     let mut channel = Registry::default().build(&ChannelSpec::new(name), Interval::HOUR)?;
///     for hour in 0..40 {
///         let value = channel.update(&MarketSnapshot::from(&flat(hour, 100.0)));
///         assert_eq!(value, (hour >= 33).then_some(0.0)); // the close did not move
///     }
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MacdSignal {
    line: Macd,
    signal: Ema,
    signal_period: usize,
    returns_histogram: bool,
}

impl MacdSignal {
    fn build(
        arguments: &ChannelArguments<'_>,
        returns_histogram: bool,
    ) -> Result<Box<dyn Channel>, SignalError> {
        let (fast, slow) = arguments.fast_and_slow()?;
        let signal_period = arguments.period("signal")?;
        let line = Macd::with_periods(fast, slow);
        let signal = Ema::new(signal_period);
        Ok(Box::new(Self { line, signal, signal_period, returns_histogram }))
    }
}

impl Channel for MacdSignal {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let line = self.line.update(market.own())?;
        let signal = self.signal.update(line)?;
        let value = if self.returns_histogram { line - signal } else { signal };
        Some(value / market.own().close())
    }

    fn warm_up(&self) -> usize {
        self.line.warm_up() + self.signal_period - 1
    }

    fn reset(&mut self) {
        self.line.reset();
        self.signal = Ema::new(self.signal_period);
    }

    fn save(&self, state: &mut StateWriter) {
        self.line.save(state);
        self.signal.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.line.restore(state)?;
        self.signal.restore(state)
    }
}
