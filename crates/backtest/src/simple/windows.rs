//! Windows as flat lists of scaled numbers: what the simple learners read.
use windvane_models::ModelError;
use windvane_signals::{Sample, SampleSet, Scaler};

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
    pub(super) fn of(samples: &SampleSet<'_>, scaler: &Scaler) -> Result<Self, ModelError> {
        let width = samples.width();
        let tables = samples.used_tables().into_iter().map(|table| {
            let Some(table) = table else { return Ok(Vec::new()) };
            let mut scaled = vec![0.0; table.len() * width];
            for (row, target) in scaled.chunks_exact_mut(width).enumerate() {
                if let Some(values) = table.row(row) {
                    scaler.apply_rows(values, target)?;
                }
            }
            Ok(scaled)
        });
        let tables = tables.collect::<Result<_, ModelError>>()?;
        Ok(Self { tables, width, lookback: samples.lookback() })
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
