//! Flat windows: the values of a window, or some of them, in one vector.
use windvane_lstm_core::LstmError;
use windvane_signals::SignalError;

use super::{Encoder, NetworkConfig};
use crate::ModelSpec;

/// Sizes of a network's windows, and the values that a flat encoder reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WindowShape {
    /// Number of rows, T.
    pub(crate) steps: usize,
    /// Number of channels, C.
    pub(crate) channels: usize,
    /// Positions in a flat window `[T, C]`; `None` for all of them.
    positions: Option<Vec<usize>>,
}

impl WindowShape {
    /// Creates the shape of windows that are read as a whole.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn new(steps: usize, channels: usize) -> Self {
        Self { steps, channels, positions: None }
    }

    /// Creates the shape of a spec's windows, of which the network reads its lags.
    pub(crate) fn of_spec(config: &NetworkConfig, spec: &ModelSpec) -> Result<Self, SignalError> {
        let lags = config.lags.as_ref().filter(|_| config.encoder == Encoder::Flat);
        let positions =
            lags.map(|lags| lags.positions(&spec.signals, spec.lookback)).transpose()?;
        Ok(Self { steps: spec.lookback, channels: spec.signals.width(), positions })
    }

    /// Returns the positions in a flat window `[T, C]` that a flat encoder reads; `None` for all.
    #[cfg(feature = "onnx")]
    pub(super) fn positions(&self) -> Option<&[usize]> {
        self.positions.as_deref()
    }

    /// Returns the number of values that a flat encoder reads.
    pub(super) fn inputs(&self) -> usize {
        self.positions.as_ref().map_or(self.steps.saturating_mul(self.channels), Vec::len)
    }

    /// Writes the values of each window of `x` `[T, B, C]` into `flat` `[B, inputs]`: all of them,
    /// oldest row first, or those at the positions.
    pub(super) fn gather<R: Copy>(
        &self,
        x: &[R],
        batch: usize,
        flat: &mut Vec<R>,
    ) -> Result<(), LstmError> {
        let channels = self.channels;
        let (expected, got) = (self.steps * batch * channels, x.len());
        if got != expected {
            return Err(LstmError::Length { what: "windows", expected, got });
        }
        flat.clear();
        for window in 0..batch {
            match &self.positions {
                None => (0..self.steps).for_each(|step| {
                    flat.extend_from_slice(&x[(step * batch + window) * channels..][..channels]);
                }),
                Some(positions) => flat.extend(positions.iter().map(|position| {
                    let (step, channel) = (position / channels, position % channels);
                    x[(step * batch + window) * channels + channel]
                })),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_windows_of_a_batch_are_those_of_windows_alone() {
        // Two windows of three rows of two channels, `[T, B, C]`.
        let x: Vec<u32> = (0..12).collect();
        let windows = [[0, 1, 4, 5, 8, 9], [2, 3, 6, 7, 10, 11]];
        let whole = WindowShape::new(3, 2);
        let some = WindowShape { positions: Some(vec![4, 5, 2]), ..whole.clone() };
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        whole.gather(&x, 2, &mut together).unwrap();
        assert_eq!(together, windows.concat());
        some.gather(&x, 2, &mut together).unwrap();
        assert_eq!(together, [8, 9, 4, 10, 11, 6]);
        for (window, expected) in windows.iter().zip([[8, 9, 4], [10, 11, 6]]) {
            some.gather(window, 1, &mut alone).unwrap();
            assert_eq!(alone, expected);
        }
        assert!(whole.gather(&x[1..], 2, &mut alone).is_err());
        assert_eq!((whole.inputs(), some.inputs()), (6, 3));
    }
}
