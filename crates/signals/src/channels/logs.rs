//! Logarithms of a candle, which many channels read.
use windvane_candles::Candle;

/// Logarithms of one candle, computed once for all channels of its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CandleLogs {
    /// Logarithm of the close.
    pub(crate) close: f64,
    /// Logarithm of high / low.
    pub(crate) range: f64,
    /// Logarithm of the volume; `None` for a candle without volume.
    pub(crate) volume: Option<f64>,
}

impl CandleLogs {
    #[inline]
    pub(crate) fn of(candle: &Candle) -> Self {
        let (close, range) = (Self::of_close(candle), Self::of_range(candle));
        Self { close, range, volume: Self::of_volume(candle) }
    }

    pub(crate) fn of_close(candle: &Candle) -> f64 {
        candle.close().ln()
    }

    pub(crate) fn of_range(candle: &Candle) -> f64 {
        (candle.high() / candle.low()).ln()
    }

    pub(crate) fn of_volume(candle: &Candle) -> Option<f64> {
        (candle.volume() > 0.0).then(|| candle.volume().ln())
    }
}
