//! Options of `windvane diagnose`.
use std::path::PathBuf;

use clap::Args;
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::prelude::*;

use crate::models;
use crate::reading::ReadArgs;

/// Number of candles with `--quick`, the last ones.
pub(super) const QUICK_CANDLES: usize = 2_000;
/// Maximum number of epochs with `--quick`.
const QUICK_EPOCHS: usize = 2;

/// Explain a prediction and show the state of its model
///
/// Without --data the pair is one of the embedded sample: BTCUSDT and EURUSD hourly, AAPL, IBM,
/// MSFT, GOOG, FB, NVDA, SP500 and NASDAQ daily. Without --load a model is trained on the candles
/// of the pair before the last months, and the prediction for a candle of those months is shown.
#[derive(Debug, Args)]
pub(crate) struct DiagnoseOptions {
    /// Pair whose prediction is shown.
    #[arg(long, default_value = "BTCUSDT")]
    pub(super) pair: String,
    /// File of candles, or folder of such files; the file name is the name of the pair.
    #[arg(long, value_name = "PATH")]
    pub(super) data: Option<PathBuf>,
    /// Required interval of the candles, such as 1h, 1h+30m or 4h@session [default: any]
    #[arg(long, requires = "data")]
    pub(super) interval: Option<Interval>,
    #[command(flatten)]
    pub(super) reading: ReadArgs,
    /// Time of the prediction: it uses the last candle that has closed by then [default: the last
    /// candle whose outcome is known]
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<Timestamp>,
    /// Model to train without --load.
    #[arg(long, value_parser = models::parser(), default_value = "v32")]
    model: ModelEntry,
    /// Saved model to explain instead of training one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "test_months", "seed"])]
    pub(super) load: Option<PathBuf>,
    /// Number of calendar months at the end that are excluded from training.
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1200))]
    pub(super) test_months: u16,
    /// Seed of every random draw.
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// Run a short diagnosis: the last 2,000 candles, two epochs, one month excluded from training.
    #[arg(long, conflicts_with = "test_months")]
    pub(super) quick: bool,
    /// HTML file to write, with heat maps.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

impl DiagnoseOptions {
    /// Learner of the model to train.
    pub(super) fn learner(&self) -> std::sync::Arc<dyn Learner> {
        let epochs = self.quick.then_some(QUICK_EPOCHS);
        self.model.learner(&Hyperparameters { epochs, ..Hyperparameters::default() })
    }

    /// Number of calendar months excluded from training.
    pub(super) fn held_back(&self) -> u16 {
        if self.quick { 1 } else { self.test_months }
    }
}
