//! The candle's range relative to its close.
use windvane_candles::Candle;

use crate::ratio::Ratio;
use crate::{Indicator, SignalError, StateReader, StateWriter};

/// Range of the candle relative to its close.
///
/// **Formula** `(high − low) / close`. **Units** a fraction. **Warm-up** 0; it has no memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Volatility;

impl Volatility {
    #[inline]
    pub(crate) fn next(candle: &Candle) -> Ratio {
        Ratio::new(candle.high() - candle.low(), candle.close())
    }
}

impl Indicator for Volatility {
    type Output = f64;

    #[inline]
    fn update(&mut self, candle: &Candle) -> Option<f64> {
        Some(Self::next(candle).value())
    }

    fn warm_up(&self) -> usize {
        0
    }

    fn reset(&mut self) {}

    fn save(&self, _: &mut StateWriter) {}

    fn restore(&mut self, _: &mut StateReader<'_>) -> Result<(), SignalError> {
        Ok(())
    }
}
