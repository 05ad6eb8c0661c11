//! Execution of a task: fits a model on the training windows of a fold and tests it.
use std::time::Instant;

use rayon::prelude::*;
use windvane_models::train::{Learner, Run};
use windvane_models::{FittedModel, Prediction, Probabilities, TableReader, TrainError};
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
    let validated = predict_all(&model, validation, |prediction| prediction.probabilities)?.0;
    let ranks = ConfidenceRanks::new(validated.iter().map(Probabilities::margin));
    let ranked = |Prediction { direction, probabilities, .. }: Prediction| TestPrediction {
        direction,
        probabilities,
        confidence_rank: ranks.rank(probabilities.margin()),
    };
    let (predictions, predict_seconds) = predict_all(&model, &fold.test, ranked)?;
    let later = match &fold.later {
        Some(later) => predict_all(&model, later, ranked)?.0,
        None => Vec::new(),
    };
    let validated = validated.into_iter().map(|p| p.classes().map(f32::to_bits));
    Ok(TaskResult {
        validated: validated.collect(),
        predictions,
        later,
        effects: occlusion::effects(&model, train, &fold.test)?,
        epochs: Vec::new(),
        training: model.record().cloned(),
        fit_seconds,
        predict_seconds,
    })
}

/// Predicts all windows in parallel and returns what a function takes of each prediction, with the
/// time of the predictions summed over threads, in seconds.
fn predict_all<T: Send>(
    model: &dyn FittedModel,
    windows: &SampleSet,
    take: impl Fn(Prediction) -> T + Sync,
) -> Result<(Vec<T>, f64), TrainError> {
    let chunks = windows.samples().par_chunks(windows_per_reader(model, CHUNK));
    let chunks: Vec<_> = chunks.map(|chunk| predict(model, windows, chunk, &take)).collect();
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

fn predict<T>(
    model: &dyn FittedModel,
    windows: &SampleSet,
    samples: &[Sample],
    take: impl Fn(Prediction) -> T,
) -> Result<(Vec<T>, f64), TrainError> {
    let started = Instant::now();
    let mut reader = TableReader::new(model, windows.tables());
    let mut predictions = Vec::with_capacity(samples.len());
    for sample in samples {
        predictions.push(reader.predict_sample(sample)?);
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok((predictions.into_iter().map(take).collect(), seconds))
}
