//! Linear models: weighted signals with hand-set or learned weights, and logistic regression on
//! whole windows.
#[cfg(feature = "logistic")]
pub mod logistic;
#[allow(
    dead_code,
    reason = "a build with one of the models, or without training, uses only some functions"
)]
mod solver;
#[cfg(feature = "v2")]
pub mod v2;
