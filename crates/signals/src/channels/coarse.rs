//! A channel on candles of a coarser interval.
use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};

use super::catalog::BuiltIn;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const ON: BuiltIn = BuiltIn::own(
    "on",
    &[],
    "the inner channel on candles of the coarser interval, at the last one that has closed",
    |arguments| {
        let coarse = arguments.coarse_interval()?;
        let inner = arguments.inner(coarse)?;
        Ok(Box::new(OnInterval::new(arguments.interval(), coarse, inner)))
    },
)
.with_interval_and_channel();

/// A channel of the own pair on candles of a coarser interval: the channel `on`.
///
/// The value is that of the last coarse candle that has **closed** by the close of the current
/// candle; a running coarse candle is not used.
///
/// **Units** those of the inner channel. **Formula** the inner channel on candles resampled as
/// [`CandleSeries::resample`](windvane_candles::CandleSeries::resample) does: on the grid of the
/// coarser interval (`4h+90m` for candles `1h+30m`), the first coarse candle left out if the series begins within it. A coarse candle with missing
/// candles inside is used; one whose candles are all missing is a gap. **Source** multi-timeframe
/// analysis. **Warm-up** with R fine candles per coarse one, `(w + 2)·R − 2` at the latest, w the
/// warm-up of the inner channel; earlier if the first candle opens a coarse one. Undefined where
/// the inner value is undefined. **Errors** [`SignalError::ChannelSetting`] if the coarser candles
/// do not consist of whole finer ones or the inner channel reads other pairs.
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
/// let spec = ChannelSpec::on(Interval::FOUR_HOURS, ChannelSpec::new("momentum"));
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..9 {
///     let value = channel.update(&MarketSnapshot::from(&flat(hour, 1.0 + hour as f64)));
///     // The first coarse candle closes with hour 3 at 4, the second with hour 7 at 8.
///     assert_eq!(value, (hour >= 7).then_some(1.0));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct OnInterval {
    fine: Interval,
    coarse: Interval,
    inner: Box<dyn Channel>,
    /// True once a candle was consumed.
    started: bool,
    running: Option<RunningCandle>,
    /// Open time of the last coarse candle that closed.
    last: Option<Timestamp>,
    value: Option<f64>,
}

/// A coarse candle that has not closed.
#[derive(Debug, Clone, Copy)]
struct RunningCandle {
    open_time: Timestamp,
    values: Ohlcv,
    /// Coarse candles missing before it, under the policy by the clock.
    missing: u64,
    /// True if the series begins within it.
    is_cut: bool,
}

/// Maximum volume of a candle.
const MAX_VOLUME: f64 = 1e100;

impl OnInterval {
    fn new(fine: Interval, coarse: Interval, inner: Box<dyn Channel>) -> Self {
        Self { fine, coarse, inner, started: false, running: None, last: None, value: None }
    }

    /// Adds a candle to the running coarse candle, or starts one.
    fn add(&mut self, market: &MarketSnapshot<'_>, open_time: Timestamp) {
        let candle = market.own();
        let starts = !std::mem::replace(&mut self.started, true);
        let Some(running) = &mut self.running else {
            let missing = match self.last {
                Some(last) if market.missing() > 0 => self.coarse.missing_between(last, open_time),
                _ => 0,
            };
            let is_cut = starts && candle.open_time() > open_time;
            let values = candle.values();
            self.running = Some(RunningCandle { open_time, values, missing, is_cut });
            return;
        };
        let values = &mut running.values;
        values.high = values.high.max(candle.high());
        values.low = values.low.min(candle.low());
        values.close = candle.close();
        values.volume = (values.volume + candle.volume()).min(MAX_VOLUME);
    }

    /// Hands the running candle, which has closed, to the inner channel.
    fn close(&mut self) {
        let Some(closed) = self.running.take().filter(|candle| !candle.is_cut) else {
            return;
        };
        self.last = Some(closed.open_time);
        if let Ok(candle) = Candle::new(closed.open_time, closed.values) {
            let market = MarketSnapshot::from(&candle).after_gap(closed.missing, 1);
            self.value = self.inner.update(&market).filter(|value| value.is_finite());
        }
    }
}

impl Channel for OnInterval {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let candle = market.own();
        let open_time = self.coarse.floor(candle.open_time());
        if self.running.is_some_and(|running| running.open_time != open_time) {
            self.close();
        }
        self.add(market, open_time);
        if Some(candle.close_time(self.fine)) == open_time.plus(self.coarse, 1) {
            self.close();
        }
        self.value
    }

    fn warm_up(&self) -> usize {
        let ratio = usize::try_from(self.coarse.millis() / self.fine.millis()).unwrap_or(1);
        (self.inner.warm_up() + 2) * ratio - 2
    }

    fn reset(&mut self) {
        self.inner.reset();
        (self.started, self.running, self.last, self.value) = (false, None, None, None);
    }

    fn save(&self, state: &mut StateWriter) {
        state.interval(self.coarse);
        state.count(usize::from(self.started));
        state.floats(self.value.into_iter());
        state.count(usize::from(self.last.is_some()));
        state.int(self.last.map_or(0, Timestamp::millis));
        state.count(usize::from(self.running.is_some()));
        if let Some(RunningCandle { open_time, values, missing, is_cut }) = self.running {
            state.int(open_time.millis());
            for value in [values.open, values.high, values.low, values.close, values.volume] {
                state.float(value);
            }
            state.int(missing.cast_signed());
            state.count(usize::from(is_cut));
        }
        self.inner.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        if !state.is_interval(self.coarse)? {
            return Err(SignalError::State { what: "it is of another coarser interval" });
        }
        self.started = state.count()? != 0;
        self.value = state.floats(1)?.first().copied();
        let has_last = state.count()? != 0;
        let last = Timestamp::from_millis(state.int()?);
        self.last = has_last.then_some(last);
        self.running = if state.count()? == 0 { None } else { Some(read_running(state)?) };
        self.inner.restore(state)
    }
}

fn read_running(state: &mut StateReader<'_>) -> Result<RunningCandle, SignalError> {
    let open_time = Timestamp::from_millis(state.int()?);
    let [open, high, low, close, volume] =
        [state.float()?, state.float()?, state.float()?, state.float()?, state.float()?];
    let values = Ohlcv { open, high, low, close, volume };
    Candle::new(open_time, values)
        .map_err(|_| SignalError::State { what: "its running coarse candle is broken" })?;
    let missing = state.int()?.cast_unsigned();
    Ok(RunningCandle { open_time, values, missing, is_cut: state.count()? != 0 })
}
