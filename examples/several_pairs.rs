//! One model for several pairs: fitted on all of them, with one predictor per pair.
//!
//! `cargo run --release --example several_pairs`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::sync::Arc;

use windvane::candles::sample;
use windvane::prelude::*;

const PAIRS: [&str; 3] = ["AAPL", "IBM", "MSFT"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Stock markets close on weekends and holidays: a gap of up to a week counts as a closed
    // market.
    let gaps = GapPolicy::Sessions { max_missing: 7 };
    let spec = SignalSpec { gaps, ..SignalSpec::default() };
    let mut past = Vec::new();
    let mut later = Vec::new();
    for name in PAIRS {
        let series = sample::load(name).ok_or("the sample has these pairs")?;
        let (before, after) = series.split_at("2012-01-01".parse()?);
        past.push(before);
        later.push(after);
    }

    // A dataset over several series pools their windows.
    let data = Dataset::from_series(&past, &spec, 20, LabelSpec::default())?;
    let parts = data.split_with(&Split::for_live(data.samples(), 0.15)?)?;
    let model = v32::learner().fit(&parts.train, &parts.validation, &Run::new(1))?;

    // The predictors share the weights; each has the state of its own pair.
    let model: Arc<dyn FittedModel> = model.into();
    for (past, later) in past.iter().zip(&later) {
        let mut predictor = Predictor::new(Arc::clone(&model), later.interval())?;
        predictor.warm_up(past)?;
        let mut last = None;
        for candle in later {
            last = predictor.on_candle(candle)?.into_prediction().or(last);
        }
        let last = last.ok_or("too few candles")?;
        println!("{:<5} {}  {last}", later.pair(), last.decided_at);
    }
    Ok(())
}
