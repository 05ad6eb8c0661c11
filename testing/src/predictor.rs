//! Checks of the guarantees of a predictor, for any model.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a failed check panics")]

use std::sync::Arc;

use serde_json::{Value, json};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp};
use windvane_models::{
    CandleOutcome, DirectionModel, FittedModel, PredictError, Prediction, Predictor, TableReader,
};
use windvane_signals::{GapPolicy, Registry, SignalTable};

use crate::saved::SavedParts;

/// Returns every gap policy in the form of a saved file.
pub fn policies() -> [Value; 4] {
    [
        json!({"policy": "error"}),
        json!({"policy": "reset"}),
        json!({"policy": "sessions", "max_missing": 3}),
        json!({"policy": "hold", "max_missing": 3}),
    ]
}

/// Replaces the gap policy in every spec of a saved model.
pub fn under(saved: &[u8], gaps: &Value) -> Vec<u8> {
    let mut parts = SavedParts::parse(saved);
    for place in parts.places().iter().filter(|place| place.ends_with("/spec/signals/gaps")) {
        parts.card.pointer_mut(place).unwrap().clone_from(gaps);
    }
    parts.bytes()
}

/// Creates simulated candles with gaps, each given by an index and a number of missing candles.
pub fn feed(candles: usize, seed: u64, gaps: &[(usize, usize)]) -> CandleSeries {
    let whole =
        MarketModel::REGIME.candles("SIM".parse().unwrap(), Interval::HOUR, candles, seed).unwrap();
    let missing = |index: usize| gaps.iter().any(|&(at, len)| (at..at + len).contains(&index));
    let kept = whole.iter().enumerate().filter(|(index, _)| !missing(*index));
    let kept = kept.map(|(_, candle)| *candle).collect();
    CandleSeries::new(whole.pair().clone(), Interval::HOUR, kept).unwrap()
}

/// Creates a predictor for candles of the model's interval.
pub fn predictor(model: &Arc<dyn FittedModel>) -> Predictor {
    Predictor::new(Arc::clone(model), model.spec().interval).unwrap()
}

/// Predictions of the batch path, candle by candle.
fn batch(model: &dyn FittedModel, series: &CandleSeries) -> Vec<Option<Prediction>> {
    let signals = &model.spec().signals;
    let table = SignalTable::build(signals, &Registry::default(), series, &[]).unwrap();
    let mut reader = TableReader::new(model, std::slice::from_ref(&table));
    let own = (0..table.len()).filter(|row| !table.is_held(*row));
    own.map(|row| reader.predict(0, row).unwrap()).collect()
}

/// Checks that streaming predictions equal those of the batch path, that there is no prediction as
/// long as candles are needed, and that a gap is an error under the policy `error`.
pub fn streams_like_batch(model: &Arc<dyn FittedModel>, series: &CandleSeries) {
    let stops = model.spec().signals.gaps == GapPolicy::Error;
    let end = series.gaps().next().filter(|_| stops).map_or(series.len(), |gap| gap.after + 1);
    let (accepted, rejected) = series.candles().split_at(end);
    let part = CandleSeries::new(series.pair().clone(), series.interval(), accepted.to_vec());
    let part = part.unwrap();
    let mut predictor = predictor(model);
    for (candle, batch) in accepted.iter().zip(batch(&**model, &part)) {
        let live = predictor.on_candle(candle).unwrap().into_prediction();
        assert_eq!(live.is_some(), predictor.candles_needed() == 0);
        assert_eq!(live, batch);
    }
    for candle in rejected {
        let error = predictor.on_candle(candle).unwrap_err();
        assert!(matches!(error, PredictError::Gap { .. }), "{error}");
    }
    let stats = predictor.feed_stats();
    assert_eq!((stats.taken, stats.refused_gaps), (accepted.len() as u64, rejected.len() as u64));
    let missing: u64 = part.gaps().map(|gap| gap.missing).sum();
    assert_eq!((stats.gaps, stats.missing), (part.gaps().count() as u64, missing));
    let tolerated = match model.spec().signals.gaps {
        GapPolicy::Sessions { max_missing } | GapPolicy::Hold { max_missing } => max_missing,
        _ => 0,
    };
    let resets = part.gaps().filter(|gap| gap.missing > u64::from(tolerated)).count();
    assert_eq!((stats.resets, stats.undefined), (resets as u64, 0));
    let table = SignalTable::build(&model.spec().signals, &Registry::default(), &part, &[]);
    assert_eq!(stats.held, table.unwrap().len() as u64 - stats.taken);
}

