//! The event loop of a bot: a saved model, candles one by one, a prediction for each.
//!
//! Fit one first: `cargo run --release -p windvane-cli -- fit --out model.safetensors`, then
//! `cargo run --release --example live -- model.safetensors`. Without a file it takes the pretrained
//! model.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::process::ExitCode;

use windvane::candles::sample;
use windvane::prelude::*;

/// Candles that are played as the live feed.
const PLAYED: usize = 60;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let model: Box<dyn FittedModel> = match std::env::args_os().nth(1) {
        Some(file) => load(file)?,
        None => Box::new(v32::pretrained()),
    };
    let interval = model.spec().interval;
    let series = sample::all().into_iter().find(|series| series.interval() == interval);
    let series = series.ok_or("the sample has no candles of the model's interval")?;
    let feed = &series.candles()[series.len().saturating_sub(PLAYED)..];

    let mut predictor = Predictor::new(model, interval)?;
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
