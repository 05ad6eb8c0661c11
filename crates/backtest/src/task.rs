//! One model on one fold: fitted on the past, tested on what follows.
use std::time::Instant;

use rayon::prelude::*;
use windvane_candles::Direction;
use windvane_models::train::{Learner, Run};
use windvane_models::{DirectionModel, ModelError, Probabilities, TableReader, TrainingRecord};
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

/// What a model said to the test windows of a fold, in their order.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) calls: Vec<(Direction, Probabilities)>,
    /// How sure it was, among validation windows: [`Record::top_share`].
    pub(crate) top_shares: Vec<f64>,
    /// What silencing each channel changed, by channel.
    pub(crate) effects: Vec<Vec<Effect>>,
    /// What the learner told of its epochs.
    pub(crate) epochs: Vec<EpochLoss>,
    pub(crate) training: Option<TrainingRecord>,
    pub(crate) fit_seconds: f64,
    pub(crate) predict_seconds: f64,
}

/// Fits a model on the fold's training windows and predicts its test windows.
pub(crate) fn run(
    fold: &Fold,
    learner: &dyn Learner,
    run: &Run<'_>,
) -> Result<Answers, ModelError> {
    let (train, validation) = fold.parts.as_ref().map_err(Clone::clone)?;
    let started = Instant::now();
    let model = learner.fit(train, validation, run)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let validated = predict_all(&model, validation)?.0;
    let sureness = Sureness::new(validated.iter().map(|(_, p)| p.edge()));
    let (calls, predict_seconds) = predict_all(&model, &fold.test)?;
    let top_shares = calls.iter().map(|(_, p)| sureness.top_share(p.edge())).collect();
    let effects = importance::effects(&model, train, &fold.test)?;
    let (training, epochs) = (model.record().cloned(), Vec::new());
    Ok(Answers { calls, top_shares, effects, epochs, training, fit_seconds, predict_seconds })
}

/// Predicts all windows in parallel, with the seconds that took, summed over threads.
fn predict_all(model: &dyn DirectionModel, windows: &SampleSet) -> Result<Said, ModelError> {
    let together = together(model, CHUNK);
    let chunks = windows.samples().par_chunks(together);
    let chunks: Vec<_> = chunks.map(|chunk| predict(model, windows, chunk)).collect();
    let mut calls = Vec::with_capacity(windows.len());
    let mut predict_seconds = 0.0;
    // One by one and in order: which of several errors is reported must not depend on threads.
    for chunk in chunks {
        let (chunk, seconds) = chunk?;
        calls.extend(chunk);
        predict_seconds += seconds;
    }
    Ok((calls, predict_seconds))
}

impl Answers {
    /// The answers beside what came; the fold has the given number.
    pub(crate) fn into_outcome(self, group: &Group, number: usize, fold: &Fold) -> Outcome {
        let majority = fold.parts.as_ref().map_or(Direction::Neutral, |(train, _)| majority(train));
        let record = |((sample, (called, probabilities)), top_share): (
            (&Sample, (Direction, Probabilities)),
            f64,
        )| Record {
            decided_at: sample.decided_at,
            interval: group.interval,
            instrument: group.members[sample.table],
            fold: number,
            path: fold.path_of(sample),
            row: sample.row,
            change: sample.outcome.change,
            next_change: fold.test.tables()[sample.table]
                .outcome(sample.row, 1)
                .map_or(0.0, |outcome| outcome.change),
            label: sample.label,
            called,
            probabilities,
            top_share,
            last: last_sign(fold.test.tables(), sample, fold.test.labels().horizon),
            majority,
            logistic: None,
            boosted: None,
        };
        let Self { calls, top_shares, effects, epochs, training, fit_seconds, predict_seconds } =
            self;
        let said = fold.test.samples().iter().zip(calls).zip(top_shares);
        let records = said.map(record).collect();
        Outcome { records, training, effects, epochs, fit_seconds, predict_seconds }
    }
}

/// How many windows one thread predicts with one reader: `chunk`, or all of them where the model
/// has a memory, which is made by reading on.
pub(crate) fn together(model: &dyn DirectionModel, chunk: usize) -> usize {
    if model.memory() == 0 { chunk } else { usize::MAX }
}

/// What a model says to some windows, with the seconds that took.
type Said = (Vec<(Direction, Probabilities)>, f64);

/// Predicts some windows, with the seconds that took.
fn predict(
    model: &dyn DirectionModel,
    windows: &SampleSet,
    samples: &[Sample],
) -> Result<Said, ModelError> {
    let started = Instant::now();
    let mut reader = TableReader::new(model, windows.tables());
    let predictions = samples.iter().map(|sample| {
        let prediction = reader.predict_sample(sample)?;
        Ok((prediction.direction, prediction.probabilities))
    });
    let predictions = predictions.collect::<Result<Vec<_>, ModelError>>()?;
    Ok((predictions, started.elapsed().as_secs_f64()))
}
