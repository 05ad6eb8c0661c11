//! Calibrated probabilities: temperature and abstention, reliability diagrams, conformal sets.
mod conformal;
#[cfg(feature = "train")]
mod fit;
mod reliability;
mod temperature;

pub use conformal::{AdaptiveConformal, ConformalCall, ConformalSettings, DirectionSet};
#[cfg(feature = "train")]
pub use fit::{abstain, calibrate, calibration_parts, predictions};
pub use reliability::{Reliability, ReliabilityBin};
pub use temperature::Calibration;
