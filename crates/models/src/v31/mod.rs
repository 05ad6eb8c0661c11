//! ML v3.1: a bidirectional LSTM, attention over its steps, hidden dense layers with dropout.
//!
//! **Shapes** window `[T, C]` → BiLSTM(C → H each way), every state `[T, 2H]` → attention
//! (2H → A → 1 per step, softmax over the steps), context `[2H]` → for each hidden dense layer:
//! dense, ReLU, dropout (in training only) → dense(→ 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! **Formula** of the attention: `score_t = v · tanh(W h_t + b)`, `a = softmax(score)`,
//! context = `Σ a_t h_t` (Bahdanau et al. 2015). The weights a can be read:
//! [`AttentionBiLstm::attention`].
//!
//! Defaults: H = 64, A = 64, hidden dense layers of 64 and 32 units, dropout 0.3.
//!
//! # Weights from `PyTorch`
//! `AttentionBiLstm::load_state_dict` reads, and `to_state_dict` writes, the tensors of
//! `self.lstm = nn.LSTM(C, H, batch_first=True, bidirectional=True)`,
//! `self.att = nn.Linear(2 * H, A)`, `self.att_v = nn.Linear(A, 1, bias=False)`, and
//! `self.fc1 = nn.Linear(2 * H, D)`, `self.fc2`, …, the last of them the head:
//!
//! | tensor | shape |
//! |---|---|
//! | `lstm.weight_ih_l0`, `lstm.weight_ih_l0_reverse` | `[4H, C]` |
//! | `lstm.weight_hh_l0`, `lstm.weight_hh_l0_reverse` | `[4H, H]` |
//! | `lstm.bias_ih_l0`, `lstm.bias_hh_l0`, and both with `_reverse` | `[4H]` |
//! | `att.weight`, `att.bias` | `[A, 2H]`, `[A]` |
//! | `att_v.weight` | `[1, A]` |
//! | `fc1.weight`, `fc1.bias`, `fc2.weight`, … | `[D, 2H]`, `[D]`, …, the last `[3, …]`, `[3]` |
//!
//! Classes stand in the order UP, DOWN, NEUTRAL. An attention without bias writes zeros as
//! `att.bias`. A `state_dict` does not say the dropout, which counts in training only: it is 0
//! in the model.
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod network;

use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    AttentionScratch, AttentionShape, BiLstmScratch, BiLstmShape, Biases, DenseShape, Kernel,
    LstmBatchScratch, LstmError, PackedAttention, PackedBiLstm, PackedDense, TensorSpec, relu,
};
use windvane_signals::Window;

use crate::networked::{Architecture, CLASSES, Networked, TOGETHER, network_model};
use crate::state_dict::StateDict;
use crate::{Artifact, DirectionModel, ModelError, Scratch};

#[cfg(feature = "train")]
pub use fit::AttentionBiLstmLearner;

/// The kind in saved files and the default id.
pub const KIND: &str = "v31";

/// Most hidden dense layers: a bound where configurations come from files.
const MOST_LAYERS: usize = 16;

/// Bidirectional LSTM with attention over its steps and hidden dense layers (ML v3.1).
#[derive(Debug, Clone)]
pub struct AttentionBiLstm {
    model: Networked<Layers>,
}

network_model!(AttentionBiLstm);

impl AttentionBiLstm {
    /// How much each row of a window counts, oldest first: at least 0, summing to 1.
    ///
    /// # Errors
    /// As [`predict`](DirectionModel::predict).
    pub fn attention<'s>(
        &self,
        window: Window<'_>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [f32], ModelError> {
        self.predict(window, scratch)?;
        Ok(Networked::<Layers>::buffers(scratch)?.attention.weights())
    }
}

/// Sizes of the layers, in the order the window passes them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layers {
    lstm: BiLstmShape,
    attention: AttentionShape,
    hidden: Vec<DenseShape>,
    head: DenseShape,
    dropout: f64,
}

/// What a saved file says beyond its tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    hidden_size: usize,
    attention_size: usize,
    dense: Vec<usize>,
    dropout: f64,
}

/// The layers packed for inference.
#[derive(Clone)]
pub(crate) struct Packed {
    lstm: PackedBiLstm<f32>,
    attention: PackedAttention<f32>,
    hidden: Vec<PackedDense<f32>>,
    head: PackedDense<f32>,
}

/// Working memory of a batch.
pub(crate) struct Batch {
    lstm: LstmBatchScratch<f32>,
    /// Every state of every window, `[B, T, 2H]`.
    states: Vec<f32>,
    attention: AttentionScratch<f32>,
    /// The contexts, then each hidden layer's outputs.
    activations: Vec<Vec<f32>>,
}

impl Batch {
    fn new(packed: &Packed, lookback: usize) -> Self {
        let width = packed.lstm.shape().output_size();
        let widths = packed.hidden.iter().map(|dense| dense.shape().output_size());
        let widths = [width].into_iter().chain(widths);
        Self {
            lstm: packed.lstm.batch_scratch(),
            states: vec![0.0; TOGETHER * lookback * width],
            attention: packed.attention.scratch(lookback),
            activations: widths.map(|n| vec![0.0; TOGETHER * n]).collect(),
        }
    }
}

/// Working memory of one prediction.
pub(crate) struct Buffers {
    lstm: BiLstmScratch<f32>,
    /// Every state, `[T, 2H]`.
    states: Vec<f32>,
    attention: AttentionScratch<f32>,
    /// The context, then each hidden layer's output.
    activations: Vec<Vec<f32>>,
}

