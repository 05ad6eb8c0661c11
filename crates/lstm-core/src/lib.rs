//! LSTM mathematics: fused inference kernels and, with the feature `train`, backpropagation
//! through time, losses, initialisers and optimisers, in `f32` and `f64`.
//!
//! # Letters
//!
//! Shapes are written with `B` batch, `T` time steps, `I` inputs, `H` hidden units, `N` inputs of
//! a dense layer or an attention, `O` outputs of the one and `A` units of the other, and `C`
//! classes. Everything is a row-major slice: `[T, I]` is `T` rows of `I` numbers. Training batches
//! are time-major, `[T, B, I]`.
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
//! `w_ih` `[4H, I]` stacks the `W`, `w_hh` `[4H, H]` the `U`, each in the order i, f, g, o: the
//! packing of `PyTorch`, whose `weight_ih` and `weight_hh` they are: its weights load without
//! shuffling.
//!
//! # Parameters
//!
//! All parameters of a network lie in one flat buffer with named spans ([`Tensors`]); layers are
//! shapes ([`LstmShape`], [`BiLstmShape`], [`AttentionShape`], [`DenseShape`]) that split such a
//! buffer into views. Clipping, optimisers, saving and loading are loops over one slice.
//!
//! Layers are stacked by hand: the hidden states of one are the inputs of the next, the gradient
//! by the inputs of the next is the gradient by the hidden states of the one before.
//!
//! # Same bits
//!
//! [`PackedLstm`] takes every gate sum in one order: the folded bias, the inputs ascending, the
//! hidden units ascending, one multiply-add each. A window alone, step by step, or in a batch gives
//! the same bits, and so does every [`Kernel`] that fuses multiply and add
//! ([`Kernel::is_fused`]). [`PackedBiLstm`] has the bits of two of them, and [`PackedAttention`]
//! and [`PackedDense`] keep such an order too. Kernels with and without fusion differ by rounding.
//!
//! # Layers
//! Layer 4 of the list in `docs/design.md`; depends on no other crate of the workspace.
//!
//! # Features
//! `train`: all that changes parameters, backward passes, losses, initialisers, optimisers, random
//! draws. Inference needs none of it.

#![expect(
    clippy::inline_always,
    reason = "loops have to be inlined into the function that enables their instruction set"
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, expect(clippy::float_cmp, reason = "tests of exact results"))]

mod activation;
mod attention;
mod bilstm;
mod dense;
mod error;
mod kernels;
mod lstm;
mod real;
mod relu;
mod softmax;
mod tensors;

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
pub use dense::{DenseParams, DenseParamsMut, DenseShape, PackedDense};
pub use error::LstmError;
pub use kernels::Kernel;
pub use lstm::{
    Biases, LstmBatchScratch, LstmParams, LstmParamsMut, LstmScratch, LstmShape, LstmState,
    MAX_SIZE, PackedLstm,
};
pub use real::Real;
pub use relu::relu;
pub use softmax::softmax;
pub use tensors::{TensorSpec, Tensors};

#[cfg(feature = "train")]
pub use attention::{AttentionCache, attention_backward, attention_forward};
#[cfg(feature = "train")]
pub use bilstm::{BiLstmCache, BiLstmGradients, BiLstmUpstream, bilstm_backward, bilstm_forward};
#[cfg(feature = "train")]
pub use clip::{Clip, Clipped};
#[cfg(feature = "train")]
pub use dense::{dense_backward, dense_forward};
#[cfg(feature = "train")]
pub use dropout::{apply_dropout, dropout_mask};
#[cfg(feature = "train")]
pub use init::{Init, init_attention, init_dense, init_lstm};
#[cfg(feature = "train")]
pub use loss::CrossEntropy;
#[cfg(feature = "train")]
pub use lstm::{
    LstmCache, LstmGradients, LstmStart, LstmStartMut, LstmStep, LstmUpstream, lstm_backward,
    lstm_forward,
};
#[cfg(feature = "train")]
pub use optimizer::{Optimizer, OptimizerState};
#[cfg(feature = "train")]
pub use random::{Purpose, Stream};
#[cfg(feature = "train")]
pub use relu::relu_backward;
#[cfg(feature = "train")]
pub use schedule::Schedule;

#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(all(doctest, feature = "train"))]
#[doc = include_str!("../../../docs/lstm.md")]
struct GuideDoctests;
