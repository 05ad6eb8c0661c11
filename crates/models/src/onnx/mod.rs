//! ONNX files of models: from the raw window to the probabilities in one graph.
//!
//! [`to_onnx`] writes the file of a single model. An ensemble of the crate `windvane-ensemble` has a
//! function of the same name, which also writes ensembles; it adds the operators of its members by
//! [`probabilities`].
mod graph;
mod parts;
mod protobuf;

pub use graph::{Attribute, Graph};
pub(crate) use graph::{Axis, Element, integer};
#[cfg(feature = "v2")]
pub(crate) use parts::clipped;
#[cfg(any(feature = "logistic", feature = "trees"))]
pub(crate) use parts::flat;
pub(crate) use parts::scaled;

use crate::{FittedModel, LoadError, ModelSpec};

/// Name of the first axis of all inputs and outputs.
pub(crate) const BATCH: Axis = Axis::Any("batch");

/// Number of classes of a prediction.
const CLASSES: usize = 3;

/// Error of a model that cannot be written as an ONNX file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The kind of the model has no ONNX form.
    #[error(
        "{model} has no ONNX form; ONNX is for networks, v2, logistic regression, boosted trees and \
         votes of them"
    )]
    Kind {
        /// Id of the model.
        model: String,
    },
    /// The prediction of the model depends on something that the graph does not have.
    #[error("{model} cannot be an ONNX file: {problem}")]
    Unsupported {
        /// Id of the model.
        model: String,
        /// Description of the missing part of the graph, with the remedy.
        problem: String,
    },
    /// The card of the model cannot be written.
    #[error(transparent)]
    Card(#[from] LoadError),
}

/// Returns a model as the bytes of an ONNX file (operators 17): raw channel values in, calibrated
/// probabilities out.
///
/// The graph contains scaler, model, calibration and softmax. It does not contain the channels, so
/// the caller computes them, and not the minimum margin of the calibration, so the caller compares
/// `|p(UP) - p(DOWN)|` with it. The metadata `windvane` is the card of the saved model as JSON:
/// channels, lookback, labels, calibration, record.
///
/// Trees are `TreeEnsembleRegressor` of the operators `ai.onnx.ml` 3, with inputs and thresholds in
/// f64, so that every row reaches the same leaf.
///
/// # Shapes
/// | | name | type and shape |
/// |---|---|---|
/// | input | `window` | f64 `[batch, T, C]`, oldest row first |
/// | output | `probabilities` | f32 `[batch, 3]`: UP, DOWN, NEUTRAL |
///
/// A stateful network reads a row and its state instead: see `Network::to_onnx`.
///
/// # Errors
/// [`OnnxError::Kind`] for a kind of model without an ONNX form, [`OnnxError::Card`] if the card
/// cannot be serialised.
///
/// # Examples
/// ```
/// # #[cfg(feature = "pretrained")] {
/// use windvane_models::{onnx, v32};
///
/// let file = onnx::to_onnx(&v32::pretrained())?;
/// assert!(file.len() > 20_000);
/// # }
/// # Ok::<(), windvane_models::onnx::OnnxError>(())
/// ```
pub fn to_onnx(model: &dyn FittedModel) -> Result<Vec<u8>, OnnxError> {
    if let Some(network) = model.downcast_ref::<crate::network::Network>() {
        return Ok(network.to_onnx()?);
    }
    let mut graph = Graph::default();
    let window = graph.window(model.spec());
    let found = probabilities(&mut graph, model, &window)?;
    graph.file(model, &found)
}

/// Adds the operators of a model and returns its probabilities, f32 `[batch, 3]`.
///
/// `window` is a value f64 `[batch, T, C]` with the rows and channels of the model's spec. A
/// stateful network reads its last row, and declares an input and an output for its state: `h_0`
/// and `h_0_out`, of an LSTM also `c_0` and `c_0_out`, with the number of the state in the graph.
///
/// # Errors
/// [`OnnxError::Kind`] for a kind of model without an ONNX form.
pub fn probabilities(
    graph: &mut Graph,
    model: &dyn FittedModel,
    window: &str,
) -> Result<String, OnnxError> {
    if let Some(network) = model.downcast_ref::<crate::network::Network>() {
        return Ok(network.member(graph, window));
    }
    #[cfg(feature = "logistic")]
    if let Some(logistic) = model.downcast_ref::<crate::logistic::LogisticRegression>() {
        return Ok(logistic.nodes(graph, window));
    }
    #[cfg(feature = "v2")]
    if let Some(signals) = model.downcast_ref::<crate::v2::WeightedSignals>() {
        return Ok(signals.nodes(graph, window));
    }
    #[cfg(feature = "trees")]
    if let Some(trees) = model.downcast_ref::<crate::trees::BoostedTrees>() {
        return Ok(trees.nodes(graph, window));
    }
    Err(OnnxError::Kind { model: model.id().to_string() })
}

impl Graph {
    /// Declares the input `window` of a model and returns it.
    pub fn window(&mut self, spec: &ModelSpec) -> String {
        let axes = [BATCH, Axis::Len(spec.lookback), Axis::Len(spec.signals.width())];
        self.input("window", Element::Double, &axes)
    }

    /// Returns the bytes of a file with the output `probabilities` and the card of a model.
    ///
    /// # Errors
    /// [`OnnxError::Card`] if the card cannot be serialised.
    pub fn file(
        mut self,
        model: &dyn FittedModel,
        probabilities: &str,
    ) -> Result<Vec<u8>, OnnxError> {
        self.output("probabilities", probabilities, &[BATCH, Axis::Len(CLASSES)]);
        let card = model.to_artifact()?.card_text()?;
        Ok(self.into_bytes(model.id().as_str(), &[("windvane", &card)]))
    }
}
