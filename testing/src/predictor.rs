//! Checks of a predictor's guarantees for any model.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a failed check panics")]

use std::sync::Arc;

use serde_json::{Value, json};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp};
use windvane_models::{
    DirectionModel, FittedModel, PredictError, Prediction, Predictor, TableReader,
};
use windvane_signals::{GapPolicy, Registry, SignalTable};

use crate::saved::Parts;

/// Every gap policy, as written in files.
pub fn policies() -> [Value; 4] {
    [
        json!({"policy": "error"}),
        json!({"policy": "reset"}),
        json!({"policy": "sessions", "max_missing": 3}),
        json!({"policy": "hold", "max_missing": 3}),
    ]
}

/// The saved model with another gap policy in every spec.
pub fn under(saved: &[u8], gaps: &Value) -> Vec<u8> {
    let mut parts = Parts::of(saved);
    for place in parts.places().iter().filter(|place| place.ends_with("/spec/signals/gaps")) {
        parts.card.pointer_mut(place).unwrap().clone_from(gaps);
    }
    parts.bytes()
}

/// Simulated candles with holes, each an index and a number of missing candles.
pub fn feed(candles: usize, seed: u64, holes: &[(usize, usize)]) -> CandleSeries {
    let whole =
        MarketModel::REGIME.candles("SIM".parse().unwrap(), Interval::HOUR, candles, seed).unwrap();
    let missing = |index: usize| holes.iter().any(|&(at, len)| (at..at + len).contains(&index));
    let kept = whole.iter().enumerate().filter(|(index, _)| !missing(*index));
    let kept = kept.map(|(_, candle)| *candle).collect();
    CandleSeries::new(whole.pair().clone(), Interval::HOUR, kept).unwrap()
}

/// A new predictor on hourly candles.
pub fn predictor(model: &Arc<dyn FittedModel>) -> Predictor {
    Predictor::new(Arc::clone(model), Interval::HOUR).unwrap()
}

/// Predictions of the batch path, candle by candle.
fn batch(model: &dyn FittedModel, series: &CandleSeries) -> Vec<Option<Prediction>> {
    let signals = &model.spec().signals;
    let table = SignalTable::build(signals, &Registry::default(), series, &[]).unwrap();
    let mut reader = TableReader::new(model, std::slice::from_ref(&table));
    let own = (0..table.len()).filter(|row| !table.is_held(*row));
    own.map(|row| reader.predict(0, row).unwrap()).collect()
}

/// Checks that the predictor gives the bits of the batch path, `None` exactly as long as announced,
/// and stops at a gap if the policy says so.
pub fn streams_like_batch(model: &Arc<dyn FittedModel>, series: &CandleSeries) {
    let stops = model.spec().signals.gaps == GapPolicy::Error;
    let end = series.gaps().next().filter(|_| stops).map_or(series.len(), |gap| gap.after + 1);
    let (taken, refused) = series.candles().split_at(end);
    let part = CandleSeries::new(series.pair().clone(), Interval::HOUR, taken.to_vec()).unwrap();
    let mut predictor = predictor(model);
    for (candle, batch) in taken.iter().zip(batch(&**model, &part)) {
        let live = predictor.on_candle(candle).unwrap();
        assert_eq!(live.is_some(), predictor.candles_needed() == 0);
        assert_eq!(live, batch);
    }
    for candle in refused {
        let error = predictor.on_candle(candle).unwrap_err();
        assert!(matches!(error, PredictError::Gap { .. }), "{error}");
    }
    let stats = predictor.feed_stats();
    assert_eq!((stats.taken, stats.refused_gaps), (taken.len() as u64, refused.len() as u64));
    let missing: u64 = part.gaps().map(|gap| gap.missing).sum();
    assert_eq!((stats.gaps, stats.missing), (part.gaps().count() as u64, missing));
    let passed = if model.spec().signals.gaps == GapPolicy::Reset { 0 } else { 3 };
    let resets = part.gaps().filter(|gap| gap.missing > passed).count();
    assert_eq!((stats.resets, stats.undefined), (resets as u64, 0));
    let table = SignalTable::build(&model.spec().signals, &Registry::default(), &part, &[]);
    assert_eq!(stats.held, table.unwrap().len() as u64 - stats.taken);
}

