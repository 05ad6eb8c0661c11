//! The loop that descends: epochs of shuffled batches, early stopping, the best epoch kept.
//!
//! A batch is cut into chunks of [`CHUNK`] windows whatever the number of threads; each chunk
//! has its own gradient, and the gradients are added in order. So the bits depend on the seed
//! alone.
use rayon::prelude::*;
use windvane_candles::Direction;
use windvane_lstm_core::{CrossEntropy, LstmError, OptimizerState, Purpose, Stream};
use windvane_signals::{Sample, SampleSet, Scaler, TrainSet, ValidationSet};

use super::batches::ScaledRows;
use super::checkpoint::{Checkpoint, Progress};
use super::network::weight_count;
use super::{Draw, EpochReport, Network, Recipe, Run};
use crate::{ModelError, TrainingRecord};

/// Windows per gradient chunk: enough for the matrix products, few enough for two threads.
const CHUNK: usize = 64;

/// Fewer training windows than this teach nothing.
const LEAST_WINDOWS: usize = 32;

/// What descending came to.
pub(crate) struct Fit {
    pub(crate) weights: Vec<f32>,
    epochs: usize,
    best: EpochReport,
}

impl Fit {
    pub(crate) fn write_to(&self, record: &mut TrainingRecord) {
        record.epochs = self.epochs;
        record.best_epoch = self.best.epoch;
        record.train_loss = Some(self.best.train_loss);
        record.validation_loss = Some(self.best.validation_loss);
    }
}

/// One chunk's working memory.
struct Chunk<C> {
    samples: Vec<Sample>,
    x: Vec<f32>,
    targets: Vec<usize>,
    d_logits: Vec<f32>,
    d_weights: Vec<f32>,
    loss: f64,
    cache: C,
}

impl<C: Default> Chunk<C> {
    fn new(weights: usize) -> Self {
        Self {
            samples: Vec::new(),
            x: Vec::new(),
            targets: Vec::new(),
            d_logits: Vec::new(),
            d_weights: vec![0.0; weights],
            loss: 0.0,
            cache: C::default(),
        }
    }

    /// Fills inputs and targets from the samples.
    fn gather(&mut self, rows: &ScaledRows) {
        rows.gather(&self.samples, &mut self.x);
        self.targets.clear();
        self.targets.extend(self.samples.iter().map(|sample| sample.label.index()));
    }
}

/// The network and the windows it learns from.
struct Descent<'a, N> {
    network: &'a N,
    rows: ScaledRows,
    validation_rows: ScaledRows,
    train: &'a [Sample],
    validation: &'a [Sample],
    recipe: &'a Recipe,
    run: &'a Run<'a>,
}

/// Learns weights from `train`, keeping those of the epoch that is best on `validation`; goes on
/// from `checkpoint` and keeps it up to date.
pub(crate) fn descend<N: Network<f32>>(
    network: &N,
    train: &TrainSet<'_>,
    validation: &ValidationSet<'_>,
    scaler: &Scaler,
    recipe: &Recipe,
    run: &Run<'_>,
    checkpoint: Option<&Checkpoint>,
) -> Result<Fit, ModelError> {
    recipe.check()?;
    check_samples(train)?;
    let descent = Descent {
        network,
        rows: ScaledRows::new(train, scaler)?,
        validation_rows: ScaledRows::new(validation, scaler)?,
        train: train.samples(),
        validation: validation.samples(),
        recipe,
        run,
    };
    descent.run(checkpoint)
}

fn check_samples(train: &SampleSet<'_>) -> Result<(), ModelError> {
    if train.len() < LEAST_WINDOWS {
        return Err(ModelError::TooFewWindows { expected: LEAST_WINDOWS, got: train.len() });
    }
    let counts = train.class_counts();
    for class in [Direction::Up, Direction::Down] {
        if counts[class.index()] == 0 {
            return Err(ModelError::EmptyClass { class: class.to_string() });
        }
    }
    Ok(())
}

