//! Votes over models that say where the next candle goes.
//!
//! An [`Ensemble`] is itself a [`DirectionModel`]: it nests,
//! saves, streams and backtests like its members.
//!
//! | feature | what |
//! |---|---|
//! | `train` | `EnsembleLearner`: fitting members, weights and the temperature of the vote |
//! | `original` | the named ensemble of v2 and v3.1, half each |
//! | `tuned` | the named ensemble of v2 (learned), v3, v3.1 and v3.2, weighted by log loss |
//!
//! Members of kinds that are fitted elsewhere need those kinds' features of `windvane-models`.
//!
//! # Layers
//! A crate uses those before it; this one is marked.
//! ```text
//! candles → signals → models → [ensemble] → backtest
//!           lstm-core ↗
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod ensemble;
mod error;
#[cfg(feature = "train")]
mod learner;
mod member;
#[cfg(feature = "train")]
mod simplex;

use std::path::Path;

use windvane_models::{DirectionModel, Kinds, ModelError};

#[cfg(all(doctest, feature = "tuned"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

/// The models that vote.
pub use windvane_models as models;

pub use ensemble::{Ensemble, KIND, Voting};
pub use error::EnsembleError;
#[cfg(feature = "train")]
pub use learner::{EnsembleLearner, Weighting};

/// The kinds that [`load`] knows: ensembles, and the models whose features are enabled.
pub fn kinds() -> Kinds {
    Kinds::default()
        .with(KIND, |artifact, kinds| Ok(Box::new(Ensemble::from_artifact(artifact, kinds)?)))
}

/// Reads an ensemble or any other model from a file.
///
/// # Errors
/// As [`Kinds::load`].
pub fn load(path: impl AsRef<Path>) -> Result<Box<dyn DirectionModel>, ModelError> {
    kinds().load(path)
}

/// Reads an ensemble or any other model from the bytes of a file.
///
/// # Errors
/// As [`Kinds::from_bytes`].
pub fn from_bytes(bytes: &[u8]) -> Result<Box<dyn DirectionModel>, ModelError> {
    kinds().from_bytes(bytes)
}
