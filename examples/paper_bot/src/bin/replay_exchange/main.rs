//! An exchange to practise on: real candles over a local WebSocket, with everything that goes wrong
//! on real ones.
//!
//! `cargo run --release --example replay_exchange` waits for a bot, then streams the last candles
//! of the sample's BTCUSDT as Binance's kline events. Start the bot beside it:
//! `cargo run --release --example paper_bot`.
#[path = "../shared/candles.rs"]
mod candles;
#[allow(dead_code, reason = "the bot reads what the exchange writes")]
#[path = "../shared/kline.rs"]
mod kline;
pub(crate) mod script;
pub(crate) mod server;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use windvane::prelude::*;

use server::Exchange;

/// Steps that a candle takes, about: three updates and the close.
const STEPS: f64 = 3.0;

/// Stream real candles over a local WebSocket, with updates, disconnections, gaps and repetitions.
#[derive(Debug, Parser)]
#[command(name = "replay_exchange")]
pub(crate) struct Options {
    /// Port to listen on; 0 for any free one.
    #[arg(long, default_value_t = 9878)]
    pub(crate) port: u16,
    /// CSV file with the candles; without it the embedded sample.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// The pair: its name on the stream, and which of the sample.
    #[arg(long, default_value = "BTCUSDT")]
    pub(crate) pair: String,
    /// How many of the last candles are streamed; older ones are told of when asked for.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) candles: u32,
    /// Candles per second, about.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) speed: f64,
    /// As fast as the bot can.
    #[arg(long, conflicts_with = "speed")]
    pub(crate) fast: bool,
    /// Decides what goes wrong, and when.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

fn main() -> std::process::ExitCode {
    match run(&Options::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", options.port))?;
    eprintln!("listening on ws://{}", listener.local_addr()?);
    let (mut exchange, stream) = exchange(options)?;
    let steps = script::script(&stream, options.seed);
    exchange.serve(&listener, &steps)?;
    eprintln!("all {} candles are played", stream.len());
    Ok(())
}

/// The exchange before it opens, and what it will stream.
pub(crate) fn exchange(
    options: &Options,
) -> Result<(Exchange, Vec<Candle>), Box<dyn std::error::Error>> {
    let pause = match 1.0 / (STEPS * options.speed) {
        _ if options.fast => Duration::ZERO,
        seconds => Duration::try_from_secs_f64(seconds)
            .map_err(|error| format!("--speed {}: {error}", options.speed))?,
    };
    let series = candles::candles(options.data.as_deref(), &options.pair)?;
    let streamed = usize::try_from(options.candles)?.min(series.len());
    let (past, stream) = series.candles().split_at(series.len() - streamed);
    let (pair, interval) = (series.pair().clone(), series.interval());
    let exchange = Exchange { pair, interval, closed: past.to_vec(), pause };
    Ok((exchange, stream.to_vec()))
}