impl<N: Network<f32>> Descent<'_, N> {
    fn run(&self, checkpoint: Option<&Checkpoint>) -> Result<Fit, ModelError> {
        let found = checkpoint.map(|kept| kept.load(weight_count(self.network)));
        let mut progress = match found.transpose()?.flatten() {
            Some(progress) => progress,
            None => self.start()?,
        };
        let chunks = self.recipe.batch.min(self.train.len()).div_ceil(CHUNK);
        let mut chunks: Vec<_> = (0..chunks).map(|_| Chunk::new(progress.weights.len())).collect();
        while !self.done(&progress) {
            let report = self.epoch(&mut progress, &mut chunks)?;
            if let Some(checkpoint) = checkpoint {
                checkpoint.save(&progress)?;
            }
            if self.run.report(&report).is_break() {
                return Err(ModelError::Stopped { epoch: report.epoch });
            }
        }
        let Progress { epoch, best, .. } = progress;
        let (best, weights) = best.ok_or(ModelError::Setting {
            setting: "epochs",
            expected: "at least 1",
            got: 0.0,
        })?;
        Ok(Fit { weights, epochs: epoch, best })
    }

    fn start(&self) -> Result<Progress, ModelError> {
        let mut weights = vec![0.0; weight_count(self.network)];
        let Recipe { init, forget_bias, .. } = *self.recipe;
        self.network.init(init, forget_bias, self.run.seed(), &mut weights)?;
        let optimizer = OptimizerState::new(weights.len());
        Ok(Progress { epoch: 0, weights, optimizer, best: None })
    }

    fn done(&self, Progress { epoch, best, .. }: &Progress) -> bool {
        let Recipe { epochs, patience, .. } = *self.recipe;
        let waited = |(report, _): &(EpochReport, _)| epoch - report.epoch >= patience;
        *epoch >= epochs || best.as_ref().is_some_and(waited)
    }

    /// One epoch: every window once, in a new order, then the validation loss.
    fn epoch(
        &self,
        progress: &mut Progress,
        chunks: &mut [Chunk<N::Cache>],
    ) -> Result<EpochReport, ModelError> {
        let epoch = progress.epoch + 1;
        let (seed, recipe) = (self.run.seed(), self.recipe);
        let learning_rate = recipe.learning_rate * recipe.decay.powi(index(epoch - 1));
        // Each epoch's order depends on its number alone, so that a resumed run draws the same.
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        Stream::new(seed, Purpose::Shuffle, epoch as u64, 0).shuffle(&mut order);
        let mut loss = 0.0;
        for (number, batch) in order.chunks(recipe.batch).enumerate() {
            let index = (number * chunks.len()) as u64;
            let draw = Draw { seed, epoch: epoch as u64, index };
            loss += self.gradient(&progress.weights, batch, draw, chunks)?;
            let gradient = &mut chunks[0].d_weights;
            recipe.clip.apply(gradient);
            let Progress { weights, optimizer, .. } = progress;
            recipe.optimizer.step(learning_rate, gradient, optimizer, weights)?;
        }
        let train_loss = loss / self.train.len() as f64;
        let validation_loss = self.validate(&progress.weights)?;
        for loss in [train_loss, validation_loss] {
            if !loss.is_finite() {
                return Err(ModelError::Diverged { epoch, loss, learning_rate });
            }
        }
        let best = progress.best.as_ref();
        let best = best.is_none_or(|(best, _)| validation_loss < best.validation_loss);
        let most_epochs = recipe.epochs;
        let report = EpochReport { epoch, most_epochs, train_loss, validation_loss, best };
        if best {
            progress.best = Some((report, progress.weights.clone()));
        }
        progress.epoch = epoch;
        Ok(report)
    }

    /// Gradient of a batch's mean loss, left in the first chunk; returns the summed loss.
    fn gradient(
        &self,
        weights: &[f32],
        batch: &[usize],
        first: Draw,
        chunks: &mut [Chunk<N::Cache>],
    ) -> Result<f64, LstmError> {
        let parts = batch.len().div_ceil(CHUNK);
        let used = &mut chunks[..parts];
        let work = used.par_iter_mut().zip(batch.par_chunks(CHUNK)).enumerate();
        work.try_for_each(|(number, (chunk, part))| {
            let draw = Draw { index: first.index + number as u64, ..first };
            chunk.d_weights.fill(0.0);
            chunk.samples.clear();
            chunk.samples.extend(part.iter().map(|&i| self.train[i]));
            chunk.gather(&self.rows);
            self.chunk_gradient(weights, batch.len(), draw, chunk)
        })?;
        let loss = used.iter().map(|chunk| chunk.loss).sum();
        if let Some((first, rest)) = used.split_first_mut() {
            for chunk in rest {
                for (sum, part) in first.d_weights.iter_mut().zip(&chunk.d_weights) {
                    *sum += part;
                }
            }
        }
        Ok(loss)
    }

    fn chunk_gradient(
        &self,
        weights: &[f32],
        batch: usize,
        draw: Draw,
        chunk: &mut Chunk<N::Cache>,
    ) -> Result<(), LstmError> {
        let Chunk { x, targets, d_logits, d_weights, loss, cache, .. } = chunk;
        let logits = self.network.forward(weights, x, targets.len(), Some(draw), cache)?;
        d_logits.clear();
        d_logits.resize(logits.len(), 0.0);
        let mean = self.cross_entropy().add(logits, targets, batch as f32, d_logits)?;
        *loss = f64::from(mean) * batch as f64;
        self.network.backward(weights, x, d_logits, cache, d_weights)
    }

    fn cross_entropy(&self) -> CrossEntropy<'static, f32> {
        CrossEntropy { classes: self.network.classes(), weights: None, smoothing: 0.0 }
    }

    /// Mean cross-entropy on the validation windows.
    fn validate(&self, weights: &[f32]) -> Result<f64, LstmError> {
        let losses = self
            .validation
            .par_chunks(CHUNK)
            .map_init(
                || Chunk::<N::Cache>::new(0),
                |chunk, part| {
                    chunk.samples.clear();
                    chunk.samples.extend_from_slice(part);
                    chunk.gather(&self.validation_rows);
                    let Chunk { x, cache, .. } = chunk;
                    let logits = self.network.forward(weights, x, part.len(), None, cache)?;
                    chunk.d_logits.clear();
                    chunk.d_logits.resize(logits.len(), 0.0);
                    self.cross_entropy().add(logits, &chunk.targets, 1.0, &mut chunk.d_logits)
                },
            )
            .collect::<Result<Vec<f32>, _>>()?;
        Ok(losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / self.validation.len() as f64)
    }
}

/// An epoch's number as an exponent.
fn index(epoch: usize) -> i32 {
    i32::try_from(epoch).unwrap_or(i32::MAX)
}
