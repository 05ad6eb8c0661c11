//! Bidirectional LSTM layer: sizes and parameters, inference, training.

mod packed;
mod shape;

#[cfg(feature = "train")]
mod backward;
#[cfg(feature = "train")]
mod cache;
#[cfg(feature = "train")]
mod forward;

pub use packed::{BiLstmScratch, PackedBiLstm};
pub use shape::{BiLstmParams, BiLstmParamsMut, BiLstmShape};

#[cfg(feature = "train")]
pub use backward::{BiLstmGradients, BiLstmUpstream, bilstm_backward};
#[cfg(feature = "train")]
pub use cache::BiLstmCache;
#[cfg(feature = "train")]
pub use forward::bilstm_forward;
