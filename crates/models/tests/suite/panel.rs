//! Predictors of many pairs: the bits of the batch path, state, allocations.
use crate::common;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Pair, Timestamp};
use windvane_models::{
    CandleOutcome, DirectionModel, FittedModel, ModelId, ModelSpec, NoPredictionReason,
    PanelPredictor, PanelUpdate, PredictError, Prediction, Predictor, Scratch, TableReader,
    from_bytes,
};
use windvane_signals::{LabelSpec, Panel, Registry, SignalError, SignalSpec, SignalTable, Window};

const HOUR: i64 = 3_600_000;

/// Predicts from the mean of its window.
#[derive(Debug, Clone)]
struct MeanModel {
    id: ModelId,
    spec: ModelSpec,
}

impl MeanModel {
    fn new(signals: SignalSpec, lookback: usize) -> Self {
        let spec =
            ModelSpec { signals, interval: Interval::HOUR, lookback, labels: LabelSpec::default() };
        Self { id: ModelId::new("mean"), spec }
    }
}

impl DirectionModel for MeanModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let mean = window.values().iter().sum::<f64>() / window.values().len() as f64;
        let up = (0.5 + 0.4 * mean.tanh()) as f32;
        Prediction::new([up, 1.0 - up, 0.0], window.decided_at(), 1, &self.id)
    }
}

impl FittedModel for MeanModel {}

fn pairs(count: usize) -> Vec<Pair> {
    (0..count).map(|k| format!("PAIR{k}").parse().unwrap()).collect()
}

/// Hourly series of each pair, without the candles whose hour and pair `is_missing`.
fn market(
    pairs: &[Pair],
    hours: usize,
    is_missing: impl Fn(usize, usize) -> bool,
) -> Vec<CandleSeries> {
    let series = pairs.iter().enumerate().map(|(k, pair)| {
        let full = MarketModel::AR1.candles(pair.clone(), Interval::HOUR, hours, k as u64);
        let full = full.unwrap();
        let kept = full.iter().enumerate().filter(|(hour, _)| !is_missing(k, *hour));
        let kept = kept.map(|(_, candle)| *candle).collect();
        CandleSeries::new(pair.clone(), Interval::HOUR, kept).unwrap()
    });
    series.collect()
}

