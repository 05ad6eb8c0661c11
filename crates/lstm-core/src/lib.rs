//! LSTM networks in `f32` and `f64`: fused inference kernels and, with the feature `train`,
//! backpropagation through time, losses, initialisers and optimisers.
//!
//! ```
//! use windvane_lstm_core::{
//!     Biases, DenseShape, LstmShape, PackedDense, PackedLstm, Tensors, softmax,
//! };
//!
//! // An LSTM of eight units over six inputs, then a dense layer of three classes.
//! let (lstm, fc) = (LstmShape::new(6, 8, Biases::One)?, DenseShape::new(8, 3)?);
//! // All parameters are in one flat buffer. Usually they are trained or loaded.
//! let mut weights = Tensors::<f32>::new([lstm.specs("lstm"), fc.specs("fc")].concat());
//! for (index, weight) in weights.flat_mut().iter_mut().enumerate() {
//!     *weight = (index as f32).sin() / 3.0;
//! }
//! let (of_lstm, of_fc) = weights.flat().split_at(lstm.len());
//! let packed = PackedLstm::new(lstm, lstm.params(of_lstm)?)?;
//! let dense = PackedDense::new(fc, fc.params(of_fc)?)?;
//! let mut scratch = packed.scratch();
//!
//! // Class probabilities of a window of four time steps, without allocation.
//! let window = [0.1; 4 * 6];
//! let mut p = [0.0; 3];
//! dense.apply(packed.last_hidden(&window, &mut scratch)?, &mut p)?;
//! softmax(&mut p);
//! assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6);
//! # Ok::<(), windvane_lstm_core::LstmError>(())
//! ```
//!
//! # Notation
//!
//! | letter | size |
//! |---|---|
//! | `B` | windows in a batch |
//! | `T` | time steps |
//! | `I` | inputs of an LSTM per time step |
//! | `H` | hidden units of an LSTM |
//! | `N` | inputs of a dense layer or an attention |
//! | `O` | outputs of a dense layer |
//! | `A` | units of an attention |
//! | `C` | classes |
//!
//! Every array is a row-major slice: `[T, I]` is `T` rows of `I` numbers. Training batches are
//! time-major, `[T, B, I]`.
//!
//! # Equations
//!
//! ```text
//! i = sigmoid(W_i x + U_i h + b_i)      input gate
//! f = sigmoid(W_f x + U_f h + b_f)      forget gate
//! g = tanh   (W_g x + U_g h + b_g)      candidate
//! o = sigmoid(W_o x + U_o h + b_o)      output gate
//! c' = f * c + i * g                    cell
//! h' = o * tanh(c')                     hidden state
//! ```
//!
//! `w_ih` `[4H, I]` stacks the four `W` and `w_hh` `[4H, H]` the four `U`, each in the order i, f,
//! g, o. This is the layout of `weight_ih` and `weight_hh` in `PyTorch`, so its weights can be
//! copied without reordering.
//!
//! # Parameters
//!
//! All parameters of a network are in one flat buffer with named tensors ([`Tensors`]). Layers are
//! shapes ([`LstmShape`], [`BiLstmShape`], [`AttentionShape`], [`DenseShape`]) that split such a
//! buffer into views. Clipping, optimisers, saving and loading are loops over one slice.
//!
//! The layers with larger parameter lists ([`GruShape`], [`TcnShape`], [`TransformerShape`] and their
//! parts) read their part of the buffer as one slice, in the order of their `specs`.
//!
//! The caller stacks the layers: the hidden states of a layer are the inputs of the next one. In
//! the backward pass, the gradient with respect to the inputs of a layer is the gradient with
//! respect to the hidden states of the layer before it.
//!
//! # Reproducibility
//!
//! [`PackedLstm`] computes every gate sum in a fixed order: the folded bias, then the inputs in
//! ascending order, then the hidden units in ascending order, with one multiply-add each. Results
//! are bit-identical for a single window, for its steps one by one and for a batch, and on every
//! [`Kernel`] that fuses multiply and add ([`Kernel::is_fused`]). [`PackedBiLstm`] is bit-identical
//! to two [`PackedLstm`]. [`PackedGru`] runs on the same kernels. [`PackedTcn`],
//! [`PackedTransformer`], [`PackedAttention`] and [`PackedDense`] have a fixed order of their own.
//! Kernels with and without fused multiply-add differ by rounding.
//!
//! # Layers
//! Layer 4 of the list in `docs/design.md`; depends on no other crate of the workspace.
//!
//! # Features
//! None is on by default; inference needs none.
//! - `train`: backward passes, losses, initialisers, optimisers and random number streams.
//! - `serde`: `Serialize` for the training settings (`Clip`, `Init`, `Optimizer`,
//!   `Schedule`).

