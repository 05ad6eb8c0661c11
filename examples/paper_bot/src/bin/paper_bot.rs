//! Paper-trading bot: `cargo run --release -p windvane-paper-bot` while `replay_exchange` runs.
#![expect(clippy::print_stdout, reason = "an example prints its results")]
use std::path::PathBuf;

use clap::Parser;
use windvane::models::{Artifact, PositionTracker};
use windvane::prelude::*;
use windvane_paper_bot::connection::{Connection, TIMEOUT};
use windvane_paper_bot::lines::LiveFeed;
use windvane_paper_bot::{Error, bot::Bot};

/// Trade on paper over a WebSocket with the JSON of Binance.
#[derive(Debug, Parser)]
struct PaperBotOptions {
    #[arg(long, default_value = "ws://127.0.0.1:9878")]
    url: String,
    /// Exchange, such as binance, instead of the URL; the pair in its notation. Needs windvane-live.
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    exchange: Option<String>,
    /// File of a saved model [default: the pretrained v3.2]
    #[arg(long)]
    model: Option<PathBuf>,
    #[arg(long, default_value = "BTCUSDT")]
    pair: Pair,
    /// Number of predictions after which the bot ends [default: the end of the stream]
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    predictions: usize,
    /// Cost in basis points per unit of turnover.
    #[arg(long, default_value_t = 5.0)]
    cost: f64,
}

fn main() -> std::process::ExitCode {
    windvane_paper_bot::exit_code(run(PaperBotOptions::parse()))
}

fn run(options: PaperBotOptions) -> Result<(), Error> {
    let file = options.model.map(Artifact::read).transpose()?;
    let model = file.as_ref().map(|file| windvane::kinds().model(file)).transpose()?;
    let model = model.unwrap_or_else(|| Box::new(v32::pretrained()));
    let candles = (options.pair.clone(), model.spec().interval);
    let mut bot = Bot::new(model, options.pair.clone(), options.cost)?;
    if let Some((file, policy)) = file.as_ref().and_then(|file| Some((file, file.policy()?))) {
        bot.tracker = PositionTracker::new(*policy, file.spec().interval);
    }
    println!("policy: {}", bot.tracker.policy().config());
    let mut reconnections = 0;
    if let Some(name) = &options.exchange {
        let stream = (&candles.0, candles.1);
        let (feed, lines) = LiveFeed::start("windvane-live", name, stream, bot.candles_needed())?;
        bot.run_lines(lines, &options.pair, options.predictions)?;
        if bot.predictions.len() < options.predictions {
            feed.finish()?;
        }
    } else {
        let mut stream = Connection::open(&options.url, candles, TIMEOUT)?;
        bot.run(&mut stream, options.predictions)?;
        reconnections = stream.reconnections;
    }
    bot.check(options.pair)?;
    let (candles, counts) = (bot.candles.len(), bot.feed.counts());
    println!("{candles} candles, {} fetched, {} duplicates", counts.fetched, counts.duplicates);
    println!("{reconnections} reconnections");
    println!("equity {:.4} after costs of {} bp", bot.equity, options.cost);
    println!("all {} live predictions equal those of the batch path", bot.predictions.len());
    Ok(())
}