/// Candles of all series by open time; the order within a close depends on `seed`.
fn arrivals(series: &[CandleSeries], seed: u64) -> Vec<(usize, Candle)> {
    let mut all: Vec<(usize, Candle)> = Vec::new();
    for (place, series) in series.iter().enumerate() {
        all.extend(series.iter().map(|candle| (place, *candle)));
    }
    all.sort_by_key(|(place, candle)| {
        let mixed = (*place as u64 + 1).wrapping_mul(seed | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (candle.open_time(), mixed >> 7)
    });
    all
}

fn predictor(model: impl FittedModel + 'static, pairs: &[Pair]) -> PanelPredictor {
    let signals = &model.spec().signals;
    let panel = Panel::new(signals, Interval::HOUR, &Registry::default(), pairs).unwrap();
    PanelPredictor::new(model, panel).unwrap()
}

fn collect(into: &mut [Vec<Prediction>], pairs: &[Pair], update: &PanelUpdate<'_>) {
    for (pair, prediction) in update.predictions {
        let place = pairs.iter().position(|own| own == pair).unwrap();
        into[place].push(prediction.clone());
    }
}

/// Predictions of each pair for some arrivals, and then for the end of every wait.
fn run(
    predictor: &mut PanelPredictor,
    pairs: &[Pair],
    arrivals: &[(usize, Candle)],
    finishes: bool,
) -> Vec<Vec<Prediction>> {
    let mut predictions = vec![Vec::new(); pairs.len()];
    for (place, candle) in arrivals {
        let update = predictor.on_candle(&pairs[*place], candle).unwrap();
        collect(&mut predictions, pairs, &update);
    }
    if finishes {
        let update = predictor.set_time(Timestamp::from_millis(i64::MAX));
        collect(&mut predictions, pairs, &update);
    }
    predictions
}

fn load(name: &str) -> Arc<dyn FittedModel> {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let saved = std::fs::read(data.join(format!("{name}.format1.safetensors"))).unwrap();
    from_bytes(&saved).unwrap().into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn panel_predictions_equal_batch_predictions_for_any_arrival_order(
        seed in any::<u64>(),
        holes in prop::collection::vec((0..5_usize, 0..260_usize), 0..20),
    ) {
        let pairs = pairs(5);
        let series = market(&pairs, 260, |pair, hour| holes.contains(&(pair, hour)));
        let model = MeanModel::new(SignalSpec::market(&pairs[..4], &pairs[0]), 8);
        let live = run(&mut predictor(model.clone(), &pairs), &pairs, &arrivals(&series, seed), true);
        let registry = Registry::default();
        for (own, live) in series.iter().zip(&live) {
            let table = SignalTable::build(&model.spec.signals, &registry, own, &series).unwrap();
            let tables = [table];
            let mut reader = TableReader::new(&model, &tables);
            let batch: Vec<Prediction> =
                (0..tables[0].len()).filter_map(|row| reader.predict(0, row).unwrap()).collect();
            prop_assert!(!batch.is_empty() || holes.len() > 3);
            prop_assert_eq!(live, &batch);
        }
    }
}

#[test]
fn panel_predictor_of_every_saved_model_equals_a_predictor_per_pair() {
    let pairs = pairs(3);
    let series = market(&pairs, 150, |pair, hour| pair == 1 && (60..63).contains(&hour));
    for name in common::first_files() {
        let model = load(&name);
        let live = run(&mut predictor(model.clone(), &pairs), &pairs, &arrivals(&series, 3), true);
        for (own, live) in series.iter().zip(&live) {
            let mut alone = Predictor::new(model.clone(), Interval::HOUR).unwrap();
            let mut expected = Vec::new();
            for candle in own {
                expected.extend(alone.on_candle(candle).unwrap().into_prediction());
            }
            assert!(live.len() > 30, "{name}");
            assert_eq!(live, &expected, "{name}");
        }
    }
}

#[test]
fn panel_predictor_restart_and_warm_up_change_no_bit() {
    let pairs = pairs(4);
    let series = market(&pairs, 230, |pair, hour| pair == 2 && hour % 50 == 7);
    let arrivals = arrivals(&series, 9);
    let market = SignalSpec::market(&pairs, &pairs[1]);
    let models: [Arc<dyn FittedModel>; 2] =
        [Arc::new(MeanModel::new(market, 5)), load("v32-stateful")];
    for model in models {
        let whole = run(&mut predictor(model.clone(), &pairs), &pairs, &arrivals, true);
        for cut in [0, 301, 797] {
            let mut before = predictor(model.clone(), &pairs);
            let first = run(&mut before, &pairs, &arrivals[..cut], false);
            let mut after = predictor(model.clone(), &pairs);
            after.restore(&before.save()).unwrap();
            assert_eq!(after.save(), before.save());
            let rest = run(&mut after, &pairs, &arrivals[cut..], true);
            let both = first.into_iter().zip(rest).map(|(first, rest)| [first, rest].concat());
            assert_eq!(both.collect::<Vec<_>>(), whole);
        }
        let until = series[0].candles()[200].open_time();
        let history: Vec<_> = series.iter().map(|series| series.split_at(until).0).collect();
        let mut warm = predictor(model.clone(), &pairs);
        warm.warm_up(&history).unwrap();
        warm.warm_up(&history).unwrap(); // skips all
        let later: Vec<_> =
            arrivals.iter().filter(|(_, candle)| candle.open_time() >= until).copied().collect();
        let live = run(&mut warm, &pairs, &later, true);
        for (live, whole) in live.iter().zip(&whole) {
            assert_eq!(live[..], whole[whole.len() - live.len()..]);
        }
        // Pair 2 misses candles, so that few of its windows are defined.
        assert!([0, 1, 3].iter().all(|place| live[*place].len() == 30));
    }
}

#[test]
fn panel_predictor_reports_pairs_without_prediction_with_the_reason() {
    let pairs = pairs(3);
    let series = market(&pairs, 200, |pair, hour| pair == 2 && hour == 190);
    let model = MeanModel::new(SignalSpec::market(&pairs, &pairs[0]), 5);
    let mut predictor = predictor(model, &pairs);
    let start = series[0].candles()[0].open_time().millis();
    let mut reasons = [0; 3];
    for (place, candle) in arrivals(&series, 1) {
        let hour = (candle.open_time().millis() - start) / HOUR;
        let update = predictor.on_candle(&pairs[place], &candle).unwrap();
        for without in update.without {
            match without.reason {
                NoPredictionReason::WarmUp => reasons[0] += 1,
                NoPredictionReason::MissingCandle => reasons[1] += 1,
                NoPredictionReason::Undefined => reasons[2] += 1,
                _ => panic!("{without:?}"),
            }
            let is_missing = matches!(without.reason, NoPredictionReason::MissingCandle);
            let decided_at = Timestamp::from_millis(start + 191 * HOUR);
            assert_eq!(is_missing, without.pair == pairs[2] && without.decided_at == decided_at);
        }
        if hour == 190 && predictor.waiting_for().count() == 1 {
            assert_eq!(predictor.waiting_for().next(), Some(&pairs[2]));
        }
    }
    // The first row is that of candle 168. After the missing candle five rows are needed again.
    assert_eq!((reasons[0], reasons[1]), (3 * 172, 1));
    assert!(reasons[2] >= 1, "{reasons:?}");
    assert_eq!((predictor.stats().missing, predictor.stats().closes), (1, 200));
}

#[test]
fn panel_predictor_rejects_what_does_not_fit_and_keeps_its_state() {
    let pairs = pairs(3);
    let series = market(&pairs, 60, |_, _| false);
    let mut predictor = predictor(load("v32"), &pairs);
    run(&mut predictor, &pairs, &arrivals(&series, 5)[..100], false);
    let state = predictor.save();
    let unknown = predictor.on_candle(&"Z".parse().unwrap(), &series[0].candles()[50]);
    assert!(matches!(unknown, Err(PredictError::Signal(SignalError::UnknownPair { .. }))));
    let other = MeanModel::new(SignalSpec::price_action(), 5);
    let error = predictor.set_model(&pairs[0], other.clone()).unwrap_err();
    assert!(matches!(error, PredictError::OtherChannels { .. }), "{error}");
    assert_eq!(predictor.save(), state);

    let mut names = pairs.clone();
    names[1] = "OTHER".parse().unwrap();
    let error = self::predictor(load("v32"), &names).restore(&state).unwrap_err().to_string();
    assert!(error.contains("its pair is PAIR1, expected OTHER"), "{error}");
    let error = self::predictor(other, &pairs).restore(&state).unwrap_err().to_string();
    assert!(error.contains("another spec"), "{error}");
    let mut alone = Predictor::new(load("v32"), Interval::HOUR).unwrap();
    assert!(predictor.restore(&alone.save()).is_err());
    assert!(alone.restore(&state).is_err());
    for at in (0..state.len()).step_by(97) {
        let mut damaged = state.clone();
        damaged[at] ^= 1;
        assert!(predictor.restore(&damaged).is_err());
        assert!(predictor.restore(&state[..at]).is_err());
    }
    assert_eq!(predictor.save(), state);
}

#[test]
fn panel_predictor_ignores_duplicate_revised_and_late_candles_with_an_outcome() {
    let pairs = pairs(2);
    let series = market(&pairs, 60, |_, _| false);
    let mut predictor = predictor(load("v32"), &pairs);
    let candle = |place: usize, index: usize| series[place].candles()[index];
    for index in 0..50 {
        predictor.on_candle(&pairs[0], &candle(0, index)).unwrap();
        predictor.on_candle(&pairs[1], &candle(1, index)).unwrap();
    }
    predictor.on_candle(&pairs[0], &candle(0, 50)).unwrap();
    // Of a close that waits, of the last decided close, and of an older one.
    for index in [50, 49] {
        let open_time = candle(0, index).open_time();
        let update = predictor.on_candle(&pairs[0], &candle(0, index)).unwrap();
        assert_eq!(update.ignored, Some(CandleOutcome::Duplicate { open_time }));
        assert!(update.predictions.is_empty() && update.without.is_empty());
        let other = Candle::new(open_time, candle(0, 3).values()).unwrap();
        let update = predictor.on_candle(&pairs[0], &other).unwrap();
        assert_eq!(update.ignored, Some(CandleOutcome::Revised { open_time }));
    }
    let (open_time, last) = (candle(1, 7).open_time(), candle(0, 49).open_time());
    let update = predictor.on_candle(&pairs[1], &candle(1, 7)).unwrap();
    assert_eq!(update.ignored, Some(CandleOutcome::Late { open_time, last }));
    let far = Candle::new("2611-01-01".parse().unwrap(), candle(1, 7).values()).unwrap();
    let error = predictor.on_candle(&pairs[1], &far).unwrap_err();
    assert!(matches!(error, PredictError::FarAhead { .. }), "{error}");
    // The feed goes on.
    let update = predictor.on_candle(&pairs[1], &candle(1, 50)).unwrap();
    assert_eq!((update.predictions.len(), update.ignored), (2, None));
    let stats = predictor.stats();
    assert_eq!((stats.duplicates, stats.late, stats.misaligned), (4, 1, 1));
}

#[test]
fn panel_predictor_uses_the_own_model_of_a_pair() {
    let pairs = pairs(2);
    let series = market(&pairs, 120, |_, _| false);
    let arrivals = arrivals(&series, 5);
    let [shared, own, third] = ["v32", "v3", "v32-stateful"].map(load);
    let mut mixed = predictor(shared.clone(), &pairs);
    mixed.set_model(&pairs[1], own.clone()).unwrap();
    let live = run(&mut mixed, &pairs, &arrivals, true);
    assert_eq!(live[0], run(&mut predictor(shared, &pairs), &pairs, &arrivals, true)[0]);
    assert_eq!(live[1], run(&mut predictor(own, &pairs), &pairs, &arrivals, true)[1]);
    // A model with windows of the same length continues at once.
    let mut swapped = predictor(load("v32"), &pairs);
    run(&mut swapped, &pairs, &arrivals[..200], false);
    swapped.set_model(&pairs[1], third).unwrap();
    let later = run(&mut swapped, &pairs, &arrivals[200..], true);
    assert_eq!(later.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20]);
}

