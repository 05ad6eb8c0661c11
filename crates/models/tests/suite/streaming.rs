//! Guarantees of a predictor for every model: bits of the batch path, errors for invalid candles,
//! no allocation, no change after a restart.

use crate::common;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use windvane_candles::{Candle, Interval, Ohlcv};
use windvane_models::v2::WeightedSignals;
use windvane_models::{
    Calibration, CandleOutcome, FeedStats, FittedModel, ModelSpec, PredictError, Predictor,
    from_bytes,
};
use windvane_signals::{
    Channel, ChannelSpec, GapPolicy, LabelSpec, MarketSnapshot, Registry, Scaler, SignalError,
    SignalSpec, StateReader, StateWriter,
};
use windvane_testing::predictor::{self, feed, policies, predictor, under};

fn load(kind: &str, gaps: &Value) -> Box<dyn FittedModel> {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let saved = std::fs::read(data.join(format!("{kind}.format1.safetensors"))).unwrap();
    from_bytes(&under(&saved, gaps)).unwrap()
}

/// The models of all committed files, and one with a calibration and a minimum margin.
fn models(gaps: &Value) -> Vec<Arc<dyn FittedModel>> {
    let load = |kind| load(kind, gaps);
    let mut calibrated = load("v32");
    let calibration = Calibration::new(1.7, 0.05).unwrap().with_exponent(1.2).unwrap();
    calibrated.set_calibration(calibration).unwrap();
    let files = common::first_files();
    files.iter().map(|file| load(file)).chain([calibrated]).map(Arc::from).collect()
}

fn holes() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..250_usize, 1..7_usize), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn predictor_live_predictions_equal_batch_predictions(
        seed in 1..1000_u64,
        holes in holes(),
        policy in prop::sample::select(policies().to_vec()),
    ) {
        let series = feed(250, seed, &holes);
        for model in models(&policy) {
            predictor::streams_like_batch(&model, &series);
        }
    }

    #[test]
    fn predictor_restart_and_warm_up_change_no_bit(
        seed in 1..1000_u64,
        holes in holes(),
        policy in prop::sample::select(policies()[1..].to_vec()),
        cut in any::<Index>(),
    ) {
        let series = feed(250, seed, &holes);
        let cut = cut.index(series.len() + 1);
        for model in models(&policy) {
            predictor::resumes_after(&model, &series, cut);
        }
    }
}

#[test]
fn predictor_rejected_candle_changes_no_later_bit() {
    let series = feed(80, 3, &[]);
    for policy in policies() {
        for model in models(&policy) {
            predictor::ignores_rejected_candles(&model, &series);
        }
    }
}

#[test]
fn predictor_allocates_nothing_after_warm_up() {
    models(&policies()[1]).iter().for_each(predictor::allocates_nothing);
}

fn saved_state(model: &Arc<dyn FittedModel>) -> Vec<u8> {
    let mut predictor = predictor(model);
    predictor.warm_up(&feed(70, 5, &[(20, 2)])).unwrap();
    predictor.save()
}

#[test]
fn predictor_rejects_state_of_other_spec_or_version() {
    let models = models(&policies()[1]);
    let state = saved_state(&models[0]);
    let mut held = predictor(&self::models(&policies()[3])[0]);
    let error = held.restore(&state).unwrap_err().to_string();
    assert!(error.contains("another spec"), "{error}");
    let mut newer = state.clone();
    newer[8] = 3;
    let error = predictor(&models[0]).restore(&newer).unwrap_err().to_string();
    assert!(error.contains("newer version"), "{error}");
    // Another model with the same spec accepts the state.
    predictor(&models[4]).restore(&state).unwrap();
}

#[test]
fn predictor_rejects_flipped_or_truncated_state() {
    let models = models(&policies()[1]);
    let state = saved_state(&models[0]);
    let mut target = predictor(&models[0]);
    target.warm_up(&feed(50, 9, &[])).unwrap();
    let before = target.save();
    let mut refused = |bytes: &[u8]| {
        let mut error = None;
        let memory = allocation_counter::measure(|| error = target.restore(bytes).err());
        assert!(memory.bytes_max <= 4 * bytes.len() as u64 + (16 << 10), "{memory:?}");
        assert!(matches!(error, Some(PredictError::State { .. })), "{error:?}");
        assert_eq!(target.save(), before);
    };
    (0..state.len()).for_each(|length| refused(&state[..length]));
    for bit in 0..state.len() * 8 {
        let mut changed = state.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        refused(&changed);
    }
    refused(&[state.as_slice(), &[0; 8]].concat());
}

/// The state with a valid checksum.
fn signed(mut words: Vec<u64>) -> Vec<u8> {
    let bytes = |words: &[u64]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    words[2] = 0;
    words[2] = xxhash_rust::xxh3::xxh3_64(&bytes(&words));
    bytes(&words)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn predictor_state_with_arbitrary_words_never_panics(
        changes in prop::collection::vec((any::<Index>(), odd_word()), 1..4),
        cut in prop::option::of(any::<Index>()),
    ) {
        let model = Arc::from(load("v2", &policies()[3]));
        let state = saved_state(&model);
        let (words, _) = state.as_chunks::<8>();
        let mut words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        for (place, odd) in changes {
            let place = 4 + place.index(words.len() - 4);
            words[place] = odd;
        }
        if let Some(cut) = cut {
            words.truncate(4 + cut.index(words.len() - 4));
        }
        let bytes = signed(words);
        let mut target = predictor(&model);
        target.warm_up(&feed(50, 9, &[])).unwrap();
        let before = target.save();
        let mut refused = false;
        let memory = allocation_counter::measure(|| refused = target.restore(&bytes).is_err());
        prop_assert!(memory.bytes_max <= 4 * bytes.len() as u64 + (16 << 10), "{memory:?}");
        if refused {
            prop_assert_eq!(target.save(), before);
        }
        // After a restored state every candle gives an error or a prediction, never a panic.
        for candle in feed(130, 5, &[(20, 2)]).iter().skip(60) {
            let _ = target.on_candle(candle);
        }
    }
}

