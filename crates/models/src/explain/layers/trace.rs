//! Trace of one prediction: activations of all layers.
use windvane_lstm_core::LstmStep;
use windvane_signals::Window;

use crate::network::training::NetworkCache;
use crate::network::{CLASSES, Network};
use crate::{PredictError, Prediction};

/// Names of an LSTM's gates, in the order used throughout this module.
pub const GATES: [&str; 4] = ["input", "forget", "candidate", "output"];

/// Activations of a network's layers for one window, from the scaled rows to the prediction.
///
/// The sums are computed in the order of training, so the values may differ from those of
/// [`predict`](crate::DirectionModel::predict) by rounding errors.
///
/// **Shapes** `T` rows of a window, oldest first; `C` channels; `H` hidden units.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// Scaled window, the input of the first layer, `[T, C]`.
    pub scaled: Vec<f32>,
    /// Traces of the LSTM directions; the forward direction comes first. Empty for another encoder.
    pub lstms: Vec<LstmTrace>,
    /// Attention weight of each row, `[T]`, with the sum 1; `None` for a network without attention.
    pub attention: Option<Vec<f32>>,
    /// Traces of the hidden dense layers.
    pub dense: Vec<DenseTrace>,
    /// Logits of the head before calibration: UP, DOWN, NEUTRAL.
    pub logits: [f32; 3],
    /// Calibrated prediction.
    pub prediction: Prediction,
}

/// Activations of one direction of an LSTM. All arrays are `[T, H]` in the order of the rows. The
/// reverse direction reads row 0 last.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct LstmTrace {
    /// Name of the layer: `lstm` or `lstm reverse`.
    pub layer: String,
    /// Number of hidden units, `H`.
    pub hidden_size: usize,
    /// Gate activations in the order of [`GATES`]; the candidate is −1 to 1, the others are 0 to 1.
    pub gates: [Vec<f32>; 4],
    /// Cell states after each row.
    pub cell: Vec<f32>,
    /// Hidden states after each row, −1 to 1.
    pub hidden: Vec<f32>,
    /// Whether the direction reads the rows in reverse, the last row first.
    pub reverse: bool,
}

/// Activations of a hidden dense layer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DenseTrace {
    /// Name of the layer: `fc1`, `fc2`, ….
    pub layer: String,
    /// Outputs of the units after the ReLU, at least 0.
    pub outputs: Vec<f32>,
}

impl LstmTrace {
    /// Hidden state `[H]` after the row that the direction reads last.
    pub fn last_hidden(&self) -> &[f32] {
        let last = self.hidden.len() - self.hidden_size;
        &self.hidden[if self.reverse { 0 } else { last }..][..self.hidden_size]
    }

    fn new(layer: &str, reverse: bool, steps: &[LstmStep<'_, f32>]) -> Self {
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

impl Network {
    /// Predicts from a window and returns the activations of all layers.
    ///
    /// It runs the layers of training, which keep their activations; it is slower than a prediction
    /// and allocates.
    ///
    /// # Errors
    /// [`PredictError::WindowShape`], [`PredictError::NotFinite`].
    ///
    /// # Examples
    /// ```
    /// # use windvane_models::{DirectionModel, PredictError, v32};
    /// # use windvane_models::{candles::Timestamp, signals::Window};
    /// # let model = v32::pretrained();
    /// # let rows = [0.01; 20 * 6];
    /// # let window = Window::new(&rows, 6, Timestamp::from_millis(0)).unwrap();
    /// let trace = model.trace(window)?;
    /// let [_, forget, _, _] = &trace.lstms[0].gates;
    /// assert!(forget.iter().all(|gate| (0.0..=1.0).contains(gate)));
    /// let predicted = model.predict(window, &mut model.scratch())?.probabilities;
    /// assert!((trace.prediction.probabilities.margin() - predicted.margin()).abs() < 1e-5);
    /// # Ok::<(), PredictError>(())
    /// ```
    pub fn trace(&self, window: Window<'_>) -> Result<Trace, PredictError> {
        self.spec.check(&window)?;
        let mut scaled = vec![0.0; window.values().len()];
        self.scaler.apply_rows(window.values(), &mut scaled)?;
        let mut cache = NetworkCache::default();
        let output = self.layers.forward(self.weights.flat(), &scaled, 1, None, &mut cache);
        // The shape was checked above, so no layer returns an error.
        let output = output.map_err(|_| PredictError::ForeignScratch)?;
        let mut logits = [0.0; CLASSES];
        logits.copy_from_slice(output);
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        let prediction = self.calibration.prediction(logits, at, horizon, &self.id)?;
        let lstms = self.layers.encoder.steps(&cache.encoder);
        let lstms =
            lstms.into_iter().map(|(name, reverse, steps)| LstmTrace::new(name, reverse, &steps));
        let attention = self.layers.attention.map(|_| cache.attention.weights().to_vec());
        let dense = (1..).zip(&cache.dense.hidden).map(|(number, (outputs, _))| DenseTrace {
            layer: format!("fc{number}"),
            outputs: outputs.clone(),
        });
        let (lstms, dense) = (lstms.collect(), dense.collect());
        Ok(Trace { scaled, lstms, attention, dense, logits, prediction })
    }
}
