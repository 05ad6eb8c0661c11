//! What the command line says.
use std::path::PathBuf;

use clap::Parser;

/// Predict every candle of a stream with a fitted model, and trade the calls on paper.
///
/// Without --model it is the v3.2 that comes with the crate, which learned from hourly BTCUSDT. The
/// stream is plain ws:// in the JSON of Binance's klines, as `--example replay_exchange` serves it.
#[derive(Debug, Parser)]
#[command(name = "paper_bot")]
pub(crate) struct Options {
    /// The stream.
    #[arg(long, default_value = "ws://127.0.0.1:9878")]
    pub(crate) url: String,
    /// CSV file with the past to warm up from; without it the embedded sample. Candles from the
    /// first streamed one on are not looked at.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// The pair: its name on the stream, and which of the sample.
    #[arg(long, default_value = "BTCUSDT")]
    pub(crate) pair: String,
    /// A saved model.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Candles of the past to take: they warm the model up, and the report's baselines learn from
    /// them.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(500..))]
    pub(crate) history: u32,
    /// Stop after so many streamed candles; without it at the end of the stream or with Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) candles: Option<u32>,
    /// Costs of trading, basis points per unit of turnover: fee and slippage.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) cost: f64,
    /// Folder for report.html, report.md and report.json.
    #[arg(long, default_value = "target/paper_bot")]
    pub(crate) out: PathBuf,
}
