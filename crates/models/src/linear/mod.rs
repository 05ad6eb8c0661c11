//! Linear models: weighted signals by hand or learned, and logistic regression on whole windows.
#[cfg(feature = "logistic")]
pub mod logistic;
#[allow(dead_code, reason = "each model and prediction alone use a part")]
mod solver;
#[cfg(feature = "v2")]
pub mod v2;