/// Checks that a predictor warmed up from history and one restored from a saved state continue like
/// an uninterrupted one.
pub fn resumes_after(model: &Arc<dyn FittedModel>, series: &CandleSeries, cut: usize) {
    let (before, after) = series.candles().split_at(cut);
    let history = CandleSeries::new(series.pair().clone(), series.interval(), before.to_vec());
    let (mut whole, mut warm, mut restored) =
        (predictor(model), predictor(model), predictor(model));
    for candle in before {
        whole.on_candle(candle).unwrap();
    }
    warm.warm_up(&history.unwrap()).unwrap();
    let state = whole.save();
    restored.restore(&state).unwrap();
    let mut cloned = whole.clone();
    assert_eq!(cloned.save(), state);
    assert_eq!(restored.save(), state);
    assert_eq!(
        (warm.feed_stats(), restored.feed_stats()),
        (whole.feed_stats(), whole.feed_stats())
    );
    for candle in after {
        let expected = whole.on_candle(candle).unwrap();
        assert_eq!(warm.on_candle(candle).unwrap(), expected);
        assert_eq!(restored.on_candle(candle).unwrap(), expected);
        assert_eq!(cloned.on_candle(candle).unwrap(), expected);
        assert_eq!(restored.candles_needed(), whole.candles_needed());
    }
    assert_eq!((restored.save(), cloned.save()), (whole.save(), whole.save()));
}

/// Checks that rejected candles change no later prediction, and only counters in the state.
pub fn ignores_rejected_candles(model: &Arc<dyn FittedModel>, series: &CandleSeries) {
    let (mut clean, mut disturbed) = (predictor(model), predictor(model));
    let moved = |candle: &Candle, millis: i64| {
        let at = Timestamp::from_millis(candle.open_time().millis() + millis);
        Candle::new(at, candle.values()).unwrap()
    };
    let assert_ignored = |predictor: &mut Predictor, candle: &Candle, expected: CandleOutcome| {
        let outcome = predictor.on_candle(candle).unwrap();
        assert_eq!(outcome, expected);
        assert!(!outcome.is_accepted() && outcome.prediction().is_none());
    };
    for (index, candle) in series.iter().enumerate() {
        let expected = clean.on_candle(candle).unwrap();
        assert!(expected.is_accepted());
        let open_time = candle.open_time();
        let unfinished = disturbed.on_update(candle, false).unwrap();
        assert_eq!(unfinished, CandleOutcome::Unfinished { open_time });
        assert_eq!(disturbed.on_update(candle, true).unwrap(), expected);
        assert_ignored(&mut disturbed, candle, CandleOutcome::Duplicate { open_time });
        let other = series.candles()[(index + 1) % series.len()].values();
        let other = Candle::new(open_time, other).unwrap();
        assert_ignored(&mut disturbed, &other, CandleOutcome::Revised { open_time });
        let before = moved(&series.candles()[0], -3_600_000);
        let late = CandleOutcome::Late { open_time: before.open_time(), last: open_time };
        assert_ignored(&mut disturbed, &before, late);
        let misaligned = disturbed.on_candle(&moved(candle, 300_000)).unwrap_err();
        assert!(misaligned.to_string().contains("is not on the grid of 1h candles"));
        // Milliseconds read as microseconds: the next real candle must not be late.
        let far = moved(candle, 999 * open_time.millis());
        let far = disturbed.on_candle(&far).unwrap_err();
        assert!(matches!(far, PredictError::FarAhead { last, .. } if last == open_time), "{far}");
        assert_eq!(disturbed.candles_needed(), clean.candles_needed());
    }
    assert_eq!(disturbed.feed_stats().far_ahead, series.len() as u64);
    let (stats, count) = (disturbed.feed_stats(), series.len() as u64);
    let rejected = [stats.unfinished, stats.repeated, stats.contradicting, stats.late];
    assert_eq!((rejected, stats.misaligned, stats.taken), ([count; 4], count, count));
    let words = |predictor: &Predictor| predictor.save()[(4 + 13) * 8..].to_vec();
    assert_eq!(words(&disturbed), words(&clean));
}

/// Checks that 100,000 candles after the warm-up cause no allocation.
pub fn allocates_nothing(model: &Arc<dyn FittedModel>) {
    let series = feed(2_000, 4, &[]);
    let mut predictor = predictor(model);
    predictor.warm_up(&series).unwrap();
    let mut predictor = predictor.clone(); // a clone needs no memory later, either
    let feed = (2_000..102_000_u32).map(|hour| {
        let values = series.candles()[hour as usize % 2_000].values();
        let first = series.candles()[0].open_time();
        Candle::new(first.plus(Interval::HOUR, i64::from(hour)).unwrap(), values).unwrap()
    });
    let counted = allocation_counter::measure(|| {
        for candle in feed {
            assert!(predictor.on_candle(&candle).unwrap().prediction().is_some());
        }
    });
    assert_eq!(counted.count_total, 0, "{}", model.id());
    assert_eq!(predictor.feed_stats().taken, 102_000);
}
