//! One model on one fold: fitted on the past, tested on what follows.
use std::time::Instant;

use rayon::prelude::*;
use windvane_candles::Direction;
use windvane_models::train::{Learner, Run};
use windvane_models::{DirectionModel, ModelError, Probabilities, TrainingRecord};
use windvane_signals::{Sample, SampleSet};

use crate::Record;
use crate::group::{Fold, Group, last_sign, majority};

/// Test windows predicted by one thread with one scratch.
const CHUNK: usize = 1_024;

/// What a task came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) records: Vec<Record>,
    pub(crate) training: Option<TrainingRecord>,
    pub(crate) fit_seconds: f64,
    /// Summed over threads.
    pub(crate) predict_seconds: f64,
}

/// What a model said to the test windows of a fold, in their order.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) calls: Vec<(Direction, Probabilities)>,
    pub(crate) training: Option<TrainingRecord>,
    pub(crate) fit_seconds: f64,
    pub(crate) predict_seconds: f64,
}

/// Fits a model on the fold's training windows and predicts its test windows.
pub(crate) fn run(
    fold: &Fold<'_>,
    learner: &dyn Learner,
    run: &Run<'_>,
) -> Result<Answers, ModelError> {
    let (train, validation) = fold.parts.as_ref().map_err(Clone::clone)?;
    let started = Instant::now();
    let model = learner.fit(train, validation, run)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let chunks = fold.test.samples().par_chunks(CHUNK);
    let chunks: Vec<_> = chunks.map(|chunk| predict(&model, &fold.test, chunk)).collect();
    let mut calls = Vec::with_capacity(fold.test.len());
    let mut predict_seconds = 0.0;
    // One by one and in order: which of several errors is reported must not depend on threads.
    for chunk in chunks {
        let (chunk, seconds) = chunk?;
        calls.extend(chunk);
        predict_seconds += seconds;
    }
    let training = model.record().cloned();
    Ok(Answers { calls, training, fit_seconds, predict_seconds })
}

impl Answers {
    /// The answers beside what came; the fold has the given number.
    pub(crate) fn into_outcome(self, group: &Group, number: usize, fold: &Fold<'_>) -> Outcome {
        let majority = fold.parts.as_ref().map_or(Direction::Neutral, |(train, _)| majority(train));
        let record =
            |(sample, (called, probabilities)): (&Sample, (Direction, Probabilities))| Record {
                decided_at: sample.decided_at,
                interval: group.interval,
                instrument: group.members[sample.table],
                fold: number,
                path: fold.path_of(sample),
                change: sample.outcome.change,
                label: sample.label,
                called,
                probabilities,
                last: last_sign(fold.test.tables(), sample, fold.test.labels().horizon),
                majority,
                logistic: None,
                boosted: None,
            };
        let Self { calls, training, fit_seconds, predict_seconds } = self;
        let records = fold.test.samples().iter().zip(calls).map(record).collect();
        Outcome { records, training, fit_seconds, predict_seconds }
    }
}

/// What a model says to some windows, with the seconds that took.
type Said = (Vec<(Direction, Probabilities)>, f64);

/// Predicts some windows, with the seconds that took.
fn predict(
    model: &dyn DirectionModel,
    test: &SampleSet<'_>,
    samples: &[Sample],
) -> Result<Said, ModelError> {
    let started = Instant::now();
    let mut scratch = model.scratch();
    let predictions = samples.iter().map(|sample| {
        let prediction = model.predict(test.window(sample), &mut scratch)?;
        Ok((prediction.direction, prediction.probabilities))
    });
    let predictions = predictions.collect::<Result<Vec<_>, ModelError>>()?;
    Ok((predictions, started.elapsed().as_secs_f64()))
}
