//! Calibration: temperature and abstention, reliability tables, conformal prediction sets.
mod conformal;
mod reliability;
mod temperature;

pub use conformal::{AdaptiveConformal, ConformalCall, ConformalSettings, DirectionSet};
pub use reliability::{Reliability, ReliabilityBin};
pub use temperature::Calibration;
