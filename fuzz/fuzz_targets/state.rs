//! Fuzz target: saved states of predictors with a valid checksum. A rejected state must not change
//! the predictor.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use windvane_candles::{Candle, Ohlcv, Timestamp};
use windvane_fuzz::models::{INTERVAL, SAVED, check_classes, is_rejection, policies, under};
use windvane_fuzz::within;
use windvane_models::{CandleOutcome, PredictError, Predictor, TrainingProfile};
use xxhash_rust::xxh3::xxh3_64;

const PROFILE: &[u8] = include_bytes!("../seeds/profile/fitted.json");

/// Predictor under test with its initial state.
struct StateSubject {
    predictor: Predictor,
    initial: Vec<u8>,
}

fn subjects() -> Vec<StateSubject> {
    let profile: TrainingProfile = serde_json::from_slice(PROFILE).expect("a profile");
    let profile = Arc::new(profile);
    let subjects = [(1, false), (1, true), (2, false), (3, false)].map(|(policy, guarded)| {
        let model = under(SAVED[0], &policies()[policy]);
        let mut predictor = Predictor::new(model, INTERVAL).expect("a saved model");
        if guarded {
            predictor.set_guard(Arc::clone(&profile)).expect("a profile of the same channels");
        }
        StateSubject { initial: predictor.save(), predictor }
    });
    subjects.into()
}

thread_local! {
    static SUBJECTS: RefCell<Vec<StateSubject>> = RefCell::new(subjects());
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, words)) = bytes.split_first() else { return };
    SUBJECTS.with_borrow_mut(|subjects| {
        let subject = &mut subjects[usize::from(*which) % 4];
        let state = with_header(&subject.initial, words);
        let predictor = &mut subject.predictor;
        let restored = within(4 * state.len() + (16 << 10), || predictor.restore(&state));
        if let Err(error) = restored {
            drop(error);
            assert_eq!(predictor.save(), subject.initial);
            return;
        }
        // Candles beyond the history and flags other than 0 and 1 are not restored, so the bytes
        // are compared after the second save.
        let saved = predictor.save();
        predictor.restore(&saved).expect("its own state");
        assert!(predictor.save() == saved, "the state differs after the second save");
        feed(predictor);
        predictor.restore(&subject.initial).expect("its own state");
    });
});

/// Builds a state from the header of the initial state, a valid checksum and these words.
fn with_header(initial: &[u8], words: &[u8]) -> Vec<u8> {
    let mut state = [&initial[..32], &words[..words.len() / 8 * 8]].concat();
    state[16..24].fill(0);
    let checksum = xxh3_64(&state);
    state[16..24].copy_from_slice(&checksum.to_le_bytes());
    state
}

/// Asserts that the next candles are accepted or rejected and that all predictions are valid.
fn feed(predictor: &mut Predictor) {
    let candle = |millis, price: f64| {
        let values =
            Ohlcv { open: price, high: price + 1.0, low: price, close: price + 0.5, volume: 3.0 };
        Candle::new(Timestamp::from_millis(millis), values).expect("a candle")
    };
    let first = i64::MIN / 3_600_000 * 3_600_000;
    let last = match predictor.on_candle(&candle(first, 10.0)) {
        Ok(CandleOutcome::Late { last, .. }) => last.millis(),
        _ => first,
    };
    for step in [1, 2, 3, 5, 6, 60, 61] {
        let Some(at) = last.checked_add(step * 3_600_000) else { return };
        match predictor.on_candle(&candle(at, 10.0 + step as f64)) {
            Ok(CandleOutcome::Prediction(prediction)) => {
                check_classes(prediction.probabilities.classes());
            }
            Ok(_) => {
                assert!(predictor.candles_needed() > 0 || predictor.feed_stats().undefined > 0)
            }
            Err(PredictError::NotFinite { .. }) => {}
            Err(error) if is_rejection(&error) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
