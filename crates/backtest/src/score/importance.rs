//! Importance of channels: loss of accuracy if a channel is replaced by its median.
use serde::{Deserialize, Serialize};
use windvane_candles::Interval;

use crate::metrics::Bounds;
use crate::score::bootstrap::{Bootstrap, Mean, ScoreSettings};
use crate::score::comparison::LEVEL;

/// Importance of a channel: loss of a model if the channel is masked.
///
/// In at most 2,000 evenly spaced test windows per fold, every value of the channel is replaced by
/// its median over the training windows, and the model predicts again. For a model with recurrent
/// state the earlier rows are masked as well. The model is not fitted again, so the importance of a
/// channel that shares its information with others may be over- or underestimated.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Importance {
    /// Name of the model.
    pub model: String,
    /// Interval of the candles.
    pub interval: Interval,
    /// Name of the channel.
    pub channel: String,
    /// Number of test windows that were predicted again, over all folds.
    pub windows: usize,
    /// Accuracy with the channel minus accuracy without it, at full coverage, over changed closes;
    /// a fraction. A tie of UP and DOWN counts as half correct.
    pub accuracy_drop: Option<f64>,
    /// 95 % interval of the drop: block bootstrap over calendar time.
    pub accuracy_interval_95: Option<Bounds>,
    /// Log loss without the channel minus that with it, nats.
    pub loss_rise: Option<f64>,
    /// 95 % interval of the rise.
    pub loss_interval_95: Option<Bounds>,
}

/// Effect of masking one channel in one window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct MaskingEffect {
    /// Time of the decision, milliseconds since 1970.
    pub(crate) decided_at: i64,
    /// Loss of correct predictions, −1 to 1; `None` if the close did not change.
    pub(crate) correct: Option<f64>,
    /// Increase of the log loss, nats.
    pub(crate) loss: f64,
}

/// Masked channel of a model.
pub(crate) struct ModelChannel<'a> {
    pub(crate) model: &'a str,
    pub(crate) interval: Interval,
    pub(crate) channel: String,
}

impl Importance {
    /// Computes the importance from the effects of all folds.
    pub(crate) fn of(
        channel: ModelChannel<'_>,
        effects: &[&MaskingEffect],
        settings: ScoreSettings<'_>,
    ) -> Self {
        let unit = channel.interval.millis();
        let correct = effects.iter().filter_map(|one| Some((one.decided_at, one.correct?)));
        let losses = effects.iter().map(|one| (one.decided_at, one.loss));
        let (accuracy_drop, accuracy_interval_95) = mean(correct, unit, settings);
        let (loss_rise, loss_interval_95) = mean(losses, unit, settings);
        Self {
            model: channel.model.to_string(),
            interval: channel.interval,
            channel: channel.channel,
            windows: effects.len(),
            accuracy_drop,
            accuracy_interval_95,
            loss_rise,
            loss_interval_95,
        }
    }
}

/// Mean of values with their times in milliseconds, with its interval.
fn mean(
    values: impl Iterator<Item = (i64, f64)>,
    unit: i64,
    settings: ScoreSettings<'_>,
) -> (Option<f64>, Option<Bounds>) {
    let values: Vec<(i64, Mean)> = values
        .map(|(time, value)| (time.div_euclid(unit), Mean { sum: value, count: 1 }))
        .collect();
    let mut all = Mean::default();
    for (_, value) in &values {
        all += *value;
    }
    let ScoreSettings { horizon, seed, .. } = settings;
    let bootstrap = Bootstrap::of_times(values.into_iter(), Mean::influence, horizon, seed);
    let range = f64::NEG_INFINITY..=f64::INFINITY;
    (all.value(), bootstrap.and_then(|b| b.bounds(Mean::value, LEVEL, range)))
}
