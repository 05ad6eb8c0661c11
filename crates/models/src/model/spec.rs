//! The channels, windows and labels of a model.
use serde::{Deserialize, Serialize};
use windvane_candles::Interval;
use windvane_signals::{LabelSpec, SignalError, SignalSpec, Window};

use crate::PredictError;

/// Input and labels of a model: channels, interval, lookback, horizon. Saved with its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Channels and gap policy.
    pub signals: SignalSpec,
    /// The candles' interval.
    pub interval: Interval,
    /// Rows per window.
    pub lookback: usize,
    /// Horizon and NEUTRAL band of the labels.
    pub labels: LabelSpec,
}

/// Bounds on memory where specs come from files: rows per window, and its values.
const MAX_LOOKBACK: usize = 10_000;
const MAX_WINDOW: usize = 1_000_000;

impl ModelSpec {
    /// Confirms the ranges: a spec read from a file may hold anything.
    ///
    /// # Errors
    /// [`SignalError`], also for a window that is too large.
    pub fn validate(&self) -> Result<(), SignalError> {
        self.labels.check()?;
        self.signals.check()?;
        if !(1..=MAX_LOOKBACK).contains(&self.lookback) {
            let (setting, expected) = ("lookback", "1 to 10000 rows");
            return Err(SignalError::Setting { setting, expected, got: self.lookback as f64 });
        }
        let values = self.lookback * self.signals.width();
        if values > MAX_WINDOW {
            let (setting, expected) = ("rows times channels of a window", "at most 1000000");
            return Err(SignalError::Setting { setting, expected, got: values as f64 });
        }
        Ok(())
    }

    /// Confirms that a window has the shape the model reads.
    ///
    /// # Errors
    /// [`PredictError::WindowShape`] when it has not.
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