#[test]
fn panel_predictor_allocates_nothing_once_warm() {
    let pairs = pairs(50);
    let series = market(&pairs, 260, |pair, hour| pair % 7 == 3 && hour % 60 == pair);
    let model = MeanModel::new(SignalSpec::market(&pairs, &pairs[0]), 5);
    let mut predictor = predictor(model, &pairs);
    let arrivals = arrivals(&series, 5);
    let (warm_up, rest) = arrivals.split_at(220 * 50);
    run(&mut predictor, &pairs, warm_up, false);
    let mut predictions = 0;
    let memory = allocation_counter::measure(|| {
        for (place, candle) in rest {
            predictions += predictor.on_candle(&pairs[*place], candle).unwrap().predictions.len();
        }
    });
    assert!(predictions > 1_000, "{predictions}");
    assert_eq!(memory.count_total, 0);
}

#[test]
fn panel_predictor_of_mixed_sessions_decides_at_each_close() {
    let pairs = pairs(2);
    let series = market(&pairs, 90, |_, _| false);
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let sessions = [(pairs[0].clone(), minutes(20)), (pairs[1].clone(), minutes(60))];
    let model = load("v32");
    let registry = Registry::default();
    let panel = Panel::with_sessions(&model.spec().signals, Interval::HOUR, &registry, &sessions);
    let mut predictor = PanelPredictor::new(model, panel.unwrap()).unwrap();
    let mut closes = Vec::new();
    for (early, late) in series[0].iter().zip(&series[1]) {
        for (pair, candle) in [(&pairs[0], early), (&pairs[1], late)] {
            for (pair, prediction) in predictor.on_candle(pair, candle).unwrap().predictions {
                closes.push((pair.clone(), prediction.decided_at.millis() % HOUR));
            }
        }
    }
    assert_eq!(closes.len(), 2 * (90 - 44));
    assert!(closes.iter().all(|(pair, at)| *at == if *pair == pairs[0] { HOUR / 3 } else { 0 }));
}
