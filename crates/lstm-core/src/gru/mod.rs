//! GRU layer, unidirectional or bidirectional: sizes and parameters, inference,
//! training.

mod packed;
mod shape;

#[cfg(feature = "train")]
mod arranged;
#[cfg(feature = "train")]
mod backward;
#[cfg(feature = "train")]
mod cache;
#[cfg(feature = "train")]
mod forward;

pub use packed::{GruScratch, GruState, PackedGru};
pub use shape::GruShape;

#[cfg(feature = "train")]
pub use backward::{GruGradients, GruUpstream, gru_backward};
#[cfg(feature = "train")]
pub use cache::GruCache;
#[cfg(feature = "train")]
pub use forward::gru_forward;
