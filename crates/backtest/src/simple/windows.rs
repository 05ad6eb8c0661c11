//! Windows as flat lists of scaled numbers: what the simple learners read.
use windvane_candles::Direction;
use windvane_models::TrainError;
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
    pub(super) fn of(samples: &SampleSet<'_>, scaler: &Scaler) -> Result<Self, TrainError> {
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

/// Windows whose close moved, with their outcomes.
pub(super) struct Cases<'a> {
    windows: &'a ScaledWindows,
    samples: Vec<Sample>,
}

impl<'a> Cases<'a> {
    /// The samples that moved; the others say nothing about UP against DOWN.
    pub(super) fn of(samples: &SampleSet<'_>, windows: &'a ScaledWindows) -> Self {
        let samples = samples.samples().iter().copied();
        let samples = samples.filter(|sample| sample.label != Direction::Neutral).collect();
        Self { windows, samples }
    }

    /// Numbers per window.
    pub(super) fn inputs(&self) -> usize {
        self.windows.inputs()
    }

    /// The windows as columns of numbers, each as long as there are cases, and whether they rose.
    pub(super) fn columns(&self) -> (Vec<f64>, Vec<f64>) {
        let (n, inputs) = (self.samples.len(), self.windows.inputs());
        let mut columns = vec![0.0; n * inputs];
        for (case, sample) in self.samples.iter().enumerate() {
            for (column, value) in self.windows.window(sample).iter().enumerate() {
                columns[column * n + case] = f64::from(*value);
            }
        }
        let rose = self.samples.iter();
        let rose = rose.map(|sample| f64::from(u8::from(sample.label == Direction::Up)));
        (columns, rose.collect())
    }
}
