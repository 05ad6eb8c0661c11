//! `windvane live`: closed candles of an exchange as JSON lines.
use std::process::ExitCode;

use clap::Parser;
use windvane_candles::{Interval, Pair};
use windvane_exchange::exchanges::by_name;
use windvane_exchange::{Client, EXCHANGES, ExchangeError, LiveCandles, Market};

/// Write a JSON line per closed candle of an exchange, as `windvane predict --follow` reads them
#[derive(Debug, Parser)]
#[command(name = "windvane live", version)]
struct Options {
    /// Exchange.
    #[arg(long, value_parser = EXCHANGES)]
    exchange: String,
    /// Pair in the notation of the exchange, such as BTCUSDT, BTC-USDT or BTC/USD.
    #[arg(long)]
    pair: Pair,
    /// Interval, such as 1m, 1h or 1d.
    #[arg(long)]
    interval: Interval,
    /// Number of candles before the first one.
    #[arg(long, value_name = "N", default_value_t = 100)]
    history: u32,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), ExchangeError> {
    let exchange = by_name(&options.exchange)?;
    let (client, market) = (Client::default(), Market::new(options.pair, options.interval));
    let mut live = LiveCandles::new(&*exchange, &client, market, None, options.history);
    live.write_lines(std::io::stdout().lock())
}
