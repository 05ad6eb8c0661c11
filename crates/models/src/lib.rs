//! Models that say where the next candle of a trading pair goes: UP, DOWN or NEUTRAL, with a
//! probability.
//!
//! Each model is a module behind a feature of its name, so a bot compiles what it uses:
//!
//! | feature | model | what |
//! |---|---|---|
//! | `v2` | `v2::WeightedSignals` | weighted average of squashed signals: by hand the baseline, or learned |
//! | `v3` | `v3::BiLstm` | bidirectional LSTM, 64 units each way |
//! | `v31` | `v31::AttentionBiLstm` | the same with attention, hidden dense layers and dropout |
//! | `v32` | `v32::FastLstm` | LSTM of 32 units, the production model |
//! | `v32` | `v32::stateful::StatefulLstm` | the same with a state carried over all candles |
//! | `pretrained` | `v32::FastLstm::pretrained` | v3.2 fitted on hourly BTCUSDT, for a first prediction |
//! | `train` | `train` | fitting; prediction and loading need none of it |
//!
//! All answer through [`DirectionModel`]. A [`Predictor`] feeds one from a live loop, candle by
//! candle, with the same bits as in a backtest; it saves and restores its state, takes newer models while it
//! runs ([`Retraining`] makes them meanwhile), and holds back calls on a market that a
//! [`MarketProfile`] finds changed. Saved models are single safetensors files.
//! [`Occlusion`] says what each channel does to a prediction, `inspect` (with `train`) what the
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
#[cfg(any(feature = "v2", feature = "logistic"))]
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
#[cfg(feature = "logistic")]
pub use linear::logistic;
#[cfg(feature = "v2")]
pub use linear::v2;
pub use live::{FeedStats, MarketProfile, Predictor, Retraining, Stop};
pub use model::{
    DirectionModel, FittedModel, HeldOut, ModelId, ModelSpec, NeutralReason, Prediction,
    Probabilities, Scratch, StatefulModel, TableReader, TrainingRecord, Vote,
};
#[cfg(feature = "v3")]
pub use network::presets::v3;
#[cfg(feature = "v31")]
pub use network::presets::v31;
#[cfg(feature = "v32")]
pub use network::presets::{v32, v32_stateful};

#[cfg(all(doctest, feature = "v32", feature = "train"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
