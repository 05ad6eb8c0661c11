//! The bot: `cargo run --release -p windvane-paper-bot`, beside a running exchange.
#![expect(clippy::print_stdout, reason = "an example prints its results")]
use std::path::PathBuf;

use clap::Parser;
use windvane::prelude::*;
use windvane_paper_bot::{Error, bot::Bot, connection::Connection};

/// Trade on paper over a WebSocket with the JSON of Binance.
#[derive(Debug, Parser)]
struct Options {
    #[arg(long, default_value = "ws://127.0.0.1:9878")]
    url: String,
    /// A saved model [default: the pretrained one]
    #[arg(long)]
    model: Option<PathBuf>,
    #[arg(long, default_value = "BTCUSDT")]
    pair: Pair,
    /// End after that many predictions [default: with the stream]
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    predictions: usize,
    /// Costs, basis points per unit of turnover.
    #[arg(long, default_value_t = 5.0)]
    cost: f64,
}

fn main() -> std::process::ExitCode {
    windvane_paper_bot::exit_code(run(Options::parse()))
}

fn run(options: Options) -> Result<(), Error> {
    let model: Box<dyn FittedModel> = match &options.model {
        Some(file) => load(file)?,
        None => Box::new(v32::pretrained()),
    };
    let mut stream = Connection::open(&options.url, options.pair.clone(), model.spec().interval)?;
    let mut bot = Bot::new(model, options.cost)?;
    bot.run(&mut stream, options.predictions)?;
    bot.check(options.pair)?;
    println!("{} candles, {} fetched, {} repeated", bot.candles.len(), bot.fetched, bot.repeated);
    println!("{} reconnections", stream.reconnections);
    println!("equity {:.4} after costs of {} bp", bot.equity, options.cost);
    println!("all {} live predictions equal those of the batch path", bot.predictions.len());
    Ok(())
}
