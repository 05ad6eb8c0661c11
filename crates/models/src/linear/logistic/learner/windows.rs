//! Windows as flat lists of scaled numbers: inputs of the logistic regression.
use windvane_signals::{Sample, SampleSet, Scaler};

use crate::TrainError;

/// Rows that are scaled once: neighbouring windows share all rows but one, and each is a slice.
#[derive(Debug)]
pub(super) struct ScaledWindows {
    /// Per table, `[rows, C]`; incomplete rows are zeros that no window reaches.
    tables: Vec<Vec<f32>>,
    width: usize,
    lookback: usize,
}

impl ScaledWindows {
    /// Scales the rows of the tables that the samples point into.
    pub(super) fn of(samples: &SampleSet, scaler: &Scaler) -> Result<Self, TrainError> {
        let tables = samples.scaled_tables(scaler)?;
        Ok(Self { tables, width: samples.width(), lookback: samples.lookback() })
    }

    /// Numbers per window.
    pub(super) fn inputs(&self) -> usize {
        self.width * self.lookback
    }

    /// The window of a sample, oldest row first.
    pub(super) fn window(&self, sample: &Sample) -> &[f32] {
        let end = (sample.row + 1) * self.width;
        &self.tables[sample.table][end - self.inputs()..end]
    }
}
