//! Calibration: temperature and abstention, reliability tables, conformal prediction sets.
mod conformal;
mod reliability;
mod temperature;

pub use conformal::{AdaptiveConformal, ConformalSettings, DirectionSet, PredictionSet};
pub use reliability::{Reliability, ReliabilityBin};
#[cfg(feature = "onnx")]
pub(crate) use temperature::PIVOT;

pub use temperature::Calibration;
