//! Inspection of network layers: activations, dead units, gradient norms.
mod activity;
mod gradient;
mod trace;

pub use activity::{GateActivity, LayerActivity};
pub use gradient::GradientNorm;
pub use trace::{DenseTrace, GATES, LstmTrace, Trace};
