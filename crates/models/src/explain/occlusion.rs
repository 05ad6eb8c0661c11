//! Occlusion: predictions with one channel held constant.
use windvane_signals::Window;

use crate::{FittedModel, PredictError};

/// Effect of one channel on a prediction, measured by occlusion.
///
/// The channel is held constant in all rows of the window: at its median in training, which scales
/// to 0, or at its mean in the window for a model without a [scaler](FittedModel::scaler).
///
/// **Formula** `effect = margin − margin with the constant channel`, margin = p(UP) − p(DOWN).
/// **Source** occlusion: Zeiler and Fergus 2014.
///
/// The effects do not sum to the margin: if two channels carry the same information, holding one of
/// them constant changes little.
///
/// # Examples
/// ```
/// # use windvane_models::{DirectionModel, PredictError, Occlusion, v32};
/// # use windvane_models::{candles::Timestamp, signals::Window};
/// # let model = v32::pretrained();
/// # let rows: Vec<f64> = (0..20 * 6).map(|i| f64::from(i).sin() / 50.0).collect();
/// # let window = Window::new(&rows, 6, Timestamp::from_millis(0)).unwrap();
/// let effects = Occlusion::of(&model, window)?;
/// assert_eq!(effects.len(), window.width());
/// assert!(effects.iter().any(|channel| channel.effect != 0.0));
/// # Ok::<(), PredictError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Occlusion {
    /// Name of the channel with its parameters.
    pub channel: String,
    /// Constant value of the channel, in its own units.
    pub held_at: f64,
    /// Margin p(UP) − p(DOWN) with the constant channel, −1 to 1.
    pub margin: f32,
    /// Effect of the channel on the margin: above 0 it supports UP, below 0 DOWN.
    pub effect: f32,
}

impl Occlusion {
    /// Measures the effects of all channels on the prediction of a window.
    ///
    /// # Errors
    /// The errors of [`predict`](crate::DirectionModel::predict).
    pub fn of(model: &dyn FittedModel, window: Window<'_>) -> Result<Vec<Self>, PredictError> {
        let mut scratch = model.scratch();
        let whole = model.predict(window, &mut scratch)?.probabilities.margin();
        let (width, at) = (window.width(), window.decided_at());
        let channels = model.spec().signals.channels.iter().enumerate();
        let effects = channels.map(|(channel, spec)| {
            let held_at = model.scaler().map_or_else(
                || mean(window.values()[channel..].iter().step_by(width)),
                |scaler| scaler.centre(channel),
            );
            let mut rows = window.values().to_vec();
            rows[channel..].iter_mut().step_by(width).for_each(|value| *value = held_at);
            let rows = Window::new(&rows, width, at).unwrap_or(window);
            let margin = model.predict(rows, &mut scratch)?.probabilities.margin();
            Ok(Self { channel: spec.to_string(), held_at, margin, effect: whole - margin })
        });
        effects.collect()
    }
}

fn mean<'a>(values: impl ExactSizeIterator<Item = &'a f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
