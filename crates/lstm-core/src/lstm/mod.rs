//! LSTM layer: sizes and parameters, inference, training.

mod batch;
mod packed;
mod shape;
mod state;

#[cfg(feature = "train")]
mod arranged;
#[cfg(feature = "train")]
mod backward;
#[cfg(feature = "train")]
mod cache;
#[cfg(feature = "train")]
mod forward;
#[cfg(feature = "train")]
mod side;

pub(crate) use batch::BatchOut;
pub use packed::PackedLstm;
pub(crate) use shape::check_size;
pub use shape::{Biases, LstmParams, LstmParamsMut, LstmShape, MAX_SIZE};
pub use state::{LstmBatchScratch, LstmScratch, LstmState};

#[cfg(feature = "train")]
pub(crate) use backward::backward_direction;
#[cfg(feature = "train")]
pub use backward::{LstmGradients, LstmStartMut, LstmUpstream, lstm_backward};
#[cfg(feature = "train")]
pub use cache::{LstmCache, LstmStep};
#[cfg(feature = "train")]
pub(crate) use forward::forward_direction;
#[cfg(feature = "train")]
pub use forward::{LstmStart, lstm_forward};
#[cfg(feature = "train")]
pub(crate) use side::Side;
