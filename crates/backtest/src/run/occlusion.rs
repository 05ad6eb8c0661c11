//! Occlusion of channels: predictions with one channel replaced by its median.
use rayon::prelude::*;
use windvane_candles::Direction;
use windvane_models::{FittedModel, Prediction, TableReader, TrainError};
use windvane_signals::{Sample, SampleSet, SignalError, TrainSet};

use crate::score::MaskingEffect;

/// Maximum number of evenly spaced test windows per model and fold.
const MAX_WINDOWS: usize = 2_000;
/// Maximum number of evenly spaced training windows for a median.
const MAX_MEDIAN_WINDOWS: usize = 20_000;
/// Number of windows that a thread predicts with one reader.
const CHUNK: usize = 128;

/// Number of windows that a thread predicts with one reader: `chunk`, or all windows for a model
/// with recurrent state, which the reader updates from window to window.
pub(crate) fn windows_per_reader(model: &dyn FittedModel, chunk: usize) -> usize {
    if model.stateful().is_none() { chunk } else { usize::MAX }
}

/// Effects of masking each channel on the test windows of a fold, by channel.
pub(crate) fn effects(
    model: &dyn FittedModel,
    train: &TrainSet,
    test: &SampleSet,
) -> Result<Vec<Vec<MaskingEffect>>, TrainError> {
    let medians = medians(train)?;
    let chosen: Vec<&Sample> = spread(test.samples(), MAX_WINDOWS).collect();
    let chunks = chosen.par_chunks(windows_per_reader(model, CHUNK));
    let chunks: Vec<_> = chunks.map(|chunk| occlude(model, test, &medians, chunk)).collect();
    let mut channels = vec![Vec::with_capacity(chosen.len()); medians.len()];
    for chunk in chunks {
        for window in chunk? {
            channels.iter_mut().zip(window).for_each(|(channel, effect)| channel.push(effect));
        }
    }
    Ok(channels)
}

/// Effects of masking each channel, by window and channel.
fn occlude(
    model: &dyn FittedModel,
    test: &SampleSet,
    medians: &[f64],
    samples: &[&Sample],
) -> Result<Vec<Vec<MaskingEffect>>, TrainError> {
    let mut whole = TableReader::new(model, test.tables());
    let mut occluded: Vec<TableReader<'_>> = medians
        .iter()
        .enumerate()
        .map(|(channel, median)| {
            TableReader::new(model, test.tables()).with_constant_channel(channel, *median)
        })
        .collect();
    let mut windows = Vec::with_capacity(samples.len());
    for sample in samples {
        let with = whole.predict_sample(sample)?;
        let mut effects = Vec::with_capacity(medians.len());
        for reader in &mut occluded {
            effects.push(effect(sample, &with, &reader.predict_sample(sample)?));
        }
        windows.push(effects);
    }
    Ok(windows)
}

fn effect(sample: &Sample, with: &Prediction, without: &Prediction) -> MaskingEffect {
    let change = sample.outcome().change;
    let correct = correctness(change, with).zip(correctness(change, without));
    MaskingEffect {
        decided_at: sample.decided_at.millis(),
        correct: correct.map(|(with, without)| with - without),
        loss: loss(without, sample.label()) - loss(with, sample.label()),
    }
}

/// Returns 1 for a correct side, 0 for a wrong one and 0.5 for a tie; `None` for an unchanged
/// close.
fn correctness(change: f64, prediction: &Prediction) -> Option<f64> {
    let side = Direction::from_change(f64::from(prediction.probabilities.margin()));
    match (Direction::from_change(change), side) {
        (Direction::Neutral, _) => None,
        (_, Direction::Neutral) => Some(0.5),
        (outcome, side) => Some(f64::from(u8::from(outcome == side))),
    }
}

fn loss(prediction: &Prediction, label: Direction) -> f64 {
    -f64::from(prediction.probabilities.of(label)).max(f64::EPSILON).ln()
}

/// Median of each channel over the last rows of the training windows.
fn medians(train: &TrainSet) -> Result<Vec<f64>, SignalError> {
    let mut reader = train.reader();
    let width = train.width();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); width];
    for sample in spread(train.samples(), MAX_MEDIAN_WINDOWS) {
        let window = reader.window_of(sample, train.lookback())?;
        let last = window.row(window.steps() - 1);
        columns.iter_mut().zip(last).for_each(|(column, value)| column.push(*value));
    }
    Ok(columns.into_iter().map(median).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    f64::midpoint(values[(n - 1) / 2], values[n / 2])
}

/// At most `max` evenly spaced items.
fn spread<T>(items: &[T], max: usize) -> impl Iterator<Item = &T> {
    let count = items.len().min(max);
    (0..count).map(move |k| &items[k * items.len() / count])
}
