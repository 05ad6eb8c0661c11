//! Simulated exchange: `cargo run --release -p windvane-paper-bot --bin replay_exchange`.
use std::net::TcpListener;
use std::time::Duration;

use clap::Parser;
use windvane::candles::sample;
use windvane_paper_bot::Error;
use windvane_paper_bot::exchange::{Exchange, script};

/// Stream the last candles of the embedded sample, with disconnections, gaps and duplicates.
#[derive(Debug, Parser)]
struct ReplayOptions {
    #[arg(long, default_value_t = 9878)]
    port: u16,
    #[arg(long, default_value = "BTCUSDT")]
    pair: String,
    /// Number of candles to stream; older candles are available on request.
    #[arg(long, default_value_t = 500)]
    candles: usize,
    /// Milliseconds between two messages.
    #[arg(long, default_value_t = 150)]
    pause: u64,
    /// Seed of the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> std::process::ExitCode {
    windvane_paper_bot::exit_code(run(&ReplayOptions::parse()))
}

fn run(options: &ReplayOptions) -> Result<(), Error> {
    let series = sample::load(&options.pair)
        .ok_or_else(|| format!("unknown pair; choose one of {}", sample::NAMES.join(", ")))?;
    let (past, stream) = series.candles().split_at(series.len().saturating_sub(options.candles));
    let listener = TcpListener::bind(("127.0.0.1", options.port))?;
    let (pair, interval, closed) = (series.pair().clone(), series.interval(), past.to_vec());
    let pause = Duration::from_millis(options.pause);
    let mut exchange = Exchange { pair, interval, closed, pause };
    exchange.serve(&listener, &script(stream, options.seed))
}
