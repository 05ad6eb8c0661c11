//! The layers of a network: activations, units, gradients.
mod activity;
mod gradient;
mod trace;

pub use activity::{GateActivity, LayerActivity};
pub use gradient::GradientNorm;
pub use trace::{DenseTrace, GATES, LstmTrace, Trace};
