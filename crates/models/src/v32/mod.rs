//! ML v3.2, the production model: one LSTM of 32 units, the last hidden state, a dense layer.
//!
//! **Shapes** window `[T, C]` → LSTM(C → H), hidden state after the last row `[H]` →
//! dense(H → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! One prediction takes a few microseconds and allocates nothing. [`stateful`] is the same
//! network with a state that is carried from candle to candle.
//!
//! # Weights from `PyTorch`
//! `FastLstm::load_state_dict` reads, and `to_state_dict` writes, the tensors of
//! `self.lstm = nn.LSTM(C, H, batch_first=True)` and `self.fc = nn.Linear(H, 3)`:
//!
//! | tensor | shape |
//! |---|---|
//! | `lstm.weight_ih_l0` | `[4H, C]` |
//! | `lstm.weight_hh_l0` | `[4H, H]` |
//! | `lstm.bias_ih_l0`, `lstm.bias_hh_l0` | `[4H]` |
//! | `fc.weight`, `fc.bias` | `[3, H]`, `[3]` |
//!
//! Classes stand in the order UP, DOWN, NEUTRAL. A layer of another name is renamed where the
//! file is made: `{k.replace("rnn.", "lstm."): v for k, v in model.state_dict().items()}`.
//!
//! In Python, after a training on channels that a `StandardScaler` of scikit-learn scaled:
//!
//! ```python
//! from safetensors.torch import save_file
//! save_file(model.state_dict(), "from_pytorch.safetensors")
//! print(scaler.mean_.tolist(), scaler.scale_.tolist())  # centre and scale
//! ```
//!
//! Here, with the channels and the number of rows the network was trained on:
//!
//! ```
//! use windvane_models::candles::Interval;
//! use windvane_models::signals::{LabelSpec, Scaler, SignalSpec};
//! use windvane_models::{ModelSpec, v32::FastLstm};
//! # let from_pytorch = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pytorch/v32.safetensors");
//!
//! let signals = SignalSpec::default(); // the six, or any list of channels
//! let labels = LabelSpec::default(); // what UP, DOWN and NEUTRAL mean
//! let spec = ModelSpec { signals, interval: Interval::HOUR, lookback: 20, labels };
//!
//! let centre = vec![0.00002, -0.0005, 49.6, -0.0001, 0.0067, -0.033]; // mean_
//! let scale = vec![0.0035, 0.019, 11.5, 0.0049, 0.0048, 0.385]; // scale_
//! let scaler = Scaler::from_parts(centre, scale, 1e6)?; // a StandardScaler clips nothing
//!
//! let model = FastLstm::load_state_dict(from_pytorch, spec, scaler)?;
//! assert_eq!(model.hidden_size(), 8);
//! # Ok::<(), windvane_models::ModelError>(())
//! ```
//!
//! A head of two outputs or of one is widened to three in Python, as
//! `docs/saved-models.md` shows; the error of `load_state_dict` says how.
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod network;
#[cfg(feature = "pretrained")]
mod pretrained;
pub mod stateful;

use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    Biases, DenseShape, Kernel, LstmBatchScratch, LstmError, LstmScratch, LstmShape, LstmState,
    PackedDense, PackedLstm, TensorSpec,
};

use crate::networked::{Architecture, CLASSES, Networked, TOGETHER, network_model};
use crate::state_dict::StateDict;
use crate::{Artifact, ModelError};

#[cfg(feature = "train")]
pub use fit::FastLstmLearner;

/// The kind in saved files and the default id.
pub const KIND: &str = "v32";

/// LSTM of 32 units in one direction, last hidden state, dense layer (ML v3.2).
#[derive(Debug, Clone)]
pub struct FastLstm {
    model: Networked<Layers>,
}

network_model!(FastLstm);

impl FastLstm {
    /// Number of hidden units.
    pub fn hidden_size(&self) -> usize {
        self.model.packed.lstm.shape().hidden_size()
    }
}

/// Sizes of the layers, in the order a window passes them or, `STATEFUL`, a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LstmAndHead<const STATEFUL: bool> {
    pub(crate) lstm: LstmShape,
    pub(crate) head: DenseShape,
}

pub(crate) type Layers = LstmAndHead<false>;

