//! The loop that descends: epochs of shuffled batches, early stopping, the best epoch kept.
//!
//! A batch is cut into chunks whatever the number of threads ([`chunk_of`]); each chunk has its
//! own gradient, and the gradients are added in order. So the bits depend on the seed alone.
use rayon::prelude::*;
use windvane_lstm_core::{CrossEntropy, LstmError, OptimizerState, Purpose, Stream};

use super::checkpoint::{Checkpoint, Progress};
use super::examples::{Example, Examples};
use super::network::weight_count;
use super::{Draw, EpochReport, Network, Recipe, Run};
use crate::{ModelError, TrainingRecord};

/// Windows at a time where no gradient is wanted, and the most per gradient chunk: more would not
/// stay in the caches between the passes.
const CHUNK: usize = 64;

/// Windows per gradient chunk of batches of that size: a quarter, so that a few threads have work,
/// in whole tiles of the matrix products, and not so few that arranging the weights shows.
fn chunk_of(batch: usize) -> usize {
    (batch / 4).next_multiple_of(8).clamp(16, CHUNK)
}

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
        record.validation_loss = self.best.validation_loss;
    }
}

/// One chunk's working memory.
struct Chunk<C> {
    part: Vec<Example>,
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
            part: Vec::new(),
            x: Vec::new(),
            targets: Vec::new(),
            d_logits: Vec::new(),
            d_weights: vec![0.0; weights],
            loss: 0.0,
            cache: C::default(),
        }
    }

    /// Fills inputs and targets with those examples.
    fn gather(&mut self, examples: &Examples, part: impl Iterator<Item = Example>) {
        self.part.clear();
        self.part.extend(part);
        examples.gather(&self.part, &mut self.x, &mut self.targets);
    }
}

/// A network, what it learns from, and how.
pub(crate) struct Descent<'a, N> {
    pub(crate) network: &'a N,
    pub(crate) train: &'a Examples,
    /// What the epoch is chosen by; without it the last epoch is kept.
    pub(crate) validation: Option<&'a Examples>,
    pub(crate) recipe: &'a Recipe,
    pub(crate) run: &'a Run<'a>,
}

