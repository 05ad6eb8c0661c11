//! Configuration of a training: optimizer, schedule, batch, early stopping.
use serde::Serialize;
use windvane_lstm_core::{Clip, Init, Optimizer, Schedule};

use crate::SettingError;

/// Configuration of a network's training: the hyperparameters.
///
/// The default is `AdamW` over twelve epochs with one warm-up epoch and cosine decay of the
/// learning rate, global-norm clipping and early stopping: the training stops after `patience`
/// epochs without a better validation loss, and the weights of the best epoch are kept.
///
/// # Examples
/// ```
/// use windvane_models::train::TrainConfig;
/// let quick = TrainConfig { epochs: 3, ..TrainConfig::default() };
/// assert!(quick.check().is_ok());
/// assert!(TrainConfig { learning_rate: -1.0, ..quick }.check().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TrainConfig {
    /// Optimizer with its parameters.
    pub optimizer: Optimizer,
    /// Learning rate before the schedule is applied.
    pub learning_rate: f64,
    /// Learning-rate schedule; its unit of time is the epoch.
    pub schedule: Schedule,
    /// Batch size: number of windows per step.
    pub batch: usize,
    /// Gradient clipping.
    pub clip: Clip,
    /// Distribution of the initial weights.
    pub init: Init,
    /// Initial bias of the forget gate.
    pub forget_bias: f64,
    /// Whether the biases of the head start at the logarithms of the class shares in training.
    /// Otherwise the first epochs learn the rarity of NEUTRAL, and their large gradients can
    /// permanently deactivate a layer of ReLU units.
    pub class_priors: bool,
    /// Maximum number of epochs.
    pub epochs: usize,
    /// Epochs without a better validation loss before training stops.
    pub patience: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::AdamW {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.3,
            },
            learning_rate: 8e-3,
            schedule: Schedule::Cosine { warm_up_epochs: 1.0, length: 12.0, floor: 0.02 },
            batch: 128,
            clip: Clip::GlobalNorm(1.0),
            init: Init::XavierUniform,
            forget_bias: 1.0,
            class_priors: true,
            epochs: 12,
            patience: 6,
        }
    }
}

impl TrainConfig {
    /// Configuration of the original system: SGD with learning rate 0.01 and momentum 0.9, batches
    /// of 32, gradients clipped at ± 5, decay 0.95 per epoch, Xavier. It learns slowly and serves
    /// for comparison.
    #[must_use]
    pub fn original() -> Self {
        Self {
            optimizer: Optimizer::Sgd { momentum: 0.9 },
            learning_rate: 0.01,
            schedule: Schedule::ExponentialDecay { rate: 0.95, every: 1.0 },
            batch: 32,
            clip: Clip::Value(5.0),
            forget_bias: 0.0,
            class_priors: false,
            epochs: 30,
            ..Self::default()
        }
    }

    /// Validates the ranges of all settings.
    ///
    /// # Errors
    /// [`SettingError`] for the first setting out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        let limit = match self.clip {
            Clip::Value(limit) | Clip::GlobalNorm(limit) => limit,
            // A later version may add other kinds.
            _ => f64::MAX,
        };
        let rules: [(&'static str, &'static str, f64, bool); 6] = [
            ("learning_rate", "finite and above 0", self.learning_rate, self.learning_rate > 0.0),
            ("epochs", "at least 1", self.epochs as f64, self.epochs > 0),
            ("batch", "1 to 65,536", self.batch as f64, (1..=65_536).contains(&self.batch)),
            ("clip", "above 0", limit, limit > 0.0),
            ("patience", "at least 1", self.patience as f64, self.patience > 0),
            ("forget_bias", "finite", self.forget_bias, true),
        ];
        let optimizer = self.optimizer_numbers().into_iter();
        let optimizer = optimizer.map(|(setting, got)| (setting, "finite", got, true));
        let rules = rules.into_iter().chain(self.schedule_rules()).chain(optimizer);
        for (setting, expected, got, fits) in rules {
            if !fits || !got.is_finite() {
                return Err(SettingError { setting, expected, got });
            }
        }
        Ok(())
    }

    fn optimizer_numbers(&self) -> Vec<(&'static str, f64)> {
        match self.optimizer {
            Optimizer::Sgd { momentum } => vec![("momentum", momentum)],
            Optimizer::AdamW { beta1, beta2, epsilon, weight_decay } => vec![
                ("beta1", beta1),
                ("beta2", beta2),
                ("epsilon", epsilon),
                ("weight_decay", weight_decay),
            ],
            // A later version may add other kinds.
            _ => Vec::new(),
        }
    }

    fn schedule_rules(&self) -> Vec<(&'static str, &'static str, f64, bool)> {
        match self.schedule {
            Schedule::ExponentialDecay { rate, every } => vec![
                ("decay", "above 0, at most 1", rate, rate > 0.0 && rate <= 1.0),
                ("epochs from one decay to the next", "above 0", every, every > 0.0),
            ],
            Schedule::Cosine { warm_up_epochs, length, floor } => vec![
                (
                    "warm_up_epochs of the schedule",
                    "0 or more",
                    warm_up_epochs,
                    warm_up_epochs >= 0.0,
                ),
                (
                    "length of the schedule",
                    "longer than warm_up_epochs",
                    length,
                    length > warm_up_epochs,
                ),
                (
                    "floor of the learning rate",
                    "above 0, at most 1",
                    floor,
                    floor > 0.0 && floor <= 1.0,
                ),
            ],
            // `Constant`; a later version may add other kinds.
            _ => Vec::new(),
        }
    }
}
