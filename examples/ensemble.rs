//! Ensemble that predicts a direction only if its members agree.
//!
//! `cargo run --release --example ensemble`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use windvane::candles::sample;
use windvane::ensemble::{Ensemble, Voting};
use windvane::models::NeutralReason;
use windvane::models::v2::WeightedSignals;
use windvane::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The pretrained network, and signals weighted by hand with the network's scaler.
    let network = v32::pretrained();
    let scaler = network.scaler().ok_or("a network has a scaler")?.clone();
    let weights = vec![0.3, 0.2, 0.2, 0.3, 0.0, 0.0];
    let signals = WeightedSignals::new(network.spec().clone(), scaler, weights)?;

    // A soft vote: the mean of the probabilities with weights 2 : 1.
    let members: Vec<Box<dyn FittedModel>> = vec![Box::new(network), Box::new(signals)];
    let ensemble = Ensemble::new(ModelId::new("pair"), members, &[2.0, 1.0], Voting::Soft)?;

    // An ensemble is saved, loaded and streamed like any other model.
    let file = std::env::temp_dir().join("ensemble.safetensors");
    ensemble.with_min_agreement(0.9)?.save(&file)?;
    let mut predictor = Predictor::new(load(&file)?, Interval::HOUR)?;

    let series = sample::load("BTCUSDT").ok_or("the sample has BTCUSDT")?;
    let (mut directions, mut disagreements) = (0, 0);
    for candle in &series.candles()[16_000..] {
        let Some(prediction) = predictor.on_candle(candle)?.into_prediction() else { continue };
        match prediction.neutral {
            None => directions += 1,
            Some(NeutralReason::Disagreement) => disagreements += 1,
            Some(_) => {}
        }
    }
    println!("{directions} predictions with agreement, {disagreements} without");
    Ok(())
}
