//! Gradient-boosted decision trees on whole windows or on lags.
//!
//! **Formula** with F the sum of the trees' outputs for the raw channel values of a window, and ν
//! the share of NEUTRAL in training:
//!
//! ```text
//! q = 1 / (1 + exp(−F))
//! p = (1 − ν) q, (1 − ν) (1 − q), ν          UP, DOWN, NEUTRAL; binary model
//! p = softmax(F_up, F_down, F_neutral)       model of three classes
//! ```
//!
//! Trees compare values with thresholds, so the channels need no scaling. A missing value (NaN)
//! follows the default child of a split.
//!
//! **Source** Friedman 2001; Ke et al. 2017 (LightGBM) for histograms and growth by leaf.
#[cfg(feature = "train")]
mod bins;
#[cfg(feature = "train")]
mod booster;
#[cfg(feature = "train")]
mod grow;
#[cfg(feature = "train")]
mod histogram;
#[cfg(feature = "train")]
mod learner;
mod lightgbm;
mod model;
#[cfg(feature = "train")]
mod monotone;
#[cfg(feature = "train")]
mod objective;
#[cfg(feature = "onnx")]
mod onnx;
mod row_trees;
mod saved;
mod scorer;
mod tree;

#[cfg(feature = "train")]
pub use learner::{BoostedTreesLearner, TreesObjective};
pub use model::{BoostedTrees, ChannelGain};
#[cfg(feature = "train")]
pub use monotone::Monotone;
pub use row_trees::{RowTrees, RowTreesScratch};
pub(crate) use saved::loader;

/// Kind in saved files, and the default id.
pub const KIND: &str = "trees";