fn odd_word() -> impl Strategy<Value = u64> {
    let odd = [0, 1, 2, 19, 20, 21, 1 << 40, u64::MAX, 1 << 63, (1 << 63) - 1];
    let float = [f64::NAN, f64::INFINITY, -0.0, 1e-320, f64::MAX, -1e300].map(f64::to_bits);
    prop_oneof![prop::sample::select([&odd[..], &float].concat()), any::<u64>()]
}

#[test]
fn public_types_are_send_and_sync() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    fn cloned<T: Clone>() {}
    shared::<WeightedSignals>();
    shared::<windvane_models::network::Network>();
    shared::<Arc<dyn FittedModel>>();
    shared::<windvane_models::Prediction>();
    shared::<FeedStats>();
    shared::<windvane_models::TrainingProfile>();
    shared::<windvane_models::Stop>();
    shared::<PredictError>();
    shared::<Predictor>();
    shared::<CandleOutcome>();
    cloned::<Predictor>();
    shared::<windvane_models::LoadError>();
    shared::<windvane_models::TrainError>();
    moved::<windvane_models::Retraining>();
}

/// Channel with the close, undefined for a candle without volume.
#[derive(Debug)]
struct Traded;

impl Channel for Traded {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        Some(market.own().close()).filter(|_| market.own().volume() > 0.0)
    }

    fn warm_up(&self) -> usize {
        0
    }

    fn reset(&mut self) {}

    fn save(&self, _: &mut StateWriter) {}

    fn restore(&mut self, _: &mut StateReader<'_>) -> Result<(), SignalError> {
        Ok(())
    }
}

#[test]
fn feed_stats_count_undefined_windows() {
    let mut registry = Registry::default();
    registry.register("traded", |_| Ok(Box::new(Traded)));
    let signals = SignalSpec { channels: vec![ChannelSpec::new("traded")], gaps: GapPolicy::Reset };
    let (interval, labels) = (Interval::HOUR, LabelSpec::default());
    let spec = ModelSpec { signals, interval, lookback: 3, labels };
    let scaler = Scaler::from_parts(vec![100.0], vec![10.0], 5.0).unwrap();
    let model = WeightedSignals::new(spec, scaler, vec![1.0]).unwrap();
    let mut predictor = Predictor::builder(model, interval).registry(&registry).build().unwrap();
    let mut predicted = Vec::new();
    for (hour, candle) in feed(10, 1, &[]).iter().enumerate() {
        let volume = if hour == 5 { 0.0 } else { 1.0 };
        let values = Ohlcv { volume, ..candle.values() };
        let candle = Candle::new(candle.open_time(), values).unwrap();
        let outcome = predictor.on_candle(&candle).unwrap();
        if hour == 5 {
            let undefined = CandleOutcome::Undefined { channel: "traded".into(), pair: None };
            assert_eq!(outcome, undefined);
        }
        if hour == 6 {
            assert_eq!(outcome, CandleOutcome::WarmingUp { candles_needed: 2 });
        }
        predicted.push(outcome.prediction().is_some());
        // The counts are part of the state.
        let state = predictor.save();
        predictor.restore(&state).unwrap();
    }
    let undefined = [5, 6, 7];
    assert!((2..10).all(|hour| predicted[hour] != undefined.contains(&hour)), "{predicted:?}");
    let stats = predictor.feed_stats();
    assert_eq!((stats.taken, stats.undefined), (10, 3));
    let json = serde_json::to_string(&stats).unwrap();
    assert!(json.contains("\"taken\":10") && json.contains("\"undefined\":3"), "{json}");
    assert_eq!(serde_json::from_str::<FeedStats>(&json).unwrap(), stats);
}

#[test]
fn predictor_warm_up_rejects_other_interval() {
    let model = &models(&policies()[1])[0];
    let daily = windvane_candles::simulate::MarketModel::AR1;
    let daily = daily.candles("SIM".parse().unwrap(), Interval::DAY, 50, 1).unwrap();
    let error = predictor(model).warm_up(&daily).unwrap_err();
    assert!(matches!(error, PredictError::Interval { .. }), "{error}");
}

#[test]
fn predictor_needs_few_kilobytes_per_pair() {
    let model = models(&policies()[1]).pop().unwrap();
    let mut predictors = Vec::with_capacity(1_000);
    let memory = allocation_counter::measure(|| {
        predictors.extend((0..1_000).map(|_| predictor(&model)));
    });
    let each = memory.bytes_current / 1_000 + size_of::<Predictor>() as i64;
    assert!((4_000..10_000).contains(&each), "{each} bytes per pair");
    // Interleaved candles of ten pairs give the predictions of ten separate predictors.
    let feeds: Vec<_> = (1..=10).map(|seed| feed(60, seed, &[])).collect();
    let mut alone: Vec<_> = feeds.iter().map(|_| predictor(&model)).collect();
    for hour in 0..60 {
        let candles = feeds.iter().map(|feed| &feed.candles()[hour]);
        let expected: Vec<_> =
            alone.iter_mut().zip(candles).map(|(one, c)| one.on_candle(c).unwrap()).collect();
        for (pair, predictor) in predictors.iter_mut().enumerate() {
            let got = predictor.on_candle(&feeds[pair % 10].candles()[hour]).unwrap();
            assert_eq!(got, expected[pair % 10]);
        }
    }
}
