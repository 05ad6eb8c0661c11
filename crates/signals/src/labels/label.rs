//! Labels: classes of the price change after a window.
use windvane_candles::Direction;

use crate::{Outcome, SignalError, SignalTable};

/// Band of small changes that count as NEUTRAL.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields))]
pub enum Band {
    /// NEUTRAL if |change| ≤ `width`, a fraction; with 0 only an unchanged close.
    Fixed {
        /// Half-width of the band.
        width: f64,
    },
    /// NEUTRAL if |change| ≤ `factor` × √horizon × the standard deviation of the last `lookback`
    /// one-candle changes before the decision.
    Volatility {
        /// Number of standard deviations.
        factor: f64,
        /// Number of changes in the standard deviation.
        lookback: usize,
    },
}

/// Definition of a label: the horizon and the band of NEUTRAL changes.
///
/// The default horizon is the next candle, and only an unchanged close is NEUTRAL.
///
/// # Examples
/// ```
/// use windvane_signals::{Band, LabelSpec};
///
/// // A horizon of four candles; changes of up to 0.2 % are NEUTRAL.
/// let labels = LabelSpec { horizon: 4, band: Band::Fixed { width: 0.002 } };
/// assert!(labels.validate().is_ok());
/// assert!(LabelSpec { horizon: 0, ..labels }.validate().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct LabelSpec {
    /// Number of candles from the decision to the outcome.
    pub horizon: usize,
    /// Band of NEUTRAL changes.
    pub band: Band,
}

impl Default for LabelSpec {
    fn default() -> Self {
        Self { horizon: 1, band: Band::Fixed { width: 0.0 } }
    }
}

impl LabelSpec {
    /// Validates the ranges of the settings.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless the horizon is 1 to 10,000, the band finite and not
    /// negative, and the lookback of a volatility band 2 to 10,000.
    pub fn validate(&self) -> Result<(), SignalError> {
        if self.horizon == 0 || self.horizon > 10_000 {
            return SignalError::setting("horizon", "1 to 10000 candles", self.horizon as f64);
        }
        let size = match self.band {
            Band::Fixed { width } => width,
            Band::Volatility { factor, lookback } => {
                if !(2..=10_000).contains(&lookback) {
                    return SignalError::setting(
                        "lookback of the band",
                        "2 to 10000 candles",
                        lookback as f64,
                    );
                }
                factor
            }
        };
        if !size.is_finite() || size < 0.0 {
            return SignalError::setting("band", "finite and at least 0", size);
        }
        Ok(())
    }

    /// Returns the class and the outcome of a decision at row `index`; `None` if the outcome or the
    /// band is unknown. The last `horizon` rows have no label.
    pub fn label(&self, table: &SignalTable, index: usize) -> Option<(Direction, Outcome)> {
        let outcome = table.outcome(index, self.horizon)?;
        let band = match self.band {
            Band::Fixed { width } => width,
            Band::Volatility { factor, lookback } => {
                factor * deviation(table, index, lookback)? * (self.horizon as f64).sqrt()
            }
        };
        let neutral = outcome.change.abs() <= band;
        let class =
            if neutral { Direction::Neutral } else { Direction::from_change(outcome.change) };
        Some((class, outcome))
    }
}

/// Standard deviation of the last `count` one-row changes up to `index`.
fn deviation(table: &SignalTable, index: usize, count: usize) -> Option<f64> {
    let n = count as f64;
    let mean = table.recent_changes(index, count)?.sum::<f64>() / n;
    let squares = table.recent_changes(index, count)?.map(|x| (x - mean).powi(2));
    Some((squares.sum::<f64>() / n).sqrt())
}
