//! Estimated duration of a task, by which small tasks are collected into bundles.
use windvane::backtest::sweep::PlannedTask;
use windvane::catalog::ModelEntry;
use windvane::models::network::Encoder;

use super::settings::FitShape;

/// Multiplications and additions per second of one core, a low estimate.
const OPERATIONS_PER_SECOND: f64 = 4e9;
/// Operations per parameter and step: forward pass, backward pass, gradient.
const OPERATIONS: f64 = 6.0;
/// Values per parameter of a model that is not a network: iterations of a solver or trees.
const OTHER_ITERATIONS: f64 = 100.0;
/// Networks that a model without layers of its own stands for, if it has members.
const MEMBERS: f64 = 5.0;
/// Parameters of such a network.
const MEMBER_PARAMETERS: f64 = 6_000.0;
/// Epochs of such a network.
const MEMBER_EPOCHS: f64 = 12.0;

/// Cost of a task per training window: an estimate from the size of the model, not a measurement.
///
/// **Formula** windows × epochs × steps × parameters × 6 / 4e9 seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FitCost {
    /// Epochs × steps × parameters.
    work: f64,
}

impl FitCost {
    /// Cost of a model of the catalog; `epochs` are those of a recipe.
    pub(super) fn of_model(entry: &ModelEntry, epochs: Option<usize>, shape: FitShape) -> Self {
        let FitShape { lookback, channels } = shape;
        if let Some(network) = entry.network() {
            let steps = if network.config.encoder == Encoder::Flat { 1 } else { lookback };
            let parameters = network.parameters(lookback, channels).unwrap_or(0);
            let epochs = epochs.unwrap_or(network.training.epochs);
            return Self { work: epochs as f64 * steps as f64 * parameters as f64 };
        }
        if entry.kind == Some(windvane::ensemble::KIND) {
            let epochs = epochs.map_or(MEMBER_EPOCHS, |epochs| epochs as f64);
            return Self { work: MEMBERS * MEMBER_PARAMETERS * epochs * lookback as f64 };
        }
        Self::of_baseline(shape)
    }

    /// Cost of a model that is not a network.
    pub(super) fn of_baseline(shape: FitShape) -> Self {
        Self { work: OTHER_ITERATIONS * (shape.lookback * shape.channels) as f64 }
    }

    /// Estimated duration of a task on one core, seconds, to 0.1.
    pub(super) fn seconds(self, task: &PlannedTask) -> f64 {
        let seconds = task.training_windows as f64 * self.work * OPERATIONS / OPERATIONS_PER_SECOND;
        (seconds * 10.0).ceil() / 10.0
    }
}
