//! Windows as flat slices of scaled numbers, the inputs of the logistic regression.
use windvane_signals::{Sample, SampleSet, Scaler};

use crate::TrainError;

/// Scaled rows of all tables. Each window is a slice of them, so that overlapping windows share
/// their rows.
#[derive(Debug)]
pub(super) struct ScaledWindows {
    /// Scaled rows of each table, `[rows, C]`; incomplete rows are zeros and belong to no window.
    tables: Vec<Vec<f32>>,
    width: usize,
    lookback: usize,
}

impl ScaledWindows {
    /// Scales the rows of the tables that the samples point into.
    pub(super) fn new(samples: &SampleSet, scaler: &Scaler) -> Result<Self, TrainError> {
        let tables = samples.scaled_tables(scaler)?;
        Ok(Self { tables, width: samples.width(), lookback: samples.lookback() })
    }

    /// Returns the number of values in a window.
    pub(super) fn inputs(&self) -> usize {
        self.width * self.lookback
    }

    /// Returns the window of a sample, oldest row first.
    pub(super) fn window(&self, sample: &Sample) -> &[f32] {
        let end = (sample.row + 1) * self.width;
        &self.tables[sample.table][end - self.inputs()..end]
    }
}