impl<N: Network<f32>> Descent<'_, N> {
    /// Learns the weights; goes on from `checkpoint` and keeps it up to date.
    pub(crate) fn run(&self, checkpoint: Option<&Checkpoint>) -> Result<Fit, ModelError> {
        self.recipe.check()?;
        let found = checkpoint.map(|kept| kept.load(weight_count(self.network)));
        let mut progress = match found.transpose()?.flatten() {
            Some(progress) => progress,
            None => self.start()?,
        };
        let chunks = self.parts_of(self.recipe.batch).max(rayon::current_num_threads());
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

    /// Gradient chunks of a batch.
    fn parts_of(&self, batch: usize) -> usize {
        batch.min(self.train.list().len()).div_ceil(chunk_of(self.recipe.batch))
    }

    fn start(&self) -> Result<Progress, ModelError> {
        let mut weights = vec![0.0; weight_count(self.network)];
        let Recipe { init, forget_bias, .. } = *self.recipe;
        self.network.init(init, forget_bias, self.run.seed(), &mut weights)?;
        if self.recipe.class_shares {
            // The head's biases are the last parameters of every network.
            let biases = weights.len() - self.network.classes();
            for (bias, share) in weights[biases..].iter_mut().zip(self.class_shares()) {
                #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
                let start = share.ln() as f32;
                *bias = start;
            }
        }
        let optimizer = OptimizerState::new(weights.len());
        Ok(Progress { epoch: 0, weights, optimizer, best: None })
    }

    /// The share of each class in training, as if each had been seen once more.
    fn class_shares(&self) -> Vec<f64> {
        let mut counts = vec![1.0; self.network.classes()];
        for example in self.train.list() {
            counts[example.label()] += 1.0;
        }
        let total: f64 = counts.iter().sum();
        counts.into_iter().map(|count| count / total).collect()
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
        // On a thread of the pool: called from outside, every batch would wake two threads.
        let train_loss = rayon::scope(|_| self.pass(progress, chunks))?;
        let validate = |examples| self.validate(examples, &progress.weights, chunks);
        let validated = self.validation.map(validate);
        let (validation_loss, validation_accuracy) = validated.transpose()?.unzip();
        for loss in [Some(train_loss), validation_loss].into_iter().flatten() {
            if !loss.is_finite() {
                let learning_rate = self.learning_rate(epoch as f64 - 1.0);
                return Err(ModelError::Diverged { epoch, loss, learning_rate });
            }
        }
        let best = match (&progress.best, validation_loss) {
            (Some((best, _)), Some(loss)) => best.validation_loss.is_none_or(|least| loss < least),
            _ => true,
        };
        let most_epochs = self.recipe.epochs;
        let report = EpochReport {
            epoch,
            most_epochs,
            train_loss,
            validation_loss,
            validation_accuracy,
            best,
        };
        if best {
            progress.best = Some((report, progress.weights.clone()));
        }
        progress.epoch = epoch;
        Ok(report)
    }

    /// A step for every batch, in a new order; returns the mean loss.
    fn pass(
        &self,
        progress: &mut Progress,
        chunks: &mut [Chunk<N::Cache>],
    ) -> Result<f64, LstmError> {
        let Progress { epoch: done, weights, optimizer, .. } = progress;
        let (seed, recipe, epoch) = (self.run.seed(), self.recipe, *done as u64 + 1);
        // Each epoch's order depends on its number alone, so that a resumed run draws the same.
        let mut order: Vec<usize> = (0..self.train.list().len()).collect();
        Stream::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
        let (batches, parts) = (order.len().div_ceil(recipe.batch), self.parts_of(recipe.batch));
        let mut loss = 0.0;
        for (number, batch) in order.chunks(recipe.batch).enumerate() {
            let draw = Draw { seed, epoch, index: (number * parts) as u64 };
            loss += self.gradient(weights, batch, draw, chunks)?;
            let gradient = &mut chunks[0].d_weights;
            recipe.clip.apply(gradient);
            // The middle of the step: a rise that starts at 0 wastes none.
            let learning_rate =
                self.learning_rate(*done as f64 + (number as f64 + 0.5) / batches as f64);
            recipe.optimizer.step(learning_rate, gradient, optimizer, weights)?;
        }
        Ok(loss / order.len() as f64)
    }

    /// The learning rate after that many epochs.
    fn learning_rate(&self, epochs: f64) -> f64 {
        self.recipe.schedule.learning_rate(self.recipe.learning_rate, epochs)
    }

    /// Gradient of a batch's mean loss, left in the first chunk; returns the summed loss.
    fn gradient(
        &self,
        weights: &[f32],
        batch: &[usize],
        first: Draw,
        chunks: &mut [Chunk<N::Cache>],
    ) -> Result<f64, LstmError> {
        let used = &mut chunks[..self.parts_of(batch.len())];
        let parts = batch.par_chunks(chunk_of(self.recipe.batch));
        let work = used.par_iter_mut().zip(parts).enumerate();
        work.try_for_each(|(number, (chunk, part))| {
            let draw = Draw { index: first.index + number as u64, ..first };
            chunk.d_weights.fill(0.0);
            chunk.gather(self.train, part.iter().map(|&i| self.train.list()[i]));
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

    /// Mean cross-entropy on windows not learned from, and the share of them whose most likely
    /// class is right.
    fn validate(
        &self,
        examples: &Examples,
        weights: &[f32],
        chunks: &mut [Chunk<N::Cache>],
    ) -> Result<(f64, f64), LstmError> {
        let one = |chunk: &mut Chunk<N::Cache>, part: &[Example]| {
            chunk.gather(examples, part.iter().copied());
            let Chunk { x, targets, d_logits, cache, .. } = chunk;
            let logits = self.network.forward(weights, x, part.len(), None, cache)?;
            d_logits.clear();
            d_logits.resize(logits.len(), 0.0);
            let rows = logits.chunks_exact(self.network.classes());
            let right = rows.zip(&*targets).filter(|(row, target)| most_likely(row) == **target);
            let right = right.count();
            let loss = self.cross_entropy().add(logits, targets, 1.0, d_logits)?;
            Ok((f64::from(loss), right))
        };
        // Working memory is used again, as it is by the gradients; sums go by the order of the parts.
        let (list, together) = (examples.list(), chunks.len());
        let of_chunk = |(first, chunk): (usize, &mut Chunk<N::Cache>)| {
            let parts = list.chunks(CHUNK).skip(first).step_by(together);
            parts.map(|part| one(chunk, part)).collect::<Result<Vec<(f64, usize)>, LstmError>>()
        };
        let results: Vec<_> =
            chunks.par_iter_mut().enumerate().map(of_chunk).collect::<Result<_, LstmError>>()?;
        let parts = || (0..list.len().div_ceil(CHUNK)).map(|p| results[p % together][p / together]);
        let loss = parts().map(|(loss, _)| loss).sum::<f64>() / list.len() as f64;
        let right: usize = parts().map(|(_, right)| right).sum();
        Ok((loss, right as f64 / list.len() as f64))
    }
}

/// The class with the largest logit, the first of equal ones.
pub(crate) fn most_likely(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, k| if logits[k] > logits[best] { k } else { best })
}
