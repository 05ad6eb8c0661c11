//! One model on one fold: fitted on the past, tested on what follows.
use std::time::Instant;

use rayon::prelude::*;
use windvane_models::train::{Learner, Run};
use windvane_models::{DirectionModel, ModelError, Prediction, TrainingRecord};
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

/// Fits a model on the fold's training windows and predicts its test windows.
pub(crate) fn run(
    group: &Group,
    number: usize,
    fold: &Fold<'_>,
    learner: &dyn Learner,
    run: &Run<'_>,
) -> Result<Outcome, ModelError> {
    let (train, validation) = fold.parts.as_ref().map_err(Clone::clone)?;
    let started = Instant::now();
    let model = learner.fit(train, validation, run)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let majority = majority(train);
    let record = |sample: &Sample, prediction: Prediction| Record {
        decided_at: sample.decided_at,
        interval: group.interval,
        instrument: group.members[sample.table],
        fold: number,
        path: fold.path_of(sample),
        change: sample.outcome.change,
        label: sample.label,
        called: prediction.direction,
        probabilities: prediction.probabilities,
        last: last_sign(fold.test.tables(), sample, fold.test.labels().horizon),
        majority,
        logistic: None,
        boosted: None,
    };
    let chunks: Vec<Result<(Vec<Record>, f64), ModelError>> = fold
        .test
        .samples()
        .par_chunks(CHUNK)
        .map(|chunk| predict(&model, &fold.test, chunk, &record))
        .collect();
    let mut records = Vec::with_capacity(fold.test.len());
    let mut predict_seconds = 0.0;
    // One by one and in order: which of several errors is reported must not depend on threads.
    for chunk in chunks {
        let (chunk, seconds) = chunk?;
        records.extend(chunk);
        predict_seconds += seconds;
    }
    let training = model.record().cloned();
    Ok(Outcome { records, training, fit_seconds, predict_seconds })
}

/// Predicts some windows, with the seconds that took.
fn predict(
    model: &dyn DirectionModel,
    test: &SampleSet<'_>,
    samples: &[Sample],
    record: &impl Fn(&Sample, Prediction) -> Record,
) -> Result<(Vec<Record>, f64), ModelError> {
    let started = Instant::now();
    let mut scratch = model.scratch();
    let predictions = samples.iter().map(|sample| model.predict(test.window(sample), &mut scratch));
    let predictions = predictions.collect::<Result<Vec<_>, _>>()?;
    let seconds = started.elapsed().as_secs_f64();
    let records = samples.iter().zip(predictions).map(|(s, p)| record(s, p)).collect();
    Ok((records, seconds))
}
