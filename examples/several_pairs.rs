//! One model for several pairs: fitted on all of them, and used by one predictor of all pairs.
//!
//! `cargo run --release --example several_pairs`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::collections::BTreeMap;

use windvane::candles::sample;
use windvane::models::PanelPredictor;
use windvane::prelude::*;
use windvane::signals::Panel;

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

    // The predictor takes candles in any order within a close and predicts once all have arrived.
    let pairs = PAIRS.map(str::parse).into_iter().collect::<Result<Vec<Pair>, _>>()?;
    let panel = Panel::new(&spec, past[0].interval(), &Registry::default(), &pairs)?;
    let mut predictor = PanelPredictor::new(model, panel)?;
    predictor.warm_up(&past)?;
    let mut feed = Vec::new();
    for series in &later {
        feed.extend(series.iter().map(|candle| (series.pair(), candle)));
    }
    feed.sort_by_key(|(_, candle)| candle.open_time());
    let mut last = BTreeMap::new();
    for (pair, candle) in feed {
        for (pair, prediction) in predictor.on_candle(pair, candle)?.predictions {
            last.insert(pair.clone(), prediction.clone());
        }
    }
    for (pair, last) in last {
        println!("{pair:<5} {}  {last}", last.decided_at);
    }
    Ok(())
}
