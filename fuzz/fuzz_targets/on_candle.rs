//! Fuzz target: life of a predictor with unusual times and prices, gaps, duplicates and restarts.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use windvane_candles::{Candle, CandleSeries, Ohlcv, Pair};
use windvane_fuzz::life::{Event, HOUR, Life, candle_at};
use windvane_fuzz::models::{INTERVAL, SAVED, check_classes, is_rejection, policies, under};
use windvane_models::{FittedModel, Prediction, Predictor, TableReader};
use windvane_signals::{Registry, SignalTable};

/// Number of candles in the history of a warmed-up predictor.
const HISTORY: i64 = 60;

fn history() -> Vec<Candle> {
    let candle = |hour: i64| {
        let price = 100.0 + ((hour * 37) % 23) as f64;
        let volume = (hour % 5) as f64;
        candle_at(HOUR * hour, Ohlcv { open: 100.0, high: 130.0, low: 90.0, close: price, volume })
    };
    (0..HISTORY).map(|hour| candle(hour).expect("a candle")).collect()
}

/// Model with a gap policy, and the state of a predictor after the history.
type Start = (Arc<dyn FittedModel>, Vec<u8>);

static STARTS: LazyLock<Vec<Vec<Start>>> = LazyLock::new(|| {
    let start = |saved, policy| -> Start {
        let model = under(saved, policy);
        let mut predictor = Predictor::new(Arc::clone(&model), INTERVAL).expect("a saved model");
        for candle in history() {
            predictor.on_candle(&candle).expect("a candle in order");
        }
        (model, predictor.save())
    };
    let policies = policies();
    SAVED.map(|saved| policies.iter().map(|policy| start(saved, policy)).collect()).into()
});

fuzz_target!(|life: Life| {
    let models = &STARTS[usize::from(life.model) % STARTS.len()];
    let (model, state) = &models[usize::from(life.policy) % models.len()];
    let fresh = || Predictor::new(Arc::clone(model), INTERVAL).expect("a saved model");
    let (mut predictor, mut accepted) = (fresh(), vec![]);
    if life.warm {
        predictor.restore(state).expect("its own state");
        accepted = history();
    }
    let mut last_prediction = None;
    for event in &life.events {
        let last = accepted.last().copied();
        match event {
            Event::Restart => {
                let saved = predictor.save();
                predictor = fresh();
                predictor.restore(&saved).expect("its own state");
                assert_eq!(predictor.save(), saved);
            }
            Event::Unfinished { step } => {
                let Some(candle) = step.candle(last, HOUR) else { continue };
                let before = predictor.save();
                assert!(!predictor.on_update(&candle, false).expect("an outcome").is_accepted());
                assert_eq!(words(&predictor.save()), words(&before));
            }
            event => {
                let Some(candle) = event.candle(last) else { continue };
                if let Some(prediction) = feed(&mut predictor, &candle) {
                    accepted.push(candle);
                    last_prediction = Some(prediction);
                }
            }
        }
    }
    assert_eq!(predictor.feed_stats().taken, accepted.len() as u64);
    if let Some(prediction) = last_prediction {
        assert_eq!(prediction, batch(&**model, accepted), "live and batch differ");
    }
});

/// Feeds a candle: returns the prediction after an accepted candle; `None` after a rejected one,
/// which must not change the state.
fn feed(predictor: &mut Predictor, candle: &Candle) -> Option<Option<Prediction>> {
    let before = predictor.save();
    match predictor.on_candle(candle) {
        Ok(outcome) if !outcome.is_accepted() => {
            assert_eq!(words(&predictor.save()), words(&before));
            None
        }
        Ok(outcome) => {
            let result = outcome.into_prediction();
            if let Some(prediction) = &result {
                let classes = prediction.probabilities.classes();
                check_classes(classes);
                assert!(classes.contains(&prediction.confidence));
            }
            assert_eq!(result.is_some(), predictor.candles_needed() == 0);
            Some(result)
        }
        Err(error) if is_rejection(&error) => {
            assert_eq!(words(&predictor.save()), words(&before));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// State without its header and the feed statistics.
fn words(state: &[u8]) -> &[u8] {
    &state[(4 + 13) * 8..]
}

/// Prediction of the batch path after the last candle.
fn batch(model: &dyn FittedModel, candles: Vec<Candle>) -> Option<Prediction> {
    let pair = Pair::new("X").expect("a valid name");
    let series = CandleSeries::new(pair, INTERVAL, candles).expect("accepted candles");
    let spec = model.spec();
    let table = SignalTable::build(&spec.signals, &Registry::default(), &series, &[]);
    let table = table.expect("accepted candles");
    let row = table.len() - 1;
    if model.stateful().is_some() {
        let tables = [table];
        let mut reader = TableReader::new(model, &tables);
        let predictions = (0..=row).map(|row| reader.predict(0, row).expect("a saved model"));
        return predictions.last().flatten();
    }
    let window = table.window(row, spec.lookback)?;
    Some(model.predict(window, &mut model.scratch()).expect("a saved model"))
}
