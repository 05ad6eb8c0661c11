//! Explanations: what single channels do to a prediction, and what the layers of a network do.
#[cfg(all(feature = "train", feature = "network"))]
mod activity;
#[cfg(all(feature = "train", feature = "network"))]
mod gradient;
mod occlusion;
#[cfg(all(feature = "train", feature = "network"))]
mod trace;

#[cfg(all(feature = "train", feature = "network"))]
pub use activity::{GateActivity, LayerActivity};
#[cfg(all(feature = "train", feature = "network"))]
pub use gradient::GradientNorm;
pub use occlusion::Occlusion;
#[cfg(all(feature = "train", feature = "network"))]
pub use trace::{DenseTrace, GATES, LstmTrace, Trace};
