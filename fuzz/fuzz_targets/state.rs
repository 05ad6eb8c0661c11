//! Saved states of predictors under a right checksum: refused without a trace, or taken over.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use windvane_candles::{Candle, Ohlcv, Timestamp};
use windvane_fuzz::models::{INTERVAL, SAVED, check_classes, is_rejection, policies, under};
use windvane_fuzz::within;
use windvane_models::{TrainingProfile, PredictError, Predictor};
use xxhash_rust::xxh3::xxh3_64;

const PROFILE: &[u8] = include_bytes!("../seeds/profile/fitted.json");

struct StateSubject {
    predictor: Predictor,
    /// Its state at rest.
    rest: Vec<u8>,
}

fn subjects() -> Vec<StateSubject> {
    let profile: TrainingProfile = serde_json::from_slice(PROFILE).expect("a profile");
    let profile = Arc::new(profile);
    let made = [(1, false), (1, true), (2, false), (3, false)].map(|(policy, gated)| {
        let model = under(SAVED[0], &policies()[policy]);
        let mut predictor = Predictor::new(model, INTERVAL).expect("a saved model");
        if gated {
            predictor.set_guard(Arc::clone(&profile)).expect("a profile of the same channels");
        }
        StateSubject { rest: predictor.save(), predictor }
    });
    made.into()
}

thread_local! {
    static SUBJECTS: RefCell<Vec<StateSubject>> = RefCell::new(subjects());
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, words)) = bytes.split_first() else { return };
    SUBJECTS.with_borrow_mut(|subjects| {
        let subject = &mut subjects[usize::from(*which) % 4];
        let state = sealed(&subject.rest, words);
        let predictor = &mut subject.predictor;
        let restored = within(4 * state.len() + (16 << 10), || predictor.restore(&state));
        if let Err(error) = restored {
            drop(error);
            assert_eq!(predictor.save(), subject.rest);
            return;
        }
        // Candles beyond those that are kept, and odd flags, do not come back.
        let saved = predictor.save();
        predictor.restore(&saved).expect("its own state");
        assert!(predictor.save() == saved, "the same state again");
        go_on(predictor);
        predictor.restore(&subject.rest).expect("its own state");
    });
});

/// These words behind a right header, in the place of the subject's own.
fn sealed(rest: &[u8], words: &[u8]) -> Vec<u8> {
    let mut state = [&rest[..32], &words[..words.len() / 8 * 8]].concat();
    state[16..24].fill(0);
    let checksum = xxh3_64(&state);
    state[16..24].copy_from_slice(&checksum.to_le_bytes());
    state
}

/// Whatever the state, the next candles are taken or refused, and no prediction is NaN.
fn go_on(predictor: &mut Predictor) {
    let candle = |millis, price: f64| {
        let values =
            Ohlcv { open: price, high: price + 1.0, low: price, close: price + 0.5, volume: 3.0 };
        Candle::new(Timestamp::from_millis(millis), values).expect("a candle")
    };
    let first = i64::MIN / 3_600_000 * 3_600_000;
    let last = match predictor.on_candle(&candle(first, 10.0)) {
        Err(PredictError::Late { last, .. }) => last.millis(),
        Err(PredictError::Duplicate { open_time }) => open_time.millis(),
        _ => first,
    };
    for step in [1, 2, 3, 5, 6, 60, 61] {
        let Some(at) = last.checked_add(step * 3_600_000) else { return };
        match predictor.on_candle(&candle(at, 10.0 + step as f64)) {
            Ok(Some(prediction)) => check_classes(prediction.probabilities.classes()),
            Ok(None) => {
                assert!(predictor.candles_needed() > 0 || predictor.feed_stats().undefined > 0)
            }
            Err(PredictError::NotFinite { .. }) => {}
            Err(error) if is_rejection(&error) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
