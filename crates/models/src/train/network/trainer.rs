//! Training loop: epochs of batches, early stopping, weights of the best epoch.
use windvane_lstm_core::OptimizerState;

use super::TrainConfig;
use super::checkpoint::Checkpoint;
use super::progress::{EpochLosses, TrainingState};
use crate::network::Layers;
use crate::train::{EpochReport, Run};
use crate::{ModelId, SettingError, TrainError, TrainingRecord};

/// Batches of training examples: windows, or segments of long sequences.
pub(crate) trait Batches: Send {
    /// Number of examples of each class.
    fn class_counts(&self) -> Vec<usize>;

    /// Shuffles the examples for an epoch and returns the number of batches. The order depends only
    /// on the seed and the number of the epoch.
    fn open(&mut self, epoch: u64) -> usize;

    /// Computes the loss and the gradient of a batch.
    fn batch(&mut self, number: usize, weights: &[f32]) -> Result<BatchGradient<'_>, TrainError>;

    /// Computes mean cross-entropy and accuracy on the validation examples; `None` without any.
    fn validate(&mut self, weights: &[f32]) -> Result<Option<(f64, f64)>, TrainError>;
}

/// Loss and gradient of a batch.
pub(crate) struct BatchGradient<'a> {
    /// Loss, summed over the examples.
    pub(crate) loss: f64,
    pub(crate) examples: usize,
    /// Gradient of the mean loss.
    pub(crate) gradient: &'a mut [f32],
}

/// Result of a training: weights and losses of the best epoch.
pub(crate) struct TrainedWeights {
    pub(crate) weights: Vec<f32>,
    epochs: usize,
    best: EpochLosses,
}

impl TrainedWeights {
    pub(crate) fn write_to(&self, record: &mut TrainingRecord) {
        record.epochs = self.epochs;
        record.best_epoch = self.best.epoch;
        record.train_loss = Some(self.best.train_loss);
        record.validation_loss = self.best.validation_loss;
    }
}

/// Trainer of one network.
pub(crate) struct Trainer<'a, B> {
    /// Id of the model, for the reports of its epochs.
    pub(crate) model: &'a ModelId,
    pub(crate) layers: &'a Layers,
    pub(crate) batches: B,
    pub(crate) training: &'a TrainConfig,
    pub(crate) run: &'a Run<'a>,
}

impl<B: Batches> Trainer<'_, B> {
    /// Trains the weights. Resumes from `checkpoint` and updates it after every epoch.
    pub(crate) fn run(
        mut self,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<TrainedWeights, TrainError> {
        let saved = checkpoint.map(|file| file.load(self.layers.weight_count()));
        let mut state = match saved.transpose()?.flatten() {
            Some(state) => state,
            None => self.start()?,
        };
        while !self.is_done(&state) {
            let report = self.epoch(&mut state)?;
            if let Some(checkpoint) = checkpoint {
                checkpoint.save(&state)?;
            }
            if self.run.report(&report).is_break() {
                return Err(TrainError::Stopped { epoch: report.epoch });
            }
        }
        let TrainingState { epoch, best, .. } = state;
        let (best, weights) =
            best.ok_or(SettingError { setting: "epochs", expected: "at least 1", got: 0.0 })?;
        Ok(TrainedWeights { weights, epochs: epoch, best })
    }

    /// Initialises the weights and the optimizer state.
    fn start(&self) -> Result<TrainingState, TrainError> {
        let mut weights = vec![0.0; self.layers.weight_count()];
        let TrainConfig { init, forget_bias, .. } = *self.training;
        self.layers.init(init, forget_bias, self.run.seed(), &mut weights)?;
        if self.training.class_priors {
            // The biases of the head are the last parameters of every network.
            let biases = weights.len() - self.layers.classes();
            for (bias, share) in weights[biases..].iter_mut().zip(self.class_priors()) {
                #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
                let start = share.ln() as f32;
                *bias = start;
            }
        }
        let optimizer = OptimizerState::new(weights.len());
        Ok(TrainingState { epoch: 0, weights, optimizer, best: None })
    }

    /// Share of each class in training, with add-one smoothing.
    fn class_priors(&self) -> Vec<f64> {
        let counts = self.batches.class_counts().into_iter().map(|count| count as f64 + 1.0);
        let total: f64 = counts.clone().sum();
        counts.map(|count| count / total).collect()
    }

    /// Returns whether the maximum number of epochs or the patience is reached.
    fn is_done(&self, TrainingState { epoch, best, .. }: &TrainingState) -> bool {
        let TrainConfig { epochs, patience, .. } = *self.training;
        let waited = best.as_ref().map_or(0, |(best, _)| epoch - best.epoch);
        *epoch >= epochs || waited >= patience
    }

    /// Runs one epoch: all batches in a new order, then the validation.
    fn epoch(&mut self, state: &mut TrainingState) -> Result<EpochReport, TrainError> {
        let epoch = state.epoch + 1;
        // The scope runs on a thread of the pool. From another thread, every batch would wake two
        // threads.
        let train_loss = rayon::scope(|_| self.pass(state))?;
        let validated = self.batches.validate(&state.weights)?;
        let (validation_loss, validation_accuracy) = validated.unzip();
        for loss in [Some(train_loss), validation_loss].into_iter().flatten() {
            if !loss.is_finite() {
                // The rate of the epoch depends on the schedule; this is the number to lower.
                let learning_rate = self.training.learning_rate;
                return Err(TrainError::Diverged { epoch, loss, learning_rate });
            }
        }
        let best = match (&state.best, validation_loss) {
            (Some((best, _)), Some(loss)) => best.validation_loss.is_none_or(|best| loss < best),
            _ => true,
        };
        let losses = EpochLosses { epoch, train_loss, validation_loss, validation_accuracy };
        if best {
            state.best = Some((losses, state.weights.clone()));
        }
        state.epoch = epoch;
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

    /// Takes one step per batch and returns the mean loss.
    fn pass(&mut self, state: &mut TrainingState) -> Result<f64, TrainError> {
        let TrainingState { epoch: done, weights, optimizer, .. } = state;
        let training = self.training;
        let batches = self.batches.open(*done as u64 + 1);
        let (mut total, mut count) = (0.0, 0);
        for number in 0..batches {
            // The schedule is evaluated in the middle of the step, so that a warm-up from 0 has no
            // step with learning rate 0.
            let learning_rate =
                self.learning_rate(*done as f64 + (number as f64 + 0.5) / batches as f64);
            let BatchGradient { loss, examples, gradient } = self.batches.batch(number, weights)?;
            (total, count) = (total + loss, count + examples);
            training.clip.apply(gradient);
            training.optimizer.step(learning_rate, gradient, optimizer, weights)?;
        }
        Ok(total / count as f64)
    }

    /// Learning rate after `epochs` epochs.
    fn learning_rate(&self, epochs: f64) -> f64 {
        self.training.schedule.learning_rate(self.training.learning_rate, epochs)
    }
}

/// Class with the largest logit; the first one for ties.
pub(crate) fn most_probable(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, k| if logits[k] > logits[best] { k } else { best })
}
