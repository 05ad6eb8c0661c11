//! Fuzz target: JSON of training profiles, which then guard a predictor.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use windvane_candles::{Candle, Ohlcv, Timestamp};
use windvane_fuzz::models::{INTERVAL, SAVED, check_classes};
use windvane_fuzz::{text_bound, within};
use windvane_models::{FittedModel, Predictor, TrainingProfile};
use windvane_signals::Window;

static MODEL: LazyLock<Arc<dyn FittedModel>> =
    LazyLock::new(|| Arc::from(windvane_models::from_bytes(SAVED[0]).expect("a saved model")));

fuzz_target!(|bytes: &[u8]| {
    let read = within(text_bound(bytes.len()), || serde_json::from_slice::<TrainingProfile>(bytes));
    let Ok(profile) = read else { return };
    let json = serde_json::to_vec(&profile).expect("a profile can be serialised");
    let again: TrainingProfile = serde_json::from_slice(&json).expect("a serialised profile");
    assert_eq!(again, profile);
    let width = profile.signals().width();
    for scale in [0.0, 1e-3, 1e300] {
        let rows: Vec<f64> = (0..2 * width).map(|i| scale * (i as f64).sin()).collect();
        let window = Window::new(&rows, width, Timestamp::from_millis(0)).expect("whole rows");
        profile.is_novel(&window);
    }
    let mut predictor = Predictor::new(Arc::clone(&*MODEL), INTERVAL).expect("a saved model");
    if predictor.set_guard(Arc::new(profile)).is_ok() {
        for hour in 0..120_u8 {
            let price = 10.0 + f64::from(hour % 7);
            let values = Ohlcv { open: price, high: price, low: price, close: price, volume: 1.0 };
            let at = Timestamp::from_millis(3_600_000 * i64::from(hour));
            let candle = Candle::new(at, values).expect("a candle");
            let outcome = predictor.on_candle(&candle).expect("a candle in order");
            if let Some(prediction) = outcome.prediction() {
                check_classes(prediction.probabilities.classes());
            }
        }
    }
});
