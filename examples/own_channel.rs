//! Your own channel: registered under a name, used in training and live.
//!
//! `cargo run --release --example own_channel`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::{Channel, MarketSnapshot, SignalError, StateReader, StateWriter};

/// Position of the close in the range of its candle: −1 at the low, 1 at the high.
#[derive(Debug, Default)]
struct ClosePosition;

impl Channel for ClosePosition {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let candle = market.own();
        let range = candle.high() - candle.low();
        // Undefined for a candle without a range.
        (range > 0.0).then(|| (2.0 * candle.close() - candle.high() - candle.low()) / range)
    }

    fn warm_up(&self) -> usize {
        0
    }

    // It has no state to reset, save or restore.
    fn reset(&mut self) {}
    fn save(&self, _: &mut StateWriter) {}
    fn restore(&mut self, _: &mut StateReader<'_>) -> Result<(), SignalError> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut registry = Registry::default();
    registry.register("my_bot.close_position", |spec| {
        spec.check(&[], 0)?; // it has no parameters and reads no other pairs
        Ok(Box::new(ClosePosition))
    });

    // The six default signals, a slower RSI, and the new channel.
    let mut spec = SignalSpec::default();
    spec.channels.push(ChannelSpec::new("rsi").with("period", 28.0));
    spec.channels.push(ChannelSpec::new("my_bot.close_position"));

    let series = sample::load("BTCUSDT").ok_or("the sample has BTCUSDT")?;
    let (past, later) = series.split_at("2023-10-01".parse()?);
    let labels = LabelSpec::default();
    let data = Dataset::with_registry(&registry, std::slice::from_ref(&past), &spec, 20, labels)?;
    let parts = data.split_with(&Split::for_live(data.samples(), 0.15)?)?;
    let model = v32::learner().fit(&parts.train, &parts.validation, &Run::new(1))?;

    // The spec of the model names the channels; the bot provides the registry that builds them.
    let mut predictor = Predictor::builder(model, series.interval()).registry(&registry).build()?;
    predictor.warm_up(&past)?;
    for candle in &later.candles()[..10] {
        println!("{}  {}", candle.open_time(), predictor.on_candle(candle)?);
    }
    Ok(())
}
