//! The trait of everything that turns candles into numbers, one candle at a time.
use windvane_candles::Candle;

use crate::{SignalError, StateReader, StateWriter};

/// A number (or several) computed from candles up to and including the last one.
///
/// Batch use is streaming use in a loop, so both give the same bits. "Not ready" is `None`,
/// never an early guess. An indicator with `Output = f64` is a [`Channel`](crate::Channel) and
/// can be an input of a model.
///
/// # Examples
/// ```
/// use windvane_candles::{Candle, Ohlcv, Timestamp};
/// use windvane_signals::{Indicator, Momentum};
///
/// let mut momentum = Momentum::new(1)?;
/// let candle = |hour: i64, close: f64| {
///     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
///     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// };
/// assert_eq!(momentum.update(&candle(0, 100.0)), None);
/// assert_eq!(momentum.update(&candle(1, 110.0)), Some(0.1));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
pub trait Indicator: Send + Sync + std::fmt::Debug {
    /// What it computes.
    type Output;

    /// Takes the next candle; `None` while warming up or where the value is undefined.
    fn update(&mut self, candle: &Candle) -> Option<Self::Output>;

    /// Index of the first candle (counted from 0) with a value.
    fn warm_up(&self) -> usize;

    /// Forgets every candle.
    fn reset(&mut self);

    /// Writes the state, so that [`restore`](Self::restore) continues with the same bits.
    fn save(&self, state: &mut StateWriter);

    /// Takes over a state written by [`save`](Self::save) of an equally configured indicator.
    ///
    /// # Errors
    /// [`SignalError::State`] when the state does not fit.
    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError>;
}

/// Longest period an indicator takes: a bound on memory where specs come from files.
const LONGEST_PERIOD: f64 = 10_000.0;

/// A whole number in `1..=10_000`, or the error that says so.
pub(crate) fn period(channel: &str, parameter: &str, value: f64) -> Result<usize, SignalError> {
    if value.fract() == 0.0 && (1.0..=LONGEST_PERIOD).contains(&value) {
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
            expected: format!("a whole number from 1 to {LONGEST_PERIOD}"),
            got: value,
        })
    }
}
