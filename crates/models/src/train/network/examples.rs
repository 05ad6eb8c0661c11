//! Training examples: labelled windows of scaled rows, gathered into time-major batches.
use windvane_candles::Direction;
use windvane_signals::{SampleSet, Scaler, SignalError};

use super::Sequences;

/// Training example: a window, identified by its last row, and its class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Example {
    table: usize,
    row: usize,
    label: usize,
}

impl Example {
    pub(crate) fn table(self) -> usize {
        self.table
    }

    pub(crate) fn row(self) -> usize {
        self.row
    }

    pub(crate) fn label(self) -> usize {
        self.label
    }
}

/// Labelled windows over tables of scaled rows, which overlapping windows share.
pub(crate) struct Examples {
    /// Scaled rows of each table, `[rows, C]`; incomplete rows are zeros outside all windows.
    tables: Vec<Vec<f32>>,
    width: usize,
    lookback: usize,
    list: Vec<Example>,
}

impl Examples {
    /// Creates the examples of a sample set.
    pub(crate) fn from_samples(samples: &SampleSet, scaler: &Scaler) -> Result<Self, SignalError> {
        let tables = samples.scaled_tables(scaler)?;
        let list = samples.samples().iter().map(|sample| Example {
            table: sample.table,
            row: sample.row,
            label: sample.label.index(),
        });
        let list = list.collect();
        Ok(Self { tables, width: samples.width(), lookback: samples.lookback(), list })
    }

    /// Creates the examples of labelled sequences: every sequence is a table with one window.
    pub(crate) fn from_sequences(sequences: &Sequences) -> Self {
        let shape = sequences.shape();
        let labels = sequences.labels().iter().enumerate();
        let list = labels.map(|(table, &label)| Example { table, row: shape.steps - 1, label });
        Self {
            tables: sequences.iter().map(<[f32]>::to_vec).collect(),
            width: shape.channels,
            lookback: shape.steps,
            list: list.collect(),
        }
    }

    /// Removes the windows of a class, unless all windows have it.
    ///
    /// Early stopping excludes windows whose close did not move. Predictions on them are not
    /// scored. Their share varies with the tick size relative to the price, and the loss of such a
    /// rare class would dominate the differences between epochs.
    pub(crate) fn leave_out(&mut self, class: Direction) {
        let list = self.list.iter().copied();
        let others: Vec<Example> = list.filter(|example| example.label != class.index()).collect();
        if !others.is_empty() {
            self.list = others;
        }
    }

    pub(crate) fn list(&self) -> &[Example] {
        &self.list
    }

    /// Scaled rows `[rows, C]` of a table; only rows inside windows are valid.
    pub(crate) fn rows(&self, table: usize) -> &[f32] {
        &self.tables[table]
    }

    /// Number of channels per row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Number of rows per window.
    pub(crate) fn lookback(&self) -> usize {
        self.lookback
    }

    /// Number of windows of each class.
    pub(crate) fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for example in &self.list {
            counts[example.label] += 1;
        }
        counts
    }

    /// Gathers windows into `x`, `[T, B, C]`, and their classes into `targets`.
    pub(crate) fn gather(&self, part: &[Example], x: &mut Vec<f32>, targets: &mut Vec<usize>) {
        x.clear();
        x.reserve(self.lookback * part.len() * self.width);
        for step in 0..self.lookback {
            for example in part {
                let row = example.row + 1 + step - self.lookback;
                x.extend_from_slice(&self.tables[example.table][row * self.width..][..self.width]);
            }
        }
        targets.clear();
        targets.extend(part.iter().map(|example| example.label));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::SequenceShape;

    fn classes(labels: &[usize]) -> Vec<usize> {
        let shape = SequenceShape { steps: 1, channels: 1, classes: 3 };
        let values = vec![0.0; labels.len()];
        let mut examples =
            Examples::from_sequences(&Sequences::new(shape, values, labels.to_vec()).unwrap());
        examples.leave_out(Direction::Neutral);
        examples.list().iter().map(|example| example.label()).collect()
    }

    #[test]
    fn examples_leave_out_class_unless_it_is_the_only_one() {
        let [up, down, neutral] = Direction::ALL.map(Direction::index);
        assert_eq!(classes(&[up, neutral, down, neutral, up]), [up, down, up]);
        assert_eq!(classes(&[neutral, neutral]), [neutral, neutral]);
    }
}
