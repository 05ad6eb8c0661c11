//! Trait of the inputs of a model, and the market data that they read.
use windvane_candles::{Candle, Pair};

use crate::{SignalError, StateReader, StateWriter};

/// Candles with the same open time: the pair's own candle and those of other pairs.
///
/// A `&Candle` converts into a snapshot without other pairs.
#[derive(Debug, Clone, Copy)]
pub struct MarketSnapshot<'a> {
    own: &'a Candle,
    others: &'a [(Pair, Candle)],
}

impl<'a> MarketSnapshot<'a> {
    /// Creates a snapshot from the own candle and other pairs' candles with the same open time.
    pub fn new(own: &'a Candle, others: &'a [(Pair, Candle)]) -> Self {
        Self { own, others }
    }

    /// Returns the pair's own candle.
    pub fn own(&self) -> &'a Candle {
        self.own
    }

    /// Returns another pair's candle; `None` if that pair has no candle at this time.
    pub fn other(&self, pair: &Pair) -> Option<&'a Candle> {
        self.others.iter().find(|(of, _)| of == pair).map(|(_, candle)| candle)
    }

    pub(crate) fn others(&self) -> &'a [(Pair, Candle)] {
        self.others
    }
}

impl<'a> From<&'a Candle> for MarketSnapshot<'a> {
    fn from(own: &'a Candle) -> Self {
        Self { own, others: &[] }
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

    /// Returns the index (from 0) of the first candle with a value.
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
