//! The training loop: epochs of batches, early stopping, the best epoch kept.
use windvane_lstm_core::{LstmError, OptimizerState};

use super::TrainConfig;
use super::checkpoint::Checkpoint;
use super::progress::{Losses, Progress};
use crate::network::Layers;
use crate::train::{EpochReport, Run};
use crate::{ModelId, SettingError, TrainError, TrainingRecord};

/// Batches of one kind of training: windows, or segments of long sequences.
pub(crate) trait Batches: Send {
    /// Number of examples of each class.
    fn class_counts(&self) -> Vec<usize>;

    /// Puts the epoch's examples in order, which depends on the seed and its number alone;
    /// returns the number of batches.
    fn open(&mut self, epoch: u64) -> usize;

    /// Summed loss of a batch, its number of examples, and the gradient of their mean loss.
    fn batch(&mut self, number: usize, weights: &[f32]) -> Result<BatchOf<'_>, LstmError>;

    /// Mean cross-entropy on examples not learned from, and the share of them whose most likely
    /// class is right; `None` without any.
    fn validate(&mut self, weights: &[f32]) -> Result<Option<(f64, f64)>, LstmError>;
}

/// Loss and gradient of a batch.
pub(crate) struct BatchOf<'a> {
    /// Summed over its examples.
    pub(crate) loss: f64,
    pub(crate) examples: usize,
    pub(crate) gradient: &'a mut [f32],
}

/// Result of a training.
pub(crate) struct Fit {
    pub(crate) weights: Vec<f32>,
    epochs: usize,
    best: Losses,
}

impl Fit {
    pub(crate) fn write_to(&self, record: &mut TrainingRecord) {
        record.epochs = self.epochs;
        record.best_epoch = self.best.epoch;
        record.train_loss = Some(self.best.train_loss);
        record.validation_loss = self.best.validation_loss;
    }
}

/// The training of one network.
pub(crate) struct Trainer<'a, B> {
    /// Id of the model, for the reports of its epochs.
    pub(crate) model: &'a ModelId,
    pub(crate) layers: &'a Layers,
    pub(crate) batches: B,
    pub(crate) training: &'a TrainConfig,
    pub(crate) run: &'a Run<'a>,
}

impl<B: Batches> Trainer<'_, B> {
    /// Learns the weights; goes on from `checkpoint` and keeps it up to date.
    pub(crate) fn run(mut self, checkpoint: Option<&Checkpoint>) -> Result<Fit, TrainError> {
        let found = checkpoint.map(|kept| kept.load(self.layers.weight_count()));
        let mut progress = match found.transpose()?.flatten() {
            Some(progress) => progress,
            None => self.start()?,
        };
        while !self.done(&progress) {
            let report = self.epoch(&mut progress)?;
            if let Some(checkpoint) = checkpoint {
                checkpoint.save(&progress)?;
            }
            if self.run.report(&report).is_break() {
                return Err(TrainError::Stopped { epoch: report.epoch });
            }
        }
        let Progress { epoch, best, .. } = progress;
        let (best, weights) =
            best.ok_or(SettingError { setting: "epochs", expected: "at least 1", got: 0.0 })?;
        Ok(Fit { weights, epochs: epoch, best })
    }

    fn start(&self) -> Result<Progress, TrainError> {
        let mut weights = vec![0.0; self.layers.weight_count()];
        let TrainConfig { init, forget_bias, .. } = *self.training;
        self.layers.init(init, forget_bias, self.run.seed(), &mut weights)?;
        if self.training.class_priors {
            // The head's biases are the last parameters of every network.
            let biases = weights.len() - self.layers.classes();
            for (bias, share) in weights[biases..].iter_mut().zip(self.class_priors()) {
                #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
                let start = share.ln() as f32;
                *bias = start;
            }
        }
        let optimizer = OptimizerState::new(weights.len());
        Ok(Progress { epoch: 0, weights, optimizer, best: None })
    }

    /// The share of each class in training, as if each had been seen once more.
    fn class_priors(&self) -> Vec<f64> {
        let counts = self.batches.class_counts().into_iter().map(|count| count as f64 + 1.0);
        let total: f64 = counts.clone().sum();
        counts.map(|count| count / total).collect()
    }

    fn done(&self, Progress { epoch, best, .. }: &Progress) -> bool {
        let TrainConfig { epochs, patience, .. } = *self.training;
        let waited = best.as_ref().map_or(0, |(best, _)| epoch - best.epoch);
        *epoch >= epochs || waited >= patience
    }

    /// One epoch: every example once, in a new order, then the validation loss.
    fn epoch(&mut self, progress: &mut Progress) -> Result<EpochReport, TrainError> {
        let epoch = progress.epoch + 1;
        // On a thread of the pool: called from outside, every batch would wake two threads.
        let train_loss = rayon::scope(|_| self.pass(progress))?;
        let validated = self.batches.validate(&progress.weights)?;
        let (validation_loss, validation_accuracy) = validated.unzip();
        for loss in [Some(train_loss), validation_loss].into_iter().flatten() {
            if !loss.is_finite() {
                let learning_rate = self.learning_rate(epoch as f64 - 1.0);
                return Err(TrainError::Diverged { epoch, loss, learning_rate });
            }
        }
        let best = match (&progress.best, validation_loss) {
            (Some((best, _)), Some(loss)) => best.validation_loss.is_none_or(|least| loss < least),
            _ => true,
        };
        let losses = Losses { epoch, train_loss, validation_loss, validation_accuracy };
        if best {
            progress.best = Some((losses, progress.weights.clone()));
        }
        progress.epoch = epoch;
        Ok(EpochReport {
            model: self.model.clone(),
            member: self.run.member_index(),
            epoch,
            max_epochs: self.training.epochs,
            train_loss,
            validation_loss,
            validation_accuracy,
            best,
        })
    }

    /// A step for every batch; returns the mean loss.
    fn pass(&mut self, progress: &mut Progress) -> Result<f64, LstmError> {
        let Progress { epoch: done, weights, optimizer, .. } = progress;
        let training = self.training;
        let batches = self.batches.open(*done as u64 + 1);
        let (mut total, mut learned) = (0.0, 0);
        for number in 0..batches {
            // The middle of the step: a rise that starts at 0 wastes none.
            let learning_rate =
                self.learning_rate(*done as f64 + (number as f64 + 0.5) / batches as f64);
            let BatchOf { loss, examples, gradient } = self.batches.batch(number, weights)?;
            (total, learned) = (total + loss, learned + examples);
            training.clip.apply(gradient);
            training.optimizer.step(learning_rate, gradient, optimizer, weights)?;
        }
        Ok(total / learned as f64)
    }

    /// The learning rate after that many epochs.
    fn learning_rate(&self, epochs: f64) -> f64 {
        self.training.schedule.learning_rate(self.training.learning_rate, epochs)
    }
}

/// The class with the largest logit, the first of equal ones.
pub(crate) fn most_likely(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, k| if logits[k] > logits[best] { k } else { best })
}
