//! Predicts where the next candle of a trading pair goes: UP, DOWN or NEUTRAL, with a probability.
//!
//! This crate is a thin facade. Each layer is a crate of its own and can be used alone:
//!
//! ```text
//! candles → signals → models → ensemble → backtest
//!              lstm-core ↗
//! ```
//!
//! | module | crate | what |
//! |---|---|---|
//! | [`candles`] | `windvane-candles` | candles, series, CSV, the real sample, simulated markets |
//! | [`signals`] | `windvane-signals` | indicators, channels, scaler, windows, labels, splits |
//! | [`models`] | `windvane-models` | v2, v3, v3.1, v3.2, training, saved models, the live predictor |
#![cfg_attr(
    feature = "ensemble",
    doc = "| [`ensemble`] | `windvane-ensemble` | votes over models; loads any saved model |"
)]
#![cfg_attr(
    feature = "backtest",
    doc = "| [`backtest`] | `windvane-backtest` | walk-forward, intervals, baselines, reports, leak audit |"
)]
//!
//! # Features
//! `v2` and `v32` (default), `v3`, `v31`: the models. `pretrained`: a fitted v3.2. `ensemble`: votes over models.
//! `train`: fitting. `backtest`: walk-forward tests and reports. `csv`, `read`, `columnar`, `sample`,
//! `simulate`: where candles come from. `full`: everything but `columnar`, which takes longer to build than the rest.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "backtest")]
pub use windvane_backtest as backtest;
pub use windvane_candles as candles;
#[cfg(feature = "ensemble")]
pub use windvane_ensemble as ensemble;
pub use windvane_models as models;
pub use windvane_signals as signals;

/// What a bot needs at hand.
pub mod prelude {
    pub use windvane_candles::{
        Candle, CandleSeries, Columns, Direction, Interval, Ohlcv, Pair, Timestamp,
    };
    pub use windvane_models::{
        DirectionModel, FittedModel, LoadError, PredictError, Prediction, Predictor, TrainError,
    };
    pub use windvane_signals::{Registry, SampleSet, SignalSpec, SignalTable, Split};
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct WorkspaceReadmeDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/diagnosis.md")]
struct DiagnosisDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/live.md")]
struct LiveDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/signals.md")]
struct SignalsDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/training.md")]
struct TrainingDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/ensemble.md")]
struct EnsembleDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/saved-models.md")]
struct SavedModelsDoctests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
