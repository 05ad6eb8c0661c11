//! Calibrated probabilities: temperature and abstention, reliability diagrams, conformal sets.
mod conformal;
mod reliability;
mod temperature;

pub use conformal::{AdaptiveConformal, ConformalCall, ConformalSettings, DirectionSet};
pub use reliability::{Reliability, ReliabilityBin};
pub use temperature::Calibration;
