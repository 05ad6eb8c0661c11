//! Occlusion: predictions with one channel held constant.
use windvane_signals::Window;

use crate::{FittedModel, PredictError};

/// Effect of one channel on a prediction, by occlusion.
///
/// The channel is held at its usual value in every row of the window: its median in training,
/// which scales to 0; for a model without one scaler ([`FittedModel::scaler`]) its mean in the
/// window.
///
/// **Formula** `effect = edge − edge without the channel`, edge = p(UP) − p(DOWN).
/// **Source** occlusion: Zeiler and Fergus 2014.
///
/// Effects need not sum to the edge: where two channels say the same, silencing either changes
/// little.
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
    /// The channel with its parameters.
    pub channel: String,
    /// Value that the channel was held at, in its own units.
    pub held_at: f64,
    /// p(UP) − p(DOWN) without it, −1 to 1.
    pub edge: f32,
    /// Effect of the channel on p(UP) − p(DOWN): above 0 it supports UP, below 0 DOWN.
    pub effect: f32,
}

impl Occlusion {
    /// Silences the channels of a window one after the other.
    ///
    /// # Errors
    /// As [`predict`](crate::DirectionModel::predict).
    pub fn of(model: &dyn FittedModel, window: Window<'_>) -> Result<Vec<Self>, PredictError> {
        let mut scratch = model.scratch();
        let whole = model.predict(window, &mut scratch)?.probabilities.margin();
        let (width, at) = (window.width(), window.decided_at());
        let channels = model.spec().signals.channels.iter().enumerate();
        let silenced = channels.map(|(channel, spec)| {
            let held_at = model.scaler().map_or_else(
                || mean(window.values()[channel..].iter().step_by(width)),
                |scaler| scaler.centre(channel),
            );
            let mut rows = window.values().to_vec();
            rows[channel..].iter_mut().step_by(width).for_each(|value| *value = held_at);
            let rows = Window::new(&rows, width, at).unwrap_or(window);
            let edge = model.predict(rows, &mut scratch)?.probabilities.margin();
            Ok(Self { channel: spec.to_string(), held_at, edge, effect: whole - edge })
        });
        silenced.collect()
    }
}

fn mean<'a>(values: impl ExactSizeIterator<Item = &'a f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
