//! Inputs of the logistic regression: scaled numbers of whole windows, or of lags.
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
    /// Position of every input in a window; `None` for whole windows.
    positions: Option<Vec<usize>>,
}

impl ScaledWindows {
    /// Scales the rows of the tables that the samples point into.
    pub(super) fn new(
        samples: &SampleSet,
        scaler: &Scaler,
        positions: Option<Vec<usize>>,
    ) -> Result<Self, TrainError> {
        let tables = samples.scaled_tables(scaler)?;
        Ok(Self { tables, width: samples.width(), lookback: samples.lookback(), positions })
    }

    /// Scales the tables that only these samples point into. A table is scaled once: a list for each
    /// set would double the memory. The samples share their tables with those of [`new`](Self::new).
    pub(super) fn add(&mut self, samples: &SampleSet, scaler: &Scaler) -> Result<(), TrainError> {
        let others = samples.filtered(|sample| self.tables[sample.table()].is_empty());
        let more = others.scaled_tables(scaler)?;
        for (table, other) in self.tables.iter_mut().zip(more) {
            if table.is_empty() {
                *table = other;
            }
        }
        Ok(())
    }

    /// Returns the number of inputs of a window.
    pub(super) fn inputs(&self) -> usize {
        self.positions.as_ref().map_or(self.width * self.lookback, Vec::len)
    }

    /// Returns the inputs of a sample: the whole window, oldest row first, or the values at the
    /// positions, which are written to `buffer`.
    pub(super) fn window<'a>(&'a self, sample: &Sample, buffer: &'a mut Vec<f32>) -> &'a [f32] {
        let end = (sample.row() + 1) * self.width;
        let window = &self.tables[sample.table()][end - self.width * self.lookback..end];
        let Some(positions) = &self.positions else { return window };
        buffer.clear();
        buffer.extend(positions.iter().map(|position| window[*position]));
        buffer
    }
}
