//! One model on one fold: fitted on the training windows, tested on the test windows.
use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use windvane_candles::Direction;
use windvane_models::train::{Learner, Run};
use windvane_models::{FittedModel, Probabilities, TableReader, TrainError, TrainingRecord};
use windvane_signals::{Sample, SampleSet};

use super::fold::Fold;
use super::occlusion;
use crate::report::EpochLoss;
use crate::score::{Effect, Sureness};

/// Windows predicted by one thread with one scratch.
const CHUNK: usize = 1_024;

/// Result of a task, as the cache keeps it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskResult {
    /// One per test window of the fold, in their order.
    pub(crate) predictions: Vec<TestPrediction>,
    /// Effects of replacing each channel by its median, by channel.
    pub(crate) effects: Vec<Vec<Effect>>,
    /// Losses by epoch, as the learner reported them.
    pub(crate) epochs: Vec<EpochLoss>,
    pub(crate) training: Option<TrainingRecord>,
    pub(crate) fit_seconds: f64,
    /// Summed over threads.
    pub(crate) predict_seconds: f64,
}

/// Prediction for one test window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub(crate) struct TestPrediction {
    pub(crate) direction: Direction,
    pub(crate) probabilities: Probabilities,
    /// Share of the validation windows with at least the same margin:
    /// [`Record::top_share`](crate::Record::top_share).
    pub(crate) top_share: f64,
}

/// Direction, bits of the probabilities and share of a stored prediction.
type Stored = (Direction, [u32; 3], f64);

impl From<TestPrediction> for Stored {
    fn from(prediction: TestPrediction) -> Self {
        let bits = prediction.probabilities.classes().map(f32::to_bits);
        (prediction.direction, bits, prediction.top_share)
    }
}

impl TryFrom<Stored> for TestPrediction {
    type Error = &'static str;

    fn try_from((direction, bits, top_share): Stored) -> Result<Self, Self::Error> {
        let probabilities = Probabilities::new(bits.map(f32::from_bits));
        let probabilities = probabilities.ok_or("the probabilities do not sum to 1")?;
        Ok(Self { direction, probabilities, top_share })
    }
}

impl TestPrediction {
    /// Direction when every candle is called: the sign of p(UP) − p(DOWN).
    pub(crate) fn edge_call(&self) -> Direction {
        Direction::of_change(f64::from(self.probabilities.edge()))
    }
}

/// Fits a model on the fold's training windows and predicts its test windows.
pub(crate) fn run(
    fold: &Fold<'_>,
    learner: &dyn Learner,
    run: &Run<'_>,
) -> Result<TaskResult, TrainError> {
    let (train, validation) = fold.parts.as_ref().map_err(Clone::clone)?;
    let started = Instant::now();
    let model = learner.fit(train, validation, run)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let validated = predict_all(&model, validation)?.0;
    let sureness = Sureness::new(validated.iter().map(|(_, p)| p.edge()));
    let (tested, predict_seconds) = predict_all(&model, &fold.test)?;
    let predictions = tested.into_iter().map(|(direction, probabilities)| TestPrediction {
        direction,
        probabilities,
        top_share: sureness.top_share(probabilities.edge()),
    });
    Ok(TaskResult {
        predictions: predictions.collect(),
        effects: occlusion::effects(&model, train, &fold.test)?,
        epochs: Vec::new(),
        training: model.record().cloned(),
        fit_seconds,
        predict_seconds,
    })
}

/// Predictions for some windows, with the seconds they took.
type Timed = (Vec<(Direction, Probabilities)>, f64);

/// Predicts all windows in parallel; the seconds are summed over threads.
fn predict_all(model: &dyn FittedModel, windows: &SampleSet) -> Result<Timed, TrainError> {
    let chunks = windows.samples().par_chunks(windows_per_reader(model, CHUNK));
    let chunks: Vec<_> = chunks.map(|chunk| predict(model, windows, chunk)).collect();
    let mut predictions = Vec::with_capacity(windows.len());
    let mut predict_seconds = 0.0;
    // One by one and in order: which of several errors is reported must not depend on threads.
    for chunk in chunks {
        let (chunk, seconds) = chunk?;
        predictions.extend(chunk);
        predict_seconds += seconds;
    }
    Ok((predictions, predict_seconds))
}

/// Number of windows that one thread predicts with one reader: `chunk`, or all of them for a
/// model with recurrent state, which is updated by reading on.
pub(crate) fn windows_per_reader(model: &dyn FittedModel, chunk: usize) -> usize {
    if model.stateful().is_none() { chunk } else { usize::MAX }
}

fn predict(
    model: &dyn FittedModel,
    windows: &SampleSet,
    samples: &[Sample],
) -> Result<Timed, TrainError> {
    let started = Instant::now();
    let mut reader = TableReader::new(model, windows.tables());
    let mut predictions = Vec::with_capacity(samples.len());
    for sample in samples {
        let prediction = reader.predict_sample(sample)?;
        predictions.push((prediction.direction, prediction.probabilities));
    }
    Ok((predictions, started.elapsed().as_secs_f64()))
}
