//! Relative change of the volume.
use windvane_candles::Candle;

use crate::{Indicator, SignalError, StateReader, StateWriter};

/// Relative change of the volume over one candle.
///
/// **Formula** `(V_t − V_{t−1}) / V_{t−1}`; after a candle without volume the ratio is
/// undefined and the value is 0, "nothing known", because real data has such candles and a
/// window must not be lost to each. A ratio beyond 1e100 (volumes range over 200 decades)
/// is cut there. **Units** a fraction, −1 and above. **Warm-up** 1; memory of one candle.
#[derive(Debug, Clone, Copy, Default)]
pub struct VolumeChange {
    previous: Option<f64>,
}

/// Keeps sums over rows finite whatever the volumes.
const LARGEST: f64 = 1e100;

impl Indicator for VolumeChange {
    type Output = f64;

    #[inline]
    fn update(&mut self, candle: &Candle) -> Option<f64> {
        let volume = candle.volume();
        let before = self.previous.replace(volume)?;
        Some(if before > 0.0 { ((volume - before) / before).min(LARGEST) } else { 0.0 })
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        self.previous = None;
    }

    fn save(&self, state: &mut StateWriter) {
        state.floats(self.previous.into_iter());
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.previous = state.floats(1)?.first().copied();
        Ok(())
    }
}
