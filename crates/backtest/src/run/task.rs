//! Execution of a task: fits a model on the training windows of a fold and tests it.
use std::time::Instant;

use rayon::prelude::*;
use windvane_candles::Direction;
use windvane_models::train::{Learner, Run};
use windvane_models::{FittedModel, Probabilities, TableReader, TrainError};
use windvane_signals::{Sample, SampleSet};

use super::fold::Fold;
use super::occlusion::{self, windows_per_reader};
use super::task_result::{TaskResult, TestPrediction};
use crate::score::ConfidenceRanks;

/// Number of windows that a thread predicts with one reader.
const CHUNK: usize = 1_024;

/// Fits a model on the training windows of a fold and predicts the test windows.
pub(crate) fn run(
    fold: &Fold<'_>,
    learner: &dyn Learner,
    run: &Run<'_>,
) -> Result<TaskResult, TrainError> {
    let (train, validation) = fold.training_windows.as_ref().map_err(Clone::clone)?;
    let started = Instant::now();
    let model = learner.fit(train, validation, run)?;
    // The readers compare channels, gap policy and interval with those of the tables.
    if model.spec().labels != train.labels() {
        let problem = "their labels have another horizon or NEUTRAL band";
        return Err(TrainError::OtherSpec { model: model.id().to_string(), problem });
    }
    let fit_seconds = started.elapsed().as_secs_f64();
    let validated = predict_all(&model, validation)?.0;
    let ranks = ConfidenceRanks::new(validated.iter().map(|(_, p)| p.margin()));
    let ranked = |(direction, probabilities): (Direction, Probabilities)| TestPrediction {
        direction,
        probabilities,
        confidence_rank: ranks.rank(probabilities.margin()),
    };
    let (tested, predict_seconds) = predict_all(&model, &fold.test)?;
    let later = match &fold.later {
        Some(later) => predict_all(&model, later)?.0,
        None => Vec::new(),
    };
    let validated = validated.into_iter().map(|(_, p)| p.classes().map(f32::to_bits));
    Ok(TaskResult {
        validated: validated.collect(),
        predictions: tested.into_iter().map(ranked).collect(),
        later: later.into_iter().map(ranked).collect(),
        effects: occlusion::effects(&model, train, &fold.test)?,
        epochs: Vec::new(),
        training: model.record().cloned(),
        fit_seconds,
        predict_seconds,
    })
}

/// Predictions with the prediction time in seconds.
type TimedPredictions = (Vec<(Direction, Probabilities)>, f64);

/// Predicts all windows in parallel; the time is summed over threads.
fn predict_all(
    model: &dyn FittedModel,
    windows: &SampleSet,
) -> Result<TimedPredictions, TrainError> {
    let chunks = windows.samples().par_chunks(windows_per_reader(model, CHUNK));
    let chunks: Vec<_> = chunks.map(|chunk| predict(model, windows, chunk)).collect();
    let mut predictions = Vec::with_capacity(windows.len());
    let mut predict_seconds = 0.0;
    // The first error in the order of the windows is returned, whatever the number of threads.
    for chunk in chunks {
        let (chunk, seconds) = chunk?;
        predictions.extend(chunk);
        predict_seconds += seconds;
    }
    Ok((predictions, predict_seconds))
}

fn predict(
    model: &dyn FittedModel,
    windows: &SampleSet,
    samples: &[Sample],
) -> Result<TimedPredictions, TrainError> {
    let started = Instant::now();
    let mut reader = TableReader::new(model, windows.tables());
    let mut predictions = Vec::with_capacity(samples.len());
    for sample in samples {
        let prediction = reader.predict_sample(sample)?;
        predictions.push((prediction.direction, prediction.probabilities));
    }
    Ok((predictions, started.elapsed().as_secs_f64()))
}
