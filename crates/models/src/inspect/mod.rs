//! Looking inside a network: its gates, attention and units, and the gradients of its weights.
mod activity;
mod gradient;
mod trace;

pub use activity::{GateActivity, LayerActivity};
pub use gradient::GradientNorm;
pub(crate) use trace::{Activations, Layered};
pub use trace::{DenseTrace, LstmTrace, Trace};
use windvane_signals::{SampleSet, Window};

use crate::networked::Networked;
use crate::{DirectionModel, ModelError};

/// The gates of an LSTM, in the order in which they stand everywhere here.
pub const GATES: [&str; 4] = ["input", "forget", "candidate", "output"];

/// A network that can be looked into: v3, v3.1, v3.2.
///
/// Any model says through [`DirectionModel::inspect`] whether it is one. It runs the layers that
/// training runs, which keep what prediction throws away; it is slower and allocates.
pub trait Inspect: DirectionModel {
    /// What the layers do on the way from a window to a prediction.
    ///
    /// # Errors
    /// [`ModelError::WindowShape`], [`ModelError::NotFinite`].
    ///
    /// # Examples
    /// ```
    /// # use windvane_models::{DirectionModel, ModelError, v32::FastLstm};
    /// # use windvane_models::{candles::Timestamp, signals::Window};
    /// # let model = FastLstm::pretrained();
    /// # let rows = [0.01; 20 * 6];
    /// # let window = Window::new(&rows, 6, Timestamp::from_millis(0)).unwrap();
    /// let trace = model.inspect().expect("a network").trace(window)?;
    /// let [_, forget, _, _] = &trace.lstms[0].gates;
    /// assert!(forget.iter().all(|gate| (0.0..=1.0).contains(gate)));
    /// let predicted = model.predict(window, &mut model.scratch())?.probabilities;
    /// assert!((trace.prediction.probabilities.edge() - predicted.edge()).abs() < 1e-5);
    /// # Ok::<(), ModelError>(())
    /// ```
    fn trace(&self, window: Window<'_>) -> Result<Trace, ModelError>;

    /// How large the gradient of the mean cross-entropy over these windows is, per tensor in the
    /// order of the layers. Nothing is dropped and nothing clipped.
    ///
    /// # Errors
    /// [`ModelError::TooFewWindows`] without any, [`ModelError::WindowShape`].
    fn gradient_norms(&self, samples: &SampleSet) -> Result<Vec<GradientNorm>, ModelError>;
}

impl<A: Layered> Inspect for Networked<A> {
    fn trace(&self, window: Window<'_>) -> Result<Trace, ModelError> {
        trace::trace(self, window)
    }

    fn gradient_norms(&self, samples: &SampleSet) -> Result<Vec<GradientNorm>, ModelError> {
        gradient::norms(self, samples)
    }
}
