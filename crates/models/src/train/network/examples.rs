//! Training examples: labelled windows, scaled and gathered into time-major batches.
use std::ops::Range;

use windvane_candles::Direction;
use windvane_signals::{RowReader, SampleSet, Scaler, SignalError};

use super::Sequences;

/// Training example: a window, identified by its last row, and its class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Example {
    pub(crate) table: usize,
    pub(crate) row: usize,
    pub(crate) label: usize,
}

/// Labelled windows of a sample set, or labelled sequences.
///
/// The windows of a sample set are read from its tables and scaled when they are gathered, so that
/// the examples take no memory of their own.
pub(crate) struct Examples<'a> {
    source: ExampleSource<'a>,
    width: usize,
    lookback: usize,
}

enum ExampleSource<'a> {
    Samples {
        samples: &'a SampleSet,
        scaler: &'a Scaler,
        /// Positions of the samples that are used; `None` for all.
        kept: Option<Vec<u32>>,
    },
    /// Every sequence is a table with one window.
    Sequences(&'a Sequences),
}

/// Reader of examples with its buffers; every thread has its own.
#[derive(Debug)]
pub(crate) struct ExampleReader<'a> {
    rows: RowReader<'a>,
    scaled: Vec<f32>,
}

impl<'a> Examples<'a> {
    /// Creates the examples of a sample set.
    pub(crate) fn from_samples(samples: &'a SampleSet, scaler: &'a Scaler) -> Self {
        Self {
            source: ExampleSource::Samples { samples, scaler, kept: None },
            width: samples.width(),
            lookback: samples.lookback(),
        }
    }

    /// Creates the examples of labelled sequences.
    pub(crate) fn from_sequences(sequences: &'a Sequences) -> Self {
        let shape = sequences.shape();
        let source = ExampleSource::Sequences(sequences);
        Self { source, width: shape.channels, lookback: shape.steps }
    }

    /// Removes the windows of a class, unless all windows have it.
    ///
    /// Early stopping excludes windows whose close did not move. Predictions on them are not
    /// scored. Their share varies with the tick size relative to the price, and the loss of such a
    /// rare class would dominate the differences between epochs.
    pub(crate) fn leave_out(&mut self, class: Direction) {
        if let ExampleSource::Samples { samples, kept, .. } = &mut self.source {
            let others = (0..).zip(samples.samples());
            let others = others.filter(|(_, sample)| sample.label() != class);
            let others: Vec<u32> = others.map(|(position, _)| position).collect();
            if !others.is_empty() {
                *kept = Some(others);
            }
        }
    }

    /// Number of examples.
    pub(crate) fn len(&self) -> usize {
        match &self.source {
            ExampleSource::Samples { kept: Some(kept), .. } => kept.len(),
            ExampleSource::Samples { samples, .. } => samples.len(),
            ExampleSource::Sequences(sequences) => sequences.labels().len(),
        }
    }

    /// Example at a position.
    pub(crate) fn at(&self, position: usize) -> Example {
        match &self.source {
            ExampleSource::Samples { samples, kept, .. } => {
                let kept = kept.as_ref().map(|kept| kept[position] as usize);
                let sample = &samples.samples()[kept.unwrap_or(position)];
                let label = sample.label().index();
                Example { table: sample.table(), row: sample.row(), label }
            }
            ExampleSource::Sequences(sequences) => {
                let label = sequences.labels()[position];
                Example { table: position, row: self.lookback - 1, label }
            }
        }
    }

    /// All examples in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Example> {
        (0..self.len()).map(|position| self.at(position))
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
        for example in self.iter() {
            counts[example.label] += 1;
        }
        counts
    }

    /// Creates a reader of the examples.
    pub(crate) fn reader(&self) -> ExampleReader<'a> {
        let rows = match &self.source {
            ExampleSource::Samples { samples, .. } => samples.reader(),
            ExampleSource::Sequences(_) => RowReader::new(&[]),
        };
        ExampleReader { rows, scaled: Vec::new() }
    }

    /// Scaled rows `[rows, C]` of a table; only rows inside windows are valid.
    pub(crate) fn rows<'r>(
        &'r self,
        reader: &'r mut ExampleReader<'_>,
        table: usize,
        rows: Range<usize>,
    ) -> Result<&'r [f32], SignalError> {
        match &self.source {
            ExampleSource::Samples { scaler, .. } => {
                let values = reader.rows.rows(table, rows)?;
                reader.scaled.resize(values.len(), 0.0);
                scaler.apply_rows(values, &mut reader.scaled)?;
                Ok(&reader.scaled)
            }
            ExampleSource::Sequences(sequences) => {
                let values = sequences.at(table);
                Ok(&values[rows.start * self.width..rows.end * self.width])
            }
        }
    }

    /// Gathers the windows at some positions into `x`, `[T, B, C]`, and their classes into
    /// `targets`.
    pub(crate) fn gather(
        &self,
        positions: impl ExactSizeIterator<Item = usize>,
        reader: &mut ExampleReader<'_>,
        x: &mut Vec<f32>,
        targets: &mut Vec<usize>,
    ) -> Result<(), SignalError> {
        let count = positions.len();
        x.resize(self.lookback * count * self.width, 0.0);
        targets.clear();
        for (index, position) in positions.enumerate() {
            let Example { table, row, label } = self.at(position);
            let window = self.rows(reader, table, row + 1 - self.lookback..row + 1)?;
            let steps = x.chunks_exact_mut(count * self.width);
            for (step, row) in steps.zip(window.chunks_exact(self.width)) {
                step[index * self.width..][..self.width].copy_from_slice(row);
            }
            targets.push(label);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::simulate::MarketModel;
    use windvane_candles::{Interval, Pair};
    use windvane_signals::{Band, LabelSpec, Registry, SignalSpec, SignalTable, Split};

    use super::*;

    #[test]
    fn examples_leave_out_class_unless_it_is_the_only_one() {
        let pair = Pair::new("SIM").unwrap();
        let series = MarketModel::AR1.candles(pair, Interval::HOUR, 300, 1).unwrap();
        let tables =
            [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])
                .unwrap()];
        for (width, all_neutral) in [(0.005, false), (1e9, true)] {
            let labels = LabelSpec { band: Band::Fixed { width }, ..LabelSpec::default() };
            let samples = SampleSet::collect(&tables, 20, labels).unwrap();
            let train = Split::for_live(&samples, 0.2).unwrap().train(&samples).unwrap();
            let scaler = Scaler::fit(&train).unwrap();
            let mut examples = Examples::from_samples(&samples, &scaler);
            examples.leave_out(Direction::Neutral);
            let [ups, downs, neutral] = samples.class_counts();
            assert!(neutral > 0);
            assert_eq!(examples.len(), if all_neutral { neutral } else { ups + downs });
            let counts = examples.class_counts(3);
            assert_eq!(counts[2], if all_neutral { neutral } else { 0 });
        }
    }
}
