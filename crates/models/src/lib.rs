//! Models that say where the next candle of a trading pair goes: UP, DOWN or NEUTRAL, with a
//! probability.
//!
//! Each model is a module behind a feature of its name, so a bot compiles what it uses:
//!
//! | feature | model | what |
//! |---|---|---|
//! | `v2` | `v2::WeightedSignals` | weighted average of squashed signals: by hand the baseline, or learned |
//! | `logistic` | `logistic::LogisticRegression` | logistic regression on whole windows |
//! | `network` | `network::Network` | any network, from a `NetworkConfig` |
//! | `v3` | `v3::config` | preset: bidirectional LSTM, 64 units each way |
//! | `v31` | `v31::config` | preset: the same with attention, hidden dense layers and dropout |
//! | `v32` | `v32::config` | preset: LSTM of 32 units, the production model |
//! | `v32` | `v32_stateful::config` | preset: the same with a state carried over all candles |
//! | `pretrained` | `v32::pretrained` | v3.2 fitted on hourly BTCUSDT, for a first prediction |
//! | `train` | `train` | fitting; prediction and loading need none of it |
//!
//! All predict through [`DirectionModel`]; [`FittedModel`] has what else a fitted model can do:
//! record, calibration, recurrent state, saving. A [`Predictor`] feeds one from a live loop, candle by
//! candle, with the same bits as in a backtest; it saves and restores its state, takes newer models while it
//! runs ([`Retraining`] makes them meanwhile), and holds back calls on a market that a
//! [`MarketProfile`] finds changed. Saved models are single safetensors files.
//! [`Occlusion`] has the effect of each channel on a prediction, [`explain`] (with `train`) what the
//! layers do.
//!
//! # Layers
//! A crate uses those before it; this one is marked.
//! ```text
//! candles → signals → [models] → ensemble → backtest
//!            lstm-core ↗
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod artifact;
mod calibration;
mod error;
pub mod explain;
pub mod linear;
mod live;
mod model;
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "train")]
pub mod train;

/// The candles a model is fed with.
pub use windvane_candles as candles;
/// The signals a model reads.
pub use windvane_signals as signals;

pub use artifact::{Artifact, Kinds, Loader, from_bytes, load, replace_file};
pub use calibration::{
    AdaptiveConformal, Calibration, ConformalCall, ConformalSettings, DirectionSet, Reliability,
    ReliabilityBin,
};
pub use error::{LoadError, PredictError, SettingError, TrainError};
pub use explain::Occlusion;
#[allow(unused_imports, unreachable_pub, reason = "each linear model is behind its feature")]
pub use linear::*;
pub use live::{FeedStats, MarketProfile, Predictor, Retraining, Stop};
pub use model::{
    DirectionModel, FittedModel, HeldOut, ModelId, ModelSpec, NeutralReason, Prediction,
    Probabilities, Scratch, StatefulModel, TableReader, TrainingRecord, Vote,
};
#[cfg(feature = "network")]
pub use network::presets::*;

#[cfg(all(doctest, feature = "v32", feature = "train"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
