//! Event loop of a bot: a saved model predicts after every closed candle.
//!
//! `cargo run --release --example live` uses the pretrained model. For your own, fit one with
//! `cargo run --release -p windvane-cli -- fit --out model.safetensors` and add
//! `-- model.safetensors`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::process::ExitCode;

use windvane::candles::sample;
use windvane::prelude::*;

/// Number of candles in the replayed feed.
const FEED_LEN: usize = 60;

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
    let feed = &series.candles()[series.len().saturating_sub(FEED_LEN)..];

    let mut predictor = Predictor::builder(model, interval).pair(series.pair().clone()).build()?;
    println!("the first prediction needs {} candles", predictor.candles_needed());
    for candle in feed {
        let (closed_at, close) = (candle.close_time(interval), candle.close());
        match predictor.on_candle(candle)? {
            CandleOutcome::Prediction(next) => println!("{closed_at}  close {close:>10.2}  {next}"),
            other => println!("{closed_at}  {other}"),
        }
    }
    Ok(())
}
