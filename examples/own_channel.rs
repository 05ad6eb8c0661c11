//! Own channel, and indicators of `ta` and `yata`, in training and live.
//!
//! `cargo run --release --example own_channel`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use ta::{Next, indicators::Maximum};
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::channels::Replay;
use windvane::signals::{Channel, MarketSnapshot, SignalError, StateReader, StateWriter};
use yata::{core::Method, methods::EMA};

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

/// Registers indicators of other crates, which have no state that can be saved: after a restart,
/// their channels replay the last candles.
fn register_indicators(registry: &mut Registry) {
    // Highest close of 14 candles.
    registry.register_replayed("my_bot.maximum", Replay { warm_up: 13, history: 14 }, || {
        let mut maximum = Maximum::default();
        move |candle: &Candle| Some(candle.close() / maximum.next(candle.close()) - 1.0)
    });
    // An EMA has infinite memory: after 300 candles the first one counts less than 1e-12.
    registry.register_replayed("my_bot.ema", Replay { warm_up: 19, history: 300 }, || {
        let mut ema: Option<EMA> = None;
        move |candle: &Candle| {
            let close = candle.close();
            let ema = ema.get_or_insert(EMA::new(20, &close).ok()?);
            Some(close / ema.next(&close) - 1.0)
        }
    });
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut registry = Registry::default();
    registry.register("my_bot.close_position", |spec| {
        spec.check(&[], 0)?; // it has no parameters and reads no other pairs
        Ok(Box::new(ClosePosition))
    });

    register_indicators(&mut registry);

    // The six default signals, a slower RSI, and the new channels.
    let mut spec = SignalSpec::default();
    spec.channels.push(ChannelSpec::new("rsi").with("period", 28.0));
    let own = ["my_bot.close_position", "my_bot.maximum", "my_bot.ema"];
    spec.channels.extend(own.map(ChannelSpec::new));

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use windvane::signals::SignalPipeline;

    use super::*;

    #[test]
    fn indicators_of_other_crates_continue_after_restarts() {
        let mut registry = Registry::default();
        register_indicators(&mut registry);
        let channels = ["my_bot.maximum", "my_bot.ema"].map(ChannelSpec::new).to_vec();
        let spec = SignalSpec { channels, gaps: GapPolicy::Reset };
        let series = sample::load("BTCUSDT").unwrap();
        let [mut whole, mut restarted] =
            [(); 2].map(|()| SignalPipeline::new(&spec, Interval::HOUR, &registry).unwrap());
        for (row, candle) in series.candles()[..2_000].iter().enumerate() {
            if row % 97 == 0 {
                let mut state = StateWriter::default();
                restarted.save(&mut state);
                restarted = SignalPipeline::new(&spec, Interval::HOUR, &registry).unwrap();
                restarted.restore(&mut StateReader::new(&state.into_words())).unwrap();
            }
            let [whole, restarted] = [&mut whole, &mut restarted]
                .map(|pipeline| pipeline.update(candle).unwrap().last().map(<[f64]>::to_vec));
            assert_eq!([whole.is_some(), restarted.is_some()], [row >= 19; 2]);
            if let Some((whole, restarted)) = whole.zip(restarted) {
                assert_eq!(whole[0].to_bits(), restarted[0].to_bits(), "row {row}");
                assert!((whole[1] - restarted[1]).abs() < 1e-12, "row {row}");
            }
        }
    }
}
