//! Scaled windows, gathered into time-major batches.
use windvane_signals::{Sample, SampleSet, Scaler, SignalError};

/// Every complete row of the tables, scaled once: neighbouring windows share 19 of 20 rows.
pub(crate) struct ScaledRows {
    /// Per table, `[rows, C]`; incomplete rows are zeros that no window reaches.
    tables: Vec<Vec<f32>>,
    width: usize,
    lookback: usize,
}

impl ScaledRows {
    pub(crate) fn new(samples: &SampleSet<'_>, scaler: &Scaler) -> Result<Self, SignalError> {
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
        let tables = tables.collect::<Result<_, SignalError>>()?;
        Ok(Self { tables, width, lookback: samples.lookback() })
    }

    /// Gathers windows into `x`, `[T, B, C]`.
    pub(crate) fn gather(&self, samples: &[Sample], x: &mut Vec<f32>) {
        x.clear();
        x.reserve(self.lookback * samples.len() * self.width);
        for step in 0..self.lookback {
            for sample in samples {
                let row = sample.row + 1 + step - self.lookback;
                x.extend_from_slice(&self.tables[sample.table][row * self.width..][..self.width]);
            }
        }
    }
}
