//! Additive attention over time: sizes and parameters, inference, training.

mod packed;
mod shape;
#[cfg(feature = "train")]
mod train;

pub use packed::{AttentionScratch, PackedAttention};
pub use shape::{AttentionParams, AttentionParamsMut, AttentionShape};
#[cfg(feature = "train")]
pub use train::{AttentionCache, attention_backward, attention_forward};
