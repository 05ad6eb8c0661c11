//! Channels, windows and labels of a model.
use serde::{Deserialize, Serialize};
use windvane_candles::Interval;
use windvane_signals::{LabelSpec, SignalError, SignalSpec, Window};

use crate::PredictError;

/// Specification of a model: channels, interval, lookback, labels. Saved with the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Channels and gap policy.
    pub signals: SignalSpec,
    /// Interval of the candles.
    pub interval: Interval,
    /// Number of rows per window.
    pub lookback: usize,
    /// Horizon and NEUTRAL band of the labels.
    pub labels: LabelSpec,
}

/// Maximum number of rows per window; it bounds the memory that a spec from a file can request.
const MAX_LOOKBACK: usize = 10_000;
/// Maximum number of values per window, for the same reason.
const MAX_WINDOW: usize = 1_000_000;

impl ModelSpec {
    /// Validates the ranges of all fields; a spec from a file may contain any values.
    ///
    /// # Errors
    /// [`SignalError`] for a value out of range or a window that is too large.
    pub fn validate(&self) -> Result<(), SignalError> {
        self.labels.check()?;
        self.signals.check()?;
        if !(1..=MAX_LOOKBACK).contains(&self.lookback) {
            let (setting, expected) = ("lookback", "1 to 10,000 rows");
            return Err(SignalError::Setting { setting, expected, got: self.lookback as f64 });
        }
        let values = self.lookback * self.signals.width();
        if values > MAX_WINDOW {
            let (setting, expected) = ("rows times channels of a window", "at most 1,000,000");
            return Err(SignalError::Setting { setting, expected, got: values as f64 });
        }
        Ok(())
    }

    /// Checks that a window has the rows and channels of this spec.
    ///
    /// # Errors
    /// [`PredictError::WindowShape`] if it has another shape.
    pub fn check(&self, window: &Window<'_>) -> Result<(), PredictError> {
        let axes = [
            ("channels", self.signals.width(), window.width()),
            ("rows", self.lookback, window.steps()),
        ];
        for (what, expected, got) in axes {
            if got != expected {
                return Err(PredictError::WindowShape { what, expected, got });
            }
        }
        Ok(())
    }
}