#![expect(
    clippy::inline_always,
    reason = "a loop must be inlined into the function that enables its instruction set"
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, expect(clippy::float_cmp, reason = "tests of exact results"))]

mod activation;
mod attention;
mod bilstm;
mod conv;
mod dense;
mod error;
mod gru;
mod kernels;
mod lstm;
mod norm;
mod positional;
mod real;
mod relu;
mod self_attention;
mod softmax;
mod tcn;
mod tensors;
mod transformer;

#[cfg(feature = "train")]
mod clip;
#[cfg(feature = "train")]
mod dropout;
#[cfg(feature = "train")]
mod gemm;
#[cfg(feature = "train")]
mod init;
#[cfg(feature = "train")]
mod loss;
#[cfg(feature = "train")]
mod optimizer;
#[cfg(feature = "train")]
mod random;
#[cfg(feature = "train")]
mod schedule;

pub use attention::{
    AttentionParams, AttentionParamsMut, AttentionScratch, AttentionShape, PackedAttention,
};
pub use bilstm::{BiLstmParams, BiLstmParamsMut, BiLstmScratch, BiLstmShape, PackedBiLstm};
pub use conv::CausalConvShape;
pub use dense::{DenseParams, DenseParamsMut, DenseShape, PackedDense};
pub use error::LstmError;
pub use gru::{GruScratch, GruShape, GruState, PackedGru};
pub use kernels::Kernel;
pub use lstm::{
    Biases, LstmBatchScratch, LstmParams, LstmParamsMut, LstmScratch, LstmShape, LstmState,
    MAX_SIZE, PackedLstm,
};
pub use norm::{LayerNormShape, layer_norm};
pub use positional::positional_encoding;
pub use real::Real;
pub use relu::relu;
pub use self_attention::SelfAttentionShape;
pub use softmax::softmax;
pub use tcn::{PackedTcn, TcnBlockShape, TcnScratch, TcnShape};
pub use tensors::{TensorSpec, Tensors};
pub use transformer::{
    NormOrder, PackedTransformer, TransformerLayerShape, TransformerScratch, TransformerShape,
};

#[cfg(feature = "train")]
pub use attention::{AttentionCache, attention_backward, attention_forward};
#[cfg(feature = "train")]
pub use bilstm::{BiLstmCache, BiLstmGradients, BiLstmUpstream, bilstm_backward, bilstm_forward};
#[cfg(feature = "train")]
pub use clip::{Clip, Clipped};
#[cfg(feature = "train")]
pub use conv::{CausalConvCache, causal_conv_backward, causal_conv_forward};
#[cfg(feature = "train")]
pub use dense::{dense_backward, dense_forward};
#[cfg(feature = "train")]
pub use dropout::{apply_dropout, dropout_mask};
#[cfg(feature = "train")]
pub use gru::{GruCache, GruGradients, GruUpstream, gru_backward, gru_forward};
#[cfg(feature = "train")]
pub use init::{Init, init_attention, init_dense, init_gru, init_lstm, init_tcn, init_transformer};
#[cfg(feature = "train")]
pub use loss::CrossEntropy;
#[cfg(feature = "train")]
pub use lstm::{
    LstmCache, LstmGradients, LstmStart, LstmStartMut, LstmStep, LstmUpstream, lstm_backward,
    lstm_forward,
};
#[cfg(feature = "train")]
pub use norm::{LayerNormCache, layer_norm_backward, layer_norm_forward};
#[cfg(feature = "train")]
pub use optimizer::{Optimizer, OptimizerState};
#[cfg(feature = "train")]
pub use random::{Purpose, Stream};
#[cfg(feature = "train")]
pub use relu::relu_backward;
#[cfg(feature = "train")]
pub use schedule::Schedule;
#[cfg(feature = "train")]
pub use self_attention::{SelfAttentionCache, self_attention_backward, self_attention_forward};
#[cfg(feature = "train")]
pub use tcn::{
    TcnBlockCache, TcnCache, tcn_backward, tcn_block_backward, tcn_block_forward, tcn_forward,
};
#[cfg(feature = "train")]
pub use transformer::{
    TransformerCache, TransformerLayerCache, transformer_backward, transformer_forward,
    transformer_layer_backward, transformer_layer_forward,
};

#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../../../docs/lstm.md")]
struct GuideDoctests;
