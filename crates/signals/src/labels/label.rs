//! Labels: classes of the price change after a window.
use windvane_candles::Direction;

use super::barrier::first_touch;
use crate::{Outcome, SignalError, SignalTable};

/// Rule that gives an outcome its class: a band of NEUTRAL changes, two barriers, or the median of
/// the panel.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields))]
pub enum Band {
    /// NEUTRAL if |change| ≤ `width`, a fraction; with 0 only an unchanged close. A trading cost
    /// as the width gives an after-cost label: UP and DOWN are changes beyond the cost.
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
    /// Triple barrier: UP if a high reaches `close × (1 + w)` before a low reaches
    /// `close × (1 − w)`, DOWN in the opposite order, NEUTRAL if neither is reached within the
    /// horizon. w is `factor` × the standard deviation of the last `lookback` one-candle changes
    /// before the decision, not multiplied by √horizon.
    ///
    /// The change of the outcome is ±w at a barrier and that of the close at the end of the
    /// horizon. A candle that reaches both barriers does not show their order: the label is then
    /// NEUTRAL, and the change is 0. Without volatility (w = 0) there is no label. The outcome is
    /// settled at the end of the horizon also if a barrier is reached earlier; otherwise the purge
    /// would keep only early touches near the end of a period.
    ///
    /// **Source** López de Prado 2018, *Advances in Financial Machine Learning*, section 3.4.
    Barrier {
        /// Distance of the barriers from the close, in standard deviations.
        factor: f64,
        /// Number of changes in the standard deviation.
        lookback: usize,
    },
    /// UP if the log change of the close over the horizon is above the median of the panel, DOWN if
    /// it is below; [`SampleSet::collect`](crate::SampleSet::collect) takes all its tables as the
    /// panel.
    ///
    /// The median is over the pairs with a close at both times, the own pair included; with fewer
    /// than 3 of them there is no label. NEUTRAL is a change equal to the median. The change of the
    /// outcome is the log change minus the median.
    Relative,
}

/// Definition of a label: the horizon and the rule that gives the class.
///
/// The default horizon is the next candle, and only an unchanged close is NEUTRAL. The text form,
/// such as `barrier:2,24`, is that of the command line (`--label`).
///
/// # Examples
/// ```
/// use windvane_signals::{Band, LabelSpec};
///
/// // A horizon of four candles; changes of up to 0.2 % are NEUTRAL.
/// let labels = LabelSpec { horizon: 4, band: Band::Fixed { width: 0.002 } };
/// assert!(labels.validate().is_ok());
/// assert!(LabelSpec { horizon: 0, ..labels }.validate().is_err());
/// assert_eq!(labels.to_string(), "cost:20,4"); // 20 basis points over 4 candles
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct LabelSpec {
    /// Number of candles from the decision to the outcome.
    pub horizon: usize,
    /// Rule that gives the class.
    pub band: Band,
}

impl Default for LabelSpec {
    fn default() -> Self {
        Self { horizon: 1, band: Band::Fixed { width: 0.0 } }
    }
}

impl LabelSpec {
    /// Default number of changes in the standard deviation of a band or a barrier, and of the
    /// lowest-volatility baseline of a relative label.
    pub const VOLATILITY_LOOKBACK: usize = 20;

    /// Validates the ranges of the settings.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless the horizon is 1 to 10,000, the band finite and not
    /// negative, the distance of barriers finite and above 0, and the lookback of a volatility band
    /// or of barriers 2 to 10,000.
    pub fn validate(&self) -> Result<(), SignalError> {
        if self.horizon == 0 || self.horizon > 10_000 {
            return SignalError::setting("horizon", "1 to 10000 candles", self.horizon as f64);
        }
        let (size, lookback) = match self.band {
            Band::Fixed { width } => (width, None),
            Band::Volatility { factor, lookback } => (factor, Some(lookback)),
            Band::Barrier { factor, lookback } => {
                if !factor.is_finite() || factor <= 0.0 {
                    return SignalError::setting("barrier", "finite and above 0", factor);
                }
                (factor, Some(lookback))
            }
            Band::Relative => (0.0, None),
        };
        if let Some(lookback) = lookback
            && !(2..=10_000).contains(&lookback)
        {
            let (setting, expected) = ("lookback of the band", "2 to 10000 candles");
            return SignalError::setting(setting, expected, lookback as f64);
        }
        if !size.is_finite() || size < 0.0 {
            return SignalError::setting("band", "finite and at least 0", size);
        }
        Ok(())
    }

    /// Returns the class and the outcome of a decision at row `index`; `None` if the outcome or the
    /// band is unknown. The last `horizon` rows have no label, and under [`Band::Relative`] one
    /// table alone has none.
    pub fn label(&self, table: &SignalTable, index: usize) -> Option<(Direction, Outcome)> {
        let outcome = table.outcome(index, self.horizon)?;
        let band = match self.band {
            Band::Fixed { width } => width,
            Band::Volatility { factor, lookback } => {
                factor * deviation(table, index, lookback)? * (self.horizon as f64).sqrt()
            }
            Band::Barrier { factor, lookback } => {
                let width = factor * deviation(table, index, lookback)?;
                return first_touch(table, index, self.horizon, width);
            }
            Band::Relative => return None,
        };
        let neutral = outcome.change.abs() <= band;
        let class =
            if neutral { Direction::Neutral } else { Direction::from_change(outcome.change) };
        Some((class, outcome))
    }
}

/// Standard deviation of the last `count` one-row changes up to `index`.
pub(super) fn deviation(table: &SignalTable, index: usize, count: usize) -> Option<f64> {
    let n = count as f64;
    let mean = table.recent_changes(index, count)?.sum::<f64>() / n;
    let squares = table.recent_changes(index, count)?.map(|x| (x - mean).powi(2));
    Some((squares.sum::<f64>() / n).sqrt())
}
