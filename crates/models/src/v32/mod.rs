//! ML v3.2, the production model: one LSTM of 32 units, the last hidden state, a dense layer.
//!
//! **Shapes** window `[T, C]` → LSTM(C → H), hidden state after the last row `[H]` →
//! dense(H → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! One prediction takes a few microseconds and allocates nothing.
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod network;

use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    Biases, DenseShape, Kernel, LstmError, LstmScratch, LstmShape, PackedDense, PackedLstm,
    TensorSpec, Tensors, softmax,
};
use windvane_signals::{Scaler, Window};

use crate::artifact::{self, Artifact, Card, SavedTensor};
use crate::{DirectionModel, ModelError, ModelId, ModelSpec, Prediction, Scratch, TrainingRecord};

#[cfg(feature = "train")]
pub use fit::FastLstmLearner;

/// The kind in saved files and the default id.
pub const KIND: &str = "v32";

/// UP, DOWN, NEUTRAL.
const CLASSES: usize = 3;

/// Sizes of the layers, in the order the window passes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layers {
    pub(crate) lstm: LstmShape,
    pub(crate) head: DenseShape,
}

impl Layers {
    pub(crate) fn new(
        channels: usize,
        hidden_size: usize,
        classes: usize,
    ) -> Result<Self, LstmError> {
        Ok(Self {
            lstm: LstmShape::new(channels, hidden_size, Biases::One)?,
            head: DenseShape::new(hidden_size, classes)?,
        })
    }

    pub(crate) fn specs(&self) -> Vec<TensorSpec> {
        let mut specs = self.lstm.specs("lstm");
        specs.extend(self.head.specs("fc"));
        specs
    }
}

/// What a saved file says beyond its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    hidden_size: usize,
}

/// LSTM of 32 units in one direction, last hidden state, dense layer (ML v3.2).
#[derive(Debug, Clone)]
pub struct FastLstm {
    id: ModelId,
    spec: ModelSpec,
    scaler: Scaler,
    record: Option<TrainingRecord>,
    weights: Tensors<f32>,
    lstm: PackedLstm<f32>,
    head: PackedDense<f32>,
}

/// Working memory of one prediction.
struct FastLstmScratch {
    /// The scaled window, `[T, C]`.
    window: Vec<f32>,
    lstm: LstmScratch<f32>,
    logits: [f32; CLASSES],
}

impl FastLstm {
    /// Joins layers, scaler and spec; `weights` has the tensors of [`Layers::specs`].
    fn assemble(
        spec: ModelSpec,
        scaler: Scaler,
        layers: Layers,
        weights: Tensors<f32>,
    ) -> Result<Self, LstmError> {
        let (lstm, head) = weights.flat().split_at(layers.lstm.len());
        let lstm = PackedLstm::new(layers.lstm, layers.lstm.params(lstm)?)?;
        let head = PackedDense::new(layers.head, layers.head.params(head)?)?;
        Ok(Self { id: ModelId::new(KIND), spec, scaler, record: None, weights, lstm, head })
    }

    /// Number of hidden units.
    pub fn hidden_size(&self) -> usize {
        self.lstm.shape().hidden_size()
    }

    /// The instruction set its kernel runs on.
    pub fn kernel(&self) -> Kernel {
        self.lstm.kernel()
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`ModelError::Io`], [`ModelError::Kind`], or what is wrong with the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::from_artifact(&Artifact::read(path.as_ref())?)
    }

    /// Reads a model from the bytes of a file, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// [`ModelError::Kind`], or what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::from_artifact(&Artifact::from_bytes(bytes, "the model in memory".to_string())?)
    }

    pub(crate) fn from_artifact(artifact: &Artifact) -> Result<Self, ModelError> {
        artifact.expect_kind(KIND)?;
        let Config { hidden_size } = artifact.config()?;
        let Card { spec, scaler, record, id, .. } = artifact.card.clone();
        let broken = |error: LstmError| artifact.damaged(error.to_string());
        let layers = Layers::new(spec.signals.width(), hidden_size, CLASSES).map_err(broken)?;
        let specs = layers.specs();
        artifact.expect_tensors(specs.len())?;
        // The file's tensors are checked before memory is taken for the claimed sizes.
        for tensor in &specs {
            artifact.tensor(&tensor.name, &tensor.shape)?;
        }
        let mut weights = Tensors::new(specs.clone());
        for tensor in &specs {
            let data = artifact.tensor(&tensor.name, &tensor.shape)?;
            if let Some(target) = weights.get_mut(&tensor.name) {
                target.copy_from_slice(data);
            }
        }
        let model = Self::assemble(spec, scaler, layers, weights).map_err(broken)?;
        Ok(Self { id: ModelId::new(id), record, ..model })
    }
}

impl DirectionModel for FastLstm {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(FastLstmScratch {
            window: vec![0.0; self.spec.lookback * self.spec.signals.width()],
            lstm: self.lstm.scratch(),
            logits: [0.0; CLASSES],
        })
    }

    fn predict(&self, window: Window<'_>, scratch: &mut Scratch) -> Result<Prediction, ModelError> {
        self.spec.check(&window)?;
        let FastLstmScratch { window: scaled, lstm, logits } = scratch.get()?;
        self.scaler.apply_rows(window.values(), scaled)?;
        let foreign = |_: LstmError| ModelError::ForeignScratch;
        let hidden = self.lstm.last_hidden(scaled, lstm).map_err(foreign)?;
        self.head.apply(hidden, logits).map_err(foreign)?;
        softmax(logits);
        Prediction::new(*logits, window.decided_at(), self.spec.labels.horizon, &self.id)
    }

    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let card = Card {
            kind: KIND.to_string(),
            id: self.id.to_string(),
            spec: self.spec.clone(),
            scaler: self.scaler.clone(),
            record: self.record.clone(),
            config: serde_json::json!({ "hidden_size": self.hidden_size() }),
        };
        let tensors = self.weights.iter().map(|(spec, data)| SavedTensor {
            name: spec.name.clone(),
            shape: spec.shape.clone(),
            data: data.to_vec(),
        });
        artifact::to_bytes(&card, tensors.collect())
    }
}
