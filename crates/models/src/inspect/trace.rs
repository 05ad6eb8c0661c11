//! One prediction with everything the layers did.
use windvane_lstm_core::LstmStep;
use windvane_signals::Window;

use crate::networked::{Architecture, CLASSES, Networked};
use crate::train::Network;
use crate::{ModelError, Prediction};

/// What the layers of a network do on the way from a window to a prediction.
///
/// The sums are taken in the order of training, so numbers may differ from those of
/// [`predict`](crate::DirectionModel::predict) by rounding.
///
/// **Shapes** `T` rows of a window, oldest first; `C` channels; `H` hidden units.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// The window as the first layer reads it, `[T, C]`.
    pub scaled: Vec<f32>,
    /// The LSTMs; of a bidirectional one the forward direction first.
    pub lstms: Vec<LstmTrace>,
    /// How much each row counts, `[T]`, summing to 1; `None` for a network without attention.
    pub attention: Option<Vec<f32>>,
    /// The hidden dense layers.
    pub dense: Vec<DenseTrace>,
    /// What the head says, before calibration: UP, DOWN, NEUTRAL.
    pub logits: [f32; 3],
    /// What comes of it.
    pub prediction: Prediction,
}

/// What one direction of an LSTM does. Everything is `[T, H]`, in the order of the rows whichever
/// way the direction reads: the reverse one ends at row 0.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct LstmTrace {
    /// `lstm`, or `lstm reverse`.
    pub layer: String,
    /// `H`.
    pub hidden_size: usize,
    /// The activated gates in the order of [`GATES`](super::GATES): the candidate −1 to 1, the
    /// others 0 to 1.
    pub gates: [Vec<f32>; 4],
    /// The cells after each row.
    pub cell: Vec<f32>,
    /// The hidden states after each row, −1 to 1.
    pub hidden: Vec<f32>,
    /// Whether it reads the last row first.
    pub reverse: bool,
}

/// What a hidden dense layer does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DenseTrace {
    /// `fc1`, `fc2`, ….
    pub layer: String,
    /// Its units' outputs after the rectifier, at least 0.
    pub outputs: Vec<f32>,
}

impl LstmTrace {
    /// The hidden state `[H]` after the last row it reads.
    pub fn last_hidden(&self) -> &[f32] {
        let last = self.hidden.len() - self.hidden_size;
        &self.hidden[if self.reverse { 0 } else { last }..][..self.hidden_size]
    }

    /// An LSTM of one direction, from its cache.
    #[cfg(feature = "v32")]
    pub(crate) fn of_lstm(cache: &windvane_lstm_core::LstmCache<f32>) -> Self {
        let steps = (0..cache.steps()).filter_map(|t| cache.step(t, 0));
        Self::of_steps("lstm", false, steps)
    }

    /// Both directions, from their cache.
    #[cfg(any(feature = "v3", feature = "v31"))]
    pub(crate) fn of_bilstm(cache: &windvane_lstm_core::BiLstmCache<f32>) -> Vec<Self> {
        let steps = |side: usize| {
            (0..cache.steps()).filter_map(move |t| cache.step(t, 0).map(|both| both[side]))
        };
        let forward = Self::of_steps("lstm", false, steps(0));
        vec![forward, Self::of_steps("lstm reverse", true, steps(1))]
    }

    fn of_steps<'a>(
        layer: &str,
        reverse: bool,
        steps: impl Iterator<Item = LstmStep<'a, f32>>,
    ) -> Self {
        let mut trace = Self { layer: layer.to_string(), reverse, ..Self::default() };
        for step in steps {
            trace.hidden_size = step.hidden.len();
            for (all, gate) in trace.gates.iter_mut().zip(step.gates) {
                all.extend_from_slice(gate);
            }
            trace.cell.extend_from_slice(step.cell);
            trace.hidden.extend_from_slice(step.hidden);
        }
        trace
    }
}

/// What is to be read off a cache after one window went through it.
pub(crate) struct Activations {
    pub(crate) lstms: Vec<LstmTrace>,
    pub(crate) attention: Option<Vec<f32>>,
    pub(crate) dense: Vec<DenseTrace>,
}

/// A network whose layers can be looked at.
pub(crate) trait Layered: Architecture + Network<f32> {
    /// The activations of the one window in `cache`.
    fn activations(cache: &<Self as Network<f32>>::Cache) -> Activations;
}

pub(super) fn trace<A: Layered>(
    model: &Networked<A>,
    window: Window<'_>,
) -> Result<Trace, ModelError> {
    model.spec.check(&window)?;
    let mut scaled = vec![0.0; window.values().len()];
    model.scaler.apply_rows(window.values(), &mut scaled)?;
    let mut cache = <A as Network<f32>>::Cache::default();
    let said = model.layers.forward(model.weights.flat(), &scaled, 1, None, &mut cache)?;
    let mut logits = [0.0; CLASSES];
    logits.copy_from_slice(said);
    let (at, horizon) = (window.decided_at(), model.spec.labels.horizon);
    let prediction = model.calibration.prediction(logits, at, horizon, &model.id)?;
    let Activations { lstms, attention, dense } = A::activations(&cache);
    Ok(Trace { scaled, lstms, attention, dense, logits, prediction })
}