/// What a saved file says beyond its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) hidden_size: usize,
}

/// The layers packed for inference.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) lstm: PackedLstm<f32>,
    pub(crate) head: PackedDense<f32>,
}

/// Working memory of one prediction.
pub(crate) struct Buffers {
    scratch: LstmScratch<f32>,
    /// The memory's hidden state and cell while a row is read.
    state: LstmState<f32>,
}

impl<const STATEFUL: bool> Architecture for LstmAndHead<STATEFUL> {
    const KIND: &'static str = if STATEFUL { stateful::KIND } else { KIND };
    type Config = Config;
    type Packed = Packed;
    type Batch = (LstmBatchScratch<f32>, Vec<f32>);
    type Buffers = Buffers;

    fn new(config: &Config, channels: usize, classes: usize) -> Result<Self, LstmError> {
        Ok(Self {
            lstm: LstmShape::new(channels, config.hidden_size, Biases::One)?,
            head: DenseShape::new(config.hidden_size, classes)?,
        })
    }

    fn config(&self) -> Config {
        Config { hidden_size: self.lstm.hidden_size() }
    }

    fn sizes(dict: &StateDict) -> Result<Config, ModelError> {
        Ok(Config { hidden_size: dict.hidden_size()? })
    }

    fn specs(&self) -> Vec<TensorSpec> {
        let mut specs = self.lstm.specs("lstm");
        specs.extend(self.head.specs("fc"));
        specs
    }

    fn pack(&self, weights: &[f32]) -> Result<Packed, LstmError> {
        let (lstm, head) = weights.split_at(self.lstm.len());
        Ok(Packed {
            lstm: PackedLstm::new(self.lstm, self.lstm.params(lstm)?)?,
            head: PackedDense::new(self.head, self.head.params(head)?)?,
        })
    }

    fn kernel(packed: &Packed) -> Kernel {
        packed.lstm.kernel()
    }

    fn buffers(packed: &Packed, _: usize) -> Buffers {
        let carried = if STATEFUL { packed.lstm.shape().hidden_size() } else { 0 };
        Buffers { scratch: packed.lstm.scratch(), state: LstmState::zeros(carried) }
    }

    fn logits(
        packed: &Packed,
        window: &[f32],
        buffers: &mut Buffers,
        logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError> {
        let hidden = packed.lstm.last_hidden(window, &mut buffers.scratch)?;
        packed.head.apply(hidden, logits)
    }

    fn logits_batch(
        packed: &Packed,
        windows: &[f32],
        lookback: usize,
        batch: &mut Option<Self::Batch>,
        logits: &mut [f32],
    ) -> Result<(), LstmError> {
        let width = packed.lstm.shape().hidden_size();
        let made = || (packed.lstm.batch_scratch(), vec![0.0; TOGETHER * width]);
        let (scratch, hidden) = batch.get_or_insert_with(made);
        let hidden = &mut hidden[..logits.len() / CLASSES * width];
        packed.lstm.last_hidden_batch(windows, lookback, hidden, scratch)?;
        packed.head.apply(hidden, logits)
    }

    fn memory(packed: &Packed) -> usize {
        if STATEFUL { 2 * packed.lstm.shape().hidden_size() } else { 0 }
    }

    /// The memory is hidden state and cell, `[2, H]`.
    fn remember(
        packed: &Packed,
        row: &[f32],
        memory: &mut [f32],
        buffers: &mut Buffers,
    ) -> Result<(), LstmError> {
        let Buffers { scratch, state } = buffers;
        let (expected, got) = (Self::memory(packed), memory.len());
        if got != expected {
            return Err(LstmError::Length { what: "memory", expected, got });
        }
        let (hidden, cell) = memory.split_at_mut(expected / 2);
        state.h_mut().copy_from_slice(hidden);
        state.c_mut().copy_from_slice(cell);
        packed.lstm.step(row, state, scratch)?;
        hidden.copy_from_slice(state.h());
        cell.copy_from_slice(state.c());
        Ok(())
    }

    fn recall(
        packed: &Packed,
        memory: &[f32],
        logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError> {
        packed.head.apply(&memory[..memory.len() / 2], logits)
    }
}