impl Layers {
    /// The dense layers: the hidden ones, then the head.
    fn dense(&self) -> impl Iterator<Item = DenseShape> + '_ {
        self.hidden.iter().copied().chain([self.head])
    }
}

impl Architecture for Layers {
    const KIND: &'static str = KIND;
    type Config = Config;
    type Packed = Packed;
    type Batch = Batch;
    type Buffers = Buffers;

    fn new(config: &Config, channels: usize, classes: usize) -> Result<Self, LstmError> {
        let unit = (0.0..1.0).contains(&config.dropout);
        if !unit {
            let (what, expected) = ("dropout", "0 or more and less than 1");
            return Err(LstmError::Number { what, expected, got: config.dropout });
        }
        if config.dense.len() > MOST_LAYERS {
            let (what, expected) = ("number of hidden dense layers", MOST_LAYERS);
            return Err(LstmError::Size { what, expected, got: config.dense.len() });
        }
        let lstm = BiLstmShape::new(channels, config.hidden_size, Biases::One)?;
        let attention = AttentionShape::new(lstm.output_size(), config.attention_size)?;
        let mut width = lstm.output_size();
        let mut hidden = Vec::with_capacity(config.dense.len());
        for &units in &config.dense {
            hidden.push(DenseShape::new(width, units)?);
            width = units;
        }
        let head = DenseShape::new(width, classes)?;
        Ok(Self { lstm, attention, hidden, head, dropout: config.dropout })
    }

    fn config(&self) -> Config {
        Config {
            hidden_size: self.lstm.hidden_size(),
            attention_size: self.attention.units(),
            dense: self.hidden.iter().map(DenseShape::output_size).collect(),
            dropout: self.dropout,
        }
    }

    fn sizes(dict: &StateDict) -> Result<Config, ModelError> {
        // The last dense layer is the head.
        let hidden = 1..dict.count("fc").max(1);
        Ok(Config {
            hidden_size: dict.hidden_size()?,
            attention_size: dict.units("att")?,
            dense: hidden
                .map(|index| dict.units(&format!("fc{index}")))
                .collect::<Result<_, _>>()?,
            dropout: 0.0,
        })
    }

    fn specs(&self) -> Vec<TensorSpec> {
        let mut specs = self.lstm.specs("lstm");
        specs.extend(self.attention.specs("att"));
        for (index, dense) in self.dense().enumerate() {
            specs.extend(dense.specs(&format!("fc{}", index + 1)));
        }
        specs
    }

    fn pack(&self, weights: &[f32]) -> Result<Packed, LstmError> {
        let (lstm, rest) = weights.split_at(self.lstm.len());
        let (attention, mut rest) = rest.split_at(self.attention.len());
        let mut dense = |shape: DenseShape| {
            let (own, after) = rest.split_at(shape.len());
            rest = after;
            PackedDense::new(shape, shape.params(own)?)
        };
        Ok(Packed {
            lstm: PackedBiLstm::new(self.lstm, self.lstm.params(lstm)?)?,
            attention: PackedAttention::new(self.attention, self.attention.params(attention)?)?,
            hidden: self.hidden.iter().map(|shape| dense(*shape)).collect::<Result<_, _>>()?,
            head: dense(self.head)?,
        })
    }

    fn kernel(packed: &Packed) -> Kernel {
        packed.lstm.kernel()
    }

    fn buffers(packed: &Packed, lookback: usize) -> Buffers {
        let width = packed.lstm.shape().output_size();
        let widths = packed.hidden.iter().map(|dense| dense.shape().output_size());
        Buffers {
            lstm: packed.lstm.scratch(),
            states: vec![0.0; lookback * width],
            attention: packed.attention.scratch(lookback),
            activations: [width].into_iter().chain(widths).map(|n| vec![0.0; n]).collect(),
        }
    }

    fn logits(
        packed: &Packed,
        window: &[f32],
        buffers: &mut Buffers,
        logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError> {
        let Buffers { lstm, states, attention, activations } = buffers;
        packed.lstm.sequence(window, states, lstm)?;
        packed.attention.apply(states, &mut activations[0], attention)?;
        for (index, dense) in packed.hidden.iter().enumerate() {
            let (before, after) = activations.split_at_mut(index + 1);
            dense.apply(&before[index], &mut after[0])?;
            relu(&mut after[0]);
        }
        packed.head.apply(&activations[packed.hidden.len()], logits)
    }

    fn logits_batch(
        packed: &Packed,
        windows: &[f32],
        lookback: usize,
        batch: &mut Option<Batch>,
        logits: &mut [f32],
    ) -> Result<(), LstmError> {
        let width = packed.lstm.shape().output_size();
        let count = logits.len() / CLASSES;
        let batch = batch.get_or_insert_with(|| Batch::new(packed, lookback));
        let Batch { lstm, states, attention, activations } = batch;
        let states = &mut states[..count * lookback * width];
        packed.lstm.sequence_batch(windows, lookback, states, lstm)?;
        let contexts = activations[0].chunks_exact_mut(width);
        for (states, context) in states.chunks_exact(lookback * width).zip(contexts) {
            packed.attention.apply(states, context, attention)?;
        }
        let mut before = width;
        for (index, dense) in packed.hidden.iter().enumerate() {
            let (inputs, outputs) = activations.split_at_mut(index + 1);
            let outputs = &mut outputs[0][..count * dense.shape().output_size()];
            dense.apply(&inputs[index][..count * before], outputs)?;
            relu(outputs);
            before = dense.shape().output_size();
        }
        packed.head.apply(&activations[packed.hidden.len()][..count * before], logits)
    }
}
