//! Options of `windvane diagnose`.
use std::path::PathBuf;

use clap::Args;
use windvane::catalog::{ModelEntry, Training};
use windvane::prelude::*;

use crate::models;
use crate::reading::ReadArgs;

/// `--quick` keeps this many of the last candles …
pub(super) const QUICK_CANDLES: usize = 2_000;
/// … and trains for at most this many epochs.
const QUICK_EPOCHS: usize = 2;

/// Show a prediction, and the model behind it, in detail
///
/// Without --data the pair is one of the embedded sample: BTCUSDT and EURUSD hourly, AAPL, IBM,
/// MSFT, GOOG, FB, NVDA, SP500 and NASDAQ daily. Without --load a model is trained on that pair's
/// candles before the last months, and a candle of those months is shown.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The pair whose candle is shown.
    #[arg(long, default_value = "BTCUSDT")]
    pub(super) pair: String,
    /// File of candles, or folder of such files; each is the pair that it is named after.
    #[arg(long, value_name = "PATH")]
    pub(super) data: Option<PathBuf>,
    /// Interval that the candles must have, such as 1h or 1d; without it any.
    #[arg(long, requires = "data")]
    pub(super) interval: Option<Interval>,
    #[command(flatten)]
    pub(super) reading: ReadArgs,
    /// Moment of the decision: the last candle that closed by then is shown. Without it the last
    /// one whose outcome is known.
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<Timestamp>,
    /// Model to train.
    #[arg(long, value_parser = models::parser(), default_value = "v32")]
    model: ModelEntry,
    /// A saved model, instead of training one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "test_months", "seed"])]
    pub(super) load: Option<PathBuf>,
    /// Calendar months at the end that nothing is learned from.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1200))]
    pub(super) test_months: u16,
    /// Seed of every random draw.
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// A short run: the last 2,000 candles, two epochs, one month to test on.
    #[arg(long, conflicts_with = "test_months")]
    pub(super) quick: bool,
    /// Also write a page with heat maps to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

impl Options {
    /// Learner of the model to train.
    pub(super) fn learner(&self) -> std::sync::Arc<dyn Learner> {
        let epochs = self.quick.then_some(QUICK_EPOCHS);
        self.model.learner(&Training { epochs, ..Training::default() })
    }

    /// Calendar months held back.
    pub(super) fn held_back(&self) -> u16 {
        if self.quick { 1 } else { self.test_months }
    }
}
