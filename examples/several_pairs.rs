//! One model for several pairs: fitted on all of them, and used by one predictor of all pairs, with
//! the positions of a policy.
//!
//! `cargo run --release --example several_pairs`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::collections::BTreeMap;

use windvane::candles::sample;
use windvane::models::{PanelPredictor, PolicyConfig, PositionTracker, fit_policy};
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

    // The policy enters at the largest tenth of the expected moves of the validation candles.
    let config = PolicyConfig { share: 0.1, ..PolicyConfig::default() };
    let policy = fit_policy(&*model, &parts.validation, config)?;

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
    let mut trackers: BTreeMap<Pair, PositionTracker> = BTreeMap::new();
    for series in &past {
        let mut tracker = PositionTracker::new(policy, series.interval());
        series.iter().for_each(|candle| tracker.take(candle)); // for the volatility
        trackers.insert(series.pair().clone(), tracker);
    }
    let mut last = BTreeMap::new();
    for (pair, candle) in feed {
        trackers.get_mut(pair).ok_or("a tracker of each pair")?.take(candle);
        let update = predictor.on_candle(pair, candle)?;
        for (pair, prediction) in update.predictions {
            let tracker = trackers.get_mut(pair).ok_or("a tracker of each pair")?;
            let position = tracker.on_prediction(prediction).size();
            last.insert(pair.clone(), (prediction.clone(), position));
        }
        for none in update.without {
            let tracker = trackers.get_mut(&none.pair).ok_or("a tracker of each pair")?;
            tracker.without_prediction(none.decided_at);
        }
    }
    for (pair, (last, position)) in last {
        println!("{pair:<5} {}  {last}, position {position:+.0}", last.decided_at);
    }
    Ok(())
}
