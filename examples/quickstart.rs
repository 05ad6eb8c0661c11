//! From candles to predictions: fits a model, saves it, loads it, and predicts candle by candle.
//!
//! `cargo run --release --example quickstart`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use windvane::candles::sample;
use windvane::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two years of hourly candles; the last three months are not used for training.
    let series = sample::load("BTCUSDT").ok_or("the sample has BTCUSDT")?;
    let (past, later) = series.split_at("2023-10-01".parse()?);

    // Windows of 20 candles with the six default signals, labelled with the next close's direction.
    let spec = SignalSpec::default();
    let data = Dataset::from_series(std::slice::from_ref(&past), &spec, 20, LabelSpec::default())?;
    // The last 15 % are validation samples, for early stopping and calibration.
    let parts = data.split_with(&Split::for_live(data.samples(), 0.15)?)?;

    let model = v32::learner().fit(&parts.train, &parts.validation, &Run::new(1))?;
    let file = std::env::temp_dir().join("quickstart.safetensors");
    model.save(&file)?;

    // In a bot: load the model, warm it up from history, then predict after every closed candle.
    let mut predictor = Predictor::new(load(&file)?, series.interval())?;
    predictor.warm_up(&past)?;
    let (mut predictions, mut correct) = (0, 0);
    for pair in later.candles().windows(2) {
        let [candle, next] = pair else { continue };
        let Some(prediction) = predictor.on_candle(candle)?.into_prediction() else { continue };
        let change = next.close() - candle.close();
        if prediction.direction != Direction::Neutral && change != 0.0 {
            predictions += 1;
            correct += usize::from((prediction.direction == Direction::Up) == (change > 0.0));
        }
    }
    let share = 100.0 * f64::from(u32::try_from(correct)?) / f64::from(predictions);
    println!("{predictions} predictions after the training period, {share:.1} % correct");
    println!("model saved in {}", file.display());
    Ok(())
}
