//! Ensembles: votes of several models that predict the direction of the next candle.
//!
//! ```
//! # #[cfg(feature = "tuned")] {
//! use windvane_ensemble::EnsembleLearner;
//! use windvane_models::train::Learner;
//!
//! let learner = EnsembleLearner::tuned();
//! assert_eq!(learner.id().as_str(), "tuned");
//! assert_eq!(learner.members.len(), 5); // v2 with learned weights, trees, v3, v3.1, v3.2
//! # }
//! ```
//!
//! An [`Ensemble`] combines the predictions of its members by a soft or a hard vote with weights.
//! It is itself a [`FittedModel`]: it can be nested, saved, streamed and backtested like its
//! members.
//!
//! [`RegimeModels`] is a gate between models of single regimes of the market.
//!
//! | feature | content |
//! |---|---|
//! | `train` | `EnsembleLearner`: fits the members, their weights and the temperature of the vote; `RegimeLearner` |
//! | `onnx` | `to_onnx`: ensembles as ONNX files |
//! | `original` | named ensemble of v2 and v3.1 with equal weights |
//! | `tuned` | named ensemble of v2 (learned), trees, v3, v3.1 and v3.2, weighted by log loss |
//! | `mixed` | named ensemble of trees, v3.2 and MLP, three seeds of each, weighted by log loss |
//!
//! Members that are loaded from files need the features of their kinds in `windvane-models`.
//!
//! Layer 6 of the list in `docs/design.md`: uses `candles`, `signals` and `models`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod ensemble;
mod error;
mod fixed_share;
#[cfg(feature = "train")]
mod learner;
#[cfg(feature = "train")]
mod map;
mod member;
mod online;
#[cfg(feature = "onnx")]
mod onnx;
#[cfg(feature = "train")]
mod out_of_fold;
mod regime_gate;
#[cfg(feature = "train")]
mod regime_learner;
mod regime_models;
mod second;
#[cfg(feature = "train")]
mod second_fit;
#[cfg(feature = "train")]
mod simplex;

use windvane_models::{Artifact, FittedModel, Kinds, LoadError};

#[cfg(all(doctest, feature = "tuned"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

/// Re-export of the crate of the models.
pub use windvane_models as models;

pub use ensemble::{Ensemble, KIND, Voting};
pub use error::EnsembleError;
pub use fixed_share::FixedShare;
#[cfg(feature = "train")]
pub use learner::{EnsembleLearner, Weighting};
#[cfg(feature = "onnx")]
pub use onnx::to_onnx;
#[cfg(feature = "train")]
pub use regime_learner::RegimeLearner;
pub use regime_models::{REGIMES_KIND, RegimeModels};
pub use second::{SecondKind, SecondModel};

/// Returns the kinds of models that can be loaded: ensembles, models of single regimes, and the
/// models whose features are enabled.
///
/// # Examples
/// ```
/// assert!(windvane_ensemble::kinds().names().any(|kind| kind == "ensemble"));
/// ```
pub fn kinds() -> Kinds {
    Kinds::default().with(KIND, loader).with(REGIMES_KIND, regimes_loader)
}

/// Loads an ensemble and its members. Other [`Kinds`] add it under the name [`KIND`].
///
/// # Errors
/// [`LoadError`] for an invalid ensemble or member.
pub fn loader(artifact: &Artifact, kinds: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(Ensemble::from_artifact(artifact, kinds)?))
}

/// Loads models of single regimes. Other [`Kinds`] add it under the name [`REGIMES_KIND`].
///
/// # Errors
/// [`LoadError`] for invalid models.
pub fn regimes_loader(
    artifact: &Artifact,
    kinds: &Kinds,
) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(RegimeModels::from_artifact(artifact, kinds)?))
}
