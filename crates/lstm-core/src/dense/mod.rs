//! Dense layer y = W x + b: sizes and parameters, inference, training.

mod packed;
mod shape;
#[cfg(feature = "train")]
mod train;

pub use packed::PackedDense;
pub use shape::{DenseParams, DenseParamsMut, DenseShape};
#[cfg(feature = "train")]
pub use train::{dense_backward, dense_forward};