/// Checks that a start from history and one from a saved state continue like a predictor that never
/// stopped.
pub fn resumes_after(model: &Arc<dyn FittedModel>, series: &CandleSeries, cut: usize) {
    let (before, after) = series.candles().split_at(cut);
    let history = CandleSeries::new(series.pair().clone(), Interval::HOUR, before.to_vec());
    let (mut whole, mut warm, mut again) = (predictor(model), predictor(model), predictor(model));
    for candle in before {
        whole.on_candle(candle).unwrap();
    }
    warm.warm_up(&history.unwrap()).unwrap();
    let state = whole.save();
    again.restore(&state).unwrap();
    assert_eq!(again.save(), state);
    assert_eq!((warm.feed_stats(), again.feed_stats()), (whole.feed_stats(), whole.feed_stats()));
    for candle in after {
        let expected = whole.on_candle(candle).unwrap();
        assert_eq!(warm.on_candle(candle).unwrap(), expected);
        assert_eq!(again.on_candle(candle).unwrap(), expected);
        assert_eq!(again.candles_needed(), whole.candles_needed());
    }
    assert_eq!(again.save(), whole.save());
}

/// Checks that rejected candles change no later bit, and nothing in the state but counters.
pub fn ignores_rejected_candles(model: &Arc<dyn FittedModel>, series: &CandleSeries) {
    let (mut clean, mut pestered) = (predictor(model), predictor(model));
    let moved = |candle: &Candle, millis: i64| {
        let at = Timestamp::from_millis(candle.open_time().millis() + millis);
        Candle::new(at, candle.values()).unwrap()
    };
    let refuse = |predictor: &mut Predictor, candle: &Candle, what: &str| {
        let error = predictor.on_candle(candle).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    for (index, candle) in series.iter().enumerate() {
        let expected = clean.on_candle(candle).unwrap();
        let unfinished = pestered.on_update(candle, false);
        assert!(matches!(unfinished, Err(PredictError::Unfinished { .. })));
        assert_eq!(pestered.on_update(candle, true).unwrap(), expected);
        refuse(&mut pestered, candle, "is not later than the last one");
        let other = series.candles()[(index + 1) % series.len()].values();
        let other = Candle::new(candle.open_time(), other).unwrap();
        refuse(&mut pestered, &other, "is not later than the last one");
        refuse(&mut pestered, &moved(&series.candles()[0], -3_600_000), "is not later");
        refuse(&mut pestered, &moved(candle, 300_000), "is not on the grid of 1h candles");
        assert_eq!(pestered.candles_needed(), clean.candles_needed());
    }
    let (stats, count) = (pestered.feed_stats(), series.len() as u64);
    let refused = [stats.unfinished, stats.repeated, stats.contradicting, stats.late];
    assert_eq!((refused, stats.misaligned, stats.taken), ([count; 4], count, count));
    let words = |predictor: &Predictor| predictor.save()[(4 + 12) * 8..].to_vec();
    assert_eq!(words(&pestered), words(&clean));
}

/// Checks that 100,000 candles after warm-up allocate nothing.
pub fn allocates_nothing(model: &Arc<dyn FittedModel>) {
    let series = feed(2_000, 4, &[]);
    let mut predictor = predictor(model);
    predictor.warm_up(&series).unwrap();
    let feed = (2_000..102_000_u32).map(|hour| {
        let values = series.candles()[hour as usize % 2_000].values();
        let first = series.candles()[0].open_time();
        Candle::new(first.plus(Interval::HOUR, i64::from(hour)).unwrap(), values).unwrap()
    });
    let counted = allocation_counter::measure(|| {
        for candle in feed {
            assert!(predictor.on_candle(&candle).unwrap().is_some());
        }
    });
    assert_eq!(counted.count_total, 0, "{}", model.id());
    assert_eq!(predictor.feed_stats().taken, 102_000);
}
