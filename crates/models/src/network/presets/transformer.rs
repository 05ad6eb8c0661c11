//! Transformer: an encoder with self-attention (Vaswani et al. 2017), the mean of its results, a
//! dense layer.
//!
//! **Shapes** window `[T, C]` → dense(C → N) plus the sinusoidal positional encoding → layers with
//! pre-normalisation → layer normalisation, all results `[T, N]` → mean over the rows `[N]` →
//! dense(N → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! Attention to later rows is not look-ahead: all rows of a window are known when the prediction is
//! made.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes the tensors of
//! `self.input = nn.Linear(C, N)`, of `self.layers`, an `nn.ModuleList` of
//! `nn.TransformerEncoderLayer(N, heads, F, batch_first=True, norm_first=True)`, of
//! `self.norm = nn.LayerNorm(N)` and of `self.fc = nn.Linear(N, 3)`. The number of heads is that of
//! the configuration.
//!
//! | tensor | shape |
//! |---|---|
//! | `input.weight`, `input.bias` | `[N, C]`, `[N]` |
//! | `layers.0.self_attn.in_proj_weight`, `layers.0.self_attn.in_proj_bias` | `[3N, N]`, `[3N]` |
//! | `layers.0.self_attn.out_proj.weight`, `layers.0.self_attn.out_proj.bias` | `[N, N]`, `[N]` |
//! | `layers.0.linear1.weight`, `layers.0.linear1.bias` | `[F, N]`, `[F]` |
//! | `layers.0.linear2.weight`, `layers.0.linear2.bias` | `[N, F]`, `[N]` |
//! | `layers.0.norm1.weight`, `.bias`, `layers.0.norm2.weight`, `.bias`; then `layers.1`, … | `[N]` |
//! | `norm.weight`, `norm.bias` | `[N]` |
//! | `fc.weight`, `fc.bias` | `[3, N]`, `[3]` |
//!
//! The classes are in the order UP, DOWN, NEUTRAL.
use crate::network::{Encoder, NetworkConfig, Pooling, saved};

/// Kind in saved files, that of every network with its full configuration.
pub const KIND: &str = saved::NETWORK;

/// Id of the fitted models.
pub const ID: &str = "transformer";

/// Returns the layers: two encoder layers of size 32 with four heads, the mean of the results, the
/// head.
pub fn config() -> NetworkConfig {
    let encoder = Encoder::Transformer { size: 32, heads: 4, feed_forward: 64, layers: 2 };
    NetworkConfig { pooling: Pooling::Mean, ..NetworkConfig::new(encoder) }
}

/// Returns the learner of the transformer, with default settings.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    let id = crate::ModelId::new(ID);
    crate::network::NetworkLearner { id, ..crate::network::NetworkLearner::new(config()) }
}
