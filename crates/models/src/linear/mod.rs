//! Linear models: weighted signals by hand or learned, and logistic regression on whole windows.
#[cfg(feature = "logistic")]
pub mod logistic;
#[cfg_attr(not(feature = "train"), allow(dead_code, reason = "prediction uses a part"))]
mod solver;
#[cfg(feature = "v2")]
pub mod v2;
