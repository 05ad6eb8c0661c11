//! What the command line says.
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use windvane::prelude::*;

/// `--quick` keeps this many of the last candles …
pub(crate) const QUICK_CANDLES: usize = 2_000;
/// … and trains for at most this many epochs.
pub(crate) const QUICK_EPOCHS: usize = 2;

/// Look inside a prediction, and inside the model that made it.
///
/// Without --data the pair is one of the embedded sample: BTCUSDT and EURUSD hourly, AAPL, IBM,
/// MSFT, GOOG, FB, NVDA, SP500 and NASDAQ daily. Without --load a model is trained on that pair's
/// candles before the last months, and a candle of those months is shown.
#[derive(Debug, Parser)]
#[command(name = "diagnose")]
pub(crate) struct Options {
    /// The pair whose candle is shown.
    #[arg(long, default_value = "BTCUSDT")]
    pub(crate) pair: String,
    /// File of candles, or folder of such files; each is the pair that it is named after.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Interval that the candles must have, such as 1h or 1d; without it any.
    #[arg(long, requires = "data")]
    pub(crate) interval: Option<Interval>,
    /// Moment of the decision: the last candle that closed by then is shown. Without it the last
    /// one whose outcome is known.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// Model to train.
    #[arg(long, value_enum, default_value = "v32")]
    pub(crate) model: Model,
    /// A saved model, instead of training one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "test_months", "seed"])]
    pub(crate) load: Option<PathBuf>,
    /// Calendar months at the end that nothing is learned from.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1200))]
    pub(crate) test_months: u16,
    /// Seed of every random draw.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// A short run: the last 2,000 candles, two epochs, one month to test on.
    #[arg(long, conflicts_with = "test_months")]
    pub(crate) quick: bool,
    /// Also write a page with heat maps to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// A model by the label of its feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Model {
    /// Weighted signals, weights set by hand.
    V2,
    /// The same with weights of maximum likelihood.
    V2Learned,
    /// Bidirectional LSTM.
    V3,
    /// Bidirectional LSTM with attention.
    V31,
    /// Fast LSTM, the production model.
    V32,
}

impl Options {
    /// Calendar months held back.
    pub(crate) fn held_back(&self) -> u16 {
        if self.quick { 1 } else { self.test_months }
    }
}
