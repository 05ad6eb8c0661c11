//! The bot: `cargo run --release -p windvane-paper-bot`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use windvane::prelude::*;
use windvane_paper_bot::{Error, bot::Bot, connection::Connection};

/// Trade on paper over a WebSocket with the JSON of Binance; Ctrl-C ends it with the summary.
#[derive(Debug, Parser)]
struct Options {
    /// Address of the exchange.
    #[arg(long, default_value = "ws://127.0.0.1:9878")]
    url: String,
    /// A saved model [default: the pretrained one]
    #[arg(long)]
    model: Option<PathBuf>,
    #[arg(long, default_value = "BTCUSDT")]
    pair: Pair,
    /// End after that many predictions.
    #[arg(long, default_value_t = usize::MAX)]
    predictions: usize,
    /// Costs, basis points per unit of turnover.
    #[arg(long, default_value_t = 5.0)]
    cost: f64,
}

fn main() -> ExitCode {
    if let Err(error) = run(&Options::parse()) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(options: &Options) -> Result<(), Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    ctrlc::set_handler(move || told.store(true, Ordering::Relaxed))?;
    let model: Box<dyn DirectionModel> = match &options.model {
        Some(file) => load(file)?,
        None => Box::new(FastLstm::pretrained()),
    };
    let interval = model.spec().interval;
    let mut bot = Bot::new(model, options.pair.clone(), options.cost)?;
    let mut stream = Connection::open(&options.url, options.pair.clone(), interval, &stop)?;
    bot.run(&mut stream, options.predictions)?;
    bot.check()?;
    println!("{} candles, {} fetched, {} repeated", bot.candles.len(), bot.fetched, bot.repeated);
    println!("{} reconnections", stream.reconnections);
    println!("equity {:.4} after {} bp a trade", bot.equity, options.cost);
    println!("all {} live predictions equal those of the batch path", bot.predictions.len());
    Ok(())
}
