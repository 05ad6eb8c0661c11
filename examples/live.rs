//! A bot's event loop: a saved model, candles one by one, a prediction for each.
//!
//! Train one first: `cargo run --release --example train_v32`, then
//! `cargo run --release --example live -- --model v32.safetensors`
use std::path::PathBuf;

use clap::Parser;
use windvane::candles::sample;
use windvane::models::load;
use windvane::prelude::*;

#[derive(Parser)]
#[command(about = "Feed a saved model candle by candle, as a bot would")]
struct Options {
    /// A model saved by `train_v32` or by your own program.
    #[arg(long, default_value = "v32.safetensors")]
    model: PathBuf,
    /// Instrument of the sample that plays the live feed.
    #[arg(long, default_value = "BTCUSDT")]
    instrument: String,
    /// How many of its last candles to play.
    #[arg(long, default_value_t = 60)]
    candles: usize,
}

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let names = || format!("no such instrument; the sample has {}", sample::NAMES.join(", "));
    let series = sample::load(&options.instrument).ok_or_else(names)?;
    let feed = &series.candles()[series.len().saturating_sub(options.candles)..];

    let mut predictor = Predictor::new(load(&options.model)?, series.interval())?;
    println!("{} candles until the first prediction", predictor.candles_needed());
    for candle in feed {
        match predictor.on_candle(candle)? {
            None => println!("{}  warming up", candle.open_time()),
            Some(prediction) => println!(
                "{}  close {:>10.2}  next: {:<7} {:.1} %",
                prediction.decided_at,
                candle.close(),
                prediction.direction.to_string(),
                100.0 * prediction.confidence
            ),
        }
    }
    Ok(())
}
