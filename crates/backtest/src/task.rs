//! One model on one fold: fitted on the past, tested on what follows.
use std::time::Instant;

use rayon::prelude::*;
use windvane_models::train::{Learner, Run};
use windvane_models::{DirectionModel, ModelError, Prediction, TrainingRecord};
use windvane_signals::{Sample, SampleSet};

use crate::group::{Fold, Group, last_sign, majority};
use crate::importance::{self, Effect};
use crate::selection::Sureness;
use crate::{EpochLoss, Record};

/// Windows predicted by one thread with one scratch.
const CHUNK: usize = 1_024;

/// What a task came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) records: Vec<Record>,
    pub(crate) training: Option<TrainingRecord>,
    /// What silencing each channel changed, by channel.
    pub(crate) effects: Vec<Vec<Effect>>,
    /// What the learner told of its epochs.
    pub(crate) epochs: Vec<EpochLoss>,
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
    let validated = predict_all(&model, validation)?.0;
    let sureness = Sureness::new(validated.iter().map(|p| p.probabilities.edge()));
    let (predictions, predict_seconds) = predict_all(&model, &fold.test)?;
    let (majority, horizon) = (majority(train), fold.test.labels().horizon);
    let record = |(sample, prediction): (&Sample, Prediction)| Record {
        decided_at: sample.decided_at,
        interval: group.interval,
        instrument: group.members[sample.table],
        fold: number,
        row: sample.row,
        change: sample.outcome.change,
        next_change: fold.test.tables()[sample.table]
            .outcome(sample.row, 1)
            .map_or(0.0, |outcome| outcome.change),
        label: sample.label,
        called: prediction.direction,
        probabilities: prediction.probabilities,
        top_share: sureness.top_share(prediction.probabilities.edge()),
        last: last_sign(fold.test.tables(), sample, horizon),
        majority,
    };
    let records = fold.test.samples().iter().zip(predictions).map(record).collect();
    let effects = importance::effects(&model, train, &fold.test)?;
    let training = model.record().cloned();
    Ok(Outcome { records, training, effects, epochs: Vec::new(), fit_seconds, predict_seconds })
}

/// Predicts all windows in parallel, with the seconds that took, summed over threads.
fn predict_all(
    model: &dyn DirectionModel,
    windows: &SampleSet<'_>,
) -> Result<(Vec<Prediction>, f64), ModelError> {
    let chunks: Vec<Result<(Vec<Prediction>, f64), ModelError>> =
        windows.samples().par_chunks(CHUNK).map(|chunk| predict(model, windows, chunk)).collect();
    let mut all = Vec::with_capacity(windows.len());
    let mut all_seconds = 0.0;
    // One by one and in order: which of several errors is reported must not depend on threads.
    for chunk in chunks {
        let (predictions, seconds) = chunk?;
        all.extend(predictions);
        all_seconds += seconds;
    }
    Ok((all, all_seconds))
}

/// Predicts some windows, with the seconds that took.
fn predict(
    model: &dyn DirectionModel,
    windows: &SampleSet<'_>,
    samples: &[Sample],
) -> Result<(Vec<Prediction>, f64), ModelError> {
    let started = Instant::now();
    let mut scratch = model.scratch();
    let predictions =
        samples.iter().map(|sample| model.predict(windows.window(sample), &mut scratch));
    let predictions = predictions.collect::<Result<Vec<_>, _>>()?;
    Ok((predictions, started.elapsed().as_secs_f64()))
}
